"""The HID driver: events through a pipe into the real shell, and a real keyboard where the kernel has one."""

import errno
import fcntl
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import evdev
import pytest
from evdev import ecodes
from pydantic import ValidationError

from fakes.input_tree import InputTree
from fakes.listener import Listener
from fakes.pipe_keyboard import Plug, now_us
from fakes.typist import PipeInput, Typist, key, packed
from yaoma_drivers import key_device
from yaoma_drivers.driver import Driver
from yaoma_drivers.errors import DeviceBusy, DeviceGone, DeviceReason, DeviceRefused
from yaoma_drivers.hid import HidDriver, HidOptions
from yaoma_drivers.input_identity import AttachedInput, InputPlaces
from yaoma_drivers.stop import Stop
from yaoma_drivers.symbol import ReadFault, Source, Typing

CODE = "81234567890123456789"
PHYS = "usb-0000:01:00.0-1.2"
UINPUT = Path("/dev/uinput")
Listen = Callable[[Driver], Listener]


def no_device(self: PipeInput) -> object:
    """Stand in for reading a device that has gone."""
    raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))


@pytest.fixture
def plug(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Plug]:
    """Plug a scanner into a tree of files; what opens it is replaced."""
    tree = InputTree(tmp_path)
    tree.plug(0, phys="usb-0000:01:00.0-1.1/input0", model="046d:c31c")
    tree.plug(3, serial="S1", phys=f"{PHYS}/input0", by_id="usb-Scanner_S1")
    plugged = Plug(tree)
    monkeypatch.setattr(key_device, "open_key_device", plugged.open)
    yield plugged
    plugged.pull()


def driver(places: InputPlaces, **options: object) -> HidDriver:
    """Make a driver as the daemon does, that looks into the test's tree."""
    given = options if {"serial", "port", "device"} & options.keys() else {"serial": "S1", **options}
    made = HidDriver("counter-1", HidOptions.model_validate(given))
    made._places = places
    return made


def typed(text: str, *, end: str = "ENTER") -> Typist:
    """Type a text now."""
    typist = Typist(now_us())
    typist.text(text)
    typist.tap(end)
    return typist


def test_symbols_when_codes_are_typed_then_they_come_whole_with_the_terminators_time(
    listen: Listen, plug: Plug
) -> None:
    """Two scans in one write are two symbols; the time is the kernel's for Enter, not that of the reading."""
    listener = listen(driver(plug.tree.places))
    plug.wait_until_open()
    typist = typed(CODE)
    enter_ms = (typist.now_us - 2000) // 1000
    typist.text("]d20106901234567892\x1d10Ab")
    typist.tap("TAB")
    plug.send(typist)
    first, second = listener.next(), listener.next()
    assert (first.data, first.scanner, first.aim, first.source) == (CODE.encode(), "counter-1", "", Source.SCANNER)
    assert (first.read_mono_ms, first.length, first.fault) == (enter_ms, 20, None)
    assert (second.aim, second.data) == ("]d2", b"0106901234567892\x1d10Ab")
    assert listener.rest() == []


def test_symbols_when_a_scan_comes_in_pieces_then_no_key_is_lost(listen: Listen, plug: Plug) -> None:
    """A batch may end anywhere: what follows a terminator in it belongs to the next symbol (SCANNERS.md 1.3)."""
    listener = listen(driver(plug.tree.places, gap_ms=10_000))
    plug.wait_until_open()
    typist = typed("SCAN1")
    typist.text("SCA")
    plug.send(typist)
    assert listener.next().data == b"SCAN1"
    typist.text("N2")
    typist.tap("ENTER")
    for event in list(typist.events):
        os.write(plug.writer, packed([event]))
    assert listener.next().data == b"SCAN2"


