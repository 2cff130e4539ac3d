"""Turns: while boxes drain a backlog, whoever works behind the intake waits, in turns with its own work."""

import threading
import time
from collections.abc import Callable
from typing import Final

__all__ = ["Turns"]

#: Receipts come first: for so long at most, then the threads behind work for as long.
_GIVE_WAY_S: Final = 1.0
#: No news for so long: the backlog has come in.
_STREAM_S: Final = 0.1


class Turns:
    """One for all threads of a worker, so that they wait together and work together: any thread may call any of it.

    A box holds what has no receipt yet on its card only; interpreter and store go to the intake first.

    Args:
        now_s: A clock that never goes back, in seconds.
    """

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._lock = threading.Lock()
        self._backlog_s = float("-inf")
        self._waiting_since_s: float | None = None
        self._own_turn_until_s = float("-inf")

    def give_way(self) -> None:
        """Leave interpreter and store to whoever takes a backlog in, for a moment."""
        self._backlog_s = self._now_s()

    def let_pass(self, stop: threading.Event, beat: Callable[[], None]) -> None:
        """Wait while a backlog comes in and it is not our turn.

        Args:
            stop: Ends the wait.
            beat: Called while it waits: that is no stall.
        """
        while not self._may_work(self._now_s()) and not stop.is_set():
            beat()
            stop.wait(_STREAM_S / 2)

    def _may_work(self, now_s: float) -> bool:
        with self._lock:
            if now_s - self._backlog_s >= _STREAM_S:
                self._waiting_since_s = None
                return True
            if now_s < self._own_turn_until_s:
                return True
            if self._waiting_since_s is None:
                self._waiting_since_s = now_s
            if now_s - self._waiting_since_s < _GIVE_WAY_S:
                return False
            self._own_turn_until_s, self._waiting_since_s = now_s + _GIVE_WAY_S, None
            return True
