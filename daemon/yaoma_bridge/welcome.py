"""Welcome: what the bridge answers when a box announces itself, and what it notices then (DESIGN.md 6)."""

import hashlib
import json
import re
from dataclasses import dataclass
from typing import TypeGuard

from yaoma.core.canonical import MAX_INTEGER
from yaoma.core.note import Signer
from yaoma_bridge.alarms import AlarmKind, raise_alarm
from yaoma_bridge.boxes import begin_restored, epoch_of, note_low_mark, note_mark, note_offline, note_seen
from yaoma_bridge.errors import BatchRefusedError
from yaoma_bridge.log_rows import LogRow, find_log, logs_of, obtain_log
from yaoma_bridge.receipts import Outgoing, make_receipts, receipts_after
from yaoma_bridge.state import note_state, state_after
from yaoma_bridge.tx import Tx
from yaoma_bridge.unsigned import note_ended
from yaoma_link.batch import ReceiptMark
from yaoma_link.state import StateMark
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
        stored_upto: Of this log the bridge has confirmed all places below; 0 if the box does not say.
        digest: Of the payload: births are told apart by it.
        state: How far it has followed the state messages; None if it does not know any.
    """

    log: str
    size: int
    root: str
    receipts: ReceiptMark
    previous: str
    stored_upto: int
    digest: bytes
    state: StateMark | None = None


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
    return _read_birth(fields, hashlib.sha256(payload).digest())


def _read_birth(fields: dict[str, object], digest: bytes) -> Birth:
    log, size, root, previous = (fields.get(name) for name in ("log", "size", "root", "previous"))
    mark, confirmed = fields.get("receipts"), fields.get("stored_upto", 0)
    if fields.get("state") != "online" or not isinstance(log, str) or not _LOG_ID.fullmatch(log):
        raise BatchRefusedError("malformed", "a birth says online and names the log")
    if not _is_count(size) or not isinstance(root, str) or not _ROOT.fullmatch(root):
        raise BatchRefusedError("malformed", "a birth gives the log's size and root")
    if not isinstance(mark, dict) or not _is_count(mark.get("epoch")) or not _is_count(mark.get("upto")):
        raise BatchRefusedError("malformed", "a birth says how far the receipts were followed")
    if not _is_count(confirmed):
        raise BatchRefusedError("malformed", "a birth says how much of its log was confirmed as a whole number")
    previous = previous if isinstance(previous, str) else ""
    if previous and not _LOG_ID.fullmatch(previous):
        raise BatchRefusedError("malformed", "a birth names the log before it by its id")
    said = fields.get("state_upto")
    state = None
    if isinstance(said, dict) and _is_count(said.get("epoch")) and _is_count(said.get("upto")):
        state = StateMark(said["epoch"], said["upto"])
    return Birth(log, size, root, ReceiptMark(mark["epoch"], mark["upto"]), previous, confirmed, digest, state)


def _is_count(value: object) -> TypeGuard[int]:
    return type(value) is int and 0 <= value <= MAX_INTEGER


def welcome(
    tx: Tx, name: BoxName, birth: Birth | None, signer: Signer, now_ms: int, *, retained: bool
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
    if not retained:
        note_low_mark(tx, name, birth.receipts, now_ms, at_once=heard is None)
    _note_birth(tx, name, birth, now_ms)
    note_ended(tx, name, birth.log, birth.previous)
    row = find_log(tx, name, birth.log)
    if row is None:
        row = obtain_log(tx, name, birth.log, now_ms)
        if known_logs and birth.previous not in {known.log for known in known_logs}:
            _alarm(tx, AlarmKind.NEW_LOG, row, now_ms, {"size": birth.size, "previous": birth.previous})
    if _shows_restore(tx, name, birth, row, is_new=heard is None):
        begin_restored(tx, name, birth.receipts, now_ms)
    news = _news(tx, name, birth, signer, now_ms, retained=retained)
    if heard is not None:
        if retained and birth.size <= row.stored_upto:
            return news
    elif _is_fork(row, birth):  # only when it is new: a worker that lags hears it after the log has grown
        facts: dict[str, str | int] = {"size": birth.size, "stored_upto": row.stored_upto}
        _alarm(tx, AlarmKind.FORK, row, now_ms, facts)
    return [*_answer(tx, birth, row, signer, now_ms), *news]


def _news(tx: Tx, name: BoxName, birth: Birth, signer: Signer, now_ms: int, *, retained: bool) -> list[Outgoing]:
    """Give the state messages that the box has not applied; none to a box that does not know them."""
    if birth.state is None:
        return []
    note_state(tx, name, birth.state, now_ms, retained=retained)
    return state_after(tx, name, signer, now_ms)


def _answer(tx: Tx, birth: Birth, row: LogRow, signer: Signer, now_ms: int) -> list[Outgoing]:
    """Tell a box of its log and, if it is still in an older epoch, of all its other logs; then what it lacks."""
    name = row.name
    epoch = epoch_of(tx, name)
    fresh = []
    for other in logs_of(tx, name):
        # Those that were told in this epoch are among the receipts that are sent again.
        if other.id != row.id and birth.receipts.epoch < epoch and other.told_epoch < epoch:
            fresh += make_receipts(tx, other, signer, now_ms, ask=True)
    fresh += make_receipts(tx, row, signer, now_ms, ask=True)
    again = receipts_after(tx, name, birth.receipts.upto if birth.receipts.epoch == epoch else 0)
    last = again[-1].rseq if again else 0
    return [*again, *(one for one in fresh if one.rseq > last)]


def _shows_restore(tx: Tx, name: BoxName, birth: Birth, row: LogRow, *, is_new: bool) -> bool:
    """Tell whether more of a log was confirmed in this epoch than is stored: the store came back from a backup.

    It may have made as many receipts since as it lost; then marks show nothing. What was confirmed in an earlier
    epoch is no sign: a higher one may have less. A box without any mark counts once.
    """
    if birth.stored_upto <= row.stored_upto:
        return False
    return birth.receipts.epoch == epoch_of(tx, name) or (is_new and birth.receipts.epoch == 0)


def _note_birth(tx: Tx, name: BoxName, birth: Birth, now_ms: int) -> None:
    """Remember a birth, and forget all but the newest ones of its box."""
    tx.execute(
        "INSERT INTO birth (site, box, digest, at_ms) VALUES (?,?,?,?) "
        "ON CONFLICT (site, box, digest) DO UPDATE SET at_ms=excluded.at_ms",
        (name.site, name.box, birth.digest, now_ms),
    )
    tx.execute(
        "DELETE FROM birth WHERE site=?1 AND box=?2 AND at_ms < "
        "(SELECT at_ms FROM birth WHERE site=?1 AND box=?2 ORDER BY at_ms DESC LIMIT 1 OFFSET ?3)",
        (name.site, name.box, _BIRTHS_KEPT),
    )


def _is_fork(row: LogRow, birth: Birth) -> bool:
    if birth.size == row.stored_upto:
        return birth.root != row.stored.root().hex()
    return birth.size < row.stored_upto


def _alarm(tx: Tx, kind: AlarmKind, row: LogRow, now_ms: int, facts: dict[str, str | int]) -> None:
    raise_alarm(tx, kind, now_ms, site=row.name.site, box=row.name.box, log=row.log, facts=facts)
