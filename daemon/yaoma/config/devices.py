"""Devices: scanners that are plugged in now, by names that stay the same when they are plugged in again."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from yaoma_drivers import registry
from yaoma_drivers.errors import DriverError

__all__ = ["Device", "plugged_in", "scanner_of"]

_SERIAL: Final = "serial_line"
_KEYBOARD: Final = "hid"
_CAMERA: Final = "camera"
_POS: Final = "hid_pos"

#: Folders of lasting names (SCANNERS.md 1.5): by the device's own serial number first, by the socket second.
_FOLDERS: Final = (
    ("serial/by-id", _SERIAL, ""),
    ("serial/by-path", _SERIAL, ""),
    ("input/by-id", _KEYBOARD, "-event-kbd"),
    ("input/by-path", _KEYBOARD, "-event-kbd"),
    ("yaoma/by-path", _POS, "-hidraw"),
)

#: Where drivers keep the path of their device.
_PATH_OPTIONS: Final = ("device", "file", "path", "folder")


@dataclass(frozen=True, slots=True)
class Device:
    """A device that may be a scanner.

    Args:
        path: Its lasting name.
        driver: The driver for its kind.
    """

    path: Path
    driver: str


def plugged_in(dev: Path = Path("/dev")) -> list[Device]:
    """List serial devices, keyboards that this user may read, and HID POS scanners; each once.

    Args:
        dev: The folder of devices; for tests.
    """
    found: dict[Path, Device] = {}
    drivers = registry.known()
    for path, driver in _lasting_names(dev):
        is_readable = driver != _KEYBOARD or os.access(path, os.R_OK)
        if driver in drivers and is_readable:
            found.setdefault(path.resolve(), Device(path, driver))
    return list(found.values())


def scanner_of(answer: str) -> dict[str, Any]:
    """Give driver and options for what a technician names: a path, or `DRIVER:PATH`.

    Args:
        answer: Such as `/dev/serial/by-id/...`, `/dev/input/by-id/...`, `/dev/yaoma/by-path/...`, a folder of pictures,
            or `replay:/file`.
    """
    driver, colon, path = answer.partition(":")
    if not colon or "/" in driver:
        driver, path = _driver_for(answer), answer
    try:
        known = registry.load(driver).Options.model_fields
    except DriverError:
        known = {}
    names = ("folder", *_PATH_OPTIONS) if Path(path).is_dir() else _PATH_OPTIONS
    option = next((name for name in names if name in known), _PATH_OPTIONS[0])
    return {"driver": driver, "options": {option: path}}


def _driver_for(path: str) -> str:
    if path.startswith("/dev/input/"):
        return _KEYBOARD
    if path.startswith("/dev/yaoma/"):
        return _POS
    return _CAMERA if Path(path).is_dir() else _SERIAL


def _lasting_names(dev: Path) -> Iterator[tuple[Path, str]]:
    for folder, driver, ending in _FOLDERS:
        try:
            names = sorted((dev / folder).iterdir())
        except OSError:
            continue
        yield from ((name, driver) for name in names if name.name.endswith(ending))
