"""Control code: a command that the operator scans from a printed sheet, as text and as a value."""

import base64
import binascii
import re
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Final

from yaoma.core.lookalike import Lookalike, LookalikeKind

__all__ = [
    "MAX_ARGUMENT_CHARS",
    "SIGNED_ACTIONS",
    "ControlAction",
    "ControlCode",
    "ControlCodeError",
    "Sheet",
    "folded",
    "read",
]

#: How every control code begins and nothing on a pack does: letters, then a version digit.
PREFIX: Final = "YAOMA1."
#: A longer operator or operation does not fit the symbol (256 bytes with a signature and the longest names).
MAX_ARGUMENT_CHARS: Final = 32
#: More digits than this could be a telephone, card or ID number: such a text is never taken for an operator.
MAX_OPERATOR_DIGITS: Final = 10

_TAG_BYTES: Final = 64  # RFC 8032
_TAG_CHARS: Final = 103
_ANY_BOX: Final = "-"
_SHEET_FIELDS: Final = 5

_WORD: Final = re.compile(rf"[A-Z0-9](?:[A-Z0-9-]{{0,{MAX_ARGUMENT_CHARS - 2}}}[A-Z0-9])?")
_NAME: Final = re.compile(r"[A-Z0-9][A-Z0-9-]{0,30}")
_SHEET_ID: Final = re.compile(r"[A-Z0-9](?:[A-Z0-9-]{0,14}[A-Z0-9])?")
_OPERATION: Final = re.compile(r"[a-z0-9]+(?:_[a-z0-9]+)*")
_DATE: Final = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")


class ControlAction(StrEnum):
    """What a control code wants; the ids are stable, records and message catalogues use them."""

    OPEN = "open"  # a ticket; the argument is the operation
    CLOSE = "close"  # the open ticket
    UNDO = "undo"  # the last scan
    CONFIRM = "confirm"  # what the screen asks, as far as anybody may confirm it
    OPERATOR = "operator"  # I am X; without rights beyond those of everybody
    CANCEL = "cancel"  # the open ticket: nothing of it takes effect
    SUPERVISOR = "supervisor"  # I am X, with the rights that the policy gives to a person in charge
    OVERRIDE = "override"  # let through what the box holds back
    TRAINING = "training"  # the argument is `on` or `off`
    PAIR = "pair"  # the next new scanner belongs to the station in the argument


#: What a sheet must be signed for: it lets through, throws away, or changes who and what the box trusts.
SIGNED_ACTIONS: Final = frozenset(
    {
        ControlAction.CANCEL,
        ControlAction.SUPERVISOR,
        ControlAction.OVERRIDE,
        ControlAction.TRAINING,
        ControlAction.PAIR,
    }
)
_WITH_ARGUMENT: Final = frozenset(
    {
        ControlAction.OPEN,
        ControlAction.OPERATOR,
        ControlAction.SUPERVISOR,
        ControlAction.TRAINING,
        ControlAction.PAIR,
    }
)
_PEOPLE: Final = frozenset({ControlAction.OPERATOR, ControlAction.SUPERVISOR})
_SWITCH: Final = frozenset({"on", "off"})


class ControlCodeError(ValueError):
    """A control code can't be made of these values; the sentence says which, for the technician."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """The technician's sheet that a dangerous code stands on.

    Args:
        site: The institution it counts for, folded.
        box: The box it counts for, folded; empty for every box of the site.
        id: Names the sheet, so that it can be revoked; folded, at most 16 characters.
        expires: The last day on which it counts.
        tag: The Ed25519 signature; 64 bytes.
    """

    site: str
    box: str
    id: str
    expires: date
    tag: bytes = field(default=b"", repr=False)

    def __post_init__(self) -> None:
        """Refuse what could not be read back."""
        if not (_NAME.fullmatch(self.site) and (not self.box or _NAME.fullmatch(self.box))):
            raise ControlCodeError("site and box are folded names of at most 31 letters, digits and -")
        if not _SHEET_ID.fullmatch(self.id):
            raise ControlCodeError("a sheet's id has at most 16 upper-case letters, digits and -")


@dataclass(frozen=True, slots=True)
class ControlCode:
    """One command of a sheet.

    Its text has upper-case letters, digits, `-` and `.` only: they come through keyboard layouts best, and QR packs
    them tightly. Fields stand between dots:
    `YAOMA1.<ACTION>[.<ARGUMENT>][.<SITE>.<BOX>.<SHEET>.<YYYYMMDD>.<TAG>].<CRC-32 in ten digits>`.

    Args:
        action: What is wanted.
        argument: The operation's id for `open`; the operator, folded, for `operator` and `supervisor`; `on` or `off`
            for `training`; the station, folded, for `pair`; otherwise empty.
        sheet: For `SIGNED_ACTIONS` the sheet with its tag; otherwise None.

    Raises:
        ControlCodeError: If argument or sheet do not fit the action.
    """

    action: ControlAction
    argument: str = ""
    sheet: Sheet | None = None

    def __post_init__(self) -> None:
        """Refuse what could not be read back."""
        if (self.action in SIGNED_ACTIONS) != (self.sheet is not None):
            raise ControlCodeError(f"{self.action.value}: a sheet belongs to dangerous actions and to no other")
        if (self.action in _WITH_ARGUMENT) != bool(self.argument):
            raise ControlCodeError(f"{self.action.value}: an argument was left out, or there is none to give")
        if self.argument and not _fits(self.action, self.argument):
            raise ControlCodeError(
                f"{self.action.value}: the argument is malformed, too long, or like a number of a person"
            )

    @property
    def text(self) -> str:
        """What the symbol holds.

        Raises:
            ControlCodeError: If the sheet is not signed yet.
        """
        body = self.body
        if self.sheet is not None:
            if len(self.sheet.tag) != _TAG_BYTES:
                raise ControlCodeError("the sheet is not signed")
            body += "." + base64.b32encode(self.sheet.tag).decode().rstrip("=")
        return f"{body}.{_check(body)}"

    @property
    def body(self) -> str:
        """The text before the tag: what the sheet's key signs."""
        parts = [PREFIX + self.action.value.upper()]
        if self.argument:
            parts.append(folded(self.argument))
        if self.sheet is not None:
            parts += [self.sheet.site, self.sheet.box or _ANY_BOX, self.sheet.id]
            parts.append(self.sheet.expires.isoformat().replace("-", ""))
        return ".".join(parts)


