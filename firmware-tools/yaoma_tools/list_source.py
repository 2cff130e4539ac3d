"""List source: reads the tables that people export; names every mistake by file and line, never by a code's text."""

import csv
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import Final, TextIO

from yaoma.core.trace_code import is_cn20, is_gtin
from yaoma_tools.list_source_mistakes import MOST_NAMED, Mistakes, SourceError
from yaoma_tools.list_source_text import encoding_of

__all__ = ["MOST_NAMED", "Batch", "Columns", "Mistakes", "SourceError", "batches", "is_mangled", "key_of"]

_BATCH_ROWS: Final = 8192
_CSV_SUFFIXES: Final = {".csv", ".tsv", ".txt"}
_SEPARATORS: Final = ",\t;"
_COLUMNS_TOLD: Final = 20
_TAKEN_OFF: Final = " '="
#: How the columns are called in Chinese exports.
_CHINESE: Final = {
    "追溯码": "code",
    "药品追溯码": "code",
    "批号": "lot",
    "产品批号": "lot",
    "生产批号": "lot",
    "有效期": "expiry",
    "有效期至": "expiry",
}
_SCIENTIFIC: Final = re.compile(r"[0-9](?:[.,][0-9]+)?[eE]\+?[0-9]{1,2}")
#: What can't be the name of a column, and may be a code.
_NO_NAME: Final = re.compile(r"[0-9]{7}|.{41}")


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a table.

    Args:
        required: Without these it is no such table.
        optional: It may have these; others are passed over.
    """

    required: Sequence[str]
    optional: Sequence[str] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """Required and optional ones."""
        return (*self.required, *self.optional)


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows of a table, by column; blanks at the ends of a cell are gone.

    Args:
        lines: Number of the line of each row.
        columns: Cells by the name of the column; empty text where the table has no such column.
    """

    lines: Sequence[int]
    columns: Mapping[str, list[str]] = field(repr=False)


def batches(
    path: Path, columns: Columns, mistakes: Mistakes, progress: Callable[[int], None] | None = None
) -> Iterator[Batch]:
    """Read a table: CSV with a header if the name ends in `.csv`, `.tsv` or `.txt`, otherwise JSON lines.

    Args:
        path: The file: UTF-8, GBK or UTF-16; separated by comma, tab or semicolon.
        columns: What is wanted of it.
        mistakes: Takes what is wrong; such rows are left out.
        progress: Told how many bytes were read since the last time.

    Raises:
        OSError: It can't be read.
    """
    with path.open("rb") as raw:
        encoding = encoding_of(raw, path.name, mistakes)
        if encoding is None:
            return
        raw.seek(0)
        text = TextIOWrapper(raw, encoding=encoding, newline="")
        read = _csv_batches if path.suffix.lower() in _CSV_SUFFIXES else _json_batches
        told = 0
        for batch in read(text, path.name, columns, mistakes):
            yield batch
            if progress is not None:
                place = raw.tell()
                progress(place - told)
                told = place


def key_of(text: str) -> str:
    """Accept what people have: bare digits of a code, a product or a GTIN; other texts stay as they are."""
    if is_cn20(text):
        return f"cn20:{text}"
    if text.isascii() and text.isdecimal():
        if len(text) == 7:  # noqa: PLR2004 - 药品标识码 (DOMAIN.md 1.1)
            return f"cn20:{text}"
        if len(text) == 14 and is_gtin(text):  # noqa: PLR2004 - GTIN-14
            return f"gs1:01{text}"
    return text


def is_mangled(text: str) -> bool:
    """Say whether a spreadsheet made a number of a code, as in 8.12E+19."""
    return bool(_SCIENTIFIC.fullmatch(text))


def _all_cleaned(cells: list[str]) -> list[str]:
    joined = "".join(cells)
    # Millions of cells have nothing to take off, and one look at thousands of them together says so.
    if joined.isprintable() and not any(mark in joined for mark in _TAKEN_OFF):
        return cells
    return [_cleaned(cell) for cell in cells]


def _cleaned(cell: str) -> str:
    """Take off what is not part of a cell: blanks, and the marks by which spreadsheets keep a number as text."""
    cell = cell.strip()
    if cell.startswith("'"):
        return cell[1:].strip()
    if cell.startswith('="') and cell.endswith('"'):
        return cell[2:-1].strip()
    return cell


