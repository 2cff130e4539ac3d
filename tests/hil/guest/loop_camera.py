"""A camera that shows what it is given: pictures written to a v4l2loopback device."""

import base64
import fcntl
import os
import struct
import threading
import zlib

__all__ = ["show", "stop"]

_SET_FORMAT = 0xC0D05605
_VIDEO_OUTPUT = 2
_NO_FIELDS = 1
_COLOURLESS = 0x80

_over = threading.Event()
_feeding: list[threading.Thread] = []


def show(node: str, width: int, height: int, grey: str, per_s: float) -> None:
    """Show a grey picture from now on, as YUYV.

    Args:
        node: The loopback device.
        width: The picture's width in pixels.
        height: The picture's height in pixels.
        grey: Its brightnesses, row by row, compressed and in base 64.
        per_s: Pictures a second.
    """
    brightness = zlib.decompress(base64.b64decode(grey))
    picture = bytearray([_COLOURLESS]) * (width * height * 2)
    picture[0::2] = brightness
    device = os.open(node, os.O_RDWR)
    form = bytearray(208)
    struct.pack_into("<I", form, 0, _VIDEO_OUTPUT)
    fourcc = struct.unpack("<I", b"YUYV")[0]
    struct.pack_into("<7I", form, 8, width, height, fourcc, _NO_FIELDS, width * 2, len(picture), 8)
    fcntl.ioctl(device, _SET_FORMAT, form)
    _over.clear()
    feeder = threading.Thread(target=_feed, args=(device, bytes(picture), 1 / per_s), daemon=True)
    _feeding.append(feeder)
    feeder.start()


def stop() -> None:
    """Show nothing any more and give the device back."""
    _over.set()
    while _feeding:
        _feeding.pop().join()


def _feed(device: int, picture: bytes, pause_s: float) -> None:
    try:
        while not _over.wait(pause_s):
            os.write(device, picture)
    finally:
        os.close(device)
