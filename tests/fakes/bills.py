"""Bills as the pipeline hands them to platforms, with all that the insurance platform wants to know."""

from collections.abc import Sequence
from pathlib import Path

from yaoma.core.product import CodeSystem, Product
from yaoma_bridge.bill import Bill, BillLine, Institution, InstitutionKind, SealedPerson

__all__ = ["FACTS", "NOON_MS", "ROOT", "bill_of", "institution", "line_of", "product", "sealed"]

ROOT = Path(__file__).parents[2]

#: 2026-11-22 12:00:00 in China.
NOON_MS = 1_795_320_000_000

FACTS = {
    "rx_flag": "1",
    "price": "12.5",
    "maker": "示例制药",
    "approval_no": "国药准字H20260001",
    "buying_price": "8",
}


def product(number: int = 1, *, units: int = 24, **changes: object) -> Product:
    """Give a product of the list with its other codes."""
    fields: dict[str, object] = {
        "key": f"cn20:8{number:06d}",
        "name": f"示例药品{number}",
        "units": units,
        "aliases": (
            (CodeSystem.EAN, "6901234567892"),
            (CodeSystem.INSURANCE, f"XR05CBA198A00101010086{number}"),
            (CodeSystem.OWN, f"D{number}"),
        ),
    }
    return Product(**(fields | changes))  # type: ignore[arg-type]  # the fields of a product


def line_of(serial: int = 1, number: int = 1, **changes: object) -> BillLine:
    """Give a line with one code of a product."""
    fields: dict[str, object] = {
        "code": f"cn20:8{number:06d}{serial:09d}0000",
        "records": (serial,),
        "product": product(number),
        "facts": FACTS,
        "lot": "A123",
        "expiry": "2028-03-31",
        "produced": "2026-04-01",
        "at_ms": NOON_MS,
    }
    return BillLine(**(fields | changes))  # type: ignore[arg-type]  # the fields of a line


def institution(*, nhsa: dict[str, object] | None = None, shanxi: dict[str, object] | None = None) -> Institution:
    """Give an institution that the insurance platform knows."""
    table: dict[str, object] = {
        "code": "H14000000001",
        "area": "140400",
        "receiver": "YAOMA",
        "opter": "box1",
        "opter_name": "药码",
        "mac": "00:00:5e:00:53:01",
        "ip": "192.0.2.7",
        "fields": {"pharmacist": "李药师", "pharmacist_licence": "Y1400001", "prescriber": "无处方"},
        "operators": {"op1": "王店员"},
    }
    own = {"nhsa": table | (nhsa or {}), "shanxi": {"area": "140400"} | (shanxi or {})}
    return Institution("H1", InstitutionKind.PHARMACY, "示例药店", "91140400MA0000000X", own)


def bill_of(operation: str = "dispense", lines: Sequence[BillLine] = (), **changes: object) -> Bill:
    """Give a closed ticket."""
    fields: dict[str, object] = {
        "site": "H1",
        "box": "counter-1",
        "log": "log1",
        "ticket": "t1",
        "operation": operation,
        "opened_ms": NOON_MS - 60_000,
        "closed_ms": NOON_MS,
        "closed_n": 9,
        "lines": tuple(lines) or (line_of(),),
        "institution": institution(),
        "payer": "self",
        "till_bill": "XS-7",
        "operator": "op1",
    }
    return Bill(**(fields | changes))  # type: ignore[arg-type]  # the fields of a bill


def sealed(blob: bytes, kind: str = "resident") -> SealedPerson:
    """Give a sealed identity of the bill."""
    return SealedPerson(2, "H1", "counter-1", "log1", {"kind": kind}, blob)
