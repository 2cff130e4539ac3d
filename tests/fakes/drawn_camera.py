"""DrawnCamera: a camera that shows drawn pictures, in the forms in which cameras send them."""

import threading
import time

import cv2
import numpy as np
import numpy.typing as npt

__all__ = ["DrawnCamera", "as_bgr", "as_jpeg", "as_yuyv"]

Picture = npt.NDArray[np.uint8]
_PAUSE_S = 0.01


def as_jpeg(grey: Picture) -> Picture:
    """Send a picture as one row of JPEG bytes."""
    return np.asarray(cv2.imencode(".jpg", grey)[1], dtype=np.uint8).reshape(1, -1)


def as_yuyv(grey: Picture) -> Picture:
    """Send a picture as two channels, the second one colour."""
    return np.dstack([grey, np.full_like(grey, 128)])


def as_bgr(grey: Picture) -> Picture:
    """Send a picture in colours."""
    return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), dtype=np.uint8)


class DrawnCamera:
    """Stands in for OpenCV's VideoCapture: a picture each 10 ms, always the one that is shown now.

    Args:
        image: What it shows at first, as a camera sends it.
    """

    def __init__(self, image: Picture) -> None:
        self._image = image
        self.is_plugged = True
        self.reads = 0
        self.releases = 0
        self.can_read = threading.Event()
        self.can_read.set()

    def show(self, image: Picture) -> None:
        """Put something else in front of it and wait until that was sent at least twice."""
        self._image = image
        self.wait(2)

    def wait(self, pictures: int) -> None:
        """Wait until some more pictures were sent."""
        until = self.reads + pictures + 1
        until_s = time.monotonic() + 20
        while self.reads < until:
            assert time.monotonic() < until_s, "nobody reads the camera"
            time.sleep(0.002)

    def read(self) -> tuple[bool, Picture | None]:
        """Wait for the next picture."""
        time.sleep(_PAUSE_S)
        self.can_read.wait()
        self.reads += 1
        return (True, self._image.copy()) if self.is_plugged else (False, None)

    def release(self) -> None:
        """Close it."""
        self.releases += 1
