"""The contract of a platform: a system that takes bills and answers for each code (DESIGN.md 9).

How a bill travels; the pipeline does all of it, a platform only the calls in capitals::

    RULES a line -> needed, not needed, or held with a reason that a person can lift
    divides the bill into PARCELS, once: they are stored with their numbers before anything is sent
    writes "sent" into the store -> SENDS the parcel -> writes the answer
    processing: ASKS again and again, with growing waits, until it is accepted or refused
    unknown (time-out, crash, an answer that can't be read): ASKS; sends again only after `waiting`

A platform keeps no state of its own about bills: whatever it must remember goes into `Parcel.facts` or `Answer.facts`,
which the pipeline stores. It never sleeps, never retries, never writes the store; it logs no code and no person.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, Protocol, runtime_checkable

from pydantic import BaseModel

from yaoma.core.canonical import Json
from yaoma_bridge.bill import Bill, BillLine

__all__ = ["Answer", "AnswerState", "Order", "Pace", "Parcel", "Platform", "Revocable", "Ruling", "RulingKind"]


class AnswerState(StrEnum):
    """What a platform said of a parcel, or of one code in it; in doubt it is UNKNOWN (DESIGN.md 3, promise 4)."""

    ACCEPTED = "accepted"  # processed, and counted there; never merely received
    PROCESSING = "processing"  # taken; what becomes of it is asked later
    REFUSED = "refused"  # processed and refused; sending the same again would not help
    UNKNOWN = "unknown"  # it may be there or not: time-out, broken connection, an answer that can't be read
    WAITING = "waiting"  # certainly not there: nothing was sent, or the platform said so; it may be sent (again)
    HELD = "held"  # can't be sent as it is; a person must do something first (credentials, a missing number)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a platform said of one parcel.

    Args:
        state: Of the parcel as a whole.
        reason: For REFUSED, UNKNOWN, WAITING and HELD: a stable id of letters, digits, `_` and `-`, at most 64, such as
            `sold_elsewhere`, `not_activated`, `duplicate_code`, `check_digits`, `timeout`, `rate_limited`,
            `answer_unreadable`, `credentials`. The operator reads it through the message catalogue
            (`reasons.<id>`), so a new one needs its sentence there. Never a platform's whole sentence.
        said: What the platform wrote, shortened to 200 characters, for `yaoma-bridge explain`; the platform makes sure
            that neither codes nor anything about a person stands in it.
        codes: Where the platform answered code by code: (state, reason) by the code's key (`BillLine.code`, or one of
            `BillLine.packs`). A line counts as `state` says unless it, or a pack in it, stands here.
        facts: What must be remembered for the next `ask`, such as the platform's own number or capture id; replaces
            what an earlier answer said under the same name. No codes beyond the parcel's, no person, no secret.
        retry_after_s: How long the platform asked us to wait, in seconds; None if it did not say.
        is_outage: It says something of the platform and not of the parcel (no connection, HTTP 5xx, rate limit,
            maintenance, bad credentials): counts for the circuit breaker, and the parcel's tries are not used up.
    """

    state: AnswerState
    reason: str = ""
    said: str = ""
    codes: Mapping[str, tuple[AnswerState, str]] = field(default_factory=dict, repr=False)
    facts: Mapping[str, Json] = field(default_factory=dict, repr=False)
    retry_after_s: float | None = None
    is_outage: bool = False


@dataclass(frozen=True, slots=True)
class Parcel:
    """What goes to a platform in one call: a bill, or a part of one.

    `parcels` makes it without `facts` of answers; the pipeline stores number, call, codes and facts before the first
    send and gives the same ones back ever after, also when options have changed meanwhile.

    Args:
        number: The platform's own number for it (单据号, fixmedins_bchno, event id ...): made from `Bill.number` and
            the part, so the same bill always gives the same numbers; unique at this destination.
        call: Which of the platform's methods it is for, such as `lsyd.uploadretail` or `3505A`.
        bill: The bill that it is a part of.
        lines: Numbers of the bill's lines that it carries, ascending.
        codes: Keys that it carries, if these are not simply the codes of its lines (the packs in a container, a part
            of them); empty otherwise.
        follows: Number of another parcel of the same bill that must be accepted before this one is sent; empty if
            none. If that one is refused, this one is refused with reason `follows_refused`.
        facts: What the platform must know again at `send` and `ask`, such as a GUID made once or a row's own number.
        sent_ms: When its last send began, milliseconds since 1970; 0 before the first. The pipeline fills it in.
    """

    number: str
    call: str
    bill: Bill = field(repr=False)
    lines: tuple[int, ...]
    codes: tuple[str, ...] = field(default=(), repr=False)
    follows: str = ""
    facts: Mapping[str, Json] = field(default_factory=dict, repr=False)
    sent_ms: int = 0

    @property
    def carried(self) -> Sequence[BillLine]:
        """The bill's lines that it carries."""
        return [self.bill.lines[number] for number in self.lines]

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of the codes that it carries."""
        return self.codes or tuple(line.code for line in self.carried)


class RulingKind(StrEnum):
    """Whether a destination wants a line."""

    NEEDED = "needed"
    NOT_NEEDED = "not_needed"  # it is told nothing, and the record is done without it
    HELD = "held"  # it would be needed, but something must be put right first; shown, never dropped


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a platform says of a line before anything is sent.

    Args:
        kind: Whether it wants it.
        reason: For HELD: a stable reason id as in `Answer.reason`, such as `institution_unknown`,
            `product_unknown`, `operation_unsupported`. For NOT_NEEDED: why, for `explain`.
    """

    kind: RulingKind = RulingKind.NEEDED
    reason: str = ""


