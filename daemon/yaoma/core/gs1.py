"""GS1: element strings, their bracketed form and their fields become a `Gs1` code or the look-alike that they are."""

import calendar
import importlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from yaoma.core.lookalike import Lookalike, LookalikeKind, is_chinese_gtin
from yaoma.core.trace_code import Gs1, is_cn20, is_gtin

__all__ = ["GS", "claims", "read", "read_fields"]

#: The separator after a field of variable length, FNC1 in the symbol.
GS: Final = "\x1d"

# biip is never called on a longer text (SCANNERS.md 8).
MAX_TEXT_CHARS: Final = 256

# The AIM identifiers that say "GS1": GS1-128, Data Matrix, QR, DataBar, DotCode (SCANNERS.md 1.11).
_GS1_AIMS: Final = frozenset({"]C1", "]d2", "]Q3", "]e0", "]J1"})
_DATE_AIS: Final = ("11", "12", "13", "15", "16", "17")
_BRACKETED: Final = re.compile(r"(?:\([0-9]{2,4}\)[^() ]+ *)+")
_BRACKETED_FIELD: Final = re.compile(r"\(([0-9]{2,4})\)([^() ]+)")
_LEADING_GTIN: Final = re.compile(r"(?:01|\(01\))([0-9]{14})")
_NEXT_AIS: Final = ("10", "11", "17", "21", GS)
_CN20_DIGITS: Final = 20
# AI 01 with its GTIN.
_GTIN_FIELD_CHARS: Final = 16


@dataclass(frozen=True, slots=True)
class _Field:
    ai: str
    value: str
    variable: bool  # needs a GS behind it unless it is the last one


def claims(aim: str) -> bool:
    """Say whether an AIM identifier claims that the symbol is GS1."""
    return aim in _GS1_AIMS


def read(text: str, *, aim: str, length: int) -> Gs1 | Lookalike | None:
    """Read a text as GS1 element strings (DOMAIN.md 1.4), if it claims to be some or begins like some.

    It claims so by AIM identifier or a leading GS; it begins so with brackets `(01)` or with 01 and a valid GTIN.
    Having begun, it is GS1 or `GS1_BROKEN`: stop rather than guess. Twenty digits that begin with 8 under such a
    claim are broken too: a trace code carries no FNC1 (its symbol is `]C0` or `]d1`; DECODE.md 8), and AIs from
    8001 on would read asset and service numbers as packs.

    Args:
        text: Printable ASCII and GS, without AIM identifier.
        aim: The AIM identifier, or an empty string.
        length: How many bytes the scanner read.

    Returns:
        The code or what it is instead; None if the text neither claims to be GS1 nor begins like it.
    """
    proven = claims(aim)
    body = text.lstrip(GS)
    if is_cn20(body[:_CN20_DIGITS]) and _begins_with_gtin(body[_CN20_DIGITS:].lstrip(GS)):
        return Lookalike(LookalikeKind.TWO_CODES, length)
    if body.startswith("("):
        return _read_bracketed(body, claimed=proven or body != text, proven=proven, length=length)
    claimed = proven or body != text or _begins_like_gs1(body)
    if not claimed and GS not in body:
        return None
    fields = _fields(body)
    if (fields is None or _overruns(fields, body)) and _ends_in_cn20(body):
        return Lookalike(LookalikeKind.TWO_CODES, length)
    found = None if fields is None else _judge(fields, body, proven=proven, length=length)
    return found or (Lookalike(LookalikeKind.GS1_BROKEN, length) if claimed else None)


def read_fields(pairs: Sequence[tuple[str, str]], *, proven: bool, length: int) -> Gs1 | Lookalike:
    """Read fields whose borders are certain, from brackets or the path of a GS1 Digital Link.

    Args:
        pairs: AI and value of each field.
        proven: An AIM identifier says that the symbol is GS1.
        length: How many bytes the scanner read.
    """
    body = GS.join(ai + value for ai, value in pairs)
    fields = _fields(body)
    # An AI that does not exist, or a value too long for its field, moves the borders.
    found = None
    if fields is not None and [(field.ai, field.value) for field in fields] == list(pairs):
        found = _judge(fields, None, proven=proven, length=length)
    return found or Lookalike(LookalikeKind.GS1_BROKEN, length)


def _read_bracketed(body: str, *, claimed: bool, proven: bool, length: int) -> Gs1 | Lookalike | None:
    """Read the human-readable form `(01)...(21)...`, which some put into QR codes or type in."""
    if _BRACKETED.fullmatch(body):
        return read_fields(_BRACKETED_FIELD.findall(body), proven=proven, length=length)
    if claimed or _BRACKETED_FIELD.match(body):
        return Lookalike(LookalikeKind.GS1_BROKEN, length)
    return None


def _begins_with_gtin(body: str) -> bool:
    leading = _LEADING_GTIN.match(body)
    return leading is not None and is_gtin(leading[1])


