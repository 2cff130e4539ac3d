"""Open a camera of the kernel (V4L2) through OpenCV."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2

from yaoma_drivers.errors import DeviceBusy, DeviceGone, DeviceReason, DeviceRefused
from yaoma_drivers.holders import holders, spoken

__all__ = ["Capture", "CaptureSettings", "open_capture"]

#: What the driver unpacks itself: the JPEG file, and the grey half of YUYV, instead of colours made for nothing.
_UNPACKED = {"MJPG", "JPEG", "YUYV", "GREY"}
#: V4L2 counts exposure in tenths of a millisecond; its mode 1 is manual.
_EXPOSURE_UNIT_US = 100
_MANUAL_EXPOSURE = 1


@dataclass(frozen=True, slots=True)
class CaptureSettings:
    """Which camera and what is asked of it; it may give other sizes and rates.

    Args:
        device: Its path; of a CSI camera one that only names it.
        width: Pixels.
        height: Pixels.
        fps: Pictures per second.
        pixel_format: Four letters, such as MJPG.
        exposure_us: How long it looks, in microseconds; None leaves it to the camera.
        gain: As the camera's driver counts it; None leaves it to the camera.
        focus: As the camera's driver counts it; None leaves it to the camera.
        csi: The number of a CSI camera, or None.
    """

    device: Path
    width: int
    height: int
    fps: int
    pixel_format: str = "MJPG"
    exposure_us: int | None = None
    gain: int | None = None
    focus: int | None = None
    csi: int | None = None


class Capture(Protocol):
    """The part of OpenCV's VideoCapture that is used once it is open."""

    def read(self) -> tuple[bool, object]:
        """Wait for the next picture, an array of uint8; false if there will be none."""
        ...

    def release(self) -> None:
        """Close the camera."""
        ...


def open_capture(settings: CaptureSettings) -> Capture:
    """Open a camera and ask for pictures of a form and size; it may take ten seconds to fail.

    Args:
        settings: Which camera and what is asked of it.

    Raises:
        DeviceGone: It is not there.
        DeviceBusy: Another program has it open.
        DeviceRefused: Our user may not open it, it is no camera, or it does not take a fixed exposure, gain or focus.
    """
    device = str(settings.device)
    try:
        status = settings.device.stat()
    except OSError as error:
        raise DeviceGone(device, DeviceReason.ABSENT, f"is not plugged in ({error.strerror})") from error
    if not stat.S_ISCHR(status.st_mode):
        raise DeviceRefused(device, DeviceReason.WRONG_KIND, "is no camera: for pictures in a folder name the folder")
    if not os.access(device, os.R_OK | os.W_OK):
        raise DeviceRefused(
            device, DeviceReason.NOT_PERMITTED, "our user may not open it: put the user into its group (video)"
        )
    # OpenCV speaks on stderr of what comes back as an error here.
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    capture = cv2.VideoCapture(device, cv2.CAP_V4L2)
    if not capture.isOpened():
        capture.release()
        node = settings.device.resolve()
        if holders(node):
            raise DeviceBusy(device, DeviceReason.IN_USE, f"another program already uses this camera: {spoken(node)}")
        raise DeviceRefused(device, DeviceReason.WRONG_KIND, "cannot be opened as a camera (another node of it may be)")
    # The format first: each of these starts the stream anew, and many cameras have the size in JPEG only.
    for setting, value in (
        (cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*settings.pixel_format)),
        (cv2.CAP_PROP_FRAME_WIDTH, settings.width),
        (cv2.CAP_PROP_FRAME_HEIGHT, settings.height),
        (cv2.CAP_PROP_FPS, settings.fps),
        (cv2.CAP_PROP_BUFFERSIZE, 1),
    ):
        capture.set(setting, value)
    _fix(capture, settings)
    if int(capture.get(cv2.CAP_PROP_FOURCC)).to_bytes(4, "little", signed=True).decode("latin-1") in _UNPACKED:
        capture.set(cv2.CAP_PROP_CONVERT_RGB, 0)
    return capture


def _fix(capture: cv2.VideoCapture, settings: CaptureSettings) -> None:
    """Fix exposure, gain and focus; raw values of the driver, manual mode first (DECODE.md 8)."""
    wanted: list[tuple[str, tuple[tuple[int, float], ...]]] = []
    if settings.exposure_us is not None:
        exposure = round(settings.exposure_us / _EXPOSURE_UNIT_US)
        manual = (cv2.CAP_PROP_AUTO_EXPOSURE, _MANUAL_EXPOSURE), (cv2.CAP_PROP_EXPOSURE, exposure)
        wanted.append((f"exposure_us = {settings.exposure_us}", manual))
    if settings.gain is not None:
        wanted.append((f"gain = {settings.gain}", ((cv2.CAP_PROP_GAIN, settings.gain),)))
    if settings.focus is not None:
        focus = (cv2.CAP_PROP_AUTOFOCUS, 0), (cv2.CAP_PROP_FOCUS, settings.focus)
        wanted.append((f"focus = {settings.focus}", focus))
    for name, steps in wanted:
        # A setting that a camera ignores without a word would be searched for in the wrong place.
        if not all(capture.set(setting, value) for setting, value in steps):
            capture.release()
            raise DeviceRefused(
                str(settings.device),
                DeviceReason.UNFIT_SETTINGS,
                f"does not take {name}: see what it has with v4l2-ctl --list-ctrls, or leave it out",
            )
