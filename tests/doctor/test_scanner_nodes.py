"""Scanners that are named by socket or serial number: the doctor finds their node and says who may open it."""

import os
import stat
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from fakes.pos_scanner import HidrawTree
from yaoma.config.load import Loaded
from yaoma.doctor.finding import Finding
from yaoma.doctor.host import Account, Host
from yaoma.doctor.scanners import Tried, check_scanners, device_of
from yaoma_drivers import hid_pos
from yaoma_drivers.hid_pos import HidPosOptions

PHYS = "usb-0000:01:00.0-1.2"
SERVICE = Account("yaoma", 12345, frozenset({12345}))
REFUSED = Tried("not_permitted", "our user may not open it")


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HidrawTree:
    """Plug a HID POS scanner into a tree of files, where the driver looks."""
    made = HidrawTree(tmp_path)
    made.plug(3, phys=f"{PHYS}/input0")
    monkeypatch.setattr(hid_pos, "HidrawPlaces", lambda: made.places)
    return made


def examined(tried: Tried) -> Finding:
    """Let the doctor look at one scanner that is named by its socket."""
    scanner = SimpleNamespace(name="gun", driver="hid_pos")
    options = HidPosOptions.model_validate({"port": PHYS})
    loaded = cast("Loaded", SimpleNamespace(config=SimpleNamespace(scanner=[scanner]), options={"gun": options}))
    (finding,) = check_scanners(loaded, SERVICE, Host(), attempt=lambda _: tried)
    return finding


def test_scanner_when_it_is_named_by_its_socket_then_its_node_is_told(tree: HidrawTree) -> None:
    """`/dev/hidraw3` is what a technician can look at; a scanner that is not there has none."""
    assert device_of(HidPosOptions.model_validate({"port": PHYS})) == tree.places.nodes / "hidraw3"
    assert device_of(HidPosOptions.model_validate({"port": "usb-0000:01:00.0-1.4"})) is None
    finding = examined(REFUSED)
    assert finding.id == "doctor.scanner_not_permitted"
    assert finding.facts["device"] == str(tree.places.nodes / "hidraw3")


@pytest.mark.root
def test_scanner_when_udev_gave_it_to_nobody_then_nobody_is_told_to_join_root(tree: HidrawTree) -> None:
    """Without our rules a raw HID device belongs to root alone: the way out is the rules, not a group."""
    node = tree.places.nodes / "hidraw3"
    node.unlink()
    try:
        os.mknod(node, stat.S_IFCHR | 0o600, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("a device node needs root")
    assert examined(REFUSED).id == "doctor.scanner_of_root"
    node.chmod(0o666)
    assert examined(Tried()).id == "doctor.scanner_works"
