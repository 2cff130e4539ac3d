"""Indicators: what stands on the screen, what stands in the log, and who waits for whom."""

import io
import logging
import os
import pty
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from yaoma.core.reason import CLASSES, Degraded
from yaoma.shell.catalogue import LANGUAGES, load_catalogue
from yaoma.shell.indicator import Indicator, LogIndicator, Shown, TerminalIndicator, block
from yaoma.shell.indicator_worker import IndicatorWorker
from yaoma_drivers.signal import Signal

CATALOGUES = [load_catalogue(language) for language in LANGUAGES]
CODE = "81234 56789 01234 56789"


def shown(seq: int = 7, signal: Signal = Signal.PASS, reason: str = "in_list") -> Shown:
    """A scan to show."""
    facts: dict[str, str | int] = {"product": "阿莫西林[red]", "list_version": 3, "place": 2}
    return Shown(signal, reason, "counter", "gun", "dispense", seq, facts, (Degraded.CLOCK_UNTRUSTED,), CODE)


def test_block_when_a_pass_is_shown_then_both_languages_sign_and_code_stand_there() -> None:
    """Sign, headline, lamp position, place, code, line, next step and banner, Chinese first."""
    assert block(shown(), CATALOGUES) == [
        "✓ 通过 / Pass  [PASS] #7",
        "    counter · gun · dispense  (绿灯·上 / green, top)",
        f"    {CODE}",
        "    名单内 · 阿莫西林[red] · 版本 3 · 第 2 盒",
        "    ⚠ 时钟未校准",
        "    On the list · 阿莫西林[red] · version 3 · pack 2",
        "    ⚠ Clock not set",
    ]


def test_block_when_a_delivery_is_stopped_then_the_headline_forbids_taking_it_in() -> None:
    """The same denial speaks of the operation of its ticket."""
    at_the_door = replace(shown(signal=Signal.STOP, reason="denied_recall"), operation="receive")

    assert block(at_the_door, CATALOGUES)[0] == "✕ 禁止入库 / Stop: do not receive  [STOP] #7"


def test_block_when_out_of_service_then_cause_and_next_step_stand_there() -> None:
    """There is no record, so there is no place; the cause says what to do."""
    lines = block(Shown(Signal.OUT_OF_SERVICE, "disk_full", "counter", "gun"), CATALOGUES)

    assert lines[0] == "■ 设备暂停服务 / Out of service  [OUT_OF_SERVICE]"
    assert sum(line.startswith("    → ") for line in lines) == 2


def test_block_when_signals_are_compared_then_each_has_its_own_sign() -> None:
    """Without any colour the six still differ by sign and word."""
    reasons = {Signal.OUT_OF_SERVICE: "disk_full"}
    for reason, classes in CLASSES.items():
        reasons |= {Signal(verdict.value): reason for verdict in classes}
    firsts = [block(shown(signal=signal, reason=reason), CATALOGUES)[0] for signal, reason in reasons.items()]

    assert len({line[0] for line in firsts}) == len(Signal)


def test_terminal_when_no_tty_then_the_text_is_plain() -> None:
    """A pipe or a file gets the lines and nothing else."""
    stream = io.StringIO()
    TerminalIndicator(stream, CATALOGUES).show(shown())

    assert stream.getvalue() == "\n".join([*block(shown(), CATALOGUES), "", ""])


def test_terminal_when_a_tty_then_there_is_colour_and_no_markup() -> None:
    """On a real terminal the headline has a colour, and brackets in a product's name stay brackets."""
    reading, writing = pty.openpty()
    with os.fdopen(reading, "rb", buffering=0) as screen, os.fdopen(writing, "w", encoding="utf-8") as stream:
        TerminalIndicator(stream, CATALOGUES).show(shown(signal=Signal.STOP, reason="denied_recall"))
        TerminalIndicator(stream, CATALOGUES).show(shown())
        text = screen.read(8192).decode()

    assert "\x1b[1;37;41m✕ 停止发药 / Stop" in text
    assert "阿莫西林[red]" in text


