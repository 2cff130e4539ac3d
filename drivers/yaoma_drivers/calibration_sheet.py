"""Calibration sheet: what its three bar codes hold (SCANNERS.md 1.8); nothing on it can be taken for a pack."""

from typing import Final

__all__ = ["DIGITS", "GS1_HEAD", "GS1_TAIL", "GS1_TEXT", "SIGNS"]

#: Code 128. Shows that digits arrive, how fast, and what ends a symbol; it also names the scanner that is paired.
DIGITS: Final = "01234567890123456789"

#: Code 128. Letters whose places differ between layouts, in both cases, and signs that layouts have elsewhere.
SIGNS: Final = "aAmMqQwWyYzZ-_./:;+=#@()"

#: GS1 Data Matrix, `]d2`: GTIN of zeros, a serial number, GS, a lot. No product has this GTIN.
GS1_HEAD: Final = "010000000000000021S1A2"
GS1_TAIL: Final = "10L0T7"
GS1_TEXT: Final = f"{GS1_HEAD}\x1d{GS1_TAIL}"
