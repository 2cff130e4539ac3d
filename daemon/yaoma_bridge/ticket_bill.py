"""Ticket bill: makes a bill of a closed ticket's records, by the rules by which the box's own ledger follows. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from yaoma.core.canonical import Json
from yaoma.core.ledger import Changes, Duty, Seen
from yaoma.core.projection import project
from yaoma.core.record import Kind, Record
from yaoma.core.ticket import Action, Ticket
from yaoma_bridge.bill import Bill, BillLine
from yaoma_link.topics import BoxName

__all__ = ["Assembled", "Filed", "assembled", "first_portions", "ticket_of"]

_ON_TICKET: Final = frozenset({"PASS", "REVIEW"})
_QUARANTINED: Final = "quarantined"

#: The year 9999 begins: no calendar that a platform reads goes on, and a day is looked at around each time.
_CALENDAR_ENDS_MS: Final = 253_370_764_800_000

#: A box writes far shorter ones; stores and messages keep them in keys, which are limited.
_MAX_NAME_LETTERS: Final = 128
_MAX_CODE_LETTERS: Final = 512

#: The lines of a bill, and which of them went into quarantine.
_Lines = tuple[tuple[BillLine, ...], frozenset[int]]


@dataclass(frozen=True, slots=True)
class Filed:
    """A record of the feed, as far as a bill needs it.

    Args:
        n: Its number in the feed.
        record: The original record.
        shift_ms: What clock records add to the wall time of its boot.
    """

    n: int
    record: Record = field(repr=False)
    shift_ms: int = 0

    @property
    def at_ms(self) -> int:
        """When it was, restated, milliseconds since 1970.

        Raises:
            ValueError: If no calendar has that time.
        """
        at_ms = self.record.stamp.wall_ms + self.shift_ms
        if not 0 <= at_ms < _CALENDAR_ENDS_MS:
            raise ValueError("a time that no calendar has")
        return at_ms


@dataclass(frozen=True, slots=True)
class Assembled:
    """What the records of a ticket give.

    Args:
        bill: The bill; without product, institution and sealed persons, which are looked up when it is used.
        persons: Feed numbers of the records that carry a sealed identity.
        quarantined: Numbers of its lines that went into quarantine: they are held until they are released.
        said: How many packs and portions the box counted on the ticket when it closed it.
        found: How many are in the bill; records are lacking, or too many, if it is another number.
    """

    bill: Bill
    persons: tuple[int, ...]
    quarantined: frozenset[int]
    said: int
    found: int

    @property
    def is_whole(self) -> bool:
        """The box counted what is here."""
        return self.said == self.found


class _Desk:
    """The state of one box's counters, as far as the records at hand tell it."""

    def __init__(self) -> None:
        self._seen: dict[str, Seen] = {}
        self._tickets: dict[str, Ticket] = {}

    def seen(self, key: str) -> Seen | None:
        return self._seen.get(key)

    def open_ticket(self, station: str) -> Ticket | None:
        return self._tickets.get(station)

    def packs_of(self, ticket: str) -> Sequence[str]:
        on_it = [(seen.place, key) for key, seen in self._seen.items() if seen.is_on(ticket)]
        return [key for _, key in sorted(on_it)]

    def in_store(self, drug: str, lot: str) -> int:  # noqa: ARG002 - goods without a code are on no bill
        return 0

    def duty(self, duty_id: str) -> Duty | None:  # noqa: ARG002 - duties change no bill
        return None

    def take(self, changes: Changes) -> None:
        self._seen.update(changes.seen)
        for station, ticket in changes.tickets.items():
            if ticket is None:
                self._tickets.pop(station, None)
            else:
                self._tickets[station] = ticket


def ticket_of(record: Record) -> str:
    """Give the ticket that a record belongs to, or an empty string; no box of ours writes a very long one."""
    ticket = record.fields.get("ticket")
    return ticket if isinstance(ticket, str) and len(ticket) <= _MAX_NAME_LETTERS else ""


