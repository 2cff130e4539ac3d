"""PostgresStore: the store in PostgreSQL, for workers on several machines."""

import re
import time
import zlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, Self

from yaoma_bridge.errors import StoreBusyError, StoreDamagedError, StoreError, StoreUnavailableError
from yaoma_bridge.postgres_schema import applied, bring_up_to_date, newest
from yaoma_bridge.postgres_sql import columns_statement, statement, values
from yaoma_bridge.store import Store, StorePlace
from yaoma_bridge.tx import Cursor
from yaoma_link.topics import BoxName

try:
    import psycopg
    from psycopg import IsolationLevel, errors
except ImportError as error:
    raise StoreUnavailableError("PostgreSQL", "the package psycopg is missing", "Install yaoma[postgres]") from error

__all__ = ["PostgresStore"]

_CONNECT_S: Final = 10

#: How far a worker's clock may be from the server's: claims and leases of 30 s and more go by the workers' clocks.
_MOST_SKEW_MS: Final = 10_000

#: Advisory locks: the first number says of what kind, the second of which.
_ALL: Final = 0x5961_6F00
_BOX: Final = 0x5961_6F01
_FEED: Final = 0x5961_6F02

_PASSWORD: Final = re.compile(r"://[^@/]*@")


class _PostgresTx:
    """A connection as a transaction."""

    skip_locked = " FOR UPDATE SKIP LOCKED"

    def __init__(self, connection: "psycopg.Connection[Any]") -> None:
        self._connection = connection

    def execute(self, sql: str, parameters: Sequence[object] = (), /) -> Cursor:
        """Run a statement."""
        text, order = statement(sql)
        given = values(parameters, order) if parameters else None
        return self._connection.execute(text, given)

    def executemany(self, sql: str, parameters: Iterable[Sequence[object]], /) -> Cursor:
        """Run a statement for each of many rows; an INSERT of whole rows is one statement with a list per column."""
        text, order = statement(sql)
        rows = [values(row, order) for row in parameters]
        whole = columns_statement(sql, rows)
        if whole is not None:
            return self._connection.execute(whole, [list(column) for column in zip(*rows, strict=True)])
        cursor = self._connection.cursor()
        cursor.executemany(text, rows)
        return cursor


class PostgresStore(Store):
    """One connection to the server.

    Writers keep out of each other's way by locks of the database that end with the transaction: one who changes only
    some boxes holds those boxes' locks, one who may change anything holds the lock of all. So every block of
    `writing` sees a store that stands still where it looks, as with SQLite; only what belongs to different boxes goes
    on side by side. Boxes' locks are taken in one order, so nobody waits in a circle.

    Args:
        name: What errors call it: the address without user and password.
        connection: A connection in autocommit mode.
        is_looking: It is for reading only.
    """

    def __init__(self, name: str, connection: "psycopg.Connection[Any]", *, is_looking: bool) -> None:
        self._name = name
        self._connection = connection
        self._is_looking = is_looking

    @classmethod
    def opened(cls, place: StorePlace) -> Self:
        """Connect; make the tables if there are none, one worker at a time."""
        name, connection = _connected(str(place))
        with _closed_on_trouble(name, connection):
            _check_clock(name, connection)
            with connection.transaction():
                connection.execute("SELECT pg_advisory_xact_lock(%s, 0)", (_ALL,))
                done = applied(connection)
                _check(name, done)
                bring_up_to_date(connection)
                now_ms = time.time_ns() // 1_000_000
                connection.execute(
                    "INSERT INTO epoch (epoch, began_ms, reason) SELECT %s::bigint, %s::bigint, 'made' "
                    "WHERE NOT EXISTS (SELECT 1 FROM epoch)",
                    (now_ms, now_ms),
                )
        return cls(name, connection, is_looking=False)

    @classmethod
    def looked_at(cls, place: StorePlace) -> Self:
        """Connect for reading."""
        name, connection = _connected(str(place))
        with _closed_on_trouble(name, connection):
            done = applied(connection)
            if not done:
                raise StoreUnavailableError(name, "there is no store yet", "Start a worker; it makes one")
            _check(name, done)
            if newest() not in done:
                raise StoreDamagedError(
                    name, "was written by an older version", "Start a worker; it brings it up to date"
                )
        return cls(name, connection, is_looking=True)

    @contextmanager
    def writing(self, boxes: Collection[BoxName] | None = None, *, feed: bool = False) -> Iterator[_PostgresTx]:
        """Hold the locks of what is changed for one transaction."""
        if self._is_looking:
            raise StoreUnavailableError(self._name, "is open for looking only", "")
        try:
            with self._connection.transaction():
                self._lock(boxes, feed=feed)
                yield _PostgresTx(self._connection)
        except psycopg.Error as error:
            raise _sorted(self._name, error) from None

    @contextmanager
    def reading(self) -> Iterator[_PostgresTx]:
        """Read from one unchanging picture of the database."""
        try:
            self._connection.isolation_level = IsolationLevel.REPEATABLE_READ
            with self._connection.transaction():
                yield _PostgresTx(self._connection)
        except psycopg.Error as error:
            raise _sorted(self._name, error) from None
        finally:
            if not self._connection.closed:
                self._connection.isolation_level = IsolationLevel.READ_COMMITTED

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _lock(self, boxes: Collection[BoxName] | None, *, feed: bool) -> None:
        if boxes is None:
            self._connection.execute("SELECT pg_advisory_xact_lock(%s, 0)", (_ALL,))
            return
        self._connection.execute("SELECT pg_advisory_xact_lock_shared(%s, 0)", (_ALL,))
        if numbers := sorted({_number(name) for name in boxes}):
            # One after the other, as the list has them.
            self._connection.execute(
                "SELECT pg_advisory_xact_lock(%s, number) FROM unnest(%s::int[]) AS number", (_BOX, numbers)
            )
        if feed:
            self._connection.execute("SELECT pg_advisory_xact_lock(%s, 0)", (_FEED,))


