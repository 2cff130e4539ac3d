"""Key list: base files of kind K: sorted keys of fixed width in pages, for GS1 codes and codes that don't cluster.

Layout, little-endian: header | first key of each page | lot table | page hashes | filling to a page | pages. A page
holds as many records as fit, then zeros; a record is a key (`yaoma.core.code_key`) and, where the file knows lots, the
row of its lot as u32 (ALLOWLIST.md 1.5).
"""

import sys
from array import array
from bisect import bisect_right
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
    whole_head,
)
from yaoma.core.code_key import CN20_KEY_BYTES, DIGEST_KEY_BYTES, code_key
from yaoma.core.lot_table import BaseAnswer, LotTable, LotTableError
from yaoma.core.trace_code import Cn20, TraceCode

__all__ = ["LOT_BYTES", "KeyList"]

LOT_BYTES: Final = 4

_WORD: Final = 4
_LEAD_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class KeyList:
    """The index of a file of kind K.

    Args:
        codes: How many codes the file holds.
        pages: How many pages they fill.
        key_bytes: 9 for codes of 20 digits, 16 for digests of all others.
        lot_bytes: 4 where each key has a lot's row beside it, else 0.
        first_keys: The first key of each page, one after the other.
        lot_table: The lots.
    """

    codes: int
    pages: int
    key_bytes: int
    lot_bytes: int
    first_keys: bytes = field(repr=False)
    lot_table: LotTable = field(repr=False)
    leads: Sequence[int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Keep the first 8 bytes of each page's first key as a number: to search numbers is ten times as fast."""
        leads = bytearray(_LEAD_BYTES * self.pages)
        for place in range(_LEAD_BYTES):
            leads[place::_LEAD_BYTES] = self.first_keys[place :: self.key_bytes]
        found = array("Q")
        found.frombytes(leads)
        if sys.byteorder == "little":
            found.byteswap()
        object.__setattr__(self, "leads", found)

    @property
    def record_bytes(self) -> int:
        """Bytes of a key with what stands beside it."""
        return self.key_bytes + self.lot_bytes

    @property
    def page_codes(self) -> int:
        """How many codes a full page holds."""
        return PAGE_BYTES // self.record_bytes

    @classmethod
    def parse(cls, head: bytes) -> tuple["KeyList", bytes]:
        """Read a head.

        Args:
            head: Header, index and page hashes, whole.

        Returns:
            The index, and the page hashes.

        Raises:
            BaseFormatError: It is malformed.
        """
        parts = Sections(head)
        header = parts.header
        if header.kind is not ListKind.KEYS:
            raise BaseFormatError("the file is of another kind")
        if header.first not in (CN20_KEY_BYTES, DIGEST_KEY_BYTES) or header.second not in (0, LOT_BYTES):
            raise BaseFormatError("keys of this width are not known here")
        first_keys = parts.take(header.pages * header.first)
        lot_table = parts.lots()
        made = cls(header.codes, header.pages, header.first, header.second, first_keys, lot_table)
        if made.pages != -(-made.codes // made.page_codes):
            raise BaseFormatError("codes and pages contradict each other")
        return made, parts.finish()

    def encoded(self, hashes: bytes) -> bytes:
        """Give the head.

        Args:
            hashes: SHA-256 of each page, one after the other.

        Raises:
            BaseFormatError: It would be longer than a box accepts.
        """
        ends, rows = self.lot_table.encoded()
        header = Header(
            ListKind.KEYS, 0, self.pages, self.codes, self.key_bytes, self.lot_bytes, len(ends) // _WORD, len(rows)
        )
        return whole_head(header, self.first_keys, ends, rows, hashes)

    def covers(self, code: TraceCode) -> bool:
        """Say whether such a code could be in the file."""
        return isinstance(code, Cn20) == (self.key_bytes == CN20_KEY_BYTES)

    def look_up(self, page: PageReader, code: TraceCode) -> BaseAnswer | None:
        """Find a code.

        Args:
            page: Gives a page of keys.
            code: What was scanned.

        Returns:
            What the file says of it, or None if it is not there.

        Raises:
            PageDamagedError: The page that would answer is damaged, or contradicts the index.
        """
        if not self.covers(code):
            return None
        key, width = code_key(code), self.key_bytes
        number = self._page_of(key)
        if number < 0:
            return None
        content, step = page(number), self.record_bytes
        end = min(self.page_codes, self.codes - number * self.page_codes) * step
        place = content.find(key, 0, end)
        while place % step and place > 0:
            # these bytes lie across two records
            place = content.find(key, place + 1, end)
        if place < 0:
            return None
        row = int.from_bytes(content[place + width : place + step], "little")
        try:
            return self.lot_table.row(row)
        except LotTableError:
            raise PageDamagedError(-1) from None

    def _page_of(self, key: bytes) -> int:
        """Give the last page that does not begin above a key; -1 if all do."""
        width = self.key_bytes
        number = bisect_right(self.leads, int.from_bytes(key[:_LEAD_BYTES])) - 1
        while number >= 0 and self.first_keys[number * width : (number + 1) * width] > key:
            number -= 1
        return number

    def verify(self) -> None:
        """Check all of the index, which a look-up does only in passing.

        Raises:
            BaseFormatError: Something is out of order.
        """
        width = self.key_bytes
        keys = [self.first_keys[at : at + width] for at in range(0, len(self.first_keys), width)]
        if any(one >= other for one, other in pairwise(keys)):
            raise BaseFormatError("the first keys of pages are out of order")
        check_lots(self.lot_table)
