"""Open a camera on the ribbon cable (CSI) through Picamera2, which comes with Raspberry Pi OS; not run on hardware."""

import importlib
from typing import Any, Final

import numpy as np

from yaoma_drivers.capture import Capture, CaptureSettings
from yaoma_drivers.errors import DeviceBusy, DeviceGone, DeviceReason, DeviceRefused

__all__ = ["open_csi"]

_MANUAL_FOCUS: Final = 0


class _CsiCapture:
    """Gives grey pictures: of planar YUV the upper rows are the brightness, without padding (DECODE.md 8).

    Args:
        camera: A started Picamera2.
        settings: The size that was asked for.
    """

    def __init__(self, camera: Any, settings: CaptureSettings) -> None:  # noqa: ANN401 - no types come with it
        self._camera = camera
        self._settings = settings

    def read(self) -> tuple[bool, object]:
        """Wait for the next picture; false if there will be none."""
        try:
            planes = np.asarray(self._camera.capture_array("main"))
        except (RuntimeError, OSError):
            return False, None
        return True, np.ascontiguousarray(planes[: self._settings.height, : self._settings.width])

    def release(self) -> None:
        """Close the camera."""
        self._camera.stop()
        self._camera.close()


def open_csi(settings: CaptureSettings) -> Capture:
    """Open a CSI camera and ask for pictures of a size.

    Args:
        settings: Which camera (its number), and what is asked of it; focus in thousandths of a dioptre.

    Raises:
        DeviceGone: There is no such camera.
        DeviceBusy: Another program has it open.
        DeviceRefused: Picamera2 is not installed, or cannot do what was asked.
    """
    assert settings.csi is not None
    name = f"csi:{settings.csi}"
    try:
        library = importlib.import_module("picamera2")
    except ImportError as error:
        sentence = "needs Picamera2: install python3-picamera2, and make the environment with --system-site-packages"
        raise DeviceRefused(name, DeviceReason.FAILED, sentence) from error
    if settings.csi >= len(library.Picamera2.global_camera_info()):
        raise DeviceGone(name, DeviceReason.ABSENT, "is not connected")
    controls: dict[str, object] = {"FrameRate": float(settings.fps)}
    if settings.exposure_us is not None:
        controls |= {"AeEnable": False, "ExposureTime": settings.exposure_us}
    if settings.gain is not None:
        controls |= {"AnalogueGain": float(settings.gain)}
    if settings.focus is not None:
        controls |= {"AfMode": _MANUAL_FOCUS, "LensPosition": settings.focus / 1000}
    try:
        camera = library.Picamera2(settings.csi)
    except (RuntimeError, IndexError) as error:
        raise DeviceBusy(name, DeviceReason.IN_USE, "cannot be acquired: another program may have it") from error
    try:
        form = {"format": "YUV420", "size": (settings.width, settings.height)}
        camera.configure(camera.create_video_configuration(main=form, controls=controls, buffer_count=2))
        camera.start()
    except (RuntimeError, ValueError) as error:
        camera.close()
        raise DeviceRefused(name, DeviceReason.UNFIT_SETTINGS, f"does not take the settings ({error})") from error
    return _CsiCapture(camera, settings)
