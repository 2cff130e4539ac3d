"""Projection: what each kind of record changes in the ledger."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from yaoma.core.effect import settled_in, state_after
from yaoma.core.ledger import Changes, Duty, LedgerView, Seen, Take, day_of
from yaoma.core.pack import DIVISIBLE, IN_HAND, PackState
from yaoma.core.record import Kind, Record
from yaoma.core.reservation import is_practice, ledger_key, put, taken_back
from yaoma.core.ticket import Action, Line, Ticket

__all__ = ["EMERGENCY", "HOLD", "project"]

#: Kinds of duties.
EMERGENCY: Final = "emergency"
HOLD: Final = "hold"

#: Verdicts that change nothing, and those that put a pack on its ticket.
_UNCHANGED: Final = frozenset({"REPEAT", "FAULT"})
_ON_TICKET: Final = frozenset({"PASS", "REVIEW"})
_GONE: Final = frozenset({PackState.LEFT, PackState.DESTROYED})

#: The states from which a pack may come into stock by what another box did.
_MAY_COME: Final = frozenset({PackState.UNKNOWN, PackState.LEFT, *DIVISIBLE})

Fields = Mapping[str, object]


def project(record: Record, view: LedgerView) -> Changes:
    """Give what one record changes.

    Args:
        record: A record; of a copy, its original is what counts.
        view: The state before it.
    """
    changes = Changes(upto={record.log: record.seq + 1})
    original = record.original() if record.kind == Kind.COPY else record
    apply = _BY_KIND.get(original.kind)
    if apply is not None:
        apply(original, record, view, changes)
    return changes


def _text(fields: Fields, name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def _number(fields: Fields, name: str, default: int = 0) -> int:
    value = fields.get(name)
    return value if type(value) is int else default


def _texts(fields: Fields, name: str) -> tuple[str, ...]:
    value = fields.get(name)
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()


def _state(text: str) -> PackState | None:
    """Read a state; one that a later version wrote is unknown to this one."""
    try:
        return PackState(text)
    except ValueError:
        return None


def _scan(original: Record, record: Record, view: LedgerView, changes: Changes) -> None:
    fields = original.fields
    station, verdict, reason = _text(fields, "station"), _text(fields, "verdict"), _text(fields, "reason")
    is_training = fields.get("training") is True
    if not is_training:
        row = day_of(original.stamp), station, _text(fields, "operation"), verdict, reason
        changes.counts[row] = 1
    ticket = view.open_ticket(station)
    if ticket is not None and fields.get("person") is not None:
        ticket = changes.tickets[station] = replace(ticket, has_person=True)
    key = _text(fields, "code")
    if not key or verdict in _UNCHANGED:
        return
    ticket_id = _text(fields, "ticket") or None
    # What every pack of this scan has in common; each gets what is its own besides.
    mark = Seen(
        record.log,
        record.seq,
        station,
        ticket_id,
        verdict,
        original.stamp,
        left=_number(fields, "holds"),
        takes=(_take(fields),) if verdict in _ON_TICKET else (),
        opens=_number(fields, "opens"),
        product=_text(fields, "product"),
        lot=_text(fields, "lot"),
        reason=reason,
    )
    for one in _texts(fields, "packs") or (key,):
        ticket = put(ledger_key(one, is_training=is_training), ticket, mark, view, changes)
    if ticket is not None:
        changes.tickets[station] = ticket


def _take(fields: Fields) -> Take:
    portions, line = _number(fields, "taken"), _number(fields, "line", -1)
    if not portions:
        return Take(0, 0, line)
    # A case's portions are packs, an opened pack's are units.
    packs, units = (abs(portions), 0) if fields.get("case") is True else (0, abs(portions))
    return Take(0, portions, line, packs, units)


def _ticket(original: Record, record: Record, view: LedgerView, changes: Changes) -> None:
    fields = original.fields
    station, action = _text(fields, "station"), _text(fields, "action")
    ticket = view.open_ticket(station)
    if action == Action.OPEN:
        changes.tickets[station] = Ticket(
            _text(fields, "ticket"),
            station,
            _text(fields, "operation"),
            record.seq,
            wants_person=fields.get("wants_person") is True,
            lines=_lines(fields),
            shipment=_text(fields, "shipment"),
            payer=_text(fields, "payer"),
            operator=_text(fields, "operator"),
            is_training=fields.get("training") is True,
            is_opening=fields.get("opening") is True,
        )
    elif action == Action.LINES and ticket is not None:
        changes.tickets[station] = replace(ticket, lines=(*ticket.lines, *_lines(fields)))
    elif action in {Action.CLOSE, Action.CANCEL}:
        changes.tickets[station] = None
        if action == Action.CLOSE and ticket is not None:
            _close(ticket, original, view, changes)
        elif ticket is not None:
            for key in view.packs_of(ticket.id):
                _forget_emergency(key, view.seen(key), view, changes)


def _forget_emergency(key: str, seen: Seen | None, view: LedgerView, changes: Changes) -> None:
    """Drop the duty to match an emergency use that did not take place after all."""
    duty = view.duty(f"{EMERGENCY}:{key}")
    if seen is not None and seen.is_cleared and duty is not None and duty.made_ms >= seen.stamp.wall_ms:
        changes.duties[duty.id] = None


def _lines(fields: Fields) -> tuple[Line, ...]:
    lines = fields.get("lines")
    return tuple(Line.read(line) for line in lines) if isinstance(lines, list) else ()


def _close(ticket: Ticket, original: Record, view: LedgerView, changes: Changes) -> None:
    fields, now_ms = original.fields, original.stamp.wall_ms
    into, doubtful = _state(_text(fields, "into")), _state(_text(fields, "doubtful_into"))
    for key in view.packs_of(ticket.id):
        seen = view.seen(key)
        if seen is None:
            continue
        wanted = doubtful if doubtful and seen.verdict == "REVIEW" and not seen.is_cleared else into
        if fields.get("keeps") is True and seen.state is not PackState.UNKNOWN:
            wanted = None
        after = state_after(seen, wanted)
        changes.seen[key] = replace(after, effect=ticket.operation, effect_ms=now_ms, takes=(), opens=0, elsewhere="")
        _end_hold(key, seen.state, after.state, view, changes)
    if ticket.is_opening and not ticket.is_training and not _text(original.fields, "cause"):
        changes.complete_since_ms = now_ms


def _end_hold(key: str, before: PackState, after: PackState, view: LedgerView, changes: Changes) -> None:
    """Settle that a pack was held, once it has left or was released; one that was sold meanwhile stays on the list."""
    is_released = before is PackState.QUARANTINED and after in DIVISIBLE
    if (after in _GONE or is_released) and view.duty(f"{HOLD}:{key}") is not None:
        changes.duties[f"{HOLD}:{key}"] = None


def _undo(original: Record, _: Record, view: LedgerView, changes: Changes) -> None:
    fields = original.fields
    ticket = view.open_ticket(_text(fields, "station"))
    if ticket is None or ticket.id != fields.get("ticket"):
        return
    for key in reversed(_texts(fields, "packs")):
        seen = view.seen(key)
        if seen is None or not seen.is_on(ticket.id) or not seen.takes:
            continue
        _forget_emergency(key, seen, view, changes)
        changes.seen[key], ticket = taken_back(seen, ticket)
    changes.tickets[ticket.station] = ticket


def _override(original: Record, record: Record, view: LedgerView, changes: Changes) -> None:
    fields = original.fields
    ticket, excuse = view.open_ticket(_text(fields, "station")), _text(fields, "excuse")
    if excuse or fields.get("statement") is True:
        if ticket is not None and ticket.id == fields.get("ticket"):
            # A named operator wrote why a line has no codes, or why there is no identity: it stands for these.
            line = _number(fields, "line", -1)
            excused = ticket.excused(line, excuse) if excuse else replace(ticket, has_person=True)
            changes.tickets[ticket.station] = excused
        return
    due_ms = _number(fields, "due_ms")
    for key in _texts(fields, "packs"):
        seen = view.seen(key)
        if seen is None:
            continue
        changes.seen[key] = replace(seen, is_cleared=True)
        if due_ms and not is_practice(key):
            duty = f"{EMERGENCY}:{key}"
            changes.duties[duty] = Duty(
                duty, EMERGENCY, key, original.stamp.wall_ms, due_ms, _text(fields, "reason"), record.log, record.seq
            )


def _hold(original: Record, record: Record, view: LedgerView, changes: Changes) -> None:
    fields = original.fields
    for key in _texts(fields, "packs"):
        seen = view.seen(key)
        if seen is None or seen.state not in IN_HAND:
            # It left while somebody looked.
            continue
        changes.seen[key] = replace(seen, state=PackState.QUARANTINED)
        duty = f"{HOLD}:{key}"
        changes.duties[duty] = Duty(
            duty, HOLD, key, original.stamp.wall_ms, 0, _text(fields, "note"), record.log, record.seq
        )


def _settle(original: Record, _: Record, view: LedgerView, changes: Changes) -> None:
    fields = original.fields
    into = _state(_text(fields, "into"))
    for duty_id in _texts(fields, "duties"):
        duty = view.duty(duty_id)
        if duty is None:
            continue
        changes.duties[duty_id] = None
        seen = view.seen(duty.code)
        if into is not None and seen is not None and seen.state is PackState.QUARANTINED:
            changes.seen[duty.code] = settled_in(seen, into)


def _stock(original: Record, _: Record, view: LedgerView, changes: Changes) -> None:
    fields = original.fields
    drug, lot = _text(fields, "drug"), _text(fields, "lot")
    there = view.in_store(drug, lot)
    quantity = _number(fields, "quantity")
    match _text(fields, "action"):
        case "in":
            changes.stock[drug, lot] = there + quantity
        case "out":
            changes.stock[drug, lot] = max(0, there - quantity)
            ticket = view.open_ticket(_text(fields, "station"))
            if ticket is not None and ticket.id == fields.get("ticket"):
                changes.tickets[ticket.station] = ticket.with_uncoded(drug, quantity)
        case "count":
            changes.stock[drug, lot] = quantity


def _merge(original: Record, record: Record, view: LedgerView, changes: Changes) -> None:
    """Take in what another box of the site did; what is older than what is known here changes nothing."""
    fields = original.fields
    box, into = _text(fields, "box"), _state(_text(fields, "into"))
    done_ms = _number(fields, "done_ms")
    for key in _texts(fields, "packs"):
        before = view.seen(key)
        if into is None or (before is not None and before.effect_ms > done_ms):
            continue
        if before is not None and into in DIVISIBLE and before.state not in _MAY_COME:
            # A neighbour's count or receipt never frees what was quarantined, sold or returned here.
            continue
        known = before or Seen(record.log, record.seq, "", None, "PASS", original.stamp)
        is_opened = known.is_opened or into is PackState.OPENED
        changes.seen[key] = replace(
            settled_in(replace(known, is_opened=is_opened), into),
            effect=_text(fields, "operation"),
            effect_ms=done_ms,
            elsewhere=box,
        )
        _end_hold(key, known.state, into, view, changes)


_BY_KIND: Final[Mapping[str, Callable[[Record, Record, LedgerView, Changes], None]]] = {
    Kind.SCAN: _scan,
    Kind.TICKET: _ticket,
    Kind.UNDO: _undo,
    Kind.OVERRIDE: _override,
    Kind.HOLD: _hold,
    Kind.SETTLE: _settle,
    Kind.STOCK: _stock,
    Kind.MERGE: _merge,
}
