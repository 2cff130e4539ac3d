"""The script that makes the board a keyboard, in a folder that stands for configfs (tests/hil has the real one)."""

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "systemd" / "gadget.sh"


def run(root: Path, verb: str) -> subprocess.CompletedProcess[str]:
    """Run it on a folder."""
    environment = {**os.environ, "YAOMA_CONFIGFS": str(root / "config"), "YAOMA_CONTROLLERS": str(root / "udc")}
    return subprocess.run([SCRIPT, verb], env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def board(tmp_path: Path) -> Path:
    """A board whose USB port can be a device."""
    (tmp_path / "config/usb_gadget").mkdir(parents=True)
    (tmp_path / "udc/fe980000.usb").mkdir(parents=True)
    return tmp_path


def test_start_when_the_board_can_be_a_device_then_it_is_a_boot_keyboard(board: Path) -> None:
    """The descriptor is the one of the standard: 8 bytes out, lamps back."""
    done = run(board, "start")
    gadget = board / "config/usb_gadget/yaoma"
    keyboard = gadget / "functions/hid.keyboard"
    descriptor = (keyboard / "report_desc").read_bytes()

    assert (0, "") == (done.returncode, done.stderr)
    assert "fe980000.usb\n" == (gadget / "UDC").read_text()
    assert ("1\n", "1\n", "8\n") == tuple(
        (keyboard / name).read_text() for name in ("protocol", "subclass", "report_length")
    )
    # Usage page desktop, usage keyboard, application; modifiers, keys and lamps on their pages; the end.
    assert descriptor.startswith(bytes.fromhex("05 01 09 06 a1 01 05 07 19 e0 29 e7"))
    assert bytes.fromhex("05 08 19 01 29 05 91 02") in descriptor
    assert descriptor.endswith(bytes.fromhex("05 07 19 00 29 65 81 00 c0"))
    assert 63 == len(descriptor)
    assert keyboard == (gadget / "configs/c.1/hid.keyboard").readlink()


def test_start_when_it_runs_already_then_nothing_is_changed(board: Path) -> None:
    """A till does not lose its keyboard because somebody starts the unit again."""
    run(board, "start")
    written = board / "config/usb_gadget/yaoma/idVendor"
    written.write_text("untouched")

    assert 0 == run(board, "start").returncode
    assert "untouched" == written.read_text()


def test_start_when_no_port_can_be_a_device_then_the_overlay_is_named(board: Path) -> None:
    """What a technician meets first on a Raspberry Pi."""
    (board / "udc/fe980000.usb").rmdir()
    done = run(board, "start")

    assert 1 == done.returncode
    assert "dtoverlay=dwc2" in done.stderr


def test_stop_when_nothing_was_started_then_it_is_no_mistake(board: Path) -> None:
    """And another word is one."""
    assert 0 == run(board, "stop").returncode
    assert 2 == run(board, "again").returncode
