"""Settling: what each record counts as: an event, a repeat of one, or held (DESIGN.md 3, promise 2).

The question is asked once per record, in the order of its log, in one transaction with the answer. An event is the
original record (of a copy, what it carries) at its original place with its leaf hash. Whichever entry of the same
event is settled first carries it; every other one is a `repeat`. An event goes out under the place of the entry that
carries it, so no two events ever share an identity: README.md, "What counts once".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from yaoma.core.merkle import leaf_hash
from yaoma.core.record import ClockState, Kind, Record, RecordError
from yaoma_bridge.alarms import AlarmKind, raise_alarm
from yaoma_bridge.log_rows import LogRow, log_by_id
from yaoma_bridge.store import Store
from yaoma_bridge.tx import Tx
from yaoma_link.topics import BoxName

__all__ = ["Held", "logs_to_settle", "restated_by", "settle_held_again", "settle_log"]

_AT_ONCE = 2000

#: A clock that begins in 1970 and is set right in 2099 moves by 130 years, and no box's moves farther. A box that says
#: so is broken or hostile; believed, it would restate records to times that no calendar and no column of the store has.
_MOST_SHIFT_MS = 200 * 366 * 86_400_000

_KINDS = frozenset(kind.value for kind in Kind)


class Held:
    """Why a record is kept but not sent: stable reason ids."""

    REPEAT = "repeat"
    UNREADABLE = "unreadable"
    KIND_UNKNOWN = "kind_unknown"
    COPY_MISMATCH = "copy_mismatch"
    CLOCK_UNTRUSTED = "clock_untrusted"


@dataclass(frozen=True, slots=True)
class _Settled:
    """One record's answer; an empty `held` makes it an event."""

    held: str = ""
    shift_ms: int = 0
    original: Record | None = None


#: Log, place, why it is held, shift, whether a checkpoint covers it.
_EventRow = tuple[int, int, str, int, bool]


def logs_to_settle(store: Store) -> list[int]:
    """Give the keys of the logs that have records which may be settled and are not."""
    with store.reading() as tx:
        rows = tx.execute(
            "SELECT id FROM log WHERE settled_upto < CASE state WHEN 'broken' THEN verified_upto "
            "ELSE CASE WHEN verified_upto>unsigned_upto THEN verified_upto ELSE unsigned_upto END END "
            "AND state<>'damaged' LIMIT 1000"
        )
        return [row[0] for row in rows]


def settle_log(store: Store, log_id: int, *, hold_untrusted: bool, now_ms: int) -> bool:
    """Settle the next records of a log.

    Args:
        store: The store.
        log_id: The log's key in the store.
        hold_untrusted: Whether records with an untrusted clock wait until a clock record restates their boot.
        now_ms: The time, milliseconds since 1970.

    Returns:
        Whether anything was settled.
    """
    with store.reading() as tx:
        name = log_by_id(tx, log_id).name
    with store.writing((name,), feed=True) as tx:
        row = log_by_id(tx, log_id)
        if row.settled_upto >= row.to_settle_upto or row.state == "damaged":
            return False
        rows = tx.execute(
            "SELECT seq, body, leaf FROM record WHERE log_id=? AND seq>=? AND seq<? ORDER BY seq LIMIT ?",
            (row.id, row.settled_upto, row.to_settle_upto, _AT_ONCE),
        ).fetchall()
        carried = _carried_elsewhere(tx, row, rows[0][0], rows[-1][0])
        events: list[_EventRow] = []
        _note_clocks(tx, row, rows)
        for seq, body, leaf in rows:
            if leaf_hash(body) != leaf:
                tx.execute("UPDATE log SET state='damaged', settled_upto=? WHERE id=?", (seq, row.id))
                _alarm(tx, AlarmKind.STORE_DAMAGED, row, seq, now_ms)
                _write_events(tx, events)
                return True
            if (seq, leaf) in carried:
                settled = _Settled(Held.REPEAT)
            else:
                settled = _settle(tx, row, seq, body, hold_untrusted=hold_untrusted)
            events += _write(tx, row, seq, settled, now_ms)
        _write_events(tx, events)
        tx.execute("UPDATE log SET settled_upto=? WHERE id=?", (rows[-1][0] + 1, row.id))
    return True


