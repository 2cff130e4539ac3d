"""Fate: what becomes of a record at a destination, as one table of states and causes (DESIGN.md 9).

Parcels and records move by the same table. A record's fate is folded from those of the parcels that carry it.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from yaoma_bridge.platform import AnswerState
from yaoma_link.receipt import OutcomeState

__all__ = [
    "FINAL",
    "MOVES",
    "Cause",
    "Fate",
    "MoveRefusedError",
    "cause_of",
    "folded",
    "moved",
    "outcome_of",
]


class Fate(StrEnum):
    """Where a record, or a parcel, stands at a destination; the store holds these words."""

    WAITING = "waiting"  # nothing was divided into parcels yet
    BUNDLED = "bundled"  # it lies in a stored parcel, and nothing was sent, or certainly nothing arrived
    SENT = "sent"  # a send was begun; whether it arrived is known when its answer is written
    PROCESSING = "processing"  # the platform has it and is not through
    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"  # it may be there or not: it is asked, never sent again blindly
    HELD = "held"  # a person must do something first


class Cause(StrEnum):
    """Why a fate changes."""

    BUNDLE = "bundle"  # it was divided into parcels
    HOLD = "hold"  # a rule, or a person, holds it back
    RELEASE = "release"  # what held it back is over: as before
    SEND = "send"  # a send begins
    LOST = "lost"  # whoever sent it has died before writing the answer
    DROP = "drop"  # the parcel that it follows was refused, or its lines go on in others
    RETRY = "retry"  # a person wants it sent anew
    REVOKE = "revoke"  # a person had it taken back there
    SAID_ACCEPTED = "said_accepted"
    SAID_PROCESSING = "said_processing"
    SAID_REFUSED = "said_refused"
    SAID_UNKNOWN = "said_unknown"
    SAID_WAITING = "said_waiting"
    SAID_HELD = "said_held"


#: Every move that there is; what is not here is refused.
MOVES: Final[dict[tuple[Fate, Cause], Fate]] = {
    (Fate.WAITING, Cause.BUNDLE): Fate.BUNDLED,
    (Fate.WAITING, Cause.HOLD): Fate.HELD,
    (Fate.BUNDLED, Cause.SEND): Fate.SENT,
    (Fate.BUNDLED, Cause.HOLD): Fate.HELD,
    (Fate.BUNDLED, Cause.DROP): Fate.REFUSED,
    (Fate.SENT, Cause.SAID_ACCEPTED): Fate.ACCEPTED,
    (Fate.SENT, Cause.SAID_PROCESSING): Fate.PROCESSING,
    (Fate.SENT, Cause.SAID_REFUSED): Fate.REFUSED,
    (Fate.SENT, Cause.SAID_UNKNOWN): Fate.UNKNOWN,
    (Fate.SENT, Cause.SAID_WAITING): Fate.BUNDLED,
    (Fate.SENT, Cause.SAID_HELD): Fate.HELD,
    (Fate.SENT, Cause.LOST): Fate.UNKNOWN,
    (Fate.PROCESSING, Cause.SAID_ACCEPTED): Fate.ACCEPTED,
    (Fate.PROCESSING, Cause.SAID_PROCESSING): Fate.PROCESSING,
    (Fate.PROCESSING, Cause.SAID_REFUSED): Fate.REFUSED,
    # That nobody answers a question says nothing of what was asked.
    (Fate.PROCESSING, Cause.SAID_UNKNOWN): Fate.PROCESSING,
    # It was taken, and now nobody knows of it: a person decides, since what was taken may turn up again.
    (Fate.PROCESSING, Cause.SAID_WAITING): Fate.UNKNOWN,
    (Fate.PROCESSING, Cause.SAID_HELD): Fate.PROCESSING,
    (Fate.UNKNOWN, Cause.SAID_ACCEPTED): Fate.ACCEPTED,
    (Fate.UNKNOWN, Cause.SAID_PROCESSING): Fate.PROCESSING,
    (Fate.UNKNOWN, Cause.SAID_REFUSED): Fate.REFUSED,
    (Fate.UNKNOWN, Cause.SAID_UNKNOWN): Fate.UNKNOWN,
    (Fate.UNKNOWN, Cause.SAID_WAITING): Fate.BUNDLED,
    (Fate.UNKNOWN, Cause.SAID_HELD): Fate.UNKNOWN,
    (Fate.UNKNOWN, Cause.RETRY): Fate.BUNDLED,
    (Fate.ACCEPTED, Cause.SAID_REFUSED): Fate.REFUSED,
    (Fate.ACCEPTED, Cause.SAID_UNKNOWN): Fate.UNKNOWN,
    (Fate.ACCEPTED, Cause.REVOKE): Fate.REFUSED,
    (Fate.REFUSED, Cause.RETRY): Fate.WAITING,
    (Fate.HELD, Cause.RELEASE): Fate.BUNDLED,
    (Fate.HELD, Cause.DROP): Fate.REFUSED,
    (Fate.HELD, Cause.RETRY): Fate.WAITING,
}

#: Nothing more is expected; only a person, or a late word of the platform, changes it.
FINAL: Final = frozenset({Fate.ACCEPTED, Fate.REFUSED})

#: Of several parcels with one record the gravest counts; the first is the gravest.
_GRAVITY: Final = (
    Fate.REFUSED,
    Fate.HELD,
    Fate.UNKNOWN,
    Fate.WAITING,
    Fate.BUNDLED,
    Fate.SENT,
    Fate.PROCESSING,
    Fate.ACCEPTED,
)

_OUTCOMES: Final = {
    Fate.WAITING: OutcomeState.WAITING,
    Fate.BUNDLED: OutcomeState.WAITING,
    Fate.SENT: OutcomeState.WAITING,
    Fate.PROCESSING: OutcomeState.PROCESSING,
    Fate.ACCEPTED: OutcomeState.ACCEPTED,
    Fate.REFUSED: OutcomeState.REFUSED,
    Fate.UNKNOWN: OutcomeState.UNKNOWN,
    Fate.HELD: OutcomeState.HELD,
}


class MoveRefusedError(Exception):
    """A fate does not change for this cause.

    Args:
        before: Where it stands.
        cause: What was to move it.
    """

    def __init__(self, before: Fate, cause: Cause) -> None:
        super().__init__(f"{before.value} does not change by {cause.value}")
        self.before = before
        self.cause = cause


def moved(before: Fate, cause: Cause) -> Fate:
    """Give where something stands after a cause.

    Raises:
        MoveRefusedError: If the table has no such move.
    """
    after = MOVES.get((before, cause))
    if after is None:
        raise MoveRefusedError(before, cause)
    return after


def cause_of(said: AnswerState) -> Cause:
    """Give the cause that a platform's answer is."""
    return Cause(f"said_{said.value}")


def folded(fates: Iterable[tuple[Fate, str]]) -> tuple[Fate, str]:
    """Give the fate and reason of a record that lies in several parcels: the gravest, and accepted only if all are.

    Args:
        fates: Fate and reason of each; at least one.
    """
    return min(fates, key=lambda one: _GRAVITY.index(one[0]))


def outcome_of(fate: Fate) -> OutcomeState:
    """Give what a box is told of a fate."""
    return _OUTCOMES[fate]
