"""Task list: what destinations refused, with the record that each is about, for those who have to see to it."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from yaoma.core.deed import task_id
from yaoma.core.record import Record, RecordError
from yaoma.shell.database import DatabaseError
from yaoma.shell.journal import Journal
from yaoma.shell.outbox import Outbox, Task

__all__ = ["TaskList"]

#: Of a longer run only the first records are looked up; the journal has them all.
_MOST_RECORDS: Final = 20


@dataclass(frozen=True, slots=True)
class TaskList:
    """Gives the open tasks and closes them.

    Args:
        outbox: Knows the tasks.
        journal: Gives the open log, or None while there is none.
    """

    outbox: Outbox
    journal: Callable[[], Journal | None]

    def listed(self) -> list[dict[str, Any]]:
        """Give the open tasks, the oldest first, with codes, operations and tickets of their records.

        Raises:
            DatabaseError: If site.db can't be read.
        """
        return [self._told(task) for task in self.outbox.tasks()]

    def ids(self) -> dict[str, int]:
        """Give the numbers of the open tasks by the ids under which they are shown and settled.

        Raises:
            DatabaseError: If site.db can't be read.
        """
        return {task_id(task.destination, task.log, task.span[0]): task.id for task in self.outbox.tasks()}

    def finish(self, settled: Collection[str], done_ms: int) -> None:
        """Close the tasks among what was settled.

        Args:
            settled: Ids, as the record of the settlement has them.
            done_ms: When, milliseconds since 1970.

        Raises:
            DatabaseError: If site.db can't be written; the record stands, and the task can be settled again.
        """
        open_now = self.ids()
        for one in settled:
            if one in open_now:
                self.outbox.finish(open_now[one], done_ms)

    def _told(self, task: Task) -> dict[str, Any]:
        first, end = task.span
        return {
            "id": task_id(task.destination, task.log, first),
            "kind": task.kind,
            "destination": task.destination,
            "reason": task.reason,
            "log": task.log,
            "first": first,
            "last": end,
            "made_ms": task.made_ms,
            "records": self._records(task.log, first, min(end, first + _MOST_RECORDS)),
        }

    def _records(self, log: str, first: int, end: int) -> list[dict[str, Any]]:
        """Look up what the records are about; of a log that was closed nothing but the place is given."""
        journal = self.journal()
        if journal is None or journal.log != log:
            return []
        try:
            return [_about(Record.read(body).original()) for body in journal.bodies(first, min(end, journal.size))]
        except (DatabaseError, RecordError):
            return []


def _about(record: Record) -> dict[str, Any]:
    names: Mapping[str, object] = record.fields
    told = {
        name: names[name] for name in ("code", "operation", "ticket", "station") if isinstance(names.get(name), str)
    }
    return {**told, "wall_ms": record.stamp.wall_ms}
