"""The grammar of GS1 element strings, as far as packs use it; pure (GS1 General Specifications 3 and 7.8)."""

from typing import Final

__all__ = ["elements", "is_checked"]

_GS: Final = b"\x1d"
#: How many characters follow an application identifier whose length is fixed.
_FIXED: Final = {
    b"00": 18,
    b"01": 14,
    b"02": 14,
    b"11": 6,
    b"12": 6,
    b"13": 6,
    b"15": 6,
    b"16": 6,
    b"17": 6,
    b"20": 2,
}
#: The most characters that may follow one whose length is not.
_VARIABLE: Final = {
    b"10": 20,
    b"21": 20,
    b"22": 20,
    b"30": 8,
    b"37": 8,
    b"240": 30,
    b"241": 30,
    b"250": 30,
    b"710": 20,
    b"711": 20,
    b"712": 20,
    b"713": 20,
    b"714": 20,
}
_CHECKED: Final = {b"00", b"01", b"02"}
_TWO, _THREE = 2, 3


def elements(data: bytes) -> dict[bytes, bytes] | None:
    """Return the values of an element string by their identifiers; None if it breaks the grammar or is not known here.

    Args:
        data: Without the first FNC1; later ones are 0x1D.
    """
    found: dict[bytes, bytes] = {}
    at = 0
    while at < len(data):
        identifier = data[at : at + _TWO]
        if identifier in _FIXED:
            end = at + _TWO + _FIXED[identifier]
            value = data[at + _TWO : end]
            if len(value) != _FIXED[identifier] or not value.isdigit():
                return None
        else:
            if identifier not in _VARIABLE:
                identifier = data[at : at + _THREE]
            if identifier not in _VARIABLE:
                return None
            begin = at + len(identifier)
            end = data.find(_GS, begin)
            end = len(data) if end < 0 else end
            value = data[begin:end]
            if not 0 < len(value) <= _VARIABLE[identifier]:
                return None
        if identifier in found or (identifier in _CHECKED and not is_checked(value)):
            return None
        found[identifier] = value
        at = end + 1 if data[end : end + 1] == _GS else end
    return found or None


def is_checked(digits: bytes) -> bool:
    """Tell whether the last digit is the check digit: weights 3 and 1 from the right, modulo 10.

    Args:
        digits: A GTIN or another key of GS1.
    """
    values = [octet - 0x30 for octet in reversed(digits)]
    return sum(value * (_THREE if place % 2 else 1) for place, value in enumerate(values)) % 10 == 0
