"""Code 128 as numbers: symbol characters, their bars, the check character; pure (ISO/IEC 15417)."""

from collections.abc import Sequence
from functools import cache
from typing import Final

import numpy as np

from yaoma_drivers.decoding.arrays import Line

__all__ = [
    "CHARACTERS",
    "CHARACTER_MODULES",
    "CHECK_MODULUS",
    "START_C",
    "STOP",
    "STOP_MODULES",
    "TRACE_CHARACTERS",
    "TRACE_DIGITS",
    "TRACE_MODULES",
    "check_character",
    "digits_of",
    "ink",
    "pattern",
    "trace_characters",
]

# Widths of bar, space, bar, space, bar, space in modules, by the value of the character; the stop has a seventh.
_WIDTHS: Final = [
    "212222",
    "222122",
    "222221",
    "121223",
    "121322",
    "131222",
    "122213",
    "122312",
    "132212",
    "221213",
    "221312",
    "231212",
    "112232",
    "122132",
    "122231",
    "113222",
    "123122",
    "123221",
    "223211",
    "221132",
    "221231",
    "213212",
    "223112",
    "312131",
    "311222",
    "321122",
    "321221",
    "312212",
    "322112",
    "322211",
    "212123",
    "212321",
    "232121",
    "111323",
    "131123",
    "131321",
    "112313",
    "132113",
    "132311",
    "211313",
    "231113",
    "231311",
    "112133",
    "112331",
    "132131",
    "113123",
    "113321",
    "133121",
    "313121",
    "211331",
    "231131",
    "213113",
    "213311",
    "213131",
    "311123",
    "311321",
    "331121",
    "312113",
    "312311",
    "332111",
    "314111",
    "221411",
    "431111",
    "111224",
    "111422",
    "121124",
    "121421",
    "141122",
    "141221",
    "112214",
    "112412",
    "122114",
    "122411",
    "142112",
    "142211",
    "241211",
    "221114",
    "413111",
    "241112",
    "134111",
    "111242",
    "121142",
    "121241",
    "114212",
    "124112",
    "124211",
    "411212",
    "421112",
    "421211",
    "212141",
    "214121",
    "412121",
    "111143",
    "111341",
    "131141",
    "114113",
    "114311",
    "411113",
    "411311",
    "113141",
    "114131",
    "311141",
    "411131",
    "211412",
    "211214",
    "211232",
    "2331112",
]

START_C: Final = 105
STOP: Final = 106
#: How many values there are.
CHARACTERS: Final = 107
CHECK_MODULUS: Final = 103
CHARACTER_MODULES: Final = 11
STOP_MODULES: Final = 13
#: A trace code is 20 digits in character set C throughout: start, ten pairs, check, stop (DECODE.md 4).
TRACE_DIGITS: Final = 20
TRACE_CHARACTERS: Final = 13
TRACE_MODULES: Final = 145


@cache
def pattern(value: int) -> tuple[int, ...]:
    """Return the modules of a character, 1 for ink.

    Args:
        value: 0 to 106; 106 is the stop with its closing bar.
    """
    return tuple(1 - place % 2 for place, width in enumerate(_WIDTHS[value]) for _ in range(int(width)))


def check_character(values: Sequence[int]) -> int:
    """Return the check character of a start and what follows it.

    Args:
        values: The start character and the characters up to the check.
    """
    return (values[0] + sum(place * value for place, value in enumerate(values))) % CHECK_MODULUS


def trace_characters(digits: str) -> tuple[int, ...]:
    """Return the 13 characters of a trace code as its rule has them printed.

    Args:
        digits: 20 digits.
    """
    data = [START_C, *(int(digits[at : at + 2]) for at in range(0, len(digits), 2))]
    return *data, check_character(data), STOP


def digits_of(pairs: Sequence[int]) -> str:
    """Return the digits of characters in set C.

    Args:
        pairs: Values below 100.
    """
    return "".join(f"{pair:02}" for pair in pairs)


def ink(values: Sequence[int]) -> Line:
    """Return the modules of several characters, one after the other, 1 for ink."""
    return np.array([module for value in values for module in pattern(value)], dtype=np.float32)
