"""Code: says what a symbol means, before anything else may look at its text."""

import re
from collections.abc import Sequence
from typing import Final

from yaoma.core import control_code, gs1, lookalike, url
from yaoma.core.control_code import ControlCode
from yaoma.core.lookalike import PRODUCT_KINDS, Lookalike, LookalikeKind
from yaoma.core.other_pattern import OtherPattern, PatternError, match_other
from yaoma.core.trace_code import Cn20, CodeError, Gs1, Other, TraceCode, is_cn20
from yaoma_drivers.symbol import MAX_SYMBOL_BYTES, ReadFault, Symbol

__all__ = [
    "PRODUCT_KINDS",
    "Cn20",
    "CodeError",
    "ControlCode",
    "Gs1",
    "Lookalike",
    "LookalikeKind",
    "Meaning",
    "Other",
    "OtherPattern",
    "PatternError",
    "TraceCode",
    "as_pack",
    "from_key",
    "parse",
    "preload",
]

# Blanks that scanners and hands leave at the ends (SCANNERS.md 1.1 no. 8).
_BLANKS: Final = b" \r\n\t"
_AIM: Final = re.compile(rb"\][A-Za-z][0-9A-Za-z]")
# What may be looked at as text at all: printable ASCII and GS.
_TEXT: Final = re.compile(rb"[\x1d -~]+")
# `01`, 14 digits, `21`, serial: how a key spells a GS1 code.
_GS1_KEY: Final = re.compile(r"01([0-9]{14})21(.+)", re.DOTALL)


#: What a symbol can be: a pack's code, a command of our own sheets, or something else.
Meaning = TraceCode | Lookalike | ControlCode


def parse(symbol: Symbol, patterns: Sequence[OtherPattern] = ()) -> Meaning:
    """Say what a symbol is (DOMAIN.md 1, SCANNERS.md 1.12).

    The order decides: what the driver knows to be a bad read; our own control codes; the Chinese 20 digits; GS1; web
    addresses; the patterns of other standards; look-alikes. Whatever the bytes, it raises nothing, and only trace
    codes, product codes and control codes leave it as text (DESIGN.md 3, promise 5).

    Args:
        symbol: What the scanner delivered.
        patterns: The other standards that the signed allowlist knows.
    """
    length = symbol.length
    if symbol.fault is ReadFault.OVERLONG or length > MAX_SYMBOL_BYTES:
        return Lookalike(LookalikeKind.TOO_LONG, length)
    if symbol.fault is not None:
        return Lookalike(LookalikeKind.READ_FAULT, length)
    data, aim = _without_aim(symbol.data.strip(_BLANKS), symbol.aim)
    if not data:
        return Lookalike(LookalikeKind.EMPTY, length)
    if not _TEXT.fullmatch(data):
        return Lookalike(lookalike.kind_of_bytes(data), length)
    return _parse_text(data.decode("ascii"), aim, length, patterns)


def as_pack(meaning: Meaning, length: int) -> TraceCode | Lookalike:
    """Take a control code for what it is where it commands nothing: a look-alike, so a fault.

    Args:
        meaning: What `parse` gave.
        length: How many bytes the scanner read.
    """
    return Lookalike(LookalikeKind.CONTROL_CODE, length) if isinstance(meaning, ControlCode) else meaning


def from_key(key: str, patterns: Sequence[OtherPattern] = ()) -> TraceCode:
    """Make the code again from the key that the journal holds.

    The key names the pack, so what else a symbol told (lot, dates) is not in it.

    Args:
        key: As `TraceCode.key` wrote it.
        patterns: To find the product key of an `Other` again; without the right one it is empty.

    Raises:
        CodeError: This is no key; the text is not part of the error.
    """
    form, _, rest = key.partition(":")
    if form == "cn20":
        return Cn20(rest)
    if form == "gs1" and (fields := _GS1_KEY.fullmatch(rest)):
        return Gs1(fields[1], fields[2])
    if form == "other" and ":" in rest:
        standard, _, text = rest.partition(":")
        known = match_other(text, [pattern for pattern in patterns if pattern.standard == standard])
        return known or Other(standard, text)
    raise CodeError("key", len(key))


def preload() -> None:
    """Import what the first GS1 code and the first ID number would otherwise wait for.

    Call it at start, after the scanners are open: the import takes longer than a verdict may (promise 6).
    """
    gs1.read("0106901234567892", aim="]d2", length=16)
    lookalike.of_text("110101199001011234", aim="", length=18)


def _without_aim(data: bytes, aim: str) -> tuple[bytes, str]:
    """Split off an AIM identifier that the driver left in the data; the one that it names itself counts first."""
    prefix = _AIM.match(data)
    if prefix is None:
        return data, aim
    return data[prefix.end() :].strip(_BLANKS), aim or prefix[0].decode("ascii")


def _parse_text(text: str, aim: str, length: int, patterns: Sequence[OtherPattern]) -> Meaning:
    command = control_code.read(text, gs1=gs1.claims(aim), length=length)
    if command is not None:
        return command
    if is_cn20(text) and not gs1.claims(aim):
        # An EAN symbol can't hold 20 digits: identifier and text come from two different reads.
        return Lookalike(LookalikeKind.READ_FAULT, length) if aim.startswith("]E") else Cn20(text)
    found = gs1.read(text, aim=aim, length=length)
    if found is not None:
        return found
    if gs1.GS in text:
        return Lookalike(LookalikeKind.CONTROL_CHARACTERS, length)
    address = url.read(text, length=length)
    if address is not None and address != Lookalike(LookalikeKind.URL_WITHOUT_CODE, length):
        return address
    return match_other(text, patterns) or address or lookalike.of_text(text, aim=aim, length=length)
