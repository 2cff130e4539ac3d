"""SqliteStore: the store as one SQLite file, shared by all worker processes of one host."""

import fcntl
import os
import sqlite3
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Self

from sqlite_utils import Database

from yaoma_bridge.errors import StoreDamagedError, StoreError, StoreUnavailableError
from yaoma_bridge.schema import APPLICATION_ID, MIGRATIONS, USER_VERSION
from yaoma_bridge.store import Store, StorePlace
from yaoma_link.topics import BoxName

__all__ = ["SqliteStore"]

_DAMAGE_CODES = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT})
_WAL_PAGES = 4000
_BUSY_S: Final = 30.0


class _SqliteTx(sqlite3.Connection):
    """A connection as a transaction: only one writes at a time, so no row is ever locked by another."""

    skip_locked = ""


class SqliteStore(Store):
    """One connection to the file.

    Writers take turns by `flock` on a file beside the store: a waiting process is woken at once, where SQLite's own
    busy wait sleeps in steps, and no two connections ever write or checkpoint the WAL at the same time. The kernel
    gives the turn back when a process is killed.

    Args:
        path: The file.
        connection: A connection in autocommit mode.
        turn: An open descriptor of the file that writers lock, or None if this one only looks.
    """

    def __init__(self, path: Path, connection: _SqliteTx, turn: int | None) -> None:
        self.path = path
        self._connection = connection
        self._turn = turn

    @classmethod
    def opened(cls, place: StorePlace) -> Self:
        """Open the file, and make it if there is none; a writer waits 30 s for who takes no turns, such as a backup."""
        path = Path(place)
        try:
            turn = os.open(path.with_name(f"{path.name}.turn"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        except OSError as error:
            raise StoreUnavailableError(path, error.strerror or "can't be opened", "Check folder and disk") from None
        try:
            fcntl.flock(turn, fcntl.LOCK_EX)
            connection = sqlite3.connect(path, isolation_level=None, timeout=_BUSY_S, factory=_SqliteTx)
            try:
                _prepare(path, connection)
            except BaseException:
                connection.close()
                raise
        except sqlite3.Error as error:
            os.close(turn)
            raise _sorted(path, error) from None
        except BaseException:
            os.close(turn)
            raise
        fcntl.flock(turn, fcntl.LOCK_UN)
        return cls(path, connection, turn)

    @classmethod
    def looked_at(cls, place: StorePlace) -> Self:
        """Open an existing file to read it."""
        path = Path(place)
        try:
            connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, factory=_SqliteTx
            )
        except sqlite3.Error as error:
            raise _sorted(path, error) from None
        try:
            _check(path, connection)
        except sqlite3.Error as error:
            connection.close()
            raise _sorted(path, error) from None
        except StoreError:
            connection.close()
            raise
        return cls(path, connection, None)

    def close(self) -> None:
        """Close the connection; safe to call again."""
        if self._turn is None:
            self._connection.close()
            return
        fcntl.flock(self._turn, fcntl.LOCK_EX)  # the last one to close writes the WAL back
        self._connection.close()
        os.close(self._turn)
        self._turn = None

    @contextmanager
    def writing(self, boxes: Collection[BoxName] | None = None, *, feed: bool = False) -> Iterator[_SqliteTx]:  # noqa: ARG002 - whatever is changed, all others wait
        """Hold the turn for one transaction; whatever it changes, all others wait."""
        if self._turn is None:
            raise StoreUnavailableError(self.path, "is open for looking only", "")
        fcntl.flock(self._turn, fcntl.LOCK_EX)
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise _sorted(self.path, error) from None
        finally:
            fcntl.flock(self._turn, fcntl.LOCK_UN)

    @contextmanager
    def reading(self) -> Iterator[_SqliteTx]:
        """Read from one unchanging picture of the file."""
        try:
            self._connection.execute("BEGIN")
            try:
                yield self._connection
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise _sorted(self.path, error) from None


def _prepare(path: Path, connection: sqlite3.Connection) -> None:
    """Set the file up, or check it; the turn is held, so that two workers don't make it at once."""
    if _pragma(connection, "application_id") == 0 and not _has_tables(connection):
        connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
    elif _pragma(connection, "application_id") != APPLICATION_ID:
        raise StoreDamagedError(path, "is another program's file", "Name the right file in [store] path")
    if _pragma(connection, "user_version") > USER_VERSION:
        raise StoreDamagedError(path, "was written by a newer version", "Install that version again")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute(f"PRAGMA wal_autocheckpoint={_WAL_PAGES}")
    MIGRATIONS.apply(Database(connection))
    connection.execute(f"PRAGMA user_version={USER_VERSION}")
    now_ms = time.time_ns() // 1_000_000
    connection.execute("INSERT INTO epoch SELECT ?, ?, 'made' WHERE NOT EXISTS (SELECT 1 FROM epoch)", (now_ms, now_ms))
    _check(path, connection)
    mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
    full = 2
    if mode != "wal" or _pragma(connection, "synchronous") != full:
        raise StoreUnavailableError(path, "can't be written ahead with full fsync", "Use a local disk")


def _check(path: Path, connection: sqlite3.Connection) -> None:
    found = _pragma(connection, "application_id"), _pragma(connection, "user_version")
    if found != (APPLICATION_ID, USER_VERSION):
        raise StoreDamagedError(path, f"is no store of version {USER_VERSION}", "Name the right file in [store] path")


def _has_tables(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is not None


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def _sorted(path: Path, error: sqlite3.Error) -> StoreError:
    """Sort an SQLite error by what to do next; its text names tables and files, never values."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is not None and code & 0xFF in _DAMAGE_CODES:
        return StoreDamagedError(path, str(error), "Keep this file and restore the newest backup")
    return StoreUnavailableError(path, str(error), "Check the disk: space, mount, permissions")
