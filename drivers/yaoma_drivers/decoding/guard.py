"""The guard on linear readings: draw the text again where it was read and compare (DECODE.md 5.2, 7)."""

import math
from dataclasses import replace
from itertools import islice
from typing import Final

import numpy as np

from yaoma_drivers.decoding import code128
from yaoma_drivers.decoding.arrays import Grey, Line
from yaoma_drivers.decoding.bars import BarField
from yaoma_drivers.decoding.reading import Reading
from yaoma_drivers.decoding.redraw import redraw
from yaoma_drivers.decoding.segments import lay_out
from yaoma_drivers.decoding.spelling import spellings
from yaoma_drivers.decoding.upright import ACROSS_SAMPLES, SAMPLES, cut_upright, lines_of

__all__ = ["LEAST_LIKENESS", "field_of", "guarded", "is_trace_code"]

#: The correlation that the character which fits worst must reach where another reader has named the text.
LEAST_LIKENESS: Final = 0.9
_LINES: Final = 4
_BENT_LINES: Final = 2
_LEAST_ALONG_PX: Final = 3.0
_CODE128: Final = "]C"


def is_trace_code(data: bytes, aim: str) -> bool:
    """Tell whether a reading claims to be a trace code: 20 digits in plain Code 128, the first an 8.

    Args:
        data: The bytes.
        aim: The AIM identifier, or an empty string.
    """
    return len(data) == code128.TRACE_DIGITS and data.isdigit() and data.startswith(b"8") and aim in {"", "]C0"}


def guarded(grey: Grey, reading: Reading) -> Reading | None:
    """Return a linear reading as sure if its bars agree; None for a trace code whose bars do not.

    Args:
        grey: The picture.
        reading: A reading with its place in the picture.
    """
    if not reading.aim.startswith(_CODE128):
        return reading
    field = field_of(reading)
    is_trace = is_trace_code(reading.data, reading.aim)
    if is_trace:
        texts = [code128.trace_characters(reading.data.decode("ascii"))]
    else:
        texts = spellings(reading.data, is_gs1=reading.aim == "]C1")
    if field is None or not texts:
        return None if is_trace else reading
    lines = [line for line, _ in islice(lines_of(cut_upright(grey, field)), _LINES)]
    if any(_agrees(line, text) for line in lines for text in texts):
        return replace(reading, is_sure=True)
    if not is_trace:
        return reading
    return replace(reading, is_sure=True) if any(_agrees_bent(line, texts[0]) for line in lines[:_BENT_LINES]) else None


def field_of(reading: Reading) -> BarField | None:
    """Return the place of a linear reading as a field of bars; None if it has no extent.

    Args:
        reading: With corners from the upper left of its bars clockwise.
    """
    if len(reading.corners) != 4:  # noqa: PLR2004 - a quadrilateral
        return None
    upper_left, upper_right, lower_right, lower_left = (np.array(corner, float) for corner in reading.corners)
    left, right = (upper_left + lower_left) / 2, (upper_right + lower_right) / 2
    across = right - left
    along = np.linalg.norm(lower_left - upper_left) + np.linalg.norm(lower_right - upper_right)
    length = float(np.linalg.norm(across))
    if length < 1:
        return None
    middle = (left + right) / 2
    return BarField(
        x=float(middle[0]),
        y=float(middle[1]),
        across_rad=math.atan2(across[1], across[0]),
        across_px=length,
        along_px=max(_LEAST_ALONG_PX, float(along) / 2),
        strength=0.0,
    )


def _agrees(line: Line, values: tuple[int, ...]) -> bool:
    """Draw a text from one end of the place to the other; bends of more than a module are not followed."""
    modules = (len(values) - 1) * code128.CHARACTER_MODULES + code128.STOP_MODULES
    begin = (SAMPLES - ACROSS_SAMPLES) / 2
    knots = np.append(np.arange(len(values)) * code128.CHARACTER_MODULES, modules) / modules
    return redraw(line, begin + knots * ACROSS_SAMPLES, values).worst >= LEAST_LIKENESS


def _agrees_bent(line: Line, values: tuple[int, ...]) -> bool:
    """Draw a trace code wherever its characters lie, which follows any bend."""
    segments = lay_out(line, values)
    if segments is None:
        return False
    seen = np.ascontiguousarray(line[::-1]) if segments.is_turned else line
    return redraw(seen, segments.bounds, values).worst >= LEAST_LIKENESS
