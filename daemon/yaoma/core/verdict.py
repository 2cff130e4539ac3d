"""Verdict: may this pack be received or handed out, as far as the box can know."""

from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from typing import TYPE_CHECKING, Final

from yaoma.core.code import Cn20, Gs1, Lookalike, LookalikeKind, Other, TraceCode
from yaoma.core.counter_rules import FLAGS, Objection, objections
from yaoma.core.findings import Findings, look_up
from yaoma.core.portion import portion_of
from yaoma.core.product import CodeSystem
from yaoma.core.reason import CLASSES, Degraded, Reason, VerdictClass, lookalike_reason
from yaoma.core.record import ClockState
from yaoma.core.situation import Situation

if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    from yaoma.core.checked_value import dataclass

__all__ = ["Situation", "Verdict", "judge"]

#: Under which system a look-alike's text is known, where it names a product (S4-02).
_SYSTEMS: Final = {
    LookalikeKind.EAN13: CodeSystem.EAN,
    LookalikeKind.EAN8: CodeSystem.EAN,
    LookalikeKind.GTIN14: CodeSystem.EAN,
    LookalikeKind.DRUG_STANDARD_CODE: CodeSystem.STANDARD,
    LookalikeKind.INSURANCE_CODE: CodeSystem.INSURANCE,
}

#: A code that stands for many portions is scanned once for each; one pull of the trigger still counts once.
_PORTION_HOLD_OFF_MS: Final = 1000


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the box says of one symbol.

    Args:
        verdict: The class.
        reason: A stable id, see `yaoma.core.reason`.
        degraded: Flags beside it.
        facts: What the operator's sentence is filled with; never a person's text.
        also: Reasons that stand against the pack besides.
    """

    verdict: VerdictClass
    reason: str
    degraded: tuple[Degraded, ...] = ()
    facts: Mapping[str, str | int] = field(default_factory=dict)
    also: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a class that this reason can't have."""
        if self.verdict not in CLASSES[self.reason]:
            raise ValueError(f"{self.reason} can't be {self.verdict}")


def judge(code: TraceCode | Lookalike, situation: Situation) -> Verdict:
    """Judge one symbol.

    What is forbidden comes before what is repeated: a recalled pack that is scanned twice stays red. Then what must be
    reviewed, then what the list knows. A state that is not known is said, never guessed (DESIGN.md 3, promise 4).
    """
    flags = _flags(situation)
    if isinstance(code, Lookalike):
        return _judge_lookalike(code, situation, flags)
    findings = situation.findings or look_up(code, situation.allowlist)
    if (practice := _practice(code, findings, situation)) is not None:
        return Verdict(VerdictClass.FAULT, practice, flags)
    if isinstance(code, Gs1) and _is_case_turned(code, findings, situation):
        # Another pack's history and rules would be held against it.
        return Verdict(VerdictClass.FAULT, Reason.CASE_TURNED, flags, _facts(findings, situation))
    against = objections(findings, situation)
    facts, reviews = _facts(findings, situation), tuple[Objection, ...]()
    if against:
        flags += tuple(FLAGS[Reason(one.reason)] for one in against if one.verdict is VerdictClass.PASS)
        stops = [one for one in against if one.verdict is VerdictClass.STOP]
        if stops:
            return _objected(stops, against, flags, facts)
        reviews = tuple(one for one in against if one.verdict is VerdictClass.REVIEW)
    # What a damaged page would have said is not known: neither that the pack is unknown, nor that the read was bad.
    damaged = Verdict(VerdictClass.REVIEW, Reason.LIST_DAMAGED, flags, facts) if findings.listing.damaged else None
    fresh = damaged or _listed(code, findings, situation, flags, facts)
    if reviews and fresh.verdict is not VerdictClass.FAULT:
        fresh = _objected(reviews, against, flags, facts, fresh)
    repeat = _repeat(situation, findings, flags)
    return fresh if repeat is None or _is_better(fresh, situation) else repeat


def _is_better(fresh: Verdict, situation: Situation) -> bool:
    """Say whether a pack that was held back does better now, because what it lacked is there."""
    before = situation.seen.verdict if situation.seen else ""
    if before == VerdictClass.STOP.value:
        return fresh.verdict in {VerdictClass.PASS, VerdictClass.REVIEW}
    return before == VerdictClass.REVIEW.value and fresh.verdict is VerdictClass.PASS


def _objected(
    chosen: Sequence[Objection],
    against: Sequence[Objection],
    flags: tuple[Degraded, ...],
    facts: Mapping[str, str | int],
    fresh: Verdict | None = None,
) -> Verdict:
    """Give the verdict of the first objection, and name the others."""
    first = chosen[0]
    also = [one.reason for one in against if one is not first and one.verdict is not VerdictClass.PASS]
    if fresh is not None and fresh.verdict is VerdictClass.REVIEW and fresh.reason != first.reason:
        also.append(fresh.reason)
    return Verdict(first.verdict, first.reason, flags, {**facts, **first.facts}, tuple(also))


