"""The ledger on disk: the projection of the journal in site.db, with the newest changes in memory in front of it."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from yaoma.core.ledger import Changes, Duty, Seen
from yaoma.core.pack import IN_HAND, PackState
from yaoma.core.projection import project
from yaoma.core.record import Kind, Record
from yaoma.core.reservation import is_practice
from yaoma.core.ticket import Ticket
from yaoma.shell.database import SQLITE_FAILURES, Connection, classified
from yaoma.shell.ledger_rows import DUTY, PACK, PROJECTED, TICKET, duty_of, seen_of, ticket_of, write
from yaoma.shell.migrate import migrate
from yaoma.shell.site_file import SiteFile

__all__ = ["SiteLedger"]

_CATCH_UP_STEP = 2048


class SiteLedger:
    """What this box has done with packs and tickets.

    Records are applied in order, staged until their commit succeeded, then kept in memory until `flush` writes them
    in one group. A look-up sees all three. Only the recorder's thread applies; reading is safe from every thread.

    Args:
        file: The open site.db.
    """

    def __init__(self, file: SiteFile) -> None:
        self._file = file
        self._unwritten = Changes()
        self._staged = Changes()
        # What the file itself said last: judging a scan and projecting its record ask for the same.
        self._pack_on_disk: tuple[str, Seen | None] | None = None
        self._tickets_on_disk: dict[str, Ticket | None] = {}
        with self._database() as connection:
            migrate(connection, "site")
            self._watermark = dict(connection.execute("SELECT log, upto FROM watermark"))
            self._known = dict(connection.execute("SELECT name, value FROM known"))

    def applied(self, log: str) -> int:
        """Give the place after the last record of a log that is in here, written or not."""
        with self._file.lock:
            for changes in (self._staged, self._unwritten):
                if log in changes.upto:
                    return changes.upto[log]
            return int(self._watermark.get(log, 0))

    def seen(self, key: str) -> Seen | None:
        """Give what is known of a pack.

        Raises:
            DatabaseError: If the file can't be read.
        """
        with self._file.lock:
            found = self._staged.seen.get(key) or self._unwritten.seen.get(key)
            if found is not None:
                return found
            if self._pack_on_disk is None or self._pack_on_disk[0] != key:
                self._pack_on_disk = key, self._read_pack(key)
            return self._pack_on_disk[1]

    def open_ticket(self, station: str) -> Ticket | None:
        """Give the open ticket of a station.

        Raises:
            DatabaseError: If the file can't be read.
        """
        with self._file.lock:
            for changes in (self._staged, self._unwritten):
                if station in changes.tickets:
                    return changes.tickets[station]
            if station not in self._tickets_on_disk:
                self._tickets_on_disk[station] = self._read_ticket(station)
            return self._tickets_on_disk[station]

    def packs_of(self, ticket: str) -> Sequence[str]:
        """Give the keys of the packs that are on a ticket, in scanning order.

        Raises:
            DatabaseError: If the file can't be read.
        """
        with self._file.lock, self._database() as connection:
            places = dict(connection.execute("SELECT key, place FROM seen WHERE ticket = ? AND place > 0", (ticket,)))
            for changes in (self._unwritten, self._staged):
                for key, seen in changes.seen.items():
                    places.pop(key, None)
                    if seen.ticket == ticket and seen.place:
                        places[key] = seen.place
            return sorted(places, key=lambda key: (places[key], key))

    @property
    def complete_since_ms(self) -> int | None:
        """Since when the ledger knows every pack of the site; None if no opening count was closed (DESIGN.md 6)."""
        for changes in (self._staged, self._unwritten):
            if changes.complete_since_ms is not None:
                return changes.complete_since_ms
        return self._known.get("complete_since_ms")

    def in_store(self, drug: str, lot: str) -> int:
        """Give how many packs without a code there are (无码库).

        Raises:
            DatabaseError: If the file can't be read.
        """
        return self.store().get((drug, lot), 0)

    def store(self) -> dict[tuple[str, str], int]:
        """Give the goods without a code, by drug and lot.

        Raises:
            DatabaseError: If the file can't be read.
        """
        with self._file.lock, self._database() as connection:
            there = {(drug, lot): number for drug, lot, number in connection.execute("SELECT * FROM store")}
            return {**there, **self._unwritten.stock, **self._staged.stock}

    def duty(self, duty_id: str) -> Duty | None:
        """Give an open duty.

        Raises:
            DatabaseError: If the file can't be read.
        """
        with self._file.lock, self._database() as connection:
            for changes in (self._staged, self._unwritten):
                if duty_id in changes.duties:
                    return changes.duties[duty_id]
            return next((duty_of(row) for row in connection.execute(f"{DUTY} WHERE id = ?", (duty_id,))), None)

    def duties(self) -> Sequence[Duty]:
        """Give all open duties, the most urgent first.

        Raises:
            DatabaseError: If the file can't be read.
        """
        with self._file.lock, self._database() as connection:
            found: dict[str, Duty | None] = {duty.id: duty for duty in map(duty_of, connection.execute(DUTY))}
            found |= {**self._unwritten.duties, **self._staged.duties}
            return sorted(
                (duty for duty in found.values() if duty is not None),
                key=lambda duty: (not duty.due_ms, duty.due_ms or duty.made_ms, duty.id),
            )

    def refused_on(self, ticket: str) -> Mapping[str, str]:
        """Give the keys of the packs that were scanned for a ticket and stopped, with the reasons.

        Raises:
            DatabaseError: If the file can't be read.
        """
        with self._file.lock, self._database() as connection:
            rows = connection.execute(
                "SELECT key, reason FROM seen WHERE ticket = ? AND place = 0 AND verdict = 'STOP'", (ticket,)
            )
            found = dict(rows)
            for changes in (self._unwritten, self._staged):
                for key, seen in changes.seen.items():
                    found.pop(key, None)
                    if seen.ticket == ticket and not seen.place and seen.verdict == "STOP":
                        found[key] = seen.reason
            return found

    def in_hand(self, after: str, most: int) -> tuple[Sequence[tuple[str, str]], str]:
        """Give packs that could still be handed out, with their lots, among the next of all packs by key.

        It looks at few packs at a time, since the counter waits for the file meanwhile.

        Args:
            after: What the last call gave to go on with; empty for the first.
            most: At how many packs it looks at most.

        Returns:
            The packs, and what to go on with; empty when there are no more.

        Raises:
            DatabaseError: If the file can't be read.
        """
        with self._file.lock, self._database() as connection:
            rows = list(
                connection.execute("SELECT key, state, lot FROM seen WHERE key > ? ORDER BY key LIMIT ?", (after, most))
            )
            upto = rows[-1][0] if len(rows) == most else ""
            found = {key: (PackState(state), lot) for key, state, lot in rows}
            for changes in (self._unwritten, self._staged):
                for key, seen in changes.seen.items():
                    if key > after and (not upto or key <= upto):
                        found[key] = seen.state, seen.lot
        return [
            (key, lot) for key, (state, lot) in sorted(found.items()) if state in IN_HAND and not is_practice(key)
        ], upto

    def tally(self, day: int) -> dict[tuple[str, str, str, str], int]:
        """Count the scans of a day, by (station, operation, verdict, reason).

        Args:
            day: As YYYYMMDD, at the counter.

        Raises:
            DatabaseError: If the file can't be read.
        """
        with self._file.lock, self._database() as connection:
            rows = connection.execute(
                "SELECT station, operation, verdict, reason, number FROM tally WHERE day = ?", (day,)
            )
            total = {tuple(row[:4]): row[4] for row in rows}
            for changes in (self._unwritten, self._staged):
                for (at, *row), number in changes.counts.items():
                    if at == day:
                        total[tuple(row)] = total.get(tuple(row), 0) + number
            return total

    def stage(self, record: Record) -> None:
        """Apply a record that is about to be committed; `keep` or `drop` follows.

        Raises:
            DatabaseError: If the file can't be read.
        """
        with self._file.lock:
            log, seq = record.identity if record.kind == Kind.COPY else (record.log, record.seq)
            is_copy = log != record.log
            if is_copy and self.applied(log) > seq:
                # The original is in here already, under the log that it first stood in.
                self._staged.add(Changes(upto={record.log: record.seq + 1}))
                return
            changes = project(record, self)
            if is_copy:
                # The next log may copy it once more.
                changes.upto[log] = seq + 1
            self._staged.add(changes)

    def keep(self) -> None:
        """The staged records are on the disk: from here on they count."""
        with self._file.lock:
            self._unwritten.add(self._staged)
            self._staged = Changes()

    def drop(self) -> None:
        """The commit failed: forget what was staged."""
        with self._file.lock:
            self._staged = Changes()

    @property
    def unwritten(self) -> int:
        """How many packs wait to be written."""
        return len(self._unwritten.seen)

    def flush(self) -> None:
        """Write what is kept in memory, in one transaction.

        Raises:
            DatabaseError: If it can't be written; it stays in memory.
        """
        with self._file.lock:
            changes = self._unwritten
            if not changes.upto:
                return
            with self._transaction() as connection:
                write(connection, changes)
            self._forget_what_was_read()
            if changes.complete_since_ms is not None:
                self._known["complete_since_ms"] = changes.complete_since_ms
            self._watermark.update(changes.upto)
            self._unwritten = Changes()

    def catch_up(self, log: str, size: int, bodies: Callable[[int, int], Sequence[bytes]]) -> None:
        """Apply what a log holds beyond the watermark.

        Args:
            log: The log's id.
            size: Its size.
            bodies: Gives the bodies of a half-open range.

        Raises:
            DatabaseError: If a file can't be read or written.
        """
        self.drop()
        for first in range(self.applied(log), size, _CATCH_UP_STEP):
            for body in bodies(first, min(size, first + _CATCH_UP_STEP)):
                self.stage(Record.read(body))
                self.keep()
            self.flush()

    def passed(self, log: str, size: int) -> None:
        """Note that nothing more is to be had of an ended log, whether all of it could be read or not.

        Raises:
            DatabaseError: If it can't be written; it stays in memory.
        """
        with self._file.lock:
            self._unwritten.add(Changes(upto={log: size}))
        self.flush()

    def forget(self) -> None:
        """Empty the projection, to make it anew.

        Raises:
            DatabaseError: If the file can't be written.
        """
        with self._file.lock:
            with self._transaction() as connection:
                for table in PROJECTED:
                    connection.execute(f"DELETE FROM {table}")  # noqa: S608 - names from the constant above
            self._forget_what_was_read()
            self._unwritten, self._staged, self._watermark = Changes(), Changes(), {}
            self._known.clear()

    def _read_pack(self, key: str) -> Seen | None:
        try:
            for (row,) in self._file.connection.execute(PACK, (key,)):
                return seen_of(json.loads(row))
        except SQLITE_FAILURES as error:
            raise classified(self._file.path, error) from error
        return None

    def _read_ticket(self, station: str) -> Ticket | None:
        with self._database() as connection:
            return next((ticket_of(row) for row in connection.execute(TICKET, (station,))), None)

    def _forget_what_was_read(self) -> None:
        self._pack_on_disk = None
        self._tickets_on_disk.clear()

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with self._database() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except SQLITE_FAILURES:
                if getattr(connection, "in_transaction", False):
                    connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _database(self) -> Iterator[Connection]:
        with self._file.lock:
            try:
                yield self._file.connection
            except SQLITE_FAILURES as error:
                raise classified(self._file.path, error) from error
