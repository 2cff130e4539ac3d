"""The counter: turns one scan or command into its drafted records, with everything it depends on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final

from yaoma.core.allowlist import Allowlist
from yaoma.core.code import ControlCode, Lookalike, LookalikeKind, Meaning, parse
from yaoma.core.command import SignOn
from yaoma.core.findings import Findings, look_up
from yaoma.core.identity import Identity, IdentityFault, read_identity
from yaoma.core.ledger import Seen, date_of
from yaoma.core.operation import UNKNOWN_OPERATION, Operation
from yaoma.core.policy import Policy
from yaoma.core.reason import Reason, VerdictClass
from yaoma.core.record import ClockState, Record, Stamp
from yaoma.core.reservation import ledger_key
from yaoma.core.scan import Person, scan_entry
from yaoma.core.situation import Situation
from yaoma.core.ticket import VERIFY, Action, CommandRefusedError, Ticket, TicketCommand
from yaoma.core.verdict import Verdict, judge
from yaoma.service.control_desk import ControlDesk
from yaoma.service.orders import Orders
from yaoma.service.pass_through import PassThrough
from yaoma.service.post import Post
from yaoma.service.work import Answer, Request, View
from yaoma.shell.clock import TimeFloor
from yaoma.shell.journal import Draft
from yaoma.shell.site_ledger import SiteLedger
from yaoma_drivers.symbol import Source, Symbol

__all__ = ["Counter", "Told"]

Told = Callable[[], None]
"""What is to be told once the record is kept."""

_MINUTE_MS: Final = 60 * 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """What a verdict depends on besides the scan.

    Args:
        ledger: What was done with packs and tickets.
        allowlist: Gives the list that holds now, or None.
        policy: Gives the rules of the place.
        stations: Station by scanner.
        operations: What can be done, by id.
        floor: The latest time that is known to have passed.
        new_id: Gives the id of a new ticket.
        seal: Seals an identity for a record of a log, or None where there are no keys to seal to.
        view: Told what was recorded.
        control: Knows what control codes stand for; without it they are refused.
        posts: Who works at each station.
        passing: The way to the tills, where there are any.
    """

    ledger: SiteLedger
    allowlist: Callable[[], Allowlist | None]
    policy: Callable[[], Policy]
    stations: Mapping[str, str]
    operations: Mapping[str, Operation]
    floor: TimeFloor
    new_id: Callable[[], str]
    seal: Callable[[Identity, str], Person] | None
    view: View
    control: ControlDesk | None = None
    posts: Mapping[str, Post] = field(default_factory=dict)
    passing: PassThrough | None = None

    def scanned(self, symbol: Symbol, draft: Draft, stamp: Stamp, *, disk_low: bool) -> Told:
        """Judge a symbol and draft its record.

        Raises:
            DatabaseError: If the ledger can't be read.
        """
        self.floor.saw(stamp)
        allowlist = self.allowlist()
        code = parse(symbol, allowlist.patterns if allowlist else ())
        station = self.stations[symbol.scanner]
        self._touch(station, stamp)
        ticket = self.ledger.open_ticket(station)
        if isinstance(code, ControlCode):
            return self._controlled(symbol, code, draft, stamp, disk_low=disk_low)
        if self.passing is not None and isinstance(code, Lookalike):
            operation = self.operations.get(ticket.operation if ticket else VERIFY, UNKNOWN_OPERATION)
            hand_on = self.passing.tills_own(symbol, code, station, ticket, operation)
            if hand_on is not None:
                # None of the box's business: neither judged, nor counted, nor recorded (DESIGN.md 11).
                return hand_on
        identity = self._identity(symbol, code, ticket, stamp)
        situation = self._situation(code, station, ticket, allowlist, stamp, disk_low=disk_low)
        if isinstance(identity, IdentityFault):
            situation = replace(situation, identity_problem=identity.reason.value)
        verdict = judge(code, situation)
        person = None
        if verdict.reason == Reason.PERSON_SEALED and self.seal is not None and isinstance(identity, Identity):
            person = self.seal(identity, draft.log)
        record = draft.add(scan_entry(symbol, code, verdict, situation, person), stamp)
        self.ledger.stage(record)
        return lambda: self.view.show(symbol, verdict, record)

    def _identity(
        self, symbol: Symbol, code: Meaning, ticket: Ticket | None, stamp: Stamp
    ) -> Identity | IdentityFault | None:
        """Read the identity card that the ticket wants, or give None if this is none."""
        is_card = isinstance(code, Lookalike) and code.kind is LookalikeKind.ID_NUMBER
        if not is_card or ticket is None or not ticket.wants_person:
            return None
        # With a clock that nobody set, nobody's birthday can be called a day to come.
        is_known = stamp.clock is not ClockState.UNTRUSTED
        today = date_of(max(stamp.wall_ms, self.floor.ms)) if is_known else None
        return read_identity(symbol.data, today or date.max)

    def commanded(self, request: Request, draft: Draft, stamp: Stamp) -> Told:
        """Draft the records of a command, or refuse it.

        Raises:
            DatabaseError: If the ledger can't be read.
        """
        if request.is_given_up():
            return lambda: None
        try:
            records = self._drafted(request, draft, stamp)
        except CommandRefusedError as error:
            refusal = Answer(refusal=error.reason)
            return lambda: request.answer(refusal)
        return lambda: request.answer(Answer(records))

    def posts_now(self) -> Mapping[str, Post]:
        """Give who works where, so that a commit that fails can take back what it would have changed."""
        return {station: replace(post) for station, post in self.posts.items()}

    def put_back(self, before: Mapping[str, Post]) -> None:
        """Let who works where be as it was.

        Args:
            before: As `posts_now` gave it.
        """
        for station, post in before.items():
            self.posts[station].become(post)

    def idle(self, stamp: Stamp) -> list[TicketCommand]:
        """Give the commands that close tickets at which nothing was done for longer than the policy allows.

        Args:
            stamp: The time.

        Raises:
            DatabaseError: If the ledger can't be read.
        """
        longest_ms = self.policy().ticket_idle_minutes * _MINUTE_MS
        due = []
        for station in frozenset(self.stations.values()) if longest_ms else ():
            ticket = self.ledger.open_ticket(station)
            post = self.posts.get(station)
            if ticket is None or post is None or ticket.is_opening:
                # An opening count says that every pack of the site is known: only a person may say so.
                continue
            if not post.touched_ms:
                # It was open before the start; its time begins anew.
                post.touched_ms = stamp.mono_ms
            elif stamp.mono_ms - post.touched_ms > longest_ms:
                action = Action.CLOSE if ticket.packs else Action.CANCEL
                due.append(TicketCommand(action, station, cause="idle"))
        return due

    def _situation(
        self,
        code: Meaning,
        station: str,
        ticket: Ticket | None,
        allowlist: Allowlist | None,
        stamp: Stamp,
        *,
        disk_low: bool,
    ) -> Situation:
        seen, findings, relative, held_by = None, None, "", ""
        contents: tuple[Seen | None, ...] = ()
        is_training = ticket is not None and ticket.is_training
        if not isinstance(code, (Lookalike, ControlCode)):
            seen = self.ledger.seen(ledger_key(code.key, is_training=is_training))
            findings = look_up(code, allowlist)
            if findings.packs:
                contents = tuple(self.ledger.seen(ledger_key(one, is_training=is_training)) for one in findings.packs)
            held_by = self._held_by((seen, *contents), station)
            relative = self._relative(code.key, findings, ticket)
        return Situation(
            now=stamp,
            station=station,
            ticket=ticket,
            seen=seen,
            allowlist=allowlist,
            policy=self.policy(),
            operation=self.operations.get(ticket.operation if ticket else VERIFY, UNKNOWN_OPERATION),
            findings=findings,
            # Practice begins with an empty shelf.
            complete_since_ms=None if is_training else self.ledger.complete_since_ms,
            contents=contents,
            held_by=held_by,
            relative=relative,
            floor_ms=self.floor.ms,
            disk_low=disk_low,
            can_seal=self.seal is not None,
        )

    def _held_by(self, packs: Sequence[Seen | None], station: str) -> str:
        """Give another station whose open ticket one of these packs is on, or an empty text."""
        for seen in packs:
            if seen is None or not seen.place or seen.station == station:
                continue
            ticket = self.ledger.open_ticket(seen.station)
            if ticket is not None and seen.is_on(ticket.id):
                return seen.station
        return ""

    def _relative(self, key: str, findings: Findings, ticket: Ticket | None) -> str:
        """Give a container or content of this code that is on the same ticket, or an empty text."""
        if ticket is None or findings.shipment is None or not ticket.packs:
            return ""
        for other in (*findings.shipment.around(key), *findings.packs):
            seen = self.ledger.seen(ledger_key(other, is_training=ticket.is_training))
            if seen is not None and seen.is_on(ticket.id):
                return other
        return ""

    def _touch(self, station: str, stamp: Stamp) -> None:
        if (post := self.posts.get(station)) is not None:
            post.touched_ms = stamp.mono_ms

    def _drafted(self, request: Request, draft: Draft, stamp: Stamp) -> tuple[Record, ...]:
        command = request.command
        records = []
        for entry in self._orders(draft).entries(command, stamp):
            record = draft.add(entry, stamp)
            self.ledger.stage(record)
            records.append(record)
        station = getattr(command, "station", "")
        self._touch(station, stamp)
        if isinstance(command, SignOn) and (post := self.posts.get(station)) is not None:
            post.operator, post.is_supervisor = command.operator, command.is_supervisor
        return tuple(records)

    def _orders(self, draft: Draft) -> Orders:
        seal = self.seal
        return Orders(
            seal=(lambda identity: seal(identity, draft.log)) if seal is not None else None,
            ledger=self.ledger,
            allowlist=self.allowlist,
            policy=self.policy,
            operations=self.operations,
            stations=frozenset(self.stations.values()),
            posts=self.posts,
            new_id=self.new_id,
        )

    def _controlled(self, symbol: Symbol, code: ControlCode, draft: Draft, stamp: Stamp, *, disk_low: bool) -> Told:
        """Carry out what a control code commands; what is shown names what was done, or why not."""
        station = self.stations[symbol.scanner]
        post = self.posts.get(station)
        if post is not None and post.is_repeated(code.text, stamp.mono_ms, self.policy().hold_off_ms):
            verdict = Verdict(VerdictClass.REPEAT, Reason.REPEAT_SCAN)
        else:
            facts = {"action": code.action.value, "argument": code.argument}
            try:
                self._obey(symbol, code, draft, stamp)
                verdict = Verdict(VerdictClass.PASS, Reason.CONTROL_DONE, facts=facts)
            except CommandRefusedError as error:
                facts["refusal"] = error.reason
                verdict = Verdict(VerdictClass.FAULT, Reason.CONTROL_REFUSED, facts=facts)
        ticket = self.ledger.open_ticket(station)
        situation = self._situation(code, station, ticket, self.allowlist(), stamp, disk_low=disk_low)
        record = draft.add(scan_entry(symbol, code, verdict, situation), stamp)
        self.ledger.stage(record)
        return lambda: self.view.show(symbol, verdict, record)

    def _obey(self, symbol: Symbol, code: ControlCode, draft: Draft, stamp: Stamp) -> None:
        if self.control is None or (code.sheet is not None and symbol.source is Source.HAND):
            # Whoever can type a signed code has it from somewhere else than from the sheet in his hand.
            raise CommandRefusedError("control_not_here")
        station = self.stations[symbol.scanner]
        today = date_of(max(stamp.wall_ms, self.floor.ms))
        commands = self.control.commands(code, station, self.ledger.open_ticket(station), today)
        for command in commands:
            # An empty ticket gives way to another only if that can be opened.
            if isinstance(command, TicketCommand) and command.action is Action.OPEN:
                self._orders(draft).check_opening(command)
        for command in commands:
            self._drafted(Request(command, lambda _: None), draft, stamp)
