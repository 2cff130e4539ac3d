"""The reader's thread: what it remembers of a scan, how it lends its device, and which losses are no alarm."""

import logging
import queue
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from fakes.counter import LISTED, CounterBench
from yaoma.core.ticket import CommandRefusedError
from yaoma.service.pace import BURST_MS, BURST_SCANS, Pace
from yaoma.service.reader import Reader
from yaoma.service.scanner_desk import ScannerDesk
from yaoma.service.work import Item
from yaoma_drivers.driver import DriverOptions
from yaoma_drivers.errors import DeviceError, DeviceGone, DeviceReason
from yaoma_drivers.stop import Stop
from yaoma_drivers.symbol import ReadFault, Source, Symbol, Typing


class HandScanner:
    """A driver whose device does what the test says; it ends at once when it is told to."""

    Options: ClassVar[type[BaseModel]] = DriverOptions

    def __init__(self) -> None:
        self.inbox: queue.Queue[Symbol | DeviceError] = queue.Queue()
        self.openings = 0
        self.is_open = False

    def symbols(self, stop: Stop) -> Iterator[Symbol]:
        self.openings += 1
        self.is_open = True
        try:
            while not stop.is_set():
                try:
                    item = self.inbox.get(timeout=0.005)
                except queue.Empty:
                    continue
                if isinstance(item, DeviceError):
                    raise item
                yield item
        finally:
            self.is_open = False


def wait_for(condition: Callable[[], object], what: str) -> None:
    """Wait generously."""
    until_s = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until_s, what
        time.sleep(0.005)


@contextmanager
def reading() -> Iterator[tuple[HandScanner, Reader, "queue.Queue[Item]"]]:
    """Run a reader on a scanner in the test's hand."""
    symbols: queue.Queue[Item] = queue.Queue(1024)
    scanner = HandScanner()
    with Stop() as stop:
        reader = Reader("gun", scanner, symbols, stop)
        reader.start()
        try:
            yield scanner, reader, symbols
        finally:
            stop.set()
            reader.join(20)
            assert not reader.is_alive()
            assert reader.failure is None


def scan(at_ms: int, text: bytes = b"8" * 20, **more: object) -> Symbol:
    """Give a scan."""
    return Symbol(text, "gun", at_ms, **more)  # type: ignore[arg-type]  # passed through


def test_readings_when_symbols_were_read_then_how_they_came_is_known_and_no_text() -> None:
    """Length, identifier, fault, time and terminator are remembered; the bytes are nowhere in it."""
    secret = b"110101199003074477"
    with reading() as (scanner, reader, symbols):
        scanner.inbox.put(scan(5, secret, aim="]Q1", typing=Typing(36, "ENTER")))
        scanner.inbox.put(scan(9, b"", fault=ReadFault.DROPPED, length=7))
        assert [symbols.get(timeout=20), symbols.get(timeout=20)]
        wait_for(lambda: len(reader.readings()) == 2, "the readings are not there")
        first, second = reader.readings()
        assert (first.number, first.read_mono_ms, first.length, first.aim) == (1, 5, 18, "]Q1")
        assert (first.took_ms, first.terminator, first.fault) == (36, "ENTER", "")
        assert (second.fault, second.length, second.took_ms) == ("dropped", 7, None)
        assert reader.readings(1) == [second]
        assert secret.decode() not in repr(reader.readings())


def test_readings_when_there_are_many_then_the_newest_are_kept() -> None:
    """A bounded number, however long the box runs."""
    with reading() as (scanner, reader, symbols):
        for number in range(200):
            scanner.inbox.put(scan(number * 1000))
        for _ in range(200):
            symbols.get(timeout=20)
        wait_for(lambda: reader.state.read == 200 and reader.readings(199), "not read")
        assert [one.number for one in reader.readings()] == list(range(137, 201))


def test_lend_when_a_technician_asks_then_the_device_is_free_until_it_is_given_back() -> None:
    """The driver has closed it before the answer comes, and opens it again when asked; meanwhile that is no alarm."""
    with reading() as (scanner, reader, symbols):
        wait_for(lambda: scanner.is_open, "not open")
        assert reader.lend(60)
        assert (scanner.is_open, reader.state.working, reader.state.reason) == (False, False, "lent")
        assert not reader.state.is_lost
        assert reader.lend(60)
        reader.take_back()
        wait_for(lambda: scanner.openings == 2 and reader.state.working, "not taken back")
        scanner.inbox.put(scan(1))
        assert symbols.get(timeout=20) == scan(1)
        assert reader.lend(0.05)
        wait_for(lambda: scanner.openings == 3, "a loan that nobody gives back does not end")


