"""Denial table: what a release says must not be received or handed out: by code, serial range, lot or product."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from yaoma.core.allowlist import Denial, DenialKind
from yaoma.core.canonical import Json, canonical
from yaoma.core.code import CodeError, from_key
from yaoma.core.lot_table import is_lot
from yaoma.core.product_entry import TableEntryError, is_product_key
from yaoma.core.product_table import TableError, table_lines
from yaoma.core.trace_code import Other, TraceCode

__all__ = ["DENIALS_TYPE", "MAX_NOTE_CHARS", "DenialRow", "DenialTable", "denial_entry", "denial_of"]

DENIALS_TYPE: Final = "yaoma/denials/v1"
MAX_NOTE_CHARS: Final = 200

_MAX_SERIAL_DIGITS: Final = 20
_REQUIRED: Final = frozenset({"key", "kind", "note"})
_FORMS: Final = (frozenset[str](), frozenset({"lot"}), frozenset({"serial_from", "serial_to"}))


@dataclass(frozen=True, slots=True)
class DenialRow:
    """One denial.

    Args:
        key: Key of a code or a product.
        denial: Why, and the notice.
        lot: Only this lot of the product; empty for all.
        serial_from: Only serials from this one on; digits. Empty for all.
        serial_to: The last serial, with as many digits.
    """

    key: str
    denial: Denial
    lot: str = ""
    serial_from: str = ""
    serial_to: str = ""

    @property
    def place(self) -> tuple[str, str, str, str]:
        """What names the row in its table; rows are sorted by it."""
        return self.key, self.lot, self.serial_from, self.serial_to


@dataclass(frozen=True, slots=True)
class DenialTable:
    """The denials of a release.

    Args:
        rows: Each once, in order.
    """

    rows: tuple[DenialRow, ...] = field(repr=False)
    _by_key: dict[str, Denial] = field(default_factory=dict, init=False, repr=False, compare=False)
    _by_lot: dict[tuple[str, str], Denial] = field(default_factory=dict, init=False, repr=False, compare=False)
    _ranges: dict[str, list[DenialRow]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the rows by what a pack tells."""
        for row in self.rows:
            if row.serial_from:
                self._ranges.setdefault(row.key, []).append(row)
            elif row.lot:
                self._by_lot[row.key, row.lot] = row.denial
            else:
                self._by_key[row.key] = row.denial

    @classmethod
    def of(cls, rows: Iterable[DenialRow]) -> "DenialTable":
        """Make a table.

        Raises:
            TableError: Two rows say of the same packs why.
        """
        several = sorted(rows, key=lambda row: row.place)
        if len({row.place for row in several}) != len(several):
            raise TableError("the same packs are denied twice")
        return cls(tuple(several))

    @classmethod
    def parse(cls, content: bytes, named: frozenset[str] = frozenset()) -> "DenialTable":
        """Read a table; only its one form is accepted.

        Args:
            content: The file.
            named: Product keys that patterns of other standards name.

        Raises:
            TableError: It is malformed.
        """
        lines = table_lines(content, DENIALS_TYPE)
        if lines[0].keys() != {"type"}:
            raise TableError("line 1: nothing but the type was expected")
        found: list[DenialRow] = []
        for number, line in enumerate(lines[1:], start=2):
            try:
                row = denial_of(line, named)
            except TableEntryError as error:
                raise TableError(f"line {number}: {error}") from None
            if found and row.place <= found[-1].place:
                raise TableError(f"line {number}: the denials are out of order")
            found.append(row)
        return cls(tuple(found))

    def encoded(self) -> bytes:
        """Give its one form; the rows must have been checked, see `denial_of`."""
        rows = sorted(self.rows, key=lambda row: row.place)
        lines = [{"type": DENIALS_TYPE}, *map(denial_entry, rows)]
        return b"".join(canonical(line) + b"\n" for line in lines)

    def denial(self, code: TraceCode, lot: str | None = None) -> Denial | None:
        """Give why a code is denied: by itself, its serial range, its lot or its product; None if it is not."""
        product_key = code.product_key
        found = self._by_key.get(code.key) or self._by_serial(code, product_key)
        if found is None and lot:
            found = self._by_lot.get((product_key, lot))
        return found or self._by_key.get(product_key)

    def _by_serial(self, code: TraceCode, product_key: str) -> Denial | None:
        ranges = self._ranges.get(product_key)
        if ranges is None or isinstance(code, Other):
            return None
        serial = code.serial
        if not (serial.isascii() and serial.isdecimal()):
            return None
        for row in ranges:
            # As many digits on both sides, so the order of the texts is that of the numbers.
            if len(serial) == len(row.serial_from) and row.serial_from <= serial <= row.serial_to:
                return row.denial
        return None


def denial_entry(row: DenialRow) -> Mapping[str, Json]:
    """Give a denial as it stands in a table."""
    entry = {"key": row.key, "kind": row.denial.kind.value, "note": row.denial.note}
    given = {"lot": row.lot, "serial_from": row.serial_from, "serial_to": row.serial_to}
    return entry | {name: text for name, text in given.items() if text}


def denial_of(entry: Json, named: frozenset[str] = frozenset()) -> DenialRow:
    """Read the entry of a denial.

    Args:
        entry: `key`, `kind`, `note`, and either nothing else, or `lot`, or `serial_from` and `serial_to`.
        named: Product keys that patterns of other standards name.

    Raises:
        TableEntryError: It is malformed.
    """
    if not isinstance(entry, dict) or entry.keys() - _REQUIRED not in _FORMS or not entry.keys() >= _REQUIRED:
        raise TableEntryError("the keys key, kind, note and either lot or serial_from, serial_to were expected")
    if not all(isinstance(value, str) for value in entry.values()):
        raise TableEntryError("texts were expected")
    row = DenialRow(
        str(entry["key"]),
        Denial(_kind(str(entry["kind"])), _note(str(entry["note"]))),
        *(str(entry.get(name, "")) for name in ("lot", "serial_from", "serial_to")),
    )
    is_product = is_product_key(row.key, named)
    if len(entry) > len(_REQUIRED) and not is_product:
        raise TableEntryError("a lot or a range of serials needs the key of a product")
    if not is_product and not _is_code(row.key):
        raise TableEntryError("no key of a trace code or a product")
    if "lot" in entry and not is_lot(row.lot):
        raise TableEntryError("no lot")
    if "serial_from" in entry and not _is_range(row.serial_from, row.serial_to):
        raise TableEntryError(
            "a range of serials has equally many digits at both ends, at most 20, the lower one first"
        )
    return row


def _kind(text: str) -> DenialKind:
    try:
        return DenialKind(text)
    except ValueError:
        raise TableEntryError(f"kind is one of {', '.join(DenialKind)}") from None


def _note(text: str) -> str:
    if len(text) > MAX_NOTE_CHARS or not text.isprintable():
        raise TableEntryError(f"the note has 0-{MAX_NOTE_CHARS} printable characters")
    return text


def _is_code(key: str) -> bool:
    try:
        return from_key(key).key == key
    except CodeError:
        return False


def _is_range(first: str, last: str) -> bool:
    both = first + last
    return both.isascii() and both.isdecimal() and 0 < len(first) == len(last) <= _MAX_SERIAL_DIGITS and first <= last
