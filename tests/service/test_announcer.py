"""The announcer: everybody is told, nobody is waited for."""

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from fakes.counter import LISTED, CounterBench
from yaoma.service.announcer import Announcer
from yaoma.shell.indicator import Shown
from yaoma.shell.indicator_worker import IndicatorWorker
from yaoma_drivers.signal import Signal
from yaoma_drivers.symbol import Symbol


@dataclass
class Lamp:
    """An indicator that remembers; it hangs while `stuck` is set."""

    name: str = "lamp"
    seen: list[Shown] = field(default_factory=list)
    stuck: threading.Event = field(default_factory=threading.Event)

    def show(self, shown: Shown) -> None:
        """Remember."""
        while self.stuck.is_set():
            time.sleep(0.01)
        self.seen.append(shown)


@dataclass
class Scanner:
    """A scanner that can beep."""

    beeps: list[Signal] = field(default_factory=list)

    def show(self, symbol: Symbol, signal: Signal) -> None:
        """Beep."""
        assert symbol.scanner == "gun"
        self.beeps.append(signal)


def test_verdict_reaches_scanner_and_indicators_in_order(tmp_path: Path) -> None:
    """Scanner and lamp get what was recorded, in the order of the records; an ID number's text is with neither."""
    lamp, scanner = Lamp(), Scanner()
    worker = IndicatorWorker(lamp)
    worker.start()
    bench = CounterBench(tmp_path / "state")
    bench.shown.show = Announcer({"gun": "counter"}, {"gun": scanner}, [worker]).show  # type: ignore[method-assign]
    for code in (LISTED, "6901234567892", "360426199101010071", LISTED):
        bench.scan(code)
    bench.stop()
    worker.stop()

    assert [Signal.PASS, Signal.FAULT, Signal.FAULT] == scanner.beeps[:3]
    assert [shown.signal for shown in lamp.seen] == scanner.beeps
    assert ["83003 85000 00001 31888", "6901234567892", ""] == [shown.code for shown in lamp.seen[:3]]
    assert sorted(shown.seq or 0 for shown in lamp.seen) == [shown.seq for shown in lamp.seen]


def test_hanging_lamp_does_not_hold_up_the_recorder(tmp_path: Path) -> None:
    """While the lamp hangs, scans are recorded and the scanner beeps (promise 6)."""
    lamp, scanner = Lamp(), Scanner()
    lamp.stuck.set()
    worker = IndicatorWorker(lamp)
    worker.start()
    bench = CounterBench(tmp_path / "state")
    bench.shown.show = Announcer({"gun": "counter"}, {"gun": scanner}, [worker]).show  # type: ignore[method-assign]
    for number in range(200):
        bench.scan(f"83003850{number:012d}")
    end_s = time.monotonic() + 30
    while len(scanner.beeps) < 200 and time.monotonic() < end_s:
        time.sleep(0.01)
    bench.stop()
    lamp.stuck.clear()
    worker.stop()

    assert [Signal.PASS] * 200 == scanner.beeps


def test_trouble_is_out_of_service_and_never_a_verdict() -> None:
    """The cause is shown with its own signal, without a place in the log."""
    lamp, scanner = Lamp(), Scanner()
    worker = IndicatorWorker(lamp)
    worker.start()
    Announcer({"gun": "counter"}, {"gun": scanner}, [worker]).out_of_service(Symbol(b"x", "gun", 0), "disk_full")
    worker.stop()

    assert [(Signal.OUT_OF_SERVICE, "disk_full", None)] == [(one.signal, one.reason, one.seq) for one in lamp.seen]
    assert [Signal.OUT_OF_SERVICE] == scanner.beeps


def test_pass_that_comes_too_late_is_not_shown_green(tmp_path: Path) -> None:
    """Past 400 ms another pack may lie under the lamp: the record keeps its PASS, the operator is asked to look."""
    lamp, scanner = Lamp(), Scanner()
    worker = IndicatorWorker(lamp)
    worker.start()
    bench = CounterBench(tmp_path / "state")
    bench.shown.show = Announcer({"gun": "counter"}, {"gun": scanner}, [worker]).show  # type: ignore[method-assign]
    bench.items.put(Symbol(LISTED.encode(), "gun", bench.clock().mono_ms - 1000))
    bench.stop()
    worker.stop()

    assert [Signal.REVIEW] == scanner.beeps
    assert [("late", 1)] == [(one.reason, one.seq) for one in lamp.seen]
