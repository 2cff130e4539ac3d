"""Signed list: builds the small list of one site from tables and signs it; never one that a box would refuse."""

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from yaoma.core.canonical import Json
from yaoma.core.note import Signer
from yaoma.core.site_list import ListRefusal, ListRefusedError, list_text, read_list
from yaoma.core.trace_code import is_cn20, is_gtin
from yaoma.shell.list_file import MAX_LIST_BYTES
from yaoma_link.keyfile import write_public

__all__ = ["BuiltList", "ListSource", "SourceError", "build_list", "sign_list"]


class SourceError(ValueError):
    """A table can't be read; the sentence names file and line, never the text of a code."""


@dataclass(frozen=True, slots=True)
class ListSource:
    """What a list is made of. Tables are CSV with a header (`.csv`) or JSON lines (anything else).

    Args:
        site: The institution's code, or `*`.
        version: Above that of the last list.
        issued_ms: Now, milliseconds since 1970.
        expires_ms: When the list becomes stale, milliseconds since 1970.
        codes: Table with the column `code`: 20 digits, or the key of a code.
        products: Table with `key` (7 digits, GTIN-14 or a product's key) and `name`.
        denials: Table with `key` (of a code or a product), `kind` and `note`.
        patterns: Table with `standard`, `regex` and `product_key`.
    """

    site: str
    version: int
    issued_ms: int
    expires_ms: int
    codes: Path | None = None
    products: Path | None = None
    denials: Path | None = None
    patterns: Path | None = None


@dataclass(frozen=True, slots=True)
class BuiltList:
    """What was built.

    Args:
        note: The signed note.
        codes: How many codes it holds.
        products: How many products.
        denials: How many denials.
        patterns: How many patterns.
    """

    note: str
    codes: int
    products: int
    denials: int
    patterns: int


def build_list(source: ListSource, signer: Signer) -> BuiltList:
    """Build a list and sign it.

    Args:
        source: What it is made of.
        signer: The centre's key.

    Raises:
        SourceError: If a table is malformed.
        ListRefusedError: If a box would refuse the list; the hint names the entry.
        OSError: If a table can't be read.
    """
    codes = [{"code": _key(row["code"])} for row in _rows(source.codes, "code")]
    products = [{**row, "key": _key(row["key"])} for row in _rows(source.products, "key", "name")]
    denials = [{**row, "key": _key(row["key"])} for row in _rows(source.denials, "key", "kind", "note")]
    patterns = list(_rows(source.patterns, "standard", "regex", "product_key"))
    content: Mapping[str, Json] = {
        "site": source.site,
        "version": source.version,
        "issued_ms": source.issued_ms,
        "expires_ms": source.expires_ms,
        "codes": sorted({row["code"] for row in codes}),
        "products": products,
        "denials": denials,
        "patterns": patterns,
    }
    text = list_text(content)
    built = read_list(text, source.site).allowlist
    note = signer.sign(text)
    if len(note.encode()) > MAX_LIST_BYTES:
        raise ListRefusedError(ListRefusal.TOO_LARGE, f"the list would have more than {MAX_LIST_BYTES} bytes")
    return BuiltList(note, len(built.codes), len(built.products), len(built.denials), len(built.patterns))


def sign_list(destination: Path, source: ListSource, signer: Signer) -> BuiltList:
    """Build and sign a list and put it in place in one step, over an older one.

    Args:
        destination: The file.
        source: What it is made of.
        signer: The centre's key.

    Raises:
        SourceError: If a table is malformed.
        ListRefusedError: If a box would refuse the list.
        OSError: If a table can't be read, or the file can't be written.
    """
    built = build_list(source, signer)
    write_public(destination, built.note.encode(), replace=True)
    return built


def _key(text: str) -> str:
    """Accept what people have: bare digits of a code, a product or a GTIN."""
    if is_cn20(text):
        return f"cn20:{text}"
    if text.isascii() and text.isdecimal():
        if len(text) == 7:  # noqa: PLR2004 - 药品标识码 (DOMAIN.md 1.1)
            return f"cn20:{text}"
        if len(text) == 14 and is_gtin(text):  # noqa: PLR2004 - GTIN-14
            return f"gs1:01{text}"
    return text


def _rows(path: Path | None, *columns: str) -> Iterator[dict[str, str]]:
    """Read a table; blanks at the ends of a cell go, further columns are passed over."""
    if path is None:
        return
    for number, row in _read_csv(path) if path.suffix.lower() == ".csv" else _read_lines(path):
        cells = {name: row.get(name) for name in columns}
        if not all(isinstance(cell, str) for cell in cells.values()):
            raise SourceError(f"{path.name}, line {number}: the columns {', '.join(columns)} were expected")
        yield {name: str(cell).strip() for name, cell in cells.items()}


def _read_csv(path: Path) -> Iterator[tuple[int, Mapping[str, object]]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:  # office programs write a mark before the header
        try:
            reader = csv.DictReader(stream)
            for row in reader:
                yield reader.line_num, row
        except (csv.Error, UnicodeDecodeError) as error:
            raise SourceError(f"{path.name} is no CSV in UTF-8: {type(error).__name__}") from None


def _read_lines(path: Path) -> Iterator[tuple[int, Mapping[str, object]]]:
    with path.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError:
                row = None
            if not isinstance(row, dict):
                raise SourceError(f"{path.name}, line {number}: a JSON object was expected")
            yield number, row
