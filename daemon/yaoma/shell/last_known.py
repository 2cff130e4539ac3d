"""What the journal says of time, list and policy before this start, so that none can be set back by a restart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from yaoma.core.record import ClockState, Kind, Record, RecordError, Stamp
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
        list_version: The highest version of the list that counted; 0 if none is found.
        applied: The versions that were noted last as counting, by what they are of: `list`, or a policy's id.
        signed: The highest of those that came signed by the centre, likewise.
    """

    stamp: Stamp | None = None
    synced_ms: int = 0
    list_version: int = 0
    applied: Mapping[str, int] = field(default_factory=dict)
    signed: Mapping[str, int] = field(default_factory=dict)


def last_known(path: Path) -> LastKnown:
    """Look at the end of the open log and of the log before it; what can't be read is not known.

    Args:
        path: `journal.db`.
    """
    first, records = _end(path)
    previous = first.fields.get("previous") if first else None
    log_before = previous.get("log") if isinstance(previous, Mapping) else None
    if isinstance(log_before, str) and len(records) < _LOOK_BACK:
        records = _end(path.parent / "closed" / f"{log_before}.db")[1] + records
    versions = [version for record in records if isinstance(version := record.original().fields.get("list"), int)]
    synced = [record.stamp.wall_ms for record in records if record.stamp.clock is ClockState.SYNCED]
    applied, signed = _applied(records)
    return LastKnown(
        records[-1].stamp if records else None,
        max(synced, default=0),
        max(*versions, applied.get("list", 0), 0),
        applied,
        signed,
    )


def _applied(records: Sequence[Record]) -> tuple[dict[str, int], dict[str, int]]:
    """Give the version of each thing that was noted last as counting, and the highest that came signed."""
    last: dict[str, int] = {}
    signed: dict[str, int] = {}
    for fields in (record.original().fields for record in records if record.original().kind == Kind.APPLIED):
        what, version = str(fields.get("what")), fields.get("version")
        if isinstance(version, int):
            last[what] = version
            if fields.get("signed") is True:
                signed[what] = max(signed.get(what, 0), version)
    return last, signed


def _end(path: Path) -> tuple[Record | None, list[Record]]:
    """Give the first record of a log and its newest ones."""
    if not path.exists():
        return None, []
    try:
        log = ClosedLog(path)
        try:
            first = Record.read(log.bodies(0, 1)[0])
            return first, [Record.read(body) for body in log.bodies(max(0, log.size - _LOOK_BACK), log.size)]
        finally:
            log.close()
    except (DatabaseError, RecordError):
        return None, []
