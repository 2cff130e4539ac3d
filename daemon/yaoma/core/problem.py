"""Problem report: what somebody at the counter found wrong with a code, a delivery or a device (S1-26, S3-20)."""

import re
from enum import StrEnum
from typing import Final

from yaoma.core.canonical import Json
from yaoma.core.code import from_key
from yaoma.core.person_statement import StatementProblem, number_in
from yaoma.core.record import Entry, Kind
from yaoma.core.trace_code import CodeError, is_cn20

__all__ = ["MAX_TEXT_CHARACTERS", "ProblemKind", "ProblemRefusal", "ProblemRefusedError", "Severity", "problem_entry"]

MAX_TEXT_CHARACTERS: Final = 200
_MAX_OPERATOR_CHARACTERS: Final = 64
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


class ProblemKind(StrEnum):
    """What is wrong; the ids are stable, records and catalogues use them."""

    CODE_MISSING = "code_missing"  # the pack carries none
    CODE_UNREADABLE = "code_unreadable"
    CODE_DUPLICATE = "code_duplicate"  # two packs in hand with one code (S4-09)
    CODE_WRONG = "code_wrong"  # it is that of another drug
    NOT_ACTIVATED = "not_activated"
    SUPPLIER_DATA = "supplier_data"  # the despatch note is missing or wrong
    SOLD_ELSEWHERE = "sold_elsewhere"
    UPLOAD = "upload"
    DEVICE = "device"
    PATIENT = "patient"  # a patient says so (S3-20)
    OTHER = "other"


class Severity(StrEnum):
    """How soon somebody must look at it (S3-22)."""

    NORMAL = "normal"
    URGENT = "urgent"  # 苗头性风险隐患或突发事件: the centre raises an alarm


class ProblemRefusal(StrEnum):
    """Why a report can't be taken; the ids are stable, catalogues are keyed by them."""

    KIND = "problem_kind"
    CODE = "problem_code"
    TEXT_MISSING = "problem_text_missing"
    TEXT_LONG = "problem_text_long"
    TEXT_CHARACTERS = "problem_text_characters"
    TEXT_PERSON = "problem_text_person"
    OPERATOR = "problem_operator"
    PHOTO = "problem_photo"
    SEVERITY = "problem_severity"


class ProblemRefusedError(ValueError):
    """The report can't be taken; nothing of its words is in the error.

    Args:
        reason: Why.
    """

    def __init__(self, reason: ProblemRefusal) -> None:
        super().__init__(reason.value)
        self.reason = reason

    def __reduce__(self) -> tuple[type["ProblemRefusedError"], tuple[ProblemRefusal]]:
        """Pickle by the fact; the default would pass the sentence."""
        return type(self), (self.reason,)


def problem_entry(
    kind: str,
    *,
    severity: str = "normal",
    text: str = "",
    code: str = "",
    photo: str = "",
    station: str = "",
    operator: str = "",
) -> Entry:
    """Make the record of a report. It can never be taken back, so whatever may name a person is refused.

    Args:
        kind: An id of `ProblemKind`.
        severity: An id of `Severity`.
        text: In the operator's words, at most 200 characters; must be given for `other`.
        code: The trace code that it is about, as 20 digits or as the journal writes it; empty for none.
        photo: SHA-256 of a picture that is kept elsewhere, in hexadecimal; empty for none.
        station: Where; empty if at none.
        operator: Who reports; an id without meaning outside the site.

    Raises:
        ProblemRefusedError: If one of these is not so.
    """
    text, operator = text.strip(), operator.strip()
    refusal = _refusal(kind, severity, text, operator, photo)
    if refusal is not None:
        raise ProblemRefusedError(refusal)
    fields: dict[str, Json] = {
        "problem": kind,
        "severity": severity,
        "text": text,
        "station": station,
        "operator": operator,
    }
    if code:
        fields["code"] = _key(code)
    if photo:
        fields["photo"] = photo
    return Entry(Kind.PROBLEM, fields)


def _refusal(kind: str, severity: str, text: str, operator: str, photo: str) -> ProblemRefusal | None:
    """Say what is wrong with a report; the first of what is."""
    persons = {StatementProblem.NOTE_HAS_IDENTITY, StatementProblem.NOTE_HAS_PHONE}
    wrong = {
        ProblemRefusal.KIND: kind not in tuple(ProblemKind),
        ProblemRefusal.SEVERITY: severity not in tuple(Severity),
        ProblemRefusal.TEXT_MISSING: kind == ProblemKind.OTHER and not text,
        ProblemRefusal.TEXT_LONG: len(text) > MAX_TEXT_CHARACTERS,
        ProblemRefusal.TEXT_CHARACTERS: not (text.isprintable() and operator.isprintable()),
        ProblemRefusal.TEXT_PERSON: number_in(text[:MAX_TEXT_CHARACTERS]) is not None,
        ProblemRefusal.OPERATOR: len(operator) > _MAX_OPERATOR_CHARACTERS or number_in(operator[:64]) in persons,
        ProblemRefusal.PHOTO: bool(photo) and _SHA256.fullmatch(photo) is None,
    }
    return next((refusal for refusal, is_so in wrong.items() if is_so), None)


def _key(code: str) -> str:
    try:
        return from_key(f"cn20:{code}" if is_cn20(code) else code).key
    except CodeError:
        raise ProblemRefusedError(ProblemRefusal.CODE) from None
