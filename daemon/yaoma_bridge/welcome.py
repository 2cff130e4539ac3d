"""Welcome: what the bridge answers when a box announces itself, and what it notices then (DESIGN.md 6)."""

import hashlib
import json
import re
import sqlite3
from dataclasses import dataclass
from typing import TypeGuard

from yaoma.core.canonical import MAX_INTEGER
from yaoma.core.note import Signer
from yaoma_bridge.alarms import AlarmKind, raise_alarm
from yaoma_bridge.boxes import current_epoch, note_mark, note_offline, note_seen
from yaoma_bridge.errors import BatchRefusedError
from yaoma_bridge.log_rows import LogRow, find_log, logs_of, obtain_log
from yaoma_bridge.receipts import Outgoing, make_receipt, receipts_after
from yaoma_bridge.unsigned import note_ended
from yaoma_link.batch import ReceiptMark
from yaoma_link.topics import BoxName

__all__ = ["Birth", "read_status", "welcome"]

_MAX_STATUS_BYTES = 64 * 1024

#: Every worker hears every birth; within this time one with the same bytes is taken for the same.
_SAME_BIRTH_MS = 5000

_BIRTHS_KEPT = 20

_LOG_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_ROOT = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Birth:
    """What a box says of itself when it comes.

    Args:
        log: The log that it writes now.
        size: Number of records there.
        root: The tree hash at that size, 64 hexadecimal digits.
        receipts: How far it has followed the receipts.
        previous: The log before this one, or an empty string.
        digest: Of the payload: births are told apart by it.
    """

    log: str
    size: int
    root: str
    receipts: ReceiptMark
    previous: str
    digest: bytes


def read_status(payload: bytes) -> Birth | None:
    """Read a status; None means that the box is gone.

    Raises:
        BatchRefusedError: If it is neither a birth nor a last will.
    """
    if len(payload) > _MAX_STATUS_BYTES:
        raise BatchRefusedError("too_long", f"a status has at most {_MAX_STATUS_BYTES} bytes")
    if not payload:  # a retained status was cleared: the box was taken out of service
        return None
    try:
        fields = json.loads(payload)
    except (ValueError, RecursionError):
        raise BatchRefusedError("malformed", "a status is a JSON object") from None
    if not isinstance(fields, dict):
        raise BatchRefusedError("malformed", "a status is a JSON object")
    if fields.get("state") in ("offline", "stopped"):  # the last will, or the farewell of an orderly stop
        return None
    log, size, root, previous = (fields.get(name) for name in ("log", "size", "root", "previous"))
    mark = fields.get("receipts")
    if fields.get("state") != "online" or not isinstance(log, str) or not _LOG_ID.fullmatch(log):
        raise BatchRefusedError("malformed", "a birth says online and names the log")
    if not _is_count(size) or not isinstance(root, str) or not _ROOT.fullmatch(root):
        raise BatchRefusedError("malformed", "a birth gives the log's size and root")
    if not isinstance(mark, dict) or not _is_count(mark.get("epoch")) or not _is_count(mark.get("upto")):
        raise BatchRefusedError("malformed", "a birth says how far the receipts were followed")
    if isinstance(previous, str) and previous and not _LOG_ID.fullmatch(previous):
        raise BatchRefusedError("malformed", "a birth names the log before it by its id")
    return Birth(
        log,
        size,
        root,
        ReceiptMark(mark["epoch"], mark["upto"]),
        previous if isinstance(previous, str) else "",
        hashlib.sha256(payload).digest(),
    )


def _is_count(value: object) -> TypeGuard[int]:
    return type(value) is int and 0 <= value <= MAX_INTEGER


def welcome(
    tx: sqlite3.Connection, name: BoxName, birth: Birth | None, signer: Signer, now_ms: int, *, retained: bool
) -> list[Outgoing]:
    """Answer a status: a fresh receipt of the box's log, and all receipts after its mark once more.

    A log that is shorter than what is stored, or has another root at that size, was put back from an old copy or
    cloned: alarm. The box sees the same in the receipt and acts on it (DESIGN.md 6).

    Args:
        tx: The transaction.
        name: The box.
        birth: What it said, or None for a last will.
        signer: The bridge's key.
        now_ms: The time, milliseconds since 1970.
        retained: Whether the broker kept this status from before our subscription: then the log may have grown
            since, and only a birth that no worker has seen yet says something about forks.

    Returns:
        What is to be published after the commit.
    """
    if birth is None:
        note_offline(tx, name)
        return []
    heard = tx.execute(
        "SELECT at_ms FROM birth WHERE site=? AND box=? AND digest=?", (name.site, name.box, birth.digest)
    ).fetchone()
    if heard is not None and now_ms - heard[0] < _SAME_BIRTH_MS:
        return []
    known_logs = logs_of(tx, name)
    note_seen(tx, name, now_ms)
    note_mark(tx, name, birth.receipts, now_ms)
    _note_birth(tx, name, birth, now_ms)
    note_ended(tx, name, birth.log, birth.previous)
    row = find_log(tx, name, birth.log)
    if row is None:
        row = obtain_log(tx, name, birth.log, now_ms)
        if known_logs and birth.previous not in {known.log for known in known_logs}:
            _alarm(tx, AlarmKind.NEW_LOG, row, now_ms, {"size": birth.size, "previous": birth.previous})
    if heard is not None:
        if retained and birth.size <= row.stored_upto:
            return []
    elif _is_fork(row, birth):  # only when it is new: a worker that lags hears it after the log has grown
        facts: dict[str, str | int] = {"size": birth.size, "stored_upto": row.stored_upto}
        _alarm(tx, AlarmKind.FORK, row, now_ms, facts)
    fresh = make_receipt(tx, row, signer, now_ms, ask=True)
    upto = birth.receipts.upto if birth.receipts.epoch == current_epoch(tx) else 0
    again = receipts_after(tx, name, upto)
    return again if again and again[-1].rseq == fresh.rseq else [*again, fresh]


def _note_birth(tx: sqlite3.Connection, name: BoxName, birth: Birth, now_ms: int) -> None:
    """Remember a birth, and forget all but the newest ones of its box."""
    tx.execute("INSERT OR REPLACE INTO birth VALUES (?,?,?,?)", (name.site, name.box, birth.digest, now_ms))
    tx.execute(
        "DELETE FROM birth WHERE site=?1 AND box=?2 AND at_ms < "
        "(SELECT at_ms FROM birth WHERE site=?1 AND box=?2 ORDER BY at_ms DESC LIMIT 1 OFFSET ?3)",
        (name.site, name.box, _BIRTHS_KEPT),
    )


def _is_fork(row: LogRow, birth: Birth) -> bool:
    if birth.size == row.stored_upto:
        return birth.root != row.stored.root().hex()
    return birth.size < row.stored_upto


def _alarm(tx: sqlite3.Connection, kind: AlarmKind, row: LogRow, now_ms: int, facts: dict[str, str | int]) -> None:
    raise_alarm(tx, kind, now_ms, site=row.name.site, box=row.name.box, log=row.log, facts=facts)
