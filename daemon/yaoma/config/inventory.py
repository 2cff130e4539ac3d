"""Inventory: the scanners that are plugged in, beside those that are configured; nothing is opened."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

from yaoma.config.devices import plugged_in
from yaoma.config.load import Loaded
from yaoma_drivers.errors import DeviceError, DeviceReason
from yaoma_drivers.hid_options import HidOptions
from yaoma_drivers.hidraw_identity import AttachedHidraw, HidrawPlaces, attached_hidraw
from yaoma_drivers.holders import Holder, holders
from yaoma_drivers.input_identity import AttachedInput, InputName, InputPlaces, attached, find

__all__ = [
    "Item",
    "device_named",
    "inventory",
    "lasting_options",
    "port_of",
    "unconfigured_keyboards",
    "unconfigured_pos",
]

_HID: Final = "hid"
_HID_POS: Final = "hid_pos"
_CAMERA: Final = "camera"
_PATH_OPTIONS: Final = ("device", "folder", "file", "path")


@dataclass(frozen=True, slots=True)
class Item:
    """A device that is plugged in, or a configured scanner that is not.

    Args:
        driver: Its driver.
        scanner: The configured name, or empty.
        station: The station that it belongs to, or empty.
        model: What it calls itself, or its USB ids.
        serial: Its serial number, or empty.
        port: The socket, or empty.
        path: Its node or lasting link; empty if it is not plugged in.
        absent: The driver's reason if it is configured and not to be found, or empty.
        held_by: Programs that have it open, as far as this user may see.
    """

    driver: str
    scanner: str = ""
    station: str = ""
    model: str = ""
    serial: str = ""
    port: str = ""
    path: str = ""
    absent: str = ""
    held_by: tuple[Holder, ...] = ()


def inventory(
    loaded: Loaded | None, places: InputPlaces | None = None, dev: Path = Path("/dev"), proc: Path = Path("/proc")
) -> list[Item]:
    """List what is there and what should be.

    Args:
        loaded: The configuration, or None.
        places: Where the kernel shows input devices.
        dev: The folder of devices.
        proc: Where the kernel shows processes.
    """
    inputs = [one for one in attached(places or InputPlaces()) if one.types_codes]
    items, taken = list(_configured(loaded, places or InputPlaces(), proc)), set[Path]()
    taken = {Path(one.path).resolve() for one in items if one.path}
    items += [_typing(one, proc, _HID) for one in inputs if one.node.resolve() not in taken]
    items += [_typing(one.device, proc, _HID_POS) for one in _pos() if one.node.resolve() not in taken]
    # What types and what reports was listed by the kernel's own account.
    others = [Item(one.driver, path=str(one.path)) for one in plugged_in(dev) if one.driver not in {_HID, _HID_POS}]
    others += [Item(_CAMERA, path=str(path)) for path in _cameras(dev)]
    for one in others:
        node = Path(one.path).resolve()
        if node not in taken:
            items.append(Item(one.driver, path=one.path, held_by=holders(node, proc)))
    return items


def unconfigured_keyboards(loaded: Loaded | None, places: InputPlaces | None = None) -> list[AttachedInput]:
    """List what types and is no configured scanner: new scanners, and people's keyboards.

    Args:
        loaded: The configuration, or None.
        places: Where the kernel shows input devices.
    """
    places = places or InputPlaces()
    taken = {found.node for _, found in _found(loaded, places) if isinstance(found, AttachedInput)}
    return [one for one in attached(places) if one.types_codes and one.node not in taken]


def unconfigured_pos(loaded: Loaded | None) -> list[AttachedHidraw]:
    """List the HID POS scanners that are not configured.

    Args:
        loaded: The configuration, or None.
    """
    options = loaded.options.values() if loaded else ()
    taken = {path.resolve() for one in options if (path := _path(one)) is not None}
    return [one for one in _pos() if one.node.resolve() not in taken]


def lasting_options(one: AttachedInput, others: Sequence[AttachedInput] = ()) -> dict[str, Any]:
    """Give options that name a device for good: by its socket, so that one of the same model can be swapped in.

    One that comes by radio has no socket, and one at a socket that cannot be named goes by its serial number.

    Args:
        one: The device.
        others: All that are there, to see whether a serial number is its own.
    """
    ids = {"vendor": one.vendor, "product": one.product}
    port = "" if one.is_wireless else port_of(one)
    if port:
        return {"port": port, **ids}
    if one.serial and sum(other.serial == one.serial for other in others) <= 1:
        return {"serial": one.serial, **ids}
    return {}


def device_named(options: BaseModel) -> str:
    """Give how the options of a driver name its device, as a calibration notes it; empty if they do not.

    Args:
        options: The options.
    """
    name = getattr(options, "name", None)
    return str(name()) if callable(name) else ""


def port_of(one: AttachedInput) -> str:
    """Give the name of the socket without the interface behind it; empty if it has none.

    Args:
        one: The device.
    """
    names = [*one.id_paths, one.phys]
    return next((name for full in names if (name := InputName(port=full).socket) and one.is_at(name)), "")


def _pos() -> list[AttachedHidraw]:
    return [one for one in attached_hidraw(HidrawPlaces()) if one.is_scanner]


def _found(loaded: Loaded | None, places: InputPlaces) -> Iterator[tuple[str, AttachedInput | DeviceReason]]:
    for name, options in (loaded.options if loaded else {}).items():
        if not isinstance(options, HidOptions):
            continue
        try:
            yield name, find(options.name(), places)
        except DeviceError as error:
            yield name, error.reason


def _configured(loaded: Loaded | None, places: InputPlaces, proc: Path) -> Iterator[Item]:
    if loaded is None:
        return
    stations, found = loaded.config.station_of(), dict(_found(loaded, places))
    for one in loaded.config.scanner:
        station, there = stations.get(one.name, ""), found.get(one.name)
        if isinstance(there, AttachedInput):
            yield _typing(there, proc, one.driver, one.name, station)
        elif there is not None:
            yield Item(one.driver, one.name, station, absent=there.value)
        else:
            options = loaded.options[one.name]
            path = _path(options)
            is_there = path is not None and path.exists()
            yield Item(
                one.driver,
                one.name,
                station,
                path=str(path) if is_there else "",
                absent="" if is_there else DeviceReason.ABSENT.value,
                held_by=holders(path.resolve(), proc) if path is not None and is_there else (),
            )


def _path(options: BaseModel) -> Path | None:
    """Give the path that options name, or the node that `node()` finds by serial number or socket."""
    named = next((got for name in _PATH_OPTIONS if isinstance(got := getattr(options, name, None), Path)), None)
    node = getattr(options, "node", None)
    asked = node() if named is None and callable(node) else None
    return asked if isinstance(asked, Path) else named


def _typing(one: AttachedInput, proc: Path, driver: str, scanner: str = "", station: str = "") -> Item:
    return Item(
        driver,
        scanner,
        station,
        model=one.model or f"{one.vendor}:{one.product}",
        serial=one.serial,
        port="" if one.is_wireless else port_of(one),
        path=str(one.node),
        held_by=holders(one.node, proc),
    )


def _cameras(dev: Path) -> list[Path]:
    try:
        return sorted(one for one in (dev / "v4l/by-id").iterdir() if one.name.endswith("-video-index0"))
    except OSError:
        return []
