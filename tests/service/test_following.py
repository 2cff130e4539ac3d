"""What other programs on the box are told of scans, each once and only when it is kept."""

import threading
import time
from pathlib import Path

import pytest

from fakes.counter import LISTED, CounterBench
from yaoma.core.ticket import Action
from yaoma.service.following import Following


@pytest.mark.row("S0-28")
def test_scan_when_kept_then_a_program_that_waits_is_told_at_once(tmp_path: Path) -> None:
    """HIS asks, the nurse scans, HIS has the code: one scan for both, with what was said of it."""
    bench = CounterBench(tmp_path / "state")
    bench.ticket(Action.OPEN)
    following = Following(lambda: bench.recorder.journal)
    at = following.answer({})
    timer = threading.Timer(0.2, bench.scan, [LISTED])
    timer.start()

    begun_s = time.monotonic()
    told = following.answer({"log": at["log"], "after": at["next"], "wait_s": 20})
    timer.join()
    again = following.answer({"log": told["log"], "after": told["next"]})
    bench.stop()

    assert time.monotonic() - begun_s < 15
    (scan,) = told["scans"]
    assert (scan["code"], scan["verdict"], scan["station"]) == (f"cn20:{LISTED}", "PASS", "counter")
    assert again["scans"] == []


def test_scans_when_of_another_station_or_no_code_then_nothing_is_told_that_nobody_may_know(tmp_path: Path) -> None:
    """Another station's scans are left out; of a payment code there is no text to tell."""
    bench = CounterBench(tmp_path / "state")
    following = Following(lambda: bench.recorder.journal)
    bench.wait(0)
    bench.scan("6212260000000000018")
    bench.scan(LISTED, "gun-2")
    bench.wait(2)

    told = following.answer({"after": 0, "log": "another log"})
    mine = following.answer({"after": 0, "log": told["log"], "station": "store"})
    bench.stop()

    assert len(told["scans"]) == 2
    assert not {"code", "text"} & told["scans"][0].keys()
    assert [scan["station"] for scan in mine["scans"]] == ["store"]


@pytest.mark.parametrize("request_", [{"after": -1}, {"after": "1"}, {"log": 7, "after": 1}, {"wait_s": "x"}])
def test_request_when_it_makes_no_sense_then_it_is_refused(request_: dict[str, object]) -> None:
    """The control socket answers any of them as a bad request."""
    with pytest.raises(ValueError):  # noqa: PT011 - any of them
        Following(lambda: None).answer(request_)


def test_wait_when_the_daemon_ends_then_nobody_is_kept(tmp_path: Path) -> None:
    """A stop takes a second, not the twenty that a program may ask for."""
    bench = CounterBench(tmp_path / "state")
    bench.ticket(Action.OPEN)
    following = Following(lambda: bench.recorder.journal, lambda: True)
    at = following.answer({})

    begun_s = time.monotonic()
    following.answer({"log": at["log"], "after": at["next"], "wait_s": 20})
    bench.stop()

    assert time.monotonic() - begun_s < 10
