"""Vigil: tells that a driver hangs, as far as that can be told from outside of its thread."""

import sys
import threading
import time
from typing import Final

from yaoma_drivers.driver import Driver
from yaoma_drivers.stop import Stop

__all__ = ["Vigil", "place_of"]

#: How many times its own promise a driver may be late with a look at `stop`, and at least so many seconds.
_LATE_TIMES: Final = 3
_LATE_AT_LEAST_S: Final = 5.0


class Vigil:
    """Watches a driver that has promised how often it looks at `stop` (`looks_every_s`).

    One without the promise can't be told from a scanner that nobody uses.

    Args:
        driver: The driver.
    """

    def __init__(self, driver: Driver) -> None:
        promised_s = getattr(driver, "looks_every_s", None)
        self._limit_s = max(_LATE_AT_LEAST_S, _LATE_TIMES * promised_s) if isinstance(promised_s, int | float) else None

    def hangs(self, turn: Stop, since_s: float) -> bool:
        """Tell whether the driver is late with its look at `stop`.

        Args:
            turn: What it looks at.
            since_s: Since when the thread is in the driver's code, CLOCK_MONOTONIC in seconds.
        """
        return self._limit_s is not None and time.monotonic() - max(turn.looked_s, since_s) > self._limit_s


def place_of(thread: threading.Thread) -> str:
    """Give the innermost place in Python where a thread is now, as `file:line`, for the technician."""
    frame = sys._current_frames().get(thread.ident or 0)  # noqa: SLF001 - the documented way to see a thread's stack
    return f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame is not None else ""
