"""Report page: what a report says, before it is written as text, CSV or HTML."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Protocol

from yaoma.core.code import from_key
from yaoma.core.trace_code import CodeError
from yaoma.core.wording import Facts, grouped

__all__ = ["NO_FACTS", "Cell", "Column", "ColumnKind", "Page", "Phrases", "Table", "Tile", "code_for_people"]

Cell = str | int | None
"""A text, a number, or nothing known."""

NO_FACTS: Final[Facts] = MappingProxyType({})


class Phrases(Protocol):
    """Gives the words of a report in one language."""

    def say(self, name: str, facts: Facts = NO_FACTS) -> str:
        """Give an entry of the catalogue's section `report`."""
        ...

    def operation(self, name: str) -> str:
        """Name an operation."""
        ...

    def reason(self, name: str) -> str:
        """Name a verdict's reason."""
        ...

    def cause(self, name: str) -> str:
        """Say what stood in the way, by an id of the catalogue."""
        ...


class ColumnKind(StrEnum):
    """How a column is written."""

    TEXT = "text"
    NUMBER = "number"
    CODE = "code"  # the key of a pack


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Args:
        title: Its heading.
        kind: How it is written.
    """

    title: str
    kind: ColumnKind = ColumnKind.TEXT


@dataclass(frozen=True, slots=True)
class Table:
    """A table.

    Args:
        caption: What stands above it.
        columns: Its columns.
        rows: Its cells, row by row, as many as columns.
        notes: What stands below it.
    """

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure that comes before everything else.

    Args:
        label: What it is.
        value: The figure.
        note: What it is made of.
        is_met: Whether it reaches its target; None without target or data.
    """

    label: str
    value: str
    note: str = ""
    is_met: bool | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """A report.

    Args:
        name: Its name in file names: `rates`, `daily`, ...
        title: What stands at its top.
        facts: What it is about: pairs of a label and a text.
        tiles: Its main figures.
        tables: Its tables.
        notes: What stands at its end, such as formulas.
        proof: A signed checkpoint, printed as text and as a QR code; empty for none.
        labels: Words that the writers need: `nothing`, `proof`, `language`.
    """

    name: str
    title: str
    facts: Sequence[tuple[str, str]]
    tables: Sequence[Table]
    notes: Sequence[str] = ()
    tiles: Sequence[Tile] = ()
    proof: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)

    def label(self, name: str) -> str:
        """Give a word; the name itself where nobody gave one."""
        return self.labels.get(name, name)


def code_for_people(key: str) -> str:
    """Write the key of a pack as people compare it: digits in groups of five; what is no key stays as it is."""
    try:
        return grouped(from_key(key))
    except CodeError:
        return key
