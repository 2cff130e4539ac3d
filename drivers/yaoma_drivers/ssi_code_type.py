"""Code types of SSI as AIM identifiers; pure.

From public lists: Symbol CS3000 Product Reference Guide, table B-1, and the constants of Zebra's own demo program for
Windows. What a type leaves open (FNC1 in an older scanner's Data Matrix) is better told by AIM identifiers, which the
scanner can be set to send.
"""

from typing import Final

__all__ = ["aim_of"]

_AIM: Final = {
    0x01: "]A0",  # Code 39
    0x02: "]F0",  # Codabar
    0x03: "]C0",  # Code 128
    0x04: "]S0",  # Discrete 2 of 5
    0x05: "]R0",  # IATA 2 of 5
    0x06: "]I0",  # Interleaved 2 of 5
    0x07: "]G0",  # Code 93
    0x08: "]E0",  # UPC-A
    0x09: "]E0",  # UPC-E0
    0x0A: "]E4",  # EAN-8
    0x0B: "]E0",  # EAN-13
    0x0C: "]H0",  # Code 11
    0x0D: "]T0",  # Code 49
    0x0E: "]M0",  # MSI
    0x0F: "]C1",  # GS1-128
    0x10: "]E0",  # UPC-E1
    0x11: "]L0",  # PDF417
    0x12: "]K0",  # Code 16K
    0x13: "]A4",  # Code 39 full ASCII
    0x15: "]X0",  # Trioptic
    0x16: "]X0",  # Bookland
    0x17: "]X0",  # coupon
    0x19: "]C0",  # ISBT 128
    0x1A: "]L0",  # MicroPDF417
    0x1B: "]d1",  # Data Matrix
    0x1C: "]Q1",  # QR Code
    0x20: "]X0",  # Code 32
    0x21: "]C4",  # ISBT 128, concatenated
    0x25: "]U0",  # MaxiCode
    0x28: "]L0",  # Macro PDF417
    0x2C: "]Q1",  # Micro QR
    0x2D: "]z0",  # Aztec
    0x2E: "]zC",  # Aztec Rune
    0x30: "]e0",  # GS1 DataBar
    0x31: "]e0",  # GS1 DataBar Limited
    0x32: "]e0",  # GS1 DataBar Expanded
    0x39: "]X0",  # Matrix 2 of 5
    0x72: "]X0",  # Chinese 2 of 5
    0xB7: "]h0",  # Han Xin
    0xC1: "]d2",  # GS1 Data Matrix
    0xC2: "]Q3",  # GS1 QR Code
} | dict.fromkeys(
    # UPC and EAN with two or five further digits.
    (0x48, 0x49, 0x4A, 0x4B, 0x50, 0x88, 0x89, 0x8A, 0x8B, 0x90),
    "]E3",
)


def aim_of(code_type: int) -> str:
    """Return the AIM identifier of a code type, empty for one of no known kind.

    Args:
        code_type: The first data byte of DECODE_DATA.
    """
    return _AIM.get(code_type, "")
