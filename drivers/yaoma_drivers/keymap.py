"""Keymap: which text a key gives, one table per layout; pure, key codes as in linux/input-event-codes.h."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

__all__ = ["KEYMAPS", "KEYPAD_DIGITS", "KEYPAD_SIGNS", "Keymap", "LayoutName"]

LayoutName = Literal["us", "gb", "de", "fr"]

#: The keys of all rows from the upper left, in the order in which the tables below have their characters.
_KEYS = (41, *range(2, 14), *range(16, 28), 43, *range(30, 41), 86, *range(44, 54), 57)

#: A key that gives no text by itself in this layout: a dead key, or nothing printed on it.
_NONE = "\0"

# Rows: digits, upper letters, the key at their end, home row, the key left of the lower row, lower row, space.
_TABLES: dict[LayoutName, tuple[str, str, dict[int, str]]] = {
    "us": (
        "`1234567890-=" + "qwertyuiop[]" + "\\" + "asdfghjkl;'" + "<" + "zxcvbnm,./" + " ",
        "~!@#$%^&*()_+" + "QWERTYUIOP{}" + "|" + 'ASDFGHJKL:"' + ">" + "ZXCVBNM<>?" + " ",
        {},
    ),
    "gb": (
        "`1234567890-=" + "qwertyuiop[]" + "#" + "asdfghjkl;'" + "\\" + "zxcvbnm,./" + " ",
        '¬!"£$%^&*()_+' + "QWERTYUIOP{}" + "~" + "ASDFGHJKL:@" + "|" + "ZXCVBNM<>?" + " ",
        {41: "¦", 5: "€"},
    ),
    "de": (
        "\0001234567890ß\0" + "qwertzuiopü+" + "#" + "asdfghjklöä" + "<" + "yxcvbnm,.-" + " ",
        '°!"§$%&/()=?\0' + "QWERTZUIOPÜ*" + "'" + "ASDFGHJKLÖÄ" + ">" + "YXCVBNM;:_" + " ",
        {3: "²", 4: "³", 8: "{", 9: "[", 10: "]", 11: "}", 12: "\\", 16: "@", 18: "€", 27: "~", 50: "µ", 86: "|"},
    ),
    "fr": (
        "²&é\"'(-è_çà)=" + "azertyuiop\0$" + "*" + "qsdfghjklmù" + "<" + "wxcvbn,;:!" + " ",
        "\0001234567890°+" + "AZERTYUIOP\0£" + "µ" + "QSDFGHJKLM%" + ">" + "WXCVBN?./§" + " ",
        {4: "#", 5: "{", 6: "[", 7: "|", 9: "\\", 10: "^", 11: "@", 12: "]", 13: "}", 18: "€"},
    ),
}

#: Digits on the keypad, which a scanner means whatever Num Lock says.
KEYPAD_DIGITS: Mapping[int, str] = {
    82: "0",
    79: "1",
    80: "2",
    81: "3",
    75: "4",
    76: "5",
    77: "6",
    71: "7",
    72: "8",
    73: "9",
}
KEYPAD_SIGNS: Mapping[int, str] = {98: "/", 55: "*", 74: "-", 78: "+", 83: ".", 117: "=", 121: ","}

#: Where hosts make control characters of Ctrl and a key that is no letter, by its place: @ [ \ ] ^ _ of the US layout.
_CONTROL_BY_PLACE = {3: 0x00, 26: 0x1B, 43: 0x1C, 27: 0x1D, 7: 0x1E, 12: 0x1F}
_CONTROL_MASK = 0x1F


@dataclass(frozen=True, slots=True)
class Keymap:
    """One layout, as the scanner believes the host to have it (SCANNERS.md 1.1, row 1).

    Args:
        plain: Key code to character.
        shifted: The same with Shift held.
        alt_gr: The same with AltGr held.
    """

    plain: Mapping[int, str]
    shifted: Mapping[int, str]
    alt_gr: Mapping[int, str]

    def text(self, code: int, *, shift: bool = False, caps_lock: bool = False, alt_gr: bool = False) -> str:
        """Return the character of a key, or an empty string if it has none.

        Args:
            code: The key code.
            shift: Whether a Shift key is held.
            caps_lock: Whether Caps Lock is on; it turns letters only.
            alt_gr: Whether AltGr is held.
        """
        if alt_gr:
            return self.alt_gr.get(code, "")
        plain, shifted = self.plain.get(code, ""), self.shifted.get(code, "")
        is_letter = plain.isalpha() and plain.upper() == shifted
        return shifted if shift != (caps_lock and is_letter) else plain

    def control(self, code: int, *, alt_gr: bool = False) -> int | None:
        """Return the control character of Ctrl and a key, such as 0x1D for Ctrl+], or None if they make none.

        Args:
            code: The key code.
            alt_gr: Whether AltGr is held as well, for a bracket that stands on the third level.
        """
        if alt_gr:
            sign = self.alt_gr.get(code, "")
            return ord(sign) & _CONTROL_MASK if sign and sign in "@[\\]^_" else None
        letter = self.plain.get(code, "")
        if letter.isascii() and letter.isalpha():
            return ord(letter) & _CONTROL_MASK
        return _CONTROL_BY_PLACE.get(code)


def _row(signs: str) -> dict[int, str]:
    return {key: sign for key, sign in zip(_KEYS, signs, strict=True) if sign != _NONE}


def _keymap(name: LayoutName) -> Keymap:
    plain, shifted, alt_gr = _TABLES[name]
    return Keymap(_row(plain), _row(shifted), alt_gr)


KEYMAPS: Mapping[LayoutName, Keymap] = {name: _keymap(name) for name in get_args(LayoutName)}
