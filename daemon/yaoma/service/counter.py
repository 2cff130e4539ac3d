"""The counter: turns one scan or command into its drafted record, with everything it depends on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from yaoma.core.allowlist import Allowlist
from yaoma.core.code import Lookalike, as_pack, parse
from yaoma.core.policy import Policy
from yaoma.core.reason import Reason
from yaoma.core.record import Stamp
from yaoma.core.scan import Person, scan_entry
from yaoma.core.ticket import Action, TicketCommand, TicketRefusedError, ticket_entry
from yaoma.core.verdict import Situation, judge
from yaoma.service.work import Request, TicketAnswer, View
from yaoma.shell.clock import TimeFloor
from yaoma.shell.journal import Draft
from yaoma.shell.site_ledger import SiteLedger
from yaoma_drivers.symbol import Symbol

__all__ = ["Counter", "Told"]

Told = Callable[[], None]
"""What is to be told once the record is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """What a verdict depends on besides the scan.

    Args:
        ledger: What was done with packs and tickets.
        allowlist: Gives the list that holds now, or None.
        policy: The rules of the place.
        stations: Station by scanner.
        operations: The ids that a ticket may have.
        floor: The latest time that is known to have passed.
        new_id: Gives the id of a new ticket.
        seal: Seals an identity, or None where there are no keys to seal to.
        view: Told what was recorded.
    """

    ledger: SiteLedger
    allowlist: Callable[[], Allowlist | None]
    policy: Policy
    stations: Mapping[str, str]
    operations: frozenset[str]
    floor: TimeFloor
    new_id: Callable[[], str]
    seal: Callable[[bytes], Person] | None
    view: View

    def scanned(self, symbol: Symbol, draft: Draft, stamp: Stamp, *, disk_low: bool) -> Told:
        """Judge a symbol and draft its record.

        Raises:
            DatabaseError: If the ledger can't be read.
        """
        self.floor.saw(stamp)
        allowlist = self.allowlist()
        code = as_pack(parse(symbol, allowlist.patterns if allowlist else ()), symbol.length)
        station = self.stations[symbol.scanner]
        situation = Situation(
            now=stamp,
            station=station,
            ticket=self.ledger.open_ticket(station),
            seen=None if isinstance(code, Lookalike) else self.ledger.seen(code.key),
            allowlist=allowlist,
            policy=self.policy,
            floor_ms=self.floor.ms,
            disk_low=disk_low,
            can_seal=self.seal is not None,
        )
        verdict = judge(code, situation)
        person = None
        if verdict.reason == Reason.PERSON_SEALED and self.seal is not None:
            person = self.seal(symbol.data.strip())
        record = draft.add(scan_entry(symbol, code, verdict, situation, person), stamp)
        self.ledger.stage(record)
        return lambda: self.view.show(symbol, verdict, record)

    def commanded(self, request: Request, draft: Draft, stamp: Stamp) -> Told:
        """Draft the record of a ticket command, or refuse it.

        Raises:
            DatabaseError: If the ledger can't be read.
        """
        command = request.command
        if request.is_given_up():
            return lambda: None
        try:
            self._check(command)
            entry = ticket_entry(command, self.ledger.open_ticket(command.station), self.new_id())
        except TicketRefusedError as error:
            refusal = TicketAnswer(refusal=error.reason)
            return lambda: request.answer(refusal)
        record = draft.add(entry, stamp)
        self.ledger.stage(record)
        return lambda: request.answer(TicketAnswer(record))

    def _check(self, command: TicketCommand) -> None:
        if command.station not in self.stations.values():
            raise TicketRefusedError("station_unknown")
        if command.action is Action.OPEN and command.operation not in self.operations:
            raise TicketRefusedError("operation_unknown")
