"""VideoFrame: one picture of a camera as the kernel gave it, as grey and as thumbnail; pure."""

from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from yaoma_drivers.picture import PictureState, inspect, to_grey

__all__ = ["THUMBNAIL_SIZE", "VideoFrame"]

#: Width and height.
THUMBNAIL_SIZE = (160, 90)

_PLANES = 3
_GREY, _YUYV = 1, 2


@dataclass(frozen=True, slots=True)
class VideoFrame:
    """A picture, not yet decoded.

    Args:
        image: uint8; (1, bytes) or (bytes, 1) is a JPEG file, (height, width) grey, two channels YUYV, three BGR.
        mono_ms: When it came, CLOCK_MONOTONIC in milliseconds.
    """

    image: npt.NDArray[np.uint8] = field(repr=False)
    mono_ms: int

    def thumbnail(self) -> npt.NDArray[np.uint8] | None:
        """Return it grey at 160 by 90, or None if it is damaged.

        Of a JPEG only the eighth part is decoded, which costs a third of the whole.
        """
        if not self._is_file():
            grey = self.grey()
        elif inspect(self.image.tobytes()).state is PictureState.WHOLE:
            grey = _decoded(self.image, cv2.IMREAD_REDUCED_GRAYSCALE_8)
        else:
            grey = None
        if grey is None or grey.size == 0:
            return None
        return np.asarray(cv2.resize(grey, THUMBNAIL_SIZE, interpolation=cv2.INTER_AREA), dtype=np.uint8)

    def grey(self) -> npt.NDArray[np.uint8] | None:
        """Return it as (height, width), or None if it is damaged."""
        if self._is_file():
            return to_grey(self.image.tobytes())
        channels = self.image.shape[2] if self.image.ndim == _PLANES else _GREY
        if channels == _GREY:
            return self.image.reshape(self.image.shape[:2])
        if channels == _YUYV:
            return np.ascontiguousarray(self.image[:, :, 0])
        return np.asarray(cv2.cvtColor(self.image, cv2.COLOR_BGR2GRAY), dtype=np.uint8)

    def _is_file(self) -> bool:
        return self.image.ndim < _PLANES and 1 in {self.image.ndim, *self.image.shape}


def _decoded(image: npt.NDArray[np.uint8], mode: int) -> npt.NDArray[np.uint8] | None:
    try:
        decoded = cv2.imdecode(image.reshape(-1), mode)
    except cv2.error:
        return None
    return None if decoded is None else np.asarray(decoded, dtype=np.uint8)
