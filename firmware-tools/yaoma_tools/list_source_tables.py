"""List source of tables: reads products, denials and patterns as people write them in CSV or JSON lines."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeVar

from yaoma.core.canonical import Json
from yaoma.core.denial_table import DenialRow, denial_of
from yaoma.core.other_pattern import OtherPattern
from yaoma.core.product import Product
from yaoma.core.product_entry import TableEntryError, pattern_of, product_of
from yaoma_tools.list_source import Columns, Mistakes, batches, is_mangled, key_of

__all__ = ["read_codes", "read_denials", "read_patterns", "read_products"]

_CODES: Final = Columns(("code",))
_PRODUCTS: Final = Columns(("key", "name"), ("drug", "level", "packs", "units", "platform", "flags", "aliases"))
_DENIALS: Final = Columns(("key", "kind"), ("note", "lot", "serial_from", "serial_to"))
_PATTERNS: Final = Columns(("standard", "regex", "product_key"))
_SEPARATOR: Final = "|"
_MOST_DIGITS: Final = 9

_T = TypeVar("_T")


def read_codes(path: Path | None) -> set[str]:
    """Read the column `code` of a small table as keys; a code that is there twice counts once.

    Raises:
        SourceError: Something is wrong; file and line are named.
        OSError: It can't be read.
    """
    return {key for _, key in _read(path, _CODES, lambda cells: _key(cells["code"]))}


def read_patterns(path: Path | None) -> list[OtherPattern]:
    """Read patterns of other standards: standard, regex, product_key.

    Raises:
        SourceError: Something is wrong; file and line are named.
        OSError: It can't be read.
    """
    return [pattern for _, pattern in _read(path, _PATTERNS, pattern_of)]


def read_products(path: Path | None, patterns: Sequence[OtherPattern] = ()) -> list[Product]:
    """Read products: key (7 digits, GTIN-14 or a product's key), name; further columns as in `Product`.

    Flags are parted by `|`, aliases too: `ean:6901234567892|insurance:XJ01...`.

    Args:
        path: The table; no file has no products.
        patterns: Patterns of other standards, whose product keys count too.

    Raises:
        SourceError: Something is wrong; file and line are named.
        OSError: It can't be read.
    """
    named = frozenset(pattern.product_key for pattern in patterns)
    return _each_once(
        path, _read(path, _PRODUCTS, lambda cells: product_of(_product(cells), named)), lambda one: one.key
    )


def read_denials(path: Path | None, patterns: Sequence[OtherPattern] = ()) -> list[DenialRow]:
    """Read denials: key (of a code or a product), kind, note; and lot, or serial_from and serial_to.

    Args:
        path: The table; no file has no denials.
        patterns: Patterns of other standards, whose product keys count too.

    Raises:
        SourceError: Something is wrong; file and line are named.
        OSError: It can't be read.
    """
    named = frozenset(pattern.product_key for pattern in patterns)
    return _each_once(
        path, _read(path, _DENIALS, lambda cells: denial_of(_denial(cells), named)), lambda one: one.place
    )


def _read(path: Path | None, columns: Columns, make: Callable[[dict[str, str]], _T]) -> list[tuple[int, _T]]:
    if path is None:
        return []
    mistakes, found = Mistakes(), []
    for batch in batches(path, columns, mistakes):
        cells = [batch.columns[name] for name in columns.all]
        for line, row in zip(batch.lines, zip(*cells, strict=True), strict=True):
            try:
                found.append((line, make(dict(zip(columns.all, row, strict=True)))))
            except TableEntryError as error:
                mistakes.add(path.name, line, str(error))
    mistakes.refuse()
    return found


def _each_once(path: Path | None, entries: list[tuple[int, _T]], name: Callable[[_T], object]) -> list[_T]:
    mistakes = Mistakes()
    first: dict[object, int] = {}
    for line, entry in entries:
        other = first.setdefault(name(entry), line)
        if other != line and path is not None:
            mistakes.add(path.name, line, f"the same key as in line {other}")
    mistakes.refuse()
    return [entry for _, entry in entries]


def _product(cells: dict[str, str]) -> dict[str, Json]:
    entry: dict[str, Json] = {name: text for name, text in cells.items() if text}
    entry |= {"key": _key(cells["key"]), "name": cells["name"]}
    for name in ("packs", "units"):
        if name in entry:
            entry[name] = _number(name, cells[name])
    if "flags" in entry:
        entry["flags"] = [flag.strip() for flag in cells["flags"].split(_SEPARATOR)]
    if "aliases" in entry:
        parted = (alias.partition(":") for alias in cells["aliases"].split(_SEPARATOR))
        entry["aliases"] = [[system.strip(), text.strip()] for system, _, text in parted]
    return entry


def _denial(cells: dict[str, str]) -> dict[str, Json]:
    given: dict[str, Json] = {name: text for name, text in cells.items() if text}
    return given | {"key": _key(cells["key"]), "note": cells["note"]}


def _key(text: str) -> str:
    if is_mangled(text):
        raise TableEntryError("a spreadsheet made a number such as 8.12E+19 of it; export the column as text")
    return key_of(text)


def _number(name: str, text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS):
        raise TableEntryError(f"{name} is a whole number")
    return int(text)
