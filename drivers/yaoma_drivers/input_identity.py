"""Which input devices are attached and which one a configuration means; from sysfs, without opening any."""

import re
from dataclasses import dataclass
from pathlib import Path

from yaoma_drivers.errors import DeviceGone, DeviceReason, DeviceRefused

__all__ = ["AttachedInput", "InputName", "InputPlaces", "attached", "find"]

_BLUETOOTH = "0005"

#: The digits and Enter: what lacks them types no codes. Of several interfaces of one scanner it tells the right one.
_TYPING_KEYS = sum(1 << code for code in (*range(2, 12), 28))

_INTERFACE = re.compile(r":\d+\.\d+$")
_INPUT_NUMBER = re.compile(r"/input\d+$")


@dataclass(frozen=True, slots=True)
class InputPlaces:
    """Where the kernel and udev show input devices.

    Args:
        sysfs: The kernel's class folder.
        nodes: The folder of device nodes, with `by-id` and `by-path` in it.
    """

    sysfs: Path = Path("/sys/class/input")
    nodes: Path = Path("/dev/input")


@dataclass(frozen=True, slots=True)
class InputName:
    """How a configuration names one scanner: exactly one of the first three (SCANNERS.md 1.5).

    Args:
        serial: Its serial number, where the model has one of its own.
        port: The socket: `ID_PATH` of udev or `phys` of the kernel, with or without the interface at the end.
        device: A link below /dev/input/by-id or by-path.
        vendor: Its USB vendor id, four hex digits, or empty.
        product: Its USB product id, four hex digits, or empty.
    """

    serial: str = ""
    port: str = ""
    device: Path | None = None
    vendor: str = ""
    product: str = ""

    @property
    def socket(self) -> str:
        """The port without the interface behind it: two interfaces of one scanner share it."""
        return _INPUT_NUMBER.sub("", _INTERFACE.sub("", self.port))

    def __str__(self) -> str:
        if self.device is not None:
            return str(self.device)
        return f"serial {self.serial}" if self.serial else f"port {self.port}"


@dataclass(frozen=True, slots=True)
class AttachedInput:
    """One event device as the kernel describes it.

    Args:
        node: Its node, such as /dev/input/event3; good for opening now, not for remembering.
        bus: Its bus, four hex digits.
        vendor: Vendor id, four hex digits.
        product: Product id, four hex digits.
        serial: Serial number, or empty.
        phys: The kernel's words for the socket, such as `usb-0000:01:00.0-1.2/input0`, or empty.
        id_paths: udev's words for it, such as `pci-0000:01:00.0-usb-0:1.2:1.0`.
        types_codes: Whether it has digits and Enter.
        model: What it calls itself, or empty.
    """

    node: Path
    bus: str
    vendor: str
    product: str
    serial: str
    phys: str
    id_paths: tuple[str, ...]
    types_codes: bool
    model: str = ""

    @property
    def is_wireless(self) -> bool:
        """It comes by Bluetooth: it sleeps, and the radio is no port of its own."""
        return self.bus == _BLUETOOTH

    def is_at(self, port: str) -> bool:
        """Tell whether it is plugged into a socket; all devices on Bluetooth share one, which names none of them."""
        names = {self.phys, _INPUT_NUMBER.sub("", self.phys)} if self.bus != _BLUETOOTH else set()
        for id_path in self.id_paths:
            names |= {id_path, _INTERFACE.sub("", id_path)}
        return port in names


def attached(places: InputPlaces) -> list[AttachedInput]:
    """Return all event devices that are there now.

    Args:
        places: Where to look.
    """
    id_paths: dict[str, list[str]] = {}
    for link in _entries(places.nodes / "by-path"):
        id_paths.setdefault(link.resolve().name, []).append(link.name.rpartition("-event")[0])
    return [
        _describe(folder, places.nodes / folder.name, tuple(sorted(filter(None, id_paths.get(folder.name, [])))))
        for folder in sorted(_entries(places.sysfs))
        if folder.name.startswith("event")
    ]


def find(name: InputName, places: InputPlaces) -> AttachedInput:
    """Return the one device that is meant; never one that merely looks like it.

    Args:
        name: How the configuration names it.
        places: Where to look.

    Raises:
        DeviceGone: It is not plugged in.
        DeviceRefused: What is there is another model or types no codes, or several devices go by this name.
    """
    named = [each for each in attached(places) if _is_named(each, name, places)]
    if not named:
        raise DeviceGone(str(name), DeviceReason.ABSENT, "is not plugged in")
    fitting = [each for each in named if name.vendor in {"", each.vendor} and name.product in {"", each.product}]
    if not fitting:
        models = ", ".join(sorted({f"{each.vendor}:{each.product}" for each in named}))
        raise DeviceRefused(str(name), DeviceReason.WRONG_KIND, f"is another model than the configured one ({models})")
    typing = [each for each in fitting if each.types_codes]
    if not typing:
        raise DeviceRefused(
            str(name), DeviceReason.WRONG_KIND, "types no codes: set the scanner to keyboard mode, or use serial_line"
        )
    if len(typing) > 1:
        ports = ", ".join(each.id_paths[0] if each.id_paths else each.phys for each in typing)
        raise DeviceRefused(
            str(name), DeviceReason.AMBIGUOUS, f"is the name of several devices: name one port of {ports}"
        )
    return typing[0]


def _is_named(each: AttachedInput, name: InputName, places: InputPlaces) -> bool:
    if name.device is not None:
        link = places.nodes / name.device.parent.name / name.device.name
        return link.exists() and link.resolve().name == each.node.name
    if not name.serial:
        return each.is_at(name.port)
    # A radio's address is the same number in either case.
    return each.serial == name.serial or (each.is_wireless and each.serial.lower() == name.serial.lower())


def _describe(folder: Path, node: Path, id_paths: tuple[str, ...]) -> AttachedInput:
    device = folder / "device"
    words = _read(device / "capabilities" / "key").split()
    # The last word has the lowest keys, whether the kernel writes 32 or 64 bits in each.
    keys = int(words[-1], 16) if words else 0
    return AttachedInput(
        node=node,
        bus=_read(device / "id" / "bustype"),
        vendor=_read(device / "id" / "vendor"),
        product=_read(device / "id" / "product"),
        serial=_read(device / "uniq"),
        phys=_read(device / "phys"),
        id_paths=id_paths,
        types_codes=keys & _TYPING_KEYS == _TYPING_KEYS,
        model=_read(device / "name"),
    )


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _read(file: Path) -> str:
    """Return what the kernel says in a file; nothing if the device has just gone."""
    try:
        return file.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
