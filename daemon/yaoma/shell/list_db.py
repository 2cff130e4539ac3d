"""list.db: which release of the list is in force, what has changed since its base, and the floors (DESIGN.md 7)."""

import logging
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Protocol

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
from yaoma.shell.list_release import FileKind, FloorError, ListFile, Release, ReleaseChange
from yaoma.shell.migrate import migrate
from yaoma.shell.set_aside import set_aside

__all__ = [
    "APPLICATION_ID",
    "DAMAGED",
    "LIST_FLOOR",
    "LIST_FOLDER",
    "TIME_FLOOR",
    "TRUSTED_TIME_FLOOR",
    "ListDb",
    "Run",
]

log = logging.getLogger("yaoma.list")

#: `PRAGMA application_id` of list.db: "Ylst" in ASCII.
APPLICATION_ID: Final = 0x596C7374

_USER_VERSION: Final = 1

#: Beside list.db: the files that it names.
LIST_FOLDER: Final = "list"

#: Floors: the highest version of a release that was ever in force, and a time that has surely passed.
LIST_FLOOR: Final = "list"
TIME_FLOOR: Final = "time_ms"
#: The part of it that does not rest on an online key: it stays where that key is withdrawn.
TRUSTED_TIME_FLOOR: Final = "trusted_time_ms"
_TIMES: Final = frozenset({TIME_FLOOR, TRUSTED_TIME_FLOOR})
#: Set while nobody knows what a list.db held that had to be set aside; the next release that is whole lifts it.
DAMAGED: Final = "damaged"


class Run(Protocol):
    """Runs a statement within the transaction that `ListDb.writing` holds."""

    def __call__(self, sql: str, parameters: Sequence[Any] = ..., /) -> Iterable[Any]:
        """Run it and give its rows."""
        ...


