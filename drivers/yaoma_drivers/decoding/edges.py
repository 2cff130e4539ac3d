"""Edges: how much edge there is in each small square of a picture, and how far it agrees in direction; pure."""

import math
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from yaoma_drivers.decoding.arrays import Grey, Line, level

__all__ = ["CELL_PX", "Edges", "edges_of"]

#: Side of the squares in which gradients are summed up, in pixels of the looked-at picture.
CELL_PX: Final = 8
#: A larger picture is halved first: bars that are lost by that are finer than a lens of this class draws.
_LARGEST_PIXELS: Final = 2_200_000
#: Edges count up to so many times the median edge, so that many faint bars outweigh one bright edge of a box.
_CAP_MEDIANS: Final = 4.0
_LEAST_CAP: Final = 24.0


@dataclass(frozen=True, slots=True)
class Edges:
    """The structure tensor of a picture, one value a cell.

    Args:
        energy: How much edge there is, 0 to 1.
        along_c: The part of it that agrees in direction, times the cosine of the doubled angle across the edges.
        along_s: Likewise, times the sine.
        scale: How many pixels of the picture a pixel of the looked-at one has on a side.
    """

    energy: Line
    along_c: Line
    along_s: Line
    scale: int


def edges_of(grey: Grey) -> Edges | None:
    """Sum up edge strength in each cell, and how far it agrees in direction; None for a picture of hardly any pixels.

    Args:
        grey: The picture.
    """
    scale = 1
    while grey.size > _LARGEST_PIXELS:
        grey = np.asarray(cv2.resize(grey, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)
        scale *= 2
    if min(grey.shape) < 2 * CELL_PX:
        return None
    grid = (grey.shape[1] // CELL_PX, grey.shape[0] // CELL_PX)
    dx, dy = cv2.spatialGradient(np.ascontiguousarray(grey[: grid[1] * CELL_PX, : grid[0] * CELL_PX]))
    # Of the gradients every second in both ways is enough for a sum over a label.
    x, y = dx[::2, ::2].astype(np.float32), dy[::2, ::2].astype(np.float32)
    xx, yy, xy = cv2.multiply(x, x), cv2.multiply(y, y), cv2.multiply(x, y)
    strength = cv2.add(xx, yy)
    median = math.sqrt(level(strength[::3, ::3], 0.5))
    cap = max(_LEAST_CAP, _CAP_MEDIANS * median) ** 2
    # Each edge is scaled down to the cap, so that its direction stays and its strength does not shout.
    weight = cv2.divide(1.0, np.maximum(strength, np.float32(cap)))
    means = []
    for part in (strength, cv2.subtract(xx, yy), xy):
        cells = cv2.resize(cv2.multiply(part, weight), grid, interpolation=cv2.INTER_AREA)
        means.append(np.asarray(cv2.GaussianBlur(cells, (0, 0), 1.3), np.float32))
    return Edges(means[0], means[1], 2 * means[2], scale)
