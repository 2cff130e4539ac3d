"""Tell from its bytes whether a picture file is whole, and how large it is; pure, PNG and JPEG."""

import struct
import zlib
from dataclasses import dataclass
from enum import Enum, auto

import cv2
import numpy as np
import numpy.typing as npt

__all__ = ["PictureState", "inspect", "to_grey"]

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_HEADER_BYTES = 13
_JPEG_START = b"\xff\xd8"
_JPEG_END = b"\xff\xd9"
_SCAN, _END = 0xDA, 0xD9
_ALONE = {0x01, *range(0xD0, 0xD9)}  # markers with nothing behind them
_SIZES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # start of frame, of any coding
_SIZE_BYTES = 7


class PictureState(Enum):
    """What the bytes of a picture file are so far."""

    WHOLE = auto()
    CUT_OFF = auto()  # well formed as far as it goes: still being written, or never finished
    DAMAGED = auto()  # no picture, or broken inside


@dataclass(frozen=True, slots=True)
class Inspection:
    """What can be said of a picture file without decoding it.

    Args:
        state: Whether it is all there.
        pixels: Width times height; 0 if that is not known.
    """

    state: PictureState
    pixels: int = 0


def inspect(octets: bytes) -> Inspection:
    """Walk through the chunks or segments of a file to its end mark.

    OpenCV decodes part of a picture that is cut off, or writes to stderr; so it gets to see whole ones only.

    Args:
        octets: The file so far.
    """
    if octets.startswith(_PNG_SIGNATURE):
        return _inspect_png(octets)
    if octets.startswith(_JPEG_START):
        return _inspect_jpeg(octets)
    is_beginning = _PNG_SIGNATURE.startswith(octets) or _JPEG_START.startswith(octets)
    return Inspection(PictureState.CUT_OFF if is_beginning else PictureState.DAMAGED)


def to_grey(octets: bytes) -> npt.NDArray[np.uint8] | None:
    """Return the picture as uint8, (height, width), or None if it cannot be decoded.

    Args:
        octets: A file that `inspect` calls whole.
    """
    try:
        image = cv2.imdecode(np.frombuffer(octets, np.uint8), cv2.IMREAD_GRAYSCALE)
    except cv2.error:
        return None
    return None if image is None else np.asarray(image, dtype=np.uint8)


def _inspect_png(octets: bytes) -> Inspection:
    pixels = 0
    start = len(_PNG_SIGNATURE)
    while start + 8 <= len(octets):
        length, kind = struct.unpack_from(">I4s", octets, start)
        end = start + 12 + length
        is_header = start == len(_PNG_SIGNATURE)
        if is_header != (kind == b"IHDR") or (is_header and length != _PNG_HEADER_BYTES) or length >= 1 << 31:
            return Inspection(PictureState.DAMAGED, pixels)
        if end > len(octets):
            break
        if zlib.crc32(octets[start + 4 : end - 4]) != int.from_bytes(octets[end - 4 : end], "big"):
            return Inspection(PictureState.DAMAGED, pixels)
        if is_header:
            width, height = struct.unpack_from(">II", octets, start + 8)
            pixels = width * height
        if kind == b"IEND":
            return Inspection(PictureState.WHOLE, pixels)
        start = end
    return Inspection(PictureState.CUT_OFF, pixels)


def _inspect_jpeg(octets: bytes) -> Inspection:
    pixels = 0
    at = len(_JPEG_START)
    while at + 4 <= len(octets):
        if octets[at] != 0xFF or octets[at + 1] == _END:  # noqa: PLR2004 - each marker begins with it
            return Inspection(PictureState.DAMAGED, pixels)
        marker = octets[at + 1]
        if marker == 0xFF or marker in _ALONE:  # noqa: PLR2004 - a fill byte, the marker follows
            at += 1 if marker not in _ALONE else 2
            continue
        length = int.from_bytes(octets[at + 2 : at + 4], "big")
        if marker in _SIZES and at + 2 + _SIZE_BYTES <= len(octets):
            height, width = struct.unpack_from(">HH", octets, at + 5)
            pixels = width * height
        at += 2 + length
        if marker == _SCAN:
            # In the coded picture 0xFF is always stuffed, so that this can only be the end mark.
            whole = pixels > 0 and octets.find(_JPEG_END, at) >= 0
            return Inspection(PictureState.WHOLE if whole else PictureState.CUT_OFF, pixels)
    return Inspection(PictureState.CUT_OFF, pixels)
