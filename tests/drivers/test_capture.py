"""Opening a camera: what is no camera is refused in words, what it does not take by name; the rest needs one."""

import sys
import types
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np
import pytest

from yaoma_drivers.capture import CaptureSettings, open_capture
from yaoma_drivers.csi_capture import open_csi
from yaoma_drivers.errors import DeviceBusy, DeviceError, DeviceGone, DeviceReason, DeviceRefused


@pytest.mark.parametrize(
    ("path", "kind", "reason"),
    [
        ("/dev/v4l/by-id/usb-none", DeviceGone, DeviceReason.ABSENT),
        ("/dev", DeviceRefused, DeviceReason.WRONG_KIND),
        ("/dev/full", DeviceRefused, DeviceReason.WRONG_KIND),
    ],
)
def test_open_when_it_is_no_camera_then_the_error_says_so(
    path: str, kind: type[DeviceError], reason: DeviceReason, capfd: pytest.CaptureFixture[str]
) -> None:
    """An absent device, a folder and a character device without pictures; OpenCV writes nothing to the screen."""
    with pytest.raises(kind) as raised:
        open_capture(CaptureSettings(Path(path), 1280, 720, 30))
    assert (raised.value.device, raised.value.reason) == (path, reason)
    assert capfd.readouterr() == ("", "")


class Device:
    """Stands in for OpenCV's VideoCapture: takes settings, but for the named ones."""

    refused: ClassVar[set[int]] = set()
    made: ClassVar[list["Device"]] = []

    def __init__(self, *_: object) -> None:
        self.settings: list[tuple[int, float]] = []
        self.is_released = False
        Device.made.append(self)

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        return True

    def set(self, setting: int, value: float) -> bool:
        self.settings.append((setting, value))
        return setting not in Device.refused

    def get(self, _: int) -> float:
        return float(cv2.VideoWriter.fourcc(*"MJPG"))

    def release(self) -> None:
        self.is_released = True


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> type[Device]:
    """Replace OpenCV's capture."""
    monkeypatch.setattr(cv2, "VideoCapture", Device)
    Device.refused, Device.made = set(), []
    return Device


def test_open_when_nothing_is_fixed_then_the_camera_chooses(device: type[Device]) -> None:
    """Form before size, one buffer, and no word about exposure, gain or focus."""
    open_capture(CaptureSettings(Path("/dev/null"), 1280, 720, 30))
    names = [setting for setting, _ in device.made[0].settings]
    assert names[:2] == [cv2.CAP_PROP_FOURCC, cv2.CAP_PROP_FRAME_WIDTH]
    assert not {cv2.CAP_PROP_AUTO_EXPOSURE, cv2.CAP_PROP_GAIN, cv2.CAP_PROP_AUTOFOCUS} & set(names)


def test_open_when_settings_are_fixed_then_the_automatic_goes_off_first(device: type[Device]) -> None:
    """Manual exposure, then its value in tenths of a millisecond; autofocus off, then the distance."""
    open_capture(CaptureSettings(Path("/dev/null"), 640, 480, 15, "YUYV", exposure_us=2500, gain=7, focus=120))
    settings = device.made[0].settings
    assert settings[0] == (cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"YUYV"))
    assert settings[5:10] == [
        (cv2.CAP_PROP_AUTO_EXPOSURE, 1),
        (cv2.CAP_PROP_EXPOSURE, 25),
        (cv2.CAP_PROP_GAIN, 7),
        (cv2.CAP_PROP_AUTOFOCUS, 0),
        (cv2.CAP_PROP_FOCUS, 120),
    ]


@pytest.mark.parametrize(
    ("setting", "named"),
    [
        (cv2.CAP_PROP_EXPOSURE, "exposure_us = 2500"),
        (cv2.CAP_PROP_GAIN, "gain = 7"),
        (cv2.CAP_PROP_AUTOFOCUS, "focus = 120"),
    ],
)
def test_open_when_the_camera_does_not_take_a_setting_then_it_is_refused_by_name(
    device: type[Device], setting: int, named: str
) -> None:
    """What is ignored without a word would be searched for in the wrong place."""
    device.refused = {setting}
    with pytest.raises(DeviceRefused, match=named) as raised:
        open_capture(CaptureSettings(Path("/dev/null"), 640, 480, 15, exposure_us=2500, gain=7, focus=120))
    assert raised.value.reason is DeviceReason.UNFIT_SETTINGS
    assert device.made[0].is_released


