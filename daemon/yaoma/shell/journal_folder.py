"""The folder of logs: which one is open, and how one log follows another without a moment in between.

`journal.db` is the open log, `closed/` holds the ended ones, `aside/` damaged files, never deleted. A new log is built
completely under another name and becomes `journal.next` by a rename; only then is the old file moved away. So at every
instant either the old log is whole and in place, or the new one with all that it takes over is.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from yaoma.core.entry import CloseReason, OpenReason, Predecessor, closed, opened
from yaoma.core.record import Entry, Kind, Record, RecordError, Stamp
from yaoma.shell.closed_log import ClosedLog
from yaoma.shell.database import (
    DatabaseDamagedError,
    DatabaseError,
    DatabaseUnavailableError,
    Opener,
    free_number,
    fsync_folder,
    open_sqlite,
)
from yaoma.shell.journal import BoxIdentity, Journal
from yaoma.shell.log_file import LogFile
from yaoma.shell.rebuild import apply_logs
from yaoma.shell.salvage import commits_behind, salvage
from yaoma.shell.site_ledger import SiteLedger

__all__ = ["JournalFolder", "KnownElsewhere"]

log = logging.getLogger("yaoma.journal")

_COPY_STEP = 512

#: SQLite's companions of a database file; they move with it. One that is left behind would be applied to the next
#: file of that name.
_COMPANIONS = ("", "-wal", "-shm", "-journal")

#: Those that hold a part of the database: the file alone is not the whole log.
_HOT_COMPANIONS = ("-wal", "-journal")


@dataclass(frozen=True, slots=True)
class KnownElsewhere:
    """What other files of the box know about a log.

    Args:
        confirmed_upto: The bridge has stored everything below.
        size: The log had at least so many records.
    """

    confirmed_upto: int = 0
    size: int = 0


@contextmanager
def _refusals() -> Iterator[None]:
    """Tell the system's refusals (full, read-only, I/O error) as those of SQLite are told."""
    try:
        yield
    except OSError as error:
        path = Path(error.filename or "journal.db")
        raise DatabaseUnavailableError(path, error.strerror or "the disk refuses") from error


