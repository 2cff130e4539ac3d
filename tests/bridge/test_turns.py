"""Turns: who works behind the intake waits for a backlog, but not for ever."""

import threading

import pytest

from yaoma_bridge.turns import Turns


class Stop(threading.Event):
    """What ends the wait; its clock goes on by what is waited."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 100.0

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.now_s += timeout
        return self.is_set()


@pytest.fixture
def stop() -> Stop:
    """Give it, not set."""
    return Stop()


def test_without_a_backlog_nobody_waits(stop: Stop) -> None:
    """Work goes on at once, without a beat from a wait."""
    Turns(lambda: stop.now_s).let_pass(stop, lambda: pytest.fail("it waits"))
    assert stop.now_s == 100


def test_while_a_backlog_comes_in_work_waits_and_then_has_its_turn(stop: Stop) -> None:
    """A thread waits a second while batches come in, shows that it lives, and works for one though they go on."""
    turns, beats = Turns(lambda: stop.now_s), list[None]()

    def beat() -> None:
        beats.append(None)
        turns.give_way()  # the backlog goes on

    turns.give_way()
    turns.let_pass(stop, beat)
    waited = len(beats)
    assert waited > 1
    assert stop.now_s == pytest.approx(101, abs=0.06)
    stop.now_s += 0.9
    turns.give_way()
    turns.let_pass(stop, beat)
    assert len(beats) == waited, "the turn is still ours"
    stop.now_s += 0.2
    turns.give_way()
    turns.let_pass(stop, beat)
    assert len(beats) > waited, "then it is the intake's again"


def test_once_the_backlog_has_come_in_work_goes_on_before_its_turn(stop: Stop) -> None:
    """A short backlog holds nobody up for the whole wait."""
    turns = Turns(lambda: stop.now_s)
    turns.give_way()
    turns.let_pass(stop, lambda: None)
    assert stop.now_s == pytest.approx(100.1, abs=0.06)


def test_a_stop_ends_the_wait(stop: Stop) -> None:
    """A worker that is told to end does not wait for boxes."""
    turns = Turns(lambda: stop.now_s)
    turns.give_way()
    turns.let_pass(stop, stop.set)
    assert stop.is_set()
    assert stop.now_s < 100.1
