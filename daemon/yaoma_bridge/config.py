"""Config: one TOML file into frozen models; every error names the key, never the value."""

import os
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from yaoma.core.note import NoteError, Signer
from yaoma.core.report_facts import DESPATCH
from yaoma_bridge.centre_facts import CentreFacts
from yaoma_bridge.config_tables import FleetTable, MetricsTable, ReportTable, Section, resolved
from yaoma_bridge.errors import ConfigError
from yaoma_bridge.platform import Pace
from yaoma_bridge.registry import Registry
from yaoma_bridge.routing import Route
from yaoma_bridge.store import StorePlace, is_postgres
from yaoma_link.endpoint import Endpoint, TlsFiles

__all__ = ["STORE_VARIABLE", "BridgeConfig", "read_config", "read_signer"]

#: Of the environment: names the store instead of the file, such as for a password that shall stand in no file.
STORE_VARIABLE: Final = "YAOMA_BRIDGE_STORE"


class TlsTable(Section):
    """`[broker.tls]`: the three PEM files of mutual TLS."""

    authority: Path
    certificate: Path
    key: Path

    _resolve = field_validator("authority", "certificate", "key")(resolved)


class BrokerTable(Section):
    """`[broker]`: where the broker is, and how many batches may wait for one commit."""

    host: str
    port: Annotated[int, Field(ge=1, le=65535)] = 8883
    keep_alive_s: Annotated[int, Field(ge=5, le=3600)] = 30
    group: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,31}$")] = "bridge"
    waiting_batches: Annotated[int, Field(ge=1, le=1000)] = 100
    tls: TlsTable | None = None

    def endpoint(self) -> Endpoint:
        """Give the broker's address for a session.

        Raises:
            ConfigError: If it can't be one.
        """
        tls = None if self.tls is None else TlsFiles(self.tls.authority, self.tls.certificate, self.tls.key)
        try:
            return Endpoint(self.host, self.port, tls, keep_alive_s=self.keep_alive_s)
        except ValueError as error:
            raise ConfigError(f"broker.{error}", "Correct the key") from None


class StoreTable(Section):
    """`[store]`: the bridge's one file, or the address of its database."""

    path: Path | None = None
    url: Annotated[str, Field(pattern=r"^postgres(ql)?://")] | None = None
    claim_s: Annotated[int, Field(ge=1, le=600)] = 30
    unsigned_after_s: Annotated[int, Field(ge=1, le=30 * 86_400)] = 600

    _resolve = field_validator("path")(resolved)

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.path is None) == (self.url is None):
            raise ValueError("name either path or url")
        return self

    @property
    def place(self) -> StorePlace:
        """Where the store is."""
        place = self.url if self.path is None else self.path
        assert place is not None
        return place


class KeysTable(Section):
    """`[keys]`: the key that signs receipts, and the name that boxes know it by."""

    signing_key: Path
    name: Annotated[str, Field(pattern=r"^[!-*,-~]{1,128}$")] = "yaoma-bridge"

    _resolve = field_validator("signing_key")(resolved)


class RegistryTable(Section):
    """`[registry]`: the folder with one `<site>.<box>.vkey` per box."""

    folder: Path

    _resolve = field_validator("folder")(resolved)


class ClockTable(Section):
    """`[clock]`: what happens to records of a boot whose clock is not trusted."""

    untrusted: Literal["hold", "send"] = "hold"


class InstitutionsTable(Section):
    """`[institutions]`: the folder with one `<site>.toml` per institution."""

    folder: Path

    _resolve = field_validator("folder")(resolved)


class ProductsTable(Section):
    """`[products]`: what the centre knows of products and lots: a release's products file, and CSV files."""

    table: Path | None = None
    facts: Path | None = None
    lots: Path | None = None

    _resolve = field_validator("table", "facts", "lots")(
        lambda value, info: value if value is None else resolved(value, info)
    )


