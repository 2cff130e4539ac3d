"""Person statement: why a named operator sells without a scanned document, in words that name nobody."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from yaoma.core.canonical import Json

__all__ = [
    "MAX_NOTE_CHARACTERS",
    "PersonStatement",
    "StatementProblem",
    "StatementReason",
    "StatementRefusedError",
    "number_in",
]

MAX_NOTE_CHARACTERS: Final = 100
_MAX_OPERATOR_CHARACTERS: Final = 64

#: So many digits in a row number a person, a card or a telephone; a quantity or a year has fewer.
_LONGEST_NUMBER: Final = 6
_MOBILE: Final = re.compile(r"(?:86)?1[3-9][0-9]{9}")
_LANDLINE: Final = re.compile(r"0[1-9][0-9]{8,10}|[2-8][0-9]{6,7}")
_IDENTITY: Final = re.compile(r"[1-9][0-9]{14}|[1-9][0-9]{16}[0-9X]")
_PASSPORT: Final = re.compile(r"(?<![A-Z])[A-Z]{1,2}[0-9]{6,9}(?![0-9])")
#: Digits with what people write between them: anything but a letter, such as 138:1234*5678.
_RUN: Final = re.compile(r"[0-9](?:[\W_]*[0-9X])*")
_DIGITS: Final = {
    0x3000: " ",
    **{0xFF01 + offset: chr(0x21 + offset) for offset in range(94)},
    **{ord(word): str(digit) for digit, word in enumerate("零一二三四五六七八九")},
    **{ord(word): str(digit) for digit, word in enumerate("零壹贰叁肆伍陆柒捌玖")},
    **dict.fromkeys(map(ord, "〇○"), "0"),
    **dict.fromkeys(map(ord, "－—–−·、，。（）"), "-"),
}


class StatementReason(StrEnum):
    """Why there is no scanned document; the ids are stable, records and catalogues use them."""

    NO_DOCUMENT = "no_document"  # 未带证件，身份由经办人当面核对
    NOT_READABLE = "not_readable"  # 证件读不出
    GUARDIAN = "guardian"  # 未成年人或行动不便者，由他人代购
    EMERGENCY = "emergency"  # 急救
    PAPER_REGISTER = "paper_register"  # 已登记在纸质登记册
    OTHER = "other"  # 其他，须写说明


class StatementProblem(StrEnum):
    """What is wrong with a statement; the ids are stable, message catalogues use them."""

    OPERATOR_MISSING = "operator_missing"
    OPERATOR_IS_NUMBER = "operator_is_number"
    REASON_UNKNOWN = "reason_unknown"
    NOTE_MISSING = "note_missing"
    NOTE_TOO_LONG = "note_too_long"
    NOTE_CHARACTERS = "note_characters"
    NOTE_HAS_IDENTITY = "note_has_identity"
    NOTE_HAS_PHONE = "note_has_phone"
    NOTE_HAS_NUMBER = "note_has_number"


class StatementRefusedError(ValueError):
    """The statement can't be taken; nothing of its words is in the error.

    Args:
        problem: What is wrong with it.
    """

    def __init__(self, problem: StatementProblem) -> None:
        super().__init__(problem.value)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class PersonStatement:
    """What stands in the record in place of a sealed identity.

    Args:
        operator: Who says so: an id without meaning outside the site.
        reason: Why.
        note: In the operator's own words, at most 100 characters, without numbers of people or telephones; must be
            given for `other`.

    Raises:
        StatementRefusedError: If one of these is not so.
    """

    operator: str
    reason: StatementReason
    note: str = ""

    def __post_init__(self) -> None:
        """Refuse what must not come into a record, which nobody can change later."""
        if not self.operator.strip():
            raise StatementRefusedError(StatementProblem.OPERATOR_MISSING)
        if len(self.operator) > _MAX_OPERATOR_CHARACTERS or number_in(self.operator) in {
            StatementProblem.NOTE_HAS_IDENTITY,
            StatementProblem.NOTE_HAS_PHONE,
        }:
            raise StatementRefusedError(StatementProblem.OPERATOR_IS_NUMBER)
        if self.reason is StatementReason.OTHER and not self.note.strip():
            raise StatementRefusedError(StatementProblem.NOTE_MISSING)
        if len(self.note) > MAX_NOTE_CHARACTERS:
            raise StatementRefusedError(StatementProblem.NOTE_TOO_LONG)
        if not self.note.isprintable():
            raise StatementRefusedError(StatementProblem.NOTE_CHARACTERS)
        problem = number_in(self.note)
        if problem is not None:
            raise StatementRefusedError(problem)

    @classmethod
    def of(cls, operator: str, reason: str, note: str = "") -> "PersonStatement":
        """Make one of what a program sends.

        Raises:
            StatementRefusedError: If the reason is none of `StatementReason`, or as for the class.
        """
        try:
            known = StatementReason(reason)
        except ValueError:
            raise StatementRefusedError(StatementProblem.REASON_UNKNOWN) from None
        return cls(operator.strip(), known, note.strip())

    @property
    def fields(self) -> Mapping[str, Json]:
        """The fields of the record, for `person`."""
        said: dict[str, Json] = {"stated": self.reason.value, "operator": self.operator}
        return {**said, "note": self.note} if self.note else said


def number_in(text: str) -> StatementProblem | None:
    """Tell which kind of number of a person a text holds, however it is spelt; None if none."""
    plain = text.translate(_DIGITS).upper()
    if _PASSPORT.search(plain):
        return StatementProblem.NOTE_HAS_IDENTITY
    longest = None
    for run in _RUN.finditer(plain):
        digits = re.sub(r"[^0-9X]", "", run[0])
        if _IDENTITY.search(digits):
            return StatementProblem.NOTE_HAS_IDENTITY
        if _MOBILE.search(digits) or _LANDLINE.fullmatch(digits):
            longest = StatementProblem.NOTE_HAS_PHONE
        elif len(digits) > _LONGEST_NUMBER:
            longest = longest or StatementProblem.NOTE_HAS_NUMBER
    return longest
