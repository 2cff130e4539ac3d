"""How a text may be spelt in the characters of Code 128; pure (ISO/IEC 15417, annex E)."""

from typing import Final

from yaoma_drivers.decoding.code128 import START_C, STOP, check_character

__all__ = ["spellings"]

_START_B: Final = 104
_CODE_C: Final = 99
_CODE_B: Final = 100
_FNC1: Final = 102
_GS: Final = 0x1D
_FIRST_B, _LAST_B = 0x20, 0x7F
#: So many digits in a row are worth a change of set in the middle, and at an end: as the standard says, and as the
#: shortest bars have it.
_WORTH: Final = ((6, 4), (4, 2))


def spellings(data: bytes, *, is_gs1: bool) -> list[tuple[int, ...]]:
    """Return the usual ways to print a text, from start to stop; none for a text with control characters.

    Printers differ in where they put the odd digit of a run, and some never leave set B.

    Args:
        data: The text; 0x1D is FNC1 in a GS1 symbol.
        is_gs1: Whether it begins with FNC1.
    """
    if not data or any(not _FIRST_B <= octet <= _LAST_B and not (is_gs1 and octet == _GS) for octet in data):
        return []
    found = [
        _ended(_mixed(data, worth, is_gs1=is_gs1, is_odd_first=is_odd_first))
        for worth in _WORTH
        for is_odd_first in (True, False)
    ]
    found.append(_ended([_START_B, *([_FNC1] if is_gs1 else []), *map(_in_b, data)]))
    return list(dict.fromkeys(found))


def _mixed(data: bytes, worth: tuple[int, int], *, is_gs1: bool, is_odd_first: bool) -> list[int]:
    """Spell runs of digits in set C where that is shorter."""
    run = _digits(data, 0)
    middle, end = worth
    in_c = run >= end or run == len(data) == 2  # noqa: PLR2004 - two digits alone are one character
    values = [START_C if in_c else _START_B]
    if is_gs1:
        values.append(_FNC1)
    at = 0
    while at < len(data):
        run = _digits(data, at)
        if in_c:
            if data[at] == _GS:
                values.append(_FNC1)
                at += 1
            elif run >= 2:  # noqa: PLR2004 - a character of set C holds two
                values.append(int(data[at : at + 2]))
                at += 2
            else:
                values.append(_CODE_B)
                in_c = False
            continue
        if run >= (end if at + run == len(data) or at == 0 else middle) and (run % 2 == 0 or not is_odd_first):
            values.append(_CODE_C)
            in_c = True
            continue
        values.append(_in_b(data[at]))
        at += 1
    return values


def _digits(data: bytes, at: int) -> int:
    """Count the digits from a place on."""
    end = at
    while end < len(data) and 0x30 <= data[end] <= 0x39:  # noqa: PLR2004 - 0 to 9
        end += 1
    return end - at


def _in_b(octet: int) -> int:
    return _FNC1 if octet == _GS else octet - _FIRST_B


def _ended(values: list[int]) -> tuple[int, ...]:
    return *values, check_character(values), STOP
