"""Offers: which ended logs a bridge that began a new epoch has not spoken of yet, and when to name the next to it."""

from collections import deque
from collections.abc import Iterable

from yaoma.core.delivery import Limits
from yaoma.shell.outbox import Outbox

__all__ = ["Offers"]


class Offers:
    """The ended logs that wait for the bridge's word, one at a time.

    A bridge that was put back from a backup asks for what it knows to lack; it can't ask for logs that it has never
    heard of. What is still to be offered needs no state of its own: it is every log of which the newest receipt that
    was applied is of an older epoch, so a restart goes on where it was.

    Args:
        outbox: Knows in which epoch the bridge last spoke of a log.
        limits: How long to wait for its word.
    """

    def __init__(self, outbox: Outbox, limits: Limits) -> None:
        self._outbox = outbox
        self._limits = limits
        self._epoch = 0
        self._current = ""
        self._waiting: deque[str] = deque()
        self._done: set[str] = set()
        self._due_ms = 0
        self._silences = 0

    def begin(self, epoch: int, current: str, logs: Iterable[str]) -> None:
        """Look which logs are to be offered.

        Args:
            epoch: The epoch of the last receipt that was applied; before the first one nothing is offered.
            current: The log that is written now; a change of it shows that another one has ended.
            logs: All logs that have ended.

        Raises:
            DatabaseUnavailableError: If site.db can't be read; nothing has changed then.
            DatabaseDamagedError: If site.db is damaged.
        """
        done = self._done if epoch == self._epoch else set()
        found = [log for log in logs if log not in done and log != current and self._outbox.load(log).epoch < epoch]
        self._epoch, self._current, self._done = epoch, current, done
        self._waiting = deque(found)

    def knows(self, epoch: int, current: str) -> bool:
        """Tell whether nothing has changed since `begin`."""
        return (epoch, current) == (self._epoch, self._current)

    def next(self, now_ms: int) -> str | None:
        """Give the log to offer now, or None."""
        return self._waiting[0] if self._waiting and now_ms >= self._due_ms else None

    def made(self, now_ms: int) -> None:
        """Note that the first log was offered; unless the bridge speaks of it, it comes again after the others."""
        self._waiting.rotate(-1)
        self._due_ms = now_ms + min(self._limits.silent_cap_ms, self._limits.receipt_ms << min(self._silences, 16))
        self._silences += 1

    def done(self, log: str) -> None:
        """Note that the bridge has spoken of a log, or that there is nothing of it to offer."""
        if log in self._waiting:
            self._waiting.remove(log)
            self._done.add(log)
            self._due_ms = self._silences = 0

    def connected(self) -> None:
        """Go on at once: what was offered on the last connection may be lost."""
        self._due_ms = self._silences = 0

    def wake_at_ms(self) -> int | None:
        """Give the time at which `next` has something, or None."""
        return self._due_ms if self._waiting else None
