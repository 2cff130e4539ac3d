"""The SSI driver on a real pseudo-terminal, against a scanner that plays the decoder's side."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from pydantic import ValidationError

from fakes.listener import Listener
from fakes.ssi_scanner import ACK, SsiScanner
from yaoma_drivers.driver import Driver, Showing
from yaoma_drivers.errors import DeviceGone, DeviceReason
from yaoma_drivers.signal import Signal
from yaoma_drivers.stop import Stop
from yaoma_drivers.symbol import ReadFault
from yaoma_drivers.zebra_ssi import ZebraSsiDriver, ZebraSsiOptions

CODE = b"81234567890123456789"
NAK_RESEND = bytes.fromhex("05D1040001FF25")
BEEP = 0xE6
Listen = Callable[[Driver], Listener]
Plug = Callable[[], SsiScanner]


@pytest.fixture
def plug() -> Iterator[Plug]:
    """Plug in scanners that are unplugged after the test."""
    with ExitStack() as ends:

        def start() -> SsiScanner:
            scanner = SsiScanner()
            ends.callback(scanner.unplug)
            return scanner

        yield start


def driver(scanner: SsiScanner, **options: object) -> ZebraSsiDriver:
    """Make a driver as the daemon does, from options as a file has them."""
    return ZebraSsiDriver("counter-1", ZebraSsiOptions.model_validate({"device": scanner.path, **options}))


def test_symbols_when_the_scanner_wraps_its_texts_then_that_comes_off(plug: Plug, listen: Listen) -> None:
    """The code type says what is GS1."""
    scanner = plug()
    listener = listen(driver(scanner, prefix="02", suffix="03", gs_as="~"))
    scanner.wait_until_open()
    scanner.scan(b"\x02010690123456789221A~10B\x03", 0xC1)
    symbol = listener.next()
    assert (symbol.data, symbol.aim) == (b"010690123456789221A\x1d10B", "]d2")


def test_symbols_when_a_scan_comes_then_it_is_acknowledged_and_whole(plug: Plug, listen: Listen) -> None:
    """Each scan is acknowledged at once and is one symbol with its symbology."""
    scanner = plug()
    listener = listen(driver(scanner))
    scanner.wait_until_open()
    assert scanner.scan(CODE) == [ACK]
    assert scanner.scan(b"010690123456789221A\x1d10B", 0xC1) == [ACK]
    symbols = [listener.next(), listener.next()]
    assert [(symbol.data, symbol.aim, symbol.length) for symbol in symbols] == [
        (CODE, "]C0", 20),
        (b"010690123456789221A\x1d10B", "]d2", 23),
    ]
    assert listener.rest() == []


def test_symbols_when_a_packet_is_damaged_then_it_is_asked_for_again(plug: Plug, listen: Listen) -> None:
    """NAK RESEND comes at once, the second transmission is the scan, and there is only one."""
    scanner = plug()
    listener = listen(driver(scanner))
    scanner.wait_until_open()
    assert scanner.scan(CODE, damage=1) == [NAK_RESEND, ACK]
    assert listener.next().data == CODE
    assert listener.rest() == []


def test_symbols_when_nothing_whole_ever_comes_then_a_fault_is_shown(plug: Plug, listen: Listen) -> None:
    """A scanner that is set to plain text is asked to send again, and the operator gets a fault, not silence."""
    scanner = plug()
    reader = driver(scanner, idle_ms=20)
    listener = listen(reader)
    scanner.wait_until_open()
    scanner.send(CODE + b"\r")
    assert scanner.answer(0xD1) == NAK_RESEND
    symbol = listener.next()
    assert (symbol.data, symbol.fault) == (b"", ReadFault.DROPPED)
    reader.show(symbol, Signal.FAULT)
    assert scanner.answer(BEEP)[4:5] == b"\x06"


def test_show_when_a_verdict_comes_then_the_scanner_beeps_it(plug: Plug, listen: Listen) -> None:
    """Each signal is a BEEP of its own; the next one waits for the acknowledgment of the last."""
    scanner = plug()
    reader = driver(scanner)
    assert isinstance(reader, Showing)
    listener = listen(reader)
    scanner.wait_until_open()
    beeps = {}
    for signal in Signal:
        scanner.scan(CODE)
        reader.show(listener.next(), signal)
        beeps[signal] = scanner.answer(BEEP)[4]
    assert len(set(beeps.values())) == len(Signal)
    assert beeps[Signal.PASS] == 0
    assert beeps[Signal.STOP] == 0x11


def test_show_when_the_scanner_does_not_acknowledge_then_the_beep_is_repeated_and_given_up(
    plug: Plug, listen: Listen
) -> None:
    """It is sent again with the mark for that, no longer than it is worth something; scans go on meanwhile."""
    scanner = plug()
    reader = driver(scanner, response_ms=50, reply_timeout_ms=500)
    listener = listen(reader)
    scanner.wait_until_open()
    scanner.acknowledges = False
    scanner.scan(CODE)
    reader.show(listener.next(), Signal.PASS)
    assert [scanner.answer(BEEP)[3] for _ in range(3)] == [0, 1, 1]
    assert scanner.scan(CODE[::-1]) == [ACK]
    assert listener.next().data == CODE[::-1]


def test_show_when_no_verdict_comes_then_out_of_service_is_beeped_and_a_late_one_is_not(
    plug: Plug, listen: Listen
) -> None:
    """The operator is not left with the last verdict in the ear."""
    scanner = plug()
    reader = driver(scanner, answer_within_ms=200)
    listener = listen(reader)
    scanner.wait_until_open()
    scanner.scan(CODE)
    assert scanner.answer(BEEP)[4] == 0x13
    reader.show(listener.next(), Signal.PASS)
    assert scanner.is_quiet(0.3)


def test_scan_when_whoever_takes_symbols_is_held_up_then_it_is_still_acknowledged(plug: Plug) -> None:
    """The scanner sends no scan twice because a queue is full."""
    scanner = plug()
    reader, stop, go_on = driver(scanner), Stop(), threading.Event()
    taken = []

    def take() -> None:
        for symbol in reader.symbols(stop):
            taken.append(symbol.length)
            go_on.wait(20)

    thread = threading.Thread(target=take)
    thread.start()
    scanner.wait_until_open()
    assert [scanner.scan(CODE) for _ in range(3)] == [[ACK]] * 3
    stop.set()
    go_on.set()
    thread.join(20)
    assert not thread.is_alive()
    stop.close()
    assert taken[:1] == [20]


def test_symbols_when_unplugged_then_device_gone_and_when_stopped_then_it_ends(plug: Plug, listen: Listen) -> None:
    """A hang-up is DeviceGone; stop ends it within a second, also while a packet is half there."""
    scanner = plug()
    listener = listen(driver(scanner))
    scanner.wait_until_open()
    scanner.send(b"\x19\xf3\x00")
    assert listener.end() < 1.0
    assert listener.error() is None

    scanner = plug()
    listener = listen(driver(scanner))
    scanner.wait_until_open()
    scanner.unplug()
    error = listener.error()
    assert isinstance(error, DeviceGone)
    assert error.reason is DeviceReason.UNPLUGGED


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"data_bits": 7}, "data_bits"),
        ({"terminators": ["CR"]}, "terminators"),
        ({"profile": "honeywell"}, "profile\n.*'zebra_ssi'"),
        ({"replies": {"PASS": "E"}}, "PASS"),
        ({"replies": {"PASS": []}}, "PASS"),
    ],
)
def test_options_when_they_do_not_fit_then_the_key_is_named(options: dict[str, object], key: str) -> None:
    """Packets have no terminators and need 8 bits."""
    with pytest.raises(ValidationError, match=key):
        ZebraSsiOptions.model_validate({"device": "/dev/x", **options})
