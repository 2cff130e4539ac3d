"""NewestFrame: a thread that takes every picture from a camera and keeps only the last."""

import threading
import time
from types import TracebackType
from typing import Self

import cv2
import numpy as np

from yaoma_drivers import capture, csi_capture
from yaoma_drivers.errors import DeviceError, DeviceGone, DeviceReason
from yaoma_drivers.video_frame import VideoFrame
from yaoma_drivers.wakeup import Wakeup

__all__ = ["NewestFrame"]

_JOIN_S = 0.4


class NewestFrame:
    """Opens and reads one camera in a thread of its own, since OpenCV may wait ten seconds for a dead one.

    What is decoded is then never older than one picture, however long decoding takes. The thread gives the camera back
    itself; it is a daemon, so that a dead camera does not hold up the end of the program.

    Args:
        settings: The camera.
        scanner: The configured name of the scanner, for the thread.
    """

    def __init__(self, settings: capture.CaptureSettings, scanner: str) -> None:
        self._settings = settings
        self._wakeup = Wakeup()
        self._lock = threading.Lock()
        self._frame: VideoFrame | None = None
        self._error: DeviceError | None = None
        self._is_ending = False
        self._thread = threading.Thread(target=self._run, name=f"camera-{scanner}", daemon=True)

    def fileno(self) -> int:
        """Return the descriptor that is readable while there is a picture or an error."""
        return self._wakeup.fileno()

    def is_alive(self) -> bool:
        """Tell whether the camera is still held, also after the end was asked for."""
        return self._thread.is_alive()

    def take(self) -> VideoFrame | None:
        """Return the newest picture, once; None if there is no new one.

        Raises:
            DeviceError: The camera could not be opened, or is gone.
        """
        with self._lock:
            frame, self._frame = self._frame, None
            if self._error is not None and frame is None:
                raise self._error
            if self._error is None:
                self._wakeup.clear()
            return frame

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_ending = True
        self._thread.join(_JOIN_S)
        self._wakeup.close()

    def _run(self) -> None:
        try:
            if self._settings.csi is None:
                camera = capture.open_capture(self._settings)
            else:
                camera = csi_capture.open_csi(self._settings)
        except DeviceError as error:
            self._fail(error)
            return
        try:
            while not self._is_ending and self._receive(camera):
                pass
        except cv2.error as error:
            self._fail(DeviceGone(str(self._settings.device), DeviceReason.UNPLUGGED, f"failed ({error.err})"))
        finally:
            camera.release()

    def _receive(self, camera: capture.Capture) -> bool:
        is_read, image = camera.read()
        if not is_read or image is None:
            self._fail(DeviceGone(str(self._settings.device), DeviceReason.UNPLUGGED, "gives no pictures any more"))
            return False
        frame = VideoFrame(np.asarray(image, dtype=np.uint8), time.monotonic_ns() // 1_000_000)
        with self._lock:
            self._frame = frame
            self._wakeup.ring()
        return True

    def _fail(self, error: DeviceError) -> None:
        with self._lock:
            self._error = error
            self._wakeup.ring()