def folded(name: str) -> str:
    """Write a name as a control code can hold it: upper-case, `-` for `_`; compare names in this form."""
    return name.upper().replace("_", "-")


def read(text: str, *, gs1: bool, length: int) -> ControlCode | Lookalike | None:
    """Read a control code; a damaged one is a bad read and never anything else.

    A keyboard whose Caps Lock is on delivers the whole text in lower case; that is read too. A mixture is not.

    Args:
        text: Printable ASCII and GS, without blanks at the ends and without AIM identifier.
        gs1: The AIM identifier says that the symbol is GS1; none of ours is.
        length: How many bytes the scanner read.

    Returns:
        The command, or what it is instead; None if the beginning of a control code stands nowhere in the text.
    """
    upper = text.upper()
    found = upper.count(PREFIX)
    if not found:
        return None
    if found > 1 or not upper.startswith(PREFIX):
        return Lookalike(LookalikeKind.TWO_CODES, length)
    one_case = text == upper or text == text.lower()
    code = _parse(upper) if one_case and not gs1 else None
    return code or Lookalike(LookalikeKind.CONTROL_CODE_BROKEN, length)


def _check(body: str) -> str:
    """CRC-32 finds every change of one character and of two neighbours; digits stay narrow in Code 128."""
    return f"{binascii.crc32(body.encode()):010d}"


def _fits(action: ControlAction, argument: str) -> bool:
    if len(argument) > MAX_ARGUMENT_CHARS:
        return False
    if action is ControlAction.OPEN:
        return _OPERATION.fullmatch(argument) is not None
    if action is ControlAction.TRAINING:
        return argument in _SWITCH
    if action in _PEOPLE and sum(map(str.isdigit, argument)) > MAX_OPERATOR_DIGITS:
        return False
    return _WORD.fullmatch(argument) is not None


def _parse(upper: str) -> ControlCode | None:
    """Read the upper-case text, or None if anything of it is not exactly as the writer makes it."""
    body, _, _ = upper.rpartition(".")
    word, *fields = body.removeprefix(PREFIX).split(".")
    try:
        action = ControlAction(word.lower())
        sheet = None
        if action in SIGNED_ACTIONS:
            sheet, fields = _sheet(fields[-_SHEET_FIELDS:]), fields[:-_SHEET_FIELDS]
        argument = "" if not fields else fields[0]
        if action is ControlAction.OPEN:
            argument = argument.lower().replace("-", "_")
        elif action is ControlAction.TRAINING:
            argument = argument.lower()
        code = ControlCode(action, argument, sheet)
    except ValueError:
        return None
    # Written again it must be the same text, check digits too: each command has one form only.
    return code if code.text == upper else None


def _sheet(fields: list[str]) -> Sheet:
    """Read the fields of a sheet.

    Raises:
        ValueError: They are none.
    """
    site, box, sheet_id, day, tag = fields
    ymd = _DATE.fullmatch(day)
    if ymd is None or len(tag) != _TAG_CHARS:
        raise ControlCodeError("no sheet")
    expires = date(int(ymd[1]), int(ymd[2]), int(ymd[3]))
    return Sheet(site, "" if box == _ANY_BOX else box, sheet_id, expires, base64.b32decode(tag + "="))
