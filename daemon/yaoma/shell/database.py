"""The one place where an SQLite file is opened; tests put their faulty disks here."""

import os
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

__all__ = [
    "SQLITE_FAILURES",
    "Connection",
    "DatabaseDamagedError",
    "DatabaseError",
    "DatabaseUnavailableError",
    "Opener",
    "classified",
    "free_number",
    "fsync_folder",
    "open_sqlite",
    "pragma",
]


class DatabaseError(Exception):
    """Base of what can go wrong with a file of ours; never raised itself.

    Args:
        path: The file.
        problem: What SQLite or the system said.
    """

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{path.name}: {problem}")
        self.path = path
        self.problem = problem


class DatabaseUnavailableError(DatabaseError):
    """The disk refuses (full, I/O error, locked, read-only): nothing more on this handle; reopen and recover."""


class DatabaseDamagedError(DatabaseError):
    """The file is not what it should be: set it aside, keep what can be read, go on with a new one."""


class Connection(Protocol):
    """What is used of a connection to SQLite; `sqlite3.Connection` is one."""

    def execute(self, sql: str, parameters: Sequence[Any] = ..., /) -> Iterable[Any]:
        """Run one statement and give its rows."""
        ...

    def close(self) -> None:
        """Close it; an open transaction is rolled back."""
        ...


class Opener(Protocol):
    """Opens a file for writing, in autocommit mode."""

    def __call__(self, path: Path) -> Connection:
        """Open the file; it may not exist yet."""
        ...


#: What a call to SQLite may raise: where it quotes a damaged schema, the standard library fails to decode its sentence.
SQLITE_FAILURES = (sqlite3.Error, UnicodeDecodeError)

#: SQLite's primary result codes that say "this file is not a sound database" (sqlite.org/rescode.html).
_DAMAGE_CODES = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT})


def open_sqlite(path: Path) -> sqlite3.Connection:
    """Open a file with the standard library's SQLite, in autocommit mode, usable from every thread under a lock.

    `psow=0`: an SD card that loses power may damage sectors beside the one it wrote (PEERS.md 5.1).
    """
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?psow=0", uri=True, isolation_level=None, check_same_thread=False, timeout=5
    )


def classified(path: Path, error: sqlite3.Error | UnicodeDecodeError) -> DatabaseError:
    """Sort an SQLite error by what must happen next: set the file aside, or reopen it later."""
    if isinstance(error, UnicodeDecodeError):
        return DatabaseDamagedError(path, "malformed database schema")
    code = getattr(error, "sqlite_errorcode", None)
    if code is not None and code & 0xFF in _DAMAGE_CODES:
        return DatabaseDamagedError(path, str(error))
    if code is None and isinstance(error, sqlite3.DatabaseError) and "malformed" in str(error):
        return DatabaseDamagedError(path, str(error))
    return DatabaseUnavailableError(path, str(error))


def pragma(connection: Connection, name: str, value: str | int | None = None) -> str | int | None:
    """Set a pragma if a value is given; give what it reads back, or None if it gives no row."""
    if value is not None:
        for _ in connection.execute(f"PRAGMA {name}={value}"):
            pass
    for row in connection.execute(f"PRAGMA {name}"):
        answer: str | int = row[0]
        return answer
    return None


def free_number(folder: Path, stem: str) -> int:
    """Give a number for a file that is set aside: above all that are there, so that none is ever overwritten."""
    taken = [path.name.removeprefix(f"{stem}-").partition(".")[0] for path in folder.glob(f"{stem}-*")]
    return max((int(number) for number in taken if number.isdecimal()), default=-1) + 1


def fsync_folder(folder: Path) -> None:
    """Make sure that names created or removed in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
