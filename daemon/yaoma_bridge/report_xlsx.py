"""Report XLSX: writes a page as a workbook; a code stays text, a cell never becomes a formula."""

import importlib
import io
from typing import Any, Final

from yaoma.core.report_page import Cell, Column, ColumnKind, Page, Table
from yaoma_bridge.errors import BridgeError

__all__ = ["as_xlsx"]

#: Excel's limit for the name of a sheet, and what it forbids there.
_MAX_NAME: Final = 31
_FORBIDDEN: Final = str.maketrans(dict.fromkeys("[]:*?/\\'", " "))
_MIN_WIDTH: Final = 8
_MAX_WIDTH: Final = 44


def as_xlsx(page: Page) -> bytes:
    """Write a page: the first sheet says what it is about, each table has one of its own.

    Args:
        page: The page.

    Raises:
        BridgeError: If the package for it is not installed.
    """
    try:
        workbooks = importlib.import_module("xlsxwriter")
    except ImportError:
        raise BridgeError("XlsxWriter is missing", "Install it: pip install 'yaoma[bridge]'") from None
    file = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = workbooks.Workbook(file, options)
    book.set_properties({"title": page.title})
    formats = {
        "title": book.add_format({"bold": True, "font_size": 14}),
        "head": book.add_format({"bold": True, "bg_color": "#EEF3F2", "border": 1, "text_wrap": True, "valign": "top"}),
        "text": book.add_format({"border": 1, "valign": "top", "num_format": "@"}),
        "number": book.add_format({"border": 1, "valign": "top"}),
        "note": book.add_format({"font_color": "#5A666E", "text_wrap": True, "valign": "top"}),
    }
    _cover(book.add_worksheet(_name(page.title, set())), page, formats)
    taken = {_name(page.title, set())}
    for table in page.tables:
        name = _name(table.caption, taken)
        taken.add(name)
        _sheet(book.add_worksheet(name), table, page.label("nothing"), formats)
    book.close()
    return file.getvalue()


def _cover(sheet: Any, page: Page, formats: dict[str, Any]) -> None:  # noqa: ANN401 - imported late, so mypy can't know it
    sheet.set_column(0, 0, 24)
    sheet.set_column(1, 1, 40)
    sheet.set_column(2, 2, 40)
    sheet.write_string(0, 0, page.title, formats["title"])
    row = 2
    for label, text in page.facts:
        sheet.write_string(row, 0, label)
        sheet.write_string(row, 1, text)
        row += 1
    row += 1
    for tile in page.tiles:
        sheet.write_string(row, 0, tile.label)
        sheet.write_string(row, 1, tile.value)
        sheet.write_string(row, 2, tile.note)
        row += 1
    row += 1
    for note in page.notes:
        sheet.merge_range(row, 0, row, 2, "", formats["note"])
        sheet.write_string(row, 0, note, formats["note"])
        sheet.set_row(row, 32)
        row += 1


def _sheet(sheet: Any, table: Table, nothing: str, formats: dict[str, Any]) -> None:  # noqa: ANN401 - as `_cover`
    for number, column in enumerate(table.columns):
        sheet.write_string(0, number, column.title, formats["head"])
        widest = max([_width(column.title), *(_width(str(row[number] or "")) for row in table.rows)])
        sheet.set_column(number, number, min(max(widest + 2, _MIN_WIDTH), _MAX_WIDTH))
    for at, row in enumerate(table.rows, 1):
        for number, (cell, column) in enumerate(zip(row, table.columns, strict=True)):
            _write(sheet, at, number, cell, column, formats)
    below = len(table.rows) + 1
    if not table.rows:
        sheet.write_string(below, 0, nothing)
        below += 1
    for note in table.notes:
        sheet.write_string(below, 0, note, formats["note"])
        below += 1
    sheet.freeze_panes(1, 0)
    if table.rows:
        sheet.autofilter(0, 0, len(table.rows), len(table.columns) - 1)


def _write(sheet: Any, row: int, number: int, cell: Cell, column: Column, formats: dict[str, Any]) -> None:  # noqa: ANN401, PLR0917 - as `_cover`
    if cell is None:
        sheet.write_blank(row, number, None, formats["text"])
    elif isinstance(cell, int) and column.kind is ColumnKind.NUMBER:
        sheet.write_number(row, number, cell, formats["number"])
    else:
        sheet.write_string(row, number, str(cell), formats["text"])


def _width(text: str) -> int:
    """Count columns; a Chinese character is about two wide."""
    return sum(2 if ord(letter) > 0x2E7F else 1 for letter in text)  # noqa: PLR2004 - where CJK begins


def _name(caption: str, taken: set[str]) -> str:
    plain = caption.translate(_FORBIDDEN).strip()[:_MAX_NAME] or "1"
    name, number = plain, 2
    while name.casefold() in {one.casefold() for one in taken}:
        name = f"{plain[: _MAX_NAME - 3]} {number}"
        number += 1
    return name
