"""Opening a camera: what is no camera is refused in words; the opening itself needs one."""

from pathlib import Path

import pytest

from yaoma_drivers.capture import CaptureSettings, open_capture
from yaoma_drivers.errors import DeviceError, DeviceGone, DeviceReason, DeviceRefused


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