def test_symbols_when_options_say_so_then_layout_terminators_and_aim_differ(listen: Listen, plug: Plug) -> None:
    """A German scanner, with Tab as its only terminator and the identifier left in place."""
    listener = listen(driver(plug.tree.places, layout="de", terminators=["TAB"], strip_aim=False))
    plug.wait_until_open()
    typist = typed("y", end="ENTER")
    typist.tap("9", "RIGHTALT")
    typist.tap("TAB")
    plug.send(typist)
    assert listener.next().data == b"z\r]"


def test_symbols_when_caps_lock_is_on_at_the_opening_then_letters_are_turned(listen: Listen, plug: Plug) -> None:
    """The LED is asked when the device is opened."""
    plug.caps_lock = True
    listener = listen(driver(plug.tree.places))
    plug.wait_until_open()
    plug.send(typed("aB1"))
    assert listener.next().data == b"Ab1"


def test_symbols_when_the_terminator_is_missing_then_a_fault_comes_after_silence(listen: Listen, plug: Plug) -> None:
    """With nothing more to read, the gap ends the wait, and the next scan is whole."""
    listener = listen(driver(plug.tree.places, gap_ms=50))
    plug.wait_until_open()
    typist = Typist(now_us())
    typist.text(CODE)
    plug.send(typist)
    symbol = listener.next()
    assert (symbol.data, symbol.fault, symbol.length) == (b"", ReadFault.UNTERMINATED, 20)
    plug.send(typed(CODE))
    assert listener.next().data == CODE.encode()


@pytest.mark.parametrize("is_told", [True, False])
def test_symbols_when_the_kernel_drops_events_then_the_scan_is_a_fault_or_nothing(
    listen: Listen,
    plug: Plug,
    is_told: bool,  # noqa: FBT001 - parameter
) -> None:
    """SYN_DROPPED in a scan: never a code with its middle missing; one fault, unless switched off; then all is well."""
    listener = listen(driver(plug.tree.places, report_dropped=is_told))
    plug.wait_until_open()
    typist = Typist(now_us() - 100_000)
    typist.text(CODE[:8])
    typist.lose()
    typist.report()
    plug.send(typist)
    time.sleep(0.05)
    plug.send(typed(CODE[14:]))
    plug.send(typed(CODE))
    if is_told:
        symbol = listener.next()
        assert (symbol.data, symbol.fault) == (b"", ReadFault.DROPPED)
    assert listener.next().data == CODE.encode()


def test_symbols_when_a_scan_was_under_way_at_the_opening_then_its_rest_is_a_fault(listen: Listen, plug: Plug) -> None:
    """Keys from before the device was ours went elsewhere: the tail of that scan is not taken for a code."""
    early = Typist(now_us())
    early.text(CODE[:3])
    plug.while_asked = packed(early.events)
    listener = listen(driver(plug.tree.places))
    plug.wait_until_open()
    plug.while_asked = b""
    plug.send(typed(CODE[3:]))
    plug.send(typed(CODE))
    assert listener.next().fault is ReadFault.DROPPED
    assert listener.next().data == CODE.encode()


