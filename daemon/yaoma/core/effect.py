"""Effect: the state that a closed ticket puts a pack in, with what is left in it (DOMAIN.md 5.2, 5.3)."""

from dataclasses import replace
from typing import Final

from yaoma.core.ledger import Seen
from yaoma.core.pack import DIVISIBLE, PackState

__all__ = ["settled_in", "state_after"]

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
    if into is PackState.OPENED:
        return replace(seen, state=into, left=seen.opens or seen.left, is_opened=True)
    if not seen.taken:
        return settled_in(seen, into)
    left = max(0, seen.left - seen.taken)
    if seen.taken < 0:
        is_emptied = seen.is_opened and seen.state is PackState.DISPENSED
        state = PackState.OPENED if is_emptied else seen.state
        stays = state in DIVISIBLE and into is not PackState.QUARANTINED
        return replace(seen, state=state if stays else into, left=left)
    if seen.state is PackState.UNKNOWN and left:
        return replace(seen, state=PackState.IN_STOCK, left=left)
    return replace(seen, state=seen.state if left else into, left=left)


def settled_in(seen: Seen, into: PackState) -> Seen:
    """Give a pack that goes into a state as a whole; what was opened goes back on the shelf as opened.

    Args:
        seen: The pack.
        into: The state.
    """
    is_back = into is PackState.IN_STOCK and seen.is_opened
    return replace(seen, state=PackState.OPENED if is_back else into, left=seen.left if into in _STAYING else 0)
