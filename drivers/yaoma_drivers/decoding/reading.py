"""Reading: one code at one place of a picture."""

from dataclasses import dataclass, field

import cv2
import numpy as np

__all__ = ["Corners", "Reading", "separate"]

Corners = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """One code at one place of a picture.

    Args:
        data: Its bytes without AIM identifier; FNC1 inside a GS1 symbol is 0x1D, the first one is only in `aim`.
        aim: The AIM identifier; empty from zbar, which does not say it (DECODE.md 3).
        corners: The outline in pixels from the upper left corner of the picture, as (x, y), in order around it.
        is_sure: Whether its bars were drawn again and agree, or error correction vouches for it, and nobody who was
            asked finds it strange; what is not sure needs more pictures (DECODE.md 7).
    """

    data: bytes = field(repr=False)
    aim: str
    corners: Corners
    is_sure: bool = True

    def surrounds(self, point: tuple[float, float], margin_px: float = 0.0) -> bool:
        """Tell whether a point lies within the outline.

        Args:
            point: x and y.
            margin_px: How far outside still counts.
        """
        outline = cv2.convexHull(np.array(self.corners, np.float32))
        return float(cv2.pointPolygonTest(outline, point, measureDist=True)) >= -margin_px

    @property
    def centre(self) -> tuple[float, float]:
        """The mean of the corners."""
        return (
            sum(x for x, _ in self.corners) / len(self.corners),
            sum(y for _, y in self.corners) / len(self.corners),
        )

    def is_at(self, other: "Reading") -> bool:
        """Tell whether both stand at the same place."""
        return self.surrounds(other.centre) or other.surrounds(self.centre)


def separate(readings: list[Reading]) -> list[Reading]:
    """Return each text once for each place; where two texts claim one place, the sure one stays, or none.

    Args:
        readings: What the stages have read, in the order of their trustworthiness.
    """
    kept: list[Reading] = []
    disputed: list[Reading] = []
    for reading in readings:
        here = [other for other in kept if other.is_at(reading)]
        rivals = [other for other in here if other.data != reading.data]
        if not reading.is_sure and any(other.is_sure for other in rivals):
            continue
        if any(other.is_sure == reading.is_sure for other in rivals):
            # Two that are worth the same contradict each other, so nothing that stands here is believed.
            kept = [other for other in kept if other not in here]
            disputed += [*here, reading]
            continue
        kept = [other for other in kept if other not in rivals]
        if len(here) == len(rivals) and not any(other.is_at(reading) for other in disputed):
            kept.append(reading)
    return kept
