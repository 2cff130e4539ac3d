"""Last good: the configuration with which the box last got ready, kept in the state folder (DESIGN.md 11)."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from yaoma.config.calibration_file import read_calibration
from yaoma.config.judge import CalibrationOf
from yaoma.config.load import Reading, read
from yaoma.config.model import BrokerConfig, Config, StateConfig
from yaoma.config.syntax import salvage
from yaoma_link.keyfile import write_public

__all__ = ["LAST_GOOD", "Identity", "identity_of", "keep_last_good", "last_good"]

log = logging.getLogger("yaoma.config")

LAST_GOOD: Final = "config.last-good.toml"

#: Copies of the scanners' calibration files, which belong to the configuration.
_CALIBRATIONS: Final = "scanners.last-good"


@dataclass(frozen=True, slots=True)
class Identity:
    """What makes it the same box at the same place: an older configuration may stand in only if all of it is equal.

    Args:
        site: The institution's code.
        box: The device id.
        host: The broker's name.
        port: Its port.
        plain: Whether TLS is off.
    """

    site: str
    box: str
    host: str
    port: int
    plain: bool


def identity_of(fields: Mapping[str, object]) -> Identity | None:
    """Give the identity in a file that may have mistakes elsewhere; None if a part of it can't be read.

    Args:
        fields: The file's keys and values.
    """
    broker = fields.get("broker")
    if not isinstance(broker, Mapping):
        return None
    address = {name: value for name, value in broker.items() if name in {"host", "port", "plain"}}
    try:
        checked = BrokerConfig.model_validate(address)
    except ValidationError:
        return None
    site, box = fields.get("site"), fields.get("box")
    if not isinstance(site, str) or not isinstance(box, str):
        return None
    return Identity(site, box, checked.host, checked.port, checked.plain)


def last_good(reading: Reading) -> Reading | None:
    """Find the configuration that may stand in for one that can't be used.

    The state folder is the one that the file names, as far as it can be read, else the default one.

    Args:
        reading: The file that can't be used.
    """
    fields = reading.fields if reading.fields is not None else salvage(reading.text or "")
    identity = identity_of(fields)
    if identity is None:
        return None
    for folder in dict.fromkeys((_state_folder(fields), StateConfig().folder)):
        kept = read(folder / LAST_GOOD, _kept_calibration(folder))
        if kept.loaded is not None and kept.fields is not None and identity_of(kept.fields) == identity:
            return kept
    return None


def keep_last_good(reading: Reading, config: Config) -> None:
    """Keep a copy of the file with which the box got ready; a disk that refuses is no reason to stop.

    Args:
        reading: The file.
        config: What it says.
    """
    folder = config.state.folder
    kept = {folder / LAST_GOOD: reading.raw}
    try:
        for scanner in config.scanner:
            if scanner.calibration is not None:
                kept[_place(folder, scanner.name)] = scanner.calibration.read_bytes()
        # The configuration last: what it names is there before it.
        for file, raw in reversed(kept.items()):
            if not file.exists() or file.read_bytes() != raw:
                write_public(file, raw, replace=True)
    except OSError as error:
        log.warning("this configuration could not be kept as last good one: error=%s", error.strerror)


def _kept_calibration(folder: Path) -> CalibrationOf:
    return lambda scanner, _: read_calibration(_place(folder, scanner))


def _place(folder: Path, scanner: str) -> Path:
    return folder / _CALIBRATIONS / f"{scanner}.toml"


def _state_folder(fields: Mapping[str, object]) -> Path:
    state = fields.get("state")
    folder = state.get("folder") if isinstance(state, Mapping) else None
    try:
        return StateConfig.model_validate({} if folder is None else {"folder": folder}).folder
    except ValidationError:
        return StateConfig().folder
