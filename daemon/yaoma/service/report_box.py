"""Report box: where the session's reports wait for the uploader, with a bell for whoever commits a record."""

import contextlib
import queue
import threading
from collections.abc import Iterator
from typing import Final, cast

from yaoma_link.report import SessionReport

__all__ = ["ReportBox"]

#: Far more than a window of answers and what a session lets in unacknowledged.
_QUEUE_REPORTS: Final = 512
#: After a commit the processor belongs to those who show the verdict; who scans on meanwhile is sent in one batch.
_AFTER_COMMIT_S: Final = 0.05


class _Bell:
    """Put into the queue of reports to end a wait."""


_BELL: Final = _Bell()


class ReportBox:
    """Any thread may ring; the session puts its reports into `queue`; one thread takes them out."""

    def __init__(self) -> None:
        self._queue: queue.Queue[SessionReport | _Bell] = queue.Queue(_QUEUE_REPORTS)
        self._has_rung = False
        self._hurry = threading.Event()

    @property
    def queue(self) -> "queue.Queue[SessionReport]":
        """Where the session puts its reports; it never reads."""
        return cast("queue.Queue[SessionReport]", self._queue)

    def ring(self) -> None:
        """End a wait; cheap, and nothing if it was rung already."""
        if not self._has_rung:
            self._has_rung = True
            try:
                self._queue.put_nowait(_BELL)
            except queue.Full:
                # a full queue wakes the thread as well
                self._has_rung = False

    def hurry(self) -> None:
        """End a wait though it was rung already, and wait no more after commits."""
        self._hurry.set()
        self._has_rung = False
        self.ring()

    def take(self, wait_s: float) -> Iterator[SessionReport]:
        """Give what is there, and wait for the first if there is nothing.

        Args:
            wait_s: How long at most.
        """
        with contextlib.suppress(queue.Empty):
            report = self._queue.get(timeout=max(0.0, wait_s))
            if isinstance(report, _Bell):
                self._hurry.wait(_AFTER_COMMIT_S)
            while True:
                if isinstance(report, _Bell):
                    # put down before the logs are looked at: what is committed later rings again
                    self._has_rung = False
                else:
                    yield report
                report = self._queue.get_nowait()

    def clear(self) -> None:
        """Throw away what an ended session has left."""
        with contextlib.suppress(queue.Empty):
            while True:
                self._queue.get_nowait()
        self._has_rung = False
