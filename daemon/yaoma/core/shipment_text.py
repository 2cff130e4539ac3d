"""Shipment text: a shipment as canonical JSON, and every way in which one is refused."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

from yaoma.core.canonical import Json
from yaoma.core.code import CodeError, from_key
from yaoma.core.shipment import Shipment, ShipmentError, ShipmentKind, ShipmentLine

__all__ = ["MAX_CODES", "read_shipment", "shipment_fields"]

#: A truck holds fewer; what is said at once must fit into one message to a box.
MAX_CODES: Final = 10_000

_MAX_LINES: Final = 2_000
_MAX_TEXT: Final = 200

_LINE_KEYS: Final = frozenset({"product", "packs", "lot", "expiry", "name"})
_CODE_KEYS: Final = frozenset({"code", "in", "line"})
_KEYS: Final = frozenset({"id", "kind", "supplier", "bill", "sent_ms", "lines", "codes"})


def shipment_fields(shipment: Shipment) -> dict[str, Json]:
    """Give the one form of a shipment; codes stand as `[code, container, line]` would read, each with its names."""
    return {
        "id": shipment.id,
        "kind": shipment.kind.value,
        "supplier": shipment.supplier,
        "bill": shipment.bill,
        "sent_ms": shipment.sent_ms,
        "lines": [
            {
                "product": line.product,
                "packs": line.packs,
                "lot": line.lot,
                "expiry": line.expiry.isoformat() if line.expiry else None,
                "name": line.name,
            }
            for line in shipment.lines
        ],
        "codes": [
            {"code": code, "in": parent, "line": shipment.line_of.get(code)}
            for code, parent in shipment.parents.items()
        ],
    }


def read_shipment(fields: Mapping[str, Json]) -> Shipment:
    """Read a shipment.

    Args:
        fields: The JSON object.

    Raises:
        ShipmentError: If its form is wrong, or it contradicts itself: circles, a child in two parents, a code twice,
            a quantity that is not what is there. The sentence names the place, never a code.
    """
    if fields.keys() != _KEYS:
        # a key that is not known here may hold a prohibition
        raise ShipmentError(f"missing or unknown keys: {', '.join(sorted(map(str, fields.keys() ^ _KEYS)))}")
    lines = [_line(number, one) for number, one in enumerate(_entries(fields, "lines", _MAX_LINES), 1)]
    parents: dict[str, str] = {}
    line_of: dict[str, int] = {}
    for number, entry in enumerate(_entries(fields, "codes", MAX_CODES), 1):
        code, parent, line = _code(number, entry)
        if code in parents:
            raise ShipmentError(
                f"code {number}: it stands there twice"
                if parents[code] == parent
                else f"code {number}: it lies in two containers"
            )
        parents[code] = parent
        if line is not None:
            line_of[code] = line
    if not parents:
        raise ShipmentError("a shipment names at least one code")
    holders = {parent for parent in parents.values() if parent}
    for number, code in enumerate(parents, 1):
        if code not in holders and code not in line_of:
            raise ShipmentError(f"code {number}: it holds nothing and belongs to no line")
    try:
        kind = ShipmentKind(_text(fields, "kind", least=1))
    except ValueError:
        raise ShipmentError(f"kind is one of {', '.join(ShipmentKind)}") from None
    return Shipment(
        id=_text(fields, "id", least=1),
        kind=kind,
        supplier=_text(fields, "supplier"),
        bill=_text(fields, "bill"),
        lines=lines,
        parents=parents,
        line_of=line_of,
        sent_ms=_whole(fields["sent_ms"], "sent_ms"),
    )


def _entries(fields: Mapping[str, Json], name: str, most: int) -> Sequence[Json]:
    value = fields[name]
    if not isinstance(value, list) or len(value) > most:
        raise ShipmentError(f"{name} is a list of at most {most}")
    return value


def _line(number: int, entry: Json) -> ShipmentLine:
    if not isinstance(entry, Mapping) or entry.keys() != _LINE_KEYS:
        raise ShipmentError(f"line {number}: exactly {', '.join(sorted(_LINE_KEYS))} were expected")
    try:
        expiry, lot = entry["expiry"], entry["lot"]
        if lot is not None:
            _text(entry, "lot", least=1)
        return ShipmentLine(
            product=_text(entry, "product", least=1),
            packs=_whole(entry["packs"], "packs"),
            lot=None if lot is None else str(lot),
            expiry=None if expiry is None else date.fromisoformat(_text(entry, "expiry")),
            name=_text(entry, "name"),
        )
    except ShipmentError as error:
        raise ShipmentError(f"line {number}: {error}") from None
    except ValueError:
        raise ShipmentError(f"line {number}: expiry is a date such as 2027-05-31") from None


def _code(number: int, entry: Json) -> tuple[str, str, int | None]:
    if not isinstance(entry, Mapping) or entry.keys() != _CODE_KEYS:
        raise ShipmentError(f"code {number}: exactly {', '.join(sorted(_CODE_KEYS))} were expected")
    line = entry["line"]
    if line is not None and (type(line) is not int or line < 0):
        raise ShipmentError(f"code {number}: line is its place among the lines, from 0, or null")
    return _key(number, entry["code"]), _key(number, entry["in"]) if entry["in"] != "" else "", line


def _key(number: int, value: Json) -> str:
    if not isinstance(value, str):
        raise ShipmentError(f"code {number}: text was expected")
    try:
        found = from_key(value).key
    except CodeError:
        raise ShipmentError(f"code {number}: no key of a trace code") from None
    if found != value:
        raise ShipmentError(f"code {number}: not the one form of its key")
    return value


def _text(fields: Mapping[str, Json], name: str, *, least: int = 0) -> str:
    value = fields[name]
    if not isinstance(value, str) or not least <= len(value) <= _MAX_TEXT or not (value.isprintable()):
        raise ShipmentError(f"{name} has {least} to {_MAX_TEXT} printable characters")
    return value


def _whole(value: Json, name: str) -> int:
    if type(value) is not int or value < 0:
        raise ShipmentError(f"{name} is a whole number from 0")
    return value
