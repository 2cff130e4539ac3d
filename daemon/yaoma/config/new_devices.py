"""New devices: what is plugged in, may be a scanner and is none of the configured ones; nothing is opened."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from yaoma.config.inventory import inventory, lasting_options, port_of, unconfigured_keyboards, unconfigured_pos
from yaoma.config.load import Loaded
from yaoma_drivers.input_identity import AttachedInput

__all__ = ["NewDevice", "new_devices"]

_SERIAL = "serial_line"


@dataclass(frozen=True, slots=True)
class NewDevice:
    """One device, as a technician may name it.

    Args:
        driver: The driver for its kind.
        options: The options that name it for good; empty if it has neither a socket nor a serial number of its own.
        names: Everything it goes by.
        described: One line about it.
        typed: What the kernel says of it, if it types.
    """

    driver: str
    options: dict[str, Any]
    names: frozenset[str]
    described: str
    typed: AttachedInput | None = None


def new_devices(loaded: Loaded | None, dev: Path = Path("/dev")) -> list[NewDevice]:
    """List them: what types, then HID POS scanners, then serial lines.

    Args:
        loaded: The configuration, or None.
        dev: The folder of devices.
    """
    keyboards, pos = unconfigured_keyboards(loaded), [one.device for one in unconfigured_pos(loaded)]
    found = [_of_usb("hid", one, keyboards, typed=one) for one in keyboards]
    found += [_of_usb("hid_pos", one, pos) for one in pos]
    return [*found, *_lines(loaded, dev)]


def _of_usb(
    driver: str, one: AttachedInput, others: list[AttachedInput], typed: AttachedInput | None = None
) -> NewDevice:
    names = {str(one.node), one.node.name, one.phys, port_of(one), one.serial, *one.id_paths} - {""}
    known = [one.model or f"{one.vendor}:{one.product}", port_of(one) or one.phys, one.serial, str(one.node)]
    described = "  ".join(part for part in known if part)
    return NewDevice(driver, lasting_options(one, others), frozenset(names), described, typed)


def _lines(loaded: Loaded | None, dev: Path) -> Iterator[NewDevice]:
    """Name serial lines by their socket, so that one of the same model can take the place."""
    for item in inventory(loaded, dev=dev):
        if item.driver != _SERIAL or item.scanner:
            continue
        node = Path(item.path).resolve()
        by_path = next((one for one in _links(dev / "serial/by-path") if one.resolve() == node), Path(item.path))
        names = frozenset({item.path, str(by_path), by_path.name, str(node), node.name})
        yield NewDevice(_SERIAL, {"device": str(by_path)}, names, f"{Path(item.path).name}  {node}")


def _links(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []
