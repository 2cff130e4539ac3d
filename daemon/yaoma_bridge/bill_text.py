"""Bill text: the form in which the store keeps a bill, so that the same one is sent after every restart."""

import json
from collections.abc import Mapping

from yaoma.core.canonical import Json, canonical
from yaoma.core.ticket import Line
from yaoma_bridge.bill import Bill, BillLine

__all__ = ["bill_body", "read_bill"]

_TEXTS = (
    "site",
    "box",
    "log",
    "ticket",
    "operation",
    "payer",
    "till_bill",
    "owner",
    "shipment",
    "supplier",
    "supplier_bill",
    "operator",
    "statement",
)
_NUMBERS = ("part", "opened_ms", "closed_ms", "closed_n")
_LINE_TEXTS = ("code", "lot", "expiry", "produced", "verdict", "reason", "shipment", "via")
_LINE_NUMBERS = ("units", "case_packs", "wanted", "at_ms")


def bill_body(bill: Bill) -> bytes:
    """Give the bytes of a bill, without what is looked up when it is used: products, institution, sealed persons."""
    return canonical(
        {
            **{name: getattr(bill, name) for name in (*_TEXTS, *_NUMBERS)},
            "is_opening": bill.is_opening,
            "facts": dict(bill.facts),
            "wanted": [{**line.json(), "filled": [line.filled, line.filled_units]} for line in bill.wanted],
            "differences": [dict(one) for one in bill.differences],
            "lines": [_line(line) for line in bill.lines],
        }
    )


def read_bill(body: bytes) -> Bill:
    """Read what `bill_body` wrote."""
    fields = json.loads(body)  # our own store wrote it
    texts = {name: str(fields[name]) for name in _TEXTS}
    numbers = {name: _whole(fields, name) for name in _NUMBERS}
    facts = fields["facts"]
    assert isinstance(facts, Mapping)
    return Bill(
        site=texts["site"],
        box=texts["box"],
        log=texts["log"],
        ticket=texts["ticket"],
        operation=texts["operation"],
        opened_ms=numbers["opened_ms"],
        closed_ms=numbers["closed_ms"],
        closed_n=numbers["closed_n"],
        lines=tuple(_read_line(one) for one in _objects(fields, "lines")),
        part=numbers["part"],
        wanted=tuple(_read_wanted(one) for one in _objects(fields, "wanted")),
        payer=texts["payer"],
        till_bill=texts["till_bill"],
        owner=texts["owner"],
        shipment=texts["shipment"],
        supplier=texts["supplier"],
        supplier_bill=texts["supplier_bill"],
        differences=tuple(_objects(fields, "differences")),
        operator=texts["operator"],
        is_opening=fields["is_opening"] is True,
        statement=texts["statement"],
        facts={name: str(text) for name, text in facts.items()},
    )


def _line(line: BillLine) -> dict[str, Json]:
    return {
        **{name: getattr(line, name) for name in (*_LINE_TEXTS, *_LINE_NUMBERS)},
        "records": list(line.records),
        "packs": list(line.packs),
        "is_whole": line.is_whole,
        "is_first_portion": line.is_first_portion,
    }


def _read_line(fields: Mapping[str, Json]) -> BillLine:
    texts = {name: str(fields[name]) for name in _LINE_TEXTS}
    records, packs = fields["records"], fields["packs"]
    assert isinstance(records, list)
    assert isinstance(packs, list)
    return BillLine(
        code=texts["code"],
        records=tuple(int(str(one)) for one in records),
        lot=texts["lot"],
        expiry=texts["expiry"],
        produced=texts["produced"],
        packs=tuple(map(str, packs)),
        is_whole=fields["is_whole"] is True,
        units=_whole(fields, "units"),
        case_packs=_whole(fields, "case_packs"),
        is_first_portion=fields["is_first_portion"] is True,
        wanted=_whole(fields, "wanted"),
        verdict=texts["verdict"],
        reason=texts["reason"],
        at_ms=_whole(fields, "at_ms"),
        shipment=texts["shipment"],
        via=texts["via"],
    )


def _read_wanted(fields: Mapping[str, Json]) -> Line:
    filled = fields["filled"]
    assert isinstance(filled, list)
    return Line.read(dict(fields)).taking(*(int(str(one)) for one in filled))


def _objects(fields: Mapping[str, Json], name: str) -> list[Mapping[str, Json]]:
    value = fields[name]
    assert isinstance(value, list)
    return [one for one in value if isinstance(one, Mapping)]


def _whole(fields: Mapping[str, Json], name: str) -> int:
    return int(str(fields[name]))
