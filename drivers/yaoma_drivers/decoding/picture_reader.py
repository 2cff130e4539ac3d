"""PictureReader: all stages in their order on one picture (DECODE.md 7)."""

from dataclasses import replace
from types import TracebackType
from typing import Final, Self

import numpy as np

from yaoma_drivers.decoding.arrays import Grey, level
from yaoma_drivers.decoding.bars import BarField, find_bars
from yaoma_drivers.decoding.edges import Edges, edges_of
from yaoma_drivers.decoding.enlarged import LOOKS
from yaoma_drivers.decoding.gs1 import elements
from yaoma_drivers.decoding.guard import guarded
from yaoma_drivers.decoding.reading import Reading, separate
from yaoma_drivers.decoding.spots import Spot, find_spots
from yaoma_drivers.decoding.straighten import straighten
from yaoma_drivers.decoding.zbar_reader import ZbarReader
from yaoma_drivers.decoding.zxing_reader import read_matrices, read_picture
from yaoma_drivers.driver import IsListed

__all__ = ["PictureReader"]

#: How many pixels all enlarged looks at a picture have together, and which spots zbar gets to see.
_ENLARGED_PIXELS: Final = 350_000
_ZBAR_PIXELS: Final = 60_000
_ZBAR_SPOTS: Final = 2
#: How many fields of bars are tried in all ways.
_THOROUGH_FIELDS: Final = 2
_GS1: Final = {"]C1", "]d2", "]Q3"}
#: A light that burns out all ink is at least so bright.
_BURNT: Final = 250
#: Two readings of one label lie so exactly in line, as a share of its length.
_IN_LINE: Final = 0.01


class PictureReader:
    """Reads pictures, one after the other, in one thread.

    Args:
        second_reader: Whether zbar looks at spots in which zxing-cpp has read nothing.
        is_listed: Is asked about each text besides our own guards; what is on no list is not sure, since it may as
            well be a misread. It is never dropped: a pack that the list does not know must be seen.
    """

    def __init__(self, *, second_reader: bool = True, is_listed: IsListed | None = None) -> None:
        self._zbar = ZbarReader() if second_reader else None
        self._is_listed = is_listed

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
        if (ask := self._is_listed) is not None:
            found = [
                replace(reading, is_sure=False) if ask(reading.data, reading.aim) is False else reading
                for reading in found
            ]
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
        """Look at the spots that have no reading, enlarged in one way after the other, within a bound."""
        spots = [spot for spot in find_spots(edges, grey.shape[:2]) if not any(spot.holds(one.centre) for one in found)]
        more: list[Reading] = []
        left = _ENLARGED_PIXELS
        for look in LOOKS:
            for spot in list(spots):
                cost = spot.pixels * look.times**2
                if cost > left:
                    continue
                left -= cost
                if read := [_placed(reading, spot, look.times) for reading in read_matrices(look.at(grey, spot))]:
                    spots.remove(spot)
                    more += read
        if self._zbar is not None:
            for spot in [spot for spot in spots if spot.pixels <= _ZBAR_PIXELS][:_ZBAR_SPOTS]:
                more += [_placed(reading, spot, LOOKS[0].times) for reading in self._zbar.read(LOOKS[0].at(grey, spot))]
        return more


def _keeps_grammar(reading: Reading) -> bool:
    return reading.aim not in _GS1 or elements(reading.data) is not None


def _is_read(field: BarField, found: list[Reading]) -> bool:
    return any(field.holds(reading.centre) or reading.surrounds((field.x, field.y)) for reading in found)


def _placed(reading: Reading, spot: Spot, times: int) -> Reading:
    corners = tuple((spot.left + x // times, spot.top + y // times) for x, y in reading.corners)
    return replace(reading, corners=corners)


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