def test_log_when_a_scan_is_shown_then_one_line_has_no_code(caplog: pytest.LogCaptureFixture) -> None:
    """Class, reason, station and place; never a code or a product."""
    caplog.set_level(logging.INFO)
    LogIndicator().show(shown())
    LogIndicator().show(Shown(Signal.OUT_OF_SERVICE, "disk_full", "counter", "gun"))

    assert caplog.messages == [
        "verdict: class=PASS reason=in_list station=counter seq=7",
        "verdict: class=OUT_OF_SERVICE reason=disk_full station=counter seq=none",
    ]


class Scripted:
    """An indicator that can be held, and that fails for chosen places."""

    name = "scripted"

    def __init__(self, failing: frozenset[int] = frozenset()) -> None:
        self.seen: list[int | None] = []
        self.entered = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()
        self._failing = failing

    def show(self, one: Shown) -> None:
        """Note the place; wait while held."""
        self.entered.set()
        assert self.go_on.wait(30)
        if one.seq in self._failing:
            raise RuntimeError(f"can't show {one.code}")
        self.seen.append(one.seq)


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    """An indicator that is let go at the end, whatever the test did."""
    indicator = Scripted()
    yield indicator
    indicator.go_on.set()


def until(condition: object) -> None:
    """Wait for something, with a generous deadline."""
    deadline = time.monotonic() + 20
    assert callable(condition)
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_worker_when_the_indicator_is_quick_then_everything_is_shown_in_order(scripted: Scripted) -> None:
    """Nothing is dropped and nothing overtakes."""
    kind: Indicator = scripted
    worker = IndicatorWorker(kind, stale_after_s=60, places=100)
    worker.start()
    for seq in range(50):
        worker.offer(shown(seq))

    assert worker.stop(20)
    assert scripted.seen == list(range(50))
    assert (worker.dropped, worker.broken, worker.name) == (0, 0, "indicator-scripted")


def test_worker_when_the_indicator_hangs_then_offer_returns_and_the_newest_are_kept(scripted: Scripted) -> None:
    """A hanging lamp costs the recorder nothing; the oldest waiting scans give way and are counted."""
    scripted.go_on.clear()
    worker = IndicatorWorker(scripted, places=4, stale_after_s=60, stuck_after_s=0.01)
    worker.start()
    worker.offer(shown(0))
    assert scripted.entered.wait(20)
    for seq in range(1, 101):
        worker.offer(shown(seq))
    until(lambda: worker.is_stuck)
    assert worker.dropped == 96
    assert not worker.stop(0.01)
    scripted.go_on.set()
    worker.join(20)

    assert scripted.seen == [0, 97, 98, 99, 100]
    assert not worker.is_stuck


def test_worker_when_scans_waited_too_long_then_only_the_newest_is_shown(scripted: Scripted) -> None:
    """A late green must not stand there for another pack; the newest is always shown."""
    scripted.go_on.clear()
    worker = IndicatorWorker(scripted, stale_after_s=0)
    worker.start()
    worker.offer(shown(0))
    assert scripted.entered.wait(20)
    for seq in range(1, 6):
        worker.offer(shown(seq))
    time.sleep(0.002)
    scripted.go_on.set()

    assert worker.stop(20)
    assert scripted.seen == [0, 5]
    assert worker.dropped == 4


def test_worker_when_the_indicator_raises_then_the_next_is_shown_and_the_log_quotes_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A broken lamp is one line at its beginning and one at its end; the code in its complaint stays out."""
    indicator = Scripted(failing=frozenset({1, 2}))
    worker = IndicatorWorker(indicator, stale_after_s=60)
    worker.start()
    for seq in range(4):
        worker.offer(shown(seq))
    assert worker.stop(20)

    assert indicator.seen == [0, 3]
    assert caplog.messages == [
        "indicator fails: name=scripted error=RuntimeError",
        "indicator works again: name=scripted missed=2",
    ]
    assert CODE not in caplog.text


def test_worker_when_never_started_then_stop_returns(scripted: Scripted) -> None:
    """A start that failed half-way can still be undone."""
    assert IndicatorWorker(scripted).stop()
