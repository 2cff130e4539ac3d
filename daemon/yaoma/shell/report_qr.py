"""Report QR: a signed checkpoint as a matrix code, for a page and as a picture of its own."""

import importlib
import io
from typing import Final

from yaoma.shell.print_output import PrintUnavailableError
from yaoma.shell.print_symbol import QUIET_MODULES, Symbology, modules

__all__ = ["Matrix", "matrix_of", "png_of"]

Matrix = tuple[tuple[bool, ...], ...]

#: Dots a module is wide in a picture: a note of 300 letters gives one of 600 dots.
_DOTS: Final = 8


def matrix_of(text: str) -> Matrix:
    """Encode a text; nothing where the library for it is not installed: the text stands beside it anyway.

    Args:
        text: What the code says.
    """
    if not text:
        return ()
    try:
        return modules(text, Symbology.QR)
    except PrintUnavailableError:
        return ()


def png_of(matrix: Matrix) -> bytes:
    """Draw a matrix code as PNG.

    Args:
        matrix: Rows of modules without quiet zone, True is dark.

    Raises:
        PrintUnavailableError: Pillow is not installed.
    """
    try:
        image = importlib.import_module("PIL.Image")
    except ImportError:
        raise PrintUnavailableError("Pillow") from None
    quiet = QUIET_MODULES[Symbology.QR]
    size = len(matrix) + 2 * quiet
    drawn = image.new("1", (size, size), 1)
    for row, line in enumerate(matrix):
        for column, is_dark in enumerate(line):
            if is_dark:
                drawn.putpixel((column + quiet, row + quiet), 0)
    file = io.BytesIO()
    drawn.resize((size * _DOTS, size * _DOTS), resample=0).save(file, "PNG")
    return file.getvalue()
