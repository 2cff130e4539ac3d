"""The port worker: order, time-outs, half-sent codes, and that nobody ever waits for a till."""

import logging
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from fakes.program import wait_for
from yaoma.shell.port_worker import BEHIND, FULL, HALF_SENT, LATE, Passage, PortWorker
from yaoma_drivers.port import PortFailed, PortReason

SECRET = b"134567890123456789"


class Till:
    """A way to a till that does as it is told."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.awake = threading.Event()
        self.awake.set()
        self.fails: list[PortFailed | Exception] = []
        self.absent: PortFailed | None = None
        self.opened = 0
        self.is_closed = False

    def open(self) -> None:
        """Open it."""
        self.opened += 1
        if self.absent is not None:
            raise self.absent

    def send(self, data: bytes, timeout_s: float) -> None:
        """Take a code, or time out."""
        if self.fails:
            raise self.fails.pop(0)
        if not self.awake.wait(timeout_s):
            raise PortFailed("till", PortReason.ASLEEP, "takes nothing")
        self.taken.append(data)

    def step(self) -> float | None:
        """Nothing is due."""
        return None

    def close(self) -> None:
        """Close it."""
        self.is_closed = True


class Failures:
    """What the worker told of codes that did not arrive."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, bool]] = []

    def of(self, name: str) -> Callable[[str, bool], None]:
        """Give the callback of one code."""
        return lambda problem, is_partial: self.told.append((name, problem, is_partial))

    def passage(self, data: bytes) -> Passage:
        """Give a passage that is known by its data."""
        return Passage(data, self.of(data.decode()))


Start = Callable[..., PortWorker]


@pytest.fixture
def till() -> Till:
    """A till."""
    return Till()


@pytest.fixture
def failures() -> Failures:
    """Nothing has failed."""
    return Failures()


@pytest.fixture
def start(till: Till) -> Iterator[Start]:
    """Start workers that end after the test."""
    workers: list[PortWorker] = []

    def run(**options: float) -> PortWorker:
        worker = PortWorker("counter", till, **{"timeout_s": 5.0, "retry_s": 0.05, **options})  # type: ignore[arg-type]  # a Till is a PortDriver
        workers.append(worker)
        worker.start()
        return worker

    yield run
    till.awake.set()
    assert all(worker.stop(20) for worker in workers)


def test_codes_when_offered_then_they_arrive_in_order(start: Start, till: Till, failures: Failures) -> None:
    """None is left out and none is sent twice."""
    worker = start()
    for number in range(10):
        worker.offer(failures.passage(b"%d" % number))
    wait_for(lambda: len(till.taken) == 10, "not all arrived")

    assert [b"%d" % number for number in range(10)] == till.taken
    wait_for(lambda: worker.state.sent == 10, "not all are counted")
    assert (10, 0, "") == (worker.state.sent, worker.state.failed, worker.problem)
    assert [] == failures.told


def test_offer_when_the_till_sleeps_then_nobody_waits_and_each_code_is_told_of(
    start: Start, till: Till, failures: Failures
) -> None:
    """The recorder goes on at once; later the till gets only what comes later."""
    till.awake.clear()
    worker = start(timeout_s=0.1, stale_after_s=0.0)
    begun_s = time.monotonic()
    for number in range(5):
        worker.offer(failures.passage(b"%d" % number))
    assert time.monotonic() - begun_s < 5
    wait_for(lambda: len(failures.told) == 5, "not all were told of")

    assert {("0", PortReason.ASLEEP.value, False)} <= set(failures.told)
    assert {PortReason.ASLEEP.value, LATE} >= {problem for _, problem, _ in failures.told}
    assert PortReason.ASLEEP.value == worker.problem
    till.awake.set()
    worker.offer(failures.passage(b"new"))
    wait_for(lambda: till.taken == [b"new"], "the till that woke up gets nothing")
    wait_for(lambda: not worker.problem, "it is still called asleep")