def test_symbols_when_unplugged_then_device_gone_and_it_comes_back_under_another_number(
    listen: Listen, plug: Plug, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ENODEV is the end of this opening; absent it stays gone; replugged it is found by its serial number again."""
    reader = driver(plug.tree.places)
    listener = listen(reader)
    plug.wait_until_open()
    plug.send(typed(CODE))
    assert listener.next().data == CODE.encode()
    with monkeypatch.context() as patched:
        patched.setattr(PipeInput, "read", no_device)
        plug.pull()
        error = listener.error()
    assert isinstance(error, DeviceGone)
    assert (error.device, error.reason) == ("serial S1", DeviceReason.UNPLUGGED)
    assert plug.closings == 1
    plug.tree.unplug(3)
    error = listen(reader).error()
    assert isinstance(error, DeviceGone)
    assert error.reason is DeviceReason.ABSENT
    plug.tree.plug(17, serial="S1", phys=f"{PHYS}/input0")
    listener = listen(reader)
    plug.wait_until_open()
    plug.send(typed(CODE[::-1]))
    assert listener.next().data == CODE[::-1].encode()
    assert [found.node.name for found in plug.openings] == ["event3", "event17"]


def test_symbols_when_a_scan_is_cut_by_unplugging_then_its_beginning_is_forgotten(listen: Listen, plug: Plug) -> None:
    """Half a scan before the cable was pulled is no part of the first one after."""
    reader = driver(plug.tree.places, gap_ms=10_000)
    listener = listen(reader)
    plug.wait_until_open()
    typist = Typist(now_us())
    typist.press("LEFTSHIFT")
    typist.text("12")
    plug.send(typist)
    time.sleep(0.05)
    listener.end()
    plug.pull()
    listener = listen(reader)
    plug.wait_until_open()
    plug.send(typed(CODE))
    assert listener.next().data == CODE.encode()


def test_symbols_when_stop_is_set_then_they_end_within_a_second(listen: Listen, plug: Plug) -> None:
    """Stop wakes a silent scanner's reader at once and the device is given back; set before, nothing is opened."""
    listener = listen(driver(plug.tree.places))
    plug.wait_until_open()
    assert listener.end() < 1.0
    assert listener.error() is None
    assert plug.closings == 1
    with Stop() as stop:
        stop.set()
        assert list(driver(plug.tree.places).symbols(stop)) == []
    assert len(plug.openings) == 1


@pytest.mark.parametrize(
    ("number", "kind", "reason", "words"),
    [
        (errno.EBUSY, DeviceBusy, DeviceReason.IN_USE, "another program already reads this scanner"),
        (errno.EACCES, DeviceRefused, DeviceReason.NOT_PERMITTED, r"group \(input\) or install the udev rules"),
        (errno.EPERM, DeviceRefused, DeviceReason.NOT_PERMITTED, "input"),
        (errno.ENODEV, DeviceGone, DeviceReason.ABSENT, "No such device"),
        (errno.EINVAL, DeviceRefused, DeviceReason.FAILED, "Invalid argument"),
    ],
)
def test_symbols_when_the_kernel_refuses_then_the_error_says_what_to_do(
    plug: Plug, number: int, kind: type[Exception], reason: DeviceReason, words: str
) -> None:
    """Each refusal has its class and reason, and names the scanner as the configuration does."""
    plug.answers = [number]
    with Stop() as stop, pytest.raises(kind, match=words) as raised:
        next(driver(plug.tree.places, port=PHYS).symbols(stop))
    assert isinstance(raised.value, DeviceGone | DeviceBusy | DeviceRefused)
    assert (raised.value.reason, raised.value.device) == (reason, f"port {PHYS}")


def test_symbols_when_another_program_has_the_scanner_then_it_is_named(plug: Plug) -> None:
    """The process that has the node open is found and named."""
    plug.answers = [errno.EBUSY]
    program = "import sys; file = open(sys.argv[1]); print(flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", program, str(plug.tree.places.nodes / "event3")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with Stop() as stop, pytest.raises(DeviceBusy, match=f"process {other.pid}"):
            next(driver(plug.tree.places).symbols(stop))
        other.communicate()


def test_symbols_when_the_permission_comes_late_then_the_scanner_is_opened(listen: Listen, plug: Plug) -> None:
    """Udev gives a new device to its group a moment after it has appeared; stop is heard while waiting for that."""
    plug.answers = [errno.EACCES, errno.EACCES, 0]
    listener = listen(driver(plug.tree.places))
    plug.wait_until_open()
    plug.send(typed(CODE))
    assert listener.next().data == CODE.encode()
    plug.answers = [errno.EACCES]
    with Stop() as stop:
        waiting = driver(plug.tree.places).symbols(stop)
        stop.set()
        assert list(waiting) == []


@pytest.mark.parametrize("gs_as", ["F8", "~", "<GS>"])
def test_symbols_when_the_scanner_types_something_for_gs_then_it_is_gs(listen: Listen, plug: Plug, gs_as: str) -> None:
    """A function key inside a code is no hole any more, and a text is taken for GS in GS1 symbols only."""
    listener = listen(driver(plug.tree.places, gs_as=gs_as))
    plug.wait_until_open()
    typist = Typist(now_us())
    for start, end in (("]d20106901234567892", "21A1"), ("0106901234567892", "21A1"), ("http://x.cn/", "a")):
        typist.text(start)
        if gs_as == "F8":
            typist.tap("F8")
        else:
            typist.text(gs_as)
        typist.text(end)
        typist.tap("ENTER")
    plug.send(typist)
    first, second, third = (listener.next() for _ in range(3))
    assert (first.aim, first.data) == ("]d2", b"0106901234567892\x1d21A1")
    assert (second.aim, second.data) == ("", b"0106901234567892\x1d21A1")
    kept = b"\x1d" if gs_as == "F8" else gs_as.encode()
    assert third.data == b"http://x.cn/" + kept + b"a"


def test_symbols_when_prefix_suffix_and_case_are_set_then_they_are_undone(listen: Listen, plug: Plug) -> None:
    """STX and ETX come off, letters are turned back, and a symbol without its prefix has lost its beginning."""
    listener = listen(driver(plug.tree.places, prefix="02 41", suffix="03", case="swapped"))
    plug.wait_until_open()
    typist = Typist(now_us())
    typist.tap("B", "LEFTCTRL")
    typist.text("a]c18xY")
    typist.tap("C", "LEFTCTRL")
    typist.tap("ENTER")
    typist.text("8xY")
    typist.tap("C", "LEFTCTRL")
    typist.tap("ENTER")
    plug.send(typist)
    first, second = listener.next(), listener.next()
    assert (first.aim, first.data, first.length) == ("]C1", b"8Xy", 3)
    assert (second.data, second.fault, second.length) == (b"", ReadFault.DROPPED, 4)


def test_symbols_when_the_scanner_has_no_terminator_then_silence_may_end_a_symbol(listen: Listen, plug: Plug) -> None:
    """Only where the configuration says so: otherwise a pause would make half a code a code."""
    listener = listen(driver(plug.tree.places, gap_ms=50, gap_ends_symbol=True))
    plug.wait_until_open()
    typist = Typist(now_us())
    typist.text(CODE)
    plug.send(typist)
    symbol = listener.next()
    assert (symbol.data, symbol.fault) == (CODE.encode(), None)
    assert symbol.typing is not None
    assert symbol.typing.terminator == ""


def test_symbols_when_they_are_typed_then_time_and_terminator_are_told(listen: Listen, plug: Plug) -> None:
    """For setting up: from the first character to Enter, as the kernel's clock has it."""
    listener = listen(driver(plug.tree.places))
    plug.wait_until_open()
    plug.send(typed(CODE, end="KPENTER"))
    symbol = listener.next()
    assert symbol.typing == Typing(40, "KP_ENTER")
    assert CODE not in repr(symbol)


def test_symbols_when_two_scanners_type_at_once_then_neither_hears_the_other(
    listen: Listen, plug: Plug, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Digits and modifiers of two devices come interleaved; each has a decoder of its own."""
    plug.tree.plug(5, serial="S2", phys="usb-0000:01:00.0-1.3/input0")
    other = Plug(plug.tree)
    opened = {"event3": plug.open, "event5": other.open}
    monkeypatch.setattr(key_device, "open_key_device", lambda found: opened[found.node.name](found))
    # The events' times go on faster than they are written.
    first = listen(driver(plug.tree.places, gap_ms=10_000))
    second = listen(driver(plug.tree.places, serial="S2", gap_ms=10_000))
    plug.wait_until_open()
    other.wait_until_open()
    one, two = typed("aBc" + CODE), typed("dEf" + CODE[::-1])
    for left, right in zip(one.events, two.events, strict=True):
        os.write(plug.writer, packed([left]))
        os.write(other.writer, packed([right]))
    assert first.next().data == b"aBc" + CODE.encode()
    assert second.next().data == b"dEf" + CODE[::-1].encode()
    other.pull()


@pytest.mark.parametrize("serial", ["AA:BB:CC:DD:EE:FF", "aa:bb:cc:dd:ee:ff"])
def test_symbols_when_a_bluetooth_scanner_is_away_then_it_is_asleep(
    listen: Listen, plug: Plug, monkeypatch: pytest.MonkeyPatch, serial: str
) -> None:
    """It sleeps and goes from the list of devices: that is told by another reason than a pulled cable, and no alarm."""
    reader = driver(plug.tree.places, serial=serial)
    never_seen = listen(reader).error()
    plug.tree.plug(8, serial="aa:bb:cc:dd:ee:ff", phys="dc:a6:32:00:00:01", bus="0005")
    listener = listen(reader)
    plug.wait_until_open()
    plug.send(typed(CODE))
    assert listener.next().data == CODE.encode()
    with monkeypatch.context() as patched:
        patched.setattr(PipeInput, "read", no_device)
        plug.pull()
        went = listener.error()
    plug.tree.unplug(8)
    for error in (never_seen, went, listen(reader).error()):
        assert isinstance(error, DeviceGone)
        assert (error.reason, "trigger" in error.sentence) == (DeviceReason.ASLEEP, True)


def test_symbols_when_a_keyboard_is_plugged_in_beside_then_it_is_never_opened(listen: Listen, plug: Plug) -> None:
    """A keyboard, even one of the scanner's own model, is not the named device: it is neither opened nor grabbed."""
    plug.tree.plug(6, phys="usb-0000:01:00.0-1.4/input0")
    plug.tree.plug(7, serial="S7", phys="usb-0000:01:00.0-1.5/input0")
    listener = listen(driver(plug.tree.places))
    plug.wait_until_open()
    plug.send(typed(CODE))
    assert listener.next().data == CODE.encode()
    assert [found.node.name for found in plug.openings] == ["event3"]
    with Stop() as stop, pytest.raises(DeviceGone):
        next(driver(plug.tree.places, serial="S9").symbols(stop))
    assert len(plug.openings) == 1


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"serial": "S1", "port": PHYS},
        {"serial": ""},
        {"device": "/dev/input/event3"},
        {"device": "/dev/input/by-id/../event3"},
        {"device": "/dev/input/by-id/.."},
        {"device": "by-id/usb-Scanner"},
        {"serial": "S1", "vendor": "c2e"},
        {"serial": "S1", "terminators": []},
        {"serial": "S1", "terminators": ["CR"]},
        {"serial": "S1", "layout": "cn"},
        {"serial": "S1", "gap_ms": 10},
        {"serial": "S1", "gs_as": "GS"},
        {"serial": "S1", "gs_as": "8"},
        {"serial": "S1", "gs_as": "F25"},
        {"serial": "S1", "gs_as": "一"},
        {"serial": "S1", "prefix": "xy"},
        {"serial": "S1", "suffix": "41" * 17},
        {"serial": "S1", "case": "title"},
        {"serial": "S1", "baud_rate": 9600},
    ],
    ids=str,
)
def test_options_when_they_do_not_fit_then_they_are_refused(options: dict[str, object]) -> None:
    """No name, two names, an event number, an unknown key and values that make no sense are errors."""
    with pytest.raises(ValidationError):
        HidOptions.model_validate(options)


