"""ShowQueue: verdicts on their way to a scanner, from any thread to the one that waits in select."""

import threading
import time
from collections import deque
from dataclasses import dataclass

from yaoma_drivers.signal import Signal
from yaoma_drivers.symbol import Symbol
from yaoma_drivers.wakeup import Wakeup

__all__ = ["ShowQueue", "Shown"]


@dataclass(frozen=True, slots=True)
class Shown:
    """One verdict to be told.

    Args:
        symbol: What was read.
        signal: What came of it.
        asked_mono_ms: When it was handed over, CLOCK_MONOTONIC in milliseconds.
    """

    symbol: Symbol
    signal: Signal
    asked_mono_ms: int


class ShowQueue:
    """A bounded queue with a descriptor that is readable while something is in it.

    When it is full the oldest goes: a verdict that comes late would be taken for that of the next pack.

    Args:
        limit: How many verdicts may wait.
    """

    def __init__(self, limit: int = 16) -> None:
        self._waiting: deque[Shown] = deque(maxlen=limit)
        self._lock = threading.Lock()
        self._wakeup = Wakeup()

    def fileno(self) -> int:
        """Return the descriptor to wait on beside the device."""
        return self._wakeup.fileno()

    def put(self, symbol: Symbol, signal: Signal) -> None:
        """Add a verdict without ever waiting for the device."""
        with self._lock:
            self._waiting.append(Shown(symbol, signal, time.monotonic_ns() // 1_000_000))
            self._wakeup.ring()

    def take(self) -> Shown | None:
        """Return the oldest verdict, or None."""
        with self._lock:
            shown = self._waiting.popleft() if self._waiting else None
            if not self._waiting:
                self._wakeup.clear()
            return shown

    def empty(self) -> None:
        """Drop what is left over from before the device was opened: it has forgotten those scans."""
        with self._lock:
            self._waiting.clear()
            self._wakeup.clear()