def settle_held_again(store: Store, *, hold_untrusted: bool, now_ms: int) -> int:
    """Look again at what an older version could not read, and at what waited for another policy.

    Args:
        store: The store.
        hold_untrusted: As for `settle_log`.
        now_ms: The time, milliseconds since 1970.

    Returns:
        How many records are held no more.
    """
    released = 0
    with store.writing() as tx:
        rows = tx.execute(
            "SELECT held.log_id, held.seq, held.reason, record.body FROM held JOIN record USING (log_id, seq) "
            "ORDER BY held.log_id, held.seq"
        ).fetchall()
        for log_id, seq, reason, body in rows:
            row = log_by_id(tx, log_id)
            settled = _settle(tx, row, seq, body, hold_untrusted=hold_untrusted)
            if settled.held != reason:
                tx.execute("DELETE FROM held WHERE log_id=? AND seq=?", (log_id, seq))
                _write_events(tx, _write(tx, row, seq, settled, now_ms))
                released += not settled.held
    return released


def _settle(tx: Tx, row: LogRow, seq: int, body: bytes, *, hold_untrusted: bool) -> _Settled:
    try:
        record = Record.read(body)
        original = record.original()
    except (RecordError, RecursionError):
        return _Settled(Held.UNREADABLE)
    if original.kind not in _KINDS or original.kind == Kind.COPY:
        return _Settled(Held.KIND_UNKNOWN, original=original)
    if record.kind == Kind.COPY:
        if record.fields.get("origin") != _origin_of(original):
            return _Settled(Held.COPY_MISMATCH)
        if not _carries(tx, row, seq, original):
            return _Settled(Held.REPEAT)
    if original.stamp.clock == ClockState.UNTRUSTED and hold_untrusted:
        shift_ms = restated_by(tx, row.name, original)
        return _Settled(Held.CLOCK_UNTRUSTED if shift_ms is None else "", shift_ms or 0, original)
    return _Settled(original=original)


def _origin_of(original: Record) -> Mapping[str, object]:
    """Give what a copy must say of where its record comes from; `Record.copied` writes it so."""
    return {"log": original.log, "seq": original.seq, "leaf": original.leaf.hex()}


def _is_counted(tx: Tx, row: LogRow, original: Record) -> bool:
    """Tell whether the original itself was settled at its own place, with an equal leaf."""
    found = tx.execute(
        "SELECT record.leaf FROM log JOIN record ON record.log_id=log.id "
        "WHERE log.site=? AND log.box=? AND log.log=? AND record.seq=? AND log.settled_upto>record.seq",
        (row.name.site, row.name.box, original.log, original.seq),
    ).fetchone()
    return found is not None and found[0] == original.leaf


def _carries(tx: Tx, row: LogRow, seq: int, original: Record) -> bool:
    """Let this copy carry the event, unless the original or another copy does.

    Who carries it is looked up first: an original that came later is settled, but as the repeat.
    """
    key = (row.name.site, row.name.box, original.log, original.seq, original.leaf)
    by = tx.execute(
        "SELECT by_log_id, by_seq FROM carried WHERE site=? AND box=? AND log=? AND seq=? AND leaf=?", key
    ).fetchone()
    if by is not None:
        return bool(by == (row.id, seq))
    if _is_counted(tx, row, original):
        return False
    tx.execute("INSERT INTO carried VALUES (?,?,?,?,?,?,?)", (*key, row.id, seq))
    return True


def _carried_elsewhere(tx: Tx, row: LogRow, first: int, last: int) -> set[tuple[int, bytes]]:
    """Give the events of these places that a copy in another log carries already."""
    found = tx.execute(
        "SELECT seq, leaf FROM carried WHERE site=? AND box=? AND log=? AND seq BETWEEN ? AND ?",
        (row.name.site, row.name.box, row.log, first, last),
    )
    return {(seq, leaf) for seq, leaf in found}


def restated_by(tx: Tx, name: BoxName, original: Record) -> int | None:
    """Give what to add to a record's wall time: the shifts that followed in its boot, up to the first trusted one.

    A clock may move more than once before it is right, such as by hand and then by the network. A clock record itself
    is stamped by the clock that it has set. Moves that add up to more than any clock's restate nothing.
    """
    moves = tx.execute(
        "SELECT shift_ms, trusted FROM restated WHERE site=? AND box=? AND boot=? AND mono_ms>=? ORDER BY mono_ms",
        (name.site, name.box, original.stamp.boot, original.stamp.mono_ms + (original.kind == Kind.CLOCK)),
    )
    total_ms = 0
    for shift_ms, trusted in moves:
        total_ms += int(shift_ms)
        if trusted:
            return total_ms if abs(total_ms) <= _MOST_SHIFT_MS else None
    return None


