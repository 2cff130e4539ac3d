"""Lot table: the lots that a list file names, each once, with their expiry; runs and keys refer to a row."""

import sys
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import chain, pairwise
from typing import Final

__all__ = ["MAX_LOT_CHARS", "UNKNOWN_LOT", "BaseAnswer", "LotTable", "LotTableError", "is_lot", "numbers", "words"]

#: GS1 allows 20 characters; makers in China write longer ones.
MAX_LOT_CHARS: Final = 40
_EXPIRY_BYTES: Final = 4
_WORD_BYTES: Final = 4
#: A counter meets a few lots again and again; a long list names thousands. All of these together take 1.2 MB.
_ROWS_KEPT: Final = 4096


class LotTableError(ValueError):
    """The bytes are no table of lots."""


@dataclass(frozen=True, slots=True)
class BaseAnswer:
    """What a list file says of a code that stands in it.

    Args:
        lot: Its lot where the centre knows it.
        expiry: Its expiry where the centre knows it.
    """

    lot: str | None = None
    expiry: date | None = None

    @property
    def order(self) -> tuple[str, date]:
        """What the rows of a table are sorted by."""
        return self.lot or "", self.expiry or date.min


UNKNOWN_LOT: Final = BaseAnswer()


def is_lot(text: str) -> bool:
    """Say whether a text may stand as a lot: 1-40 printable characters, no blank at either end."""
    return 0 < len(text) <= MAX_LOT_CHARS and text.isprintable() and text == text.strip()


@dataclass(frozen=True, slots=True)
class LotTable:
    """The rows in order; row 0 is "unknown" and is not stored.

    Args:
        ends: Where each row ends in `rows`.
        rows: Per row 4 bytes expiry (a number that reads YYYYMMDD, or 0) and the lot as UTF-8.
    """

    ends: Sequence[int] = field(repr=False)
    rows: bytes = field(repr=False)
    _read: dict[int, BaseAnswer] = field(default_factory=dict, init=False, repr=False, compare=False)

    @classmethod
    def of(cls, lots: Iterable[BaseAnswer]) -> "LotTable":
        """Make the table of some lots; each stands there once, in order.

        Raises:
            LotTableError: A lot is malformed.
        """
        ends, rows = [], bytearray()
        for lot in sorted(set(lots) - {UNKNOWN_LOT}, key=lambda one: one.order):
            rows += _row(lot)
            ends.append(len(rows))
        return cls(array("I", ends), bytes(rows))

    @classmethod
    def parse(cls, ends: bytes, rows: bytes) -> "LotTable":
        """Read what `encoded` has made; a row is checked when it is asked for.

        Raises:
            LotTableError: The lengths contradict each other.
        """
        found = words(ends)
        if (found[-1] if found else 0) != len(rows):
            raise LotTableError("the rows of the lot table have another length")
        return cls(found, rows)

    @property
    def count(self) -> int:
        """How many lots there are, the unknown one not counted."""
        return len(self.ends)

    def encoded(self) -> tuple[bytes, bytes]:
        """Give both parts as bytes."""
        return numbers(self.ends), self.rows

    def row(self, number: int) -> BaseAnswer:
        """Give a row.

        Raises:
            LotTableError: There is no such row, or it is malformed.
        """
        if number == 0:
            return UNKNOWN_LOT
        answer = self._read.get(number)
        if answer is None:
            if len(self._read) >= _ROWS_KEPT:
                self._read.clear()
            answer = self._read[number] = self._parsed(number)
        return answer

    def _parsed(self, number: int) -> BaseAnswer:
        if not 0 < number <= len(self.ends):
            raise LotTableError("there is no such row in the lot table")
        begin = self.ends[number - 2] if number > 1 else 0
        return _parse_row(self.rows[begin : self.ends[number - 1]])

    def number(self, lot: BaseAnswer) -> int:
        """Give the row of a lot.

        Raises:
            LotTableError: It is not in the table.
        """
        if lot == UNKNOWN_LOT:
            return 0
        place = bisect_left(range(self.count), lot.order, key=lambda at: self.row(at + 1).order)
        if place == self.count or self.row(place + 1) != lot:
            raise LotTableError("this lot is not in the table")
        return place + 1

    def all_rows(self) -> list[BaseAnswer]:
        """Read every row, the unknown one first, and make sure that each stands there once and in order.

        Raises:
            LotTableError: A row is malformed or out of order.
        """
        self.check()
        return [self._parsed(number) if number else UNKNOWN_LOT for number in range(self.count + 1)]

    def check(self) -> None:
        """Make sure that each row is well-formed, stands there once and in order, without keeping any.

        Raises:
            LotTableError: A row is malformed or out of order.
        """
        orders = (self._parsed(number).order for number in range(1, self.count + 1))
        if any(one >= other for one, other in pairwise(chain((UNKNOWN_LOT.order,), orders))):
            raise LotTableError("the rows of the lot table are out of order")


def numbers(values: Sequence[int]) -> bytes:
    """Write numbers as 32 bits each, little-endian."""
    made = array("I", values)
    if sys.byteorder == "big":
        made.byteswap()
    return made.tobytes()


def words(data: bytes) -> Sequence[int]:
    """Read numbers of 32 bits, little-endian; a rest that fills none is an error of the caller.

    Raises:
        LotTableError: The length is no multiple of 4.
    """
    if len(data) % _WORD_BYTES:
        raise LotTableError("a table of numbers has another length")
    found = array("I")
    found.frombytes(data)
    if sys.byteorder == "big":
        found.byteswap()
    return found


def _row(lot: BaseAnswer) -> bytes:
    if lot.lot is not None and not is_lot(lot.lot):
        raise LotTableError(f"a lot has 1-{MAX_LOT_CHARS} printable characters")
    day = lot.expiry
    stamp = 0 if day is None else day.year * 10_000 + day.month * 100 + day.day
    return stamp.to_bytes(_EXPIRY_BYTES, "little") + (lot.lot or "").encode()


def _parse_row(row: bytes) -> BaseAnswer:
    if len(row) < _EXPIRY_BYTES:
        raise LotTableError("a row of the lot table is too short")
    stamp = int.from_bytes(row[:_EXPIRY_BYTES], "little")
    try:
        expiry = date(stamp // 10_000, stamp // 100 % 100, stamp % 100) if stamp else None
        lot = row[_EXPIRY_BYTES:].decode() or None
    except ValueError:
        raise LotTableError("a row of the lot table is malformed") from None
    if (lot is not None and not is_lot(lot)) or (lot is None and expiry is None):
        raise LotTableError("a row of the lot table is malformed")
    return BaseAnswer(lot, expiry)
