"""Pace: tells a burst, as a scanner sends it that has kept scans while it was away (SCANNERS.md 1.1, row 23)."""

from collections import deque
from typing import Final

__all__ = ["BURST_MS", "BURST_SCANS", "Pace"]

#: Nobody picks up, turns and scans five packs in so short a time; a scanner that empties its memory does.
BURST_SCANS: Final = 5
BURST_MS: Final = 2000


class Pace:
    """Follows the scans of one device."""

    def __init__(self) -> None:
        self._last = deque[int](maxlen=BURST_SCANS)

    def is_burst(self, read_mono_ms: int) -> bool:
        """Note a scan and say whether it is the fifth or a later one of a burst; those before it can't be told yet.

        Args:
            read_mono_ms: When it was complete, CLOCK_MONOTONIC in milliseconds.
        """
        self._last.append(read_mono_ms)
        return len(self._last) == BURST_SCANS and read_mono_ms - self._last[0] < BURST_MS
