"""The HID POS driver: reports through a pair of sockets into the real shell, devices in a tree of files."""

import errno
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from fakes.listener import Listener
from fakes.pos_scanner import BOOT_KEYBOARD, LINUX_UHID, HidrawTree, PosScanner, text_report
from yaoma_drivers import hidraw_device
from yaoma_drivers.driver import Driver, Showing
from yaoma_drivers.errors import DeviceBusy, DeviceGone, DeviceReason, DeviceRefused
from yaoma_drivers.hid_pos import HidPosDriver, HidPosOptions
from yaoma_drivers.hidraw_identity import AttachedHidraw, attached_hidraw
from yaoma_drivers.pos_layout import PosReport
from yaoma_drivers.report_descriptor import ReportKind
from yaoma_drivers.signal import Signal
from yaoma_drivers.stop import Stop
from yaoma_drivers.symbol import ReadFault

CODE = b"81234567890123456789"
PHYS = "usb-0000:01:00.0-1.2"
ERROR, GOOD_READ, NOT_ON_FILE = b"\x04\x01", b"\x04\x02", b"\x04\x04"
Listen = Callable[[Driver], Listener]
Opened = Callable[[AttachedHidraw], hidraw_device.HidrawDevice]


class Plug:
    """A machine with a keyboard and a scanner, and the kernel's answers to opening it."""

    def __init__(self, tree: HidrawTree) -> None:
        self.tree = tree
        self.scanner = PosScanner()
        self.answers: list[int] = []
        self.openings: list[AttachedHidraw] = []

    def open(self, found: AttachedHidraw) -> hidraw_device.HidrawDevice:
        """Stand in for `open_hidraw`: answer with an error number, or open."""
        self.openings.append(found)
        if self.answers:
            number = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            if number:
                raise OSError(number, os.strerror(number))
        return self.scanner.open(found)


@pytest.fixture
def plug(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Plug]:
    """Plug a scanner into a tree of files; what opens it is replaced."""
    tree = HidrawTree(tmp_path)
    tree.plug(0, descriptor=BOOT_KEYBOARD, phys="usb-0000:01:00.0-1.1/input0", model="046d:c31c")
    tree.plug(1, serial="S1", phys=f"{PHYS}/input0")
    plugged = Plug(tree)
    monkeypatch.setattr(hidraw_device, "open_hidraw", plugged.open)
    yield plugged
    plugged.scanner.unplug()


def driver(plug: Plug, **options: object) -> HidPosDriver:
    """Make a driver as the daemon does, that looks into the test's tree."""
    given = options if {"serial", "port", "device"} & options.keys() else {"port": PHYS, **options}
    made = HidPosDriver("counter-1", HidPosOptions.model_validate(given))
    made._places = plug.tree.places
    return made


def test_symbols_when_codes_are_scanned_then_they_come_whole_with_their_symbology(plug: Plug, listen: Listen) -> None:
    """One report, or two that belong together; the keyboard beside the scanner is never opened."""
    listener = listen(driver(plug))
    plug.scanner.wait_until_open()
    plug.scanner.scan(CODE, aim=b"]C0")
    plug.scanner.scan(b"01069012345678921727123110A\x1d21" + b"X" * 40, aim=b"]d2")
    first, second = listener.next(), listener.next()
    assert (first.data, first.aim, first.scanner, first.length) == (CODE, "]C0", "counter-1", 20)
    assert (len(second.data), second.aim, second.fault) == (70, "]d2", None)
    assert [found.node.name for found in plug.openings] == ["hidraw1"]


def test_symbols_when_the_scanner_wraps_its_texts_then_that_comes_off(plug: Plug, listen: Listen) -> None:
    """The identifier in its own field says what is GS1, and is no part of what is turned back."""
    listener = listen(driver(plug, prefix="4E 6F", suffix="3B", case="swapped", gs_as="~"))
    plug.scanner.wait_until_open()
    plug.scanner.scan(b"nO010690123456789221A~10b;\r", aim=b"]d2")
    plug.scanner.scan(b"010690123456789221A~10b", aim=b"]d2")
    symbol = listener.next()
    assert (symbol.data, symbol.aim) == (b"010690123456789221a\x1d10B", "]d2")
    assert listener.next().fault is ReadFault.DROPPED


