"""Report text: writes a page for a terminal, with Chinese characters two columns wide."""

from collections.abc import Sequence
from unicodedata import east_asian_width

from yaoma.core.report_page import Cell, Column, ColumnKind, Page, Table, Tile, code_for_people

__all__ = ["as_text"]

_MARK = {True: "✓", False: "✗", None: " "}


def as_text(page: Page) -> str:
    """Write a page.

    Args:
        page: The page.
    """
    lines = [page.title, "=" * _width(page.title)]
    if page.facts:
        widest = max(_width(label) for label, _ in page.facts)
        lines += [f"{_left(label, widest)}  {text}" for label, text in page.facts]
    if page.tiles:
        lines += ["", *_tiles(page.tiles)]
    for table in page.tables:
        lines += ["", *_table(table, page.label("nothing"))]
    if page.notes:
        lines += ["", *page.notes]
    if page.proof:
        lines += ["", page.label("proof"), *(f"  {line}" for line in page.proof.rstrip("\n").split("\n"))]
    return "\n".join(_clean(line).rstrip() for line in lines) + "\n"


def _tiles(tiles: Sequence[Tile]) -> list[str]:
    label_width = max(_width(tile.label) for tile in tiles)
    value_width = max(_width(tile.value) for tile in tiles)
    return [
        f"{_MARK[tile.is_met]} {_left(tile.label, label_width)}  {_right(tile.value, value_width)}  {tile.note}"
        for tile in tiles
    ]


def _table(table: Table, nothing: str) -> list[str]:
    lines = [f"■ {table.caption}"]
    if not table.rows:
        return [*lines, f"  {nothing}", *(f"  {note}" for note in table.notes)]
    rows = [[_cell(cell, column) for cell, column in zip(row, table.columns, strict=True)] for row in table.rows]
    widths = [
        max(_width(column.title), *(_width(row[number]) for row in rows)) for number, column in enumerate(table.columns)
    ]
    titles = [column.title for column in table.columns]
    for row in (titles, ["-" * width for width in widths], *rows):
        cells = (
            _right(text, width) if column.kind is ColumnKind.NUMBER else _left(text, width)
            for text, width, column in zip(row, widths, table.columns, strict=True)
        )
        lines.append("  " + "  ".join(cells))
    return [*lines, *(f"  {note}" for note in table.notes)]


def _cell(cell: Cell, column: Column) -> str:
    if cell is None:
        return "-"
    return code_for_people(str(cell)) if column.kind is ColumnKind.CODE else _clean(str(cell))


def _clean(text: str) -> str:
    """Leave out what moves the cursor of a terminal."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _width(text: str) -> int:
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def _left(text: str, width: int) -> str:
    return text + " " * (width - _width(text))


def _right(text: str, width: int) -> str:
    return " " * (width - _width(text)) + text
