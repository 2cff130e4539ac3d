"""Erasure: takes sealed identities off the box, from the open log, from ended ones and from files set aside."""

import hashlib
import mmap
import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from yaoma.core.erasure import Erasure, erased_entries
from yaoma.core.record import ClockState, Record, RecordError, Stamp
from yaoma.core.sealed import SealedError, sealed_to
from yaoma.shell.database import DatabaseError
from yaoma.shell.journal import Draft, Journal
from yaoma.shell.log_file import LogFile

__all__ = ["EraseOutcome", "ErasePlan", "HeldIdentity", "draft_erasure", "finish_erasure", "held_identities", "plan"]

#: A sealed identity in the raw bytes of a damaged file: canonical JSON that `yaoma.core.sealed.seal_to` wrote.
_BLOB: Final = re.compile(
    rb'\{"suite":"[a-z0-9-]{1,64}","to":\[(?:\{"hpke":"[A-Za-z0-9+/=]{1,2048}","key":"[0-9a-f]{1,64}"\},?){1,16}\],'
    rb'"type":"yaoma/person/v[0-9]"\}'
)
#: A ciphertext in one, also where damage took its beginning or end.
_CIPHERTEXT: Final = re.compile(rb'"hpke":"[A-Za-z0-9+/=]{16,2048}|[A-Za-z0-9+/=]{16,2048}","key":"[0-9a-f]{1,64}')


@dataclass(frozen=True, slots=True)
class HeldIdentity:
    """A sealed identity that lies on the box.

    Args:
        file: The file of its log.
        log: The log that the file holds.
        seq: The record's place there.
        origin: Log and place of the record itself, where this one is a copy.
        kept_ms: When it was recorded, or a moment later that is known for sure, milliseconds since 1970; None if the
            clock could not be trusted since.
        digest: SHA-256 of the sealed bytes, as the record names it.
        key_ids: The keys that open it.
    """

    file: Path
    log: str
    seq: int
    origin: tuple[str, int]
    kept_ms: int | None
    digest: bytes
    key_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ErasePlan:
    """What shall be erased.

    Args:
        chosen: These.
        unsent: How many more would have been due, but the bridge has not stored them yet.
        before_ms: In files set aside everything last written before this time goes too; None if nothing does.
    """

    chosen: tuple[HeldIdentity, ...]
    unsent: int = 0
    before_ms: int | None = None

    @property
    def records(self) -> frozenset[tuple[str, int]]:
        """Log and place of the records that the chosen belong to, each once."""
        return frozenset(one.origin for one in self.chosen)


@dataclass(frozen=True, slots=True)
class EraseOutcome:
    """What became of a plan.

    Args:
        aside: How many were found and overwritten in files set aside.
        left: Names of files in which bytes may remain because somebody reads them, or the disk refuses; the same
            erasure may be asked for again.
    """

    aside: int = 0
    left: tuple[str, ...] = ()


def held_identities(folder: Path) -> list[HeldIdentity]:
    """Find every sealed identity in the open log and in ended ones; files set aside can't be asked.

    Args:
        folder: The state folder.

    Raises:
        DatabaseError: If the open log can't be read; an ended one that can't is passed over.
    """
    found = _held_in(folder / "journal.db")
    for path in sorted((folder / "closed").glob("*.db")):
        try:
            found += _held_in(path)
        except DatabaseError:
            continue
    return found


def plan(
    held: Sequence[HeldIdentity],
    stored: Mapping[str, int],
    *,
    before_ms: int | None = None,
    record: tuple[str, int] | None = None,
    even_unsent: bool = False,
) -> ErasePlan:
    """Choose what to erase; of a record that was copied, every copy.

    Args:
        held: What lies on the box.
        stored: Up to where the bridge has stored each log.
        before_ms: What was recorded before this time for sure, milliseconds since 1970; or None.
        record: One record, by log and place; or None.
        even_unsent: Also what the bridge has not stored: it is lost for ever then.
    """
    by_origin: defaultdict[tuple[str, int], list[HeldIdentity]] = defaultdict(list)
    for one in held:
        by_origin[one.origin].append(one)
    chosen: list[HeldIdentity] = []
    unsent = 0
    for origin, copies in by_origin.items():
        # Each moment is an upper bound, so the earliest is the best one.
        moments = [one.kept_ms for one in copies if one.kept_ms is not None]
        is_old = before_ms is not None and bool(moments) and min(moments) < before_ms
        if origin != record and not is_old:
            continue
        if even_unsent or any(one.seq < stored.get(one.log, 0) for one in copies):
            chosen += copies
        else:
            unsent += 1
    return ErasePlan(tuple(chosen), unsent, before_ms)


