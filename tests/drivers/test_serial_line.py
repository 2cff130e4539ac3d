"""The serial driver on a real pseudo-terminal."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from fakes.listener import Listener
from fakes.pty_scanner import PtyScanner
from yaoma_drivers.driver import Driver, Showing
from yaoma_drivers.errors import DeviceBusy, DeviceGone, DeviceReason, DeviceRefused
from yaoma_drivers.serial_line import SerialLineDriver, SerialLineOptions
from yaoma_drivers.signal import Signal
from yaoma_drivers.stop import Stop
from yaoma_drivers.symbol import ReadFault, Source, Symbol

CODE = b"81234567890123456789"
Listen = Callable[[Driver], Listener]
Plug = Callable[[], PtyScanner]


def driver(path: str | Path, **options: object) -> SerialLineDriver:
    """Make a driver as the daemon does, from options as a file has them."""
    return SerialLineDriver("counter-1", SerialLineOptions.model_validate({"device": str(path), **options}))


def test_symbols_when_a_code_is_scanned_then_it_comes_whole(listen: Listen, plug: Plug) -> None:
    """A scan with CRLF behind it is one symbol with its scanner, source, length and time."""
    scanner = plug()
    listener = listen(driver(scanner.path))
    scanner.wait_until_open()
    before_ms = time.monotonic_ns() // 1_000_000
    scanner.send(CODE + b"\r\n")
    symbol = listener.next()
    assert (symbol.data, symbol.scanner, symbol.aim, symbol.fault) == (CODE, "counter-1", "", None)
    assert (symbol.source, symbol.length) == (Source.SCANNER, 20)
    assert before_ms <= symbol.read_mono_ms <= time.monotonic_ns() // 1_000_000
    assert listener.rest() == []


def test_symbols_when_bytes_come_one_by_one_then_codes_stay_whole(listen: Listen, plug: Plug) -> None:
    """Two codes sent byte by byte, the second with CR only, are two symbols."""
    scanner = plug()
    listener = listen(driver(scanner.path, idle_ms=10_000))
    scanner.wait_until_open()
    for octet in CODE + b"\r\n" + CODE[::-1] + b"\r":
        scanner.send(bytes([octet]))
    assert [listener.next().data, listener.next().data] == [CODE, CODE[::-1]]


def test_symbols_when_an_aim_identifier_comes_then_it_stands_apart(listen: Listen, plug: Plug) -> None:
    """`]d2` goes into aim and GS stays in the text; with strip_aim off all of it is text; alone it is a fault."""
    scanner = plug()
    listener = listen(driver(scanner.path))
    scanner.wait_until_open()
    scanner.send(b"]d20106901234567892\x1d10A\r]C0\r")
    symbol = listener.next()
    assert (symbol.aim, symbol.data) == ("]d2", b"0106901234567892\x1d10A")
    symbol = listener.next()
    assert (symbol.aim, symbol.data, symbol.fault) == ("]C0", b"", ReadFault.DROPPED)

    other = plug()
    listener = listen(driver(other.path, strip_aim=False))
    other.wait_until_open()
    other.send(b"]C0" + CODE + b"\r")
    assert listener.next().data == b"]C0" + CODE


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        ({"prefix": "02", "suffix": "03"}, b"\0\0]d2\x02010690123456789221a\x1d10B\x03\r"),
        ({"prefix": "02 4E", "case": "swapped"}, b"\x02n]D2010690123456789221A\x1d10b\r"),
        ({"prefix": "4E 6F", "suffix": "3B", "gs_as": "<GS>"}, b"]d2No010690123456789221a<GS>10B;\r"),
        ({"prefix": "4E", "gs_as": "~"}, b"N]d2010690123456789221a~10B\r"),
    ],
)
def test_symbols_when_the_scanner_wraps_its_texts_then_that_comes_off(
    listen: Listen, plug: Plug, options: dict[str, str], sent: bytes
) -> None:
    """Prefix, suffix, case and what stands for GS, as calibration finds them; a text without them is a fault."""
    scanner = plug()
    listener = listen(driver(scanner.path, **options))
    scanner.wait_until_open()
    scanner.send(sent + b"A81234567890123456789\r")
    symbol = listener.next()
    assert (symbol.data, symbol.aim) == (b"010690123456789221a\x1d10B", "]d2")
    assert listener.next().fault is ReadFault.DROPPED


def test_options_when_a_key_stands_for_gs_then_they_are_refused(tmp_path: Path) -> None:
    """Nothing types F8 on a line."""
    with pytest.raises(ValidationError, match="gs_as"):
        driver(tmp_path / "gun", gs_as="F8")


def test_symbols_when_the_terminator_is_missing_then_a_fault_comes_after_silence(listen: Listen, plug: Plug) -> None:
    """A rest without terminator is given up with its length, and the next scan is whole."""
    scanner = plug()
    listener = listen(driver(scanner.path, idle_ms=50))
    scanner.wait_until_open()
    scanner.send(CODE)
    symbol = listener.next()
    assert (symbol.data, symbol.fault, symbol.length) == (b"", ReadFault.UNTERMINATED, 20)
    scanner.send(CODE + b"\r")
    assert listener.next().data == CODE


def test_symbols_when_silence_ends_a_symbol_then_no_terminator_is_needed(listen: Listen, plug: Plug) -> None:
    """With idle_ends_symbol and no terminators the silence makes the symbol."""
    scanner = plug()
    listener = listen(driver(scanner.path, idle_ms=50, idle_ends_symbol=True, terminators=()))
    scanner.wait_until_open()
    scanner.send(CODE)
    assert listener.next().data == CODE


def test_symbols_when_a_symbol_is_overlong_then_one_fault_and_the_next_is_whole(listen: Listen, plug: Plug) -> None:
    """Three thousand bytes before a terminator are one OVERLONG fault with that length."""
    scanner = plug()
    listener = listen(driver(scanner.path))
    scanner.wait_until_open()
    scanner.send(b"7" * 3000 + b"\r" + CODE + b"\r")
    symbol = listener.next()
    assert (symbol.data, symbol.fault, symbol.length) == (b"", ReadFault.OVERLONG, 3000)
    assert listener.next().data == CODE


def test_symbols_when_unplugged_then_device_gone_and_a_new_opening_works(
    listen: Listen, plug: Plug, tmp_path: Path
) -> None:
    """A hang-up ends in DeviceGone; while absent it stays gone; plugged in again under the same name it reads on."""
    by_id = tmp_path / "usb-scanner-0001"
    first = plug()
    by_id.symlink_to(first.path)
    reader = driver(by_id)
    listener = listen(reader)
    first.wait_until_open()
    first.send(CODE + b"\r")
    assert listener.next().data == CODE
    first.unplug()
    error = listener.error()
    assert isinstance(error, DeviceGone)
    assert (error.device, error.reason) == (str(by_id), DeviceReason.UNPLUGGED)

    by_id.unlink()
    error = listen(reader).error()
    assert isinstance(error, DeviceGone)
    assert error.reason is DeviceReason.ABSENT

    second = plug()
    by_id.symlink_to(second.path)
    listener = listen(reader)
    second.wait_until_open()
    second.send(CODE + b"\r")
    assert listener.next().data == CODE


def test_symbols_when_unplugged_in_mid_code_then_nothing_of_it_joins_the_next(listen: Listen, plug: Plug) -> None:
    """Half a code before a hang-up is not put in front of the first code after it."""
    first, second = plug(), plug()
    reader = driver(first.path, idle_ms=10_000)
    listener = listen(reader)
    first.wait_until_open()
    first.send(CODE[:9])
    first.unplug()
    assert isinstance(listener.error(), DeviceGone)
    assert listener.rest() == []
    again = SerialLineDriver("counter-1", SerialLineOptions(device=Path(second.path)))
    listener = listen(again)
    second.wait_until_open()
    second.send(CODE + b"\r")
    assert listener.next().data == CODE


def test_symbols_when_another_program_holds_the_line_then_device_busy(listen: Listen, plug: Plug) -> None:
    """A second driver on the same line is refused, also for root; after the first has ended it is let in."""
    scanner = plug()
    holder = listen(driver(scanner.path))
    scanner.wait_until_open()
    error = listen(driver(scanner.path)).error()
    assert isinstance(error, DeviceBusy)
    assert error.reason is DeviceReason.IN_USE
    assert scanner.is_locked()
    holder.end()
    assert not scanner.is_locked()
    listener = listen(driver(scanner.path))
    scanner.wait_until_open()
    scanner.send(CODE + b"\r")
    assert listener.next().data == CODE


@pytest.mark.parametrize("path", ["/dev/null", "file", "folder"])
def test_symbols_when_the_path_is_no_line_then_device_refused(path: str, tmp_path: Path) -> None:
    """A file, a folder and a device without a line are named as the wrong kind."""
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    with Stop() as stop, pytest.raises(DeviceRefused) as raised:
        next(driver(tmp_path / path).symbols(stop))
    assert raised.value.reason is DeviceReason.WRONG_KIND


def test_symbols_when_the_user_may_not_open_it_then_the_hint_names_the_group(plug: Plug) -> None:
    """EACCES becomes DeviceRefused with the reason `not_permitted` and a word about dialout."""
    scanner = plug()
    Path(scanner.path).chmod(0)
    program = """
