"""site.db: the file of everything that can be made anew from the journal and the bridge's receipts."""

import logging
import sqlite3
import threading
from dataclasses import dataclass
from pathlib import Path

from yaoma.shell.database import (
    SQLITE_FAILURES,
    Connection,
    DatabaseDamagedError,
    Opener,
    classified,
    open_sqlite,
    pragma,
)
from yaoma.shell.set_aside import set_aside

__all__ = ["APPLICATION_ID", "SiteFile", "open_site"]

log = logging.getLogger("yaoma.site")

#: `PRAGMA application_id` of site.db: "Ysit" in ASCII.
APPLICATION_ID = 0x59736974

_USER_VERSION = 1

#: What is asked of each table. Damage in a column's name passes SQLite's own check; then every start would fail.
_COLUMNS = {
    "seen": "key, log, seq, station, ticket, verdict, wall_ms, mono_ms, boot, clock, place, effect, effect_ms, "
    "state, portions, takes, opens, product, lot, elsewhere, is_cleared, reason, is_opened",
    "ticket": "station, id, operation, opened, packs, wants_person, has_person, lines, shipment, payer, operator, "
    "is_training, is_opening, place, uncoded",
    "store": "drug, lot, number",
    "duty": "id, kind, code, made_ms, due_ms, note, log, seq",
    "known": "name, value",
    "tally": "day, station, operation, verdict, reason, number",
    "watermark": "log, upto",
    "stored": "log, upto, frontier, epoch",
    "receipts": "epoch, upto",
    "outcome": "log, first, last, destination, state, reason, made_ms",
    "reached": "log, destination, first, last, made_ms",
    "task": "id, kind, log, seq, last, destination, reason, made_ms, done_ms",
}


@dataclass(frozen=True, slots=True)
class SiteFile:
    """An open site.db; whoever uses the connection holds the lock.

    Args:
        path: The file.
        connection: In autocommit mode.
        lock: Guards the connection.
        fresh: There was no usable file; its tables are empty.
    """

    path: Path
    connection: Connection
    lock: threading.RLock
    fresh: bool


def open_site(path: Path, opener: Opener = open_sqlite) -> SiteFile:
    """Open site.db; set it aside and begin an empty one if it is damaged or something else.

    NORMAL is enough here: what a power cut takes is projected again at the next start (DESIGN.md 6).

    Raises:
        DatabaseUnavailableError: If the disk refuses.
    """
    fresh = not path.exists()
    try:
        return SiteFile(path, _opened(path, opener), threading.RLock(), fresh)
    except DatabaseDamagedError as error:
        log.error("site state damaged, set aside and made anew: problem=%s", error.problem)  # noqa: TRY400 - no trace
        set_aside(path)
        return SiteFile(path, _opened(path, opener), threading.RLock(), fresh=True)


def _opened(path: Path, opener: Opener) -> Connection:
    new = not path.exists() or not path.stat().st_size
    try:
        connection = opener(path)
        try:
            if new:
                pragma(connection, "application_id", APPLICATION_ID)
                pragma(connection, "user_version", _USER_VERSION)
            _check(path, connection)
            pragma(connection, "journal_mode", "WAL")
            pragma(connection, "synchronous", "NORMAL")
            pragma(connection, "cell_size_check", 1)
        except BaseException:
            connection.close()
            raise
    except SQLITE_FAILURES as error:
        raise classified(path, error) from error
    return connection


def _check(path: Path, connection: Connection) -> None:
    """Look the whole file over: it is small, can be made anew, and a wrong answer from it would be shown."""
    found = pragma(connection, "application_id"), pragma(connection, "user_version")
    if found != (APPLICATION_ID, _USER_VERSION):
        raise DatabaseDamagedError(path, f"not a site file of version {_USER_VERSION}: {found}")
    for (answer,) in connection.execute("PRAGMA quick_check(1)"):
        if answer != "ok":
            raise DatabaseDamagedError(path, f"quick_check: {answer}")
    there = {table for (table,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    for table in sorted(there & _COLUMNS.keys()):
        try:
            for _ in connection.execute(f"SELECT {_COLUMNS[table]} FROM {table} LIMIT 0"):  # noqa: S608 - our own names
                pass
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_ERROR:
                raise
            raise DatabaseDamagedError(path, f"the table {table}: {error}") from error
