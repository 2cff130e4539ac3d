"""Queries: despatch notes, code status and package relations of 码上放心 as our own values (DOMAIN.md 3.3, 3.7).

The field names are those of the platform's own misspelt wire form. What a row lacks is left out, never guessed; a note
that contradicts itself is none.
"""

import logging
from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final

from yaoma.core.allowlist import CodeStatus
from yaoma.core.shipment import Shipment, ShipmentError, ShipmentKind, ShipmentLine
from yaoma.core.trace_code import is_cn20
from yaoma_bridge.alihealth.gateway import entries
from yaoma_link.state import StatusLine

__all__ = ["MOST_CODES", "contents", "despatch", "despatch_keys", "statuses"]

_log = logging.getLogger("yaoma.bridge.alihealth")

#: So many codes may be asked about at once.
MOST_CODES: Final = 1000
_SMALL: Final = "1"
_TEXT_LETTERS: Final = 64
_NAME_LETTERS: Final = 200
#: Numbers of bills and companies are far shorter; they stand in keys of the store, in questions, and in notes at boxes.
_NUMBER_LETTERS: Final = 128
_CHINA: Final = timedelta(hours=8)


def despatch_keys(
    rows: Iterable[Mapping[str, object]], most: int, known: Container[str] = frozenset()
) -> list[tuple[str, str]]:
    """Give number and sender (企业唯一标识) of the despatch notes in a list of them.

    A row without a number or sender, or with one longer than any is, is left out: a number that was cut would be
    another note's. That some are too long is logged, without them.

    Args:
        rows: The list.
        most: So many at most; what is left comes with the next question, once these are known.
        known: Numbers of notes that are passed over.
    """
    keys: list[tuple[str, str]] = []
    too_long = 0
    for row in rows:
        sender = _text(row, "from_ref_user_id") or _text(row, "ref_user_id")
        bill = _text(row, "bill_code")
        if max(len(bill), len(sender)) > _NUMBER_LETTERS:
            too_long += 1
        elif bill and sender and bill not in known and len(keys) < most:
            keys.append((bill, sender))
    if too_long:
        _log.warning("despatch notes left out, their numbers are too long: count=%d", too_long)
    return keys


def despatch(model: Mapping[str, object]) -> Shipment | None:
    """Read a despatch note with its codes.

    A container stands in it as one code whose contents the platform tells only after it was received (`contents`).

    Args:
        model: What `listupout.detail` answers.

    Returns:
        None if it names no code, has a longer number than any note, or contradicts itself.
    """
    lines: list[ShipmentLine] = []
    line_of: dict[str, int] = {}
    for drug in entries(model.get("drug_infos_dto_list")):
        by_product: dict[str, list[str]] = {}
        for entry in entries(drug.get("code_info_list_dto_list")):
            code = _text(entry, "code")
            if is_cn20(code) and f"cn20:{code}" not in line_of:
                by_product.setdefault(code[:7], []).append(f"cn20:{code}")
        for product, codes in by_product.items():
            lot = _text(drug, "produce_batch_no")[:_TEXT_LETTERS]
            name = _text(drug, "prod_name")[:_NAME_LETTERS]
            expiry = _day(_text(drug, "valid_end_date"))
            lines.append(ShipmentLine(f"cn20:{product}", len(codes), lot or None, expiry, name))
            line_of |= dict.fromkeys(codes, len(lines) - 1)
    bill, supplier = _text(model, "bill_code"), _text(model, "ent_send_name")[:_NAME_LETTERS]
    if not line_of or not bill or len(bill) > _NUMBER_LETTERS:
        return None
    parents = dict.fromkeys(line_of, "")
    sent_ms = _time_ms(_text(model, "store_out_date"))
    try:
        return Shipment(_id(bill), ShipmentKind.SUPPLIER, supplier, bill, lines, parents, line_of, sent_ms)
    except ShipmentError:
        return None


def contents(container: str, models: Sequence[Mapping[str, object]]) -> Shipment | None:
    """Read what is in a container, as the platform has parsed it (S2-20).

    Args:
        container: The container's key.
        models: What `query.relation` answers about it.

    Returns:
        None if it names no smallest pack.
    """
    lines: list[ShipmentLine] = []
    line_of: dict[str, int] = {}
    for model in models:
        produced = entries(model.get("produce_info_list"))
        lot = _text(produced[0], "batch_no")[:_TEXT_LETTERS] if produced else ""
        # The wire name is misspelt there.
        expiry = _day(_text(produced[0], "exprie_date") or _text(produced[0], "expire_date")) if produced else None
        by_product: dict[str, list[str]] = {}
        for row in entries(model.get("code_relation_list")):
            code = _text(row, "code")
            key = f"cn20:{code}"
            if is_cn20(code) and _text(row, "code_pack_level") == _SMALL and key != container and key not in line_of:
                by_product.setdefault(code[:7], []).append(key)
        for product, codes in by_product.items():
            lines.append(ShipmentLine(f"cn20:{product}", len(codes), lot or None, expiry))
            line_of |= dict.fromkeys(codes, len(lines) - 1)
    if not line_of or len(container) > _NUMBER_LETTERS:
        return None
    parents = {container: "", **dict.fromkeys(line_of, container)}
    try:
        return Shipment(_id(container), ShipmentKind.PARSED, "", "", lines, parents, line_of)
    except ShipmentError:
        return None


def statuses(models: Iterable[Mapping[str, object]], now_ms: int) -> list[StatusLine]:
    """Read what the platform says of codes.

    Args:
        models: What `query.codedetail` answers.
        now_ms: When it was asked, milliseconds since 1970.
    """
    told = []
    for model in models:
        code = _text(model, "code")
        state = model.get("code_status_type_d_t_o")
        status = _text(state, "code_status") if isinstance(state, Mapping) else ""
        if is_cn20(code) and status in set(CodeStatus):
            told.append(StatusLine(f"cn20:{code}", CodeStatus(status), now_ms))
    return told


def _id(text: str) -> str:
    return f"alihealth:{text}"


def _text(fields: Mapping[str, object], name: str) -> str:
    value = fields.get(name)
    text = str(value) if isinstance(value, str | int) else ""
    return "".join(one for one in text if one.isprintable()).strip()


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


def _time_ms(text: str) -> int:
    """Read a time in China; 0 if it is none."""
    try:
        at = datetime.fromisoformat(text).replace(tzinfo=UTC) - _CHINA
    except (ValueError, OverflowError):
        return 0
    return max(0, round(at.timestamp() * 1000))
