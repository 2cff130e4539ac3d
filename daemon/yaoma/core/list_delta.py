"""List delta: what changed between two versions of the codes, compact, with one form only, so that it can be signed.

Layout, little-endian: magic | from u64 | to u64 | counts | lot table | added 20-digit keys, each with the row of its
lot as u32 | added digests, the same | removed 20-digit keys | removed digests. Keys as in `yaoma.core.code_key`, each
part ascending. An added key that is in the older version already gets another lot.
"""

import struct
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from yaoma.core.code_key import CN20_KEY_BYTES, DIGEST_KEY_BYTES, is_cn20_key
from yaoma.core.lot_table import BaseAnswer, LotTable, LotTableError

__all__ = ["MAX_DELTA_BYTES", "DeltaError", "DeltaReader", "ListDelta"]

#: About two million rows: more is a case for a new base.
MAX_DELTA_BYTES: Final = 64 * 1024 * 1024

_MAGIC: Final = b"yaomaD1\n"
_HEADER: Final = struct.Struct("<8sQQIIIIII")
_ROW_BYTES: Final = 4
_WORD: Final = 4
_WIDTHS: Final = (CN20_KEY_BYTES, DIGEST_KEY_BYTES)
#: Bytes of a record in each part: added keys name their lot, removed ones don't.
_SIZES: Final = (*(width + _ROW_BYTES for width in _WIDTHS), *_WIDTHS)
#: So many records are read at once: some 100 kB.
_ROWS_AT_ONCE: Final = 4096


class DeltaError(ValueError):
    """The bytes or values are no delta; the sentence names the part, never a code."""


@dataclass(frozen=True, slots=True)
class ListDelta:
    """What turns one version of the codes into a later one.

    Args:
        from_version: The version that it applies to, and no other.
        to_version: The version that it makes.
        adds: What is known of each added code, by its key.
        removes: Keys of the codes that go.
    """

    from_version: int
    to_version: int
    adds: Mapping[bytes, BaseAnswer] = field(repr=False)
    removes: Collection[bytes] = field(repr=False)

    def encoded(self) -> bytes:
        """Give its one form.

        Raises:
            DeltaError: It contradicts itself, or is longer than a box accepts.
        """
        try:
            lot_table = LotTable.of(self.adds.values())
            rows = {lot: number.to_bytes(_ROW_BYTES, "little") for number, lot in enumerate(lot_table.all_rows())}
        except LotTableError as error:
            raise DeltaError(str(error)) from None
        added = [sorted(key for key in self.adds if len(key) == width) for width in _WIDTHS]
        removed = [sorted(key for key in set(self.removes) if len(key) == width) for width in _WIDTHS]
        ends, texts = lot_table.encoded()
        counts = (*map(len, (*added, *removed)), lot_table.count, len(texts))
        parts = [_HEADER.pack(_MAGIC, self.from_version, self.to_version, *counts), ends, texts]
        parts += [key + rows[self.adds[key]] for keys in added for key in keys]
        parts += [key for keys in removed for key in keys]
        data = b"".join(parts)
        if ListDelta.parse(data) != self:
            raise DeltaError("a key has a width that is not known here")
        return data

    def __eq__(self, other: object) -> bool:
        """Compare by content, whatever collections hold it."""
        if not isinstance(other, ListDelta):
            return NotImplemented
        versions = (self.from_version, self.to_version) == (other.from_version, other.to_version)
        return versions and dict(self.adds) == dict(other.adds) and set(self.removes) == set(other.removes)

    __hash__ = None  # type: ignore[assignment] # it holds mappings

    @classmethod
    def parse(cls, data: bytes) -> "ListDelta":
        """Read a delta; only its one form is accepted.

        Raises:
            DeltaError: It is malformed.
        """
        reader = DeltaReader(lambda at, size: data[at : at + size], len(data))
        adds: dict[bytes, BaseAnswer] = {}
        removes: list[bytes] = []
        for key, known in reader.rows():
            if known is None:
                removes.append(key)
            else:
                adds[key] = known
        return cls(reader.from_version, reader.to_version, adds, removes)


class DeltaReader:
    """Reads a delta row by row: two million of them as objects would take more memory than an update may have.

    Args:
        read: Gives so many bytes from a place on; both numbers of bytes.
        length: How many bytes there are.

    Raises:
        DeltaError: If its beginning is malformed; the rest is checked while it is read.
    """

    def __init__(self, read: Callable[[int, int], bytes], length: int) -> None:
        if not _HEADER.size <= length <= MAX_DELTA_BYTES:
            raise DeltaError("a delta has another length")
        magic, self.from_version, self.to_version, *counts = _HEADER.unpack(read(0, _HEADER.size))
        if magic != _MAGIC:
            raise DeltaError("the file does not begin as a delta of a known version does")
        if not 0 < self.from_version < self.to_version:
            raise DeltaError("a delta leads from one version to a later one")
        *self._counts, lots, lot_bytes = counts
        table = _HEADER.size + lots * _WORD
        if length != table + lot_bytes + sum(count * size for count, size in zip(self._counts, _SIZES, strict=True)):
            raise DeltaError("the file has another length than its header says")
        self._read = read
        self._rows_at = table + lot_bytes
        try:
            self._lots = LotTable.parse(read(_HEADER.size, lots * _WORD), read(table, lot_bytes))
            self._lots.check()
        except LotTableError as error:
            raise DeltaError(str(error)) from None

    @property
    def count(self) -> int:
        """How many codes it changes."""
        return sum(self._counts)

    def rows(self) -> Iterator[tuple[bytes, BaseAnswer | None]]:
        """Give each key with what is known of it, or None if it goes; ascending within each kind of key.

        Raises:
            DeltaError: If it is malformed; what was given before is worth nothing then.
        """
        named = bytearray(self._lots.count + 1)
        named[0] = 1
        for width in (0, 1):
            yield from self._kind(width, named)
        if not all(named):
            raise DeltaError("the lot table holds what no code names")

    def _kind(self, width: int, named: bytearray) -> Iterator[tuple[bytes, BaseAnswer | None]]:
        """Merge the added and the removed keys of one width, both ascending; a key in both is seen when they meet."""
        key_bytes = _WIDTHS[width]
        going = self._part(2 + width, key_bytes)
        gone = next(going, None)
        for record in self._part(width, key_bytes):
            key = record[:key_bytes]
            while gone is not None and gone < key:
                yield gone, None
                gone = next(going, None)
            if gone == key:
                raise DeltaError("a code is added and removed")
            row = int.from_bytes(record[key_bytes:], "little")
            if row >= len(named):
                raise DeltaError("an added code names a lot that is not there")
            named[row] = 1
            yield key, self._lots.row(row)
        while gone is not None:
            yield gone, None
            gone = next(going, None)

    def _part(self, part: int, key_bytes: int) -> Iterator[bytes]:
        """Give the records of one part, their keys checked."""
        size = _SIZES[part]
        at = self._rows_at + sum(count * one for count, one in zip(self._counts[:part], _SIZES[:part], strict=True))
        end = at + self._counts[part] * size
        before = b""
        while at < end:
            chunk = self._read(at, min(_ROWS_AT_ONCE * size, end - at))
            if not chunk or len(chunk) % size:
                raise DeltaError("the file has another length than its header says")
            at += len(chunk)
            for place in range(0, len(chunk), size):
                record = chunk[place : place + size]
                key = record[:key_bytes]
                if key <= before:
                    raise DeltaError("keys are out of order")
                if key_bytes == CN20_KEY_BYTES and not is_cn20_key(key):
                    raise DeltaError("a key is none of 20 digits")
                before = key
                yield record
