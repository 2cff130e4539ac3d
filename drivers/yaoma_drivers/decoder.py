"""Decode one picture: what a program of its own needs, without cameras, threads or settings."""

import atexit
import threading
import time
from functools import cache
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from yaoma_drivers.decoding.picture_reader import PictureReader
from yaoma_drivers.decoding.reading import Reading
from yaoma_drivers.symbol import MAX_SYMBOL_BYTES, ReadFault, Source, Symbol

__all__ = ["MOST_PIXELS", "decode", "symbol_of_reading", "to_grey_array"]

#: A larger picture is refused: its stages would take many times its memory.
MOST_PIXELS: Final = 100_000_000
_GREY, _BGR = 2, 3
_LOCK: Final = threading.Lock()


def decode(image: npt.ArrayLike, *, scanner: str = "picture") -> list[Symbol]:
    """Return the codes in a picture as symbols, each text once for each place where it stands.

    Every reading has passed the guards that one picture allows: a trace code in bars was drawn again and compared.
    May be called from any thread; calls take turns.

    Args:
        image: uint8, (height, width) grey or (height, width, 3) blue, green, red.
        scanner: What goes into each symbol as its scanner.

    Raises:
        TypeError: It is no array of uint8.
        ValueError: Its shape is no picture's, it has no pixels, or more than 100 million.
    """
    grey = to_grey_array(image)
    read_mono_ms = time.monotonic_ns() // 1_000_000
    with _LOCK:
        readings = _reader().read(grey)
    return [symbol_of_reading(reading, scanner, read_mono_ms) for reading in readings]


def to_grey_array(image: npt.ArrayLike) -> npt.NDArray[np.uint8]:
    """Return a picture as contiguous grey.

    Args:
        image: As for `decode`.

    Raises:
        TypeError: It is no array of uint8.
        ValueError: Its shape is no picture's, it has no pixels, or more than 100 million.
    """
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8:
        found = f"an array of {image.dtype}" if isinstance(image, np.ndarray) else type(image).__name__
        raise TypeError(f"a picture is a numpy array of uint8; found {found}")
    if not (image.ndim == _GREY or (image.ndim == _BGR and image.shape[2] == _BGR)):
        raise ValueError(f"a picture is grey (height, width) or BGR (height, width, 3); found the shape {image.shape}")
    pixels = image.shape[0] * image.shape[1]
    if not 0 < pixels <= MOST_PIXELS:
        raise ValueError(f"a picture has 1 to {MOST_PIXELS} pixels; found the shape {image.shape}")
    # Of three channels some readers would look at blue alone, and blue ink is white there (DECODE.md 8).
    grey = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_BGR2GRAY) if image.ndim == _BGR else image
    return np.ascontiguousarray(grey, dtype=np.uint8)


def symbol_of_reading(reading: Reading, scanner: str, read_mono_ms: int) -> Symbol:
    """Return a reading as a symbol; one that is too long for any code of ours is a fault without its text.

    Args:
        reading: What was read.
        scanner: The configured name of the scanner.
        read_mono_ms: When the picture was taken, CLOCK_MONOTONIC in milliseconds.
    """
    is_overlong = len(reading.data) > MAX_SYMBOL_BYTES
    return Symbol(
        b"" if is_overlong else reading.data,
        scanner,
        read_mono_ms,
        reading.aim,
        Source.CAMERA,
        ReadFault.OVERLONG if is_overlong else None,
        len(reading.data),
        corners=reading.corners,
    )


@cache
def _reader() -> PictureReader:
    reader = PictureReader()
    atexit.register(reader.close)
    return reader