import os, sys
from yaoma_drivers.errors import DeviceRefused
from yaoma_drivers.serial_line import SerialLineDriver, SerialLineOptions
from yaoma_drivers.stop import Stop
if os.geteuid() == 0:
    os.seteuid(65534)
try:
    next(SerialLineDriver("s", SerialLineOptions(device=sys.argv[1])).symbols(Stop()))
except DeviceRefused as error:
    print(error.reason, error)
"""
    ran = subprocess.run([sys.executable, "-c", program, scanner.path], capture_output=True, text=True, check=True)
    assert ran.stdout.startswith("not_permitted")
    assert "dialout" in ran.stdout


def test_symbols_when_stop_is_set_then_it_ends_within_a_second(listen: Listen, plug: Plug) -> None:
    """A silent line does not hold up the end, and neither does half a code."""
    scanner = plug()
    listener = listen(driver(scanner.path, idle_ms=10_000))
    scanner.wait_until_open()
    scanner.send(CODE[:5])
    assert listener.end() < 1.0
    assert listener.error() is None


def test_symbols_when_stop_was_set_before_then_nothing_is_opened() -> None:
    """A reader that is told to end does not complain about a device that is not there."""
    with Stop() as stop:
        stop.set()
        assert list(driver("/dev/no-such-line").symbols(stop)) == []


def test_show_when_replies_are_configured_then_the_scanner_gets_them(listen: Listen, plug: Plug) -> None:
    """Host ACK: each signal has its bytes; a signal without bytes sends none."""
    scanner = plug()
    reader = driver(scanner.path, replies={"PASS": "1B 37 2C", "STOP": "1B382C1B382C"})
    assert isinstance(reader, Showing)
    listener = listen(reader)
    scanner.wait_until_open()
    scanner.send(CODE + b"\r")
    symbol = listener.next()
    reader.show(symbol, Signal.PASS)
    assert scanner.receive(3) == b"\x1b7,"
    reader.show(symbol, Signal.REVIEW)
    reader.show(symbol, Signal.STOP)
    assert scanner.receive(6) == b"\x1b8,\x1b8,"


def test_show_when_the_device_was_closed_then_old_verdicts_are_not_told(listen: Listen, plug: Plug) -> None:
    """What was shown before the opening belongs to scans that the scanner has forgotten."""
    scanner = plug()
    reader = driver(scanner.path, replies={"PASS": "50", "STOP": "53"})
    symbol = Symbol(CODE, "counter-1", 0)
    reader.show(symbol, Signal.STOP)
    listen(reader)
    scanner.wait_until_open()
    reader.show(symbol, Signal.PASS)
    assert scanner.receive(1) == b"P"


def test_show_when_the_scanner_takes_no_bytes_then_reading_goes_on(listen: Listen, plug: Plug) -> None:
    """With a clogged line scans still come at once, show returns at once, and late replies are dropped."""
    scanner = plug()
    reader = driver(scanner.path, replies={"PASS": "50" * 64}, reply_timeout_ms=50)
    listener = listen(reader)
    scanner.wait_until_open()
    clogged = scanner.clog()
    assert clogged > 0
    symbol = Symbol(CODE, "counter-1", 0)
    for _ in range(200):
        reader.show(symbol, Signal.PASS)
    for _ in range(5):
        scanner.send(CODE + b"\r")
        assert listener.next().data == CODE
    time.sleep(0.5)
    # The kernel may find room for a few bytes behind the clog; the late replies as a whole are gone.
    drained = scanner.drain()
    assert drained.rstrip(b"P") == bytes(clogged)
    assert drained.count(b"P") < 64 * 64
    reader.show(symbol, Signal.PASS)
    assert scanner.receive(64) == b"P" * 64


def test_end_when_unsent_bytes_wait_then_it_still_ends_within_a_second(listen: Listen, plug: Plug) -> None:
    """A reply that the scanner does not take holds up neither stop nor the closing of the line."""
    scanner = plug()
    reader = driver(scanner.path, replies={"PASS": "50"}, reply_timeout_ms=10_000)
    listener = listen(reader)
    scanner.wait_until_open()
    scanner.clog()
    reader.show(Symbol(CODE, "counter-1", 0), Signal.PASS)
    assert listener.end() < 1.0


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"device": "ttyACM0"}, "device"),
        ({"device": "/dev/x", "baudrate": 9600}, "baudrate"),
        ({"device": "/dev/x", "replies": {"GREEN": "50"}}, "GREEN"),
        ({"device": "/dev/x", "replies": {"PASS": "5G"}}, "PASS"),
        ({"device": "/dev/x", "replies": {"PASS": ""}}, "PASS"),
        ({"device": "/dev/x", "terminators": ["CR", "CRLF"]}, "CRLF"),
        ({"device": "/dev/x", "terminators": []}, "silence"),
        ({}, "device"),
    ],
)
def test_options_when_they_do_not_fit_then_the_key_is_named(options: dict[str, object], key: str) -> None:
    """A wrong option is refused before anything is opened."""
    with pytest.raises(ValidationError, match=key):
        SerialLineOptions.model_validate(options)


def test_symbols_when_line_settings_are_unusual_then_a_pty_tolerates_them(listen: Listen, plug: Plug) -> None:
    """7E2 at a rate that is in no table opens and reads."""
    scanner = plug()
    listener = listen(driver(scanner.path, baud_rate=12_345, data_bits=7, parity="even", stop_bits=2))
    scanner.wait_until_open()
    scanner.send(CODE + b"\r")
    assert listener.next().data == CODE


def test_reading_when_it_runs_then_nothing_but_the_device_is_opened() -> None:
    """From the first symbol to the end the program opens one file, its line, and makes or changes none on disk."""
    program = """
