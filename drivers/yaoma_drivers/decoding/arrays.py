"""The kinds of arrays that decoding passes around, and the level below which a share of one lies."""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["Grey", "Line", "level"]

#: A picture, uint8, (height, width).
Grey: TypeAlias = npt.NDArray[np.uint8]
#: Samples along a line, or rows of them, floating point.
Line: TypeAlias = npt.NDArray[np.float32]


def level(values: npt.NDArray[Any], share: float) -> float:
    """Return the value below which a share of all values lies; numpy's own sorts more, and imports on its first use.

    Args:
        values: At least one.
        share: 0 to 1.
    """
    place = round(share * (values.size - 1))
    return float(np.partition(values, place, axis=None)[place])