def _number(name: BoxName) -> int:
    """Give the number of a box's lock; two boxes that share one only wait for each other."""
    return zlib.crc32(str(name).encode()) - (1 << 31)


def _connected(address: str) -> "tuple[str, psycopg.Connection[Any]]":
    name = _PASSWORD.sub("://", address).split("?", 1)[0]
    try:
        connection = psycopg.connect(address, autocommit=True, connect_timeout=_CONNECT_S)
        connection.isolation_level = IsolationLevel.READ_COMMITTED
        connection.execute("SET synchronous_commit = on")
    except psycopg.Error as error:
        raise _sorted(name, error) from None
    return name, connection


def _check_clock(name: str, connection: "psycopg.Connection[Any]") -> None:
    """Refuse to work with a clock by which others' claims would look dead, or one's own never end."""
    asked_ms = time.time_ns() // 1_000_000
    row = connection.execute("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint").fetchone()
    assert row is not None
    answered_ms = time.time_ns() // 1_000_000
    skew_ms = max(asked_ms - row[0], row[0] - answered_ms)
    if skew_ms > _MOST_SKEW_MS:
        said = f"its clock and this machine's differ by {skew_ms // 1000} s"
        raise StoreUnavailableError(name, said, "Let both set their clocks by NTP (chrony), then start again")


def _check(name: str, done: Sequence[str]) -> None:
    if done and newest() < done[-1]:
        raise StoreDamagedError(name, "was written by a newer version", "Install that version again")


@contextmanager
def _closed_on_trouble(name: str, connection: "psycopg.Connection[Any]") -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        connection.close()
        raise _sorted(name, error) from None
    except BaseException:
        connection.close()
        raise


def _sorted(name: str, error: "psycopg.Error") -> StoreError:
    """Sort an error by what to do next, without the value that the server quotes when it refuses one."""
    if isinstance(error, (errors.DeadlockDetected, errors.SerializationFailure)):
        return StoreBusyError(name, "two workers met", "")
    if isinstance(error, (psycopg.DataError, psycopg.IntegrityError)):
        return StoreUnavailableError(name, f"refuses a value (SQLSTATE {error.sqlstate})", "Report this as a defect")
    said = (error.diag.message_primary or str(error).strip().split("\n", 1)[0]) if str(error) else "no answer"
    if isinstance(error, (errors.DataCorrupted, errors.IndexCorrupted)):
        return StoreDamagedError(name, said, "Keep the database and restore the newest backup")
    return StoreUnavailableError(name, said, "Check the server: address, rights, disk")
