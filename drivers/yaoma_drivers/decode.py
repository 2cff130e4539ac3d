"""Find the codes in one picture: zxing-cpp first, zbar where that sees nothing; pure."""

from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt
import zxingcpp
from pyzbar import pyzbar

__all__ = ["Reading", "decode"]

# A list of formats removes most false reads of other symbologies, and half the time (DECODE.md 5.2).
_ZXING_FORMATS = zxingcpp.BarcodeFormats(
    [
        zxingcpp.BarcodeFormat.Code128,
        zxingcpp.BarcodeFormat.QRCode,
        zxingcpp.BarcodeFormat.DataMatrix,
        zxingcpp.BarcodeFormat.EAN13,
        zxingcpp.BarcodeFormat.EAN8,
        zxingcpp.BarcodeFormat.ITF,
    ]
)
# Named, or zbar's DataBar reader writes assertions to stderr (DECODE.md 8).
_ZBAR_FORMATS = [pyzbar.ZBarSymbol.CODE128, pyzbar.ZBarSymbol.QRCODE]
_GREY, _BGR = 2, 3


@dataclass(frozen=True, slots=True)
class Reading:
    """One code at one place of a picture.

    Args:
        data: Its bytes without AIM identifier; FNC1 inside a GS1 symbol is 0x1D, the first one is only in `aim`.
        aim: The AIM identifier; empty from zbar, which cannot tell GS1-128 from Code 128 (DECODE.md 3).
        corners: The outline in pixels from the upper left corner of the picture, as (x, y).
    """

    data: bytes = field(repr=False)
    aim: str
    corners: tuple[tuple[int, int], ...]

    def surrounds(self, point: tuple[float, float]) -> bool:
        """Tell whether a point lies in the upright box around the outline."""
        across, down = self._sides()
        return min(across) <= point[0] <= max(across) and min(down) <= point[1] <= max(down)

    @property
    def centre(self) -> tuple[float, float]:
        """The mean of the corners."""
        across, down = self._sides()
        return sum(across) / len(across), sum(down) / len(down)

    def _sides(self) -> tuple[list[int], list[int]]:
        return [x for x, _ in self.corners], [y for _, y in self.corners]


def decode(image: npt.NDArray[np.uint8], *, second_stage: bool = True) -> list[Reading]:
    """Return the codes in a picture, each text once for each place where it stands.

    Args:
        image: uint8, (height, width) grey or (height, width, 3) BGR.
        second_stage: Whether zbar looks where zxing-cpp has found nothing.

    Raises:
        ValueError: The array is no such picture.
    """
    if image.dtype != np.uint8 or not (image.ndim == _GREY or (image.ndim == _BGR and image.shape[2] == _BGR)):
        raise ValueError(f"a picture is uint8, grey or BGR; found {image.dtype}, shape {image.shape}")
    if image.size == 0:
        return []
    # Of three channels zbar would look at blue alone, and blue ink is white there (DECODE.md 8).
    grey = np.ascontiguousarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) if image.ndim == _BGR else image)
    readings = _zxing(grey)
    if not readings and second_stage:
        readings = _zbar(grey)
    return _once_for_each_place(readings)


def _zxing(grey: npt.NDArray[np.generic]) -> list[Reading]:
    found = zxingcpp.read_barcodes(grey, formats=_ZXING_FORMATS, text_mode=zxingcpp.TextMode.Plain)
    return [
        Reading(
            bytes(code.bytes),
            code.symbology_identifier,
            tuple(
                (corner.x, corner.y)
                for corner in (
                    code.position.top_left,
                    code.position.top_right,
                    code.position.bottom_right,
                    code.position.bottom_left,
                )
            ),
        )
        for code in found
        if code.bytes
    ]


def _zbar(grey: npt.NDArray[np.generic]) -> list[Reading]:
    return [
        Reading(code.data, "", tuple((corner.x, corner.y) for corner in code.polygon))
        for code in pyzbar.decode(grey, symbols=_ZBAR_FORMATS)
        if code.data and code.polygon
    ]


def _once_for_each_place(readings: list[Reading]) -> list[Reading]:
    kept: list[Reading] = []
    for reading in readings:
        if not any(
            other.data == reading.data and (other.surrounds(reading.centre) or reading.surrounds(other.centre))
            for other in kept
        ):
            kept.append(reading)
    return kept
