"""Report CSV: writes a page for a spreadsheet that keeps 20 digits and runs no formula.

Excel and WPS turn a cell of 20 digits into 8.12E+19 and lose the last five of them for good. Quotes don't help, since a
spreadsheet takes them off before it looks; `="..."` is a formula, which other readers see and which protected views
refuse; a tab or an apostrophe in front becomes a part of the code wherever it is copied to. So a code is written as the
journal writes it, `cn20:` and the digits: that is text to every spreadsheet and exact for every program.

A cell that a spreadsheet would take for a formula (OWASP, CSV injection: = + - @, tab, line ends, and their full-width
forms) gets an apostrophe in front; that also holds of texts that only look like one, never of our own numbers.
"""

import csv
import io
import re
from typing import Final

from yaoma.core.report_page import Cell, Column, ColumnKind, Page

__all__ = ["as_csv"]

#: Excel takes a file without it for GBK.
_BOM: Final = "\ufeff"
_FORMULA: Final = re.compile(r"[\s]*[=+\-@＝＋－＠]|[\t\r\n]")

#: Fifteen digits are what a spreadsheet's numbers hold; longer runs stay text only behind a letter.
_LONG_NUMBER: Final = re.compile(r"[0-9]{12,}")


def as_csv(page: Page) -> str:
    """Write a page; its tables stand below each other, parted by empty lines.

    Args:
        page: The page.
    """
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow([_safe(page.title)])
    writer.writerows([_safe(label), _safe(text)] for label, text in page.facts)
    if page.tiles:
        writer.writerow([])
        writer.writerows([_safe(tile.label), _safe(tile.value), _safe(tile.note)] for tile in page.tiles)
    for table in page.tables:
        writer.writerow([])
        writer.writerow([_safe(table.caption)])
        writer.writerow([_safe(column.title) for column in table.columns])
        for row in table.rows:
            writer.writerow([_cell(cell, column) for cell, column in zip(row, table.columns, strict=True)])
        writer.writerows([_safe(note)] for note in table.notes)
    if page.notes:
        writer.writerow([])
        writer.writerows([_safe(note)] for note in page.notes)
    if page.proof:
        writer.writerow([])
        writer.writerow([_safe(page.label("proof"))])
        writer.writerows([_safe(line)] for line in page.proof.rstrip("\n").split("\n"))
    return _BOM + file.getvalue()


def _cell(cell: Cell, column: Column) -> str | int:
    if cell is None:
        return ""
    if isinstance(cell, int) and column.kind is ColumnKind.NUMBER:
        return cell
    return _safe(str(cell))


def _safe(text: str) -> str:
    if _FORMULA.match(text) or _LONG_NUMBER.fullmatch(text):
        return f"'{text}"
    return text
