"""Identity: the number of a person's document, what can be known to be wrong with it, and how little of it is shown."""

import importlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from yaoma.core.sealed import normalised_identity

__all__ = [
    "MAX_IDENTITY_BYTES",
    "Identity",
    "IdentityFault",
    "IdentityKind",
    "IdentityProblem",
    "read_identity",
    "shown",
    "typed_identity",
]

#: No document number is longer; what is sealed then also fits one page of the journal, which erasing relies on.
MAX_IDENTITY_BYTES: Final = 32

LAST_SHOWN: Final = 4
_OLD_LENGTH: Final = 15
_NEW_LENGTH: Final = 18
#: Below so many characters the last four would be most of the number.
_SHOWN_FROM: Final = 8

#: GB/T 2260: provinces; 81-83 are residence permits of Hong Kong, Macao and Taiwan, 91 and up those of foreigners.
_AREAS: Final = frozenset(
    {*range(11, 16), *range(21, 24), *range(31, 38), *range(41, 47), *range(50, 55), *range(61, 66), 71}
    | {81, 82, 83, *range(91, 100)}
)
#: Nobody who buys drugs was born before.
_EARLIEST: Final = date(1880, 1, 1)

_RESIDENT: Final = re.compile(rb"[1-9][0-9]{16}[0-9X]")
_OLD: Final = re.compile(rb"[1-9][0-9]{14}")
_DOCUMENT: Final = re.compile(rb"[0-9A-Z][0-9A-Z()/-]{3,31}")
#: What a reader of social security cards types (DOMAIN.md 6): area | ID number | card number | ...
_CARD_FIELDS: Final = 5


class IdentityKind(StrEnum):
    """Which document; the ids are stable, records use them."""

    RESIDENT = "resident"  # 居民身份证, 18 digits: checked
    RESIDENT_OLD = "resident_old"  # the 15 digits of before 1999: no check digit
    PASSPORT = "passport"  # typed: never judged
    OTHER = "other"  # typed: 军官证, 港澳台通行证 ...: never judged


class IdentityProblem(StrEnum):
    """Why a text is no identity; the ids are stable, message catalogues use them."""

    EMPTY = "empty"
    LENGTH = "length"
    CHARACTERS = "characters"
    CHECK_DIGIT = "check_digit"
    DATE = "date"
    FUTURE = "future"
    AREA = "area"
    OPAQUE = "opaque"  # an insurance e-credential or payment code: for the till, never stored (DOMAIN.md 6)


@dataclass(frozen=True, slots=True, repr=False)
class Identity:
    """The number of a document; its repr shows nothing of it.

    Args:
        kind: Which document.
        number: Normalised: no blanks, capital X.
    """

    kind: IdentityKind
    number: bytes

    def __repr__(self) -> str:
        return f"Identity({self.kind.value}, ***)"

    @property
    def is_checked(self) -> bool:
        """Whether a mistyped digit would have been noticed."""
        return self.kind is IdentityKind.RESIDENT

    @property
    def last_four(self) -> str:
        """The most that a screen may show; less of a short number, so that it can't be guessed from them."""
        kept = LAST_SHOWN if len(self.number) >= _SHOWN_FROM else 1
        return self.number[-kept:].decode("ascii")

    @property
    def facts(self) -> Mapping[str, str]:
        """What the record may hold of it beside hash and key ids."""
        return {"kind": self.kind.value}


@dataclass(frozen=True, slots=True)
class IdentityFault:
    """A text that is no identity; nothing of it is kept.

    Args:
        reason: What is wrong with it.
    """

    reason: IdentityProblem


def read_identity(data: bytes, today: date) -> Identity | IdentityFault:
    """Tell whether what a scanner or a card reader delivered is a resident's identity number (GB 11643).

    Args:
        data: As it was delivered: maybe with AIM identifier, blanks, a small x, or in the line that a reader of social
            security cards types.
        today: Nobody is born later. Give the latest day that is known to have passed if the clock can't be trusted,
            plus one: a day too many refuses nobody.
    """
    number = _of_card(normalised_identity(data))
    if not number:
        return IdentityFault(IdentityProblem.EMPTY)
    if _OLD.fullmatch(number):
        problem = _area_problem(number) or _date_problem(b"19" + number[6:12], today)
        return IdentityFault(problem) if problem else Identity(IdentityKind.RESIDENT_OLD, number)
    if _RESIDENT.fullmatch(number):
        problem = _area_problem(number) or _date_problem(number[6:14], today) or _check_problem(number)
        return IdentityFault(problem) if problem else Identity(IdentityKind.RESIDENT, number)
    if number.isdigit():
        return IdentityFault(IdentityProblem.LENGTH)
    # Nothing tells an opaque token from a damaged number, so it is treated as the more delicate of both.
    return IdentityFault(IdentityProblem.OPAQUE)


def typed_identity(kind: IdentityKind, text: str, today: date) -> Identity | IdentityFault:
    """Take a number that somebody typed or a program handed over, of a document that the operator names.

    Numbers of passports and other documents are taken as they are: nobody publishes how to judge them all.

    Args:
        kind: Which document; a resident's number is read as `read_identity` does.
        text: What was typed; full-width characters, as Chinese keyboards make them, count as their plain ones.
        today: See `read_identity`.
    """
    plain = text.translate(_PLAIN).strip()
    if not plain:
        return IdentityFault(IdentityProblem.EMPTY)
    if not plain.isascii():
        return IdentityFault(IdentityProblem.CHARACTERS)
    if kind in {IdentityKind.RESIDENT, IdentityKind.RESIDENT_OLD}:
        found = read_identity(plain.encode(), today)
        is_typo = found == IdentityFault(IdentityProblem.OPAQUE)
        return IdentityFault(IdentityProblem.CHARACTERS) if is_typo else found
    number = plain.replace(" ", "").upper().encode()
    if len(number) > MAX_IDENTITY_BYTES:
        return IdentityFault(IdentityProblem.LENGTH)
    if not _DOCUMENT.fullmatch(number):
        return IdentityFault(IdentityProblem.CHARACTERS)
    return Identity(kind, number)


def shown(identity: Identity) -> str:
    """Give what a screen may show: stars and the last four at most (DESIGN.md 3, promise 5)."""
    return f"****{identity.last_four}"


#: Full-width ASCII and the ideographic blank to their plain forms.
_PLAIN: Final = {0x3000: 0x20, **{0xFF01 + offset: 0x21 + offset for offset in range(94)}}


def _of_card(data: bytes) -> bytes:
    fields = data.split(b"|")
    return fields[1].strip() if len(fields) >= _CARD_FIELDS else data


def _area_problem(number: bytes) -> IdentityProblem | None:
    return None if int(number[:2]) in _AREAS else IdentityProblem.AREA


def _date_problem(yyyymmdd: bytes, today: date) -> IdentityProblem | None:
    try:
        born = date(int(yyyymmdd[:4]), int(yyyymmdd[4:6]), int(yyyymmdd[6:]))
    except ValueError:
        return IdentityProblem.DATE
    if born < _EARLIEST:
        return IdentityProblem.DATE
    return IdentityProblem.FUTURE if born > today else None


def _check_problem(number: bytes) -> IdentityProblem | None:
    """Check by `stdnum.cn.ric`; only its calculation, since its look-up of places reads a file that lags behind."""
    # Imported late: it pulls in ssl and pydoc, which the start need not wait for.
    digit: str = importlib.import_module("stdnum.cn.ric").calc_check_digit(number.decode("ascii"))
    return None if number[-1:] == digit.encode() else IdentityProblem.CHECK_DIGIT
