"""Ticketed: tickets in a log, written as a box writes them."""

from collections.abc import Mapping, Sequence

from fakes.box import BoxLog
from yaoma.core.canonical import Json
from yaoma.core.deed import overridden, undone
from yaoma.core.receiving import compare, difference_entry
from yaoma.core.record import Entry, Kind, Record
from yaoma.core.shipment import Shipment
from yaoma.core.ticket import Action, Line, Ticket, TicketCommand, ticket_entry

__all__ = ["Counter", "code_of"]

_INTO = {
    "receive": ("in_stock", "quarantined"),
    "transfer_in": ("in_stock", "quarantined"),
    "gift_in": ("in_stock", "quarantined"),
    "dispense": ("dispensed", ""),
    "return_customer": ("returned", ""),
    "return_supplier": ("left", ""),
    "transfer_out": ("left", ""),
    "wholesale": ("left", ""),
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
        self.came: list[str] = []

    def open(self, operation: str = "dispense", *, lines: Sequence[Line] = (), **options: object) -> Record:
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

    def send(self, *codes: str, partner: str = "", operation: str = "transfer_out") -> str:
        """Open, scan and close a ticket by which goods leave; give its id."""
        self.open(operation, facts=(("partner", partner),) if partner else ())
        assert self.ticket is not None
        name = self.ticket.id
        for code in codes:
            self.scan(code)
        self.close()
        return name

    def receive(self, note: Shipment, *codes: str, doubtful: Mapping[str, str] | None = None) -> None:
        """Take a delivery in that a note announces, and record what differs; all on the note came in no other."""
        self.open("transfer_in", shipment=note.id)
        reasons = doubtful or {}
        for code in codes:
            self.scan(code, verdict="REVIEW" if code in reasons else "PASS")
        assert self.ticket is not None
        already, self.came = self.came, [*self.came, *codes]
        scanned = {code: reasons.get(code, "") for code in codes}
        self.log.add(difference_entry(self.ticket, compare(note, scanned, already)))
        self.close()

    def sell(self, *codes: str, operation: str = "dispense", payer: str = "") -> None:
        """Open, scan and close."""
        self.open(operation, payer=payer)
        for code in codes:
            self.scan(code)
        self.close()