def test_offer_when_too_many_wait_then_the_newest_is_told_of_at_once(
    start: Start, till: Till, failures: Failures
) -> None:
    """Bounded: codes don't pile up to be typed into another sale."""
    till.awake.clear()
    worker = start(places=3, timeout_s=30.0)
    wait_for(lambda: till.opened, "it was not opened")
    worker.offer(failures.passage(b"first"))
    wait_for(lambda: worker._begun_s is not None, "it does not begin")
    for number in range(3):
        worker.offer(failures.passage(b"%d" % number))
    assert [] == failures.told
    worker.offer(failures.passage(b"one too many"))

    assert [("one too many", FULL, False)] == failures.told


def test_code_when_only_a_part_arrived_then_those_behind_it_are_not_sent(
    start: Start, till: Till, failures: Failures
) -> None:
    """They would be joined to what stands in the till's field: two halves make a third code."""
    till.awake.clear()
    worker = start(timeout_s=30.0)
    worker.offer(failures.passage(b"first"))
    wait_for(lambda: worker._begun_s is not None, "it does not begin")
    till.fails = [PortFailed("till", PortReason.UNPLUGGED, "gone", is_partial=True)]
    for name in (b"half", b"behind", b"behind too"):
        worker.offer(failures.passage(name))
    till.awake.set()
    wait_for(lambda: len(failures.told) == 3, "not all were told of")
    worker.offer(failures.passage(b"after"))
    wait_for(lambda: len(till.taken) == 2, "the next scan does not arrive")

    assert [("half", HALF_SENT, True), ("behind", BEHIND, False), ("behind too", BEHIND, False)] == failures.told
    assert [b"first", b"after"] == till.taken


def test_code_when_it_has_no_key_then_the_port_still_counts_as_working(
    start: Start, till: Till, failures: Failures
) -> None:
    """It is that code that does not fit, not the till."""
    worker = start()
    till.fails = [PortFailed("till", PortReason.UNTYPABLE, "no key")]
    worker.offer(failures.passage(b"x"))
    wait_for(lambda: failures.told, "nobody was told")

    assert ([("x", "untypable", False)], "") == (failures.told, worker.problem)


def test_device_when_absent_then_it_is_tried_until_it_is_there(start: Start, till: Till) -> None:
    """A cable that is plugged in later, or a gadget that is set up after the box."""
    till.absent = PortFailed("till", PortReason.ABSENT, "no such device")
    worker = start()
    wait_for(lambda: till.opened > 2, "it is not tried again")
    assert PortReason.ABSENT.value == worker.problem

    till.absent = None
    wait_for(lambda: not worker.problem, "it does not come back")


def test_port_when_it_raises_anything_else_then_it_goes_on_and_nothing_is_quoted(
    start: Start, till: Till, failures: Failures, caplog: pytest.LogCaptureFixture
) -> None:
    """A stranger's port may say what it likes; the log has the class, and the operator hears of a part."""
    worker = start()
    till.fails = [ValueError(f"can't encode {SECRET!r}")]
    with caplog.at_level(logging.DEBUG):
        worker.offer(Passage(SECRET, failures.of("payment")))
        worker.offer(failures.passage(b"next"))
        wait_for(lambda: till.taken == [b"next"] or len(failures.told) == 2, "it does not go on")

    assert ("payment", HALF_SENT, True) == failures.told[0]
    assert SECRET.decode() not in caplog.text
    assert "ValueError" in caplog.text


def test_passage_when_printed_then_the_code_is_not_shown(failures: Failures) -> None:
    """A payment code is money."""
    assert SECRET.decode() not in repr(Passage(SECRET, failures.of("x")))


def test_stop_when_the_till_sleeps_then_the_box_does_not_wait_for_it(till: Till, failures: Failures) -> None:
    """A port that hangs is left behind."""
    till.awake.clear()
    worker = PortWorker("counter", till, timeout_s=30.0)  # type: ignore[arg-type]  # as above
    worker.start()
    worker.offer(failures.passage(b"x"))
    wait_for(lambda: worker._begun_s is not None, "it does not begin")

    assert not worker.stop(0.1)
    till.awake.set()
    assert worker.stop(20)
    assert till.is_closed
