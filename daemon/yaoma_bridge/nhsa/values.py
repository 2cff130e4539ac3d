"""Values: what a row says under our own names, from which the province's file fills the platform's fields."""

from dataclasses import dataclass, field
from typing import Final

from yaoma.core.canonical import Json
from yaoma_bridge.bill import Bill, BillLine
from yaoma_bridge.field_map import fill
from yaoma_bridge.known import known
from yaoma_bridge.nhsa.institution import NhsaSite
from yaoma_bridge.nhsa.profile import Codes, Doing, Transaction
from yaoma_bridge.nhsa.rows import Row, code_text

__all__ = ["INJURY_MEMO", "Person", "line_values", "row_object"]

#: Written where a remark may stand, since no field for it is public (README.md, "Work injury").
INJURY_MEMO: Final = "工伤"

_INSURANCE: Final = "insurance"
_INJURY: Final = "injury"


@dataclass(frozen=True, slots=True, repr=False)
class Person:
    """An identity, open; it lives as long as one request and is never shown.

    Args:
        kind: Which document.
        number: Its number.
    """

    kind: str
    number: str = field(repr=False)

    def __repr__(self) -> str:
        return "Person(***)"


def line_values(bill: Bill, line: BillLine, site: NhsaSite, doing: Doing) -> dict[str, object]:
    """Give what is known of a line, without what belongs to its row.

    Args:
        bill: The bill.
        line: The line.
        site: Its institution.
        doing: What is sent.
    """
    values = known(bill, line)
    values |= {
        "row.change_type": doing.change_type,
        "row.gift": "1" if doing.gift else "0",
        "row.split": "1" if line.is_split else "0",
        "bill.operator_name": site.operators.get(bill.operator, bill.operator) or site.opter_name,
        "bill.memo": INJURY_MEMO if bill.payer == _INJURY else "",
        "payer.insured": "1" if bill.payer == _INSURANCE else "",
        "code": site.code,
    }
    values |= {f"site.{name}": text for name, text in site.fields.items()}
    return values


def row_object(
    bill: Bill, row: Row, site: NhsaSite, doing: Doing, *, transaction: Transaction, person: Person | None
) -> dict[str, Json]:
    """Write a row.

    Raises:
        FieldTroubleError: If a field can't be written.
    """
    values = line_values(bill, bill.lines[row.lines[0]], site, doing)
    values |= {"row.number": row.number, "row.count": row.count, "row.split": "1" if row.is_split else "0"}
    if person is not None:
        values |= {"person.kind": person.kind, "person.number": person.number}
    written = fill(transaction.fields, values)
    if transaction.codes is not None:
        _write_codes(written, [code_text(key, transaction.codes) for key in row.codes], transaction.codes)
    return written


def _write_codes(written: dict[str, Json], texts: list[str], codes: Codes) -> None:
    match codes.shape:
        case "rows":
            written[codes.node] = [{codes.name: text} for text in texts]
        case "object":
            written[codes.node] = {codes.name: texts[0]}
        case _:
            written[codes.name] = texts[0]