def draft_erasure(chosen: ErasePlan, erasure: Erasure, draft: Draft, stamp: Callable[[], Stamp]) -> list[Record]:
    """Draft the records that say what is erased, and the erasure in the open log itself: both in one commit.

    Args:
        chosen: What to erase.
        erasure: Who and why.
        draft: A draft of the open log; commit it next.
        stamp: Gives the time.
    """
    records = [draft.add(entry, stamp()) for entry in erased_entries(erasure, chosen.records)]
    for one in chosen.chosen:
        if one.file.name == "journal.db":
            draft.erase(one.seq)
    return records


def finish_erasure(chosen: ErasePlan, folder: Path, journal: Journal) -> EraseOutcome:
    """Take the chosen out of the write-ahead log, of ended logs and of files set aside; call it after the commit.

    Raises:
        DatabaseError: If the disk refuses; the journal must be opened anew.
    """
    left = [] if journal.empty_wal() else [f"{journal.path.name}-wal"]
    ended: defaultdict[Path, list[int]] = defaultdict(list)
    for one in chosen.chosen:
        if one.file != journal.path:
            ended[one.file].append(one.seq)
    for path, seqs in ended.items():
        try:
            _erase_in_ended(path, seqs)
        except DatabaseError:
            left.append(path.name)
    number = 0
    digests = frozenset(one.digest for one in chosen.chosen)
    for path in sorted((folder / "aside").glob("journal-*")):
        try:
            number += _erase_in_bytes(path, digests, chosen.before_ms)
        except OSError:
            left.append(path.name)
    return EraseOutcome(number, tuple(left))


def _held_in(path: Path) -> list[HeldIdentity]:
    file = LogFile.read_only(path)
    try:
        return list(_held(file))
    finally:
        file.close()


def _held(file: LogFile) -> Iterator[HeldIdentity]:
    # The next record whose time is known, looked for only where one is needed and never twice.
    known: tuple[int, int] | None = (-1, 0)
    for seq, body, blob in file.sealed_rows():
        try:
            record = Record.read(body)
            stamp = record.original().stamp
        except (RecordError, RecursionError):
            continue
        kept_ms: int | None = stamp.wall_ms
        if stamp.clock is ClockState.UNTRUSTED:
            if known is not None and known[0] < seq:
                known = file.known_time(seq)
            kept_ms = known[1] if known else None
        digest = hashlib.sha256(blob).digest()
        yield HeldIdentity(file.path, record.log, seq, record.identity, kept_ms, digest, _keys(blob))


def _keys(blob: bytes) -> tuple[str, ...]:
    try:
        return sealed_to(blob)
    except SealedError:
        return ()


def _erase_in_ended(path: Path, seqs: Sequence[int]) -> None:
    file = LogFile.open(path)
    try:
        file.erase_sealed(*seqs)
        file.finish()
    finally:
        file.close()


def _erase_in_bytes(path: Path, digests: frozenset[bytes], before_ms: int | None) -> int:
    """Overwrite sealed identities in a file that SQLite can't be trusted with; nothing else of it is touched."""
    status = path.stat()
    if not status.st_size:
        return 0
    is_old = before_ms is not None and status.st_mtime_ns // 1_000_000 < before_ms
    number = 0
    with path.open("r+b") as raw, mmap.mmap(raw.fileno(), 0) as memory:
        for found in [one.span() for one in _BLOB.finditer(memory)]:
            if is_old or hashlib.sha256(memory[slice(*found)]).digest() in digests:
                memory[slice(*found)] = bytes(found[1] - found[0])
                number += 1
        if is_old:
            for found in [one.span() for one in _CIPHERTEXT.finditer(memory)]:
                memory[slice(*found)] = bytes(found[1] - found[0])
                number += 1
        memory.flush()
        os.fsync(raw.fileno())
    # The time says how old the newest of its records is.
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    return number
