"""AnswerBook: which scans still wait for their answer, and until when; pure."""

from collections import deque
from dataclasses import dataclass

from yaoma_drivers.symbol import Symbol

__all__ = ["AnswerBook"]

#: A scanner that waits for answers has one scan open; one that does not wait is not followed any further than this.
_MOST = 64


@dataclass(frozen=True, slots=True)
class _Open:
    """One scan that waits. It is known by time and length, so that no text is kept: it may be an identity card."""

    read_mono_ms: int
    length: int
    due_ms: int


class AnswerBook:
    """Gives every scan exactly one answer: the box's if it comes in time, else the driver's own.

    A scanner in Host ACK mode is suspended until it is answered (SCANNERS.md 1.10), and would take an answer that
    comes too late for that to its next scan.

    Args:
        within_ms: How long the box has for each, in milliseconds.
    """

    def __init__(self, within_ms: int) -> None:
        self._within_ms = within_ms
        self._open: deque[_Open] = deque()
        self._missed = 0

    def scanned(self, symbol: Symbol) -> None:
        """Note that a scan was handed over, before anybody can answer it."""
        self._open.append(_Open(symbol.read_mono_ms, symbol.length, symbol.read_mono_ms + self._within_ms))
        if len(self._open) > _MOST:
            self._open.popleft()
            self._missed += 1

    def answered(self, symbol: Symbol) -> bool:
        """Tell whether a scan still waited for the answer that has come; it waits no more."""
        for waiting in self._open:
            if (waiting.read_mono_ms, waiting.length) == (symbol.read_mono_ms, symbol.length):
                self._open.remove(waiting)
                return True
        return False

    def is_overdue(self, now_ms: int) -> bool:
        """Tell whether one scan has waited too long; it waits no more, and the box's answer will be refused.

        Args:
            now_ms: CLOCK_MONOTONIC in milliseconds.
        """
        if self._missed:
            self._missed -= 1
            return True
        if self._open and now_ms >= self._open[0].due_ms:
            self._open.popleft()
            return True
        return False

    @property
    def due_ms(self) -> int | None:
        """When the next scan has waited too long; None if none waits."""
        if self._missed:
            return 0
        return self._open[0].due_ms if self._open else None
