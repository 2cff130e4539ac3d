"""Tx: one transaction as the bridge's rooms see it, whichever database holds the store."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

__all__ = ["Cursor", "Tx"]


class Cursor(Protocol):
    """What a statement gave; rows are tuples."""

    @property
    def rowcount(self) -> int:
        """How many rows it changed."""
        ...

    def fetchone(self) -> Any:  # noqa: ANN401 - a row has the types that its statement names
        """Give the next row, or None."""
        ...

    def fetchall(self) -> list[Any]:
        """Give all rows that are left."""
        ...

    def __iter__(self) -> Iterator[Any]:
        """Give row after row."""
        ...


class Tx(Protocol):
    """A transaction, made by `Store.writing` or `Store.reading`.

    Statements are written once, in the SQL that SQLite and PostgreSQL share: `?` for a value, ON CONFLICT, CASE, whole
    numbers for truth values, a column's table named where it could be another's.
    """

    #: What follows a SELECT of rows that somebody else may be at: such rows are passed over, nobody waits.
    skip_locked: str

    def execute(self, sql: str, parameters: Sequence[object] = (), /) -> Cursor:
        """Run a statement."""
        ...

    def executemany(self, sql: str, parameters: Iterable[Sequence[object]], /) -> Cursor:
        """Run a statement for each of many rows."""
        ...
