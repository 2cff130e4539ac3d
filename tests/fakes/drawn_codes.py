"""Drawn codes: bar codes made by zxing-cpp, laid on white paper."""

import cv2
import numpy as np
import numpy.typing as npt
import zxingcpp

__all__ = ["blank", "code128", "drawn", "ean13", "gs1_matrix", "jpeg", "on_paper", "png", "qr"]

Picture = npt.NDArray[np.uint8]


def drawn(text: str, symbology: zxingcpp.BarcodeFormat, *, gs1: bool = False) -> Picture:
    """Draw one code with its quiet zone, grey; GS1 texts are written with brackets."""
    code = zxingcpp.create_barcode(text, symbology, gs1=True) if gs1 else zxingcpp.create_barcode(text, symbology)
    return np.array(code.to_image(scale=4, add_quiet_zones=True), dtype=np.uint8)


def code128(text: str) -> Picture:
    """Draw a Code 128."""
    return drawn(text, zxingcpp.BarcodeFormat.Code128)


def qr(text: str) -> Picture:
    """Draw a QR code."""
    return drawn(text, zxingcpp.BarcodeFormat.QRCode)


def ean13(text: str) -> Picture:
    """Draw an EAN-13."""
    return drawn(text, zxingcpp.BarcodeFormat.EAN13)


def gs1_matrix(text: str) -> Picture:
    """Draw a GS1 Data Matrix from a text with brackets."""
    return drawn(text, zxingcpp.BarcodeFormat.DataMatrix, gs1=True)


def blank(width: int = 900, height: int = 600) -> Picture:
    """Take a white sheet."""
    return np.full((height, width), 255, dtype=np.uint8)


def on_paper(*placed: tuple[Picture, int, int], width: int = 1600, height: int = 1200) -> Picture:
    """Lay codes on a white sheet, each with the x and y of its upper left corner."""
    sheet = blank(width, height)
    for code, left, top in placed:
        sheet[top : top + code.shape[0], left : left + code.shape[1]] = code
    return sheet


def png(picture: Picture) -> bytes:
    """Write a picture as PNG."""
    return bytes(cv2.imencode(".png", picture)[1])


def jpeg(picture: Picture) -> bytes:
    """Write a picture as JPEG."""
    return bytes(cv2.imencode(".jpg", picture)[1])
