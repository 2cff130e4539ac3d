"""Table: what was measured against what, and whether it meets its bar."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from unicodedata import east_asian_width

__all__ = ["Found", "Row", "table"]

_HEADINGS = ("what", "ours", "peer or floor", "ratio", "bar", "")


class Found:
    """What the rounds of one section have found, by name.

    Args:
        rounds: One mapping for each round.
    """

    def __init__(self, rounds: Sequence[Mapping[str, float]]) -> None:
        self._rounds = tuple(rounds)

    def median(self, name: str) -> float:
        """Give the median over the rounds."""
        return statistics.median(one[name] for one in self._rounds)

    def most(self, name: str) -> float:
        """Give the most of all rounds."""
        return max(one[name] for one in self._rounds)

    def ratio(self, name: str, other: str) -> float:
        """Give the median of the rounds' own ratios: both sides of each were measured within seconds."""
        return statistics.median(one[name] / one[other] for one in self._rounds)

    def has(self, name: str) -> bool:
        """Tell whether it was measured."""
        return bool(self._rounds) and all(name in one for one in self._rounds)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    Args:
        what: What was measured.
        ours: What the box does.
        peer: What it is held against.
        ratio: Ours against the peer.
        bar: What it must reach; empty where the row is there for comparison only.
        is_met: Whether it does; None where there is no bar or nothing was measured.
    """

    what: str
    ours: str
    peer: str = ""
    ratio: str = ""
    bar: str = ""
    is_met: bool | None = None

    def cells(self) -> tuple[str, ...]:
        """Give the cells of the line."""
        said = {True: "ok", False: "MISSED", None: "not measured" if self.bar else ""}[self.is_met]
        return self.what, self.ours, self.peer, self.ratio, self.bar, said


def table(rows: Iterable[Row]) -> str:
    """Lay the rows out under their headings."""
    lines = [_HEADINGS, *(row.cells() for row in rows)]
    widths = [max(_width(line[column]) for line in lines) for column in range(len(_HEADINGS))]
    laid = ["  ".join(_padded(cell, width) for cell, width in zip(line, widths, strict=True)) for line in lines]
    rule = "  ".join("-" * width for width in widths)
    return "\n".join(line.rstrip() for line in (laid[0], rule, *laid[1:]))


def _width(cell: str) -> int:
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in cell)


def _padded(cell: str, width: int) -> str:
    return cell + " " * (width - _width(cell))
