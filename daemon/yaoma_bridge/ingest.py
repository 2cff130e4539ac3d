"""Ingest: store first, idempotently, whatever a box sends that fits its place (DESIGN.md 9)."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from yaoma.core.glance import stands_at
from yaoma.core.merkle import leaf_hash
from yaoma.core.record import Kind, Record, RecordError
from yaoma_bridge.alarms import AlarmKind, raise_alarm
from yaoma_bridge.boxes import note_low_mark, note_mark, note_seen
from yaoma_bridge.errors import BatchRefusedError
from yaoma_bridge.log_rows import LogRow, advanced, obtain_log
from yaoma_bridge.tx import Tx
from yaoma_bridge.unsigned import note_ended
from yaoma_link.batch import Batch, BatchError
from yaoma_link.topics import BoxName

__all__ = ["GRACE_MS", "MAX_PACKED_BYTES", "MAX_PLACE", "OpenedBatch", "Stored", "opened", "store_batches"]

#: A box packs far less; what is larger is not even looked at.
MAX_PACKED_BYTES = 4 << 20

#: No log reaches this; it keeps arithmetic on places within canonical JSON's whole numbers.
MAX_PLACE = 1 << 48

#: A hole this young is taken for a batch that another worker is about to store.
GRACE_MS = 2000

_LOG_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_MAX_CHECKPOINT_LETTERS = 4096
_CHECKPOINT_SIZE = re.compile(r"[^\n]+\n([0-9]{1,15})\n")
#: Checkpoints that wait for a key or for records; older ones are implied by newer ones.
_MAX_WAITING = 256


@dataclass(frozen=True, slots=True)
class OpenedBatch:
    """A batch that is fit to be stored.

    Args:
        box: Who sent it, by its topic.
        batch: What it holds.
        leaves: The leaf hash of each body.
        unreadable: Places whose body is no record of a version known here: kept all the same.
    """

    box: BoxName
    batch: Batch = field(repr=False)
    leaves: Sequence[bytes] = field(repr=False)
    unreadable: Sequence[int] = ()


@dataclass(slots=True)
class Stored:
    """What a group of batches came to.

    Args:
        new: Records stored.
        repeats: Records that were stored already with an equal leaf: dropped.
        conflicts: Places that hold another record, by log key.
        logs: The logs that were touched, as they are now, by key.
    """

    new: int = 0
    repeats: int = 0
    conflicts: dict[int, list[int]] = field(default_factory=dict)
    logs: dict[int, LogRow] = field(default_factory=dict)


def opened(box: BoxName, payload: bytes) -> OpenedBatch:
    """Unpack a payload and check that every body stands where the batch says; no store is needed for this.

    Raises:
        BatchRefusedError: If it is no batch, or a body names another log or place.
    """
    if len(payload) > MAX_PACKED_BYTES:
        raise BatchRefusedError("too_long", f"a batch has at most {MAX_PACKED_BYTES} bytes")
    try:
        batch = Batch.unpacked(payload)
    except BatchError as error:
        raise BatchRefusedError("malformed", str(error)) from None
    except RecursionError:
        raise BatchRefusedError("malformed", "the batch's header is nested too deep") from None
    if not _LOG_ID.fullmatch(batch.log) or batch.end > MAX_PLACE:
        raise BatchRefusedError("log_malformed", "the log's id or the first place can't be one of ours")
    unreadable = [seq for seq, body in enumerate(batch.bodies, batch.first) if not _is_record(body, batch.log, seq)]
    return OpenedBatch(box, batch, tuple(map(leaf_hash, batch.bodies)), tuple(unreadable))


def store_batches(tx: Tx, batches: Iterable[OpenedBatch], now_ms: int, *, grace_ms: int = GRACE_MS) -> Stored:
    """Store waiting batches in one transaction; receipts and acknowledgements come after its commit.

    Args:
        tx: The transaction.
        batches: What came in, in any order, with any repeats.
        now_ms: The time, milliseconds since 1970.
        grace_ms: How long a hole may be a batch that is still on its way.
    """
    stored = Stored()
    by_log: dict[tuple[BoxName, str], list[OpenedBatch]] = {}
    for one in batches:
        by_log.setdefault((one.box, one.batch.log), []).append(one)
    for (box, log), group in by_log.items():
        note_seen(tx, box, now_ms)
        row = obtain_log(tx, box, log, now_ms)
        if row.seen_upto == 0:
            _alarm_foreign(tx, row, now_ms)
        for one in group:
            _store(tx, row, one, stored, now_ms)
            note_mark(tx, box, one.batch.receipts, now_ms)
            note_low_mark(tx, box, one.batch.receipts, now_ms, at_once=False)
        stored.logs[row.id] = advanced(tx, row, max(one.batch.end for one in group), now_ms, grace_ms)
    return stored


def _store(tx: Tx, row: LogRow, arrived: OpenedBatch, stored: Stored, now_ms: int) -> None:
    batch = arrived.batch
    taken: dict[int, bytes] = {}
    if batch.first < row.seen_upto or stored.new:
        taken = dict(
            tx.execute(
                "SELECT seq, leaf FROM record WHERE log_id=? AND seq>=? AND seq<?", (row.id, batch.first, batch.end)
            ).fetchall()
        )
    fresh = []
    conflicts = []
    for seq, (leaf, body) in enumerate(zip(arrived.leaves, batch.bodies, strict=True), batch.first):
        there = taken.get(seq)
        if there is None:
            fresh.append((row.id, seq, leaf, body, now_ms))
        elif there == leaf:
            stored.repeats += 1
        else:
            conflicts.append((row.id, seq, leaf, body, batch.sealed.get(seq), now_ms))
    tx.executemany("INSERT INTO record (log_id, seq, leaf, body, received_ms) VALUES (?,?,?,?,?)", fresh)
    stored.new += len(fresh)
    # Only with the record itself: an erased identity must not come back with a repeat.
    sealed = [(row.id, seq, batch.sealed[seq]) for _, seq, *_ in fresh if seq in batch.sealed]
    tx.executemany("INSERT INTO sealed (log_id, seq, blob) VALUES (?,?,?) ON CONFLICT DO NOTHING", sealed)
    if conflicts:
        tx.executemany(
            "INSERT INTO conflict (log_id, seq, leaf, body, sealed, received_ms) VALUES (?,?,?,?,?,?) "
            "ON CONFLICT DO NOTHING",
            conflicts,
        )
        places = [conflict[1] for conflict in conflicts]
        stored.conflicts.setdefault(row.id, []).extend(places)
        _alarm(tx, AlarmKind.CONFLICT, row, now_ms, {"first": places[0], "count": len(places)})
    if fresh and fresh[0][1] == 0:
        note_ended(tx, row.name, row.log, _named_before(batch.bodies[0]))
    new_places = {one[1] for one in fresh}
    if any(seq in new_places for seq in arrived.unreadable):
        _alarm(tx, AlarmKind.RECORD_UNREADABLE, row, now_ms, {"count": len(arrived.unreadable)})
    if batch.checkpoint is not None:
        _keep_checkpoint(tx, row, batch.checkpoint, now_ms)


def _named_before(body: bytes) -> str:
    """Give the log that a log's first record names as the one before it, or an empty string."""
    try:
        record = Record.read(body)
    except (RecordError, RecursionError):
        return ""
    previous = record.fields.get("previous")
    log = previous.get("log") if record.kind == Kind.OPEN and isinstance(previous, Mapping) else None
    return log if isinstance(log, str) and _LOG_ID.fullmatch(log) else ""