def assembled(site: str, box: str, ticket: str, records: Iterable[Filed]) -> Assembled | None:
    """Make the bill of a ticket.

    Args:
        site: The institution.
        box: The box.
        ticket: The ticket's id.
        records: Its records, in any order; those of other tickets of the same box in that time may be among them, and
            must be where a pack was taken over by another station's ticket.

    Returns:
        None if the ticket was not closed, was cancelled, was practice, or its opening is not here.

    Raises:
        ValueError: If a time, a code or the operation is none that a box writes.
    """
    desk = _Desk()
    scans: dict[str, list[Filed]] = {}
    begun: Filed | None = None
    others: list[Filed] = []
    for one in _in_order(records):
        fields = one.record.fields
        if ticket_of(one.record) == ticket:
            action = fields.get("action") if one.record.kind == Kind.TICKET else None
            if action == Action.OPEN:
                begun = one
            elif action == Action.CLOSE:
                lines = _lines(ticket, fields, desk, scans)
                return None if begun is None else _bill(BoxName(site, box), begun, one, desk, lines, others)
            elif action == Action.CANCEL:
                return None
            others.append(one)
        changes = project(one.record, desk)
        _note_scan(one, ticket, desk, scans)
        desk.take(changes)
    return None


def _in_order(records: Iterable[Filed]) -> list[Filed]:
    """Put records in the order of the counter: logs as they began, and the places in each."""
    several = sorted(records, key=lambda one: one.n)
    rank: dict[str, int] = {}
    for one in several:
        rank.setdefault(one.record.log, len(rank))
    return sorted(several, key=lambda one: (rank[one.record.log], one.record.seq))


def _note_scan(one: Filed, ticket: str, desk: _Desk, scans: dict[str, list[Filed]]) -> None:
    """Note which scans a pack is on the ticket by; those of an opened pack or a case add up, others replace."""
    fields = one.record.fields
    if ticket_of(one.record) != ticket:
        return
    if one.record.kind == Kind.UNDO:
        for key in reversed(_texts(fields, "packs")):
            seen = desk.seen(key)
            if scans.get(key) and seen is not None and seen.is_on(ticket):
                scans[key].pop()
        return
    code = fields.get("code")
    if one.record.kind != Kind.SCAN or not isinstance(code, str) or fields.get("verdict") not in _ON_TICKET:
        return
    for key in _texts(fields, "packs") or (code,):
        seen = desk.seen(key)
        is_more = bool(fields.get("taken")) and seen is not None and seen.is_on(ticket)
        scans[key] = [*(scans.get(key, ()) if is_more else ()), one]


def _bill(  # noqa: PLR0917 - one caller, and all of it is what a bill is made of
    name: BoxName, begun: Filed, closed: Filed, desk: _Desk, found_lines: _Lines, others: Sequence[Filed]
) -> Assembled | None:
    start, end = begun.record.fields, closed.record.fields
    if len(_text(start, "operation")) > _MAX_NAME_LETTERS:
        raise ValueError("an operation that no table has")
    ticket = ticket_of(begun.record)
    if start.get("training") is True or end.get("training") is True:
        return None
    lines, quarantined = found_lines
    differences = tuple(dict(one.record.fields) for one in others if one.record.kind == Kind.DIFFERENCE)
    suppliers = {(_text(one, "supplier"), _text(one, "bill")) for one in differences}
    supplier, supplier_bill = suppliers.pop() if len(suppliers) == 1 else ("", "")
    statements = [_text(one.record.fields, "reason") for one in others if one.record.fields.get("statement") is True]
    station = _text(start, "station")
    there = desk.open_ticket(station)
    bill = Bill(
        site=name.site,
        box=name.box,
        log=begun.record.log,
        ticket=ticket,
        operation=_text(start, "operation"),
        opened_ms=begun.at_ms,
        closed_ms=closed.at_ms,
        closed_n=closed.n,
        lines=lines,
        wanted=there.lines if there is not None and there.id == ticket else (),
        payer=_text(start, "payer"),
        till_bill=_text(start, "bill"),
        owner=_text(start, "owner"),
        shipment=_text(start, "shipment"),
        supplier=supplier,
        supplier_bill=supplier_bill,
        differences=differences,
        operator=_text(end, "operator") or _text(start, "operator"),
        is_opening=start.get("opening") is True,
        statement=statements[-1] if statements else "",
        facts=_facts(begun, *others, closed),
    )
    persons = tuple(one.n for one in others if isinstance(one.record.fields.get("person"), Mapping))
    said = end.get("packs")
    found = there.packs if there is not None and there.id == ticket else 0
    return Assembled(bill, persons, quarantined, said if type(said) is int else -1, found)


