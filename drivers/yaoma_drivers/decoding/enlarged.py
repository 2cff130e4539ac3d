"""Looks at a spot of a picture, enlarged: plain, with less noise, larger, sharper; pure (DECODE.md 2)."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from yaoma_drivers.decoding.arrays import Grey
from yaoma_drivers.decoding.spots import Spot

__all__ = ["LOOKS", "Look"]


@dataclass(frozen=True, slots=True)
class Look:
    """One way to look.

    Args:
        times: How many times larger.
        smooth_px: Sigma of a blur beforehand, against noise, in pixels of the picture.
        sharpen: How much of what a blur of a pixel and a half takes away is added.
    """

    times: int
    smooth_px: float = 0.0
    sharpen: float = 0.0

    def at(self, grey: Grey, spot: Spot) -> Grey:
        """Return the spot as this look shows it.

        Args:
            grey: The picture.
            spot: The place.
        """
        seen = grey[spot.top : spot.bottom, spot.left : spot.right].astype(np.float32)
        if self.smooth_px:
            seen = np.asarray(cv2.GaussianBlur(seen, (0, 0), self.smooth_px), np.float32)
        if self.sharpen:
            seen = seen + self.sharpen * (seen - np.asarray(cv2.GaussianBlur(seen, (0, 0), 1.5), np.float32))
        large = cv2.resize(seen, None, fx=self.times, fy=self.times, interpolation=cv2.INTER_CUBIC)
        return np.clip(np.rint(large), 0, 255).astype(np.uint8)


#: One after the other; each reads what the others do not.
LOOKS: Final = (Look(2), Look(2, smooth_px=0.7), Look(3), Look(2, sharpen=2.5))
