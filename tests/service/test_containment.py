"""Whatever a driver does, it is out of service itself: the reader says how it failed, goes on, and tries it again."""

import contextlib
import logging
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from yaoma.service import containment, reader
from yaoma.service.containment import Allowance, Broken, DriverBrokeError, contained, made
from yaoma.service.reader import Reader, ScannerState
from yaoma.service.show_guard import ShowGuard
from yaoma.service.work import Item
from yaoma_drivers.driver import Driver, DriverOptions
from yaoma_drivers.errors import DeviceGone, DeviceReason
from yaoma_drivers.signal import Signal
from yaoma_drivers.stop import Stop
from yaoma_drivers.symbol import Source, Symbol

_CODE = b"81000000000000000000"
_ID_CARD = "11010119900307899X"


class Careless:
    """A driver of somebody else: does what its test says, each time it is opened."""

    Options: ClassVar[type[BaseModel]] = DriverOptions

    def __init__(self, deed: Callable[[Stop], Iterator[Any]]) -> None:
        self.deed = deed
        self.openings = 0

    def symbols(self, stop: Stop) -> Iterator[Symbol]:
        self.openings += 1
        yield from self.deed(stop)


def scan(**fields: object) -> Symbol:
    """Give a sound symbol, or one that isn't."""
    sound = {"data": _CODE, "scanner": "gun", "read_mono_ms": time.monotonic_ns() // 1_000_000}
    return Symbol(**{**sound, **fields})  # type: ignore[arg-type]  # the fields are wrong on purpose


def wait_for(condition: Callable[[], object], what: str) -> None:
    """Wait generously."""
    until_s = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until_s, what
        time.sleep(0.005)


@contextmanager
def reading(driver: object) -> Iterator[tuple[Reader, "queue.Queue[Item]"]]:
    """Run a reader on a driver and look at it as the supervisor does."""
    symbols: queue.Queue[Item] = queue.Queue(1024)
    with Stop() as stop:
        running = Reader("gun", cast("Driver", driver), symbols, stop)
        running.start()
        try:
            yield running, symbols
        finally:
            stop.set()
            running.join(20)
            assert not running.is_alive()
            assert running.failure is None


def raises(error: BaseException) -> Callable[[Stop], Iterator[Any]]:
    """Raise before the first symbol."""

    def deed(_: Stop) -> Iterator[Any]:
        raise error
        yield

    return deed


def gives(*found: object) -> Callable[[Stop], Iterator[Any]]:
    """Deliver something and then wait for the end as one should."""

    def deed(stop: Stop) -> Iterator[Any]:
        yield from found
        stop.wait()

    return deed


def sets(stop: Stop) -> Iterator[Any]:
    """Set what is not its own to set."""
    stop.set()
    yield from ()


def closes(stop: Stop) -> Iterator[Any]:
    """Close what is not its own to close."""
    stop.close()
    yield from ()


def ends(_: Stop) -> Iterator[Any]:
    """Be at the end at once."""
    yield from ()


@pytest.mark.parametrize(
    ("deed", "reason"),
    [
        (raises(RuntimeError(_ID_CARD)), Broken.RAISED),
        (raises(SystemExit(3)), Broken.RAISED),
        (raises(KeyboardInterrupt()), Broken.RAISED),
        (raises(RecursionError()), Broken.RAISED),
        (raises(MemoryError()), Broken.RAISED),
        (raises(BaseException()), Broken.RAISED),
        (raises(DeviceGone("/dev/x", cast("DeviceReason", "unplugged"), _ID_CARD)), Broken.RAISED),
        (ends, Broken.ENDED),
        (sets, Broken.ENDED),
        (closes, Broken.ENDED),
        (gives(None), Broken.NO_SYMBOL),
        (gives(_CODE), Broken.NO_SYMBOL),
        (gives(_CODE.decode()), Broken.NO_SYMBOL),
    ],
)
def test_reader_when_its_driver_does_what_none_may_do_then_that_scanner_is_out_of_service(
    deed: Callable[[Stop], Iterator[Any]],
    reason: Broken,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The thread lives, the state has the reason, one line names the scanner, no word of it what was scanned."""
    monkeypatch.setattr(reader, "_BROKEN_WAIT_S", 0.01)
    driver = Careless(deed)
    with caplog.at_level(logging.INFO), reading(driver) as (running, symbols):
        wait_for(lambda: running.state.reason, "nothing was said")
        assert (False, reason.value) == (running.state.working, running.state.reason)
        assert running.state.is_lost
        wait_for(lambda: driver.openings > 2, "it was not tried again")
        assert running.is_alive()
        assert symbols.empty()
    said = [line.getMessage() for line in caplog.records]
    assert 1 == sum("driver out of service: scanner=gun" in line for line in said), said
    assert _ID_CARD not in caplog.text


@pytest.mark.parametrize(
    "fields",
    [
        {"scanner": "neighbour"},
        {"data": "81000000000000000000"},
        {"data": bytearray(_CODE)},
        {"read_mono_ms": None},
        {"read_mono_ms": -1},
        {"read_mono_ms": 1 << 62},
        {"aim": None},
        {"aim": b"]C1"},
        {"source": "scanner"},
        {"fault": "dropped"},
        {"length": 3},
        {"typing": "fast"},
    ],
)
def test_symbol_when_a_field_is_not_what_it_says_then_it_does_not_reach_the_recorder(fields: dict[str, object]) -> None:
    """Type hints bind nobody: a symbol of another scanner, of the future or with a text for bytes is refused."""
    driver = Careless(gives(scan(**fields)))
    with Stop() as stop, pytest.raises(DriverBrokeError) as broke:
        list(contained(cast("Driver", driver), "gun", stop, Allowance()))
    assert broke.value.reason is Broken.NO_SYMBOL


@given(st.one_of(st.none(), st.integers(), st.binary(), st.text(), st.lists(st.integers()), st.builds(object)))
def test_anything_when_a_driver_delivers_it_then_only_a_symbol_passes(found: object) -> None:
    """Whatever object a driver yields is refused by its class alone, without being looked into."""
    with Stop() as stop, pytest.raises(DriverBrokeError) as broke:
        list(contained(cast("Driver", Careless(gives(found))), "gun", stop, Allowance()))
    assert (Broken.NO_SYMBOL, type(found).__name__) == (broke.value.reason, broke.value.error)


def test_error_when_it_quotes_a_scan_then_nothing_of_it_is_handed_on() -> None:
    """What is raised in place of a driver's own error has its class and place, and neither its words nor a cause."""
    with Stop() as stop, pytest.raises(DriverBrokeError) as broke:
        list(contained(cast("Driver", Careless(raises(ValueError(_ID_CARD)))), "gun", stop, Allowance()))
    assert (None, None) == (broke.value.__cause__, broke.value.__context__)
    assert "ValueError" == broke.value.error
    assert __file__ in broke.value.place


def test_reader_when_a_driver_mends_itself_then_it_serves_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A driver that failed is opened again after a while, and the scanner works as soon as it delivers."""
    monkeypatch.setattr(reader, "_BROKEN_WAIT_S", 0.01)
    failures = [RuntimeError(), RuntimeError()]

    def deed(stop: Stop) -> Iterator[Any]:
        if failures:
            raise failures.pop()
        yield scan()
        stop.wait()

    with reading(Careless(deed)) as (running, symbols):
        found = symbols.get(timeout=20)
        assert isinstance(found, Symbol)
        assert _CODE == found.data
        wait_for(lambda: running.state.working, "it still counts as broken")


def test_reader_when_its_driver_floods_then_others_go_first_and_the_flood_is_cut(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A stuck scanner never fills the recorder's queue, and is out of service once no scanner could read so much."""
    monkeypatch.setattr(containment, "_ALLOWANCE", 2000)
    monkeypatch.setattr(reader, "_BROKEN_WAIT_S", 60.0)

    def flood(stop: Stop) -> Iterator[Any]:
        while not stop.is_set():
            yield scan()

    taken = most = 0
    with reading(Careless(flood)) as (running, symbols):
        while running.state.working or not symbols.empty():
            most = max(most, symbols.qsize())
            with contextlib.suppress(queue.Empty):
                symbols.get(timeout=0.05)
                taken += 1
        assert Broken.FLOODS.value == running.state.reason
    # What is refilled meanwhile comes on top.
    assert 2000 <= taken < 3000
    # Up to here it may put in before it counts as quick, and as much again may be taken for its share.
    assert most <= 2 * 64


def test_import_when_it_comes_all_at_once_then_it_is_no_flood() -> None:
    """A file of many codes is no stuck scanner."""
    with Stop() as stop:
        many = Careless(lambda _: (scan(source=Source.IMPORT) for _ in range(13_000)))
        found = contained(cast("Driver", many), "gun", stop, Allowance())
        assert all(next(found).source is Source.IMPORT for _ in range(13_000))
        with pytest.raises(DriverBrokeError) as broke:
            next(found)
        assert Broken.ENDED is broke.value.reason


def looked_at(running: Reader) -> ScannerState:
    """Look at a reader as the supervisor does and give its state."""
    running.look()
    return running.state


class Sleeper:
    """A driver that promises to look at `stop`, and hangs in its device until the test lets go."""

    Options: ClassVar[type[BaseModel]] = DriverOptions
    looks_every_s = 0.1

    def __init__(self) -> None:
        self.awake = threading.Event()

    def symbols(self, stop: Stop) -> Iterator[Symbol]:
        self.awake.wait(60)
        while not stop.wait(self.looks_every_s):
            pass
        yield from ()


def test_driver_when_it_hangs_in_its_device_then_it_is_shown_with_the_place_and_comes_back(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A driver that has promised looks at `stop` and gives none is out of service, until it looks again."""
    monkeypatch.setattr("yaoma.service.vigil._LATE_AT_LEAST_S", 0.3)
    driver = Sleeper()
    with caplog.at_level(logging.INFO), reading(driver) as (running, _):
        wait_for(lambda: not looked_at(running).working, "it was not noticed")
        assert Broken.HANGS.value == running.state.reason
        assert "place=" in caplog.text
        assert "threading.py" in caplog.text
        driver.awake.set()
        wait_for(lambda: looked_at(running).working, "it was not taken back")


def test_driver_when_it_promises_nothing_then_its_silence_is_a_scanner_that_nobody_uses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without `looks_every_s` a hang can't be told from a quiet day, and nobody is alarmed."""
    monkeypatch.setattr("yaoma.service.vigil._LATE_AT_LEAST_S", 0.05)
    with reading(Careless(gives())) as (running, _):
        time.sleep(0.3)
        running.look()
        assert running.state.working


def test_process_when_a_driver_never_ends_then_it_ends_all_the_same() -> None:
    """A reader whose driver is deaf to `stop` does not keep the interpreter from leaving."""
    with Stop() as stop:
        assert Reader("gun", cast("Driver", Sleeper()), queue.Queue(), stop).daemon


def test_constructor_when_it_raises_then_the_driver_is_out_of_service_and_the_box_starts() -> None:
    """A driver that can't even be made is read like any other, and says so."""

    class Unmakeable(Careless):
        def __init__(self, scanner: str, options: BaseModel) -> None:
            raise LookupError(_ID_CARD)

    driver = made(cast("type[Driver]", Unmakeable), "gun", DriverOptions())
    with Stop() as stop, pytest.raises(DriverBrokeError) as broke:
        list(contained(driver, "gun", stop, Allowance()))
    assert (Broken.RAISED, "LookupError") == (broke.value.reason, broke.value.error)
    assert _ID_CARD not in repr(vars(driver))


class Shower:
    """A scanner's display that fails as told."""

    def __init__(self, deed: Callable[[], object]) -> None:
        self.deed = deed
        self.shown: list[Signal] = []

    def show(self, symbol: Symbol, signal: Signal) -> None:
        self.deed()
        self.shown.append(signal)


def test_show_when_a_strangers_driver_hangs_in_it_then_the_recorder_does_not_wait() -> None:
    """Verdicts for a display that never returns are handed on at once, and lost beyond the few that may wait."""
    gate = threading.Event()
    shower = Shower(lambda: gate.wait(60))
    guard = ShowGuard("gun", shower)
    began_s = time.monotonic()
    for _ in range(1000):
        guard.show(scan(), Signal.PASS)
    assert time.monotonic() - began_s < 10
    gate.set()
    wait_for(lambda: shower.shown, "nothing was shown in the end")


def test_show_when_a_strangers_driver_raises_then_the_next_verdict_is_shown_all_the_same(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A defect in the display is logged once, by its class, and costs only that verdict."""
    fails = [True, True, False]

    def deed() -> None:
        if fails.pop(0):
            sys.exit(_ID_CARD)

    shower = Shower(deed)
    guard = ShowGuard("gun", shower)
    for signal in (Signal.PASS, Signal.PASS, Signal.STOP):
        guard.show(scan(), signal)
    wait_for(lambda: shower.shown, "the last one was not shown")
    assert [Signal.STOP] == shower.shown
    assert 1 == caplog.text.count("driver failed to show a verdict: scanner=gun error=SystemExit")
    assert _ID_CARD not in caplog.text


def test_allowance_when_it_is_used_up_then_little_is_left_for_the_next_try(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a flood a driver comes back on probation, so that a stuck one costs less each time."""
    monkeypatch.setattr(containment, "_ALLOWANCE", 500)
    monkeypatch.setattr(containment, "_REFILL_PER_S", 0.0)
    allowance = Allowance()
    assert [True] * 500 + [False] == [allowance.take() for _ in range(501)]
    assert [True] * 200 + [False] == [allowance.take() for _ in range(201)]
