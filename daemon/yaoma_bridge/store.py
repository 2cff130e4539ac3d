"""Store: what the bridge keeps, in one SQLite file or in PostgreSQL, shared by all its workers."""

from abc import ABC, abstractmethod
from collections.abc import Collection
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from yaoma_bridge.tx import Tx
from yaoma_link.topics import BoxName

__all__ = ["Store", "StorePlace", "is_postgres"]

#: A file, or the address of a PostgreSQL database.
StorePlace = Path | str

_SCHEMES: Final = ("postgresql://", "postgres://")


def is_postgres(place: StorePlace) -> bool:
    """Say whether a place is the address of a PostgreSQL database."""
    return isinstance(place, str) and place.startswith(_SCHEMES)


class Store(ABC):
    """One connection to the store; a thread has its own, a process may have several."""

    @staticmethod
    def open(place: StorePlace) -> "Store":
        """Open the store, and make it if there is none; the first epoch begins with it.

        Args:
            place: Where it is.

        Raises:
            StoreDamagedError: If it is no store, or one of another version.
            StoreUnavailableError: If disk or server refuse, or the package for PostgreSQL is missing.
        """
        return _kind(place).opened(place)

    @staticmethod
    def look(place: StorePlace) -> "Store":
        """Open an existing store to read it, also while workers write.

        Raises:
            StoreDamagedError: If it is no store, or one of another version.
            StoreUnavailableError: If there is none, or it can't be read.
        """
        return _kind(place).looked_at(place)

    @classmethod
    @abstractmethod
    def opened(cls, place: StorePlace) -> "Store":
        """Do what `open` says, for this kind of store."""

    @classmethod
    @abstractmethod
    def looked_at(cls, place: StorePlace) -> "Store":
        """Do what `look` says, for this kind of store."""

    @abstractmethod
    def writing(self, boxes: Collection[BoxName] | None = None, *, feed: bool = False) -> AbstractContextManager[Tx]:
        """Change the store in one transaction; what was done is on the disk when the block ends.

        Nobody else changes meanwhile what the block may change, so what it reads holds until it ends.

        Args:
            boxes: What belongs to these boxes alone is changed, and nothing else; others may change other boxes
                at the same time. None: anything may be changed, and everybody else waits.
            feed: The feed of events grows besides: whoever adds to it waits for whoever does, so that its numbers
                become visible in their order.

        Raises:
            StoreBusyError: If two that change different boxes met after all: nothing of the block happened, and it
                should be tried again with `boxes` None.
            StoreUnavailableError: If disk or server refuse; then nothing of the block happened.
            StoreDamagedError: If the store is found damaged.
        """

    @abstractmethod
    def reading(self) -> AbstractContextManager[Tx]:
        """Read from one unchanging picture of the store.

        Raises:
            StoreUnavailableError: If disk or server refuse.
            StoreDamagedError: If the store is found damaged.
        """

    @abstractmethod
    def close(self) -> None:
        """Close the connection; safe to call again."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _kind(place: StorePlace) -> type[Store]:
    # Imported when it is known which: a bridge on SQLite needs no driver for PostgreSQL.
    if is_postgres(place):
        from yaoma_bridge.postgres_store import PostgresStore  # noqa: PLC0415 - as said above

        return PostgresStore
    from yaoma_bridge.sqlite_store import SqliteStore  # noqa: PLC0415 - it builds on this module

    return SqliteStore
