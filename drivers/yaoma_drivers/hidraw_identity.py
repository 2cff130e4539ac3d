"""Which HID devices are attached and which scanner a configuration means; from sysfs, without opening any."""

from dataclasses import dataclass, field
from pathlib import Path

from yaoma_drivers.errors import DeviceGone, DeviceReason, DeviceRefused
from yaoma_drivers.input_identity import AttachedInput, InputName
from yaoma_drivers.pos_layout import NotPosError, PosLayout, layout_of
from yaoma_drivers.report_descriptor import MAX_DESCRIPTOR_BYTES, ReportDescriptorError, parse_descriptor

__all__ = ["AttachedHidraw", "HidrawPlaces", "attached_hidraw", "find_hidraw"]

_LINK_ENDING = "-hidraw"


@dataclass(frozen=True, slots=True)
class HidrawPlaces:
    """Where the kernel and udev show raw HID devices.

    Args:
        sysfs: The kernel's class folder.
        nodes: The folder of device nodes.
        links: The folder of stable names, by socket, that our udev rules make.
    """

    sysfs: Path = Path("/sys/class/hidraw")
    nodes: Path = Path("/dev")
    links: Path = Path("/dev/yaoma/by-path")


@dataclass(frozen=True, slots=True)
class AttachedHidraw:
    """One raw HID device as the kernel describes it.

    Args:
        device: Who it is and where it is plugged in.
        descriptor: Its report descriptor.
    """

    device: AttachedInput
    descriptor: bytes = field(repr=False)

    @property
    def node(self) -> Path:
        """Its node, such as /dev/hidraw1; good for opening now, not for remembering."""
        return self.device.node

    def layout(self) -> PosLayout:
        """Return where it puts text in its reports.

        Raises:
            NotPosError: It is no HID POS scanner, or its descriptor is none.
        """
        try:
            return layout_of(parse_descriptor(self.descriptor))
        except ReportDescriptorError as error:
            raise NotPosError(str(error)) from error

    @property
    def is_scanner(self) -> bool:
        """Whether its reports hold decoded data."""
        try:
            self.layout()
        except NotPosError:
            return False
        return True


def attached_hidraw(places: HidrawPlaces) -> list[AttachedHidraw]:
    """Return all raw HID devices that are there now.

    Args:
        places: Where to look.
    """
    id_paths: dict[str, list[str]] = {}
    for link in _entries(places.links):
        if link.name.endswith(_LINK_ENDING):
            id_paths.setdefault(link.resolve().name, []).append(link.name.removesuffix(_LINK_ENDING))
    return [
        _describe(folder, places.nodes / folder.name, tuple(sorted(id_paths.get(folder.name, []))))
        for folder in sorted(_entries(places.sysfs))
    ]


def find_hidraw(name: InputName, places: HidrawPlaces) -> AttachedHidraw:
    """Return the one scanner that is meant; never one that merely looks like it.

    Args:
        name: How the configuration names it.
        places: Where to look.

    Raises:
        DeviceGone: It is not plugged in.
        DeviceRefused: What is there is another model or no HID POS scanner, or several devices go by this name.
    """
    named = [each for each in attached_hidraw(places) if _is_named(each, name, places)]
    if not named:
        raise DeviceGone(str(name), DeviceReason.ABSENT, "is not plugged in")
    fitting = [
        each for each in named if name.vendor in {"", each.device.vendor} and name.product in {"", each.device.product}
    ]
    if not fitting:
        models = ", ".join(sorted({f"{each.device.vendor}:{each.device.product}" for each in named}))
        raise DeviceRefused(str(name), DeviceReason.WRONG_KIND, f"is another model than the configured one ({models})")
    scanners = [each for each in fitting if each.is_scanner]
    if not scanners:
        raise DeviceRefused(
            str(name),
            DeviceReason.WRONG_KIND,
            "is no HID POS scanner: set it to USB HID POS mode by its maker's sheet, or use hid or serial_line",
        )
    if len(scanners) > 1:
        ports = ", ".join((*each.device.id_paths, each.device.phys)[0] for each in scanners)
        raise DeviceRefused(
            str(name), DeviceReason.AMBIGUOUS, f"is the name of several devices: name one port of {ports}"
        )
    return scanners[0]


def _is_named(each: AttachedHidraw, name: InputName, places: HidrawPlaces) -> bool:
    if name.device is not None:
        link = places.links / name.device.name
        return link.exists() and link.resolve().name == each.node.name
    return each.device.serial == name.serial if name.serial else each.device.is_at(name.port)


def _describe(folder: Path, node: Path, id_paths: tuple[str, ...]) -> AttachedHidraw:
    facts = dict(line.partition("=")[::2] for line in _text(folder / "device" / "uevent").splitlines())
    # Bus, vendor, product, the last two as eight digits: 0003:00000C2E:00000B61.
    bus, vendor, product = [*facts.get("HID_ID", "").lower().split(":"), "", "", ""][:3]
    device = AttachedInput(
        node=node,
        bus=bus,
        vendor=vendor[-4:],
        product=product[-4:],
        serial=facts.get("HID_UNIQ", "").strip(),
        phys=facts.get("HID_PHYS", "").strip(),
        id_paths=id_paths,
        types_codes=False,
        model=facts.get("HID_NAME", "").strip(),
    )
    return AttachedHidraw(device, _bytes(folder / "device" / "report_descriptor"))


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _bytes(file: Path) -> bytes:
    """Return what the kernel says in a file; nothing if the device has just gone."""
    try:
        with file.open("rb") as opened:
            return opened.read(MAX_DESCRIPTOR_BYTES + 1)
    except OSError:
        return b""


def _text(file: Path) -> str:
    return _bytes(file).decode("utf-8", errors="replace")
