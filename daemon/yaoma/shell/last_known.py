"""What the journal says of the time and list before this start, so that neither can be set back by a restart."""

from dataclasses import dataclass
from pathlib import Path

from yaoma.core.record import ClockState, Record, RecordError, Stamp
from yaoma.shell.closed_log import ClosedLog
from yaoma.shell.database import DatabaseError

__all__ = ["LastKnown", "last_known"]

#: So many of the newest records are looked at; the list's version stands in every scan.
_LOOK_BACK = 512


@dataclass(frozen=True, slots=True)
class LastKnown:
    """What was known when the daemon last wrote.

    Args:
        stamp: The stamp of the last record, or None.
        synced_ms: The latest wall time that NTP stood behind, milliseconds since 1970; 0 if none is found.
        list_version: The highest version of the list that a scan was judged by; 0 if none is found.
    """

    stamp: Stamp | None = None
    synced_ms: int = 0
    list_version: int = 0


def last_known(path: Path) -> LastKnown:
    """Look at the end of the open log; what can't be read is not known.

    Args:
        path: `journal.db`.
    """
    if not path.exists():
        return LastKnown()
    try:
        log = ClosedLog(path)
        try:
            records = [Record.read(body) for body in log.bodies(max(0, log.size - _LOOK_BACK), log.size)]
        finally:
            log.close()
    except (DatabaseError, RecordError):
        return LastKnown()
    versions = [version for record in records if isinstance(version := record.fields.get("list"), int)]
    synced = [record.stamp.wall_ms for record in records if record.stamp.clock is ClockState.SYNCED]
    return LastKnown(records[-1].stamp if records else None, max(synced, default=0), max(versions, default=0))