def _keep_checkpoint(tx: Tx, row: LogRow, note: str, now_ms: int) -> None:
    """Keep a checkpoint unread: only verification knows the box's key."""
    size = _CHECKPOINT_SIZE.match(note)
    if len(note) > _MAX_CHECKPOINT_LETTERS or size is None or int(size[1]) > MAX_PLACE:
        _alarm(tx, AlarmKind.CHECKPOINT_FORGED, row, now_ms, {"problem": "malformed"})
        return
    tx.execute(
        "INSERT INTO checkpoint (log_id, size, note) VALUES (?,?,?) ON CONFLICT DO NOTHING",
        (row.id, int(size[1]), note),
    )
    tx.execute(
        "DELETE FROM checkpoint WHERE log_id=? AND state IN ('new', 'signed') AND size < (SELECT size FROM checkpoint "
        "WHERE log_id=? AND state IN ('new', 'signed') ORDER BY size DESC LIMIT 1 OFFSET ?)",
        (row.id, row.id, _MAX_WAITING),
    )


def _is_record(body: bytes, log: str, seq: int) -> bool:
    """Tell whether a body is a record of a version known here.

    Raises:
        BatchRefusedError: If it names another log or place.
    """
    if stands_at(body, log, seq):
        return True
    try:
        record = Record.read(body)
    except (RecordError, RecursionError):  # nested deeper than the check of canonical form goes
        if not _may_stand_at(body, log, seq):
            raise BatchRefusedError("misplaced", "a body names another log or place") from None
        return False
    if record.log != log or record.seq != seq:
        raise BatchRefusedError("misplaced", "a body names another log or place")
    return True


def _may_stand_at(body: bytes, log: str, seq: int) -> bool:
    """Tell whether a body that can't be read as a record may still stand at this place.

    A record of a later version still says where it stands; what is no JSON at all says nothing else.
    """
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        return True
    if not isinstance(fields, dict):
        return True
    return bool(fields.get("log", log) == log and fields.get("seq", seq) == seq)


def _alarm_foreign(tx: Tx, row: LogRow, now_ms: int) -> None:
    other = tx.execute(
        "SELECT site, box FROM log WHERE log=? AND (site<>? OR box<>?) LIMIT 1",
        (row.log, row.name.site, row.name.box),
    ).fetchone()
    if other is not None:
        _alarm(tx, AlarmKind.FOREIGN_LOG, row, now_ms, {"also": f"{other[0]}/{other[1]}"})


def _alarm(tx: Tx, kind: AlarmKind, row: LogRow, now_ms: int, facts: dict[str, str | int]) -> None:
    raise_alarm(tx, kind, now_ms, site=row.name.site, box=row.name.box, log=row.log, facts=facts)
