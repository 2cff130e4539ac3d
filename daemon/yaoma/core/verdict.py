"""Verdict: may this pack be received or handed out, as far as the box can know."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from yaoma.core.allowlist import Allowlist
from yaoma.core.code import Cn20, Gs1, Lookalike, LookalikeKind, Other, TraceCode
from yaoma.core.ledger import Seen
from yaoma.core.policy import Policy
from yaoma.core.reason import CLASSES, Degraded, Reason, VerdictClass, lookalike_reason
from yaoma.core.record import ClockState, Stamp
from yaoma.core.ticket import Ticket

__all__ = ["Situation", "Verdict", "judge"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the box says of one symbol.

    Args:
        verdict: The class.
        reason: A stable id, see `yaoma.core.reason`.
        degraded: Flags beside it.
        facts: What the operator's sentence is filled with; never a person's text.
    """

    verdict: VerdictClass
    reason: str
    degraded: tuple[Degraded, ...] = ()
    facts: Mapping[str, str | int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a class that this reason can't have."""
        if self.verdict not in CLASSES[self.reason]:
            raise ValueError(f"{self.reason} can't be {self.verdict}")


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything a verdict depends on besides the code.

    Args:
        now: The time of judgement.
        station: Where the scanner stands.
        ticket: The station's open ticket, or None.
        seen: The last scan of this code on this box that was no repeat, or None.
        allowlist: The list, or None if there is none that can be believed.
        policy: The rules of the place.
        disk_low: Room for records is running out.
        can_seal: There are keys to seal an identity to.
        floor_ms: The latest time that is known to have passed, milliseconds since 1970; a clock set backwards does
            not bring an expired list back to life (DESIGN.md 6).
    """

    now: Stamp
    station: str
    ticket: Ticket | None
    seen: Seen | None
    allowlist: Allowlist | None
    policy: Policy
    disk_low: bool = False
    can_seal: bool = False
    floor_ms: int = 0


def judge(code: TraceCode | Lookalike, situation: Situation) -> Verdict:
    """Judge one symbol.

    What is forbidden comes before what is repeated: a recalled pack that is scanned twice stays red. Then what the
    list knows. A state that is not known is said, never guessed (DESIGN.md 3, promise 4).
    """
    flags = _flags(situation)
    if isinstance(code, Lookalike):
        return _judge_lookalike(code, situation, flags)
    allowlist = situation.allowlist
    denial = allowlist.denial(code) if allowlist else None
    if denial is not None:
        return Verdict(VerdictClass.STOP, f"denied_{denial.kind.value}", flags, {"note": denial.note})
    return _repeat(situation, flags) or _listed(code, situation, flags)


def _judge_lookalike(code: Lookalike, situation: Situation, flags: tuple[Degraded, ...]) -> Verdict:
    if code.kind is LookalikeKind.ID_NUMBER and situation.ticket is not None and situation.ticket.wants_person:
        if situation.can_seal:
            return Verdict(VerdictClass.PASS, Reason.PERSON_SEALED, flags)
        return Verdict(VerdictClass.FAULT, Reason.PERSON_NOT_SEALABLE, flags)
    return Verdict(VerdictClass.FAULT, lookalike_reason(code.kind), flags, {"length": code.length})


def _repeat(situation: Situation, flags: tuple[Degraded, ...]) -> Verdict | None:
    seen, now, ticket = situation.seen, situation.now, situation.ticket
    if seen is None:
        return None
    here = (situation.station, ticket.id if ticket else None, now.boot)
    ago_ms = now.mono_ms - seen.stamp.mono_ms
    if (seen.station, seen.ticket, seen.stamp.boot) == here and ago_ms <= situation.policy.hold_off_ms:
        return Verdict(VerdictClass.REPEAT, Reason.REPEAT_SCAN, flags, {"seconds": max(0, ago_ms) // 1000})
    if ticket is not None and seen.ticket == ticket.id and seen.place:
        return Verdict(VerdictClass.REPEAT, Reason.ON_TICKET, flags, {"place": seen.place})
    return None


def _listed(code: TraceCode, situation: Situation, flags: tuple[Degraded, ...]) -> Verdict:
    allowlist, policy = situation.allowlist, situation.policy
    if allowlist is None:
        trusted = policy.pass_without_list and not (isinstance(code, Gs1) and code.may_be_glued)
        return Verdict(VerdictClass.PASS if trusted else VerdictClass.REVIEW, Reason.LIST_MISSING, flags)
    product = allowlist.product(code.product_key)
    facts: dict[str, str | int] = {
        "list_version": allowlist.version,
        "product": product.name if product else "",
        "place": situation.ticket.packs + 1 if situation.ticket else 0,
    }
    held = allowlist.listing(code).source is not None
    if not held and not isinstance(code, Other):
        return _not_listed(code, known=product is not None, flags=flags, facts=facts)
    if Degraded.LIST_STALE in flags and not policy.pass_with_stale_list:
        return Verdict(VerdictClass.REVIEW, Reason.LIST_STALE, flags, facts)
    if Degraded.CLOCK_UNTRUSTED in flags and not policy.pass_with_untrusted_clock:
        return Verdict(VerdictClass.REVIEW, Reason.CLOCK_UNTRUSTED, flags, facts)
    if held:
        return Verdict(VerdictClass.PASS, Reason.IN_LIST, flags, facts)
    # It matched a pattern of the signed list: legal, and nobody can check it (DOMAIN.md 1.2).
    return Verdict(VerdictClass.PASS, Reason.OTHER_STANDARD, (*flags, Degraded.UNVERIFIED), facts)


def _not_listed(
    code: Cn20 | Gs1, *, known: bool, flags: tuple[Degraded, ...], facts: Mapping[str, str | int]
) -> Verdict:
    if isinstance(code, Gs1) and code.may_be_glued:
        # A scanner that drops the separator makes a wrong serial: a fault of the technology, no suspicion.
        return Verdict(VerdictClass.FAULT, Reason.GS1_GLUED, flags, facts)
    reason = Reason.NOT_IN_LIST if known else Reason.PRODUCT_UNKNOWN
    return Verdict(VerdictClass.REVIEW, reason, flags, facts)


def _flags(situation: Situation) -> tuple[Degraded, ...]:
    flags = []
    if situation.allowlist is None:
        flags.append(Degraded.LIST_MISSING)
    elif max(situation.now.wall_ms, situation.floor_ms) >= situation.allowlist.expires_ms:
        flags.append(Degraded.LIST_STALE)
    if situation.now.clock is ClockState.UNTRUSTED:
        flags.append(Degraded.CLOCK_UNTRUSTED)
    if situation.disk_low:
        flags.append(Degraded.DISK_LOW)
    return tuple(flags)
