"""Settlement: may this ticket be settled by insurance, line by line, so that HIS and POS can refuse to (无码不付).

A line is complete if a code was scanned for every pack and unit that it wants. What has no code is let through only for
a reason that a rule names: an exempt class, stock without codes, or an objective reason that somebody recorded.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from yaoma.core.canonical import Json
from yaoma.core.ledger import Seen
from yaoma.core.policy import Policy
from yaoma.core.product import Product
from yaoma.core.ticket import Line, Ticket

__all__ = ["EXEMPT_ROWS", "LineAnswer", "LineState", "Settlement", "settlement"]

#: The rows of the requirement matrix that exempt classes of products.
EXEMPT_ROWS: Final = ("S1-01", "S2-01", "S3-06", "S4-01")


class LineState(StrEnum):
    """What stands against settling a line, or lets it through; the ids are stable."""

    COMPLETE = "complete"  # a code for every pack
    MISSING = "missing"  # codes are missing: not released
    DOUBTFUL = "doubtful"  # a pack was to be reviewed and nobody cleared it: not released
    EXEMPT = "exempt"  # its class needs no code
    NO_CODE_STOCK = "no_code_stock"  # the rest comes from the no-code stock (S3-10)
    OBJECTIVE = "objective"  # a reason beyond the site's power was recorded (S3-11)


_RELEASED: Final = frozenset({LineState.COMPLETE, LineState.EXEMPT, LineState.NO_CODE_STOCK, LineState.OBJECTIVE})


@dataclass(frozen=True, slots=True)
class LineAnswer:
    """What is said of one line.

    Args:
        number: Its number on the ticket, from 0; -1 for packs that no line wants.
        drug: How the till names the drug.
        state: What is said.
        codes: Keys of the packs that were scanned for it.
        missing: Packs without a code.
        missing_units: Units (拆零) without a code.
        why: For `exempt` the flag; for `objective` what was recorded; otherwise empty.
        rows: Rows of the requirement matrix by which it is let through.
    """

    number: int
    drug: str
    state: LineState
    codes: tuple[str, ...]
    missing: int = 0
    missing_units: int = 0
    why: str = ""
    rows: tuple[str, ...] = ()

    def json(self) -> dict[str, Json]:
        """Give what a program is answered."""
        return {
            "line": self.number,
            "drug": self.drug,
            "state": self.state.value,
            "codes": list(self.codes),
            "missing": self.missing,
            "missing_units": self.missing_units,
            "why": self.why,
            "rows": list(self.rows),
        }


@dataclass(frozen=True, slots=True)
class Settlement:
    """What is said of a ticket.

    Args:
        ticket: Its id.
        is_releasable: It may be settled.
        is_owed: Insurance settles only what was scanned, by date and kind of institution (S3-07); before that day
            everything is releasable, and the lines say what would be missing.
        lines: What is said of each line.
    """

    ticket: str
    is_releasable: bool
    is_owed: bool
    lines: tuple[LineAnswer, ...]

    def json(self) -> dict[str, Json]:
        """Give what a program is answered."""
        return {
            "ticket": self.ticket,
            "releasable": self.is_releasable,
            "owed": self.is_owed,
            "lines": [line.json() for line in self.lines],
        }


def settlement(
    ticket: Ticket,
    packs: Mapping[str, Seen],
    *,
    product: Callable[[str], Product | None],
    policy: Policy,
    today: date,
    uncoded: Mapping[str, int] | None = None,
    objective: Mapping[int, str] | None = None,
) -> Settlement:
    """Say whether a ticket may be settled (S0-10, S1-16, S3-07).

    Args:
        ticket: The ticket with its lines.
        packs: What was scanned for it, by key.
        product: Gives a product behind a drug id or product key, or None.
        policy: The rules of the place.
        today: The day at the counter.
        uncoded: Packs booked out of the no-code stock for this ticket, by drug.
        objective: Recorded objective reasons, by the number of a line.
    """
    is_owed = policy.settles_only_scanned(policy.institution, today)
    store = dict(uncoded or {})
    answers = [
        _answer(number, line, packs, store, (objective or {}).get(number, ""), product, policy)
        for number, line in enumerate(ticket.lines)
    ]
    loose = {key: seen for key, seen in packs.items() if _lines_of(seen).isdisjoint(range(len(ticket.lines)))}
    if loose:
        # Without lines the packs are all there is; beside lines, what no line wants is not what is being sold.
        state = LineState.DOUBTFUL if ticket.lines or any(map(_is_doubtful, loose.values())) else LineState.COMPLETE
        answers.append(LineAnswer(-1, "", state, tuple(loose)))
    released = bool(answers) and all(one.state in _RELEASED for one in answers)
    return Settlement(ticket.id, released or not is_owed, is_owed, tuple(answers))


def _answer(  # noqa: PLR0917 - one call site, in the order of the sentence above it
    number: int,
    line: Line,
    packs: Mapping[str, Seen],
    store: dict[str, int],
    objective: str,
    product: Callable[[str], Product | None],
    policy: Policy,
) -> LineAnswer:
    on_line = {key: seen for key, seen in packs.items() if number in _lines_of(seen)}
    codes = tuple(on_line)
    if any(map(_is_doubtful, on_line.values())):
        return LineAnswer(number, line.drug, LineState.DOUBTFUL, codes)
    missing, units = max(0, line.packs - line.filled), max(0, line.units - line.filled_units)
    if not missing and not units:
        return LineAnswer(number, line.drug, LineState.COMPLETE, codes)
    flag = _exemption((line.drug, *line.matches), product, policy)
    if flag:
        return LineAnswer(number, line.drug, LineState.EXEMPT, codes, missing, units, flag, EXEMPT_ROWS)
    taken = 0
    for drug in (line.drug, *line.matches):
        here = min(missing - taken, store.get(drug, 0))
        store[drug] = store.get(drug, 0) - here
        taken += here
    missing -= taken
    if not missing and not units:
        return LineAnswer(number, line.drug, LineState.NO_CODE_STOCK, codes, taken, 0, "", ("S3-08", "S3-10"))
    if objective:
        return LineAnswer(number, line.drug, LineState.OBJECTIVE, codes, missing, units, objective, ("S3-07", "S3-11"))
    return LineAnswer(number, line.drug, LineState.MISSING, codes, missing, units)


def _lines_of(seen: Seen) -> frozenset[int]:
    """Give the lines that a pack fills: a case's code or an opened pack may fill several."""
    return frozenset(take.line for take in seen.takes)


def _is_doubtful(seen: Seen) -> bool:
    return seen.verdict == "REVIEW" and not seen.is_cleared


def _exemption(drugs: tuple[str, ...], product: Callable[[str], Product | None], policy: Policy) -> str:
    """Give the flag that exempts a line: every drug that it may stand for must be exempt."""
    flags = [policy.exemption(found.flags) if (found := product(drug)) else None for drug in drugs[1:] or drugs]
    return flags[0].value if flags and flags[0] is not None and None not in flags else ""
