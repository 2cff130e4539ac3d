"""Orders: turns what somebody asks of a counter into the entries that carry it out, or refuses it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from yaoma.core.allowlist import Allowlist, drugs_named
from yaoma.core.code import CodeError, from_key
from yaoma.core.command import (
    Append,
    Command,
    Excuse,
    Hold,
    Identify,
    Merge,
    Override,
    Settle,
    SignOn,
    State,
    StockMove,
    Undo,
)
from yaoma.core.deed import (
    MAX_REASON_CHARS,
    PACKS_AT_ONCE,
    REFUSED_TASK,
    StockAction,
    excused,
    held,
    merged,
    overridden,
    settled,
    signed_on,
    stated,
    stocked,
    undone,
)
from yaoma.core.identity import Identity
from yaoma.core.ledger import Seen, date_of
from yaoma.core.operation import Operation
from yaoma.core.pack import IN_HAND
from yaoma.core.person_statement import StatementProblem, number_in
from yaoma.core.policy import Policy, UncodedGoods
from yaoma.core.projection import EMERGENCY
from yaoma.core.reason import Reason, VerdictClass
from yaoma.core.receiving import compare, difference_entry
from yaoma.core.record import Entry, Stamp
from yaoma.core.reservation import ledger_key
from yaoma.core.scan import Person, identity_entry
from yaoma.core.ticket import Action, CommandRefusedError, Line, Ticket, TicketCommand, ticket_entry
from yaoma.service.post import Post
from yaoma.shell.site_ledger import SiteLedger

__all__ = ["Orders"]

_HOUR_MS = 3600 * 1000

#: So many drugs may the lines of a ticket stand for, that its record stays small.
_MAX_DRUGS = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """What commands are checked against.

    Args:
        ledger: What was done with packs and tickets.
        allowlist: Gives the list that holds now, or None.
        policy: Gives the rules of the place.
        operations: What can be done, by id.
        stations: Names of the stations.
        posts: Who works at each station.
        new_id: Gives the id of a new ticket.
        seal: Seals an identity for the log that is written; None where there are no keys to seal to.
    """

    ledger: SiteLedger
    allowlist: Callable[[], Allowlist | None]
    policy: Callable[[], Policy]
    operations: Mapping[str, Operation]
    stations: frozenset[str]
    posts: Mapping[str, Post] = field(default_factory=dict)
    new_id: Callable[[], str]
    seal: Callable[[Identity], Person] | None = None

    def entries(self, command: Command, now: Stamp) -> Sequence[Entry]:
        """Give the entries that carry a command out, the one that answers it last.

        Args:
            command: What is wanted.
            now: The time.

        Raises:
            CommandRefusedError: If it does not fit the state of things.
            DatabaseError: If the ledger can't be read.
        """
        carry_out: Mapping[type, Callable[[Any, Stamp], Sequence[Entry]]] = {
            TicketCommand: self._ticket,
            Undo: self._undo,
            Override: self._override,
            Excuse: self._excuse,
            Identify: self._identify,
            State: self._state,
            StockMove: self._stock,
            Settle: self._settle,
            SignOn: self._sign_on,
            Hold: self._hold,
            Merge: self._merge,
            Append: self._append,
        }
        return carry_out[type(command)](command, now)

    def _known(self, station: str) -> None:
        if station not in self.stations:
            raise CommandRefusedError("station_unknown")

    def _ticket_of(self, station: str) -> Ticket:
        self._known(station)
        ticket = self.ledger.open_ticket(station)
        if ticket is None:
            raise CommandRefusedError("no_open_ticket")
        return ticket

    def _ticket(self, command: TicketCommand, _: Stamp) -> Sequence[Entry]:
        self._known(command.station)
        ticket = self.ledger.open_ticket(command.station)
        name = ticket.operation if ticket is not None else command.operation
        operation = self.operations.get(name)
        if command.action is Action.OPEN:
            self.check_opening(command)
        into = operation.into if operation else None
        doubtful = operation.doubtful_into if operation else None
        entry = ticket_entry(
            self._with_drugs(command),
            ticket,
            self.new_id(),
            into=into.value if into else "",
            doubtful_into=doubtful.value if doubtful else "",
            keeps=operation.keeps if operation else False,
        )
        is_delivery = ticket is not None and operation is not None and operation.receives and not ticket.is_training
        if command.action is Action.CLOSE and ticket is not None and is_delivery:
            return [*self._differences(ticket), entry]
        return [entry]

    def check_opening(self, command: TicketCommand) -> None:
        """See whether a ticket may be opened, apart from one that is open already.

        Args:
            command: What is wanted.

        Raises:
            CommandRefusedError: If it may not.
        """
        operation = self.operations.get(command.operation)
        if operation is None:
            raise CommandRefusedError("operation_unknown")
        if command.is_opening and not operation.keeps:
            raise CommandRefusedError("opening_needs_count")
        post = self.posts.get(command.station)
        if operation.named and not (command.operator or (post and post.operator)):
            raise CommandRefusedError("operator_needed")
        if operation.partner and not dict(command.facts).get("partner"):
            raise CommandRefusedError("partner_needed")
        allowlist = self.allowlist()
        if command.shipment and (allowlist is None or allowlist.shipment(command.shipment) is None):
            raise CommandRefusedError("shipment_unknown")

    def _with_drugs(self, command: TicketCommand) -> TicketCommand:
        """Find the drugs that the lines name; a line whose drug the list does not know is refused."""
        if not command.lines:
            return command
        allowlist = self.allowlist()
        if allowlist is None:
            raise CommandRefusedError("list_missing")
        lines, drugs = [], 0
        for line in command.lines:
            matches = drugs_named(allowlist, line.drug)
            if not matches:
                raise CommandRefusedError("drug_unknown")
            drugs += len(matches)
            if drugs > _MAX_DRUGS:
                raise CommandRefusedError("too_many_lines")
            lines.append(Line(line.drug, matches, line.packs, line.units, line.name))
        return command.with_lines(lines)

    def _differences(self, ticket: Ticket) -> Sequence[Entry]:
        """Hold a delivery against each despatch note that it touches, or say that there was none."""
        allowlist = self.allowlist()
        by_shipment: dict[str, dict[str, str]] = {ticket.shipment: {}} if ticket.shipment else {}
        for key in self.ledger.packs_of(ticket.id):
            seen = self.ledger.seen(key)
            reason = seen.reason if seen and seen.verdict == "REVIEW" and not seen.is_cleared else ""
            named = ticket.shipment or self._shipment_of(key, allowlist)
            by_shipment.setdefault(named, {})[key] = reason
        for key, reason in self.ledger.refused_on(ticket.id).items():
            # What was stopped is there all the same; of a container all that it holds.
            named = ticket.shipment or self._shipment_of(key, allowlist)
            shipment = allowlist.shipment(named) if allowlist is not None and named else None
            for one in (shipment.smallest_in(key) if shipment else ()) or (key,):
                by_shipment.setdefault(named, {}).setdefault(one, reason)
        found = []
        for shipment_id, scanned in by_shipment.items():
            shipment = allowlist.shipment(shipment_id) if allowlist is not None and shipment_id else None
            already = [key for key in shipment.line_of if self._is_known(key)] if shipment else []
            found.append(difference_entry(ticket, compare(shipment, scanned, already)))
        return found

    def _is_known(self, key: str) -> bool:
        seen = self.ledger.seen(key)
        return seen is not None and bool(seen.effect)

    @staticmethod
    def _shipment_of(key: str, allowlist: Allowlist | None) -> str:
        if allowlist is None:
            return ""
        try:
            return allowlist.listing(from_key(key, allowlist.patterns)).shipment or ""
        except CodeError:
            return ""

    def _last(self, ticket: Ticket) -> Sequence[str]:
        """Give the packs that the last scan put on a ticket: one, or what a container held."""
        on_it = [(key, seen) for key in self.ledger.packs_of(ticket.id) if (seen := self.ledger.seen(key)) is not None]
        if not on_it:
            raise CommandRefusedError("ticket_empty")
        last_key, last = max(on_it, key=lambda one: one[1].place)
        if len(last.takes) > 1:
            return [last_key]
        return [key for key, seen in on_it if (seen.log, seen.seq) == (last.log, last.seq)]

    def _undo(self, command: Undo, _: Stamp) -> Sequence[Entry]:
        ticket = self._ticket_of(command.station)
        return [undone(ticket, self._last(ticket), self._operator(command.station, command.operator))]

    def _operator(self, station: str, operator: str) -> str:
        post = self.posts.get(station)
        return operator or (post.operator if post else "")

    def _override(self, command: Override, now: Stamp) -> Sequence[Entry]:
        ticket, policy = self._ticket_of(command.station), self.policy()
        operator = self._operator(command.station, command.operator)
        if not operator:
            raise CommandRefusedError("operator_needed")
        _check_reason(command.reason)
        if command.is_emergency and not policy.emergency_hours:
            raise CommandRefusedError("emergency_not_allowed")
        wanted = [ledger_key(command.code, is_training=ticket.is_training)] if command.code else self._last(ticket)
        on_it = set(self.ledger.packs_of(ticket.id))
        packs = [
            key
            for key in wanted
            if key in on_it and (seen := self.ledger.seen(key)) is not None and _may_be_cleared(seen)
        ]
        if not packs:
            raise CommandRefusedError("nothing_to_override")
        reason = command.reason.strip()
        if not command.is_emergency:
            return [overridden(ticket, packs, operator, reason, 0)]
        # One use, one deadline: who lets it through again, at the sale, does not put it off (S2-14).
        running = [key for key in packs if self.ledger.duty(f"{EMERGENCY}:{key}") is not None]
        fresh = [key for key in packs if key not in running]
        due_ms = now.wall_ms + policy.emergency_hours * _HOUR_MS
        said = ((running, 0), (fresh, due_ms))
        return [overridden(ticket, keys, operator, reason, until_ms) for keys, until_ms in said if keys]

    def _identify(self, command: Identify, _: Stamp) -> Sequence[Entry]:
        ticket = self._ticket_of(command.station)
        if self.seal is None:
            raise CommandRefusedError("cannot_seal")
        operator = self._operator(command.station, command.operator)
        return [identity_entry(ticket, operator, self.seal(command.identity))]

    def _excuse(self, command: Excuse, _: Stamp) -> Sequence[Entry]:
        ticket = self._ticket_of(command.station)
        operator = self._operator(command.station, command.operator)
        if not operator:
            raise CommandRefusedError("operator_needed")
        if not 0 <= command.line < len(ticket.lines):
            raise CommandRefusedError("no_such_line")
        _check_reason(command.reason)
        return [excused(ticket, command.line, command.reason.strip(), operator)]

    def _state(self, command: State, _: Stamp) -> Sequence[Entry]:
        ticket = self._ticket_of(command.station)
        if not self.policy().identity_typed_reason_allowed:
            raise CommandRefusedError("statement_not_allowed")
        return [stated(ticket, command.statement)]

    def _stock(self, command: StockMove, now: Stamp) -> Sequence[Entry]:
        if command.station:
            self._known(command.station)
        if not command.drug or command.quantity < (0 if command.action is StockAction.COUNT else 1):
            raise CommandRefusedError("quantity_needed")
        if command.action is StockAction.IN or command.reason:
            _check_reason(command.reason)
        there = self.ledger.in_store(command.drug, command.lot)
        if command.action is StockAction.OUT and command.quantity > there:
            raise CommandRefusedError("not_in_store")
        ticket = self.ledger.open_ticket(command.station) if command.station else None
        if ticket is not None and ticket.is_training:
            raise CommandRefusedError("training_open")
        day = date_of(now.wall_ms)
        if command.action is StockAction.IN and day and self.policy().uncoded_on(day) is UncodedGoods.REFUSE:
            raise CommandRefusedError("uncoded_refused")
        return [
            stocked(
                command.action,
                {
                    "drug": command.drug,
                    "name": command.name,
                    "lot": command.lot,
                    "quantity": command.quantity,
                    "reason": command.reason.strip(),
                    "supplier": command.supplier,
                    "station": command.station,
                    "ticket": ticket.id if ticket else None,
                    "operator": self._operator(command.station, command.operator),
                },
            )
        ]

    def _settle(self, command: Settle, _: Stamp) -> Sequence[Entry]:
        if not command.is_own:
            if not command.operator:
                raise CommandRefusedError("operator_needed")
            _check_reason(command.how)
        duties = [
            duty
            for duty in dict.fromkeys(command.duties)
            # Tasks of the outbox are none of the ledger's: who asks has looked whether they are open.
            if duty.startswith(REFUSED_TASK) or self.ledger.duty(duty) is not None
        ]
        if not duties:
            raise CommandRefusedError("no_such_duty")
        how = command.how.strip()
        return [
            settled(duties[first : first + PACKS_AT_ONCE], how, command.operator, command.into)
            for first in range(0, len(duties), PACKS_AT_ONCE)
        ]

    def _sign_on(self, command: SignOn, _: Stamp) -> Sequence[Entry]:
        self._known(command.station)
        return [signed_on(command.station, command.operator, is_supervisor=command.is_supervisor)]

    def _hold(self, command: Hold, _: Stamp) -> Sequence[Entry]:
        packs = [key for key in command.packs if (seen := self.ledger.seen(key)) and seen.state in IN_HAND]
        return [
            held(packs[first : first + PACKS_AT_ONCE], command.kind, command.note, command.version)
            for first in range(0, len(packs), PACKS_AT_ONCE)
        ]

    def _append(self, command: Append, _: Stamp) -> Sequence[Entry]:
        return [command.entry]

    def _merge(self, command: Merge, _: Stamp) -> Sequence[Entry]:
        operation = self.operations.get(command.operation)
        if operation is None:
            # A later version may know it: the neighbour's word stays where it is until then.
            raise CommandRefusedError("operation_unknown")
        if operation.into is None:
            return []
        into, packs = operation.into.value, command.packs
        return [
            merged(command.box, command.operation, into, command.done_ms, packs[first : first + PACKS_AT_ONCE])
            for first in range(0, len(packs), PACKS_AT_ONCE)
        ]


def _may_be_cleared(seen: Seen) -> bool:
    """Say whether a named operator may let a pack through; who gets a controlled drug is said by its own statement."""
    return seen.verdict == VerdictClass.REVIEW.value and seen.reason != Reason.IDENTITY_MISSING


def _check_reason(reason: str) -> None:
    """Refuse an empty or endless reason, and one that holds somebody's number: nobody can take it out again."""
    if not reason.strip() or len(reason) > MAX_REASON_CHARS:
        raise CommandRefusedError("reason_needed")
    if number_in(reason) is StatementProblem.NOTE_HAS_IDENTITY:
        raise CommandRefusedError("reason_has_number")
