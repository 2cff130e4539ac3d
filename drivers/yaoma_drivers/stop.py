"""Stop: an event that is also a file descriptor, so that a driver can wait for its device and for the end at once."""

import select
import time
from types import TracebackType
from typing import Self

from yaoma_drivers.wakeup import Wakeup

__all__ = ["Stop"]


class Stop:
    """Set once, never taken back; wait on it beside the device: `select([device, stop], [], [])`.

    `set()` may be called from any thread and from a signal handler. Each look at it is a sign that its driver lives.
    """

    def __init__(self) -> None:
        self._wakeup = Wakeup()
        self._set = False
        self._children: list[Stop] = []
        self._looked_s = time.monotonic()

    @property
    def looked_s(self) -> float:
        """When somebody looked at it last, by any of the calls below; CLOCK_MONOTONIC in seconds."""
        return self._looked_s

    @property
    def is_closed(self) -> bool:
        """Whether its descriptor was given back."""
        return self._wakeup.fileno() < 0

    def fileno(self) -> int:
        """Return the descriptor that becomes readable for good with `set()`, or -1 once closed."""
        self._looked_s = time.monotonic()
        return self._wakeup.fileno()

    def set(self) -> None:
        """Ask everybody who waits on it to come to an end."""
        if not self._set:
            self._set = True
            self._wakeup.ring()
            for child in self._children:
                child.set()

    def child(self) -> "Stop":
        """Return one that is set with this one, and may be set alone; it is to be closed by whoever asked for it."""
        made = Stop()
        self._children = [child for child in self._children if not child.is_closed] + [made]
        if self._set:
            # It may have been set before the child was there to be told.
            made.set()
        return made

    def is_set(self) -> bool:
        """Tell whether the end was asked for."""
        self._looked_s = time.monotonic()
        return self._set

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for `set()` and tell whether it came.

        Args:
            timeout_s: How long to wait, in seconds; None waits as long as it takes.

        Raises:
            ValueError: It is closed and was never set.
        """
        self._looked_s = time.monotonic()
        if self._set:
            return True
        select.select([self._wakeup], [], [], timeout_s)
        return self._set

    def close(self) -> None:
        """Give the descriptor back; `is_set()` goes on telling the truth."""
        self._wakeup.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
