"""Decode readers: ours and its two peers alone, as three functions from a picture to texts."""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import numpy.typing as npt
import zxingcpp
from pyzbar import pyzbar

from yaoma_drivers import decode

__all__ = ["OURS", "PEERS", "READERS", "Reader", "is_accepted_kind"]

Reader = Callable[[npt.NDArray[np.uint8]], list[bytes]]

# What DECODE.md 2 found best for each: our symbologies only, a grey picture.
_FORMATS: Final = zxingcpp.BarcodeFormats(
    [zxingcpp.BarcodeFormat.Code128, zxingcpp.BarcodeFormat.QRCode, zxingcpp.BarcodeFormat.DataMatrix]
)
_SYMBOLS: Final = [pyzbar.ZBarSymbol.CODE128, pyzbar.ZBarSymbol.QRCODE]


def _ours(grey: npt.NDArray[np.uint8]) -> list[bytes]:
    return [symbol.data for symbol in decode(grey)]


def _zxing(grey: npt.NDArray[np.uint8]) -> list[bytes]:
    found = zxingcpp.read_barcodes(grey, formats=_FORMATS, text_mode=zxingcpp.TextMode.Plain)
    return [bytes(code.bytes) for code in found]


def _zbar(grey: npt.NDArray[np.uint8]) -> list[bytes]:
    return [bytes(code.data) for code in pyzbar.decode(grey, symbols=_SYMBOLS)]


OURS: Final = "ours"
PEERS: Final = ("zxing-cpp", "pyzbar")
READERS: Final[Mapping[str, Reader]] = {OURS: _ours, "zxing-cpp": _zxing, "pyzbar": _zbar}


def is_accepted_kind(text: bytes) -> bool:
    """Tell whether a box would take a text for a trace code: 20 digits from 8 on, or GS1 with a GTIN.

    Args:
        text: What was read.
    """
    return (len(text) == 20 and text.isdigit() and text.startswith(b"8")) or (
        text.startswith(b"01") and text[2:16].isdigit() and len(text) > 18
    )
