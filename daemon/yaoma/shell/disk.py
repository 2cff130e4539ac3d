"""How much room is left for records."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

__all__ = ["DiskGauge", "Room"]

_LOOK_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Room:
    """What is free on the file system of the journal.

    Args:
        free_bytes: Bytes that the daemon may still use.
        low: It is time to say so.
        full: New scans are refused, so that what is kept can still be delivered.
    """

    free_bytes: int
    low: bool
    full: bool


class DiskGauge:
    """Looks at a folder's file system, at most once a second.

    Args:
        folder: A folder on it.
        low_bytes: Below this much free, warn.
        full_bytes: Below this much free, refuse.
    """

    def __init__(self, folder: Path, *, low_bytes: int, full_bytes: int) -> None:
        self._folder = folder
        self._low_bytes = low_bytes
        self._full_bytes = full_bytes
        self._looked_s = float("-inf")
        self._room = Room(0, low=False, full=False)

    def room(self) -> Room:
        """Give what is free; a file system that can't be asked is not called full, the commit will tell."""
        now_s = time.monotonic()
        if now_s - self._looked_s >= _LOOK_EVERY_S:
            self._looked_s = now_s
            try:
                answer = os.statvfs(self._folder)
            except OSError:
                return self._room
            free = answer.f_bavail * answer.f_frsize
            self._room = Room(free, low=free < self._low_bytes, full=free < self._full_bytes)
        return self._room
