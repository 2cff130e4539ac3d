"""Record shelf: records found in a damaged file, their bodies on the disk and only their places in memory.

A log of years has a million records. As objects they take 3.4 kB each, which is more than a box has.
"""

import os
import tempfile
import weakref
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from yaoma.core.record import Record

__all__ = ["RecordShelf"]

_PLACES_AT_ONCE: Final = 4096
_WRITE_BYTES: Final = 1 << 16


class RecordShelf(Mapping[int, Record]):
    """The records of one log by their place, in ascending order; given back with the last reference to it.

    Args:
        folder: Where the bodies are kept; the file has no name there and is gone with the process.

    Raises:
        OSError: If the disk refuses; so do all methods.
    """

    def __init__(self, folder: Path) -> None:
        descriptor, name = tempfile.mkstemp(dir=folder)
        Path(name).unlink()
        self._descriptor = descriptor
        weakref.finalize(self, os.close, descriptor)
        self._seen: dict[int, bytearray] = {}
        self._places, self._starts, self._lengths = array("Q"), array("Q"), array("L")
        self._order = array("L")
        self._end = 0
        self._unwritten = bytearray()

    def add(self, record: Record) -> bool:
        """Put a record there unless its place is taken: the first one counts.

        Returns:
            Whether it was put there.
        """
        number, bit = divmod(record.seq, _PLACES_AT_ONCE)
        there = self._seen.setdefault(number, bytearray(_PLACES_AT_ONCE // 8))
        if there[bit >> 3] & 1 << (bit & 7):
            return False
        there[bit >> 3] |= 1 << (bit & 7)
        self._places.append(record.seq)
        self._starts.append(self._end)
        self._lengths.append(len(record.body))
        self._end += len(record.body)
        self._unwritten += record.body
        if len(self._unwritten) >= _WRITE_BYTES:
            self._write()
        return True

    def __len__(self) -> int:
        """How many records there are."""
        return len(self._places)

    def __iter__(self) -> Iterator[int]:
        """Give their places, ascending."""
        self._sort()
        return (self._places[index] for index in self._order)

    def __getitem__(self, place: int) -> Record:
        """Give a record.

        Raises:
            KeyError: If there is none at that place.
        """
        self._sort()
        at = bisect_left(self._order, place, key=self._places.__getitem__)
        if at == len(self._order) or self._places[self._order[at]] != place:
            raise KeyError(place)
        return Record.read(self._body(self._order[at]))

    def bodies(self, begin: int = 0) -> Iterator[tuple[int, bytes]]:
        """Give place and body of each record, ascending.

        Args:
            begin: From this place on.
        """
        self._sort()
        for at in range(bisect_left(self._order, begin, key=self._places.__getitem__), len(self._order)):
            yield self._places[self._order[at]], self._body(self._order[at])

    @property
    def end(self) -> int:
        """The place behind the last record."""
        return max(self._places, default=-1) + 1

    def _body(self, index: int) -> bytes:
        if self._unwritten:
            self._write()
        return os.pread(self._descriptor, self._lengths[index], self._starts[index])

    def _write(self) -> None:
        os.pwrite(self._descriptor, self._unwritten, self._end - len(self._unwritten))
        self._unwritten.clear()

    def _sort(self) -> None:
        if len(self._order) != len(self._places):
            self._order = array("L", sorted(range(len(self._places)), key=self._places.__getitem__))
