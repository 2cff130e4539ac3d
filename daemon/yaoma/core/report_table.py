"""Report table: a table whose columns go by their names, in the catalogue and in how they are written."""

from collections.abc import Iterable, Sequence
from typing import Final

from yaoma.core.report_page import Cell, Column, ColumnKind, Phrases, Table

__all__ = ["table_of"]

_CODES: Final = frozenset({"code", "container"})

_NUMBERS: Final = frozenset(
    {
        *("scans", "faults", "packs", "quantity", "records", "waiting", "deliveries"),
        *("said", "matched", "missing", "extra", "doubtful"),
        *("opening", "came_in_packs", "went_out_packs", "expected"),
        *("counted", "not_found", "surplus", "out_unreceived"),
        *("book_in", "book_out", "counted_last", "left"),
    }
)


def table_of(
    caption: str,
    names: Iterable[str],
    rows: Sequence[Sequence[Cell]],
    phrases: Phrases,
    notes: Iterable[str] = (),
) -> Table:
    """Lay out a table.

    Args:
        caption: What stands above it, by its name in the catalogue.
        names: Its columns, by theirs.
        rows: Its cells, row by row.
        phrases: The language.
        notes: What stands below it.
    """
    columns = [Column(phrases.say(name), _kind(name)) for name in names]
    return Table(phrases.say(caption), columns, rows, list(notes))


def _kind(name: str) -> ColumnKind:
    if name in _CODES:
        return ColumnKind.CODE
    return ColumnKind.NUMBER if name in _NUMBERS else ColumnKind.TEXT
