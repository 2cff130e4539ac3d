"""List build, sorting: sorts more records than memory holds, by chunks on the disk that are merged block by block."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, Literal

import numpy as np

from yaoma_tools.list_source_codes import RECORD, Records

__all__ = ["BLOCK_RECORDS", "Sorter", "merged", "stored"]

#: Records that are sorted at once: 42 MB, three times as much while it is done.
CHUNK_RECORDS: Final = 1_500_000
#: Records that a merge holds of all its sources together.
BLOCK_RECORDS: Final = 1_000_000

_LEAST_RECORDS: Final = 4096

#: Gives the next records of a sorted source, at most so many; none at its end.
_Read = Callable[[int], Records]


class Sorter:
    """Takes records in any order and gives them back in order.

    Args:
        folder: For the chunks; whoever made it removes it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._waiting: list[Records] = []
        self._count = 0
        self._chunks: list[Path] = []

    def add(self, records: Records) -> None:
        """Take some records.

        Raises:
            OSError: A chunk can't be written.
        """
        self._waiting.append(records)
        self._count += len(records)
        if self._count >= CHUNK_RECORDS:
            self._spill()

    def blocks(self) -> Iterator[Records]:
        """Give all of them in order; records of one key are never parted.

        Raises:
            OSError: A chunk can't be written or read.
        """
        self._spill()
        return merged([stored(chunk) for chunk in self._chunks])

    def remove(self) -> None:
        """Remove the chunks."""
        for chunk in self._chunks:
            chunk.unlink()
        self._chunks = []

    def _spill(self) -> None:
        if not self._waiting:
            return
        chunk = self._folder / f"chunk-{len(self._chunks)}"
        _sorted(np.concatenate(self._waiting)).tofile(chunk)
        self._chunks.append(chunk)
        self._waiting, self._count = [], 0


def stored(path: Path) -> _Read:
    """Read a file of sorted records from its beginning."""
    place = 0

    def read(count: int) -> Records:
        nonlocal place
        found = np.fromfile(path, RECORD, count, offset=place)
        place += found.nbytes
        return found

    return read


def merged(sources: Sequence[_Read]) -> Iterator[Records]:
    """Merge sorted sources; records of one key are never parted, and stand in the order of `at`."""
    size = max(_LEAST_RECORDS, BLOCK_RECORDS // max(1, len(sources)))
    buffers = [read(size) for read in sources]
    held = np.empty(0, RECORD)
    while any(map(len, buffers)):
        # Whatever is still to come of a source lies at or above the last record of its buffer.
        cut = min((int(buffer["hi"][-1]), int(buffer["lo"][-1])) for buffer in buffers if len(buffer))
        parts = [held]
        for number, buffer in enumerate(buffers):
            count = _up_to(buffer, cut)
            parts.append(buffer[:count])
            buffers[number] = buffer[count:] if count < len(buffer) else sources[number](size)
        block = _sorted(np.concatenate(parts))
        whole = _below(block, (int(block["hi"][-1]), int(block["lo"][-1])))
        held = block[whole:]
        if whole:
            yield block[:whole]
    if len(held):
        yield held


def _sorted(records: Records) -> Records:
    """Sort by key; what has the same key by where it comes from."""
    found: Records = records[np.lexsort((records["at"], records["lo"], records["hi"]))]
    return found


def _up_to(buffer: Records, key: tuple[int, int]) -> int:
    return _place(buffer, key, "right")


def _below(buffer: Records, key: tuple[int, int]) -> int:
    return _place(buffer, key, "left")


def _place(buffer: Records, key: tuple[int, int], side: Literal["left", "right"]) -> int:
    # Numbers of numpy's own type: a plain one would make floats of the whole column, which are inexact past 2^53.
    hi, lo = np.uint64(key[0]), np.uint64(key[1])
    first, last = np.searchsorted(buffer["hi"], hi, "left"), np.searchsorted(buffer["hi"], hi, "right")
    return int(first + np.searchsorted(buffer["lo"][first:last], lo, side))
