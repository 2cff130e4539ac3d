"""Reservation: how a scan puts a pack on an open ticket, and how it is taken off again (DESIGN.md 2)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from yaoma.core.ledger import Changes, LedgerView, Seen, Take
from yaoma.core.pack import PackState
from yaoma.core.record import ClockState, Stamp
from yaoma.core.ticket import Ticket

__all__ = ["is_practice", "ledger_key", "put", "taken_back"]

_PRACTICE: Final = "practice:"
_NEVER: Final = Seen("", 0, "", None, "", Stamp(0, 0, "", ClockState.UNTRUSTED))


def ledger_key(key: str, *, is_training: bool) -> str:
    """Give the key under which the ledger knows a pack: practice has packs of its own, so that it changes no other."""
    return f"{_PRACTICE}{key}" if is_training else key


def is_practice(key: str) -> bool:
    """Say whether a key of the ledger is that of a practice pack."""
    return key.startswith(_PRACTICE)


def put(key: str, ticket: Ticket | None, mark: Seen, view: LedgerView, changes: Changes) -> Ticket | None:
    """Note one pack of a scan; give the ticket with it.

    Args:
        key: Under which the ledger knows it.
        ticket: The station's open ticket, or None.
        mark: What all packs of this scan have in common; with one take, without a place, if it goes on its ticket.
        view: The state before it.
        changes: Get the pack, and the ticket of another station that loses it.
    """
    known = view.seen(key) or _NEVER
    goes_on = ticket is not None and bool(mark.takes) and ticket.id == mark.ticket
    takes: tuple[Take, ...] = ()
    if known.place and ticket is not None and known.is_on(ticket.id):
        if goes_on and mark.taken:
            takes = known.takes
        else:
            # Denied since, or judged again because what it lacked is there now.
            ticket = _without(known.takes, ticket)
    elif known.place and (holder := _holder(known, view, changes)) is not None:
        if not goes_on:
            # It is reserved for another ticket, which stays as it is.
            return ticket
        changes.tickets[holder.station] = _without(known.takes, holder)
    if goes_on and ticket is not None:
        (take,) = mark.takes
        takes = (*takes, Take(ticket.place + 1, take.portions, take.line, take.packs, take.units))
        ticket = _with(take, ticket)
    state = known.state
    changes.seen[key] = Seen(
        mark.log,
        mark.seq,
        mark.station,
        mark.ticket,
        mark.verdict,
        mark.stamp,
        takes[-1].place if takes else 0,
        known.effect,
        known.effect_ms,
        state,
        mark.left if state is PackState.UNKNOWN else mark.left or known.left,
        takes,
        mark.opens,
        mark.product or known.product or _product_of(key),
        mark.lot or known.lot,
        known.elsewhere,
        reason=mark.reason,
        is_opened=known.is_opened,
    )
    return ticket


def taken_back(seen: Seen, ticket: Ticket) -> tuple[Seen, Ticket]:
    """Give a pack and its ticket as they were before the pack's last scan for it.

    Args:
        seen: A pack that is on the ticket.
        ticket: The open ticket.
    """
    *earlier, last = seen.takes
    ticket = _without([last], ticket)
    if last.place == ticket.place:
        ticket = replace(ticket, place=ticket.place - 1)
    if earlier:
        return replace(seen, place=earlier[-1].place, takes=tuple(earlier)), ticket
    return replace(seen, ticket=None, place=0, takes=(), opens=0, is_cleared=False), ticket


def _with(take: Take, ticket: Ticket) -> Ticket:
    """Put one scan of a pack on its ticket and its line."""
    ticket = ticket.with_scan()
    return ticket.with_line(take.line, take.packs, take.units) if ticket.lines else ticket


def _without(takes: Sequence[Take], ticket: Ticket) -> Ticket:
    """Take scans of a pack off its ticket and its lines."""
    for take in takes:
        ticket = ticket.with_line(take.line, -take.packs, -take.units)
    return replace(ticket, packs=ticket.packs - len(takes))


def _holder(seen: Seen, view: LedgerView, changes: Changes) -> Ticket | None:
    """Give the open ticket of another station that a pack is on."""
    ticket = changes.tickets.get(seen.station) or view.open_ticket(seen.station)
    return ticket if ticket is not None and seen.is_on(ticket.id) else None


def _product_of(key: str) -> str:
    """Give the product's key, which the code's key begins with; of another standard's code the record names it."""
    form, _, rest = key.removeprefix(_PRACTICE).partition(":")
    length = {"cn20": 7, "gs1": 16}.get(form)
    return f"{form}:{rest[:length]}" if length else ""
