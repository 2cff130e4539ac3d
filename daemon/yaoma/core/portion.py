"""Portion: what one scan takes out of a pack that is handed out piece by piece (DOMAIN.md 5.3, SCANNERS.md 2).

Two things are divisible: a pack that was opened (拆零), whose code stands for its units, and a case whose packs carry
no code of their own, whose code stands for these. Such a code may be scanned again as long as something is left.
"""

from typing import TYPE_CHECKING

from yaoma.core.findings import Findings
from yaoma.core.ledger import Seen
from yaoma.core.operation import Direction, Operation
from yaoma.core.pack import PackState
from yaoma.core.product import Product, ProductFlag
from yaoma.core.situation import Situation

if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    from yaoma.core.checked_value import dataclass

__all__ = ["Portion", "is_case", "portion_of"]


@dataclass(frozen=True, slots=True)
class Portion:
    """What a scan takes.

    Args:
        units: How many portions; below zero if it puts some back, or counts them.
        left: How many are left before it, the open ticket's included.
        fits: There are enough, and no more come back than were taken.
        assumed: How many a case is taken to have held whose number is not known here; 0 where it is.
        of_case: They are packs behind a case's code, not units of an opened pack.
    """

    units: int
    left: int
    fits: bool
    assumed: int = 0
    of_case: bool = False


def portion_of(findings: Findings, situation: Situation) -> Portion | None:
    """Give the portion that a scan takes, or None where the code stands for one whole pack.

    Args:
        findings: What the list says of the code.
        situation: Everything else.
    """
    product, operation, seen = findings.product, situation.operation, situation.seen
    if product is None or operation is None or operation.into is None:
        return None
    on_ticket = seen is not None and situation.ticket is not None and seen.is_on(situation.ticket.id)
    taken = seen.taken if seen is not None and on_ticket else 0
    if is_case(product):
        return _of_case(product, operation, seen, taken)
    if seen is None or not product.units:
        return None
    left = seen.left - taken
    # What comes back of an opened pack is units, also after its last one went: it is never whole again.
    is_emptied = seen.is_opened and seen.state is PackState.DISPENSED
    takes_back = operation.direction is Direction.IN and PackState.DISPENSED in operation.states
    if takes_back and (is_emptied or seen.state is PackState.OPENED):
        return Portion(-1, left, fits=left < product.units)
    if operation.hands_out and seen.state is PackState.OPENED:
        units = _wanted_units(product, situation, left)
        return Portion(units, left, fits=left >= units)
    return None


def is_case(product: Product) -> bool:
    """Say whether a product's code is that of a case whose packs carry none."""
    return ProductFlag.CASE_CODE in product.flags and product.packs > 1


def _of_case(product: Product, operation: Operation, seen: Seen | None, taken: int) -> Portion | None:
    is_unknown = seen is None or seen.state is PackState.UNKNOWN
    left = (seen.left if seen and not is_unknown else 0) - taken
    if operation.keeps:
        # What lies there is counted, not moved.
        return Portion(-1, -taken, fits=-taken < product.packs, of_case=True)
    if operation.direction is Direction.NONE:
        return None
    if operation.direction is Direction.IN:
        return Portion(-1, left, fits=left < product.packs, of_case=True)
    # Another box of the site tells that it came, not with how many.
    is_unsaid = seen is not None and seen.state is PackState.IN_STOCK and not seen.left and bool(seen.elsewhere)
    if is_unknown or is_unsaid:
        left = product.packs - taken
        return Portion(1, left, fits=left >= 1, assumed=product.packs, of_case=True)
    return Portion(1, left, fits=left >= 1, of_case=True)


def _wanted_units(product: Product, situation: Situation, left: int) -> int:
    """Give what the ticket's line still wants of this drug, as far as the pack has it; one unit without a line."""
    wanted = [
        line.units - line.filled_units
        for line in (situation.ticket.lines if situation.ticket else ())
        if product.drug_id in line.matches and line.units > line.filled_units
    ]
    if not wanted:
        return 1
    return max(1, min(wanted[0], left))