class Order(StrEnum):
    """What the pipeline must wait for before it sends a parcel."""

    NONE = "none"  # nothing
    CODE = "code"  # earlier bills with one of its codes, at this site and destination, must be accepted or refused:
    # receive before dispense before return. Earlier ones that are unknown, held or retried hold it up.
    SITE = "site"  # earlier bills of the site at this destination must be accepted or refused


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a platform may be called; the destination's table may override each of these.

    Args:
        calls_per_s: Calls (send and ask together) in the long run; 0 for no limit.
        burst: How many may come at once after a pause.
        at_once: How many calls may be under way at the same time, each on a thread of its own. Above 1, `send` and
            `ask` must be safe to call from several threads.
        first_ask_s: How long after PROCESSING the first `ask` comes, in seconds.
        longest_ask_s: The longest wait between two asks, in seconds; it doubles from `first_ask_s` to here.
        give_up_s: After so long in PROCESSING or UNKNOWN without an end an operator is told (the parcel is asked on).
    """

    calls_per_s: float = 0.0
    burst: int = 1
    at_once: int = 1
    first_ask_s: float = 3.0
    longest_ask_s: float = 600.0
    give_up_s: float = 86_400.0


@runtime_checkable
class Platform(Protocol):
    """A system that takes bills; named in the entry point group `yaoma.destinations` like any destination.

    It is made with `(name, options)`. `rule` and `parcels` are pure: no clock, no network, no randomness, so the same
    bill gives the same parcels on every worker and after every restart. `send` and `ask` are given the time.
    """

    #: What may stand in its table of the configuration, beside what every platform's table has (`[destination.route]`,
    #: `[destination.pace]`). Secrets are paths of files that are read here; a missing file is an error of the config.
    Options: ClassVar[type[BaseModel]]

    #: The entry point's name; the table of `Institution.own` that is meant for it.
    KIND: ClassVar[str]

    @property
    def name(self) -> str:
        """Its name in the configuration, in receipts and in the store."""
        ...

    @property
    def order(self) -> Order:
        """What must be finished before a parcel may be sent."""
        ...

    @property
    def pace(self) -> Pace:
        """How fast it may be called."""
        ...

    def rule(self, bill: Bill, line: BillLine) -> Ruling:
        """Say whether this platform wants a line: by operation, kind of institution, kind of code, what is known.

        Trace platform, payer and exemption are asked before, by `[destination.route]`; here is what only the platform
        knows. Pure.
        """
        ...

    def parcels(self, bill: Bill) -> Sequence[Parcel]:
        """Divide a bill into what goes into single calls, in the order in which they should be sent. Pure.

        The bill holds only lines that were ruled NEEDED, at least one. Each line must be in a parcel, and may be in
        several (a purchase row and a stock row); its outcome is then the gravest of theirs, and accepted if all are.
        """
        ...

    def send(self, parcel: Parcel, now_ms: int) -> Answer:
        """Send a parcel. "Sent" is in the store already, so a crash in here becomes UNKNOWN and is asked.

        It ends within 60 s by its own time-outs, and reads an answer of bounded size. It raises nothing that comes
        from the network or from what the platform wrote: that is an answer with a reason.

        Args:
            parcel: What to send; the persons of its bill are there only at this moment.
            now_ms: The time, milliseconds since 1970.
        """
        ...

    def ask(self, parcel: Parcel, now_ms: int) -> Answer:
        """Ask what became of a parcel that was sent, or may have been.

        WAITING means that the platform certainly does not have it and it may be sent again. A platform that offers no
        such question answers UNKNOWN with reason `cannot_be_asked`: a person then decides with `yaoma-bridge retry`.

        Args:
            parcel: The parcel; `facts` holds what the answers so far said.
            now_ms: The time, milliseconds since 1970.
        """
        ...

    def close(self) -> None:
        """Give connections back; safe to call again."""
        ...


@runtime_checkable
class Revocable(Platform, Protocol):
    """A platform at which an accepted parcel can be taken back, such as by 3507 (商品信息删除)."""

    def revoke(self, parcel: Parcel, now_ms: int) -> Answer:
        """Take back a parcel that was accepted; called only for `yaoma-bridge revoke`, never by the pipeline itself.

        ACCEPTED means that it is gone there; its records then become refused with reason `revoked`. REFUSED leaves
        them as they are. UNKNOWN puts them into unknown, and `ask` decides.

        Args:
            parcel: The parcel.
            now_ms: The time, milliseconds since 1970.
        """
        ...