class JournalFolder:
    """Opens the journal, whatever state the folder is in.

    Args:
        folder: Where the files lie; made if it is missing.
        identity: The box that writes.
        version: The software's version, for opening records.
        stamp: Gives the time.
        known: Gives what the site's state knows about a log.
        opener: Opens `journal.db`; tests put their faulty disks here.
    """

    def __init__(
        self,
        folder: Path,
        identity: BoxIdentity,
        *,
        version: str,
        stamp: Callable[[], Stamp],
        known: Callable[[str], KnownElsewhere] = lambda _: KnownElsewhere(),
        opener: Opener = open_sqlite,
    ) -> None:
        self._folder = folder
        self._identity = identity
        self._version = version
        self._stamp = stamp
        self._known = known
        self._opener = opener
        self._current = folder / "journal.db"
        self._next = folder / "journal.next"
        self._building = folder / "journal.building"

    @_refusals()
    def open(self) -> Journal:
        """Open the log to append to; begin a new one where the old one can't go on.

        Raises:
            DatabaseUnavailableError: If the disk refuses; nothing is lost, try again later.
        """
        self._make_folders()
        self._finish_succession()
        if not self._current.exists():
            self._succeed(self._opened(OpenReason.NEW, self._newest_closed()))
            return self._open_current()
        try:
            self._look()
            journal = Journal.open(self._current, self._identity, self._opener)
        except DatabaseDamagedError as error:
            return self.replace_damaged(error.problem)
        try:
            return self._continued(journal)
        except DatabaseDamagedError as error:
            journal.close()
            return self.replace_damaged(error.problem)
        except BaseException:
            journal.close()
            raise

    @_refusals()
    def close_log(self, journal: Journal, reason: CloseReason) -> Journal:
        """End the open log and begin the next, which takes over what the bridge has not confirmed (DESIGN.md 6).

        Raises:
            DatabaseError: If the disk refuses; `open` goes on from wherever this came to.
        """
        tail = min(self._known(journal.log).confirmed_upto, journal.size)
        journal.append([closed(reason, tail)], [self._stamp()], checkpoint=True)
        return self._succeed_closed(journal, reason, tail)

    @_refusals()
    def replace_damaged(self, problem: str) -> Journal:
        """Set the damaged `journal.db` aside and begin a new log with what can be read of it.

        Raises:
            DatabaseUnavailableError: If the disk refuses.
        """
        found = salvage(self._current)
        known = self._known(found.log) if found.log else KnownElsewhere()
        size = max(found.size, known.size, known.confirmed_upto)
        log.error(
            "journal damaged, set aside: problem=%s log=%s records=%d size=%d",
            problem,
            found.log,
            len(found.records),
            size,
        )
        previous = Predecessor(found.log, size, found.checkpoint, found.gap(size))
        copies = (Record.read(body) for _, body in found.records.bodies(known.confirmed_upto))
        self._succeed(self._opened(OpenReason.DAMAGED, previous), _copies(copies, found.sealed))
        return self._open_current()

    def catch_up(self, journal: Journal, ledger: SiteLedger) -> None:
        """Apply what the projection lacks of this log and, if it lacks anything of it, of those before.

        Args:
            journal: The open log.
            ledger: The projection.

        Raises:
            DatabaseError: If a file can't be read or written.
        """
        previous = journal.opening().fields.get("previous")
        if isinstance(previous, Mapping):
            log_before, size = previous.get("log"), previous.get("size")
            # The record that ends a log changes nothing and is not applied while the box runs.
            if isinstance(log_before, str) and isinstance(size, int) and ledger.applied(log_before) < size - 1:
                self._catch_up_ended(ledger)
                ledger.passed(log_before, size)
        ledger.catch_up(journal.log, journal.size, journal.bodies)

    def _catch_up_ended(self, ledger: SiteLedger) -> None:
        try:
            apply_logs(self._folder, ledger)
        except DatabaseDamagedError as error:
            log.error("history incomplete, an ended log can't be read: problem=%s", error.problem)  # noqa: TRY400 - no trace

    def closed_files(self) -> list[Path]:
        """Give the files of ended logs."""
        return sorted((self._folder / "closed").glob("*.db"))

    def aside_files(self) -> list[Path]:
        """Give the damaged files that were set aside."""
        return sorted((self._folder / "aside").glob("*.db"))

    def _look(self) -> None:
        """Look for damage before SQLite opens the file for writing: that would bring the WAL into it and delete it."""
        if self._with_suffix("-journal").exists():
            return  # a cut succession; only a writer can roll it back
        log_id, size = Journal.look(self._current, self._identity)
        if commits_behind(self._with_suffix("-wal"), size) > 1:
            raise DatabaseDamagedError(self._current, "the write-ahead log is damaged before its end")
        if self._known(log_id).size > size and salvage(self._current).records.end > size:
            raise DatabaseDamagedError(self._current, f"there are records behind {size} that SQLite does not reach")

    def _continued(self, journal: Journal) -> Journal:
        ended = journal.ended()
        if ended is not None:
            tail = ended.fields.get("tail")
            reason = CloseReason(str(ended.fields.get("reason")))
            return self._succeed_closed(journal, reason, tail if isinstance(tail, int) else journal.size)
        first = journal.opening()
        if (first.fields["site"], first.fields["box"]) != (self._identity.site, self._identity.box):
            return self.close_log(journal, CloseReason.IDENTITY)
        if self._known(journal.log).size > journal.size:
            return self.close_log(journal, CloseReason.SHRUNK)
        return journal

    def _succeed_closed(self, journal: Journal, reason: CloseReason, tail: int) -> Journal:
        size = journal.size
        previous = Predecessor(journal.log, size, journal.newest_checkpoint())
        copied = self._build(self._opened(OpenReason(reason.value), previous), _tail(journal, tail))
        log.warning("log closed: log=%s reason=%s size=%d copied=%d", journal.log, reason.value, size, copied)
        journal.finish()
        if self._is_hot():  # SQLite does not tell that it could not delete one
            self._settle()
        self._take_over()
        return self._open_current()

    def _succeed(self, opening: Entry, copies: Iterable[Entry] = ()) -> None:
        self._build(opening, copies)
        self._take_over()

    def _build(self, opening: Entry, copies: Iterable[Entry]) -> int:
        """Write the next log beside the open one, some entries at a time; give how many were copied."""
        self._remove_building()
        journal = Journal.create(self._building, self._identity, [opening], self._stamp())
        left, copied = iter(copies), 0
        while part := list(islice(left, _COPY_STEP)):
            journal.append(part, [self._stamp()] * len(part))
            copied += len(part)
        journal.checkpoint()
        journal.finish()
        self._building.rename(self._next)
        fsync_folder(self._folder)
        return copied

    def _take_over(self) -> None:
        if self._current.exists():
            self._retire()
        self._next.rename(self._current)
        fsync_folder(self._folder)

    def _retire(self) -> None:
        """Move `journal.db` away: an ended log as one file to `closed/`, anything else with its companions aside."""
        whole = not self._is_hot()
        try:
            file = LogFile.read_only(self._current)
            try:
                last = file.rows(file.size() - 1, file.size())
                ended = Record.read(last[0][1]) if last else None
            finally:
                file.close()
        except (DatabaseError, ValueError):
            ended = None
        if ended is not None and ended.kind == Kind.CLOSE and whole:
            target = self._folder / "closed" / f"{ended.log}.db"
            if target.exists():
                # The same log has ended before, on a card that was put back since; both files are kept.
                target = target.with_stem(f"{ended.log}-{free_number(target.parent, ended.log)}")
            self._current.rename(target)
            fsync_folder(target.parent)
        else:
            number = free_number(self._folder / "aside", "journal")
            for suffix in reversed(_COMPANIONS):
                companion = self._with_suffix(suffix)
                if companion.exists():
                    companion.rename(self._folder / "aside" / f"journal-{number}.db{suffix}")
            fsync_folder(self._folder / "aside")
        fsync_folder(self._folder)

    def _finish_succession(self) -> None:
        """Go on where a power cut stopped a succession."""
        self._remove_building()
        if self._next.exists():
            if self._current.exists():
                self._settle()
            self._take_over()

    def _is_hot(self) -> bool:
        return any(self._with_suffix(suffix).exists() for suffix in _HOT_COMPANIONS)

    def _settle(self) -> None:
        """Make the file of an ended log whole in itself, whatever companions it has, so that it can be moved alone."""
        try:
            journal = Journal.open(self._current, self._identity, self._opener)
        except DatabaseDamagedError:
            return
        try:
            if journal.ended():
                journal.finish()
        except DatabaseDamagedError:
            return
        finally:
            # A connection that is left open would delete, when it is collected, the WAL that lies there by then.
            journal.close()

    def _open_current(self) -> Journal:
        return Journal.open(self._current, self._identity, self._opener)

    def _opened(self, reason: OpenReason, previous: Predecessor | None) -> Entry:
        return opened(self._identity.site, self._identity.box, self._version, reason, previous)

    def _newest_closed(self) -> Predecessor | None:
        newest: tuple[int, Predecessor] | None = None
        for path in self.closed_files():
            try:
                closed_log = ClosedLog(path)
                try:
                    last = Record.read(closed_log.bodies(closed_log.size - 1, closed_log.size)[0])
                finally:
                    closed_log.close()
            except (DatabaseDamagedError, RecordError):
                continue
            candidate = (last.stamp.wall_ms, Predecessor(last.log, closed_log.size, closed_log.newest_checkpoint()))
            newest = candidate if newest is None or candidate[0] > newest[0] else newest
        return newest[1] if newest else None

    def _with_suffix(self, suffix: str) -> Path:
        return self._folder / f"journal.db{suffix}"

    def _remove_building(self) -> None:
        for suffix in _COMPANIONS:
            (self._folder / f"journal.building{suffix}").unlink(missing_ok=True)

    def _make_folders(self) -> None:
        for folder in (self._folder, self._folder / "closed", self._folder / "aside"):
            if not folder.exists():
                folder.mkdir(mode=0o700, parents=True)
                fsync_folder(folder.parent)


def _copies(records: Iterable[Record], sealed: Mapping[int, bytes]) -> Iterator[Entry]:
    """Make the entries that carry records over; a log's own beginning and end stay behind."""
    for record in records:
        if record.kind not in {Kind.OPEN, Kind.CLOSE}:
            copy = Record.copied(record)
            yield Entry(copy.kind, copy.fields, sealed.get(record.seq))


def _tail(journal: Journal, begin: int) -> Iterator[Entry]:
    """Make the entries that carry the end of a log over."""
    for first in range(begin, journal.size, _COPY_STEP):
        last = min(journal.size, first + _COPY_STEP)
        yield from _copies(map(Record.read, journal.bodies(first, last)), journal.sealed(first, last))
