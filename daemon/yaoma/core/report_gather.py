"""Gathering: turns the records of a period, one after the other, into the counts of `report_facts`.

A scan reserves a pack and a closed ticket takes effect (DESIGN.md 2): so packs are counted on the day on which their
ticket was closed, and those of cancelled, open and practice tickets are not counted at all.

Units of an opened pack (拆零) are no packs: they count in no scan rate, and for the upload as one each. A code that
stands for packs without codes of their own counts as often as it was scanned.
"""

from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from yaoma.core.report_facts import (
    DESPATCH,
    STORED,
    Arrival,
    Event,
    Facts,
    Moved,
    Place,
    ScannerUse,
    Uploaded,
    text_of,
)
from yaoma.core.report_period import Period, day_number
from yaoma.core.report_ticket import CountedPack, CountedTicket, announced_missing

__all__ = ["LEAD_MS", "SIGNALS", "Delivered", "Knowledge", "gather", "is_practice"]

#: Records from so long before the period are needed: a ticket that is closed in it may have been filled before.
LEAD_MS: Final = 3 * 24 * 3600 * 1000

#: Kinds that are listed one by one.
_NOTED: Final = frozenset(
    {
        *("override", "undo", "difference", "stock", "problem", "outage", "hold", "settle"),
        *("start", "applied", "open", "close", "clock", "erased"),
    }
)
#: Reasons that may point to a code that was copied, sold twice, swapped or never activated (S0-14, S1-28, S4-09).
SIGNALS: Final = frozenset(
    {
        *("sold_here", "denied_sold_elsewhere", "denied_not_activated", "denied_warning", "denied_recall"),
        *("status_cancelled", "status_absent", "status_gone", "no_receipt", "in_stock_already", "other_drug"),
        *("left_stock", "destroyed", "returned_without_sale", "units_exceeded", "opened_whole", "lot_mismatch"),
        *("parent_and_child", "quarantined"),
    }
)
_FAULT: Final = "FAULT"
_ON_TICKET: Final = frozenset({"PASS", "REVIEW"})
_HAND: Final = "hand"
_IMPORT: Final = "import"


