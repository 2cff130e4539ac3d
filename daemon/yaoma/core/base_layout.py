"""Base layout: what both kinds of base file share: header, page hashes, and how a page is asked for."""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from yaoma.core.lot_table import LotTable, LotTableError

__all__ = [
    "HASH_BYTES",
    "HEADER_BYTES",
    "MAX_HEAD_BYTES",
    "PAGE_BYTES",
    "BaseFormatError",
    "Header",
    "ListKind",
    "PageDamagedError",
    "PageReader",
    "Sections",
    "check_lots",
    "pages_for",
    "whole_head",
]

#: Half a page of memory: hashing is most of a look-up, and smaller pages would need more hashes than they save.
PAGE_BYTES: Final = 2048
HASH_BYTES: Final = 32
HEADER_BYTES: Final = 64
_WORD: Final = 4
#: A list of 100 M codes has 6 to 20 MB; more than this is refused before it is read.
MAX_HEAD_BYTES: Final = 256 * 1024 * 1024

_HEADER: Final = struct.Struct("<8sIIQIIII24x")
assert _HEADER.size == HEADER_BYTES

#: Gives a page of the area behind the head, checked, or raises `PageDamagedError`; also where there is no such page.
PageReader = Callable[[int], bytes]


class BaseFormatError(ValueError):
    """The bytes are no base file of a version that is known here; the sentence names the place."""


class PageDamagedError(Exception):
    """The page that would answer is damaged: the list can't say whether the code is in it.

    Args:
        page: Its number, or -1 where the index contradicts itself.
    """

    def __init__(self, page: int) -> None:
        super().__init__(f"page {page} of the list is damaged")
        self.page = page

    def __reduce__(self) -> tuple[type["PageDamagedError"], tuple[int]]:
        """Pickle by the facts; the default would pass the sentence as the only argument."""
        return type(self), (self.page,)


class ListKind(Enum):
    """How a base file keeps its codes (DESIGN.md 7); the value is its magic, which ends in the version."""

    RUNS = b"yaomaR1\n"
    KEYS = b"yaomaK1\n"


@dataclass(frozen=True, slots=True)
class Header:
    """The first 64 bytes.

    Args:
        kind: How the codes are kept.
        head_bytes: Length of header, index and page hashes, filled up to a whole page; the pages begin there.
        pages: How many pages follow.
        codes: How many codes the file holds.
        first: Kind R: products. Kind K: bytes of a key.
        second: Kind R: runs. Kind K: bytes of a row number beside each key: 0 or 4.
        lots: Rows of the lot table.
        lot_bytes: Bytes of the lot table's rows.
    """

    kind: ListKind
    head_bytes: int
    pages: int
    codes: int
    first: int
    second: int
    lots: int
    lot_bytes: int

    @property
    def file_bytes(self) -> int:
        """How long the file is: exactly."""
        return self.head_bytes + self.pages * PAGE_BYTES

    @classmethod
    def parse(cls, data: bytes) -> "Header":
        """Read the first bytes of a file.

        Raises:
            BaseFormatError: They are no header, or announce what no list has.
        """
        if len(data) < HEADER_BYTES:
            raise BaseFormatError("the file is too short for a header")
        magic, head_bytes, *rest = _HEADER.unpack(data[:HEADER_BYTES])
        try:
            kind = ListKind(magic)
        except ValueError:
            raise BaseFormatError("the file does not begin as a list of a known version does") from None
        header = cls(kind, head_bytes, *rest)
        if header.encoded() != data[:HEADER_BYTES]:
            raise BaseFormatError("the header holds something that this version does not know")
        if head_bytes % PAGE_BYTES or not HEADER_BYTES <= head_bytes <= MAX_HEAD_BYTES:
            raise BaseFormatError("the header announces an index of an impossible length")
        return header

    def encoded(self) -> bytes:
        """Give the 64 bytes."""
        return _HEADER.pack(
            self.kind.value,
            self.head_bytes,
            self.pages,
            self.codes,
            self.first,
            self.second,
            self.lots,
            self.lot_bytes,
        )


class Sections:
    """Cuts a head into its parts, one after the other.

    Args:
        head: Header, index and page hashes.

    Raises:
        BaseFormatError: The header is wrong, or the length is not what it says.
    """

    def __init__(self, head: bytes) -> None:
        self.header = Header.parse(head)
        if len(head) != self.header.head_bytes:
            raise BaseFormatError("the head has another length than its header says")
        self._head = head
        self._place = HEADER_BYTES

    def take(self, length: int) -> bytes:
        """Give the next bytes.

        Raises:
            BaseFormatError: There are not so many.
        """
        end = self._place + length
        if end > len(self._head):
            raise BaseFormatError("the index is shorter than its header says")
        part = self._head[self._place : end]
        self._place = end
        return part

    def lots(self) -> LotTable:
        """Give the lot table, which both kinds of list have.

        Raises:
            BaseFormatError: It is malformed.
        """
        try:
            return LotTable.parse(self.take(self.header.lots * _WORD), self.take(self.header.lot_bytes))
        except LotTableError as error:
            raise BaseFormatError(str(error)) from None

    def finish(self) -> bytes:
        """Give the page hashes, the last part.

        Raises:
            BaseFormatError: What follows is not the filling of the last page.
        """
        hashes = self.take(self.header.pages * HASH_BYTES)
        rest = self._head[self._place :]
        if len(rest) >= PAGE_BYTES or any(rest):
            raise BaseFormatError("the index is longer than its header says")
        return hashes


def check_lots(lots: LotTable) -> None:
    """Check every row of a lot table, which a look-up does only for those that it needs.

    Raises:
        BaseFormatError: One is malformed or out of order.
    """
    try:
        lots.check()
    except LotTableError as error:
        raise BaseFormatError(str(error)) from None


def whole_head(header: Header, *parts: bytes) -> bytes:
    """Put a head together; `header.head_bytes` is worked out here.

    Args:
        header: The counts.
        parts: Index and page hashes.

    Raises:
        BaseFormatError: It would be longer than a box accepts.
    """
    body = b"".join(parts)
    head_bytes = pages_for(HEADER_BYTES + len(body)) * PAGE_BYTES
    if head_bytes > MAX_HEAD_BYTES:
        raise BaseFormatError("the index would be longer than a box accepts")
    counts = (header.pages, header.codes, header.first, header.second, header.lots, header.lot_bytes)
    made = Header(header.kind, head_bytes, *counts).encoded() + body
    return made + bytes(head_bytes - len(made))


def pages_for(length: int) -> int:
    """Give how many pages hold that many bytes."""
    return -(-length // PAGE_BYTES)
