"""Tickets: scans that belong together at one station; opened, filled by scans, closed or cancelled."""

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING

from yaoma.core.canonical import Json
from yaoma.core.record import Entry, Kind

if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    from yaoma.core.checked_value import dataclass

__all__ = [
    "FACTS",
    "MAX_LINES",
    "VERIFY",
    "Action",
    "CommandRefusedError",
    "Line",
    "Ticket",
    "TicketCommand",
    "ticket_entry",
]

#: The operation of a scan that stands on no ticket (仅核验).
VERIFY = "verify"

MAX_LINES = 200

#: What only the till knows and a platform wants with a sale or purchase. A closed set: none of them names a patient.
FACTS = frozenset(
    {
        "fee_settlement",  # 医保费用结算类型: local, elsewhere, none
        "insured_area",  # 参保地医保区划
        "invoice",  # 发票号
        "invoice_code",  # 发票代码
        "partner",  # 往来单位: who gets what leaves, or has sent what comes; a site's code or a company's name
        "pharmacist",
        "prescriber",
        "prescription",  # 处方号
        "prescription_outside",  # 外购处方标志
        "purchase",  # 采购流水号, for a return to the supplier
        "sale",  # 销售流水号, for a customer's return
        "settlement",  # 结算ID
        "supplier_permit",  # 供应商许可证号
        "visit",  # 就医流水号
    }
)


class Action(StrEnum):
    """What is done to a ticket."""

    OPEN = "open"
    LINES = "lines"  # the till adds lines to it
    CLOSE = "close"  # what the scans stand for takes effect
    CANCEL = "cancel"  # nothing takes effect


