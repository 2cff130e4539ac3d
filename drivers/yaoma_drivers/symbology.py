"""AIM symbology identifiers: apart from the text, and by name; pure (ISO/IEC 15424; SCANNERS.md 1.11)."""

import re

__all__ = ["split_aim", "symbology_name"]

# A flag, a code character, a modifier; `]` before anything else is text of the symbol itself.
_AIM = re.compile(rb"\][A-Za-z][0-9A-Za-z]")

_BY_IDENTIFIER = {
    "]C0": "Code 128",
    "]C1": "GS1-128",
    "]C2": "Code 128 (FNC1 second)",
    "]E0": "EAN-13",
    "]E3": "EAN-13 with add-on",
    "]E4": "EAN-8",
    "]I0": "ITF",
    "]I1": "ITF with check digit",
    "]J1": "GS1 DotCode",
    "]Q3": "GS1 QR Code",
    "]d1": "Data Matrix",
    "]d2": "GS1 Data Matrix",
    "]d3": "Data Matrix (FNC1 second)",
    "]e0": "GS1 DataBar",
}

_BY_CODE_CHARACTER = {
    "A": "Code 39",
    "B": "Telepen",
    "C": "Code 128",
    "E": "EAN/UPC",
    "F": "Codabar",
    "G": "Code 93",
    "H": "Code 11",
    "I": "ITF",
    "J": "DotCode",
    "K": "Code 16K",
    "L": "PDF417",
    "M": "MSI",
    "O": "Codablock",
    "P": "Plessey",
    "Q": "QR Code",
    "R": "Straight 2 of 5",
    "S": "Straight 2 of 5",
    "T": "Code 49",
    "U": "MaxiCode",
    "X": "other symbology",
    "Z": "no bar code",
    "d": "Data Matrix",
    "e": "GS1 DataBar",
    "g": "Grid Matrix",
    "h": "Han Xin",
    "z": "Aztec",
}


def split_aim(data: bytes) -> tuple[str, bytes]:
    """Return the AIM identifier and the text behind it; the identifier is empty if the bytes begin with none.

    Args:
        data: The bytes of one frame, without terminator; GS stays as 0x1D.
    """
    found = _AIM.match(data)
    return (found.group().decode("ascii"), data[found.end() :]) if found else ("", data)


def symbology_name(aim: str) -> str:
    """Return the English name of a symbology, `unknown` for an identifier that is empty or of no known kind.

    Args:
        aim: An identifier such as `]C1`.
    """
    return _BY_IDENTIFIER.get(aim) or _BY_CODE_CHARACTER.get(aim[1:2], "unknown")
