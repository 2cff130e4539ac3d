"""Indicator worker: keeps a slow or broken indicator away from the recorder; the newest scan is what counts."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol, runtime_checkable

from yaoma.shell.indicator import Indicator, Shown
from yaoma_drivers.errors import DeviceError

__all__ = ["IndicatorWorker", "Stepping"]

log = logging.getLogger("yaoma.indicator")

#: A verdict that waited longer than this is not shown if there is a newer one: by then another pack lies there.
STALE_AFTER_S: Final = 0.4

#: An indicator that takes longer than this for one scan is called stuck.
STUCK_AFTER_S: Final = 2.0

_PLACES: Final = 16

#: After a step that failed, the next one comes so much later.
_AGAIN_S: Final = 1.0


@runtime_checkable
class Stepping(Protocol):
    """An indicator that has something to do between two scans, such as the next flash of a lamp."""

    @property
    def problem(self) -> str:
        """Why nothing is shown here, an id of the catalogue; empty if all is well."""
        ...

    def step(self) -> float | None:
        """Do what is due; give in how many seconds something is due again, or None."""
        ...

    def close(self) -> None:
        """Be dark and silent."""
        ...


@dataclass(frozen=True, slots=True)
class _Waiting:
    shown: Shown
    since_s: float


class IndicatorWorker(threading.Thread):
    """A thread of its own for one indicator; order is kept, the newest scan is always shown.

    Args:
        indicator: What shows.
        places: How many scans may wait; the oldest gives way.
        stale_after_s: What waited longer is passed over if a newer one waits too.
        stuck_after_s: How long one scan may take before `is_stuck`.
    """

    def __init__(
        self,
        indicator: Indicator,
        *,
        places: int = _PLACES,
        stale_after_s: float = STALE_AFTER_S,
        stuck_after_s: float = STUCK_AFTER_S,
    ) -> None:
        # An indicator that hangs for good must not keep the program from ending: nothing is lost with it.
        super().__init__(name=f"indicator-{indicator.name}", daemon=True)
        self._indicator = indicator
        self._stepping = indicator if isinstance(indicator, Stepping) else None
        self._places = places
        self._stale_after_s = stale_after_s
        self._stuck_after_s = stuck_after_s
        self._waiting: deque[_Waiting] = deque()
        self._news = threading.Condition()
        self._ended = False
        self._begun_s: float | None = None
        self._dropped = 0
        self._broken = 0

    def offer(self, shown: Shown) -> None:
        """Have a scan shown soon; returns at once, whatever the indicator does."""
        with self._news:
            while len(self._waiting) >= self._places:
                self._waiting.popleft()
                self._dropped += 1
            self._waiting.append(_Waiting(shown, time.monotonic()))
            self._news.notify()

    @property
    def label(self) -> str:
        """The indicator's name."""
        return self._indicator.name

    @property
    def dropped(self) -> int:
        """How many scans were never shown here because newer ones came."""
        return self._dropped

    @property
    def broken(self) -> int:
        """How many scans in a row the indicator failed to show."""
        return self._broken

    @property
    def problem(self) -> str:
        """Why nothing is shown here, an id: of the catalogue's section `device`, or `stuck`; empty if all is well."""
        if self.is_stuck:
            return "stuck"
        told = "" if self._stepping is None else self._stepping.problem
        return told or ("failed" if self._broken else "")

    @property
    def is_stuck(self) -> bool:
        """Whether the indicator has been at one scan for too long."""
        begun_s = self._begun_s
        return begun_s is not None and time.monotonic() - begun_s > self._stuck_after_s

    def stop(self, timeout_s: float = STUCK_AFTER_S) -> bool:
        """Show what waits, then end.

        Args:
            timeout_s: How long to wait for that.

        Returns:
            Whether it ended; an indicator that hangs is left behind.
        """
        with self._news:
            self._ended = True
            self._news.notify()
        if self.ident is not None:
            self.join(timeout_s)
        return not self.is_alive()

    def run(self) -> None:
        """Show scan after scan until `stop`."""
        wait_s = None if self._stepping is None else 0.0
        while not self._is_over(wait_s):
            if (shown := self._next()) is not None:
                self._attempt(partial(self._indicator.show, shown))
            if self._stepping is not None:
                wait_s = self._attempt(self._stepping.step)
        if self._stepping is not None:
            self._attempt(self._stepping.close)

    def _is_over(self, wait_s: float | None) -> bool:
        """Wait for a scan, or until something is due; tell whether everything was shown and no more will come."""
        with self._news:
            if not self._waiting and not self._ended:
                self._news.wait(wait_s)
            if wait_s is None:
                while not self._waiting and not self._ended:
                    self._news.wait()
            return self._ended and not self._waiting

    def _next(self) -> Shown | None:
        with self._news:
            while len(self._waiting) > 1 and time.monotonic() - self._waiting[0].since_s > self._stale_after_s:
                self._waiting.popleft()
                self._dropped += 1
            return self._waiting.popleft().shown if self._waiting else None

    def _attempt(self, action: Callable[[], float | None]) -> float | None:
        """Have the indicator do something, whatever comes of it; give when it wants to go on, in seconds, or None."""
        self._begun_s = time.monotonic()
        try:
            due_s = action()
        except Exception as error:  # noqa: BLE001 - a lamp's plug-in may raise anything, scans go on without it
            self._failed(error)
            return _AGAIN_S
        finally:
            self._begun_s = None
        if self._stepping is None or not self._stepping.problem:
            self._worked()
        return due_s

    def _failed(self, error: Exception) -> None:
        self._broken += 1
        if self._broken == 1:
            # The class or a reason's id only: what an indicator says might quote what it was to show.
            what = error.reason.value if isinstance(error, DeviceError) else type(error).__name__
            log.warning("indicator fails: name=%s error=%s", self._indicator.name, what)

    def _worked(self) -> None:
        if self._broken:
            log.warning("indicator works again: name=%s missed=%d", self._indicator.name, self._broken)
        self._broken = 0
