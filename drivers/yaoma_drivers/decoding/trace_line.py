"""Read a trace code from one line across its bars, blurred or bent as it may be; pure."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from yaoma_drivers.decoding import code128
from yaoma_drivers.decoding.arrays import Line
from yaoma_drivers.decoding.redraw import redraw
from yaoma_drivers.decoding.segments import lay_out

__all__ = ["TraceRead", "read_trace"]

_CHOICES: Final = 12
_ROUNDS: Final = 3
_PAIRS: Final = 100


@dataclass(frozen=True, slots=True)
class TraceRead:
    """A trace code read from a line.

    Args:
        digits: Its 20 digits.
        worst: How well the character that fits worst fits, up to 1.
        margin: How much better it fits than the next text with a right check character, summed over characters.
        first: Where it begins, in samples of the line.
        last: Where it ends; less than `first` if the code stands on its head.
    """

    digits: str
    worst: float
    margin: float
    first: float
    last: float


def read_trace(line: Line) -> TraceRead | None:
    """Return the trace code that explains a line best, or None where there is none.

    Args:
        line: Grey levels across the bars, of an upright cut.
    """
    segments = lay_out(line)
    if segments is None:
        return None
    seen = np.ascontiguousarray(line[::-1]) if segments.is_turned else line
    values, bounds = segments.values, segments.bounds
    for _ in range(_ROUNDS):
        drawn = redraw(seen, bounds, values)
        bounds = drawn.bounds
        best, margin = _with_right_check(drawn.likeness)
        if best == values:
            break
        values = best
    else:
        return None
    first, last = float(bounds[0]), float(bounds[-1])
    if segments.is_turned:
        first, last = len(line) - first, len(line) - last
    return TraceRead(code128.digits_of(values[1:-2]), drawn.worst, margin, first, last)


def _with_right_check(likeness: npt.NDArray[np.float64]) -> tuple[tuple[int, ...], float]:
    """Return the characters that fit best and agree with their check character, and their lead over the next such.

    A search through all remainders of the check sum, the two best ways to each.
    """
    modulus = code128.CHECK_MODULUS
    scores = np.full((modulus, 2), -np.inf)
    scores[code128.START_C % modulus, 0] = 0.0
    came: list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]] = []
    for number, row in enumerate(likeness[:-1, :_PAIRS], start=1):
        choices = np.argpartition(-row, _CHOICES)[:_CHOICES]
        # Each remainder is come to from as many others as there are choices.
        origins = (np.arange(modulus)[:, None] - number * choices[None]) % modulus
        reached = (scores[origins] + row[choices][None, :, None]).reshape(modulus, -1)
        two = np.argsort(-reached, axis=1)[:, :2]
        scores = np.take_along_axis(reached, two, axis=1)
        came.append((origins[np.arange(modulus)[:, None], two // 2] * 2 + two % 2, choices[two // 2]))
    ended = scores + likeness[-1][:, None]
    first, second = (int(at) for at in np.argsort(-ended, axis=None)[:2])
    values = [code128.STOP, first // 2]
    at = first
    for origin, choice in reversed(came):
        values.append(int(choice[at // 2, at % 2]))
        at = int(origin[at // 2, at % 2])
    margin = float(ended.flat[first] - ended.flat[second])
    return (code128.START_C, *values[:0:-1], code128.STOP), margin
