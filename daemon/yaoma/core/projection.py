"""Projection: what each kind of record changes in the ledger."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from yaoma.core.ledger import Changes, Duty, LedgerView, Seen, day_of
from yaoma.core.pack import DIVISIBLE, PackState
from yaoma.core.record import Kind, Record
from yaoma.core.ticket import Action, Line, Ticket

__all__ = ["EMERGENCY", "HOLD", "ledger_key", "project"]

#: Kinds of duties.
EMERGENCY: Final = "emergency"
HOLD: Final = "hold"

_PRACTICE: Final = "practice:"
_GONE: Final = frozenset({PackState.LEFT, PackState.DESTROYED})

Fields = Mapping[str, object]


def project(record: Record, view: LedgerView) -> Changes:
    """Give what one record changes.

    Args:
        record: A record; of a copy, its original is what counts.
        view: The state before it.
    """
    changes = Changes(upto={record.log: record.seq + 1})
    original = record.original()
    apply = _BY_KIND.get(original.kind)
    if apply is not None:
        apply(original, record, view, changes)
    return changes


def ledger_key(key: str, *, is_training: bool) -> str:
    """Give the key under which the ledger knows a pack: practice has packs of its own, so that it changes no other."""
    return f"{_PRACTICE}{key}" if is_training else key


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
    station, operation, verdict = (_text(fields, name) for name in ("station", "operation", "verdict"))
    is_training = fields.get("training") is True
    if not is_training:
        changes.counts[day_of(original.stamp), station, operation, verdict, _text(fields, "reason")] = 1
    ticket = view.open_ticket(station)
    if ticket is not None and fields.get("person") is not None:
        ticket = changes.tickets[station] = replace(ticket, has_person=True)
    key = _text(fields, "code")
    if not key or verdict in {"REPEAT", "FAULT"}:
        return
    for one in _texts(fields, "packs") or (key,):
        ticket = _put(ledger_key(one, is_training=is_training), ticket, record, view, changes)
    if ticket is not None:
        changes.tickets[station] = ticket


def _put(key: str, ticket: Ticket | None, record: Record, view: LedgerView, changes: Changes) -> Ticket | None:
    """Note one pack of a scan; give the ticket with it."""
    original = record.original()
    fields = original.fields
    verdict, line = _text(fields, "verdict"), _number(fields, "line", -1)
    before, place = view.seen(key), 0
    taken, opens = _number(fields, "taken"), _number(fields, "opens")
    was_on_it = ticket is not None and before is not None and before.ticket == ticket.id and before.place > 0
    if ticket is not None and ticket.id == fields.get("ticket") and verdict in {"PASS", "REVIEW"}:
        if was_on_it and before is not None and not taken:
            # Judged again, because what it lacked is there now: it keeps its place.
            place = before.place
        else:
            place = ticket.packs + 1
            ticket = replace(ticket, packs=place).with_line(line, 0 if taken else 1, abs(taken))
            if was_on_it and before is not None:
                taken += before.taken
    elif was_on_it and ticket is not None and before is not None:
        # It was denied after it had been scanned: it leaves the ticket.
        ticket = _without(before, ticket)
    known = before or Seen(record.log, record.seq, "", None, verdict, original.stamp)
    changes.seen[key] = replace(
        known,
        log=record.log,
        seq=record.seq,
        station=_text(fields, "station"),
        ticket=_text(fields, "ticket") or None,
        verdict=verdict,
        stamp=original.stamp,
        place=place,
        taken=taken,
        opens=opens,
        line=line,
        left=_number(fields, "holds") if known.state is PackState.UNKNOWN else known.left,
        product=_text(fields, "product") or known.product or _product_of(key),
        lot=_text(fields, "lot") or known.lot,
        is_cleared=False,
        reason=_text(fields, "reason"),
    )
    return ticket


def _product_of(key: str) -> str:
    """Give the product's key, which the code's key begins with; of another standard's code the record names it."""
    form, _, rest = key.removeprefix(_PRACTICE).partition(":")
    length = {"cn20": 7, "gs1": 16}.get(form)
    return f"{form}:{rest[:length]}" if length else ""


def _without(seen: Seen, ticket: Ticket) -> Ticket:
    """Take a pack off its ticket and line."""
    packs = abs(seen.taken) or 1
    return replace(ticket, packs=ticket.packs - packs).with_line(seen.line, 0 if seen.taken else -1, -abs(seen.taken))


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
        after = _after(seen, wanted)
        changes.seen[key] = replace(after, effect=ticket.operation, effect_ms=now_ms, taken=0, opens=0, elsewhere="")
        if after.state in _GONE and view.duty(f"{HOLD}:{key}") is not None:
            changes.duties[f"{HOLD}:{key}"] = None
    if ticket.is_opening and not ticket.is_training:
        changes.complete_since_ms = now_ms


def _after(seen: Seen, into: PackState | None) -> Seen:
    """Give a pack with the state that a closed ticket puts it in."""
    if into is None:
        return seen
    if seen.opens:
        return replace(seen, state=PackState.OPENED, left=seen.opens)
    if not seen.taken:
        return replace(seen, state=into, left=0 if into not in DIVISIBLE else seen.left)
    left = max(0, seen.left - seen.taken)
    if not left:
        return replace(seen, state=into, left=0)
    if seen.state in DIVISIBLE:
        return replace(seen, left=left)
    return replace(seen, state=into if into in DIVISIBLE else PackState.OPENED, left=left)


def _undo(original: Record, _: Record, view: LedgerView, changes: Changes) -> None:
    fields = original.fields
    station = _text(fields, "station")
    ticket = view.open_ticket(station)
    if ticket is None or ticket.id != fields.get("ticket"):
        return
    for key in _texts(fields, "packs"):
        seen = view.seen(key)
        if seen is not None and seen.ticket == ticket.id and seen.place:
            ticket = _without(seen, ticket)
            changes.seen[key] = replace(seen, ticket=None, place=0, taken=0, opens=0, line=-1)
    changes.tickets[station] = ticket


def _override(original: Record, record: Record, view: LedgerView, changes: Changes) -> None:
    fields = original.fields
    if fields.get("statement") is True:
        # A named operator said why there is no identity: it stands for the ticket as the identity would.
        ticket = view.open_ticket(_text(fields, "station"))
        if ticket is not None and ticket.id == fields.get("ticket"):
            changes.tickets[ticket.station] = replace(ticket, has_person=True)
        return
    due_ms = _number(fields, "due_ms")
    for key in _texts(fields, "packs"):
        seen = view.seen(key)
        if seen is None:
            continue
        changes.seen[key] = replace(seen, is_cleared=True)
        if due_ms:
            duty = f"{EMERGENCY}:{key}"
            changes.duties[duty] = Duty(
                duty, EMERGENCY, key, original.stamp.wall_ms, due_ms, _text(fields, "reason"), record.log, record.seq
            )


def _hold(original: Record, record: Record, view: LedgerView, changes: Changes) -> None:
    fields = original.fields
    for key in _texts(fields, "packs"):
        seen = view.seen(key)
        if seen is None:
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
            changes.seen[duty.code] = replace(seen, state=into)


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
        known = before or Seen(record.log, record.seq, "", None, "PASS", original.stamp)
        changes.seen[key] = replace(
            known, state=into, left=0, effect=_text(fields, "operation"), effect_ms=done_ms, elsewhere=box
        )


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