def test_lend_when_the_scanner_is_unplugged_or_the_end_comes_then_neither_hangs() -> None:
    """A device that is away can be lent too, and a box that stops does not wait for the technician."""
    with reading() as (scanner, reader, _):
        scanner.inbox.put(DeviceGone("gun", DeviceReason.ABSENT, "is not there"))
        wait_for(lambda: reader.state.reason == "absent", "not noticed")
        assert reader.lend(300)
        began_s = time.monotonic()
    assert time.monotonic() - began_s < 15


@pytest.mark.parametrize(
    ("reason", "is_lost", "level"),
    [
        (DeviceReason.ASLEEP, False, logging.INFO),
        (DeviceReason.UNPLUGGED, True, logging.WARNING),
        (DeviceReason.IN_USE, True, logging.WARNING),
    ],
)
def test_state_when_a_scanner_is_away_then_only_a_loss_is_an_alarm(
    caplog: pytest.LogCaptureFixture,
    reason: DeviceReason,
    is_lost: bool,  # noqa: FBT001 - parameter
    level: int,
) -> None:
    """A wireless scanner that sleeps is told as such: not among the lost ones, and no warning in the log."""
    with caplog.at_level(logging.INFO), reading() as (scanner, reader, _):
        scanner.inbox.put(DeviceGone("gun", reason, "words"))
        wait_for(lambda: reader.state.reason == reason.value, "not noticed")
        assert reader.state.is_lost is is_lost
    assert [record.levelno for record in caplog.records if "scanner lost" in record.message] == [level]


def test_desk_when_asked_of_scanners_then_it_answers_and_refuses_nonsense() -> None:
    """Readings from a place on, a loan and its end; a scanner that is not configured is refused."""
    with reading() as (scanner, reader, symbols):
        answers = ScannerDesk([reader]).answers()
        assert answers["scanner_readings"]({"scanner": "gun"}) == {"next": 0, "readings": []}
        scanner.inbox.put(scan(5, typing=Typing(40, "TAB")))
        symbols.get(timeout=20)
        told = answers["scanner_readings"]({"scanner": "gun", "after": 0, "wait_s": 20})
        assert told["next"] == 1
        assert told["readings"][0]["terminator"] == "TAB"
        assert answers["scanner_readings"]({"scanner": "gun", "after": 1, "wait_s": 0.05})["readings"] == []
        assert answers["scanner_lend"]({"scanner": "gun", "seconds": 30}) == {"lent": "gun"}
        assert not scanner.is_open
        assert answers["scanner_take_back"]({"scanner": "gun"}) == {"taken_back": "gun"}
        for question in answers.values():
            with pytest.raises(CommandRefusedError, match="scanner_unknown"):
                question({"scanner": "keyboard"})
        for bad in ({"after": "1"}, {"after": True}, {"wait_s": "long", "after": 1}):
            with pytest.raises(ValueError, match="numbers"):
                answers["scanner_readings"]({"scanner": "gun", **bad})
        for seconds in (None, 0, -1, "60"):
            with pytest.raises(ValueError, match="seconds"):
                answers["scanner_lend"]({"scanner": "gun", "seconds": seconds})


@given(pauses=st.lists(st.integers(0, 3000), max_size=60))
def test_pace_when_scans_come_then_a_burst_is_five_within_two_seconds(pauses: list[int]) -> None:
    """Against a plain count over all earlier scans."""
    pace, times = Pace(), list[int]()
    for pause in pauses:
        times.append((times[-1] if times else 0) + pause)
        is_burst = sum(times[-1] - one < BURST_MS for one in times) >= BURST_SCANS
        assert pace.is_burst(times[-1]) == is_burst


def test_burst_when_a_scanner_sends_what_it_has_kept_then_the_records_say_so(tmp_path: Path) -> None:
    """The fifth scan and those after it are marked, of a scanner and not of a camera, and judged as ever."""
    with reading() as (scanner, _, symbols):
        for number in range(7):
            scanner.inbox.put(scan(1000 + 300 * number, f"83003850{number:012d}".encode()))
        for number in range(7):
            scanner.inbox.put(scan(3000 + number, source=Source.CAMERA))
        seen = [symbols.get(timeout=20) for _ in range(14)]
    marks = [isinstance(one, Symbol) and one.in_burst for one in seen]
    assert marks == [False] * 4 + [True] * 3 + [False] * 7
    bench = CounterBench(tmp_path / "state")
    bench.wait(0)
    for one in (seen[0], seen[6]):
        bench.items.put(one)
    bench.scan(LISTED)
    bench.wait(3)
    bench.stop()
    records = [record for _, _, record in bench.shown.verdicts]
    assert [record.fields.get("burst") for record in records] == [None, True, None]
    assert {record.fields["verdict"] for record in records} == {"PASS"}
