"""Set a field of bars upright and average along them: a clean line across the bars for each label; pure."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from yaoma_drivers.decoding.arrays import Grey, Line
from yaoma_drivers.decoding.bars import BarField

__all__ = ["ACROSS_SAMPLES", "SAMPLES", "Cut", "cut_upright", "lines_of"]

#: Samples across a field, so that a trace code has about five a module.
ACROSS_SAMPLES: Final = 725
#: Samples of a whole cut: quiet zones, and what smoothing took off the field.
SAMPLES: Final = 1000
_MOST_ROWS: Final = 400
_STRIPES: Final = 24
_LEAST_STRIPES: Final = 3
#: By how many samples, first against last stripe, bars are tried to lean and to fan out: rough, then fine.
_STEPS: Final = ((8.0, 8.0), (4.0, 4.0), (2.0, 2.0))


@dataclass(frozen=True, slots=True)
class Cut:
    """A field as it looks with its bars upright.

    Args:
        rows: Means of stripes along the bars, (stripes, samples).
        back: The affine map from (sample, stripe) to pixels of the picture, 2 by 3.
    """

    rows: Line
    back: npt.NDArray[np.float64]

    def corners(self, left: float, right: float, top: float, bottom: float) -> tuple[tuple[int, int], ...]:
        """Return a part of it as corners in the picture, from the upper left of the bars clockwise."""
        places = ((left, top), (right, top), (right, bottom), (left, bottom))
        return tuple(
            (round(float(x)), round(float(y))) for x, y in (self.back @ np.array((*place, 1.0)) for place in places)
        )


def cut_upright(grey: Grey, field: BarField) -> Cut:
    """Cut a field out of the picture, bars upright, finer across the bars than the picture is.

    Args:
        grey: The picture.
        field: The place.
    """
    per_px = ACROSS_SAMPLES / field.across_px
    rows = min(_MOST_ROWS, max(2 * _LEAST_STRIPES, round(field.along_px)))
    per_row = field.along_px / rows
    cos, sin = math.cos(field.across_rad), math.sin(field.across_rad)
    # From (sample, row) to the picture: the middle of the cut is the middle of the field.
    step = np.array([[cos / per_px, -sin * per_row], [sin / per_px, cos * per_row]])
    middle = np.array([field.x, field.y]) - step @ np.array([(SAMPLES - 1) / 2, (rows - 1) / 2])
    cut = cv2.warpAffine(
        grey,
        np.column_stack([step, middle]),
        (SAMPLES, rows),
        flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    stripes = min(_STRIPES, rows)
    means = cv2.resize(cut.astype(np.float32), (SAMPLES, stripes), interpolation=cv2.INTER_AREA)
    row_step = step[:, 1] * rows / stripes
    return Cut(np.asarray(means, np.float32), np.column_stack([step[:, 0], row_step, middle]))


def lines_of(cut: Cut) -> Iterator[tuple[Line, tuple[int, int]]]:
    """Yield lines across the bars, the most promising first, each with the first and last stripe that it is made of.

    Args:
        cut: The field, upright.
    """
    rows = _leant(cut.rows)
    for top, bottom in _blocks(rows):
        block = rows[top:bottom]
        mean = block.mean(axis=0)
        likeness = _likeness(block, mean)
        weights = np.clip(likeness - 0.3 * likeness.max(), 0, None)
        weighted = (weights @ block / max(float(weights.sum()), 1e-6)).astype(np.float32)
        yield weighted, (top, bottom)
        third = (bottom - top) // 3
        if third >= _LEAST_STRIPES - 1:
            for part in (1, 0, 2):
                begin = top + part * third
                yield rows[begin : begin + third].mean(axis=0), (top, bottom)


def _leant(rows: Line) -> Line:
    """Undo what is left of lean and fan, so that bars stay sharp in the mean: the sharpest of several."""
    best, best_edge = rows, _edge(rows)
    lean = fan = 0.0
    for lean_step, fan_step in _STEPS:
        for lean_by, fan_by in ((-2, 0), (-1, 0), (1, 0), (2, 0), (0, -2), (0, -1), (0, 1), (0, 2)):
            tried_lean, tried_fan = lean + lean_by * lean_step, fan + fan_by * fan_step
            tried = _sheared(rows, tried_lean, tried_fan)
            edge = _edge(tried)
            if edge > best_edge * 1.003:
                best, best_edge, found = tried, edge, (tried_lean, tried_fan)
        if best is not rows:
            lean, fan = found
    return best


def _sheared(rows: Line, lean: float, fan: float) -> Line:
    """Shift each stripe sideways.

    Args:
        rows: The stripes.
        lean: Samples between the first and the last stripe.
        fan: By how many more at the right end, and fewer at the left one.
    """
    height, width = rows.shape
    down = np.linspace(-0.5, 0.5, height, dtype=np.float32)[:, None]
    across = np.linspace(-1, 1, width, dtype=np.float32)[None]
    at_x = np.arange(width, dtype=np.float32)[None] + down * (lean + fan * across)
    at_y = np.repeat(np.arange(height, dtype=np.float32)[:, None], width, 1)
    return np.asarray(cv2.remap(rows, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32)


def _edge(rows: Line) -> float:
    slope = np.diff(rows.mean(axis=0))
    return float(slope @ slope)


def _blocks(rows: Line) -> list[tuple[int, int]]:
    return [(0, len(rows))]


def _likeness(rows: Line, mean: Line) -> npt.NDArray[np.float64]:
    slopes = np.diff(rows, axis=1)
    slope = np.diff(mean)
    found = (slopes @ slope) / (np.linalg.norm(slopes, axis=1) * np.linalg.norm(slope) + 1e-6)
    return np.asarray(found, np.float64)
