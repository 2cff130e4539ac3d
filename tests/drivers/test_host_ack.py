"""Host ACK: a scanner that is suspended until it is answered gets one answer to each scan, in time."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from fakes.host_ack_scanner import HostAckScanner
from fakes.listener import Listener
from yaoma_drivers.driver import Driver
from yaoma_drivers.profile import load_profile
from yaoma_drivers.serial_line import SerialLineDriver, SerialLineOptions
from yaoma_drivers.signal import Signal
from yaoma_drivers.stop import Stop
from yaoma_drivers.symbol import Symbol

CODE = b"81234567890123456789"
WITHIN_MS = 300
Listen = Callable[[Driver], Listener]
Plug = Callable[[], HostAckScanner]

ANSWERS = {signal: fact.bytes[0] for signal, fact in load_profile("honeywell").replies.items()}


@pytest.fixture
def plug() -> Iterator[Plug]:
    """Plug in scanners that wait for answers."""
    with ExitStack() as ends:

        def start() -> HostAckScanner:
            scanner = HostAckScanner()
            ends.callback(scanner.unplug)
            return scanner

        yield start


def driver(scanner: HostAckScanner, **options: object) -> SerialLineDriver:
    """Make a driver with the vendor's profile and a limit that a test can wait for."""
    given = {"device": scanner.path, "profile": "honeywell", "answer_within_ms": WITHIN_MS, **options}
    return SerialLineDriver("counter-1", SerialLineOptions.model_validate(given))


class Counter:
    """Takes symbols in a thread and answers each as it is told to; it may also stand still."""

    def __init__(self, reader: SerialLineDriver, answer: Callable[[Symbol], object]) -> None:
        self.taken: list[int] = []
        self._stop = Stop()
        self._thread = threading.Thread(target=self._run, args=(reader, answer))
        self._thread.start()

    def _run(self, reader: SerialLineDriver, answer: Callable[[Symbol], object]) -> None:
        for symbol in reader.symbols(self._stop):
            self.taken.append(symbol.length)
            answer(symbol)

    def end(self) -> None:
        self._stop.set()
        self._thread.join(20)
        assert not self._thread.is_alive()


def test_scan_when_the_verdict_comes_in_time_then_it_is_the_answer(plug: Plug) -> None:
    """Each signal has its own bytes; the scanner never has to give up, and gets nothing that it did not ask for."""
    scanner = plug()
    reader = driver(scanner, answer_within_ms=8000)
    signals = iter(Signal)
    counter = Counter(reader, lambda symbol: reader.show(symbol, next(signals)))
    scanner.wait_until_open()

    assert [scanner.scan(CODE) for _ in Signal] == [ANSWERS[signal] for signal in Signal]
    counter.end()
    assert (scanner.error_tones, scanner.unasked) == (0, b"")


def test_scan_when_no_verdict_comes_then_the_driver_answers_before_the_limit(plug: Plug, listen: Listen) -> None:
    """A box that is silent costs the operator no more than its limit; every scan is answered, again and again."""
    scanner = plug()
    listen(driver(scanner))
    scanner.wait_until_open()

    for _ in range(3):
        assert scanner.scan(CODE) == ANSWERS[Signal.OUT_OF_SERVICE]
        assert WITHIN_MS / 1000 - 0.05 <= scanner.waited_s < 5
    assert scanner.error_tones == 0


def test_scan_when_a_verdict_comes_late_then_it_is_not_the_answer_to_the_next(plug: Plug, listen: Listen) -> None:
    """The green of the last pack, which came too late, does not become that of this one."""
    scanner = plug()
    reader = driver(scanner)
    listener = listen(reader)
    scanner.wait_until_open()
    assert scanner.scan(CODE) == ANSWERS[Signal.OUT_OF_SERVICE]
    late = listener.next()
    reader.show(late, Signal.PASS)

    answers: list[bytes] = []
    operator = threading.Thread(target=lambda: answers.append(scanner.scan(CODE[::-1])))
    operator.start()
    second = listener.next()
    reader.show(late, Signal.PASS)
    reader.show(second, Signal.STOP)
    operator.join(20)

    assert answers == [ANSWERS[Signal.STOP]]
    assert scanner.unasked == b""


def test_scan_when_a_verdict_is_told_twice_then_the_scanner_hears_it_once(plug: Plug, listen: Listen) -> None:
    """The second one would be taken for the answer to the next scan."""
    scanner = plug()
    reader = driver(scanner, answer_within_ms=8000)

    def answer_twice(symbol: Symbol) -> None:
        reader.show(symbol, Signal.PASS)
        reader.show(symbol, Signal.PASS)

    counter = Counter(reader, answer_twice)
    scanner.wait_until_open()
    assert [scanner.scan(CODE), scanner.scan(CODE)] == [ANSWERS[Signal.PASS]] * 2
    counter.end()
    assert scanner.unasked == b""


def test_scan_when_whoever_takes_symbols_is_held_up_then_every_scan_is_still_answered(plug: Plug) -> None:
    """With the counter's queue full nobody takes a symbol: all scans are answered nevertheless."""
    scanner = plug()
    go_on = threading.Event()
    counter = Counter(driver(scanner), lambda _: go_on.wait(20))
    scanner.wait_until_open()

    assert [scanner.scan(CODE) for _ in range(3)] == [ANSWERS[Signal.OUT_OF_SERVICE]] * 3
    assert len(counter.taken) == 1
    go_on.set()
    until_s = time.monotonic() + 20
    while len(counter.taken) < 3:
        assert time.monotonic() < until_s
        time.sleep(0.01)
    counter.end()
    assert scanner.error_tones == 0


def test_scan_when_it_went_wrong_then_it_is_answered_too(plug: Plug, listen: Listen) -> None:
    """An overlong symbol suspends the scanner as any other does."""
    scanner = plug()
    listen(driver(scanner))
    scanner.wait_until_open()
    assert scanner.scan(b"7" * 3000) == ANSWERS[Signal.OUT_OF_SERVICE]


def test_scan_when_unplugged_meanwhile_then_nothing_of_it_is_left_for_the_next_opening(
    plug: Plug, listen: Listen
) -> None:
    """A scanner that was pulled before its answer has forgotten the scan, and so has the driver."""
    first = plug()
    reader = driver(first)
    listener = listen(reader)
    first.wait_until_open()
    first.send(CODE + b"\r")
    symbol = listener.next()
    first.unplug()
    assert listener.error() is not None

    second = plug()
    again = driver(second)
    listen(again)
    second.wait_until_open()
    again.show(symbol, Signal.PASS)
    assert second.scan(CODE) == ANSWERS[Signal.OUT_OF_SERVICE]
    assert second.unasked == b""


def test_end_when_an_answer_is_owed_then_it_still_ends_within_a_second(plug: Plug, listen: Listen) -> None:
    """A scan that waits for its verdict does not hold up stop."""
    scanner = plug()
    listener = listen(driver(scanner, answer_within_ms=90_000))
    scanner.wait_until_open()
    scanner.send(CODE + b"\r")
    listener.next()
    assert listener.end() < 1.0
    assert listener.error() is None
