"""Counter rules: what the list, the ledger and the ticket say against one pack, each as one small function.

Every rule gives the reason for which the pack must not simply pass, or None. Which class a reason has, the policy says.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Final

from yaoma.core.allowlist import CodeStatus, Source
from yaoma.core.findings import Findings
from yaoma.core.ledger import Seen
from yaoma.core.operation import Operation
from yaoma.core.pack import DIVISIBLE, OBSTACLES, PackState
from yaoma.core.portion import is_case, portion_of
from yaoma.core.product import ProductFlag
from yaoma.core.reason import CLASSES, DEFAULT_CLASS, Degraded, Reason, VerdictClass
from yaoma.core.shipment import ShipmentKind
from yaoma.core.situation import Situation
from yaoma.core.ticket import Line, Ticket

if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    from yaoma.core.checked_value import dataclass

__all__ = ["FLAGS", "Objection", "objections", "wanted_line"]

Facts = Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Objection:
    """Something that stands against a pack.

    Args:
        reason: The reason's id.
        verdict: Its class under the policy; PASS where the policy lets it through and a flag remains.
        facts: What the operator's sentence is filled with.
    """

    reason: str
    verdict: VerdictClass
    facts: Facts = field(default_factory=dict)


_Rule = Callable[[Findings, Situation], Objection | None]

_STATUS: Final = {
    CodeStatus.CANCELLED: Reason.STATUS_CANCELLED,
    CodeStatus.ABSENT: Reason.STATUS_ABSENT,
    CodeStatus.GONE: Reason.STATUS_GONE,
}

_GRAVITY: Final = {VerdictClass.PASS: 0, VerdictClass.REVIEW: 1, VerdictClass.STOP: 2}

#: What is shown beside a PASS when the policy lets an objection through; of any other nothing remains then.
FLAGS: Final = {
    Reason.HISTORY_UNKNOWN: Degraded.HISTORY_UNKNOWN,
}


def objections(findings: Findings, situation: Situation) -> Sequence[Objection]:
    """Give everything that stands against a pack, in the order of the rules.

    Args:
        findings: What the list says of it.
        situation: Everything else.
    """
    rules = _ALWAYS if situation.operation is None else _AT_THE_COUNTER
    return [found for rule in rules if (found := rule(findings, situation)) is not None]


def _object(
    reason: Reason, situation: Situation, facts: Facts | None = None, verdict: VerdictClass | None = None
) -> Objection | None:
    allowed = CLASSES[reason]
    if len(allowed) == 1:
        return Objection(reason, next(iter(allowed)), facts or {})
    wanted = situation.policy.severity_of(reason, verdict or DEFAULT_CLASS[reason])
    if wanted not in allowed:
        wanted = DEFAULT_CLASS[reason]
    if wanted is VerdictClass.PASS and reason not in FLAGS:
        return None
    return Objection(reason, wanted, facts or {})


def _takes_unfit(situation: Situation) -> bool:
    return situation.operation is not None and situation.operation.takes_unfit


def _denied(findings: Findings, situation: Situation) -> Objection | None:
    if findings.denial is None or _takes_unfit(situation):
        return None
    return _object(Reason(f"denied_{findings.denial.kind.value}"), situation, {"note": findings.denial.note})


def _damaged(findings: Findings, situation: Situation) -> Objection | None:
    return _object(Reason.LIST_DAMAGED, situation) if findings.listing.damaged else None


def _lot_doubtful(findings: Findings, situation: Situation) -> Objection | None:
    if not findings.is_lot_doubtful or _takes_unfit(situation):
        return None
    return _object(Reason.LOT_UNKNOWN, situation)


def _expired(findings: Findings, situation: Situation) -> Objection | None:
    if findings.expiry is None or _takes_unfit(situation):
        return None
    today = situation.today
    if today is None or findings.expiry >= today:
        return None
    return _object(Reason.EXPIRED, situation, {"expiry": findings.expiry.isoformat()})


def _status(findings: Findings, situation: Situation) -> Objection | None:
    """Judge what the platform said of the code (DOMAIN.md 1.8); for a pack on its way out of use it does not matter."""
    status, operation = findings.listing.status, situation.operation
    if operation is None or operation.takes_unfit or situation.is_training:
        return None
    if status is not None and status in _STATUS:
        if status is CodeStatus.GONE and PackState.DISPENSED in operation.states:
            return None
        return _object(_STATUS[status], situation)
    return _object(Reason.STATUS_UNKNOWN, situation) if status is None and operation.receives else None


def _not_smallest(findings: Findings, situation: Situation) -> Objection | None:
    product, operation = findings.product, situation.operation
    if findings.is_too_large:
        return Objection(Reason.NOT_SMALLEST, VerdictClass.STOP, {"product": product.name if product else ""})
    if (
        operation is None
        or not findings.is_container
        or (product is not None and ProductFlag.CASE_CODE in product.flags)
    ):
        return None
    if not situation.policy.smallest_only(operation.id, product.flags if product else ()):
        return None
    return _object(Reason.NOT_SMALLEST, situation, {"product": product.name if product else ""})


def _history(findings: Findings, situation: Situation) -> Objection | None:
    """Judge the state that the pack is in; what is not known is not held against it (DESIGN.md 6)."""
    operation = situation.operation
    if operation is None or not operation.states:
        return None
    if not findings.packs:
        return _state(findings, situation, operation, situation.seen)
    # A container is as good as the worst pack inside.
    inside = {seen.state if seen else PackState.UNKNOWN: seen for seen in situation.contents}
    against = [_state(findings, situation, operation, seen) for seen in inside.values()]
    return max((one for one in against if one is not None), key=lambda one: _GRAVITY[one.verdict], default=None)


def _state(findings: Findings, situation: Situation, operation: Operation, seen: Seen | None) -> Objection | None:
    state = seen.state if seen else PackState.UNKNOWN
    if state in operation.states:
        return None
    if state is PackState.UNKNOWN and situation.complete_since_ms is None:
        return _object(Reason.HISTORY_UNKNOWN, situation)
    if state in DIVISIBLE and portion_of(findings, situation) is not None:
        return None
    reason = Reason(operation.reasons.get(state, OBSTACLES[state]))
    facts: dict[str, str | int] = {"operation": seen.effect, "box": seen.elsewhere} if seen else {}
    return _object(reason, situation, facts)


def _reserved(_: Findings, situation: Situation) -> Objection | None:
    """Keep a pack on the ticket that it was scanned for first: one pack is not for two bills."""
    if not situation.held_by or situation.operation is None or situation.operation.into is None:
        return None
    return _object(Reason.ON_OTHER_TICKET, situation, {"station": situation.held_by})


def _portion(findings: Findings, situation: Situation) -> Objection | None:
    """Judge the portion that an opened pack, or a case behind whose code many packs stand, has to give."""
    operation, product = situation.operation, findings.product
    if operation is not None and operation.opens and (product is None or not product.units or is_case(product)):
        return _object(Reason.UNITS_UNKNOWN, situation)
    portion = portion_of(findings, situation)
    line = _line(findings, situation) if operation is not None and operation.hands_out else None
    if line is not None:
        is_units = portion is not None and not portion.of_case
        facts: Facts = {"product": product.name if product else ""}
        if is_units and not line.units:
            return _object(Reason.OPENED_WHOLE, situation, facts)
        if not is_units and not line.packs:
            return _object(Reason.NOT_OPENED, situation, facts)
    if portion is not None and not portion.fits:
        return _object(Reason.UNITS_EXCEEDED, situation, {"left": portion.left, "units": portion.units})
    return None


def wanted_line(findings: Findings, situation: Situation) -> int | None:
    """Give the number of the ticket's line that wants this drug: the first that is not full yet, else the last.

    Args:
        findings: What the list says of the code.
        situation: Everything else.
    """
    ticket, product = situation.ticket, findings.product
    if ticket is None or product is None or not ticket.lines:
        return None
    is_units = _is_units(findings, situation)
    fitting = [number for number, line in enumerate(ticket.lines) if product.drug_id in line.matches]
    open_lines = (number for number in fitting if ticket.lines[number].wants(is_units=is_units))
    return next(open_lines, fitting[-1] if fitting else None)


def _is_units(findings: Findings, situation: Situation) -> bool:
    portion = portion_of(findings, situation)
    return portion is not None and not portion.of_case


def _line(findings: Findings, situation: Situation) -> Line | None:
    number = wanted_line(findings, situation)
    return None if number is None or situation.ticket is None else situation.ticket.lines[number]


def _lines(findings: Findings, situation: Situation) -> Objection | None:
    """Hold the pack against what the till wants: another drug is 串换 (S3-16)."""
    ticket, product, seen = situation.ticket, findings.product, situation.seen
    if ticket is None or not ticket.lines or product is None:
        return None
    line = _line(findings, situation)
    if line is None:
        return _object(Reason.OTHER_DRUG, situation, {"product": product.name})
    portion = portion_of(findings, situation)
    if portion is None and seen is not None and seen.is_on(ticket.id):
        return None
    is_units = portion is not None and not portion.of_case
    is_full = not line.wants(is_units=is_units)
    if is_full or (not is_units and line.filled + max(1, len(findings.packs)) > line.packs):
        return _object(Reason.LINE_FULL, situation, {"product": product.name, "packs": line.packs})
    return None


def _relative(_: Findings, situation: Situation) -> Objection | None:
    if not situation.relative or (situation.operation is not None and situation.operation.receives):
        return None
    return _object(Reason.PARENT_AND_CHILD, situation)


def _identity(findings: Findings, situation: Situation) -> Objection | None:
    """Ask for the person behind a controlled drug (S4-08, S1-18)."""
    product, ticket, operation = findings.product, situation.ticket, situation.operation
    if product is None or ticket is None or operation is None or not operation.hands_out or ticket.has_person:
        return None
    if not situation.policy.needs_identity(product.flags):
        return None
    return _object(Reason.IDENTITY_MISSING, situation, {"product": product.name})


def _shipment(findings: Findings, situation: Situation) -> Objection | None:
    """Hold a delivery against what the sender said (S1-05, S1-09, S1-12, S1-13)."""
    operation, ticket, shipment = situation.operation, situation.ticket, findings.shipment
    if operation is None or not operation.receives or ticket is None or situation.is_training:
        return None
    if shipment is None:
        return _without_shipment(findings, situation, ticket)
    if shipment.kind is ShipmentKind.HEADQUARTERS and not situation.policy.headquarters_receipts:
        return _object(Reason.HEADQUARTERS_NOT_ALLOWED, situation)
    if ticket.shipment and ticket.shipment != shipment.id:
        return _object(Reason.OTHER_SHIPMENT, situation, {"shipment": shipment.bill})
    said = findings.line.lot if findings.line else None
    for lot in (findings.own_lot, findings.listing.lot):
        if said and lot and lot != said:
            return _object(Reason.LOT_MISMATCH, situation, {"lot": lot, "said": said})
    return None


def _without_shipment(findings: Findings, situation: Situation, ticket: Ticket) -> Objection | None:
    source, policy = findings.listing.source, situation.policy
    if ticket.shipment:
        return _object(Reason.NOT_IN_SHIPMENT, situation, {"shipment": ticket.shipment})
    if source is Source.HEADQUARTERS and not policy.headquarters_receipts:
        return _object(Reason.HEADQUARTERS_NOT_ALLOWED, situation)
    default = VerdictClass.PASS if source is not None else policy.receive_without_shipment
    return _object(Reason.NO_SHIPMENT, situation, verdict=default)


_ALWAYS: Final[Sequence[_Rule]] = (_denied, _damaged)
_AT_THE_COUNTER: Final[Sequence[_Rule]] = (
    # First, so that it is the reason that stands: nobody may clear it by clearing another.
    _identity,
    _denied,
    _damaged,
    _expired,
    _status,
    _history,
    _reserved,
    _portion,
    _lines,
    _not_smallest,
    _relative,
    _shipment,
    _lot_doubtful,
)
