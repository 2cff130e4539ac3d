"""Find fields of parallel bars in a picture by their gradients, at any angle; pure (DECODE.md 4, "why it works")."""

import math
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from yaoma_drivers.decoding.arrays import Line
from yaoma_drivers.decoding.edges import CELL_PX, Edges

__all__ = ["BarField", "find_bars"]

#: Share of the gradients that lies in one direction; noise alone reaches a tenth.
_LEAST_COHERENCE: Final = 0.3
_LEAST_ENERGY: Final = 0.12
_DIRECTIONS: Final = 6
_LEAST_CELLS: Final = 12
_LEAST_ACROSS_PX: Final = 60.0
#: Sine of the angle up to which two fields at one place are one.
_SAME_DIRECTION: Final = 0.5
#: The fields that are tried, the strongest ones.
_MOST_FIELDS: Final = 8


@dataclass(frozen=True, slots=True)
class BarField:
    """A place where edges run side by side.

    Args:
        x: Its middle, in pixels of the picture.
        y: Likewise.
        across_rad: The direction across the bars, in which a scan line runs; 0 is to the right.
        across_px: Its length in that direction.
        along_px: Its length along the bars.
        strength: How much edge there is, to try the strongest first.
    """

    x: float
    y: float
    across_rad: float
    across_px: float
    along_px: float
    strength: float

    def holds(self, point: tuple[float, float], margin_px: float = 0.0) -> bool:
        """Tell whether a point lies in it.

        Args:
            point: x and y.
            margin_px: How far outside still counts.
        """
        across = math.cos(self.across_rad), math.sin(self.across_rad)
        x, y = point[0] - self.x, point[1] - self.y
        u, v = x * across[0] + y * across[1], -x * across[1] + y * across[0]
        return abs(u) <= self.across_px / 2 + margin_px and abs(v) <= self.along_px / 2 + margin_px


def find_bars(edges: Edges) -> list[BarField]:
    """Return the fields of parallel bars, strongest first.

    Args:
        edges: Of the picture.
    """
    along_c, along_s, scale = edges.along_c, edges.along_s, edges.scale
    fields: list[BarField] = []
    for mask in _masks(edges.energy, along_c, along_s):
        count, labels, boxes, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
        for label in range(1, count):
            left, top, width, height, cells = (int(value) for value in boxes[label])
            if cells < _LEAST_CELLS or math.hypot(width, height) * CELL_PX * scale < _LEAST_ACROSS_PX:
                continue
            box = (slice(top, top + height), slice(left, left + width))
            inside = labels[box] == label
            field = _field(inside, along_c[box], along_s[box], (left, top), scale)
            if field is not None:
                fields.append(field)
    fields.sort(key=lambda field: -field.strength)
    return _apart(fields)[:_MOST_FIELDS]


def _masks(energy: Line, c: Line, s: Line) -> list[npt.NDArray[np.uint8]]:
    """Mark, for each of some directions, the cells whose edges run that way."""
    found = []
    is_strong = energy > _LEAST_ENERGY
    for number in range(_DIRECTIONS):
        doubled = 2 * math.pi * number / _DIRECTIONS
        agreed = c * math.cos(doubled) + s * math.sin(doubled)
        across = np.abs(s * math.cos(doubled) - c * math.sin(doubled))
        is_this_way = (agreed > _LEAST_COHERENCE * energy) & (across < agreed)
        found.append((is_strong & is_this_way).astype(np.uint8))
    return found


def _field(inside: npt.NDArray[np.bool_], c: Line, s: Line, corner: tuple[int, int], scale: float) -> BarField | None:
    rows, columns = np.nonzero(inside)
    sum_c, sum_s = float(c[inside].sum()), float(s[inside].sum())
    angle = math.atan2(sum_s, sum_c) / 2
    x, y = (columns + corner[0] + 0.5) * CELL_PX, (rows + corner[1] + 0.5) * CELL_PX
    u = x * math.cos(angle) + y * math.sin(angle)
    v = -x * math.sin(angle) + y * math.cos(angle)
    (u_low, u_high), (v_low, v_high) = _span(u), _span(v)
    if (u_high - u_low) * scale < _LEAST_ACROSS_PX:
        return None
    u_mid, v_mid = (u_low + u_high) / 2, (v_low + v_high) / 2
    return BarField(
        x=scale * (u_mid * math.cos(angle) - v_mid * math.sin(angle)),
        y=scale * (u_mid * math.sin(angle) + v_mid * math.cos(angle)),
        across_rad=angle,
        across_px=scale * (u_high - u_low),
        along_px=scale * (v_high - v_low),
        strength=math.hypot(sum_c, sum_s),
    )


def _span(places: npt.NDArray[np.floating]) -> tuple[float, float]:
    return float(places.min()) - CELL_PX / 2, float(places.max()) + CELL_PX / 2


def _apart(fields: list[BarField]) -> list[BarField]:
    """Drop what neighbouring directions have found twice."""
    kept: list[BarField] = []
    for field in fields:
        if not any(
            other.holds((field.x, field.y)) and abs(math.sin(other.across_rad - field.across_rad)) < _SAME_DIRECTION
            for other in kept
        ):
            kept.append(field)
    return kept