def _csv_batches(text: TextIO, name: str, wanted: Columns, mistakes: Mistakes) -> Iterator[Batch]:
    first = text.readline()
    separator = max(_SEPARATORS, key=first.count)
    header = [
        _CHINESE.get(cell.strip(), cell.strip().lower()) for cell in next(csv.reader([first], delimiter=separator), [])
    ]
    if not _has_columns(name, header, wanted, mistakes):
        return
    places = {column: header.index(column) for column in wanted.all if column in header}
    least = max(places.values()) + 1
    reader = csv.reader(text, delimiter=separator, strict=True)
    is_ended = False
    while not is_ended:
        lines: list[int] = []
        found: list[list[str]] = []
        try:
            for row in islice(reader, _BATCH_ROWS):
                lines.append(reader.line_num + 1)
                found.append(row)
            is_ended = len(found) < _BATCH_ROWS
        except csv.Error:
            mistakes.add(name, reader.line_num + 1, "the line is no CSV; is a quotation mark not closed?")
            is_ended = True
        if min(map(len, found), default=least) < least:
            lines, found = _long_enough(name, lines, found, least, mistakes)
        columns = {column: _all_cleaned([row[place] for row in found]) for column, place in places.items()}
        yield Batch(lines, {column: columns.get(column) or [""] * len(found) for column in wanted.all})


def _long_enough(
    name: str, lines: list[int], found: list[list[str]], least: int, mistakes: Mistakes
) -> tuple[list[int], list[list[str]]]:
    kept = []
    for line, row in zip(lines, found, strict=True):
        if len(row) >= least:
            kept.append((line, row))
        elif any(map(str.strip, row)):
            mistakes.add(name, line, "the line has fewer columns than the first one")
    return [line for line, _ in kept], [row for _, row in kept]


def _has_columns(name: str, header: Sequence[str], wanted: Columns, mistakes: Mistakes) -> bool:
    missing = [column for column in wanted.required if column not in header]
    twice = [column for column in wanted.all if header.count(column) > 1]
    if any(is_cn20(cell) or is_mangled(cell) for cell in header):
        mistakes.add(name, 1, f"the first line must name the columns: {', '.join(wanted.required)}")
    elif missing:
        found = ", ".join(_shown(cell) for cell in header[:_COLUMNS_TOLD])
        mistakes.add(name, 1, f"the column {', '.join(missing)} is missing; found: {found}")
    elif twice:
        mistakes.add(name, 1, f"the column {', '.join(twice)} is there twice")
    else:
        return True
    return False


def _shown(cell: str) -> str:
    """Show a column's name, unless it may be a code or somebody's number."""
    if _NO_NAME.search(cell) or not cell.isprintable():
        return f"({len(cell)} characters)"
    return cell or "(no name)"


def _json_batches(text: TextIO, name: str, wanted: Columns, mistakes: Mistakes) -> Iterator[Batch]:
    numbered = enumerate(text, start=1)
    while part := list(islice(numbered, _BATCH_ROWS)):
        lines: list[int] = []
        columns: dict[str, list[str]] = {column: [] for column in wanted.all}
        for number, line in part:
            if not line.strip():
                continue
            cells = _cells(line, wanted)
            if isinstance(cells, str):
                mistakes.add(name, number, cells)
                continue
            lines.append(number)
            for column, cell in cells.items():
                columns[column].append(cell)
        yield Batch(lines, columns)


def _cells(line: str, wanted: Columns) -> dict[str, str] | str:
    """Give the cells of a line of JSON, or what is wrong with it."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return "a JSON object was expected"
    if not isinstance(row, dict):
        return "a JSON object was expected"
    missing = [column for column in wanted.required if column not in row]
    if missing:
        found = ", ".join(_shown(key) for key in [*row][:_COLUMNS_TOLD])
        return f"the column {', '.join(missing)} is missing; found: {found}"
    cells = {column: row.get(column) for column in wanted.all}
    given = {column: "" if cell is None else cell for column, cell in cells.items()}
    texts = {column: cell.strip() for column, cell in given.items() if isinstance(cell, str)}
    if len(texts) < len(given):
        return f"{', '.join(sorted(given.keys() - texts.keys()))}: a text in quotes was expected"
    return texts
