"""Effect: the state that a closed ticket puts a pack in, with what is left in it (DOMAIN.md 5.2, 5.3)."""

from dataclasses import replace
from typing import Final

from yaoma.core.ledger import Seen
from yaoma.core.pack import DIVISIBLE, PackState

__all__ = ["released", "state_after"]

#: The states in which what is left in a pack still matters.
_STAYING: Final = frozenset({PackState.IN_STOCK, PackState.OPENED, PackState.QUARANTINED, PackState.RETURNED})


def state_after(seen: Seen, into: PackState | None) -> Seen:
    """Give a pack with the state that a closed ticket puts it in.

    Args:
        seen: The pack, on the ticket.
        into: The state that the ticket's operation gives; None if it keeps its own.
    """
    if into is None:
        return seen
    if seen.opens:
        return replace(seen, state=PackState.OPENED, left=seen.opens)
    if not seen.takes or not seen.taken:
        return replace(seen, state=released(seen) if into is PackState.IN_STOCK else into, left=_left(seen, into))
    left = max(0, seen.left - seen.taken)
    if seen.taken < 0:
        stays = seen.state in DIVISIBLE and into is not PackState.QUARANTINED
        return replace(seen, state=seen.state if stays else into, left=left)
    if seen.state is PackState.UNKNOWN and left:
        return replace(seen, state=PackState.OPENED, left=left)
    # An opened pack whose last unit went stays what it is: what comes back is units, not a whole pack.
    is_units = not any(take.packs for take in seen.takes)
    return replace(seen, state=seen.state if left or is_units else into, left=left)


def _left(seen: Seen, into: PackState) -> int:
    return seen.left if into in _STAYING else 0


def released(seen: Seen) -> PackState:
    """Give the state of a pack that goes back on the shelf: what was opened stays opened.

    Args:
        seen: The pack.
    """
    if seen.state is PackState.IN_STOCK or not seen.left:
        return PackState.IN_STOCK
    return PackState.OPENED
