"""Salvage: every record that can still be read from a damaged log file, each proved by its own hash."""

import mmap
import re
import sqlite3
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, pairwise, takewhile
from json import JSONDecodeError, JSONDecoder
from pathlib import Path

from yaoma.core.merkle import HASH_BYTES, leaf_hash
from yaoma.core.record import Record, RecordError
from yaoma.shell.database import SQLITE_FAILURES
from yaoma.shell.record_shelf import RecordShelf

__all__ = ["Salvaged", "commits_behind", "salvage"]

#: The WAL's format (sqlite.org/fileformat2.html, 4): a header, then frames of a header and a page; of a frame's header
#: the second number is not 0 in the last frame of a commit.
_WAL_HEADER_BYTES, _FRAME_HEADER_BYTES, _PAGE_BYTES = 32, 24, 1024
_BIG_ENDIAN_MAGIC = bytes.fromhex("377f0683")

#: A row has a hash and a body; the shortest body names eight fields. What claims to be more rows than fit is damage.
_MIN_ROW_BYTES = HASH_BYTES + 80

#: Every body begins so: canonical JSON sorts its keys, and every record has "boot".
_BODY_START = re.compile(rb'\{"[ab][a-z_]*":')


@dataclass(frozen=True, slots=True)
class Salvaged:
    """What was found in a damaged file.

    Args:
        log: The id of the log that most of the records name, or None if none was found.
        records: The records by place; most of them are only on the disk.
        sealed: Sealed identities by place.
        size: How many records the file is known to have held, by all that can be read.
        checkpoint: The newest readable checkpoint note, or None.
    """

    log: str | None
    records: RecordShelf
    sealed: dict[int, bytes]
    size: int
    checkpoint: str | None

    def gap(self, size: int) -> list[tuple[int, int]]:
        """Give the runs of places below `size` that were not found."""
        edges = chain((-1,), takewhile(lambda place: place < size, self.records), (size,))
        return [(before + 1, after) for before, after in pairwise(edges) if before + 1 < after]


def salvage(path: Path, room: Path | None = None) -> Salvaged:
    """Read what can be read: first through SQLite, then by looking for records in the raw bytes of file and WAL.

    A record is believed only if the hash stored behind it is the hash of its bytes, so damage can hide a record but
    can't forge one. The file is not written to.

    Args:
        path: The file.
        room: Where what was found is kept, in a file without a name; beside it if None.

    Raises:
        OSError: If the disk refuses.
    """
    folder = room or path.parent
    found: dict[str, RecordShelf] = {}
    sealed: dict[int, bytes] = {}
    sizes: list[tuple[int, str | None]] = []
    files = [one for one in (path, path.with_name(f"{path.name}-wal")) if one.exists()]
    for body, leaf in _through_sqlite(path, sealed, sizes):
        _keep(found, folder, body, leaf)
    for file in files:
        if file.stat().st_size:
            with file.open("rb") as raw, mmap.mmap(raw.fileno(), 0, access=mmap.ACCESS_READ) as memory:
                for body, leaf in _carved(memory):
                    _keep(found, folder, body, leaf)
    log = max(found, key=lambda name: len(found[name]), default=None)
    records = RecordShelf(folder) if log is None else found[log]
    most = sum(file.stat().st_size for file in files) // _MIN_ROW_BYTES
    sizes = [(one, note) for one, note in sizes if _is_of_size(note, one) or (note is None and one <= most)]
    size = max([records.end, *(one for one, _ in sizes)])
    notes = [(one, note) for one, note in sizes if note is not None]
    return Salvaged(log, records, sealed, size, max(notes)[1] if notes else None)


def commits_behind(wal: Path, size: int) -> int:
    """Count the commits in a WAL that hold records at the place `size` or behind it, where SQLite reads none.

    SQLite takes a WAL for ended at the first frame that is damaged. Each commit is synced before the next one begins,
    so a power cut leaves at most one behind that frame, and it was never acknowledged. More than one is damage.
    """
    raw, commits = wal.read_bytes() if wal.exists() else b"", 0
    if len(raw) < _WAL_HEADER_BYTES + _FRAME_HEADER_BYTES:
        return 0
    counted: set[int] = set()
    places: set[int] = set()
    # Each round of the WAL has a salt of its own; frames of an earlier round, and torn ones, end no commit of this one.
    # It stands in the header, and, should that be damaged, in the first frame.
    sound_header = _checksum(raw, raw[:24], (0, 0)) == _stored(raw, 24)
    salt = raw[16:24] if sound_header else raw[_WAL_HEADER_BYTES + 8 : _WAL_HEADER_BYTES + 16]
    for start in range(_WAL_HEADER_BYTES, len(raw), _FRAME_HEADER_BYTES + _PAGE_BYTES):
        page = start + _FRAME_HEADER_BYTES
        for body, leaf in _carved(raw[page : page + _PAGE_BYTES]):
            record = _proved(body, leaf)
            if record is not None and record.seq >= size:
                places.add(record.seq)
        ends_commit = any(raw[start + 4 : start + 8]) and raw[start + 8 : start + 16] == salt
        if ends_commit and places - counted and _is_whole_frame(raw, start):
            commits += 1
            counted |= places
    return commits


