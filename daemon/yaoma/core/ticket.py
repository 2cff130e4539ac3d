"""Tickets: scans that belong together at one station; opened, filled by scans, closed or cancelled."""

from dataclasses import dataclass
from enum import StrEnum

from yaoma.core.record import Entry, Kind

__all__ = ["VERIFY", "Action", "Ticket", "TicketCommand", "TicketRefusedError", "ticket_entry"]

#: The operation of a scan that stands on no ticket (仅核验).
VERIFY = "verify"


class Action(StrEnum):
    """What is done to a ticket."""

    OPEN = "open"
    CLOSE = "close"  # what the scans stand for takes effect
    CANCEL = "cancel"  # nothing takes effect


class TicketRefusedError(Exception):
    """The command does not fit the station's state.

    Args:
        reason: A stable id: `ticket_already_open`, `no_open_ticket`, `operation_unknown`, `station_unknown`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Ticket:
    """An open ticket.

    Args:
        id: Its id, unique for ever.
        station: Where.
        operation: What is being done, an id of the operations table.
        opened: Place of the opening record.
        packs: How many packs are on it.
        wants_person: An identity card that is scanned belongs to it and is sealed.
        has_person: One was sealed.
    """

    id: str
    station: str
    operation: str
    opened: int
    packs: int = 0
    wants_person: bool = False
    has_person: bool = False


@dataclass(frozen=True, slots=True)
class TicketCommand:
    """What somebody wants done to the ticket of a station.

    Args:
        action: What.
        station: Where.
        operation: For `open`: what is being done.
        operator: Who says so, an id without meaning outside the site; empty if unknown.
        wants_person: For `open`: the next identity card belongs to this ticket.
    """

    action: Action
    station: str
    operation: str = VERIFY
    operator: str = ""
    wants_person: bool = False


def ticket_entry(command: TicketCommand, ticket: Ticket | None, new_id: str) -> Entry:
    """Turn a command into the record that carries it out.

    Args:
        command: What is wanted.
        ticket: The station's open ticket, or None.
        new_id: The id for a new ticket.

    Raises:
        TicketRefusedError: If a ticket is open already, or none is.
    """
    if command.action is Action.OPEN:
        if ticket is not None:
            raise TicketRefusedError("ticket_already_open")
        operation, ticket_id, packs = command.operation, new_id, 0
    else:
        if ticket is None:
            raise TicketRefusedError("no_open_ticket")
        operation, ticket_id, packs = ticket.operation, ticket.id, ticket.packs
    return Entry(
        Kind.TICKET,
        {
            "action": command.action.value,
            "ticket": ticket_id,
            "station": command.station,
            "operation": operation,
            "operator": command.operator,
            "packs": packs,
            "wants_person": command.wants_person,
        },
    )