def _lines(ticket: str, end: Mapping[str, Json], desk: _Desk, scans: Mapping[str, list[Filed]]) -> _Lines:
    into, doubtful = _text(end, "into"), _text(end, "doubtful_into")
    packs_of: dict[str, list[str]] = {}
    for key in desk.packs_of(ticket):
        by = scans.get(key)
        if by:
            packs_of.setdefault(_text(by[-1].record.fields, "code"), []).append(key)
    lines: list[BillLine] = []
    quarantined = []
    for code, packs in packs_of.items():
        if max(map(len, (code, *packs))) > _MAX_CODE_LETTERS:
            raise ValueError("a code longer than any scanner reads")
        seen = desk.seen(packs[0])
        assert seen is not None
        lines.append(_line(code, packs, seen, scans))
        state = doubtful if doubtful and seen.verdict == "REVIEW" and not seen.is_cleared else into
        if state == _QUARANTINED:
            quarantined.append(len(lines) - 1)
    return tuple(lines), frozenset(quarantined)


def _line(code: str, packs: Sequence[str], seen: Seen, scans: Mapping[str, list[Filed]]) -> BillLine:
    by = {one.n: one for key in packs for one in scans[key]}
    last = by[max(by)]
    fields = last.record.fields
    inside = _texts(fields, "packs")
    portions = -seen.taken if seen.taken < 0 and fields.get("case") is True else seen.taken
    is_case = fields.get("case") is True
    return BillLine(
        code=code,
        records=tuple(sorted(by)),
        lot=seen.lot,
        expiry=_text(fields, "expiry"),
        produced=_text(fields, "produced"),
        packs=tuple(packs) if inside else (),
        is_whole=len(inside) == len(packs) if inside else True,
        units=0 if is_case else portions,
        case_packs=portions if is_case else 0,
        wanted=seen.takes[-1].line if seen.takes else -1,
        verdict=seen.verdict,
        reason=seen.reason,
        at_ms=last.at_ms,
        shipment=_text(fields, "shipment"),
        via=_text(fields, "via"),
    )


def first_portions(bill: Bill, was_handed_out: Iterable[str]) -> Bill:
    """Give a bill whose lines say whether a part of their pack was handed out before.

    Args:
        bill: The bill.
        was_handed_out: The codes of which an earlier bill of the site handed out a part.
    """
    known = frozenset(was_handed_out)
    lines = [replace(line, is_first_portion=line.code not in known) for line in bill.lines]
    return replace(bill, lines=tuple(lines))


def _facts(*records: Filed) -> dict[str, str]:
    """Gather what the till said of the ticket; what it said later holds."""
    facts: dict[str, str] = {}
    for one in records:
        said = one.record.fields.get("facts")
        if one.record.kind == Kind.TICKET and isinstance(said, Mapping):
            facts |= {name: text for name, text in said.items() if isinstance(text, str)}
    return facts


def _text(fields: Mapping[str, Json], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def _texts(fields: Mapping[str, Json], name: str) -> tuple[str, ...]:
    value = fields.get(name)
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()
