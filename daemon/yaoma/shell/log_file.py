"""One log in one SQLite file: rows in, rows out; it does not know what they say."""

import sqlite3
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from yaoma.shell.database import (
    SQLITE_FAILURES,
    Connection,
    DatabaseDamagedError,
    DatabaseUnavailableError,
    Opener,
    classified,
    open_sqlite,
    pragma,
)
from yaoma.shell.migrate import migrate

__all__ = ["APPLICATION_ID", "LogFile", "Row", "StoredCheckpoint"]

#: `PRAGMA application_id` of a log file: "Ylog" in ASCII.
APPLICATION_ID = 0x596C6F67

USER_VERSION = 1

Row = tuple[int, bytes, bytes]
"""Place, body and leaf hash."""

# As bytes: text that is damaged may be no UTF-8, and its hash tells anyway.
_ROWS = "SELECT seq, CAST(body AS BLOB), leaf_hash FROM record WHERE seq >= ?"


@dataclass(frozen=True, slots=True)
class StoredCheckpoint:
    """A checkpoint as it lies in the file.

    Args:
        size: The tree's size.
        note: The signed note.
        frontier: The frontier at that size, as `Frontier.to_bytes` writes it.
    """

    size: int
    note: str
    frontier: bytes


class LogFile:
    """A log's file. Thread-safe: one connection, one lock.

    After a write has failed the handle is dead: what SQLite and the kernel think of the pages can no longer be known
    (PEERS.md 5.1, fsync errors). The owner closes it and opens the file anew.

    Args:
        path: The file.
        connection: An open connection to it, in autocommit mode.
    """

    def __init__(self, path: Path, connection: Connection) -> None:
        self.path = path
        self._connection = connection
        self._lock = threading.Lock()
        self._dead = False

    @classmethod
    def create(cls, path: Path) -> "LogFile":
        """Make a new file with an empty log.

        Raises:
            DatabaseUnavailableError: If the disk refuses.
        """
        connection = open_sqlite(path)
        try:
            pragma(connection, "page_size", 1024)
            pragma(connection, "application_id", APPLICATION_ID)
            migrate(connection, "log")
            pragma(connection, "user_version", USER_VERSION)
        except SQLITE_FAILURES as error:
            connection.close()
            raise classified(path, error) from error
        return cls._prepared(path, connection)

    @classmethod
    def open(cls, path: Path, opener: Opener = open_sqlite, *, looking: bool = False) -> "LogFile":
        """Open an existing file, for appending or only for looking at it.

        Raises:
            DatabaseDamagedError: If it is no log file of ours, or SQLite finds it damaged.
            DatabaseUnavailableError: If the disk refuses.
        """
        try:
            connection = opener(path)
        except SQLITE_FAILURES as error:
            raise classified(path, error) from error
        try:
            found = pragma(connection, "application_id"), pragma(connection, "user_version")
        except SQLITE_FAILURES as error:
            connection.close()
            raise classified(path, error) from error
        if found != (APPLICATION_ID, USER_VERSION):
            connection.close()
            raise DatabaseDamagedError(path, f"not a log file of version {USER_VERSION}: {found}")
        return cls(path, connection) if looking else cls._prepared(path, connection)

    @classmethod
    def read_only(cls, path: Path) -> "LogFile":
        """Open a file to look at, also while the daemon writes it.

        Raises:
            DatabaseDamagedError: If it is no log file of ours, or SQLite finds it damaged.
            DatabaseUnavailableError: If it can't be read.
        """
        uri = f"{path.absolute().as_uri()}?mode=ro"
        return cls.open(
            path,
            lambda _: sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, timeout=5),
            looking=True,
        )

    @classmethod
    def _prepared(cls, path: Path, connection: Connection) -> "LogFile":
        try:
            pragma(connection, "journal_mode", "WAL")
            pragma(connection, "synchronous", "FULL")
            pragma(connection, "cell_size_check", 1)
            # A sealed identity that is erased must not linger in free pages (DESIGN.md 3, promise 5).
            pragma(connection, "secure_delete", 1)
            mode, level = pragma(connection, "journal_mode"), pragma(connection, "synchronous")
            # After a sync that failed, the WAL is read from pages that the kernel takes for clean though they are not
            # on the disk (PEERS.md 5.1): commits behind them would go with them. So what the WAL holds is written
            # anew, into the file, and the WAL begins anew.
            _begin_wal_anew(path, connection)
        except BaseException as error:
            connection.close()
            if isinstance(error, SQLITE_FAILURES):
                raise classified(path, error) from error
            raise
        if (mode, level) not in {("wal", 2), ("delete", 2)}:
            connection.close()
            raise DatabaseUnavailableError(path, f"journal_mode {mode}, synchronous {level}: not durable")
        return cls(path, connection)

    def size(self) -> int:
        """Count the records: the place after the last one.

        Raises:
            DatabaseError: If the file can't be read.
        """
        with self._reading() as connection:
            for (last,) in connection.execute("SELECT max(seq) FROM record"):
                return 0 if last is None else int(last) + 1
        return 0

    def append(
        self,
        rows: Sequence[Row],
        *,
        sealed: Mapping[int, bytes] | None = None,
        erased: Collection[int] = (),
        checkpoint: StoredCheckpoint | None = None,
    ) -> None:
        """Add rows in one commit; when this returns they are on the disk.

        Args:
            rows: The rows.
            sealed: Sealed identities that belong to them, by place.
            erased: Places whose sealed identity goes in the same commit; call `empty_wal` afterwards.
            checkpoint: A checkpoint behind the rows.

        Raises:
            DatabaseError: If they may not be there; the handle is dead from here on.
        """
        with self._writing() as connection:
            alone = len(rows) == 1 and not sealed and not erased and checkpoint is None
            if not alone:
                connection.execute("BEGIN IMMEDIATE")
            for seq, body, leaf in rows:
                connection.execute(
                    "INSERT INTO record (seq, body, leaf_hash) VALUES (?, ?, ?)", (seq, body.decode(), leaf)
                )
            for seq, blob in (sealed or {}).items():
                connection.execute("INSERT INTO sealed (seq, blob) VALUES (?, ?)", (seq, blob))
            for seq in erased:
                connection.execute("DELETE FROM sealed WHERE seq = ?", (seq,))
            if checkpoint is not None:
                connection.execute(
                    "INSERT INTO checkpoint (size, note, frontier) VALUES (?, ?, ?)",
                    (checkpoint.size, checkpoint.note, checkpoint.frontier),
                )
            if not alone:
                connection.execute("COMMIT")

    def rows(self, first: int, last: int) -> list[Row]:
        """Give the rows of a half-open range, in order, without holes if the file is sound.

        Raises:
            DatabaseError: If the file can't be read.
        """
        return self._rows(f"{_ROWS} AND seq < ? ORDER BY seq", first, last)

    def first_row_from(self, first: int) -> list[Row]:
        """Give the first row at a place or behind it; none if there is none.

        Raises:
            DatabaseError: If the file can't be read.
        """
        return self._rows(f"{_ROWS} ORDER BY seq LIMIT 1", first)

    def _rows(self, sql: str, *places: int) -> list[Row]:
        with self._reading() as connection:
            rows = [(seq, body, leaf) for seq, body, leaf in connection.execute(sql, places)]
        # A damaged row may hold other types than the table allows; SQLite does not look when it reads.
        for seq, body, leaf in rows:
            if not isinstance(body, bytes) or not isinstance(leaf, bytes):
                raise DatabaseDamagedError(self.path, f"record {seq} holds something else than body and hash")
        return rows

    def leaves(self, first: int, last: int) -> list[bytes]:
        """Give the leaf hashes of a half-open range, in order.

        Raises:
            DatabaseError: If the file can't be read.
        """
        with self._reading() as connection:
            return [
                leaf
                for (leaf,) in connection.execute(
                    "SELECT leaf_hash FROM record WHERE seq >= ? AND seq < ? ORDER BY seq", (first, last)
                )
            ]

    def sealed(self, first: int, last: int) -> dict[int, bytes]:
        """Give the sealed identities of a half-open range that were not erased, by place.

        Raises:
            DatabaseError: If the file can't be read.
        """
        with self._reading() as connection:
            return dict(
                connection.execute(
                    "SELECT seq, blob FROM sealed WHERE seq >= ? AND seq < ? ORDER BY seq", (first, last)
                )
            )

    def sealed_rows(self) -> list[tuple[int, bytes, bytes]]:
        """Give place, body and sealed identity of every record whose identity was not erased, in order.

        Raises:
            DatabaseError: If the file can't be read.
        """
        with self._reading() as connection:
            return [
                (seq, body, blob)
                for seq, body, blob in connection.execute(
                    "SELECT seq, CAST(body AS BLOB), blob FROM sealed JOIN record USING (seq) ORDER BY seq"
                )
                if isinstance(body, bytes) and isinstance(blob, bytes)
            ]

    def known_time(self, seq: int) -> tuple[int, int] | None:
        """Give place and wall time of the first record from a place on whose clock could be trusted; None if none is.

        Raises:
            DatabaseError: If the file can't be read.
        """
        with self._reading() as connection:
            for found, wall_ms in connection.execute(
                "SELECT seq, json_extract(body, '$.wall_ms') FROM record "
                "WHERE seq >= ? AND json_extract(body, '$.clock') != 'untrusted' ORDER BY seq LIMIT 1",
                (seq,),
            ):
                return int(found), int(wall_ms)
        return None

    def erase_sealed(self, *seqs: int) -> None:
        """Erase sealed identities; the records and every proof stay valid.

        Raises:
            DatabaseError: If they may still be there; the handle is dead from here on.
        """
        with self._writing() as connection:
            connection.execute("BEGIN IMMEDIATE")
            for seq in seqs:
                connection.execute("DELETE FROM sealed WHERE seq = ?", (seq,))
            connection.execute("COMMIT")
            # The write-ahead log still holds the pages as they were.
            _begin_wal_anew(self.path, connection)

    def empty_wal(self) -> bool:
        """Write what the WAL holds into the file and empty it: what was erased is gone from the WAL only then.

        Returns:
            Whether it is empty; it is not while another program reads, for which nobody waits here.

        Raises:
            DatabaseError: If the disk refuses; the handle is dead from here on.
        """
        with self._writing() as connection:
            patience_ms = pragma(connection, "busy_timeout")
            pragma(connection, "busy_timeout", 0)
            is_busy = pragma(connection, "wal_checkpoint(TRUNCATE)")
            pragma(connection, "busy_timeout", patience_ms)
        return not is_busy

    def checkpoints(self, newest_first: int = 1) -> list[StoredCheckpoint]:
        """Give up to so many of the newest checkpoints, newest first.

        Raises:
            DatabaseError: If the file can't be read.
        """
        with self._reading() as connection:
            return [
                StoredCheckpoint(size, note.decode(errors="replace"), frontier)
                for size, note, frontier in connection.execute(
                    "SELECT size, CAST(note AS BLOB), frontier FROM checkpoint ORDER BY size DESC LIMIT ?",
                    (newest_first,),
                )
                if isinstance(note, bytes) and isinstance(frontier, bytes)
            ]

    def finish(self) -> None:
        """Turn the file into one that needs no companions, so that it can be moved away whole.

        Raises:
            DatabaseError: If somebody still reads it, or the disk refuses; it can be opened and finished later.
        """
        with self._writing() as connection:
            mode = pragma(connection, "journal_mode", "DELETE")
        if mode != "delete":
            raise DatabaseUnavailableError(self.path, f"the log can't be finished, its journal mode is {mode}")

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._dead = True
            self._connection.close()

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._lock:
            if self._dead:
                raise DatabaseUnavailableError(self.path, "closed after a failure")
            try:
                yield self._connection
            except SQLITE_FAILURES as error:
                raise classified(self.path, error) from error

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self._lock:
            if self._dead:
                raise DatabaseUnavailableError(self.path, "closed after a failure")
            try:
                yield self._connection
            except BaseException as error:
                self._dead = True
                self._connection.close()
                if isinstance(error, SQLITE_FAILURES):
                    raise classified(self.path, error) from error
                raise


def _begin_wal_anew(path: Path, connection: Connection) -> None:
    """Write what the WAL holds into the file and empty it.

    Raises:
        DatabaseUnavailableError: If somebody is in the middle of reading it, as the pragma's column `busy` says; SQLite
            raises nothing then, and the WAL stays as it is.
    """
    if pragma(connection, "wal_checkpoint(TRUNCATE)"):
        raise DatabaseUnavailableError(path, "another program reads the log for too long")
