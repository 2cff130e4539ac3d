"""Verdicts: what the platform's words about a bill mean, as reasons that an operator can act on (DOMAIN.md 3.6)."""

import re
from collections.abc import Collection, Mapping
from typing import Final

from yaoma.core.canonical import Json
from yaoma_bridge.alihealth.gateway import Result
from yaoma_bridge.platform import Answer, AnswerState
from yaoma_bridge.said import shown_sentence

__all__ = ["answer_to_upload", "processed", "reason_of"]

#: By what a message code holds; the first that fits.
_CODES: Final = (
    ("ALREADY_SALE", "sold_elsewhere"),
    ("NOT_CURRENT_OPERATE_CODE", "not_in_own_stock"),
    ("BILL_TIME_BEFORE", "bill_too_old"),
    ("BILL_DECODE_ERROR", "bill_malformed"),
    ("NO_PAT_INFO", "facts_missing"),
)
#: By what a sentence holds; the first that fits.
_WORDS: Final = (
    ("已出售", "sold_elsewhere"),
    ("已销售", "sold_elsewhere"),
    ("未激活", "not_activated"),
    ("码制", "check_digits"),
    ("校验", "check_digits"),
    ("重复", "duplicate_code"),
    ("注销", "code_cancelled"),
    ("过期", "expired"),
    ("不在", "not_in_own_stock"),
    ("2年前", "bill_too_old"),
)
_EXISTS_CODE: Final = "DUPLICATE_UPLOAD"
_EXISTS_WORDS: Final = "单据号已存在"
_NOT_WELL_FORMED: Final = "NOT_WELL_FORMED"
_CODE: Final = re.compile(r"(?<![0-9])8[0-9]{19}(?![0-9])")

#: A code that the platform names is at fault; the others of the bill only stood beside it.
_BESIDE: Final = "other_code_in_bill"

_TAKEN: Final[Mapping[str, Json]] = {"taken": True}


def reason_of(code: str, sentence: str) -> str:
    """Give the reason for what the platform refuses."""
    for part, reason in _CODES:
        if part in code:
            return reason
    for part, reason in _WORDS:
        if part in sentence:
            return reason
    return "platform_refused"


def answer_to_upload(result: Result, carried: Collection[str]) -> Answer:
    """Say what the answer to an upload means. Success is not processed yet: it is asked for.

    Args:
        result: The result.
        carried: Keys of the codes in the bill.
    """
    said = shown_sentence(result.sentence)
    if result.is_good:
        return Answer(AnswerState.PROCESSING, said=said, facts=_TAKEN)
    if _EXISTS_CODE in result.code or _EXISTS_WORDS in result.sentence:
        # Ours from a try whose answer was lost, most likely; the status query tells.
        return Answer(AnswerState.UNKNOWN, "bill_number_exists", said, facts=_TAKEN)
    if _NOT_WELL_FORMED in result.code:
        return Answer(AnswerState.UNKNOWN, "answer_unreadable", said, is_outage=True)
    return _refusal(result.code, result.sentence, carried)


def processed(row: Mapping[str, object], carried: Collection[str]) -> Answer:
    """Say what a row of the status query means: 0 and 1 are under way, 3 is done, 4 has failed.

    Args:
        row: The row of our bill.
        carried: Keys of the codes in the bill.
    """
    state, sentence = str(row.get("result_type", "")), str(row.get("process_info") or "")
    match state:
        case "3":
            return Answer(AnswerState.ACCEPTED, said=shown_sentence(sentence), facts=_TAKEN)
        case "4":
            return _refusal("", sentence, carried)
        case "0" | "1":
            return Answer(AnswerState.PROCESSING, said=shown_sentence(sentence), facts=_TAKEN)
        case _:
            return Answer(AnswerState.UNKNOWN, "answer_unreadable", facts=_TAKEN)


def _refusal(code: str, sentence: str, carried: Collection[str]) -> Answer:
    """Refuse a bill; codes of it that the platform names for their reason, the others for standing beside them."""
    reason, said = reason_of(code, sentence), shown_sentence(sentence)
    known = frozenset(carried)
    named = {key for digits in _CODE.findall(sentence) if (key := f"cn20:{digits}") in known}
    if not named or len(known) == 1:
        return Answer(AnswerState.REFUSED, reason, said)
    codes = dict.fromkeys(named, (AnswerState.REFUSED, reason))
    return Answer(AnswerState.REFUSED, _BESIDE, said, codes=codes)