class Picamera:
    """Stands in for Picamera2: planar YUV with padded rows."""

    configured: ClassVar[list[dict[str, Any]]] = []
    fails: ClassVar[str] = ""

    def __init__(self, number: int) -> None:
        if Picamera.fails == "busy":
            raise RuntimeError("Failed to acquire camera")
        self.number = number
        self.calls: list[str] = []

    @staticmethod
    def global_camera_info() -> list[dict[str, object]]:
        return [{}]

    def create_video_configuration(self, **given: Any) -> dict[str, Any]:
        return given

    def configure(self, given: dict[str, Any]) -> None:
        if Picamera.fails == "settings":
            raise ValueError("no such size")
        Picamera.configured.append(given)

    def start(self) -> None:
        self.calls.append("start")

    def capture_array(self, _: str) -> object:
        if Picamera.fails == "gone":
            raise RuntimeError("camera gone")
        planes = np.full((480 * 3 // 2, 704), 128, np.uint8)
        planes[:480, :640] = 7
        return planes

    def stop(self) -> None:
        self.calls.append("stop")

    def close(self) -> None:
        self.calls.append("close")


CSI = CaptureSettings(Path("csi:0"), 640, 480, 15, exposure_us=2500, gain=2, focus=5000, csi=0)


@pytest.fixture
def picamera(monkeypatch: pytest.MonkeyPatch) -> type[Picamera]:
    """Install a library of that name."""
    library = types.ModuleType("picamera2")
    library.Picamera2 = Picamera  # type: ignore[attr-defined]  # a module made here
    monkeypatch.setitem(sys.modules, "picamera2", library)
    Picamera.fails, Picamera.configured = "", []
    return Picamera


def test_csi_when_it_is_opened_then_pictures_are_the_grey_plane_without_padding(picamera: type[Picamera]) -> None:
    """The upper rows, cut to the width; exposure in microseconds, focus in dioptres."""
    camera = open_csi(CSI)
    is_read, image = camera.read()
    assert is_read
    assert isinstance(image, np.ndarray)
    assert (image.shape, image.min(), image.max()) == ((480, 640), 7, 7)
    assert picamera.configured[0]["main"] == {"format": "YUV420", "size": (640, 480)}
    assert picamera.configured[0]["controls"] == {
        "FrameRate": 15.0,
        "AeEnable": False,
        "ExposureTime": 2500,
        "AnalogueGain": 2.0,
        "AfMode": 0,
        "LensPosition": 5.0,
    }
    picamera.fails = "gone"
    assert camera.read() == (False, None)
    camera.release()


@pytest.mark.parametrize(
    ("fails", "kind", "reason"),
    [
        ("busy", DeviceBusy, DeviceReason.IN_USE),
        ("settings", DeviceRefused, DeviceReason.UNFIT_SETTINGS),
    ],
)
def test_csi_when_it_cannot_be_had_then_the_error_says_why(
    picamera: type[Picamera], fails: str, kind: type[DeviceError], reason: DeviceReason
) -> None:
    """Another program has it, or it does not take the size."""
    picamera.fails = fails
    with pytest.raises(kind) as raised:
        open_csi(CSI)
    assert (raised.value.device, raised.value.reason) == ("csi:0", reason)


def test_csi_when_there_is_no_such_camera_or_no_library_then_the_error_says_so(
    picamera: type[Picamera], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One camera is number 0; without Picamera2 the technician is told what to install."""
    with pytest.raises(DeviceGone):
        open_csi(CaptureSettings(Path("csi:1"), 640, 480, 15, csi=1))
    monkeypatch.setitem(sys.modules, "picamera2", None)
    with pytest.raises(DeviceRefused, match="python3-picamera2"):
        open_csi(CSI)