def test_options_when_ids_are_written_in_capitals_then_they_mean_the_same(plug: Plug) -> None:
    """Vendor and product are compared as numbers are: 0C2E is 0c2e."""
    options = HidOptions(serial="S1", vendor="0C2E", product="0B61")
    assert (options.name().vendor, options.name().product) == ("0c2e", "0b61")


class Recorded:
    """evdev's device on a pipe, which writes down what is asked of it and in which order."""

    def __init__(self, path: Path, *, readonly: bool = False) -> None:
        reader, self.writer = os.pipe2(os.O_CLOEXEC)
        self.input = PipeInput(reader)
        self.fd = reader
        self.calls: list[str] = [f"open {path.name} readonly={readonly}"]
        self.info = SimpleNamespace(vendor=0x0C2E, product=0xB610 - 0x10000)
        self.uniq, self.phys = "S1", f"{PHYS}/input0"
        self.grab_error = 0
        LAST.append(self)

    def grab(self) -> None:
        self.calls.append("grab")
        if self.grab_error:
            raise OSError(self.grab_error, os.strerror(self.grab_error))

    def close(self) -> None:
        self.calls.append("close")
        self.input.close()
        if self.writer >= 0:
            os.close(self.writer)
            self.writer = -1


LAST: list[Recorded] = []


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Recorded]]:
    """Replace evdev's device and write down the ioctl that sets the clock."""
    LAST.clear()
    monkeypatch.setattr(evdev, "InputDevice", Recorded)
    monkeypatch.setattr(fcntl, "ioctl", lambda fd, request, value: LAST[-1].calls.append(f"{request:#x} {value.hex()}"))
    yield LAST
    for each in LAST:
        each.close()