def _judge_lookalike(code: Lookalike, situation: Situation, flags: tuple[Degraded, ...]) -> Verdict:
    if code.kind is LookalikeKind.ID_NUMBER and situation.ticket is not None and situation.ticket.wants_person:
        if situation.identity_problem:
            return Verdict(VerdictClass.FAULT, Reason.IDENTITY_FAULT, flags, {"problem": situation.identity_problem})
        if situation.can_seal:
            return Verdict(VerdictClass.PASS, Reason.PERSON_SEALED, flags)
        return Verdict(VerdictClass.FAULT, Reason.PERSON_NOT_SEALABLE, flags)
    facts: dict[str, str | int] = {"length": code.length}
    system = _SYSTEMS.get(code.kind)
    if system is not None and code.text is not None and situation.allowlist is not None:
        known = situation.allowlist.known_as(system, code.text)
        facts["product"] = known[0].name if known else ""
    return Verdict(VerdictClass.FAULT, lookalike_reason(code.kind), flags, facts)


def _practice(code: TraceCode, findings: Findings, situation: Situation) -> Reason | None:
    """Keep practice and business apart (S0-07): test codes are no packs, and packs are not for practice."""
    prefixes = situation.policy.training_codes_prefixes
    if not prefixes or not isinstance(code, Cn20):
        return None
    is_test_code = code.digits.startswith(prefixes) and findings.listing.source is None
    if situation.is_training:
        return None if is_test_code else Reason.NOT_A_TRAINING_CODE
    return Reason.TRAINING_CODE if is_test_code and situation.allowlist is not None else None


def _is_case_turned(code: Gs1, findings: Findings, situation: Situation) -> bool:
    """Tell a serial number that the list has with its letters in another case (SCANNERS.md 1.1, row 2).

    A diagnosis only: the pack that the list has is never taken for the one that was scanned.
    """
    listing, allowlist = findings.listing, situation.allowlist
    is_open = listing.source is not None or listing.damaged or findings.denial is not None or situation.is_training
    if allowlist is None or is_open or code.may_be_glued:
        return False
    turned = {code.serial.swapcase(), code.serial.upper(), code.serial.lower()} - {code.serial}
    return any(allowlist.listing(replace(code, serial=one)).source is not None for one in turned)


def _repeat(situation: Situation, findings: Findings, flags: tuple[Degraded, ...]) -> Verdict | None:
    seen, now, ticket = situation.seen, situation.now, situation.ticket
    inside = [one for one in situation.contents if one is not None]
    if ticket is not None and findings.packs and len(inside) == len(findings.packs):
        places = [one.place for one in inside if one.is_on(ticket.id)]
        if len(places) == len(inside):
            return Verdict(VerdictClass.REPEAT, Reason.ON_TICKET, flags, {"place": min(places)})
    if seen is None:
        return None
    portion = portion_of(findings, situation)
    hold_off_ms = min(situation.policy.hold_off_ms, _PORTION_HOLD_OFF_MS) if portion else situation.policy.hold_off_ms
    here = (situation.station, ticket.id if ticket else None, now.boot)
    ago_ms = now.mono_ms - seen.stamp.mono_ms
    if (seen.station, seen.ticket, seen.stamp.boot) == here and ago_ms <= hold_off_ms:
        return Verdict(VerdictClass.REPEAT, Reason.REPEAT_SCAN, flags, {"seconds": max(0, ago_ms) // 1000})
    if ticket is not None and seen.is_on(ticket.id) and portion is None:
        return Verdict(VerdictClass.REPEAT, Reason.ON_TICKET, flags, {"place": seen.place})
    return None


def _facts(findings: Findings, situation: Situation) -> dict[str, str | int]:
    product, ticket, seen = findings.product, situation.ticket, situation.seen
    # What is judged again because what it lacked is there now takes its own place on the ticket.
    is_on_it = ticket is not None and seen is not None and seen.is_on(ticket.id)
    again = is_on_it and portion_of(findings, situation) is None
    facts: dict[str, str | int] = {
        "list_version": situation.allowlist.version if situation.allowlist else "",
        "product": product.name if product else "",
        "place": ticket.packs + (0 if again else 1) if ticket else 0,
    }
    if findings.lot:
        facts["lot"] = findings.lot
    if findings.packs:
        facts["packs"] = len(findings.packs)
    return facts


def _listed(
    code: TraceCode,
    findings: Findings,
    situation: Situation,
    flags: tuple[Degraded, ...],
    facts: Mapping[str, str | int],
) -> Verdict:
    allowlist, policy = situation.allowlist, situation.policy
    held = findings.listing.source is not None
    if allowlist is None:
        trusted = policy.pass_without_list and not (isinstance(code, Gs1) and code.may_be_glued)
        return Verdict(VerdictClass.PASS if trusted else VerdictClass.REVIEW, Reason.LIST_MISSING, flags)
    if not held and not isinstance(code, Other) and not situation.is_training:
        return _not_listed(code, known=findings.product is not None, flags=flags, facts=facts)
    if Degraded.LIST_STALE in flags and not policy.pass_with_stale_list:
        return Verdict(VerdictClass.REVIEW, Reason.LIST_STALE, flags, facts)
    if Degraded.CLOCK_UNTRUSTED in flags and not policy.pass_with_untrusted_clock:
        return Verdict(VerdictClass.REVIEW, Reason.CLOCK_UNTRUSTED, flags, facts)
    if held or situation.is_training:
        return Verdict(VerdictClass.PASS, Reason.IN_LIST if held else Reason.PRACTISED, flags, facts)
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
    if situation.is_training:
        flags.append(Degraded.TRAINING)
    return tuple(flags)
