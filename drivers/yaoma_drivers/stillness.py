"""StillGate: which pictures of a camera are worth decoding, judged on thumbnails; pure."""

from enum import Enum, auto

import cv2
import numpy as np
import numpy.typing as npt

__all__ = ["Look", "StillGate"]

#: Noise, mains flicker and the drift of daylight stay below this difference of grey levels; a label does not.
_CHANGED_LEVELS = 25
#: Of the 14400 pixels of a thumbnail; a label of 20 by 10 mm in a view of 300 mm has about 60.
_CHANGED_PIXELS = 16


class Look(Enum):
    """What to do with a picture."""

    MOVED = auto()  # decode it: it shows something else
    AGAIN = auto()  # decode it: it shows the same, and another try may see more
    SKIP = auto()


class StillGate:
    """Lets every picture of a changing scene through, of a still one a few and then one now and then.

    Args:
        tries: How many pictures of a still scene are decoded one after the other.
        again_ms: After how long a still scene is decoded once more, in milliseconds: focus and exposure settle late.
    """

    def __init__(self, tries: int = 3, again_ms: int = 1000) -> None:
        self._tries = tries
        self._again_ms = again_ms
        self._scene: npt.NDArray[np.uint8] | None = None
        self._tried = 0
        self._looked_ms = 0

    def judge(self, thumbnail: npt.NDArray[np.uint8], now_ms: int) -> Look:
        """Say whether a picture is to be decoded; what it says is taken as done.

        Args:
            thumbnail: The picture at 160 by 90, grey.
            now_ms: When it was taken, CLOCK_MONOTONIC in milliseconds.
        """
        # Compared with the last scene, not with the last picture: what changes slowly adds up.
        if self._scene is None or _differ(self._scene, thumbnail):
            self._scene, self._tried, self._looked_ms = thumbnail, 1, now_ms
            return Look.MOVED
        if self._tried < self._tries or now_ms - self._looked_ms >= self._again_ms:
            self._tried += 1
            self._looked_ms = now_ms
            return Look.AGAIN
        return Look.SKIP


def _differ(one: npt.NDArray[np.uint8], other: npt.NDArray[np.uint8]) -> bool:
    return int(np.count_nonzero(cv2.absdiff(one, other) > _CHANGED_LEVELS)) >= _CHANGED_PIXELS