def test_symbols_when_a_text_does_not_go_on_then_a_fault_comes(plug: Plug, listen: Listen) -> None:
    """A continued report without the next is given up after a while, and the next scan is whole."""
    listener = listen(driver(plug, continue_ms=50))
    plug.scanner.wait_until_open()
    plug.scanner.send(text_report(b"7" * 56, more=True))
    assert listener.next().fault is ReadFault.UNTERMINATED
    plug.scanner.scan(CODE)
    assert listener.next().data == CODE


def test_show_when_a_verdict_comes_then_the_scanner_beeps_it(plug: Plug, listen: Listen) -> None:
    """Good read, not on file, error: what is configured, for each signal; `none` is silence."""
    reader = driver(plug, beeps={"REPEAT": "none", "FAULT": "not_on_file"})
    assert isinstance(reader, Showing)
    listener = listen(reader)
    plug.scanner.wait_until_open()
    wanted = {
        Signal.PASS: GOOD_READ,
        Signal.REVIEW: NOT_ON_FILE,
        Signal.STOP: ERROR,
        Signal.FAULT: NOT_ON_FILE,
        Signal.OUT_OF_SERVICE: ERROR,
    }
    for signal, report in wanted.items():
        plug.scanner.scan(CODE)
        reader.show(listener.next(), signal)
        assert plug.scanner.receive() == report
    plug.scanner.scan(CODE)
    reader.show(listener.next(), Signal.REPEAT)
    assert plug.scanner.receive(0.1) == b""


def test_show_when_no_verdict_comes_then_the_error_beep_does_and_a_late_one_is_dropped(
    plug: Plug, listen: Listen
) -> None:
    """Also while nobody takes symbols: the operator hears that the box does not answer."""
    reader = driver(plug, answer_within_ms=150)
    listener = listen(reader)
    plug.scanner.wait_until_open()
    plug.scanner.scan(CODE)
    assert plug.scanner.receive() == ERROR
    reader.show(listener.next(), Signal.PASS)
    assert plug.scanner.receive(0.2) == b""


def test_show_when_the_scanner_can_not_beep_then_scans_go_on(plug: Plug, listen: Listen) -> None:
    """A scanner without output reports is read all the same."""
    plug.tree.plug(2, descriptor=LINUX_UHID, serial="S2")
    reader = driver(plug, serial="S2", answer_within_ms=100)
    listener = listen(reader)
    plug.scanner.wait_until_open()
    for _ in range(2):
        plug.scanner.scan(CODE)
        reader.show(listener.next(), Signal.PASS)
    assert plug.scanner.receive(0.2) == b""


