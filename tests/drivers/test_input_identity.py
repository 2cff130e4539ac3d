"""Which device a configuration means, in a tree of files like the kernel's."""

from pathlib import Path

import pytest

from fakes.input_tree import MEDIA_KEYS, InputTree
from yaoma_drivers.errors import DeviceGone, DeviceReason, DeviceRefused
from yaoma_drivers.input_identity import InputName, attached, find

PHYS = "usb-0000:01:00.0-1.2"
ID_PATH = "platform-fd500000.pcie-pci-0000:01:00.0-usb-0:1.2"


@pytest.fixture
def tree(tmp_path: Path) -> InputTree:
    """Give a tree with a keyboard that nobody has named, a scanner with two interfaces, and one like it elsewhere."""
    tree = InputTree(tmp_path)
    tree.plug(0, phys="usb-0000:01:00.0-1.1/input0", model="046d:c31c", id_path=f"{ID_PATH[:-1]}1:1.0")
    tree.plug(3, serial="S1", phys=f"{PHYS}/input0", id_path=f"{ID_PATH}:1.0", by_id="usb-Scanner_S1")
    tree.plug(4, serial="S1", phys=f"{PHYS}/input1", id_path=f"{ID_PATH}:1.1", keys=MEDIA_KEYS)
    tree.plug(5, serial="S2", phys="usb-0000:01:00.0-1.3/input0", id_path=f"{ID_PATH[:-1]}3:1.0")
    return tree


@pytest.mark.parametrize(
    "name",
    [
        InputName(serial="S1"),
        InputName(port=PHYS),
        InputName(port=f"{PHYS}/input0"),
        InputName(port=ID_PATH),
        InputName(port=f"{ID_PATH}:1.0"),
        InputName(device=Path("/dev/input/by-id/usb-Scanner_S1-event-kbd")),
        InputName(device=Path(f"/dev/input/by-path/{ID_PATH}:1.0-event-kbd")),
        InputName(serial="S1", vendor="0c2e", product="0b61"),
    ],
    ids=str,
)
def test_find_when_a_scanner_is_named_then_it_is_that_one(tree: InputTree, name: InputName) -> None:
    """Serial number, either name of the socket and either link lead to the interface that types."""
    found = find(name, tree.places)
    assert found.node == tree.places.nodes / "event3"
    assert (found.vendor, found.product, found.serial, found.phys) == ("0c2e", "0b61", "S1", f"{PHYS}/input0")


@pytest.mark.parametrize(
    ("name", "kind", "reason"),
    [
        (InputName(serial="S3"), DeviceGone, DeviceReason.ABSENT),
        (InputName(serial="S"), DeviceGone, DeviceReason.ABSENT),
        (InputName(port=PHYS[:-1]), DeviceGone, DeviceReason.ABSENT),
        (InputName(device=Path("/dev/input/by-id/usb-Scanner_S9-event-kbd")), DeviceGone, DeviceReason.ABSENT),
        (InputName(serial="S1", vendor="046d"), DeviceRefused, DeviceReason.WRONG_KIND),
        (InputName(serial="S1", product="c31c"), DeviceRefused, DeviceReason.WRONG_KIND),
        (InputName(port=f"{PHYS}/input1"), DeviceRefused, DeviceReason.WRONG_KIND),
    ],
    ids=str,
)
def test_find_when_it_is_not_there_or_another_kind_then_nothing_similar_is_taken(
    tree: InputTree, name: InputName, kind: type[Exception], reason: DeviceReason
) -> None:
    """Part of a name is no name; another model and an interface with volume keys are refused, not opened."""
    with pytest.raises(kind) as raised:
        find(name, tree.places)
    assert isinstance(raised.value, DeviceGone | DeviceRefused)
    assert (raised.value.reason, raised.value.device) == (reason, str(name))


def test_find_when_two_devices_share_the_name_then_neither_is_taken(tree: InputTree) -> None:
    """Cheap scanners share one serial number: the error names the ports to choose from."""
    tree.plug(9, serial="S1", phys="usb-0000:01:00.0-1.4/input0")
    with pytest.raises(DeviceRefused, match=f"{ID_PATH}:1.0, usb-0000:01:00.0-1.4/input0") as raised:
        find(InputName(serial="S1"), tree.places)
    assert raised.value.reason is DeviceReason.AMBIGUOUS
    assert find(InputName(port="usb-0000:01:00.0-1.4"), tree.places).node.name == "event9"


def test_find_when_a_scanner_comes_back_under_another_number_then_it_is_found(tree: InputTree) -> None:
    """Unplugged it is gone; the event number after replugging does not matter, also if a keyboard has the old one."""
    tree.unplug(3)
    tree.plug(30, phys="usb-0000:01:00.0-1.4/input0", model="046d:c31c")
    for name in (InputName(serial="S1"), InputName(port=PHYS)):
        with pytest.raises(DeviceRefused):
            find(name, tree.places)  # its volume keys alone are still there
    tree.unplug(4)
    for name in (InputName(serial="S1"), InputName(port=PHYS)):
        with pytest.raises(DeviceGone):
            find(name, tree.places)
    tree.plug(7, serial="S1", phys=f"{PHYS}/input0")
    assert find(InputName(serial="S1"), tree.places).node.name == "event7"
    assert find(InputName(port=PHYS), tree.places).node.name == "event7"


def test_find_when_a_scanner_is_on_bluetooth_then_the_radio_is_no_port(tree: InputTree) -> None:
    """All Bluetooth devices have the radio's address as phys, so it names none of them; the serial number does."""
    tree.plug(8, serial="aa:bb:cc:dd:ee:ff", phys="dc:a6:32:00:00:01", bus="0005")
    with pytest.raises(DeviceGone):
        find(InputName(port="dc:a6:32:00:00:01"), tree.places)
    assert find(InputName(serial="aa:bb:cc:dd:ee:ff"), tree.places).node.name == "event8"


def test_attached_when_a_device_goes_while_it_is_read_then_the_others_are_there(tree: InputTree) -> None:
    """A folder of sysfs that has just gone, and one with garbage, disturb nobody; without sysfs there is nothing."""
    (tree.places.sysfs / "event11").symlink_to("nowhere")
    (tree.places.sysfs / "mouse0").symlink_to("nowhere")
    assert [each.node.name for each in attached(tree.places)] == ["event0", "event11", "event3", "event4", "event5"]
    assert find(InputName(serial="S1"), tree.places).node.name == "event3"
    assert attached(InputTree(tree.places.nodes / "empty").places) == []
