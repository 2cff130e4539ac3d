"""Ticketed: tickets in a log, written as a box writes them."""

from collections.abc import Sequence

from fakes.box import BoxLog
from yaoma.core.canonical import Json
from yaoma.core.deed import overridden, undone
from yaoma.core.record import Entry, Kind, Record
from yaoma.core.ticket import Action, Line, Ticket, TicketCommand, ticket_entry

__all__ = ["Counter", "code_of"]

_INTO = {
    "receive": ("in_stock", "quarantined"),
    "gift_in": ("in_stock", "quarantined"),
    "dispense": ("dispensed", ""),
    "return_customer": ("returned", ""),
    "return_supplier": ("left", ""),
    "check_return": ("in_stock", ""),
    "split": ("opened", ""),
    "destroy": ("destroyed", ""),
}


def code_of(number: int, product: int = 1) -> str:
    """Give the key of a pack."""
    return f"cn20:8{product:06d}{number:09d}0000"


class Counter:
    """One station of a box, at which tickets are filled."""

    def __init__(self, log: BoxLog, station: str = "counter1") -> None:
        self.log, self.station = log, station
        self.ticket: Ticket | None = None
        self._number = 0

    def open(self, operation: str = "dispense", *, lines: Sequence[Line] = (), **options: str | bool) -> Record:
        """Open a ticket."""
        self._number += 1
        command = TicketCommand(
            Action.OPEN,
            self.station,
            operation,
            lines=lines,
            **options,  # type: ignore[arg-type]  # the fields of the command
        )
        name = f"{self.log.log}-{self.station}-{self._number}"
        made = self.log.add(ticket_entry(command, None, name))
        self.ticket = Ticket(name, self.station, operation, made.seq, is_training=bool(options.get("is_training")))
        return made

    def scan(self, code: str, *, verdict: str = "PASS", packs_more: int = 1, **fields: Json) -> Record:
        """Scan a code for the open ticket."""
        assert self.ticket is not None
        said: dict[str, Json] = {
            "code": code,
            "verdict": verdict,
            "reason": "in_list" if verdict == "PASS" else "status_unknown",
            "station": self.station,
            "operation": self.ticket.operation,
            "ticket": self.ticket.id,
        }
        if self.ticket.is_training:
            said["training"] = True
        if verdict in {"PASS", "REVIEW"}:
            for _ in range(packs_more):
                self.ticket = self.ticket.with_scan()
        return self.log.add(Entry(Kind.SCAN, {**said, **fields}))

    def undo(self, *codes: str) -> Record:
        """Take packs off the ticket."""
        assert self.ticket is not None
        entry = undone(self.ticket, codes, "op")
        for _ in codes:
            self.ticket = self.lost()
        return self.log.add(entry)

    def lost(self) -> Ticket:
        """Give the ticket with one pack less, such as one that another station took over."""
        assert self.ticket is not None
        fewer = Ticket(
            self.ticket.id, self.station, self.ticket.operation, self.ticket.opened, packs=self.ticket.packs - 1
        )
        self.ticket = fewer
        return fewer

    def override(self, *codes: str) -> Record:
        """Let packs through by name."""
        assert self.ticket is not None
        return self.log.add(overridden(self.ticket, codes, "op", "seen the papers"))

    def close(self, action: Action = Action.CLOSE) -> Record:
        """Close or cancel the ticket."""
        assert self.ticket is not None
        into, doubtful = _INTO[self.ticket.operation]
        entry = ticket_entry(TicketCommand(action, self.station), self.ticket, "", into=into, doubtful_into=doubtful)
        self.ticket = None
        return self.log.add(entry)

    def sell(self, *codes: str, operation: str = "dispense", payer: str = "") -> None:
        """Open, scan and close."""
        self.open(operation, payer=payer)
        for code in codes:
            self.scan(code)
        self.close()