def test_show_when_the_device_hangs_in_a_beep_then_scans_and_the_end_do_not(
    plug: Plug, listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel may wait seconds for a device that does not take a report; reading goes on, and so does stop."""
    hangs = threading.Event()
    monkeypatch.setattr(hidraw_device.HidrawDevice, "send", lambda *_: hangs.wait(20))
    reader = driver(plug)
    listener = listen(reader)
    plug.scanner.wait_until_open()
    for _ in range(5):
        plug.scanner.scan(CODE)
        reader.show(listener.next(), Signal.PASS)
    try:
        assert listener.end() < 1.0
    finally:
        hangs.set()
    assert listener.error() is None


def test_send_when_a_beep_is_a_feature_then_the_kernel_is_asked_for_that(monkeypatch: pytest.MonkeyPatch) -> None:
    """HIDIOCSFEATURE with the length of the report; an output report is written."""
    asked: list[tuple[int, int, bytes]] = []
    monkeypatch.setattr("fcntl.ioctl", lambda *given: asked.append((given[0], given[1], bytes(given[2]))))
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb", buffering=0) as pipe:
        device = hidraw_device.HidrawDevice(writer)
        device.send(PosReport(ReportKind.FEATURE, b"\x00\x02"))
        device.send(PosReport(ReportKind.OUTPUT, GOOD_READ))
        assert asked == [(writer, 0xC0024806, b"\x00\x02")]
        assert pipe.read(9) == GOOD_READ
        device.close()


def test_symbols_when_unplugged_then_device_gone_and_a_new_opening_works(plug: Plug, listen: Listen) -> None:
    """A device that goes ends in DeviceGone; back under another number it is found again."""
    reader = driver(plug)
    listener = listen(reader)
    plug.scanner.wait_until_open()
    plug.scanner.unplug()
    error = listener.error()
    assert isinstance(error, DeviceGone)
    assert error.reason is DeviceReason.UNPLUGGED

    (plug.tree.places.sysfs / "hidraw1").rename(plug.tree.places.sysfs / "hidraw7")
    plug.scanner = PosScanner()
    listener = listen(reader)
    plug.scanner.wait_until_open()
    plug.scanner.scan(CODE)
    assert listener.next().data == CODE
    assert plug.openings[-1].node.name == "hidraw7"


@pytest.mark.parametrize(
    ("number", "error", "reason", "words"),
    [
        (errno.EACCES, DeviceRefused, DeviceReason.NOT_PERMITTED, "udev rules"),
        (errno.EBUSY, DeviceBusy, DeviceReason.IN_USE, "another program"),
        (errno.ENODEV, DeviceGone, DeviceReason.ABSENT, "went while"),
        (errno.EINVAL, DeviceRefused, DeviceReason.FAILED, "Invalid argument"),
    ],
)
def test_symbols_when_it_can_not_be_opened_then_the_error_says_what_to_do(
    plug: Plug, number: int, error: type[DeviceGone | DeviceBusy | DeviceRefused], reason: DeviceReason, words: str
) -> None:
    """Each answer of the kernel has its class, its reason and a sentence."""
    plug.answers = [number]
    with Stop() as stop, pytest.raises(error, match=words) as raised:
        next(driver(plug).symbols(stop))
    assert raised.value.reason is reason


def test_symbols_when_udev_is_late_then_the_permission_is_waited_for(plug: Plug, listen: Listen) -> None:
    """A device that has just been plugged in is given to our group a moment later."""
    plug.answers = [errno.EACCES, errno.EACCES, 0]
    listener = listen(driver(plug))
    plug.scanner.wait_until_open()
    plug.scanner.scan(CODE)
    assert listener.next().data == CODE


def test_symbols_when_stop_is_set_then_it_ends_within_a_second(plug: Plug, listen: Listen) -> None:
    """A quiet scanner does not hold up the end, and a stop set before opens nothing."""
    listener = listen(driver(plug))
    plug.scanner.wait_until_open()
    assert listener.end() < 1.0
    with Stop() as stop:
        stop.set()
        assert list(driver(plug, serial="S1").symbols(stop)) == []
    assert len(plug.openings) == 1


def test_open_when_the_node_is_another_device_now_then_it_is_closed_unread(tmp_path: Path) -> None:
    """A node that is no raw HID device, or has another descriptor, is ENODEV; a link is not followed."""
    tree = HidrawTree(tmp_path)
    node = tree.plug(1, serial="S1")
    (found,) = attached_hidraw(tree.places)
    with pytest.raises(OSError, match="replaced") as raised:
        hidraw_device.open_hidraw(found)
    assert raised.value.errno == errno.ENODEV
    node.unlink()
    node.symlink_to("/dev/null")
    with pytest.raises(OSError, match=r"symbolic|loop|Too many"):
        hidraw_device.open_hidraw(found)


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({}, "exactly one"),
        ({"serial": "S1", "port": PHYS}, "exactly one"),
        ({"device": "/dev/hidraw0"}, "hidraw numbers change"),
        ({"serial": "S1", "vendor": "c2e"}, "vendor"),
        ({"serial": "S1", "beeps": {"PASS": "loud"}}, "beeps"),
        ({"serial": "S1", "answer_within_ms": 5}, "answer_within_ms"),
    ],
)
def test_options_when_they_do_not_fit_then_the_key_is_named(options: dict[str, object], key: str) -> None:
    """A wrong option is refused before anything is opened."""
    with pytest.raises(ValidationError, match=key):
        HidPosOptions.model_validate(options)


def test_node_when_the_scanner_is_not_there_then_there_is_none() -> None:
    """The doctor asks where it is now; without one it says so itself."""
    assert HidPosOptions(serial="no such scanner anywhere").node() is None
