"""Ask zxing-cpp, restricted to the symbologies that packs carry."""

from collections.abc import Iterable
from typing import Final

import numpy as np
import zxingcpp

from yaoma_drivers.decoding.arrays import Grey, Line, level
from yaoma_drivers.decoding.gs1 import is_checked
from yaoma_drivers.decoding.reading import Corners, Reading

__all__ = ["read_line", "read_matrices", "read_picture"]

_LINEAR: Final = [
    zxingcpp.BarcodeFormat.Code128,
    zxingcpp.BarcodeFormat.EAN13,
    zxingcpp.BarcodeFormat.EAN8,
    zxingcpp.BarcodeFormat.ITF,
]
_MATRIX: Final = [zxingcpp.BarcodeFormat.QRCode, zxingcpp.BarcodeFormat.DataMatrix]
# A list of formats removes most false reads of other symbologies, and half the time (DECODE.md 5.2).
_ALL_FORMATS: Final = zxingcpp.BarcodeFormats(_LINEAR + _MATRIX)
_LINEAR_FORMATS: Final = zxingcpp.BarcodeFormats(_LINEAR)
_MATRIX_FORMATS: Final = zxingcpp.BarcodeFormats(_MATRIX)
#: A shorter ITF is part of another symbol more often than not; packs carry GTIN-14 in it (DECODE.md 5.1).
_ITF_DIGITS: Final = 14
#: Share of its error correction that a matrix code must have left to be believed at once (DECODE.md 5.2).
_LEAST_UNUSED: Final = 0.3
_STRIP_ROWS: Final = 16


def read_picture(grey: Grey) -> list[Reading]:
    """Return all codes of a picture; of linear ones nothing is sure yet.

    Args:
        grey: The picture.
    """
    return _readings(zxingcpp.read_barcodes(grey, formats=_ALL_FORMATS, text_mode=zxingcpp.TextMode.Plain))


def read_matrices(grey: Grey) -> list[Reading]:
    """Return the QR codes and Data Matrix symbols of a picture.

    Args:
        grey: The picture.
    """
    return _readings(zxingcpp.read_barcodes(grey, formats=_MATRIX_FORMATS, text_mode=zxingcpp.TextMode.Plain))


def read_line(line: Line) -> list[Reading]:
    """Return the linear codes on a line, their corners in samples of it.

    Args:
        line: Grey levels across the bars.
    """
    low, high = level(line, 0.02), level(line, 0.98)
    levels = np.clip((line - low) * (255 / max(high - low, 1.0)), 0, 255).astype(np.uint8)
    strip = np.ascontiguousarray(np.broadcast_to(levels, (_STRIP_ROWS, len(levels))))
    return _readings(
        zxingcpp.read_barcodes(strip, formats=_LINEAR_FORMATS, text_mode=zxingcpp.TextMode.Plain, try_rotate=False)
    )


def _readings(found: Iterable[zxingcpp.Barcode]) -> list[Reading]:
    return [
        Reading(bytes(code.bytes), code.symbology_identifier, _corners(code), is_sure=_is_sure(code))
        for code in found
        if code.bytes and (code.format != zxingcpp.BarcodeFormat.ITF or _is_gtin_14(bytes(code.bytes)))
    ]


def _is_gtin_14(data: bytes) -> bool:
    return len(data) == _ITF_DIGITS and data.isdigit() and is_checked(data)


def _corners(code: zxingcpp.Barcode) -> Corners:
    place = code.position
    return tuple(
        (corner.x, corner.y) for corner in (place.top_left, place.top_right, place.bottom_right, place.bottom_left)
    )


def _is_sure(code: zxingcpp.Barcode) -> bool:
    if code.format not in (zxingcpp.BarcodeFormat.QRCode, zxingcpp.BarcodeFormat.DataMatrix):
        return False
    unused = code.extra.get("UEC") if isinstance(code.extra, dict) else None
    return unused is None or float(unused) >= _LEAST_UNUSED
