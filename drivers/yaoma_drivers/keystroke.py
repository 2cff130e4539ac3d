"""Keystroke: which keys type a code, on the keyboard layout that digits and Latin letters have nearly everywhere."""

from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType
from typing import Annotated, Final, Literal

from pydantic import Field

from yaoma_drivers.driver import DriverOptions

__all__ = ["Key", "KeyboardOptions", "Modifier", "Stroke", "UntypableError", "strokes_of"]

_GS: Final = "\x1d"


class Modifier(IntEnum):
    """A modifier's bit in the first byte of a boot report (USB HID 1.11, appendix B)."""

    NONE = 0
    CTRL = 0x01
    SHIFT = 0x02
    ALT = 0x04


class Key(IntEnum):
    """A key's number on the usage page Keyboard (USB HID Usage Tables, 0x07)."""

    A = 0x04
    ONE = 0x1E
    ZERO = 0x27
    ENTER = 0x28
    ESCAPE = 0x29
    TAB = 0x2B
    SPACE = 0x2C
    MINUS = 0x2D
    EQUAL = 0x2E
    LEFT_BRACKET = 0x2F
    RIGHT_BRACKET = 0x30
    BACKSLASH = 0x31
    SEMICOLON = 0x33
    APOSTROPHE = 0x34
    GRAVE = 0x35
    COMMA = 0x36
    DOT = 0x37
    SLASH = 0x38
    F8 = 0x41
    KP_ENTER = 0x58
    KP_ONE = 0x59
    KP_ZERO = 0x62


class UntypableError(ValueError):
    """The code has a character that no key stands for; which, and where, is not part of the error."""


class KeyboardOptions(DriverOptions):
    """What every port that types has.

    Args:
        layout: `us` types digits, letters and signs as a US keyboard does, which is what Chinese Windows expects;
            `digits` types digits only and refuses everything else: nothing that an input method or another layout could
            change.
        terminator: The key behind each code: ENTER, KP_ENTER, TAB or NONE.
        prefix: Typed before each code.
        gs_as: How the GS1 separator is typed: CTRL_RIGHT_BRACKET, ALT_029 or F8, NONE to leave it out, one character
            instead, or REFUSE.
        reports_per_s: How many reports the till is given in a second; a character takes two.
    """

    layout: Literal["us", "digits"] = "us"
    terminator: Literal["ENTER", "KP_ENTER", "TAB", "NONE"] = "ENTER"
    prefix: Annotated[str, Field(max_length=16, pattern=r"^[ -~]*$")] = ""
    gs_as: Annotated[str, Field(pattern=r"^(REFUSE|NONE|CTRL_RIGHT_BRACKET|ALT_029|F8|[!-~])$")] = "REFUSE"
    reports_per_s: int = Field(default=200, ge=10, le=1000)


@dataclass(frozen=True, slots=True, repr=False)
class Stroke:
    """Keys that go down one after the other and up together; its repr shows none of them.

    Args:
        keys: Which; usually one.
        modifier: What is held meanwhile.
    """

    keys: tuple[int, ...]
    modifier: Modifier = Modifier.NONE

    def __repr__(self) -> str:
        return "Stroke(***)"


_SIGNS: Final = {
    " ": (Key.SPACE, ""),
    "-": (Key.MINUS, "_"),
    "=": (Key.EQUAL, "+"),
    "[": (Key.LEFT_BRACKET, "{"),
    "]": (Key.RIGHT_BRACKET, "}"),
    "\\": (Key.BACKSLASH, "|"),
    ";": (Key.SEMICOLON, ":"),
    "'": (Key.APOSTROPHE, '"'),
    "`": (Key.GRAVE, "~"),
    ",": (Key.COMMA, "<"),
    ".": (Key.DOT, ">"),
    "/": (Key.SLASH, "?"),
}
_OVER_DIGITS: Final = ")!@#$%^&*("
_LETTERS: Final = 26


def _digit_key(digit: int, one: Key) -> int:
    """Zero follows nine on a keyboard."""
    return one + (digit - 1) % 10


def _us() -> dict[str, Stroke]:
    table = {}
    for digit in range(10):
        key = _digit_key(digit, Key.ONE)
        table[str(digit)] = Stroke((key,))
        table[_OVER_DIGITS[digit]] = Stroke((key,), Modifier.SHIFT)
    for place in range(_LETTERS):
        table[chr(ord("a") + place)] = Stroke((Key.A + place,))
        table[chr(ord("A") + place)] = Stroke((Key.A + place,), Modifier.SHIFT)
    for plain, (key, shifted) in _SIGNS.items():
        table[plain] = Stroke((key,))
        if shifted:
            table[shifted] = Stroke((key,), Modifier.SHIFT)
    return table


_US: Final = MappingProxyType(_us())
_DIGITS: Final = MappingProxyType({digit: _US[digit] for digit in "0123456789"})
_TERMINATORS: Final = {"ENTER": Key.ENTER, "KP_ENTER": Key.KP_ENTER, "TAB": Key.TAB}
_GS_AS: Final = {
    "CTRL_RIGHT_BRACKET": (Stroke((Key.RIGHT_BRACKET,), Modifier.CTRL),),
    "ALT_029": (Stroke(tuple(_digit_key(digit, Key.KP_ONE) for digit in (0, 2, 9)), Modifier.ALT),),
    "F8": (Stroke((Key.F8,)),),
    "NONE": (),
}


def strokes_of(data: bytes, options: KeyboardOptions, *, caps_lock: bool = False) -> tuple[Stroke, ...]:
    """Give the strokes that type a code, with prefix and terminator.

    Control characters in the data are never typed as keys: a crafted code can't press Ctrl+Alt+Del (SCANNERS.md 1.4).

    Args:
        data: The code as it was read.
        options: Layout and what stands around it.
        caps_lock: Caps Lock is on at the till, so that letters need the other shift.

    Raises:
        UntypableError: A character has no key, so nothing is typed at all.
    """
    table = _US if options.layout == "us" else _DIGITS
    strokes = [_stroke(letter, _US, caps_lock=caps_lock) for letter in options.prefix]
    for octet in data:
        letter = chr(octet)
        if letter == _GS:
            strokes += _separator(options, caps_lock=caps_lock)
        else:
            strokes.append(_stroke(letter, table, caps_lock=caps_lock))
    if options.terminator != "NONE":
        strokes.append(Stroke((_TERMINATORS[options.terminator],)))
    return tuple(strokes)


def _separator(options: KeyboardOptions, *, caps_lock: bool) -> tuple[Stroke, ...]:
    if options.gs_as in _GS_AS:
        return _GS_AS[options.gs_as]
    if options.gs_as == "REFUSE":
        raise UntypableError("the group separator has no key")
    return (_stroke(options.gs_as, _US, caps_lock=caps_lock),)


def _stroke(letter: str, table: "MappingProxyType[str, Stroke]", *, caps_lock: bool) -> Stroke:
    stroke = table.get(letter)
    if stroke is None:
        raise UntypableError("a character has no key")
    if caps_lock and letter.isalpha():
        return Stroke(stroke.keys, Modifier.NONE if stroke.modifier is Modifier.SHIFT else Modifier.SHIFT)
    return stroke