FOUND = AttachedInput(Path("/dev/input/event3"), "0003", "0c2e", "b610", "S1", f"{PHYS}/input0", (), types_codes=True)


def test_open_when_it_is_the_right_device_then_it_is_grabbed_before_anything_is_read(recorded: list[Recorded]) -> None:
    """Read-only, then alone, then the monotonic clock; nothing was read until then."""
    device = key_device.open_key_device(FOUND)
    assert recorded[0].calls == ["open event3 readonly=True", "grab", "0x400445a0 01000000"]
    device.close()
    assert recorded[0].calls[-1] == "close"


def test_open_when_the_number_went_to_a_keyboard_then_it_is_neither_grabbed_nor_read(recorded: list[Recorded]) -> None:
    """Between looking and opening another device may have taken the number: it is closed again at once."""
    other = AttachedInput(
        Path("/dev/input/event3"), "0003", "0c2e", "b610", "S2", f"{PHYS}/input0", (), types_codes=True
    )
    with pytest.raises(OSError, match="replaced") as raised:
        key_device.open_key_device(other)
    assert raised.value.errno == errno.ENODEV
    assert recorded[0].calls == ["open event3 readonly=True", "close"]


def test_open_when_another_program_has_grabbed_it_then_it_is_closed_again(
    recorded: list[Recorded], monkeypatch: pytest.MonkeyPatch
) -> None:
    """EBUSY comes out as the kernel says it, and no descriptor stays."""

    def busy(self: Recorded) -> None:
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))

    monkeypatch.setattr(Recorded, "grab", busy)
    with pytest.raises(OSError, match="busy") as raised:
        key_device.open_key_device(FOUND)
    assert raised.value.errno == errno.EBUSY
    assert recorded[0].calls[-1] == "close"


