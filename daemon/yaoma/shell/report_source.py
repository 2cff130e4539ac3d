"""Report source: goes through the records of every log on the box, closed ones too, as fast as reports need it.

A report has a million records before it and uses a part of them. So SQLite looks first; only what may matter comes up
to be checked against its hash and parsed. In canonical JSON a quote inside a text is escaped: what is looked for with
its quotes around it can only be a whole value, or a key.
"""

import json
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from yaoma.core.merkle import leaf_hash
from yaoma.core.record import Record, RecordError
from yaoma.core.report_facts import Event
from yaoma.shell.database import SQLITE_FAILURES, DatabaseDamagedError, DatabaseError, classified
from yaoma.shell.log_file import LogFile
from yaoma.shell.record_shelf import RecordShelf
from yaoma.shell.salvage import salvage

__all__ = ["ReportSource"]

# The time of an untrusted clock may be restated, and a copy's own time says nothing of its original's.
_BETWEEN: Final = """json_extract(body, '$.wall_ms') BETWEEN ? AND ? OR json_extract(body, '$.clock') = 'untrusted'
    OR json_extract(body, '$.kind') = 'copy'"""
_CLOCK: Final = '"kind":"clock"'
_TICKETS: Final = '"kind":"ticket"'
_SCANS: Final = '"kind":"scan"'
_COPY: Final = b'"kind":"copy"'
_CODE: Final = b'"code":"'
_PACKS: Final = b'"packs":["'
_TICKET: Final = b'"ticket":"'

#: So many texts are looked for by SQLite: each costs it a microsecond per record, and Python looks at them at once.
_MAX_TEXTS: Final = 4


@dataclass(frozen=True, slots=True)
class _Where:
    """Which records may matter.

    Args:
        sql: For SQLite.
        values: Its parameters.
        test: The same for bodies that were salvaged.
        sieve: A further test of a body.
    """

    sql: str
    values: Sequence[str | int]
    test: Callable[[bytes], bool]
    sieve: Callable[[bytes], bool] | None = None


@dataclass(frozen=True, slots=True)
class _Log:
    name: str
    before: str
    began_ms: int
    path: Path
    salvaged: RecordShelf | None = None


@dataclass(frozen=True, slots=True)
class _Shift:
    mono_ms: int
    shift_ms: int
    is_trusted: bool


class ReportSource:
    """Reads the logs of a state folder; nothing is written, the daemon may run.

    Args:
        folder: The state folder.

    Raises:
        DatabaseError: If the open log or a closed one can't be read.
    """

    def __init__(self, folder: Path) -> None:
        self._logs = _in_order(folder)

    @property
    def logs(self) -> tuple[str, ...]:
        """The ids of the logs, oldest first."""
        return tuple(log.name for log in self._logs)

    def newest_checkpoint(self) -> str:
        """Give the newest signed checkpoint of the open log; empty if there is none yet.

        Raises:
            DatabaseError: If the file can't be read.
        """
        file = LogFile.read_only(self._logs[-1].path)
        try:
            notes = file.checkpoints()
        finally:
            file.close()
        return notes[0].note if notes else ""

    def between(self, from_ms: int, to_ms: int) -> Iterator[Event]:
        """Give the records of a time, in order.

        Args:
            from_ms: From here on, milliseconds since 1970.
            to_ms: Before this.

        Raises:
            DatabaseError: If a log can't be read or a record is altered.
        """
        where = _Where(_BETWEEN, (from_ms, to_ms), lambda _: True)
        for event in self._events(where):
            if from_ms <= event.at_ms < to_ms:
                yield event

    def having(self, *texts: str) -> Iterator[Event]:
        """Give the records that hold any of these texts, of all times, in order.

        Args:
            texts: Parts of the canonical JSON, such as `"kind":"outage"`.

        Raises:
            DatabaseError: If a log can't be read or a record is altered.
        """
        return self._events(_having(texts))

    def about(self, codes: frozenset[str]) -> Iterator[Event]:
        """Give the records that name any of these packs, of all times, in order.

        Args:
            codes: Keys of packs; any number.

        Raises:
            DatabaseError: If a log can't be read or a record is altered.
        """
        if len(codes) <= _MAX_TEXTS:
            return self._events(_having([json.dumps(code, ensure_ascii=False) for code in sorted(codes)]))
        raw = frozenset(code.encode() for code in codes)
        return self._events(_Where("1", (), lambda _: True, lambda body: _names(body, _CODE, raw, _PACKS)))

    def of_tickets(self, tickets: frozenset[str], *, scans: bool) -> Iterator[Event]:
        """Give the scans for any of these tickets, or else what was done to the tickets, of all times, in order.

        Args:
            tickets: Their ids; any number.
            scans: The scans.

        Raises:
            DatabaseError: If a log can't be read or a record is altered.
        """
        where, raw = _having([_SCANS if scans else _TICKETS]), frozenset(ticket.encode() for ticket in tickets)
        return self._events(replace(where, sieve=lambda body: _names(body, _TICKET, raw, _COPY)))

    def _events(self, where: _Where) -> Iterator[Event]:
        upto: dict[str, int] = {}
        for log in self._logs:
            for seq, body in _bodies(log, where):
                event = self._event(log, seq, body)
                if event is None:
                    continue
                # A copy of a record that was read where it first stood tells nothing new.
                name, place = event.origin
                if name == log.name or place >= upto.get(name, 0):
                    yield event
                    if name != log.name:
                        upto[name] = place + 1
            upto[log.name] = _size(log)

    def _event(self, log: _Log, seq: int, body: bytes) -> Event | None:
        fields: Mapping[str, Any] = json.loads(body)
        origin = (log.name, seq)
        if fields["kind"] == "copy":
            try:
                record = Record.read(body)
                fields, origin = record.original().fields, record.identity
            except RecordError:
                return None
        at_ms, is_timed = self._restated(fields)
        return Event(log.name, seq, fields["kind"], at_ms, is_timed, fields, origin)

    @cached_property
    def _shifts(self) -> dict[str, list[_Shift]]:
        """How the clock was moved, by boot; asked for only where a record needs it."""
        shifts: dict[str, list[_Shift]] = {}
        for log in self._logs:
            for _, body in _bodies(log, _having([_CLOCK])):
                fields = json.loads(body)
                shift_ms = fields.get("shift_ms")
                if isinstance(shift_ms, int):
                    moved = _Shift(fields["mono_ms"], shift_ms, fields.get("now") != "untrusted")
                    shifts.setdefault(fields["boot"], []).append(moved)
        return shifts

    def _restated(self, fields: Mapping[str, Any]) -> tuple[int, bool]:
        """Give the time of a record, moved by what the clock was moved later in its boot until it could be trusted."""
        at_ms: int = fields["wall_ms"]
        if fields["clock"] != "untrusted":
            return at_ms, True
        for shift in self._shifts.get(fields["boot"], ()):
            if shift.mono_ms >= fields["mono_ms"]:
                at_ms += shift.shift_ms
                if shift.is_trusted:
                    return at_ms, True
        return at_ms, False


