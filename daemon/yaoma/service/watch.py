"""Watch: heartbeats of the workers; systemd hears of a healthy box only while every one of them is fresh."""

import logging
import math
import time
from collections.abc import Callable
from typing import Final

from yaoma_link.notify import Notify

__all__ = ["HEALTHY_AFTER_S", "Heart", "Watch"]

log = logging.getLogger("yaoma.watch")

#: A run in which every heart has beaten for so long is no failed start any more, in seconds.
HEALTHY_AFTER_S: Final = 60.0

#: Without a watchdog in the unit, systemd is told only this often that a long start makes progress, in seconds.
_EVERY_S: Final = 5.0

#: What a long start asks for each time: more than the longest pause between two words, in seconds.
_START_EXTENDED_BY_S: Final = 60.0


class Heart:
    """One worker's sign of progress: idle counts, blocked does not (STYLE.md 9, Threads).

    The worker calls `beat` or `rest`, any thread may ask for `late_s`.

    Args:
        name: The worker's name.
        limit_s: How long one step may take, in seconds.
        now_s: A monotonic clock, in seconds.
    """

    def __init__(self, name: str, limit_s: float, now_s: Callable[[], float] = time.monotonic) -> None:
        self.name = name
        self._limit_s = limit_s
        self._now_s = now_s
        self._due_s = now_s() + limit_s

    def beat(self, within_s: float | None = None) -> None:
        """Say that a step was made.

        Args:
            within_s: How long the next step may take, if it is known to be a long one, in seconds.
        """
        self._due_s = self._now_s() + (self._limit_s if within_s is None else within_s)

    def rest(self) -> None:
        """Say that nothing is to be done until something comes from outside; fresh until the next `beat`."""
        self._due_s = math.inf

    def late_s(self) -> float:
        """Tell how long the step is overdue, in seconds; 0 while the heart is fresh."""
        return max(0.0, self._now_s() - self._due_s)


class Watch:
    """What the supervisor's loop tells systemd. Used by the main thread only, except for the hearts.

    Args:
        notify: The way to systemd.
        on_healthy: Called once per run, when all hearts were fresh for `HEALTHY_AFTER_S` without a gap.
        now_s: A monotonic clock, in seconds.
    """

    def __init__(
        self,
        notify: Notify,
        *,
        on_healthy: Callable[[], None] = lambda: None,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._notify = notify
        self._on_healthy = on_healthy
        self._now_s = now_s
        self._hearts: list[Heart] = []
        self._late: frozenset[str] = frozenset()
        self._fresh_since_s: float | None = None
        self._was_healthy = False
        self._was_ready = False
        self._said = ""
        self._next_word_s = -math.inf
        # Four words per period: one that is lost or late does no harm.
        self._every_s = notify.watchdog_s / 4 if notify.watchdog_s else _EVERY_S

    @property
    def late(self) -> frozenset[str]:
        """Names of the workers that made no progress at the last look."""
        return self._late

    def start_over(self) -> None:
        """Forget the hearts: the box is put together anew."""
        self._hearts.clear()
        self._late = frozenset()
        self._fresh_since_s = None

    def heart(self, name: str, limit_s: float) -> Heart:
        """Make the heart of a worker.

        Args:
            name: The worker's name.
            limit_s: How long one step may take, in seconds.
        """
        made = Heart(name, limit_s, self._now_s)
        self._hearts.append(made)
        return made

    def ready(self, status: str) -> None:
        """Say that start-up is over.

        Args:
            status: One line for `systemctl status`.
        """
        self._was_ready = True
        self._said = status
        self._notify.ready(status)

    def look(self, status: str) -> None:
        """Look at every heart, and tell systemd only if all are fresh; called about twice a second.

        Args:
            status: One line for `systemctl status`; sent when it changes.
        """
        now_s = self._now_s()
        late = {heart.name: heart.late_s() for heart in self._hearts if heart.late_s() > 0}
        self._tell_of(late)
        if status != self._said:
            self._said = status
            self._notify.status(status)
        if late:
            self._fresh_since_s = None
            return
        if self._fresh_since_s is None:
            self._fresh_since_s = now_s
        if now_s >= self._next_word_s:
            self._next_word_s = now_s + self._every_s
            if self._was_ready:
                self._notify.watchdog()
            else:
                self._notify.extend_start(_START_EXTENDED_BY_S)
        if not self._was_healthy and now_s - self._fresh_since_s >= HEALTHY_AFTER_S:
            self._was_healthy = True
            self._on_healthy()

    def _tell_of(self, late: dict[str, float]) -> None:
        for name in sorted(late.keys() - self._late):
            log.critical("worker makes no progress, systemd is no longer told that all is well: worker=%s", name)
        for name in sorted(self._late - late.keys()):
            log.warning("worker makes progress again: worker=%s", name)
        self._late = frozenset(late)