import json, sys, threading
sys.path.insert(0, sys.argv[1])
from fakes.pty_scanner import PtyScanner
from yaoma_drivers.serial_line import SerialLineDriver, SerialLineOptions
from yaoma_drivers.signal import Signal
from yaoma_drivers.stop import Stop

scanner = PtyScanner()
driver = SerialLineDriver("s", SerialLineOptions(device=scanner.path, idle_ms=20, replies={"PASS": "50"}))
touched = []
DISK = ("open", "os.mkdir", "os.rename", "os.remove", "os.truncate", "os.link", "os.symlink", "sqlite3.connect",
        "socket.connect", "subprocess.Popen", "shutil.copyfile")
watching = True
sys.addaudithook(lambda event, given: touched.append(str(given[0])) if watching and event in DISK else None)
stop = Stop()
symbols = driver.symbols(stop)
def feed():
    scanner.wait_until_open()
    scanner.send(b"8123\\r" * 50 + b"unfinished")
threading.Thread(target=feed).start()
seen = []
for symbol in symbols:
    seen.append(symbol.fault)
    driver.show(symbol, Signal.PASS)
    if symbol.fault:
        break
symbols.close()
watching = False
print(json.dumps({"path": scanner.path, "touched": touched, "symbols": len(seen)}))
"""
    fakes = str(Path(__file__).parent.parent)
    ran = subprocess.run([sys.executable, "-c", program, fakes], capture_output=True, text=True, check=True)
    told = json.loads(ran.stdout)
    assert told == {"path": told["path"], "touched": [told["path"]], "symbols": 51}
    assert ran.stderr == ""
