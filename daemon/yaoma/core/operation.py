"""Operation: what can be done with a pack, as a row of a table (DESIGN.md 2, DOMAIN.md 5.1)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from yaoma.core.pack import PackState

__all__ = ["UNKNOWN_OPERATION", "Direction", "Operation"]


class Direction(StrEnum):
    """What a closed ticket means for the stock of the site."""

    IN = "in"
    OUT = "out"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Operation:
    """What is being done (业务).

    Args:
        id: What records hold.
        zh: Its Chinese name.
        en: Its English name.
        direction: What it means for the stock.
        states: The states of a pack with which it may be done; empty if the state does not matter.
        into: The state that a closed ticket puts its packs in; None if it changes none.
        doubtful_into: The state for packs that were REVIEW; as `into` if None.
        reasons: Why a pack of a state is refused, where that differs from `yaoma.core.pack.OBSTACLES`.
        receives: It is checked against the sender's despatch note.
        takes_unfit: It is how recalled, expired and doubtful packs leave, so these pass.
        opens: It opens a pack whose units are handed out one by one (拆零).
        hands_out: It may take units from an opened pack, and asks for an identity where the policy wants one.
        keeps: A pack that has a state keeps it.
        named: Only a named operator may do it (S2-11).
        partner: Its ticket names the company or site on the other side (S4-04).
        till: It takes place at a till, whose other codes are none of the box's business (DESIGN.md 11).
    """

    id: str
    zh: str
    en: str
    direction: Direction
    states: frozenset[PackState] = frozenset()
    into: PackState | None = None
    doubtful_into: PackState | None = None
    reasons: Mapping[PackState, str] = field(default_factory=dict)
    receives: bool = False
    takes_unfit: bool = False
    opens: bool = False
    hands_out: bool = False
    keeps: bool = False
    named: bool = False
    till: bool = False
    partner: bool = False

    def name(self, language: str) -> str:
        """Give the name in a language of the catalogue."""
        return self.en if language == "en" else self.zh


#: What a ticket counts as whose operation has left the table: only packs in stock pass, and nothing takes effect.
UNKNOWN_OPERATION = Operation(
    "unknown", "未知业务", "Unknown operation", Direction.NONE, states=frozenset({PackState.IN_STOCK})
)
