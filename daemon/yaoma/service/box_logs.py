"""The logs of this box as the uploader sees them: the open one, and the ended ones if the bridge asks for them."""

from collections.abc import Callable, Sequence

from yaoma.service.log_uplink import LogReader
from yaoma.shell.closed_log import ClosedLog
from yaoma.shell.database import DatabaseError
from yaoma.shell.journal import Journal
from yaoma.shell.journal_folder import JournalFolder

__all__ = ["BoxLogs"]


class BoxLogs:
    """Finds logs by id.

    Only the open log is delivered by itself: whatever the bridge had not confirmed of a log that ended was copied into
    its successor.

    Args:
        current: Gives the journal, or None while it is being recovered.
        folder: Where the ended logs lie.
    """

    def __init__(self, current: Callable[[], Journal | None], folder: JournalFolder) -> None:
        self._current = current
        self._folder = folder
        self._closed: dict[str, ClosedLog] = {}

    def deliverable(self) -> Sequence[LogReader]:
        """Give the open log."""
        journal = self._current()
        return [journal] if journal is not None else []

    def find(self, log: str) -> LogReader | None:
        """Give a log that lies on this box, or None."""
        journal = self._current()
        if journal is not None and journal.log == log:
            return journal
        if log not in self._closed:
            for path in self._folder.closed_files():
                if path.stem == log:
                    try:
                        self._closed[log] = ClosedLog(path)
                    except DatabaseError:
                        return None
        return self._closed.get(log)

    def ended(self) -> Sequence[str]:
        """Name the logs that have ended and still lie on this box."""
        return [path.stem for path in self._folder.closed_files()]

    def close(self) -> None:
        """Close the files of ended logs."""
        for one in self._closed.values():
            one.close()
        self._closed.clear()
