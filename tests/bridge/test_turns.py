"""Turns: who works behind the intake waits for a backlog, but not for ever."""

import threading
import time

from yaoma_bridge.turns import Turns


def test_without_a_backlog_nobody_waits() -> None:
    """Work goes on at once, without a beat from a wait."""
    beats: list[None] = []
    Turns().let_pass(threading.Event(), lambda: beats.append(None))
    assert not beats


def test_while_a_backlog_comes_in_work_waits_and_then_has_its_turn() -> None:
    """A thread waits while batches come in, shows meanwhile that it lives, and works though they go on coming."""
    turns, beats = Turns(), list[None]()

    def beat() -> None:
        beats.append(None)
        turns.give_way()  # the backlog goes on

    turns.give_way()
    turns.let_pass(threading.Event(), beat)
    waited = len(beats)
    turns.give_way()
    turns.let_pass(threading.Event(), beat)
    assert waited > 1
    assert len(beats) == waited  # the turn is still ours


def test_once_the_backlog_has_come_in_work_goes_on_before_its_turn() -> None:
    """A short backlog holds nobody up for the whole wait."""
    turns, began_s = Turns(), time.monotonic()
    turns.give_way()
    turns.let_pass(threading.Event(), lambda: None)
    assert time.monotonic() - began_s >= 0.1


def test_a_stop_ends_the_wait() -> None:
    """A worker that is told to end does not wait for boxes."""
    turns, stop = Turns(), threading.Event()
    turns.give_way()
    turns.let_pass(stop, stop.set)
    assert stop.is_set()
