"""PictureReader: all stages in their order on one picture (DECODE.md 7)."""

from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

import cv2
import numpy as np

from yaoma_drivers.decoding.arrays import Grey, level
from yaoma_drivers.decoding.bars import BarField, find_bars
from yaoma_drivers.decoding.edges import Edges, edges_of
from yaoma_drivers.decoding.gs1 import elements
from yaoma_drivers.decoding.guard import guarded
from yaoma_drivers.decoding.reading import Reading, separate
from yaoma_drivers.decoding.spots import Spot, find_spots
from yaoma_drivers.decoding.straighten import straighten
from yaoma_drivers.decoding.zbar_reader import ZbarReader
from yaoma_drivers.decoding.zxing_reader import read_matrices, read_picture

__all__ = ["PictureReader"]

#: How much of a picture is looked at enlarged, and how much zbar gets to see, in pixels.
_ENLARGED_PIXELS: Final = 100_000
_SPOTS: Final = 4
_THOROUGH_FIELDS: Final = 2
_ENLARGED: Final = 2
_GS1: Final = {"]C1", "]d2", "]Q3"}
#: A light that burns out all ink is at least so bright.
_BURNT: Final = 250
#: Two readings of one label lie so exactly in line, as a share of its length.
_IN_LINE: Final = 0.01


class PictureReader:
    """Reads pictures, one after the other, in one thread.

    Args:
        second_reader: Whether zbar looks at spots in which zxing-cpp has read nothing.
        is_plausible: What is asked about each text (its bytes, its AIM identifier) besides our own guards, such as
            whether the product is on a list; what it refuses counts as not read.
    """

    def __init__(self, *, second_reader: bool = True, is_plausible: Callable[[bytes, str], bool] | None = None) -> None:
        self._zbar = ZbarReader() if second_reader else None
        self._is_plausible = is_plausible

    def read(self, grey: Grey, *, is_thorough: bool = True) -> list[Reading]:
        """Return the codes of a picture, each text once for each place where it stands.

        Args:
            grey: The picture.
            is_thorough: Whether spots are looked at enlarged and by zbar, and parts of labels tried on their own.
        """
        found = [sure for reading in read_picture(grey) if (sure := guarded(grey, reading)) is not None]
        edges = edges_of(grey)
        if edges is not None:
            found = self._linear(grey, found, edges, is_thorough=is_thorough)
            if is_thorough:
                found += self._matrices(grey, found, edges)
        # What neither its bars nor its error correction vouch for must at least keep the grammar it claims.
        found = [reading for reading in found if reading.is_sure or _keeps_grammar(reading)]
        if self._is_plausible is not None:
            found = [reading for reading in found if self._is_plausible(reading.data, reading.aim)]
        return separate(found)

    def close(self) -> None:
        """End the child process in which zbar runs."""
        if self._zbar is not None:
            self._zbar.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _linear(self, grey: Grey, found: list[Reading], edges: Edges, *, is_thorough: bool) -> list[Reading]:
        """Read the fields of bars that have no reading, and tell apart equal codes that were taken for one."""
        fields = find_bars(edges)
        for reading in list(found):
            stacked = [field for field in fields if reading.surrounds((field.x, field.y))]
            if len(stacked) > 1 and not reading.aim.startswith(("]d", "]Q")):
                parts = [part for field in stacked for part in straighten(grey, field, is_thorough=is_thorough)]
                if sum(part.data == reading.data for part in parts) > 1 and not _is_glare_between(grey, parts):
                    found.remove(reading)
                    found += parts
        # Whatever has bars is tried, but only the strongest fields in all ways: a fence costs no more than a label.
        for number, field in enumerate(field for field in fields if not _is_read(field, found)):
            found += straighten(grey, field, is_thorough=is_thorough and number < _THOROUGH_FIELDS)
        return found

    def _matrices(self, grey: Grey, found: list[Reading], edges: Edges) -> list[Reading]:
        more: list[Reading] = []
        left = _ENLARGED_PIXELS
        for spot in find_spots(edges, grey.shape[:2])[: 2 * _SPOTS]:
            if spot.pixels > left or any(spot.holds(reading.centre) for reading in found):
                continue
            left -= spot.pixels
            cut = np.ascontiguousarray(grey[spot.top : spot.bottom, spot.left : spot.right])
            large = np.asarray(
                cv2.resize(cut, None, fx=_ENLARGED, fy=_ENLARGED, interpolation=cv2.INTER_CUBIC), np.uint8
            )
            read = read_matrices(large) or (self._zbar.read(large) if self._zbar is not None else [])
            more += [_placed(reading, spot) for reading in read]
        return more


def _keeps_grammar(reading: Reading) -> bool:
    return reading.aim not in _GS1 or elements(reading.data) is not None


def _is_read(field: BarField, found: list[Reading]) -> bool:
    return any(field.holds(reading.centre) or reading.surrounds((field.x, field.y)) for reading in found)


def _placed(reading: Reading, spot: Spot) -> Reading:
    corners = tuple((spot.left + x // _ENLARGED, spot.top + y // _ENLARGED) for x, y in reading.corners)
    return Reading(reading.data, reading.aim, corners, is_sure=reading.is_sure)


def _is_glare_between(grey: Grey, parts: list[Reading]) -> bool:
    """Tell whether equal readings are parts of one label: in line, and between them light brighter than paper."""
    one, other = (np.array(part.corners, float) for part in parts[:2])
    length = float(np.linalg.norm(one[1] - one[0]))
    across = (one[1] - one[0]) / max(length, 1.0)
    if any(abs(float((other[end] - one[end]) @ across)) > _IN_LINE * length + 1 for end in (0, 1)):
        return False
    levels = []
    for begin, end in ((one.mean(axis=0), other.mean(axis=0)), (one[0] - across * 3, one[3] - across * 3)):
        steps = np.linspace(0, 1, 41)[:, None]
        x, y = np.rint(begin + (end - begin) * steps).astype(int).T
        levels.append(grey[np.clip(y, 0, grey.shape[0] - 1), np.clip(x, 0, grey.shape[1] - 1)])
    between, paper = levels
    return level(between, 0.9) >= _BURNT > level(paper, 0.5)