class PaceTable(Section):
    """`[destination.pace]`: what is to differ from the platform's own pace."""

    calls_per_s: Annotated[float, Field(ge=0, le=1000)] | None = None
    burst: Annotated[int, Field(ge=1, le=1000)] | None = None
    at_once: Annotated[int, Field(ge=1, le=64)] | None = None
    first_ask_s: Annotated[float, Field(gt=0, le=3600)] | None = None
    longest_ask_s: Annotated[float, Field(gt=0, le=86_400)] | None = None
    give_up_s: Annotated[float, Field(gt=0, le=30 * 86_400)] | None = None

    def over(self, pace: Pace) -> Pace:
        """Give a platform's pace with what differs."""
        return replace(pace, **{name: value for name, value in self if value is not None})


class DestinationTable(BaseModel):
    """`[[destination]]`: name, kind, and of a platform its route and pace; the rest is checked by the kind."""

    model_config = ConfigDict(extra="allow", frozen=True, hide_input_in_errors=True)

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,30}$")]
    kind: str
    route: Route = Route()
    pace: PaceTable = PaceTable()


class BridgeConfig(Section):
    """The whole file."""

    broker: BrokerTable
    store: StoreTable
    keys: KeysTable
    registry: RegistryTable
    clock: ClockTable = ClockTable()
    institutions: InstitutionsTable | None = None
    products: ProductsTable = ProductsTable()
    report: ReportTable = ReportTable()
    metrics: MetricsTable | None = None
    fleet: FleetTable | None = None
    destination: tuple[DestinationTable, ...] = ()

    @field_validator("destination")
    @classmethod
    def _names_differ(cls, tables: tuple[DestinationTable, ...]) -> tuple[DestinationTable, ...]:
        if len({table.name for table in tables}) != len(tables):
            raise ValueError("two destinations have the same name")
        if any(table.name == DESPATCH for table in tables):
            raise ValueError(f"{DESPATCH} is the name of what receivers answer to despatch notes")
        return tables

    def facts(self) -> CentreFacts:
        """Make what is looked up of institutions and products.

        Raises:
            ConfigError: If a folder or file that is named is not there.
        """
        folder = None if self.institutions is None else self.institutions.folder
        for key, path, is_there in (
            ("institutions.folder", folder, Path.is_dir),
            ("products.table", self.products.table, Path.is_file),
            ("products.facts", self.products.facts, Path.is_file),
        ):
            if path is not None and not is_there(path):
                raise ConfigError(f"{key}: {path} is not there", "Correct the key, or take it out")
        registry = Registry(self.registry.folder)
        return CentreFacts(folder, self.products.table, self.products.facts, self.products.lots, registry)


def read_config(path: Path) -> BridgeConfig:
    """Read the configuration; relative paths in it start at its folder.

    Raises:
        ConfigError: If it can't be read, is no TOML, or a key is missing, unknown or wrong.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}", "Name the file with --config") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: is not UTF-8 text", "Save it as UTF-8") from None
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: {error}", "Correct that line") from None
    if instead := os.environ.get(STORE_VARIABLE):
        named = tables.get("store")
        kept = (
            {key: value for key, value in named.items() if key not in {"path", "url"}}
            if isinstance(named, dict)
            else {}
        )
        tables["store"] = {**kept, ("url" if is_postgres(instead) else "path"): instead}
    try:
        return BridgeConfig.model_validate(tables, context={"folder": path.absolute().parent})
    except ValidationError as error:
        lines = [
            f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}"
            for one in error.errors(include_input=False, include_url=False)
        ]
        raise ConfigError(f"{path}: {'; '.join(lines)}", "Correct these keys") from None


def read_signer(keys: KeysTable) -> Signer:
    """Read the key that signs receipts.

    Raises:
        ConfigError: If the file can't be read, or holds no Ed25519 key in PEM.
    """
    path, hint = keys.signing_key, "Make one with `openssl genpkey -algorithm ed25519`"
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except OSError as error:
        raise ConfigError(f"keys.signing_key: {path.name}: {error.strerror}", hint) from None
    except (ValueError, TypeError):
        raise ConfigError(f"keys.signing_key: {path.name} holds no open PEM key", hint) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError(f"keys.signing_key: {path.name} holds no Ed25519 key", hint)
    try:
        return Signer(keys.name, key)
    except NoteError as error:
        raise ConfigError(f"keys.name: {error}", "Correct the key") from None
