"""Which raw HID device a configuration means, in a tree of files as the kernel shows it."""

from pathlib import Path

import pytest

from fakes.pos_scanner import BOOT_KEYBOARD, HidrawTree
from yaoma_drivers.errors import DeviceGone, DeviceReason, DeviceRefused
from yaoma_drivers.hidraw_identity import attached_hidraw, find_hidraw
from yaoma_drivers.input_identity import InputName

PHYS = "usb-0000:01:00.0-1.2"
ID_PATH = "pci-0000:01:00.0-usb-0:1.2"


@pytest.fixture
def tree(tmp_path: Path) -> HidrawTree:
    """Give a machine with a keyboard, and a scanner with two interfaces of which the second reports codes."""
    made = HidrawTree(tmp_path)
    made.plug(0, descriptor=BOOT_KEYBOARD, phys="usb-0000:01:00.0-1.1/input0", model="046d:c31c", serial="K1")
    made.plug(1, descriptor=BOOT_KEYBOARD, phys=f"{PHYS}/input0", serial="S1", id_path=f"{ID_PATH}:1.0")
    made.plug(2, phys=f"{PHYS}/input1", serial="S1", id_path=f"{ID_PATH}:1.1")
    return made


def test_attached_when_looked_at_then_the_kernels_words_are_known(tree: HidrawTree) -> None:
    """Bus, model, serial number and socket come from uevent, the reports from report_descriptor."""
    keyboard, _, scanner = attached_hidraw(tree.places)
    assert (scanner.device.bus, scanner.device.vendor, scanner.device.product) == ("0003", "0c2e", "0b62")
    assert (scanner.device.serial, scanner.device.phys, scanner.device.model) == ("S1", f"{PHYS}/input1", "Scanner")
    assert scanner.device.id_paths == (f"{ID_PATH}:1.1",)
    assert (keyboard.is_scanner, scanner.is_scanner) == (False, True)
    assert "\\x05" not in repr(scanner)


@pytest.mark.parametrize(
    "name",
    [
        InputName(serial="S1"),
        InputName(port=PHYS),
        InputName(port=f"{PHYS}/input1"),
        InputName(port=ID_PATH),
        InputName(port=f"{ID_PATH}:1.1", vendor="0c2e", product="0b62"),
        InputName(device=Path(f"/dev/yaoma/by-path/{ID_PATH}:1.1-hidraw")),
    ],
)
def test_find_when_it_is_named_then_the_interface_that_reports_codes_is_taken(
    tree: HidrawTree, name: InputName
) -> None:
    """By serial number, by socket in either spelling, by the link of our rules."""
    assert find_hidraw(name, tree.places).node == tree.places.nodes / "hidraw2"


@pytest.mark.parametrize(
    ("name", "error", "reason", "words"),
    [
        (InputName(serial="S2"), DeviceGone, DeviceReason.ABSENT, "not plugged in"),
        (InputName(serial="K1"), DeviceRefused, DeviceReason.WRONG_KIND, "USB HID POS mode"),
        (InputName(serial="S1", vendor="05e0"), DeviceRefused, DeviceReason.WRONG_KIND, "0c2e:0b62"),
        (InputName(device=Path("/dev/yaoma/by-path/x-hidraw")), DeviceGone, DeviceReason.ABSENT, "not plugged in"),
    ],
)
def test_find_when_it_is_not_there_or_not_that_then_the_sentence_says_so(
    tree: HidrawTree, name: InputName, error: type[DeviceGone | DeviceRefused], reason: DeviceReason, words: str
) -> None:
    """Nothing is opened that merely looks like the scanner, a keyboard least of all."""
    with pytest.raises(error, match=words) as raised:
        find_hidraw(name, tree.places)
    assert raised.value.reason is reason


def test_find_when_two_go_by_the_name_then_none_is_guessed(tree: HidrawTree) -> None:
    """Cheap scanners share their serial number; the socket tells them apart."""
    tree.plug(3, phys="usb-0000:01:00.0-1.3/input0", serial="S1")
    with pytest.raises(DeviceRefused, match=r"1\.3") as raised:
        find_hidraw(InputName(serial="S1"), tree.places)
    assert raised.value.reason is DeviceReason.AMBIGUOUS
    assert find_hidraw(InputName(port="usb-0000:01:00.0-1.3"), tree.places).node.name == "hidraw3"


def test_find_when_files_are_damaged_or_gone_then_nothing_fails(tree: HidrawTree) -> None:
    """A device that goes while it is looked at has no words; one that talks nonsense is no scanner."""
    tree.plug(4, descriptor=b"\xff" * 5000, serial="\udcff".encode("utf-8", "surrogateescape").decode("latin-1"))
    (tree.places.sysfs / "hidraw5").mkdir()
    assert [each.is_scanner for each in attached_hidraw(tree.places)] == [False, False, True, False, False]
    with pytest.raises(DeviceGone):
        find_hidraw(InputName(serial="S9"), tree.places)
