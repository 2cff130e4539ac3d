"""Run list: base files of kind R: runs of serials and the check digits of every code; exact, one page a look-up.

Layout, little-endian: header | products u32[P] | run_at u32[P+1] | starts u32[R] | firsts u32[R+1] | lots u32[R] |
lot table | page hashes | filling to a page | check digits u16[C] in pages. A run is a row of serials of one product
and one lot; run `r` owns the places `firsts[r]` to `firsts[r+1]` of the check digits. Gaps of at most 4 serials lie in
a run as holes. A serial with a second value of check digits begins a run of its own (ALLOWLIST.md 1.5).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from yaoma.core.base_layout import (
    PAGE_BYTES,
    BaseFormatError,
    Header,
    ListKind,
    PageDamagedError,
    PageReader,
    Sections,
    check_lots,
    pages_for,
    whole_head,
)
from yaoma.core.lot_table import BaseAnswer, LotTable, LotTableError, numbers, words
from yaoma.core.trace_code import Cn20, TraceCode

__all__ = ["CHECK_BYTES", "HOLE", "MAX_GAP", "RunList"]

CHECK_BYTES: Final = 2
#: Stands where a run has no code; no check digits are as large.
HOLE: Final = 0xFFFF
#: So many absent serials are cheaper as holes than as a new run.
MAX_GAP: Final = 4

_WORD: Final = 4
_MAX_SERIAL: Final = 999_999_999
_MAX_PRODUCT: Final = 9_999_999


@dataclass(frozen=True, slots=True)
class RunList:
    """The index of a file of kind R.

    Args:
        codes: How many codes the file holds.
        pages: How many pages the check digits fill.
        products: Products as numbers, ascending.
        run_at: The first run of each product, and one more at the end.
        starts: The first serial of each run.
        firsts: The place of each run's first check digits, and one more at the end.
        lots: Row of the lot table, by run.
        lot_table: The lots.
    """

    codes: int
    pages: int
    products: Sequence[int] = field(repr=False)
    run_at: Sequence[int] = field(repr=False)
    starts: Sequence[int] = field(repr=False)
    firsts: Sequence[int] = field(repr=False)
    lots: Sequence[int] = field(repr=False)
    lot_table: LotTable = field(repr=False)

    @classmethod
    def parse(cls, head: bytes) -> tuple["RunList", bytes]:
        """Read a head.

        What a look-up can check in passing is checked there, so that opening stays fast; `verify` checks all.

        Args:
            head: Header, index and page hashes, whole.

        Returns:
            The index, and the page hashes.

        Raises:
            BaseFormatError: It is malformed.
        """
        parts = Sections(head)
        header = parts.header
        if header.kind is not ListKind.RUNS:
            raise BaseFormatError("the file is of another kind")
        products, run_at = _words(parts, header.first), _words(parts, header.first + 1)
        starts, firsts = _words(parts, header.second), _words(parts, header.second + 1)
        lots = _words(parts, header.second)
        lot_table = parts.lots()
        if run_at[0] or run_at[-1] != header.second or firsts[0]:
            raise BaseFormatError("products and runs contradict each other")
        if header.codes > firsts[-1] or pages_for(firsts[-1] * CHECK_BYTES) != header.pages:
            raise BaseFormatError("runs and pages contradict each other")
        made = cls(header.codes, header.pages, products, run_at, starts, firsts, lots, lot_table)
        return made, parts.finish()

    def encoded(self, hashes: bytes) -> bytes:
        """Give the head.

        Args:
            hashes: SHA-256 of each page, one after the other.

        Raises:
            BaseFormatError: It would be longer than a box accepts.
        """
        ends, rows = self.lot_table.encoded()
        columns = (self.products, self.run_at, self.starts, self.firsts, self.lots)
        header = Header(
            ListKind.RUNS,
            0,
            self.pages,
            self.codes,
            len(self.products),
            len(self.starts),
            len(ends) // _WORD,
            len(rows),
        )
        return whole_head(header, *map(numbers, columns), ends, rows, hashes)

    def covers(self, code: TraceCode) -> bool:
        """Say whether such a code could be in the file."""
        return isinstance(code, Cn20)

    def look_up(self, page: PageReader, code: TraceCode) -> BaseAnswer | None:
        """Find a code.

        Args:
            page: Gives a page of the check digits.
            code: What was scanned.

        Returns:
            What the file says of it, or None if it is not there.

        Raises:
            PageDamagedError: The page that would answer is damaged, or the index contradicts itself.
        """
        if not isinstance(code, Cn20):
            return None
        digits = code.digits
        product = int(digits[:7])
        at = bisect_left(self.products, product)
        if at == len(self.products) or self.products[at] != product:
            return None
        low, high = self.run_at[at], self.run_at[at + 1]
        if not low < high <= len(self.starts):
            raise PageDamagedError(-1)
        serial, check = int(digits[7:16]), int(digits[16:])
        run = bisect_right(self.starts, serial, low, high) - 1
        found = self._search(page, run, low, serial, check)
        if found is None:
            return None
        try:
            return self.lot_table.row(self.lots[found])
        except LotTableError:
            raise PageDamagedError(-1) from None

    def _search(self, page: PageReader, run: int, low: int, serial: int, check: int) -> int | None:
        """Give the run that holds the code; several may begin with one serial."""
        held, content = -1, b""
        while run >= low:
            offset = serial - self.starts[run]
            place = self.firsts[run] + offset
            if offset < 0 or place >= self.firsts[run + 1]:
                return None
            number, inner = divmod(place * CHECK_BYTES, PAGE_BYTES)
            if number != held:
                held, content = number, page(number)
            if content[inner] | content[inner + 1] << 8 == check:
                return run
            if offset:
                return None
            run -= 1
        return None

    def verify(self) -> None:
        """Check all of the index, which a look-up does only in passing.

        Raises:
            BaseFormatError: Something is out of order.
        """
        _ascending("products", self.products, _MAX_PRODUCT)
        _ascending("runs of products", self.run_at, len(self.starts))
        _ascending("places of runs", self.firsts, self.firsts[-1])
        for low, high in pairwise(self.run_at):
            if any(one > other for one, other in pairwise(self.starts[low:high])):
                raise BaseFormatError("starts of runs are out of order")
        if any(start > _MAX_SERIAL for start in self.starts) or any(row > self.lot_table.count for row in self.lots):
            raise BaseFormatError("a run names an impossible serial or lot")
        check_lots(self.lot_table)


def _words(parts: Sections, count: int) -> Sequence[int]:
    return words(parts.take(count * _WORD))


def _ascending(name: str, values: Sequence[int], most: int) -> None:
    if any(one >= other for one, other in pairwise(values)) or (values and values[-1] > most):
        raise BaseFormatError(f"{name} are out of order")