class CommandRefusedError(Exception):
    """The command does not fit the state of station, store or ledger.

    Args:
        reason: A stable id: `ticket_already_open`, `no_open_ticket`, `operation_unknown`, `station_unknown`, ...
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Line:
    """One drug that a ticket wants.

    Args:
        drug: How the till names it: a drug id, a product key, or `system:text` of another code.
        matches: The drug ids that this stands for; empty if the list knows none.
        packs: How many whole packs.
        units: How many units out of opened packs (拆零).
        name: What the till calls it.
        filled: Whole packs scanned so far.
        filled_units: Units scanned so far.
        excuse: The objective reason (客观原因) for which a named operator lets it go without codes; empty if none.
    """

    drug: str
    matches: tuple[str, ...]
    packs: int
    units: int = 0
    name: str = ""
    filled: int = 0
    filled_units: int = 0
    excuse: str = ""

    @property
    def is_filled(self) -> bool:
        """Everything that it wants was scanned."""
        return self.filled >= self.packs and self.filled_units >= self.units

    def wants(self, *, is_units: bool) -> bool:
        """Say whether it wants more whole packs, or more units."""
        return self.filled_units < self.units if is_units else self.filled < self.packs

    def taking(self, packs: int, units: int) -> "Line":
        """Give the line after so many more packs and units; below zero for fewer."""
        return replace(self, filled=max(0, self.filled + packs), filled_units=max(0, self.filled_units + units))

    def json(self) -> dict[str, Json]:
        """Give what a record holds of it."""
        fields: dict[str, Json] = {"drug": self.drug, "matches": list(self.matches), "packs": self.packs}
        if self.units:
            fields["units"] = self.units
        if self.name:
            fields["name"] = self.name
        return fields

    @classmethod
    def read(cls, value: object) -> "Line":
        """Read what a record holds.

        Raises:
            ValueError: If it is no line.
        """
        if not isinstance(value, dict):
            raise ValueError("a line is an object")  # noqa: TRY004 - one error for a bad line
        drug, matches, name = value.get("drug"), value.get("matches", []), value.get("name", "")
        packs, units = value.get("packs", 0), value.get("units", 0)
        if not (isinstance(drug, str) and isinstance(name, str) and isinstance(matches, list)):
            raise ValueError("a line names a drug")  # noqa: TRY004 - as above
        if type(packs) is not int or type(units) is not int or packs < 0 or units < 0 or not packs + units:
            raise ValueError("a line wants packs or units, as whole numbers")
        return cls(drug, tuple(str(one) for one in matches), packs, units, name)


@dataclass(frozen=True, slots=True)
class Ticket:
    """An open ticket.

    Args:
        id: Its id, unique for ever.
        station: Where.
        operation: What is being done, an id of the operations table.
        opened: Place of the opening record.
        packs: How many packs and portions are on it.
        wants_person: An identity card that is scanned belongs to it and is sealed.
        has_person: One was sealed, or a named operator has said in writing why there is none.
        lines: What it wants; empty if nobody said.
        shipment: The despatch note that it receives; empty if none was named.
        payer: Who pays, such as `insurance`, `injury` (工伤) or `self`; empty if nobody said.
        operator: Who opened it.
        is_training: Practice: nothing of it counts or is uploaded.
        is_opening: An opening count: from its closing on the ledger knows every pack (DESIGN.md 6).
        uncoded: Packs booked out of the no-code store for it, by drug.
        place: The last place that was given to a scan; above `packs` once a pack in the middle was taken off.
    """

    id: str
    station: str
    operation: str
    opened: int
    packs: int = 0
    wants_person: bool = False
    has_person: bool = False
    lines: tuple[Line, ...] = ()
    shipment: str = ""
    payer: str = ""
    operator: str = ""
    is_training: bool = False
    is_opening: bool = False
    place: int = 0
    uncoded: tuple[tuple[str, int], ...] = ()

    def excused(self, number: int, excuse: str) -> "Ticket":
        """Give the ticket with a line that may go without codes."""
        if not 0 <= number < len(self.lines):
            return self
        lines = list(self.lines)
        lines[number] = replace(lines[number], excuse=excuse)
        return replace(self, lines=tuple(lines))

    def with_uncoded(self, drug: str, packs: int) -> "Ticket":
        """Give the ticket with so many packs more that carry no code."""
        there = dict(self.uncoded)
        there[drug] = there.get(drug, 0) + packs
        return replace(self, uncoded=tuple(there.items()))

    def with_scan(self) -> "Ticket":
        """Give the ticket with one more pack or portion."""
        # Every scan comes by here; `replace` takes three times as long.
        return Ticket(
            self.id,
            self.station,
            self.operation,
            self.opened,
            self.packs + 1,
            self.wants_person,
            self.has_person,
            self.lines,
            self.shipment,
            self.payer,
            self.operator,
            self.is_training,
            self.is_opening,
            self.place + 1,
            self.uncoded,
        )

    def with_line(self, number: int, packs: int, units: int) -> "Ticket":
        """Give the ticket after a line was filled by so much more; below zero for less."""
        if not 0 <= number < len(self.lines):
            return self
        lines = list(self.lines)
        lines[number] = lines[number].taking(packs, units)
        return replace(self, lines=tuple(lines))


@dataclass(frozen=True, slots=True)
class TicketCommand:
    """What somebody wants done to the ticket of a station.

    Args:
        action: What.
        station: Where.
        operation: For `open`: what is being done.
        operator: Who says so, an id without meaning outside the site; empty if unknown.
        wants_person: For `open`: the next identity card belongs to this ticket.
        lines: For `open` and `lines`: what is wanted, with the drug ids found.
        shipment: For `open`: the despatch note.
        payer: For `open`: who pays.
        bill: For `open`: the till's own number.
        owner: For `open`: whose goods they are, if they are stored for somebody else (委托储存, S2-06).
        is_training: For `open`: practice.
        is_opening: For `open` of a count: it starts the ledger.
        cause: For `close` and `cancel`: why, if not a person; such as `idle`.
        facts: For `open`, `lines` and `close`: what else the till says, by a name of `FACTS`; the later one counts.
    """

    action: Action
    station: str
    operation: str = VERIFY
    operator: str = ""
    wants_person: bool = False
    lines: Sequence[Line] = ()
    shipment: str = ""
    payer: str = ""
    bill: str = ""
    owner: str = ""
    is_training: bool = False
    is_opening: bool = False
    cause: str = ""
    facts: tuple[tuple[str, str], ...] = ()

    def with_lines(self, lines: Sequence[Line]) -> "TicketCommand":
        """Give the command with other lines."""
        return replace(self, lines=tuple(lines))


def ticket_entry(
    command: TicketCommand,
    ticket: Ticket | None,
    new_id: str,
    *,
    into: str = "",
    doubtful_into: str = "",
    keeps: bool = False,
) -> Entry:
    """Turn a command into the record that carries it out.

    Args:
        command: What is wanted.
        ticket: The station's open ticket, or None.
        new_id: The id for a new ticket.
        into: For `close`: the state that its packs get; the record holds it, so that a later table changes nothing.
        doubtful_into: For `close`: the state of those that were REVIEW and that nobody cleared.
        keeps: For `close`: those that have a state keep it.

    Raises:
        CommandRefusedError: If a ticket is open already, or none is, or there are too many lines.
    """
    if command.action is Action.OPEN:
        if ticket is not None:
            raise CommandRefusedError("ticket_already_open")
        if len(command.lines) > MAX_LINES:
            raise CommandRefusedError("too_many_lines")
        operation, ticket_id, packs = command.operation, new_id, 0
    else:
        if ticket is None:
            raise CommandRefusedError("no_open_ticket")
        if len(ticket.lines) + len(command.lines) > MAX_LINES:
            raise CommandRefusedError("too_many_lines")
        operation, ticket_id, packs = ticket.operation, ticket.id, ticket.packs
    fields: dict[str, Json] = {
        "action": command.action.value,
        "ticket": ticket_id,
        "station": command.station,
        "operation": operation,
        "operator": command.operator,
        "packs": packs,
        "wants_person": command.wants_person,
    }
    if command.lines:
        fields["lines"] = [line.json() for line in command.lines]
    fields |= {
        name: text for name in ("shipment", "payer", "bill", "owner", "cause") if (text := getattr(command, name))
    }
    if command.action is Action.CLOSE:
        fields |= {name: text for name, text in (("into", into), ("doubtful_into", doubtful_into)) if text}
        if keeps:
            fields["keeps"] = True
    if command.facts:
        fields["facts"] = dict(command.facts)
    is_training = ticket.is_training if ticket else command.is_training
    is_opening = ticket.is_opening if ticket else command.is_opening
    fields |= {name: True for name, is_so in (("training", is_training), ("opening", is_opening)) if is_so}
    return Entry(Kind.TICKET, fields)