class Delivered(Protocol):
    """What is known of what became of records."""

    def arrivals(self, event: Event) -> Mapping[str, Arrival]:
        """Give what each destination said of a record, by its name; `STORED` is there if the centre has it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """What has to be known besides the records.

    Args:
        delivered: What became of records.
        institution: What the site is, where a ticket does not say so.
    """

    delivered: Delivered
    institution: str = ""


def gather(events: Iterable[Event], period: Period, knowledge: Knowledge) -> Facts:
    """Count what happened in a period.

    Args:
        events: The records in order; `LEAD_MS` before the period they may begin.
        period: The days to count.
        knowledge: What has to be known besides.
    """
    gatherer = _Gatherer(period, knowledge)
    for event in events:
        gatherer.add(event)
    return gatherer.facts


def is_practice(fields: Mapping[str, Any]) -> bool:
    """Say whether a record is practice, which counts nowhere (S0-07)."""
    degraded = fields.get("degraded")
    return fields.get("training") is True or (isinstance(degraded, list) and "training" in degraded)


class _Gatherer:
    def __init__(self, period: Period, knowledge: Knowledge) -> None:
        self.facts = Facts()
        self._from_ms, self._to_ms = period.from_ms, period.to_ms
        self._knowledge = knowledge
        self._open: dict[str, CountedTicket] = {}
        self._delivered_at: dict[str, Place] = {}
        self._last_ms = 0

    def add(self, event: Event) -> None:
        inside = self._from_ms <= event.at_ms < self._to_ms
        if event.kind == "scan":
            self._scan(event, inside=inside)
        elif event.kind == "ticket":
            self._ticket(event, inside=inside)
        elif event.kind in _NOTED:
            if event.kind == "undo":
                self._undo(event.fields)
            elif event.kind == "stock":
                self._stock(event, inside=inside)
            elif event.kind == "difference":
                self._difference(event.fields)
            if inside:
                if event.kind == "start" and self._last_ms:
                    self.facts.silences.append((self._last_ms, event))
                self.facts.noted.setdefault(event.kind, []).append(event)
        if event.is_timed:
            self._last_ms = event.at_ms

    def _scan(self, event: Event, *, inside: bool) -> None:
        fields, facts = event.fields, self.facts
        if is_practice(fields):
            facts.training += inside
            return
        verdict, code = text_of(fields, "verdict"), text_of(fields, "code")
        if inside:
            if text_of(fields, "reason") in SIGNALS:
                facts.noted.setdefault("signal", []).append(event)
            facts.verdicts[text_of(fields, "operation"), verdict, text_of(fields, "reason")] += 1
            if code:
                facts.sources[text_of(fields, "source")] += 1
            self._used(text_of(fields, "scanner"), event.at_ms, is_fault=verdict == _FAULT)
        ticket = text_of(fields, "ticket")
        if not (ticket and code) or verdict in {"REPEAT", _FAULT}:
            return
        on_it = self._open.setdefault(ticket, CountedTicket())
        if verdict in _ON_TICKET:
            on_it.put(code, event)
        else:
            # Denied after it had been scanned: it leaves the ticket.
            on_it.packs.pop(code, None)

    def _used(self, scanner: str, at_ms: int, *, is_fault: bool) -> None:
        use = self.facts.scanners.get(scanner)
        if use is None:
            use = self.facts.scanners[scanner] = ScannerUse(0, 0, at_ms, at_ms)
        use.scans += 1
        use.faults += is_fault
        use.last_ms = at_ms

    def _undo(self, fields: Mapping[str, Any]) -> None:
        ticket = self._open.get(text_of(fields, "ticket"))
        packs = fields.get("packs")
        if ticket is not None and isinstance(packs, list):
            ticket.take_off(packs)

    def _ticket(self, event: Event, *, inside: bool) -> None:
        fields, name = event.fields, text_of(event.fields, "ticket")
        action = text_of(fields, "action")
        if action not in {"close", "cancel"}:
            self._open.setdefault(name, CountedTicket()).say(fields)
            return
        ticket = self._open.pop(name, CountedTicket())
        whole = {**ticket.opening, **fields}
        if not inside or is_practice(whole):
            return
        operation = text_of(whole, "operation")
        self.facts.tickets[operation, action] += 1
        if action == "close":
            place = self._place(event.at_ms, operation, whole)
            self._close(place, ticket)
            for drug, packs in ticket.missing().items():
                self._moved(place, drug).unscanned += packs
            if text_of(whole, "shipment") and not ticket.undelivered:
                self._delivered_at[name] = place
            self._upload(place, ticket.packs.values())

    def _place(self, at_ms: int, operation: str, fields: Mapping[str, Any]) -> Place:
        return Place(day_number(at_ms), operation, text_of(fields, "institution") or self._knowledge.institution)

    def _close(self, place: Place, ticket: CountedTicket) -> None:
        for drug, packs_uncoded in ticket.uncoded.items():
            self._moved(place, drug).uncoded += packs_uncoded
        for pack in ticket.packs.values():
            source = text_of(pack.event.fields, "source")
            for product, packs in pack.packs.items():
                moved = self._moved(place, product)
                if source == _HAND:
                    moved.typed += packs
                elif source == _IMPORT:
                    moved.pushed += packs
                else:
                    moved.scanned += packs

    def _stock(self, event: Event, *, inside: bool) -> None:
        fields = event.fields
        packs, operation = fields.get("quantity"), text_of(fields, "operation")
        if not (isinstance(packs, int) and packs > 0) or text_of(fields, "action") == "count" or is_practice(fields):
            return
        drug, ticket = text_of(fields, "drug"), self._open.get(text_of(fields, "ticket"))
        if ticket is not None:
            # It counts when its ticket is closed, and its packs are not missing among the scanned ones.
            ticket.uncoded[drug] += packs
        elif inside:
            operation = operation or ("receive" if text_of(fields, "action") == "in" else "dispense")
            self._moved(self._place(event.at_ms, operation, fields), drug).uncoded += packs

    def _difference(self, fields: Mapping[str, Any]) -> None:
        """Take in what was announced and not delivered; the record may stand before or behind the closing one."""
        name, missing = text_of(fields, "ticket"), announced_missing(fields)
        ticket, place = self._open.get(name), self._delivered_at.pop(name, None)
        if ticket is not None:
            ticket.undelivered = missing
        elif place is not None:
            for product, packs in missing.items():
                self._moved(place, product).unscanned += packs

    def _moved(self, place: Place, drug: str) -> Moved:
        moved = self.facts.moved.get((place, drug))
        if moved is None:
            moved = self.facts.moved[place, drug] = Moved()
        return moved

    def _upload(self, place: Place, packs: Iterable[CountedPack]) -> None:
        facts = self.facts
        uploaded = facts.uploaded.get(place)
        if uploaded is None:
            uploaded = facts.uploaded[place] = Uploaded()
        for pack in packs:
            event = pack.event
            packs_due = max(1, pack.smallest)
            uploaded.due += packs_due
            for destination, arrival in self._knowledge.delivered.arrivals(event).items():
                if destination == DESPATCH:
                    continue
                if destination == STORED:
                    uploaded.stored += packs_due
                else:
                    uploaded.states[destination, arrival.state] += packs_due
                    if arrival.state == "refused":
                        facts.refusals[destination, arrival.reason] += packs_due
                self._delay(destination, arrival, event)

    def _delay(self, destination: str, arrival: Arrival, event: Event) -> None:
        if arrival.at_ms is None or not (destination == STORED or arrival.state == "accepted"):
            return
        if not event.is_timed:
            self.facts.untimed += destination == STORED
            return
        delays = self.facts.delays.setdefault(destination, array("q"))
        # Two clocks that both follow NTP may differ by some milliseconds.
        delays.append(max(0, arrival.at_ms - event.at_ms))