def _write(tx: Tx, row: LogRow, seq: int, settled: _Settled, now_ms: int) -> list[_EventRow]:
    """Write one record's answer; give what is to go into the feed, in order."""
    events = [_event(row, seq, settled)]
    original = settled.original
    if settled.held and settled.held != Held.REPEAT:
        stamp = original.stamp if original is not None else None
        tx.execute(
            "INSERT INTO held (log_id, seq, reason, site, box, boot, mono_ms) VALUES (?,?,?,?,?,?,?)",
            (
                row.id,
                seq,
                settled.held,
                row.name.site,
                row.name.box,
                stamp.boot if stamp else "",
                stamp.mono_ms if stamp else 0,
            ),
        )
        kind = _ALARMS.get(settled.held)
        if kind is not None:
            _alarm(tx, kind, row, seq, now_ms)
    if original is None:
        return events
    if original.kind == Kind.PROBLEM and original.fields.get("severity") == "urgent":
        _alarm(tx, AlarmKind.PROBLEM_URGENT, row, seq, now_ms)
    if original.kind == Kind.CLOCK:
        events += _restated(tx, row, original)
    if original.kind == Kind.CLOSE and original.log == row.log:
        tx.execute("UPDATE log SET state='closed' WHERE id=? AND state='open'", (row.id,))
    return events


def _event(row: LogRow, seq: int, settled: _Settled) -> _EventRow:
    return row.id, seq, settled.held, settled.shift_ms, seq < row.verified.size


def _write_events(tx: Tx, events: Sequence[_EventRow]) -> None:
    """Lengthen the feed; nothing that is settled looks at it."""
    tx.executemany("INSERT INTO event (log_id, seq, held, shift_ms, signed) VALUES (?,?,?,?,?)", events)


def _note_clocks(tx: Tx, row: LogRow, rows: Sequence[tuple[int, bytes, bytes]]) -> None:
    """Note the clock records of a run before its first record is settled: all that follow a record restate it."""
    for _, body, leaf in rows:
        if b'"kind":"clock"' in body and leaf_hash(body) == leaf:
            try:
                record = Record.read(body)
            except (RecordError, RecursionError):
                continue
            if record.kind == Kind.CLOCK:
                _note_clock(tx, row, record)


def _note_clock(tx: Tx, row: LogRow, clock: Record) -> bool:
    """Note by how much the clock moved; tell whether it is right from there on. No move of a clock restates nothing."""
    shift_ms = clock.fields.get("shift_ms")
    if type(shift_ms) is not int or abs(shift_ms) > _MOST_SHIFT_MS:
        return False
    trusted = clock.fields.get("now") != ClockState.UNTRUSTED
    tx.execute(
        "INSERT INTO restated (site, box, boot, mono_ms, shift_ms, trusted) VALUES (?,?,?,?,?,?) "
        "ON CONFLICT DO NOTHING",
        (row.name.site, row.name.box, clock.stamp.boot, clock.stamp.mono_ms, shift_ms, trusted),
    )
    return trusted


def _restated(tx: Tx, row: LogRow, clock: Record) -> list[_EventRow]:
    """Let go what waited for this clock record: the untrusted records of its boot that came before it."""
    events: list[_EventRow] = []
    if not _note_clock(tx, row, clock):
        return events
    waiting = tx.execute(
        "SELECT log_id, seq, body FROM held JOIN record USING (log_id, seq) "
        "WHERE site=? AND box=? AND boot=? AND mono_ms<=? AND reason=? ORDER BY log_id, seq",
        (row.name.site, row.name.box, clock.stamp.boot, clock.stamp.mono_ms, Held.CLOCK_UNTRUSTED),
    ).fetchall()
    for log_id, seq, body in waiting:
        original = Record.read(body).original()
        shift_ms = restated_by(tx, row.name, original)
        if shift_ms is None:
            continue
        tx.execute("DELETE FROM held WHERE log_id=? AND seq=?", (log_id, seq))
        released = _Settled(shift_ms=shift_ms, original=original)
        events.append(_event(log_by_id(tx, log_id), seq, released))
    return events


_ALARMS = {
    Held.UNREADABLE: AlarmKind.RECORD_UNREADABLE,
    Held.KIND_UNKNOWN: AlarmKind.KIND_UNKNOWN,
    Held.COPY_MISMATCH: AlarmKind.COPY_MISMATCH,
}


def _alarm(tx: Tx, kind: AlarmKind, row: LogRow, seq: int, now_ms: int) -> None:
    raise_alarm(tx, kind, now_ms, site=row.name.site, box=row.name.box, log=row.log, facts={"seq": seq})
