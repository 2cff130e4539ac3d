"""What the configuration file may say: every key with its default, unit and limits."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

__all__ = [
    "BrokerConfig",
    "Config",
    "KeysConfig",
    "ListConfig",
    "PolicyConfig",
    "ScannerConfig",
    "StateConfig",
    "StationConfig",
]


def _absolute(path: Path) -> Path:
    if not path.is_absolute():
        raise ValueError("must be an absolute path, beginning with /")
    return path


AbsolutePath = Annotated[Path, AfterValidator(_absolute)]

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$")]


class _Section(BaseModel):
    """Unknown keys are mistakes; nothing changes after the start; an error never quotes what was written."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class StateConfig(_Section):
    """Where records are kept."""

    folder: AbsolutePath = Path("/var/lib/yaoma")
    warn_free_mb: int = Field(default=512, ge=1)
    min_free_mb: int = Field(default=64, ge=1)
    checkpoint_s: float = Field(default=60.0, ge=1, le=3600)


class KeysConfig(_Section):
    """Files with keys; a key itself never stands in the configuration."""

    signing: AbsolutePath = Path("/etc/yaoma/signing.key")
    bridge: AbsolutePath = Path("/etc/yaoma/bridge.vkey")
    list: AbsolutePath = Path("/etc/yaoma/list.vkey")
    seal: tuple[AbsolutePath, ...] = ()
    salt: AbsolutePath | None = None

    @model_validator(mode="after")
    def _seal_and_salt_together(self) -> Self:
        if bool(self.seal) != (self.salt is not None):
            raise ValueError("seal and salt go together: an identity is sealed to keys and hashed with a salt")
        return self


class BrokerConfig(_Section):
    """The MQTT broker; mutual TLS unless `plain` says otherwise."""

    host: str
    port: int = Field(default=8883, ge=1, le=65535)
    plain: bool = False
    authority: AbsolutePath = Path("/etc/yaoma/ca.crt")
    certificate: AbsolutePath = Path("/etc/yaoma/box.crt")
    key: AbsolutePath = Path("/etc/yaoma/box.tls.key")
    keep_alive_s: int = Field(default=30, ge=5, le=1200)


class ListConfig(_Section):
    """The allowlist."""

    file: AbsolutePath = Path("/var/lib/yaoma/list.signed")


class PolicyConfig(_Section):
    """The rules of the place, as far as this version knows them."""

    hold_off_ms: int = Field(default=10_000, ge=0, le=600_000)
    pass_without_list: bool = False
    pass_with_stale_list: bool = False
    pass_with_untrusted_clock: bool = True


class StationConfig(_Section):
    """A place at the counter."""

    name: Name
    scanners: tuple[Name, ...] = Field(min_length=1)


class ScannerConfig(_Section):
    """A scanner, its driver and the driver's own options."""

    name: Name
    driver: Name
    options: dict[str, Any] = Field(default_factory=dict)


class Config(_Section):
    """The whole file."""

    site: Name
    box: Name
    language: Literal["zh-CN", "en"] = "zh-CN"
    control_socket: AbsolutePath = Path("/run/yaoma/control.sock")
    state: StateConfig = StateConfig()
    keys: KeysConfig = KeysConfig()
    broker: BrokerConfig
    allowlist: ListConfig = ListConfig()
    policy: PolicyConfig = PolicyConfig()
    station: tuple[StationConfig, ...] = Field(min_length=1)
    scanner: tuple[ScannerConfig, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _every_scanner_stands_at_one_station(self) -> Self:
        scanners = [one.name for one in self.scanner]
        placed = [name for station in self.station for name in station.scanners]
        for names, what in ((scanners, "scanner"), (placed, "scanner of a station"), (self._stations(), "station")):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"named twice as {what}: {', '.join(twice)}")
        if lost := sorted(set(scanners) - set(placed)):
            raise ValueError(f"at no station: {', '.join(lost)}; add it to the scanners of a [[station]]")
        if unknown := sorted(set(placed) - set(scanners)):
            raise ValueError(f"no such [[scanner]]: {', '.join(unknown)}")
        return self

    def _stations(self) -> list[str]:
        return [station.name for station in self.station]

    def station_of(self) -> dict[str, str]:
        """Give the station of each scanner."""
        return {scanner: station.name for station in self.station for scanner in station.scanners}
