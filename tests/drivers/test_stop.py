"""Stop, Wakeup and ShowQueue: events that select can wait on."""

import gc
import os
import select
import signal
import threading

import pytest

from yaoma_drivers.show_queue import ShowQueue
from yaoma_drivers.signal import Signal
from yaoma_drivers.stop import Stop
from yaoma_drivers.symbol import Symbol
from yaoma_drivers.wakeup import Wakeup


def readable(thing: Stop | Wakeup | ShowQueue) -> bool:
    """Tell whether select would return for it at once."""
    return bool(select.select([thing], [], [], 0)[0])


def test_set_when_called_then_the_descriptor_stays_readable() -> None:
    """Stop is set for good, for everybody who waits, as often as they look."""
    with Stop() as stop:
        assert (stop.is_set(), readable(stop), stop.wait(0.001)) == (False, False, False)
        stop.set()
        stop.set()
        assert (stop.is_set(), readable(stop), stop.wait(10), readable(stop)) == (True, True, True, True)


def test_wait_when_set_by_another_thread_then_it_returns() -> None:
    """A wait without a limit ends with set() from elsewhere."""
    with Stop() as stop:
        timer = threading.Timer(0.02, stop.set)
        timer.start()
        assert stop.wait()
        timer.join()


def test_set_when_called_from_a_signal_then_select_returns() -> None:
    """A signal handler may set it while its own thread waits."""
    with Stop() as stop:
        before = signal.signal(signal.SIGUSR1, lambda *_: stop.set())
        try:
            timer = threading.Timer(0.02, os.kill, (os.getpid(), signal.SIGUSR1))
            timer.start()
            assert stop.wait(20)
            timer.join()
        finally:
            signal.signal(signal.SIGUSR1, before)


def test_close_when_done_then_the_descriptor_is_given_back_once() -> None:
    """After close nothing can be waited on, set() harms no stranger's descriptor, and is_set() still answers."""
    stop = Stop()
    number = stop.fileno()
    stop.close()
    stop.close()
    assert stop.fileno() == -1
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(number)
    with pytest.raises(ValueError, match="negative"):
        stop.wait(0)
    stop.set()
    assert stop.is_set()
    assert stop.wait()


def test_stop_when_forgotten_then_its_descriptor_goes_with_it() -> None:
    """An object that nobody closed leaks nothing."""
    stop = Stop()
    number = stop.fileno()
    del stop
    gc.collect()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(number)


def test_ring_when_cleared_then_it_is_silent_until_the_next() -> None:
    """A bell rung twice is cleared once; on a closed one both do nothing."""
    with Wakeup() as bell:
        bell.clear()
        bell.ring()
        bell.ring()
        assert readable(bell)
        bell.clear()
        assert not readable(bell)
        bell.ring()
        assert readable(bell)
    bell.ring()
    bell.clear()


def test_put_when_the_queue_is_full_then_the_oldest_goes() -> None:
    """The newest verdicts are kept, in order, and the descriptor is readable until the last is taken."""
    shows = ShowQueue(limit=2)
    for number, word in enumerate([Signal.PASS, Signal.STOP, Signal.REVIEW]):
        shows.put(Symbol(b"8", "s", number), word)
    first, second = shows.take(), shows.take()
    assert first is not None
    assert second is not None
    assert [first.signal, second.signal] == [Signal.STOP, Signal.REVIEW]
    assert [first.symbol.read_mono_ms, second.symbol.read_mono_ms] == [1, 2]
    assert first.asked_mono_ms > 0
    assert not readable(shows)
    assert shows.take() is None


def test_put_when_many_threads_do_it_then_the_waiter_misses_none() -> None:
    """A waiter in select sees each of 400 verdicts of four threads, with no time-out needed."""
    shows = ShowQueue(limit=1000)

    def put_100() -> None:
        for _ in range(100):
            shows.put(Symbol(b"8", "s", 0), Signal.PASS)

    threads = [threading.Thread(target=put_100) for _ in range(4)]
    for thread in threads:
        thread.start()
    taken = 0
    while taken < 400:
        assert select.select([shows], [], [], 20)[0]
        taken += shows.take() is not None
    for thread in threads:
        thread.join()
    assert not readable(shows)


def test_empty_when_called_then_nothing_waits() -> None:
    """Old verdicts go all at once, and the descriptor is silent."""
    shows = ShowQueue()
    shows.put(Symbol(b"8", "s", 0), Signal.PASS)
    shows.empty()
    assert not readable(shows)
    assert shows.take() is None


def test_child_when_its_parent_is_set_then_it_is_set_and_never_the_other_way() -> None:
    """A child may be set alone; whoever sets the parent sets all that are there, and those asked for later."""
    with Stop() as parent, parent.child() as first, parent.child() as second:
        first.set()
        assert (parent.is_set(), second.is_set()) == (False, False)
        parent.set()
        assert select.select([second], [], [], 0)[0] == [second]
        with parent.child() as late:
            assert late.is_set()


def test_child_when_many_were_closed_then_the_parent_forgets_them() -> None:
    """A scanner that is lent every day leaves nothing behind."""
    with Stop() as parent:
        for _ in range(100):
            parent.child().close()
        assert len(parent._children) == 1
