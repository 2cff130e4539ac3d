"""Outbox: what the bridge has stored and what became of it, kept in site.db; a number, not a second copy."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from yaoma.core.merkle import Frontier
from yaoma.core.spans import Runs
from yaoma.shell.database import SQLITE_FAILURES, Connection, classified
from yaoma_link.batch import ReceiptMark
from yaoma_link.receipt import Outcome, OutcomeState, Span

__all__ = ["REFUSED", "Outbox", "Stored", "Task"]

#: The kind of a task that a refusal at a destination makes.
REFUSED = "refused"

_TABLES = (
    """CREATE TABLE IF NOT EXISTS stored (
        log TEXT PRIMARY KEY, upto INTEGER NOT NULL, frontier BLOB NOT NULL, epoch INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID""",
    "CREATE TABLE IF NOT EXISTS receipts (epoch INTEGER PRIMARY KEY, upto INTEGER NOT NULL) STRICT",
    """CREATE TABLE IF NOT EXISTS outcome (
        log TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, destination TEXT NOT NULL,
        state TEXT NOT NULL, reason TEXT NOT NULL, made_ms INTEGER NOT NULL,
        PRIMARY KEY (log, destination, first), CHECK (first < last)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS task (
        id INTEGER PRIMARY KEY, kind TEXT NOT NULL, log TEXT NOT NULL, seq INTEGER NOT NULL, last INTEGER NOT NULL,
        destination TEXT NOT NULL, reason TEXT NOT NULL, made_ms INTEGER NOT NULL, done_ms INTEGER
    ) STRICT""",
    # When each record was first stored (destination '') or accepted; `outcome` joins runs and keeps the newest time.
    """CREATE TABLE IF NOT EXISTS reached (
        log TEXT NOT NULL, destination TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
        made_ms INTEGER NOT NULL, PRIMARY KEY (log, destination, first), CHECK (first < last)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS task_open ON task (log, destination) WHERE done_ms IS NULL",
)

# Runs of one log and destination never overlap, so at most one that begins before a place reaches over it.
_NEAR = """SELECT first, last, state, reason, made_ms FROM outcome
    WHERE log = ?1 AND destination = ?2 AND first <= ?4 AND last >= ?3 AND first >= coalesce(
        (SELECT max(first) FROM outcome WHERE log = ?1 AND destination = ?2 AND first < ?3), ?3)"""

_OPEN = """SELECT id, seq, last, reason, made_ms FROM task WHERE log = ?1 AND destination = ?2
    AND seq < ?4 AND last > ?3 AND kind = 'refused' AND done_ms IS NULL ORDER BY id"""


@dataclass(frozen=True, slots=True)
class Stored:
    """What the bridge has of one log, as far as the box has proved it with its own root.

    Args:
        upto: All places below are stored.
        epoch: The bridge's epoch in which that was said; 0 if it never was.
        frontier: The log's frontier at `upto`.
    """

    upto: int = 0
    epoch: int = 0
    frontier: Frontier = field(default=Frontier(), repr=False)


@dataclass(frozen=True, slots=True)
class Task:
    """Something that a person has to see to.

    Args:
        id: Its number.
        kind: What it is about, such as `refused`.
        log: The log.
        span: The records concerned.
        destination: The destination that refused.
        reason: The reason's stable id.
        made_ms: Since when, milliseconds since 1970 by the bridge's clock.
    """

    id: int
    kind: str
    log: str
    span: Span
    destination: str
    reason: str
    made_ms: int


class Outbox:
    """The delivery part of site.db.

    Whatever is lost here is only sent again: a fresh file begins at nought.

    Args:
        connection: An open connection in autocommit mode, maybe shared with the site's projections.
        lock: Guards the connection; whoever holds it has no transaction open when releasing it.
        path: The file, for the errors.

    Raises:
        DatabaseUnavailableError: If the disk refuses.
        DatabaseDamagedError: If the file is damaged.
    """

    def __init__(self, connection: Connection, lock: AbstractContextManager[object], path: Path) -> None:
        self._connection = connection
        self._lock = lock
        self._path = path
        with self._transaction():
            for table in _TABLES:
                self._run(table)

    def load(self, log: str) -> Stored:
        """Give what the bridge has of a log; nothing, if that was never said or can't be read."""
        for upto, epoch, frontier in self._read("SELECT upto, epoch, frontier FROM stored WHERE log = ?", log):
            try:
                kept = Frontier.from_bytes(frontier)
            except ValueError:
                return Stored()
            return Stored(upto, epoch, kept) if kept.size == upto else Stored()
        return Stored()

    def logs(self) -> tuple[str, ...]:
        """Name the logs of which the bridge has something."""
        return tuple(log for (log,) in self._read("SELECT log FROM stored ORDER BY log"))

    def mark(self) -> ReceiptMark:
        """Give the last receipt that was applied."""
        for epoch, upto in self._read("SELECT epoch, upto FROM receipts ORDER BY epoch DESC LIMIT 1"):
            return ReceiptMark(epoch, upto)
        return ReceiptMark()

    def apply(
        self, log: str, *, mark: ReceiptMark, stored: Stored | None, outcomes: Sequence[Outcome], made_ms: int
    ) -> None:
        """Apply one receipt, all of it in one transaction (DESIGN.md 5, step 10).

        Args:
            log: The log that it speaks of.
            mark: The receipt's epoch and number.
            stored: What the bridge has of the log from now on, or None if that does not change.
            outcomes: What became of records at destinations; a refusal that is new becomes a task.
            made_ms: When the receipt was made, milliseconds since 1970.

        Raises:
            DatabaseUnavailableError: If the disk refuses; nothing of it is applied.
            DatabaseDamagedError: If the file is damaged; nothing of it is applied.
        """
        with self._transaction():
            if stored is not None:
                self._note_stored(log, stored)
                self._note_reached(log, "", self._behind(log, stored.upto), made_ms)
            fresh = [(outcome, self._lay_over(log, outcome, made_ms)) for outcome in outcomes]
            for outcome in outcomes:
                self._trim_tasks(log, outcome, made_ms)
            for outcome, runs in fresh:
                self._make_tasks(log, outcome, runs, made_ms)
                if outcome.state is OutcomeState.ACCEPTED:
                    self._note_reached(log, outcome.destination, runs, made_ms)
            self._run("INSERT OR REPLACE INTO receipts (epoch, upto) VALUES (?, ?)", mark.epoch, mark.upto)

    def keep(self, log: str, stored: Stored) -> None:
        """Keep what is proved by a receipt whose predecessors are lacking; neither mark nor outcomes may follow it yet.

        Args:
            log: The log.
            stored: What the bridge has of it from now on.

        Raises:
            DatabaseUnavailableError: If the disk refuses.
            DatabaseDamagedError: If the file is damaged.
        """
        with self._transaction():
            self._note_stored(log, stored)

    def outcomes(self, log: str, seq: int) -> tuple[Outcome, ...]:
        """Give what became of one record, per destination."""
        rows = self._read(
            """SELECT first, last, destination, state, reason FROM outcome AS one WHERE log = ?1 AND last > ?2
                AND first = (SELECT max(first) FROM outcome
                    WHERE log = ?1 AND destination = one.destination AND first <= ?2)
                ORDER BY destination""",
            log,
            seq,
        )
        return tuple(
            Outcome((first, last), destination, OutcomeState(state), reason)
            for first, last, destination, state, reason in rows
        )

    def tasks(self) -> tuple[Task, ...]:
        """Give the open tasks, oldest first."""
        rows = self._read(
            "SELECT id, kind, log, seq, last, destination, reason, made_ms FROM task WHERE done_ms IS NULL ORDER BY id"
        )
        return tuple(
            Task(number, kind, log, (seq, last), destination, reason, made_ms)
            for number, kind, log, seq, last, destination, reason, made_ms in rows
        )

    def finish(self, task_id: int, done_ms: int) -> None:
        """Note that a person has seen to a task; one that is done already stays as it is."""
        with self._transaction():
            self._run("UPDATE task SET done_ms = ? WHERE id = ? AND done_ms IS NULL", done_ms, task_id)

    def _note_stored(self, log: str, stored: Stored) -> None:
        # what is the same is not written: a bridge that lacks a receipt may repeat hundreds of those behind it
        self._run(
            """INSERT INTO stored (log, upto, epoch, frontier) VALUES (?, ?, ?, ?) ON CONFLICT (log) DO UPDATE
                SET upto = excluded.upto, epoch = excluded.epoch, frontier = excluded.frontier
                WHERE (upto, epoch, frontier) <> (excluded.upto, excluded.epoch, excluded.frontier)""",
            log,
            stored.upto,
            stored.epoch,
            stored.frontier.to_bytes(),
        )

    def _behind(self, log: str, upto: int) -> list[Span]:
        """Give the records that are stored now and were not noted as such before."""
        ((noted,),) = self._run("SELECT coalesce(max(last), 0) FROM reached WHERE log = ? AND destination = ''", log)
        return [(noted, upto)] if noted < upto else []

    def _note_reached(self, log: str, destination: str, runs: Iterable[Span], made_ms: int) -> None:
        for first, last in runs:
            self._run(
                "INSERT OR REPLACE INTO reached (log, destination, first, last, made_ms) VALUES (?, ?, ?, ?, ?)",
                log,
                destination,
                first,
                last,
                made_ms,
            )

    def _lay_over(self, log: str, outcome: Outcome, made_ms: int) -> Runs:
        """Put a run over what was known of these records, join it with equal neighbours, and give what is new in it."""
        first, last = outcome.span
        known = self._run(_NEAR, log, outcome.destination, first, last)
        fresh = Runs([outcome.span])
        kept: list[tuple[int, int, str, str, int]] = []
        for begin, end, state, reason, at_ms in known:
            if (state, reason) == (outcome.state, outcome.reason):
                fresh.remove((begin, end))
                first, last = min(first, begin), max(last, end)
                continue
            kept += [(a, b, state, reason, at_ms) for a, b in ((begin, min(end, first)), (max(begin, last), end))]
        for begin, *_ in known:
            self._run(
                "DELETE FROM outcome WHERE log = ? AND destination = ? AND first = ?", log, outcome.destination, begin
            )
        for begin, end, state, reason, at_ms in (*kept, (first, last, outcome.state.value, outcome.reason, made_ms)):
            if begin < end:
                self._run(
                    """INSERT INTO outcome (log, destination, first, last, state, reason, made_ms)
                        VALUES (?, ?, ?, ?, ?, ?, ?)""",
                    log,
                    outcome.destination,
                    begin,
                    end,
                    state,
                    reason,
                    at_ms,
                )
        return fresh

    def _trim_tasks(self, log: str, outcome: Outcome, made_ms: int) -> None:
        """Leave of the open tasks only what is refused still, for their reason; what lies in between parts them."""
        for number, first, last, reason, since_ms in self._run(_OPEN, log, outcome.destination, *outcome.span):
            parts = list(self._refused(log, outcome.destination, reason, (first, last)))
            if not parts:
                self._run("UPDATE task SET done_ms = ? WHERE id = ?", made_ms, number)
            elif parts != [(first, last)]:
                self._run("UPDATE task SET seq = ?, last = ? WHERE id = ?", *parts[0], number)
                for part in parts[1:]:
                    self._make_task(log, outcome.destination, reason, part, since_ms)

    def _make_tasks(self, log: str, outcome: Outcome, runs: Runs, made_ms: int) -> None:
        """Make a task of what is refused now, was not before, and lies in no open task."""
        if outcome.state is not OutcomeState.REFUSED:
            return
        destination, reason = outcome.destination, outcome.reason
        for run in runs:
            refused = self._refused(log, destination, reason, run)
            for _, first, last, _, _ in self._run(_OPEN, log, destination, *run):
                refused.remove((first, last))
            for part in refused:
                self._make_task(log, destination, reason, part, made_ms)

    def _make_task(self, log: str, destination: str, reason: str, span: Span, made_ms: int) -> None:
        self._run(
            "INSERT INTO task (kind, log, seq, last, destination, reason, made_ms) VALUES (?, ?, ?, ?, ?, ?, ?)",
            REFUSED,
            log,
            *span,
            destination,
            reason,
            made_ms,
        )

    def _refused(self, log: str, destination: str, reason: str, span: Span) -> Runs:
        """Give the records of a run that a destination refuses for a reason."""
        known = self._run(_NEAR, log, destination, *span)
        said = (OutcomeState.REFUSED.value, reason)
        refused = Runs((first, last) for first, last, state, why, _ in known if (state, why) == said)
        return Runs(refused.within(span))

    def _run(self, sql: str, *values: object) -> list[Any]:
        return list(self._connection.execute(sql, values))

    def _read(self, sql: str, *values: object) -> list[Any]:
        with self._lock:
            try:
                return self._run(sql, *values)
            except SQLITE_FAILURES as error:
                raise classified(self._path, error) from error

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock:
            try:
                self._run("BEGIN IMMEDIATE")
                try:
                    yield
                    self._run("COMMIT")
                except BaseException:
                    self._roll_back()
                    raise
            except SQLITE_FAILURES as error:
                raise classified(self._path, error) from error

    def _roll_back(self) -> None:
        try:
            self._run("ROLLBACK")
        except SQLITE_FAILURES:
            # SQLite has rolled back by itself after some errors (sqlite.org/lang_transaction.html, 3.1)
            return
