"""Known: what the centre knows of a line and its bill under our own names, for platforms whose fields are data."""

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Final

from yaoma.core.product import CodeSystem, Product
from yaoma_bridge.bill import Bill, BillLine

__all__ = ["CHINA", "known"]

#: All of China keeps one time.
CHINA: Final = timezone(timedelta(hours=8))

_MS: Final = 1000


def known(bill: Bill, line: BillLine) -> dict[str, object]:
    """Give values by our names: `drug.*`, `lot.*`, `bill.*`, `payer`; an empty text where nobody knows.

    Columns of the product table come as `drug.<column>`, what the till said as `bill.<name>`.

    Args:
        bill: The bill.
        line: One of its lines.
    """
    moment = datetime.fromtimestamp((line.at_ms or bill.closed_ms) / _MS, CHINA)
    difference = _difference(bill, line)
    values: dict[str, object] = {f"bill.{name}": text for name, text in bill.facts.items()}
    values |= {f"drug.{name}": text for name, text in line.facts.items()}
    values |= {
        "row.time": moment.replace(tzinfo=None),
        "row.moment": moment,
        "lot.number": line.lot,
        "lot.produced": line.produced,
        "lot.expiry": line.expiry,
        "bill.number": bill.number,
        "bill.operation": bill.operation,
        "bill.till": bill.till_bill,
        "bill.supplier": difference.get("supplier", ""),
        "bill.supplier_bill": difference.get("bill", ""),
        "bill.owner": bill.owner,
        "bill.operator": bill.operator,
        "bill.said": difference.get("said", ""),
        "bill.matched": difference.get("matched", ""),
        "payer": bill.payer,
    }
    return values | ({} if line.product is None else _product_values(line.product))


def _product_values(product: Product) -> dict[str, object]:
    aliases = dict(reversed(product.aliases))
    return {
        "drug.name": product.name,
        "drug.key": product.key.partition(":")[2],
        "drug.level": product.level.value,
        "drug.packs": product.packs,
        "drug.insurance": aliases.get(CodeSystem.INSURANCE, ""),
        "drug.own": aliases.get(CodeSystem.OWN, ""),
        "drug.ean": aliases.get(CodeSystem.EAN, ""),
        "drug.standard": aliases.get(CodeSystem.STANDARD, ""),
    }


def _difference(bill: Bill, line: BillLine) -> Mapping[str, object]:
    """Give the despatch note's own facts: several suppliers may meet in one ticket."""
    own = {"supplier": bill.supplier, "bill": bill.supplier_bill}
    for one in bill.differences:
        if line.shipment and one.get("shipment") == line.shipment:
            return {**own, **{name: one[name] for name in ("supplier", "bill") if one.get(name)}}
    return own
