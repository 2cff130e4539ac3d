"""List delta: what changed between two versions of the codes, compact, with one form only, so that it can be signed.

Layout, little-endian: magic | from u64 | to u64 | counts | lot table | added 20-digit keys, each with the row of its
lot as u32 | added digests, the same | removed 20-digit keys | removed digests. Keys as in `yaoma.core.code_key`, each
part ascending. An added key that is in the older version already gets another lot.
"""

import struct
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from yaoma.core.code_key import CN20_KEY_BYTES, DIGEST_KEY_BYTES, is_cn20_key
from yaoma.core.lot_table import BaseAnswer, LotTable, LotTableError

__all__ = ["MAX_DELTA_BYTES", "DeltaError", "ListDelta"]

#: About two million rows: more is a case for a new base.
MAX_DELTA_BYTES: Final = 64 * 1024 * 1024

_MAGIC: Final = b"yaomaD1\n"
_HEADER: Final = struct.Struct("<8sQQIIIIII")
_ROW_BYTES: Final = 4
_WORD: Final = 4
_WIDTHS: Final = (CN20_KEY_BYTES, DIGEST_KEY_BYTES)


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
        if not _HEADER.size <= len(data) <= MAX_DELTA_BYTES:
            raise DeltaError("a delta has another length")
        magic, from_version, to_version, *counts = _HEADER.unpack_from(data)
        if magic != _MAGIC:
            raise DeltaError("the file does not begin as a delta of a known version does")
        if not 0 < from_version < to_version:
            raise DeltaError("a delta leads from one version to a later one")
        *keys, lots, lot_bytes = counts
        sizes = [(keys[0], 9 + _ROW_BYTES), (keys[1], 16 + _ROW_BYTES), (keys[2], 9), (keys[3], 16)]
        if len(data) != _HEADER.size + lots * _WORD + lot_bytes + sum(count * size for count, size in sizes):
            raise DeltaError("the file has another length than its header says")
        place = _HEADER.size + lots * _WORD
        try:
            rows = LotTable.parse(data[_HEADER.size : place], data[place : place + lot_bytes]).all_rows()
        except LotTableError as error:
            raise DeltaError(str(error)) from None
        place += lot_bytes
        records: list[list[bytes]] = []
        for count, size in sizes:
            records.append([data[at : at + size] for at in range(place, place + count * size, size)])
            place += count * size
        adds = _adds(records[0], CN20_KEY_BYTES, rows) | _adds(records[1], DIGEST_KEY_BYTES, rows)
        removes = [*_keys(records[2], CN20_KEY_BYTES), *_keys(records[3], DIGEST_KEY_BYTES)]
        if len({id(lot) for lot in adds.values()} | {id(rows[0])}) != len(rows):
            raise DeltaError("the lot table holds what no code names")
        if not adds.keys().isdisjoint(removes):
            raise DeltaError("a code is added and removed")
        return cls(from_version, to_version, adds, removes)


def _adds(records: list[bytes], width: int, rows: Sequence[BaseAnswer]) -> dict[bytes, BaseAnswer]:
    found = {}
    for key, record in zip(_keys([record[:width] for record in records], width), records, strict=True):
        row = int.from_bytes(record[width:], "little")
        if row >= len(rows):
            raise DeltaError("an added code names a lot that is not there")
        found[key] = rows[row]
    return found


def _keys(keys: list[bytes], width: int) -> list[bytes]:
    if any(one >= other for one, other in pairwise(keys)):
        raise DeltaError("keys are out of order")
    if width == CN20_KEY_BYTES and not all(map(is_cn20_key, keys)):
        raise DeltaError("a key is none of 20 digits")
    return keys