class ListDb:
    """An open list.db; every thread may use it, and other processes change the same file.

    Args:
        path: The file.
        connection: In autocommit mode.
        opener: Opens the file once more when it was replaced.
    """

    def __init__(self, path: Path, connection: Connection, opener: Opener = open_sqlite) -> None:
        self.path = path
        self.folder = path.parent / LIST_FOLDER
        self._opener = opener
        self._connection = connection
        self._inode = _inode(path)
        self._lock = threading.RLock()
        self._commits = 0

    @classmethod
    def open(cls, path: Path, *, opener: Opener = open_sqlite, at_least: int = 0) -> "ListDb":
        """Open list.db, or make it; a damaged one is set aside, and nothing passes until a release comes whole again.

        Args:
            path: The file.
            opener: Opens it.
            at_least: The highest version of the list that the journal knows to have been in force.

        Raises:
            DatabaseUnavailableError: If the disk refuses.
        """
        try:
            opened = cls(path, _opened(path, opener), opener)
        except DatabaseDamagedError as error:
            log.error("list state damaged, set aside: problem=%s", error.problem)  # noqa: TRY400 - no trace
            set_aside(path)
            opened = cls(path, _opened(path, opener), opener)
            opened.raise_floors({DAMAGED: 1})
        opened.folder.mkdir(mode=0o700, exist_ok=True)
        opened.raise_floors({LIST_FLOOR: at_least})
        return opened

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def release(self) -> Release | None:
        """Give the release in force, or None if there is none."""
        for row in self.rows("SELECT site, version, issued_ms, expires_ms FROM release"):
            return Release(*row)
        return None

    def files(self) -> tuple[ListFile, ...]:
        """Give the files in force."""
        rows = self.rows("SELECT name, kind, digest, version, title FROM file ORDER BY name, title")
        return tuple(ListFile(name, FileKind(kind), *rest) for name, kind, *rest in rows)

    def floors(self) -> dict[str, int]:
        """Give all floors by name."""
        return dict(self.rows("SELECT name, value FROM floor"))

    def metadata(self) -> dict[str, bytes]:
        """Give the signed metadata by role."""
        return dict(self.rows("SELECT role, body FROM metadata"))

    def overlay_size(self) -> int:
        """Count the codes that deltas have changed since the base."""
        return int(self.rows("SELECT count(*) FROM overlay")[0][0])

    def change_mark(self) -> tuple[int, int]:
        """Give what changes when something was committed, here or by another connection of any process."""
        with self._lock:
            return int(self.rows("PRAGMA data_version")[0][0]), self._commits

    def follow(self) -> bool:
        """Open the file anew if another process has set it aside and begun another.

        Returns:
            Whether there was another.

        Raises:
            DatabaseError: If the new one can't be opened.
        """
        with self._lock:
            inode = _inode(self.path)
            if inode in {self._inode, 0}:
                return False
            opened = _opened(self.path, self._opener)
            self._connection.close()
            self._connection, self._inode = opened, inode
            self._commits += 1
        return True

    def raise_floors(self, floors: Mapping[str, int]) -> None:
        """Raise floors; none is ever lowered."""
        there = self.floors()
        higher = {name: value for name, value in floors.items() if value > there.get(name, 0)}
        if higher:
            with self.writing() as run:
                _raise(run, higher)

    def lift_damage(self) -> None:
        """Forget that an earlier file had to be set aside: what it held is known again."""
        with self.writing() as run:
            run("DELETE FROM floor WHERE name = ?", (DAMAGED,))

    def install(self, change: ReleaseChange) -> None:
        """Bring a release into force, all of it in one transaction; a cut leaves the one before it, whole.

        Raises:
            FloorError: If it would go back behind what was in force; then nothing has happened.
            DatabaseError: If the disk refuses or the file is damaged; then nothing has happened.
        """
        with self.writing() as run:
            for name in change.lowered:
                run("DELETE FROM floor WHERE name = ?", (name,))
            floors = dict(run("SELECT name, value FROM floor"))
            for name, value in {**change.floors, LIST_FLOOR: change.release.version}.items():
                if value < floors.get(name, 0) and name not in _TIMES:
                    raise FloorError(name, value, floors[name])
            if change.is_rebase:
                run("DELETE FROM overlay")
            for one in change.rows:
                run(
                    "INSERT OR REPLACE INTO overlay VALUES (?,?,?,?,?)",
                    (one.code, int(one.is_added), one.source, one.lot, one.expiry),
                )
            run("DELETE FROM file")
            for file in change.files:
                row = (file.name, file.title, file.kind.value, file.digest, file.version)
                run("INSERT INTO file VALUES (?,?,?,?,?)", row)
            now = change.release
            run(
                "INSERT OR REPLACE INTO release VALUES (1,?,?,?,?)",
                (now.site, now.version, now.issued_ms, now.expires_ms),
            )
            for role, (version, body) in change.metadata.items():
                run("INSERT OR REPLACE INTO metadata VALUES (?,?,?)", (role, version, body))
            _raise(run, {**change.floors, LIST_FLOOR: now.version})
            run("DELETE FROM floor WHERE name = ?", (DAMAGED,))

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """Run a statement that only reads.

        Raises:
            DatabaseError: If the file can't be read.
        """
        with self._lock:
            try:
                return list(self._connection.execute(sql, parameters))
            except SQLITE_FAILURES as error:
                raise classified(self.path, error) from error

    @contextmanager
    def writing(self) -> Iterator[Run]:
        """Hold one transaction; what was done is on the disk when the block ends.

        Raises:
            DatabaseError: If the disk refuses or the file is damaged; then nothing of the block has happened.
        """
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                try:
                    yield self._run
                    self._connection.execute("COMMIT")
                    self._commits += 1
                except BaseException:
                    self._roll_back()
                    raise
            except SQLITE_FAILURES as error:
                raise classified(self.path, error) from error

    def _run(self, sql: str, parameters: Sequence[Any] = ()) -> Iterable[Any]:
        return self._connection.execute(sql, parameters)

    def _roll_back(self) -> None:
        try:
            self._connection.execute("ROLLBACK")
        except SQLITE_FAILURES:
            # SQLite has rolled back by itself, or the file is beyond that: the error above says so.
            return


def _raise(run: Run, floors: Mapping[str, int]) -> None:
    for name, value in floors.items():
        run(
            "INSERT INTO floor VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = max(value, ?2)",
            (name, value),
        )


def _inode(path: Path) -> int:
    """Give what tells a file from its successor; 0 if there is none."""
    try:
        return path.stat().st_ino
    except OSError:
        return 0


def _opened(path: Path, opener: Opener) -> Connection:
    try:
        connection = opener(path)
        try:
            pragma(connection, "journal_mode", "WAL")
            pragma(connection, "synchronous", "FULL")
            pragma(connection, "cell_size_check", 1)
            if not list(
                connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1")
            ):  # a cut may have left half a beginning
                pragma(connection, "application_id", APPLICATION_ID)
                pragma(connection, "user_version", _USER_VERSION)
            _check(path, connection)
            migrate(connection, "list")
            level = pragma(connection, "synchronous"), pragma(connection, "journal_mode")
        except BaseException:
            connection.close()
            raise
    except SQLITE_FAILURES as error:
        raise classified(path, error) from error
    if level != (2, "wal"):
        connection.close()
        raise DatabaseUnavailableError(path, f"synchronous {level[0]}, journal_mode {level[1]}: not durable")
    return connection


def _check(path: Path, connection: Connection) -> None:
    found = pragma(connection, "application_id"), pragma(connection, "user_version")
    if found != (APPLICATION_ID, _USER_VERSION):
        raise DatabaseDamagedError(path, f"not a list file of version {_USER_VERSION}: {found}")
    for (answer,) in connection.execute("PRAGMA quick_check(1)"):
        if answer != "ok":
            raise DatabaseDamagedError(path, f"quick_check: {answer}")
