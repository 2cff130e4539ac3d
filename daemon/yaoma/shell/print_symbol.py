"""Print symbol: the modules of a QR code or a Code 128, for a printed page."""

import importlib
from enum import StrEnum
from typing import Any, Final

from yaoma.shell.print_output import PrintUnavailableError

__all__ = ["QUIET_MODULES", "Symbology", "gs1_matrix", "modules"]


class Symbology(StrEnum):
    """What is drawn."""

    QR = "qr"
    CODE128 = "code128"  # for scanners that read bars only


#: How much white must be left on every side, in modules (ISO/IEC 18004 for QR, ISO/IEC 15417 for Code 128).
QUIET_MODULES: Final = {Symbology.QR: 4, Symbology.CODE128: 10}

#: A matrix code that hangs at a counter for a year gets scratched: 15 % of it may be unreadable.
_QR_LEVEL: Final = "M"
_DARK_BELOW: Final = 128


def modules(text: str, symbology: Symbology) -> tuple[tuple[bool, ...], ...]:
    """Encode a text.

    Args:
        text: Printable ASCII for bars; any text for QR, such as a signed checkpoint, which is then marked as UTF-8.
        symbology: As what.

    Returns:
        Rows of modules without quiet zone, True is dark; one row for Code 128.

    Raises:
        PrintUnavailableError: zxing-cpp is not installed.
        ValueError: The text is too long for the symbology; it is not part of the error.
    """
    zxing = _zxing()
    try:
        if symbology is Symbology.QR:
            drawn = zxing.create_barcode(text, zxing.BarcodeFormat.QRCode, ec_level=_QR_LEVEL)
        else:
            drawn = zxing.create_barcode(text, zxing.BarcodeFormat.Code128)
    except (ValueError, RuntimeError):
        raise ValueError(f"a text of {len(text)} characters fits no {symbology.value} symbol") from None
    dark = _dark(drawn)
    return dark if symbology is Symbology.QR else dark[:1]


def gs1_matrix(text: str) -> tuple[tuple[bool, ...], ...]:
    """Encode GS1 element strings as a GS1 Data Matrix (`]d2`).

    Args:
        text: With its AIs in brackets, such as `(01)...(21)...`.

    Returns:
        Rows of modules without quiet zone, True is dark.

    Raises:
        PrintUnavailableError: zxing-cpp is not installed.
        ValueError: They are no element strings; they are not part of the error.
    """
    zxing = _zxing()
    try:
        return _dark(zxing.create_barcode(text, zxing.BarcodeFormat.DataMatrix, gs1=True))
    except (ValueError, RuntimeError):
        raise ValueError(f"a text of {len(text)} characters is no GS1 symbol") from None


def _dark(drawn: Any) -> tuple[tuple[bool, ...], ...]:  # noqa: ANN401 - zxing-cpp has no type information
    picture = memoryview(drawn.to_image(scale=1, add_quiet_zones=False))
    rows, columns = picture.shape or (0, 0)
    return tuple(tuple(picture[row, column] < _DARK_BELOW for column in range(columns)) for row in range(rows))


def _zxing() -> Any:  # noqa: ANN401 - zxing-cpp has no type information
    """Import zxing-cpp, which only what prints and the camera need."""
    try:
        return importlib.import_module("zxingcpp")
    except ImportError:
        raise PrintUnavailableError("zxing-cpp") from None
