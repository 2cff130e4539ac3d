"""The ledger: what this site has done with each pack and ticket, as a projection of the journal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import lru_cache
from typing import Protocol

from yaoma.core.record import Kind, Record, Stamp
from yaoma.core.ticket import Action, Ticket

__all__ = ["Changes", "LedgerView", "Seen", "day_of", "project"]

#: China has one time zone, 8 hours east, and no summer time; the day of a count is the day at the counter.
_CHINA_MS = 8 * 3600 * 1000
_DAY_MS = 24 * 3600 * 1000
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of one pack.

    Args:
        log: The log of the last scan that was no repeat.
        seq: Its place there.
        station: Where it was scanned.
        ticket: The ticket it was scanned for, or None.
        verdict: What was said of it.
        stamp: When.
        place: Its number on the ticket, from 1; 0 if it is on none.
        effect: The operation that last took effect on the pack by a closed ticket; empty if none did.
        effect_ms: When that was, milliseconds since 1970 by the box's clock; 0 if none did.
    """

    log: str
    seq: int
    station: str
    ticket: str | None
    verdict: str
    stamp: Stamp
    place: int = 0
    effect: str = ""
    effect_ms: int = 0


class LedgerView(Protocol):
    """What a projection needs to look up."""

    def seen(self, key: str) -> Seen | None:
        """Give what is known of a pack."""
        ...

    def open_ticket(self, station: str) -> Ticket | None:
        """Give the open ticket of a station."""
        ...

    def packs_of(self, ticket: str) -> Sequence[str]:
        """Give the keys of the packs that are on a ticket."""
        ...


@dataclass(slots=True)
class Changes:
    """What records have changed; applied together or not at all.

    Args:
        seen: Packs by key.
        tickets: Open tickets by station; None where it was closed or cancelled.
        counts: How often, by (day as YYYYMMDD, station, operation, verdict, reason).
        upto: Per log, the place after the last record that is in here.
    """

    seen: dict[str, Seen] = field(default_factory=dict)
    tickets: dict[str, Ticket | None] = field(default_factory=dict)
    counts: dict[tuple[int, str, str, str, str], int] = field(default_factory=dict)
    upto: dict[str, int] = field(default_factory=dict)

    def add(self, later: "Changes") -> None:
        """Take over what came after."""
        self.seen.update(later.seen)
        self.tickets.update(later.tickets)
        for row, number in later.counts.items():
            self.counts[row] = self.counts.get(row, 0) + number
        self.upto.update(later.upto)


def project(record: Record, view: LedgerView) -> Changes:
    """Give what one record changes.

    Args:
        record: A record; of a copy, its original is what counts.
        view: The state before it.
    """
    changes = Changes(upto={record.log: record.seq + 1})
    original = record.original()
    if original.kind == Kind.SCAN:
        _scan(original, record, view, changes)
    elif original.kind == Kind.TICKET:
        _ticket(original, record, view, changes)
    return changes


def _text(fields: Mapping[str, object], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def _scan(original: Record, record: Record, view: LedgerView, changes: Changes) -> None:
    fields = original.fields
    station, operation, verdict = (_text(fields, name) for name in ("station", "operation", "verdict"))
    changes.counts[day_of(original.stamp), station, operation, verdict, _text(fields, "reason")] = 1
    ticket = view.open_ticket(station)
    if ticket is not None and fields.get("person") is not None:
        changes.tickets[station] = replace(ticket, has_person=True)
    key = _text(fields, "code")
    if not key or verdict in {"REPEAT", "FAULT"}:
        return
    before, place = view.seen(key), 0
    if ticket is not None and ticket.id == fields.get("ticket") and verdict in {"PASS", "REVIEW"}:
        place = ticket.packs + 1
        changes.tickets[station] = replace(ticket, packs=place)
    elif ticket is not None and before is not None and before.place and before.ticket == ticket.id:
        # It was denied after it had been scanned: it leaves the ticket.
        changes.tickets[station] = replace(ticket, packs=ticket.packs - 1)
    changes.seen[key] = Seen(
        record.log,
        record.seq,
        station,
        _text(fields, "ticket") or None,
        verdict,
        original.stamp,
        place,
        before.effect if before else "",
        before.effect_ms if before else 0,
    )


def _ticket(original: Record, record: Record, view: LedgerView, changes: Changes) -> None:
    fields = original.fields
    station, action = _text(fields, "station"), _text(fields, "action")
    if action == Action.OPEN:
        changes.tickets[station] = Ticket(
            _text(fields, "ticket"),
            station,
            _text(fields, "operation"),
            record.seq,
            wants_person=fields.get("wants_person") is True,
        )
        return
    if action not in {Action.CLOSE, Action.CANCEL}:
        return
    ticket = view.open_ticket(station)
    changes.tickets[station] = None
    if action == Action.CLOSE and ticket is not None:
        for key in view.packs_of(ticket.id):
            seen = view.seen(key)
            if seen is not None:
                changes.seen[key] = replace(seen, effect=ticket.operation, effect_ms=original.stamp.wall_ms)


def day_of(stamp: Stamp) -> int:
    """Give the day at the counter as YYYYMMDD; a time that no calendar holds counts as day 0."""
    return _day((stamp.wall_ms + _CHINA_MS) // _DAY_MS)


@lru_cache(maxsize=16)
def _day(days: int) -> int:
    try:
        day = _EPOCH + timedelta(days=days)
    except OverflowError:
        return 0
    return day.year * 10_000 + day.month * 100 + day.day