def _is_whole_frame(raw: bytes, start: int) -> bool:
    """Check a frame's checksum, which goes on from that of the frame before (sqlite.org/fileformat2.html, 4.2)."""
    page = raw[start + _FRAME_HEADER_BYTES : start + _FRAME_HEADER_BYTES + _PAGE_BYTES]
    before = start - _FRAME_HEADER_BYTES - _PAGE_BYTES + 16 if start > _WAL_HEADER_BYTES else 24
    return len(page) == _PAGE_BYTES and _stored(raw, start + 16) == _checksum(
        raw, raw[start : start + 8] + page, _stored(raw, before)
    )


def _checksum(raw: bytes, covered: bytes, seed: tuple[int, int]) -> tuple[int, int]:
    first, second = seed
    words = struct.unpack(f"{'>' if raw[:4] == _BIG_ENDIAN_MAGIC else '<'}{len(covered) // 4}I", covered)
    for one, other in zip(words[::2], words[1::2], strict=True):
        first = (first + one + second) & 0xFFFFFFFF
        second = (second + other + first) & 0xFFFFFFFF
    return first, second


def _stored(raw: bytes, start: int) -> tuple[int, int]:
    first, second = struct.unpack_from(">II", raw, start)
    return first, second


def _is_of_size(note: str | None, size: int) -> bool:
    """Tell whether a checkpoint's second line says its size, as the row beside it does."""
    return note is not None and note.split("\n", 2)[1:2] == [str(size)]


def _keep(found: dict[str, RecordShelf], folder: Path, body: bytes, leaf: bytes) -> None:
    record = _proved(body, leaf)
    if record is None:
        return
    if record.log not in found:
        found[record.log] = RecordShelf(folder)
    # The first one counts: what a commit that failed has left in the WAL lies behind what SQLite itself reads.
    found[record.log].add(record)


def _proved(body: bytes, leaf: bytes) -> Record | None:
    if leaf_hash(body) != leaf:
        return None
    try:
        return Record.read(body)
    except RecordError:
        return None


def _through_sqlite(
    path: Path, sealed: dict[int, bytes], sizes: list[tuple[int, str | None]]
) -> Iterator[tuple[bytes, bytes]]:
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
    except SQLITE_FAILURES:
        return
    try:
        # From both ends: one damaged page in between ends a scan, but not the other one.
        for query in (
            "SELECT body, leaf_hash FROM record ORDER BY seq",
            "SELECT body, leaf_hash FROM record ORDER BY seq DESC",
        ):
            for row in _rows(connection, query):
                if isinstance(row[0], str) and isinstance(row[1], bytes):
                    yield row[0].encode(errors="replace"), row[1]
        for row in _rows(connection, "SELECT seq, blob FROM sealed"):
            if isinstance(row[0], int) and isinstance(row[1], bytes):
                sealed[row[0]] = row[1]
        sizes.extend(
            (row[0], None) for row in _rows(connection, "SELECT max(seq) + 1 FROM record") if isinstance(row[0], int)
        )
        sizes.extend(
            (row[0], row[1])
            for row in _rows(connection, "SELECT size, note FROM checkpoint")
            if isinstance(row[0], int) and isinstance(row[1], str)
        )
    finally:
        connection.close()


def _rows(connection: sqlite3.Connection, query: str) -> Iterator[tuple[object, ...]]:
    connection.text_factory = lambda raw: raw.decode(errors="replace")
    try:
        yield from connection.execute(query)
    except SQLITE_FAILURES:
        return


def _carved(raw: mmap.mmap | bytes) -> Iterator[tuple[bytes, bytes]]:
    """Look for `body, leaf_hash` as they lie in a table leaf: text directly followed by the hash.

    A record that spills onto overflow pages is not found here; a scan's body is far below that limit (989 bytes with
    pages of 1 KiB).
    """
    decoder = JSONDecoder()
    for match in _BODY_START.finditer(raw):
        piece = raw[match.start() : match.start() + 1024]
        text = piece.decode(errors="surrogateescape")
        try:
            _, end = decoder.raw_decode(text)
        except (JSONDecodeError, RecursionError):
            continue
        body = text[:end].encode(errors="surrogateescape")
        leaf = piece[len(body) : len(body) + HASH_BYTES]
        if len(leaf) == HASH_BYTES:
            yield body, leaf
