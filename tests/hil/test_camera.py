"""A camera of the kernel that shows a drawn label: read by the installed box through V4L2 and OpenCV."""

import base64
import zlib

import numpy as np
import pytest
import zxingcpp

from hil.counter_guest import CounterGuest

pytestmark = pytest.mark.timeout(300)

_WIDTH, _HEIGHT = 640, 480
_NODE = "/dev/video9"


def label(code: str) -> str:
    """Draw a Code 128 label as a camera would see it, for the guest."""
    bars = np.asarray(zxingcpp.create_barcode(code, zxingcpp.BarcodeFormat.Code128).to_image(scale=2))
    bars = bars if bars.ndim == 2 else bars[..., 0]
    picture = np.full((_HEIGHT, _WIDTH), 200, np.uint8)
    height, width = bars.shape
    top, left = (_HEIGHT - height) // 2, (_WIDTH - width) // 2
    picture[top : top + height, left : left + width] = bars
    return base64.b64encode(zlib.compress(picture.tobytes())).decode()


def test_camera_when_it_shows_a_label_then_the_pack_is_scanned_once(guest: CounterGuest) -> None:
    """The camera is opened when it comes; a label is one scan however long it stays, and the next is another."""
    first, second = guest.code(), guest.code()
    since = guest.place()
    show(guest, first)
    guest.wait_open(_NODE)
    assert [f"cn20:{first}"] == [scan.get("code") for scan in guest.scans(since, 1)]
    guest.machine.shell("sleep 5")
    guest.machine.agent.call("loop_camera:stop")
    show(guest, second)
    scans = guest.scans(since, 2)
    assert [f"cn20:{first}", f"cn20:{second}"] == [scan.get("code") for scan in scans]
    assert {("camera", "camera")} == {(scan["scanner"], scan["source"]) for scan in scans}
    guest.machine.agent.call("loop_camera:stop")


def show(guest: CounterGuest, code: str) -> None:
    """Hold a label in front of the camera."""
    guest.machine.agent.call("loop_camera:show", node=_NODE, width=_WIDTH, height=_HEIGHT, grey=label(code), per_s=5)
