"""Find spots where edges run in all directions, as in QR codes and Data Matrix; pure."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from yaoma_drivers.decoding.edges import CELL_PX, Edges

__all__ = ["Spot", "find_spots"]

_LEAST_ENERGY: Final = 0.2
#: More agreement in direction than that is bars, or the edge of a box.
_MOST_COHERENCE: Final = 0.55
_LEAST_SIDE_PX: Final = 20
_LARGEST_SHARE: Final = 0.25
#: Longer and narrower is a line of print.
_MOST_ASPECT: Final = 2.5
_LEAST_FILL: Final = 0.5
#: Quiet zone, and what smoothing leaves out.
_MARGIN_CELLS: Final = 2


@dataclass(frozen=True, slots=True)
class Spot:
    """An upright box of a picture, in its pixels.

    Args:
        left: Where it begins.
        top: Likewise.
        right: Where it ends, exclusive.
        bottom: Likewise.
    """

    left: int
    top: int
    right: int
    bottom: int

    @property
    def pixels(self) -> int:
        """Its area."""
        return (self.right - self.left) * (self.bottom - self.top)

    def holds(self, point: tuple[float, float]) -> bool:
        """Tell whether a point lies in it.

        Args:
            point: x and y.
        """
        return self.left <= point[0] <= self.right and self.top <= point[1] <= self.bottom


def find_spots(edges: Edges, shape: tuple[int, int]) -> list[Spot]:
    """Return the boxes that may hold a matrix code, the densest first.

    Args:
        edges: Of the picture.
        shape: Height and width of the picture.
    """
    agreed = np.hypot(edges.along_c, edges.along_s)
    mask = ((edges.energy > _LEAST_ENERGY) & (agreed < _MOST_COHERENCE * edges.energy)).astype(np.uint8)
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
    cell = CELL_PX * edges.scale
    found: list[tuple[float, Spot]] = []
    for label in range(1, count):
        left, top, width, height, cells = (int(value) for value in boxes[label])
        sides = sorted((width, height))
        if (
            sides[0] * cell < _LEAST_SIDE_PX
            or sides[1] > _MOST_ASPECT * sides[0]
            or cells < _LEAST_FILL * width * height
            or cells > _LARGEST_SHARE * mask.size
        ):
            continue
        inside = labels[top : top + height, left : left + width] == label
        density = float(edges.energy[top : top + height, left : left + width][inside].mean())
        spot = Spot(
            max(0, (left - _MARGIN_CELLS) * cell),
            max(0, (top - _MARGIN_CELLS) * cell),
            min(shape[1], (left + width + _MARGIN_CELLS) * cell),
            min(shape[0], (top + height + _MARGIN_CELLS) * cell),
        )
        found.append((density, spot))
    return [spot for _, spot in sorted(found, key=lambda one: -one[0])]