def _having(texts: Sequence[str]) -> _Where:
    needles = [text.encode() for text in texts]
    sql = " OR ".join(["instr(body, ?)"] * len(texts)) or "0"
    return _Where(sql, list(texts), lambda body: any(needle in body for needle in needles))


def _names(body: bytes, key: bytes, wanted: frozenset[bytes], otherwise: bytes) -> bool:
    """Tell whether a body names what is wanted: as the value of a key, or anywhere if it holds another text."""
    at = body.find(key)
    if at >= 0:
        at += len(key)
        if body[at : body.find(b'"', at)] in wanted:
            return True
    # Values stand in quotes; splitting at these finds every text of a body at once.
    return otherwise in body and not wanted.isdisjoint(body.split(b'"'))


def _bodies(log: _Log, where: _Where) -> Iterator[tuple[int, bytes]]:
    """Give the bodies that may matter; what is given was checked against its hash."""
    sieve = where.sieve or (lambda _: True)
    if log.salvaged is not None:
        yield from ((seq, body) for seq, body in log.salvaged.bodies() if where.test(body) and sieve(body))
        return
    sql = f"SELECT seq, CAST(body AS BLOB), leaf_hash FROM record WHERE {where.sql} ORDER BY seq"  # noqa: S608 - our own words; values are bound
    try:
        connection = sqlite3.connect(f"{log.path.absolute().as_uri()}?mode=ro", uri=True, timeout=5)
        try:
            for seq, body, leaf in connection.execute(sql, where.values):
                if not sieve(body):
                    continue
                if leaf != leaf_hash(body):
                    raise DatabaseDamagedError(log.path, f"record {seq} is altered")
                yield seq, body
        finally:
            connection.close()
    except SQLITE_FAILURES as error:
        raise classified(log.path, error) from error


def _size(log: _Log) -> int:
    if log.salvaged is not None:
        return log.salvaged.end
    file = LogFile.read_only(log.path)
    try:
        return file.size()
    finally:
        file.close()


def _in_order(folder: Path) -> list[_Log]:
    """Give the logs, oldest first: each before the one whose opening names it, the rest by their time."""
    current = _opened(folder / "journal.db")
    others = [_opened(path) for path in sorted((folder / "closed").glob("*.db"))]
    others += _set_aside(folder, {log.name for log in (current, *others)})
    left = {log.name: log for log in others}
    chain = [current]
    while left:
        newest = max(left.values(), key=lambda log: (log.began_ms, log.name))
        chain.append(left.pop(left.get(chain[-1].before, newest).name))
    return chain[::-1]


def _opened(path: Path) -> _Log:
    file = LogFile.read_only(path)
    try:
        rows = file.rows(0, 1)
    finally:
        file.close()
    try:
        return _named(Record.read(rows[0][1]), path)
    except (IndexError, RecordError) as error:
        raise DatabaseDamagedError(path, "the log's first record is missing or damaged") from error


def _named(first: Record, path: Path, salvaged: RecordShelf | None = None) -> _Log:
    previous = first.fields.get("previous")
    before = previous.get("log") if isinstance(previous, Mapping) else None
    return _Log(first.log, before if isinstance(before, str) else "", first.stamp.wall_ms, path, salvaged)


def _set_aside(folder: Path, known: Iterable[str]) -> list[_Log]:
    """Read what can be read of the logs that were set aside."""
    found: dict[str, _Log] = {}
    for path in sorted((folder / "aside").glob("journal-*.db")):
        try:
            # Who asks for a report may not be allowed to write beside the log.
            salvaged = salvage(path, Path(tempfile.gettempdir()))
        except (DatabaseError, OSError):
            continue
        if salvaged.log is not None and salvaged.log not in known and salvaged.records:
            first = next(iter(salvaged.records.values()))
            found.setdefault(salvaged.log, _named(first, path, salvaged.records))
    return list(found.values())