@pytest.mark.parametrize(
    ("error", "number", "words"),
    [
        (SystemError("returned NULL"), errno.ENODEV, "name"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid"), errno.EINVAL, "name"),
        (PermissionError(errno.EACCES, "denied"), errno.EACCES, "denied"),
    ],
)
def test_open_when_the_library_fails_then_it_is_an_os_error(
    monkeypatch: pytest.MonkeyPatch, error: Exception, number: int, words: str
) -> None:
    """A device that goes while evdev asks it, and a name that is no UTF-8, have an error number too."""

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(evdev, "InputDevice", fail)
    with pytest.raises(OSError, match=words) as raised:
        key_device.open_key_device(FOUND)
    assert raised.value.errno == number


def test_state_when_the_kernel_answers_then_keys_and_led_are_read_from_its_bits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """EVIOCGKEY and EVIOCGLED fill a field of bits; the numbers of the calls are those of the kernel's header."""
    answers = {0x80604518: (1 << key("LEFTSHIFT") | 1 << key("F24")).to_bytes(96, "little"), 0x80024519: b"\x02\x00"}
    monkeypatch.setattr(fcntl, "ioctl", lambda fd, request, value: answers[request][: len(value)])
    reader, writer = os.pipe2(os.O_CLOEXEC)
    os.close(writer)
    device = key_device.KeyDevice(PipeInput(reader))
    before_us = now_us()
    state = device.state()
    device.close()
    assert (state.held, state.caps_lock) == (frozenset({key("LEFTSHIFT"), key("F24")}), True)
    assert before_us <= state.mono_us <= now_us()


def test_reading_when_it_runs_then_nothing_but_sysfs_is_opened_and_nothing_written(tmp_path: Path) -> None:
    """Finding and reading a scanner opens no device that is not named, no file to write, and prints nothing."""
    tree = InputTree(tmp_path)
    tree.plug(0, phys="usb-0000:01:00.0-1.1/input0", model="046d:c31c")
    tree.plug(3, serial="S1", phys=f"{PHYS}/input0")
    program = """
import json, os, sys, time
from pathlib import Path
from fakes.typist import PipeInput, Typist, packed
from yaoma_drivers import key_device
from yaoma_drivers.hid import HidDriver, HidOptions
from yaoma_drivers.input_identity import InputPlaces
from yaoma_drivers.key_decoder import KeyState
from yaoma_drivers.stop import Stop

folder = Path(sys.argv[1])
driver = HidDriver("s", HidOptions(serial="S1"))
driver._places = InputPlaces(folder / "sys/class/input", folder / "dev/input")
reader, writer = os.pipe()
key_device.KeyDevice.state = lambda self: KeyState(frozenset(), False, 0)
nodes = []
def opened(found):
    nodes.append(found.node.name)
    return key_device.KeyDevice(PipeInput(reader))
key_device.open_key_device = opened
touched = []
CHANGES = ("os.mkdir", "os.rename", "os.remove", "os.truncate", "os.utime", "os.chmod", "sqlite3.connect",
           "socket.connect", "subprocess.Popen", "shutil.copyfile")
def watch(event, given):
    if event == "open":
        touched.append([os.fsdecode(given[0]) if not isinstance(given[0], int) else "", given[2] & os.O_ACCMODE])
    elif event in CHANGES:
        touched.append([event, -1])
sys.addaudithook(watch)
typist = Typist(time.monotonic_ns() // 1000)
symbols = driver.symbols(Stop())
typist.lose(); typist.report(); typist.tap("ENTER"); typist.text("8123"); typist.tap("ENTER")
os.write(writer, packed(typist.events))
seen = [next(symbols).fault, next(symbols).fault]
symbols.close()
told = [list(each) for each in touched]
print(json.dumps({"faults": seen, "touched": told, "nodes": nodes}))
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    ran = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True, env=environment
    )
    told = json.loads(ran.stdout)
    assert told["faults"] == ["dropped", None]
    assert told["nodes"] == ["event3"]
    assert all(Path(path).is_relative_to(tmp_path / "sys") for path, _ in told["touched"])
    assert {mode for _, mode in told["touched"]} == {os.O_RDONLY}
    assert ran.stderr == ""


def test_errors_when_something_is_scanned_and_the_cable_pulled_then_no_text_is_in_them(
    listen: Listen, plug: Plug
) -> None:
    """A number typed before the loss is in neither the error nor what caused it."""
    secret = "110101199003074477"
    listener = listen(driver(plug.tree.places))
    plug.wait_until_open()
    typist = Typist(now_us())
    typist.text(secret)
    plug.send(typist)
    time.sleep(0.05)
    plug.pull()
    listener.end()
    plug.answers = [errno.EBUSY]
    error: BaseException | None = listen(driver(plug.tree.places)).error()
    while error is not None:
        assert secret not in f"{error!r} {error.args} {vars(error)}"
        error = error.__cause__ or error.__context__


@pytest.mark.skipif(
    not os.access(UINPUT, os.W_OK), reason="needs a kernel that makes keyboards: modprobe uinput, and write access"
)
class TestRealKeyboard:
    """A keyboard made by the kernel's uinput; it has no serial number, so it is named by its phys."""

    @pytest.fixture
    def keyboard(self) -> Iterator[evdev.UInput]:
        """Make a keyboard with digits, letters, modifiers and a Caps Lock LED."""
        can: dict[int, Sequence[int]] = {ecodes.EV_KEY: list(range(1, 128)), ecodes.EV_LED: [ecodes.LED_CAPSL]}
        with ExitStack() as ends:
            made = evdev.UInput(can, name="Yaoma test scanner", vendor=0xC2E, product=0xB61, phys="yaoma-test/input0")
            ends.callback(made.close)
            yield made

    def play(self, keyboard: evdev.UInput, typist: Typist) -> None:
        """Let the kernel see the events; it stamps them itself."""
        for event in typist.events:
            if event.kind in {ecodes.EV_KEY, ecodes.EV_SYN}:
                keyboard.write(event.kind, event.code, event.value)

    def wait_until_grabbed(self, keyboard: evdev.UInput) -> None:
        """Wait until the driver has the node open beside evdev's own descriptor; grabbing is what it does next."""
        until_s = time.monotonic() + 20
        while sum(os.path.realpath(link) == keyboard.device.path for link in Path("/proc/self/fd").iterdir()) < 2:
            assert time.monotonic() < until_s
            time.sleep(0.02)
        time.sleep(0.2)

    def test_symbols_when_a_real_keyboard_types_then_they_come_and_nobody_else_sees_them(
        self, listen: Listen, keyboard: evdev.UInput
    ) -> None:
        """The kernel's events, clock and grab: the symbol's time is monotonic, and another reader gets nothing."""
        listener = listen(HidDriver("counter-1", HidOptions(port="yaoma-test", vendor="0c2e")))
        self.wait_until_grabbed(keyboard)
        other = evdev.InputDevice(keyboard.device.path, readonly=True)
        before_ms = now_us() // 1000
        self.play(keyboard, typed("aB8\x1d1"))
        symbol = listener.next()
        assert symbol.data == b"aB8\x1d1"
        assert before_ms <= symbol.read_mono_ms <= now_us() // 1000
        assert not select.select([other], [], [], 0.2)[0]
        other.close()

    def test_symbols_when_another_program_has_grabbed_it_then_the_error_names_us(self, keyboard: evdev.UInput) -> None:
        """EBUSY from the kernel becomes DeviceBusy with the holder's name."""
        with (
            evdev.InputDevice(keyboard.device.path).grab_context(),
            Stop() as stop,
            pytest.raises(DeviceBusy) as raised,
        ):
            next(HidDriver("counter-1", HidOptions(port="yaoma-test")).symbols(stop))
        assert "this program itself" in raised.value.sentence

    def test_symbols_when_a_burst_overruns_the_kernels_buffer_then_no_code_is_wrong(
        self, listen: Listen, keyboard: evdev.UInput
    ) -> None:
        """However fast keys come, each symbol is the code or a fault, and the last one after a pause is the code."""
        listener = listen(HidDriver("counter-1", HidOptions(port="yaoma-test")))
        self.wait_until_grabbed(keyboard)
        for _ in range(50):
            self.play(keyboard, typed(CODE))
        time.sleep(0.5)
        self.play(keyboard, typed(CODE[::-1]))
        while (symbol := listener.next()).data != CODE[::-1].encode():
            assert symbol.data == CODE.encode() or symbol.fault is ReadFault.DROPPED

    def test_symbols_when_the_keyboard_goes_then_device_gone(self, listen: Listen, keyboard: evdev.UInput) -> None:
        """ENODEV from the kernel."""
        listener = listen(HidDriver("counter-1", HidOptions(port="yaoma-test")))
        self.wait_until_grabbed(keyboard)
        keyboard.close()
        error = listener.error()
        assert isinstance(error, DeviceGone)
        assert error.reason is DeviceReason.UNPLUGGED
