"""Parameters: what a parcel says in the words of the platform's methods (DOMAIN.md 3.5). Pure."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from yaoma.core.canonical import Json
from yaoma_bridge.alihealth.bill_types import PERSON_TYPES
from yaoma_bridge.alihealth.gateway import china_time
from yaoma_bridge.alihealth.options import AlihealthOptions, OwnSettings
from yaoma_bridge.bill import Bill, BillLine
from yaoma_bridge.platform import Parcel

__all__ = ["bill_days", "counterpart", "needs_counterpart", "upload_parameters"]

#: Types with a company on the other side, without which the platform can't book them.
_BETWEEN: Final = frozenset({102, 201, 202})
_PURCHASE: Final = 102
_INTO: Final = range(100, 200)
#: The client that the platform wants named: an ERP interface (DOMAIN.md 3.5, mandatory).
_CLIENT_TYPE: Final = "2"
_NAME_LETTERS: Final = 20


def needs_counterpart(parcel: Parcel) -> bool:
    """Say whether the bill must name the company on the other side."""
    return _kind(parcel) in _BETWEEN


def counterpart(parcel: Parcel) -> str:
    """Give the name of the company on the other side, as the despatch note or the till writes it; empty if unknown."""
    return _text(_difference(parcel), "supplier") or parcel.bill.supplier or parcel.bill.facts.get("partner", "")


def upload_parameters(
    parcel: Parcel, own: OwnSettings, options: AlihealthOptions, partner_ent_id: str
) -> dict[str, str]:
    """Give the parameters of an upload.

    Nothing of a person is among them: the platform asks for it in no case that needs it, and takes it nowhere back.

    Args:
        parcel: The parcel.
        own: The institution's settings.
        options: The destination's options.
        partner_ent_id: 企业id of the company on the other side; empty if there is none.
    """
    bill, kind = parcel.bill, _kind(parcel)
    common = {
        "trace_codes": ",".join(key.partition(":")[2] for key in parcel.keys),
        "bill_code": parcel.number,
        "bill_time": china_time(bill.closed_ms),
        "bill_type": str(kind),
        "physic_type": options.physic_type,
        "ref_user_id": own.ref_ent_id,
        "oper_ic_name": bill.operator[:_NAME_LETTERS],
    }
    if kind in PERSON_TYPES:
        return {**common, "network_bill_flag": "0"}
    sender, receiver = (partner_ent_id or own.ent_id, own.ent_id)
    if kind not in _INTO:
        sender, receiver = receiver, sender
    return {
        **common,
        "client_type": _CLIENT_TYPE,
        "from_user_id": sender,
        "to_user_id": receiver,
        "drug_list_json": _drug_list(parcel),
        **(_checked(parcel, own) if kind == _PURCHASE else {}),
    }


def _checked(parcel: Parcel, own: OwnSettings) -> dict[str, str]:
    """Say what the check against the despatch note found (S1-11, S1-12)."""
    found = _difference(parcel)
    fields = {"to_address": own.address, "from_bill_code": _text(found, "bill") or parcel.bill.supplier_bill}
    if not found:
        return fields
    missing, extra, doubtful = (_number(found, name) for name in ("missing", "extra", "doubtful"))
    is_clean = not missing + extra + doubtful
    fields |= {"qu_receivable": str(_number(found, "said")), "xt_is_check": "1" if is_clean else "0"}
    if not is_clean:
        fields["xt_check_code_desc"] = f"未到货{missing} 多到货{extra} 存疑{doubtful}"
    return fields


def _drug_list(parcel: Parcel) -> str:
    """Give product, lot and dates as far as they are known, counted by both."""
    counts: dict[tuple[str, str], tuple[BillLine, int]] = {}
    for line in parcel.carried:
        key = (line.product.drug_id if line.product is not None else line.code[:12]), line.lot
        counts[key] = (line, counts.get(key, (line, 0))[1] + max(1, len(line.packs)))
    rows = []
    for line, count in counts.values():
        row: dict[str, Json] = {
            "codeCount": count,
            "commDrugId": line.facts.get("comm_drug_id", ""),
            "exprieDate": _day_ms(line.expiry),
            "physicInfo": line.product.name if line.product is not None else "",
            "pkgSpec": line.facts.get("spec", ""),
            "produceBatchNo": line.lot,
            "produceDate": _day_ms(line.produced),
        }
        known = {name: value for name, value in row.items() if value}
        if known.keys() - {"codeCount"}:
            rows.append(known)
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":")) if rows else ""


def _day_ms(text: str) -> int:
    """Give the begin of a day in China in milliseconds; 0 for none."""
    try:
        return round(datetime.fromisoformat(f"{text}T00:00:00+08:00").astimezone(UTC).timestamp() * 1000) if text else 0
    except ValueError:
        return 0


def _difference(parcel: Parcel) -> Mapping[str, Json]:
    """Give what was compared with the note of this parcel."""
    shipment = parcel.facts.get("shipment")
    return next((one for one in parcel.bill.differences if one.get("shipment") == shipment), {})


def _kind(parcel: Parcel) -> int:
    kind = parcel.facts.get("bill_type")
    return kind if isinstance(kind, int) else 0


def _text(fields: Mapping[str, Json], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def _number(fields: Mapping[str, Json], name: str) -> int:
    value = fields.get(name)
    return value if isinstance(value, int) else 0


def bill_days(bill: Bill, now_ms: int) -> tuple[str, str]:
    """Give the days between which a bill is looked for: nobody says whether the query goes by its day or the send's."""
    first = min(bill.closed_ms, now_ms) - 86_400_000
    return china_time(first)[:10], china_time(max(bill.closed_ms, now_ms) + 86_400_000)[:10]