def _begins_like_gs1(body: str) -> bool:
    """Tell an unmarked text that begins with AI 01: with a valid GTIN, or with any one and a usual AI behind it."""
    if _begins_with_gtin(body):
        return True
    return _LEADING_GTIN.match(body) is not None and body.startswith(_NEXT_AIS, _GTIN_FIELD_CHARS)


def _ends_in_cn20(body: str) -> bool:
    """Tell a GS1 code with serial number and a Chinese trace code run together."""
    if not is_cn20(body[-_CN20_DIGITS:]):
        return False
    head = _fields(body[:-_CN20_DIGITS].rstrip(GS))
    return head is not None and {"01", "21"} <= {field.ai for field in head}


def _fields(body: str) -> list[_Field] | None:
    """Split element strings with biip, or None if they are none.

    biip is imported here, by the first GS1 symbol: it costs as much start-up time as all of core (SCANNERS.md 8).
    Its check of dates is off because it reads the clock for the century; `_read_date` does that work. Its errors
    quote the text, so they end here.
    """
    if len(body) > MAX_TEXT_CHARS:
        return None
    biip = importlib.import_module("biip.gs1_messages")
    config = biip.ParseConfig(gs1_element_strings_verify_date=False)
    try:
        message = biip.GS1Message.parse(body, config=config)
    except (biip.ParseError, ValueError, ArithmeticError, LookupError):
        return None
    return [_Field(element.ai.ai, element.value, element.ai.separator_required) for element in message.element_strings]


def _judge(fields: list[_Field], body: str | None, *, proven: bool, length: int) -> Gs1 | Lookalike | None:
    """Say what well-formed fields name.

    Args:
        fields: In the order of the symbol.
        body: The text that they were split from, or None if their borders are certain.
        proven: An AIM identifier says that the symbol is GS1.
        length: How many bytes the scanner read.

    Returns:
        None if they contradict each other, hold an impossible GTIN or date, or name no product.
    """
    ais = [field.ai for field in fields]
    values = {field.ai: field.value for field in fields}
    if "00" in values:
        return Lookalike(LookalikeKind.SSCC, length)
    if ais.count("01") > 1:
        return Lookalike(LookalikeKind.TWO_CODES, length)
    gtin = values.get("01", "")
    dates = {ai: _read_date(values[ai]) for ai in _DATE_AIS if ai in values}
    if not is_gtin(gtin) or None in dates.values() or any(values[f.ai] != f.value for f in fields):
        return None
    seen = body is not None and GS in body
    serial = values.get("21")
    if serial is None:
        if body is not None and not seen and "21" in _swallowed(fields):
            return None
        return Lookalike(LookalikeKind.GS1_PRODUCT, length, f"01{gtin}" if proven or _is_chinese(gtin) else None)
    return Gs1(
        gtin,
        serial,
        lot=values.get("10"),
        expiry=dates.get("17"),
        produced=dates.get("11"),
        separators_seen=seen,
        may_be_glued=body is not None and (_overruns(fields, body) or (not seen and bool(_swallowed(fields)))),
    )


def _is_chinese(gtin14: str) -> bool:
    return is_chinese_gtin(gtin14.removeprefix("000000"))


def _overruns(fields: list[_Field], body: str) -> bool:
    """Tell a field of variable length that ended only because it was full: what follows may be its own rest."""
    end = 0
    for field in fields:
        end += len(field.ai) + len(field.value)
        if field.variable and end < len(body) and body[end] != GS:
            return True
        end += len(body[end:]) - len(body[end:].lstrip(GS))
    return False


def _swallowed(fields: list[_Field]) -> set[str]:
    """Name the AIs that the last field may have swallowed because the GS behind it was lost.

    That is 10, 11, 17 or 21, not seen as a field of their own, somewhere after the first character of a last field
    of variable length, followed by what fits: a real date (11, 17) or at least one character (10, 21). It finds
    every loss in the usual orders and suspects some serial numbers that merely contain such digits.
    """
    last = fields[-1]
    if not last.variable:
        return set()
    missing = {"10", "11", "17", "21"} - {field.ai for field in fields}
    found = set()
    for i in range(1, len(last.value) - 2):
        ai, rest = last.value[i : i + 2], last.value[i + 2 :]
        if ai in missing and (ai in ("10", "21") or _read_date(rest[:6]) is not None):
            found.add(ai)
    return found


def _read_date(yymmdd: str) -> date | None:
    """Read YYMMDD; day 00 is the last day of the month (GS1 3.4), the century always 20: core knows no clock."""
    if not (len(yymmdd) == len("YYMMDD") and yymmdd.isascii() and yymmdd.isdecimal()):
        return None
    year, month, day = 2000 + int(yymmdd[:2]), int(yymmdd[2:4]), int(yymmdd[4:])
    try:
        return date(year, month, day or calendar.monthrange(year, month)[1])
    except ValueError:
        return None
