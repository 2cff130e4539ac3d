"""Draw a text again as the camera saw it and compare: the guard against a wrong reading; pure (DECODE.md 5.2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
from numpy.polynomial import legendre

from yaoma_drivers.decoding import code128
from yaoma_drivers.decoding.arrays import Line

__all__ = ["Redrawn", "redraw"]

#: Samples a module.
_FINE: Final = 4
#: How far blur may reach, and how fine its shape is known, in modules.
_REACH: Final = 4.0
_TAP: Final = 0.5
_SHIFTS: Final = np.rint(np.arange(-_REACH, _REACH + _TAP / 2, _TAP) * _FINE).astype(int)
_QUIET: Final = 6
#: How much of the quiet zones is compared; further out there may be a border.
_KEPT_QUIET: Final = 2
_LEAST_CONTRAST: Final = 1e-3
#: Degree of the curve that bends the label, and of the light on it.
_BEND_DEGREE: Final = 8
_LIGHT_DEGREE: Final = 2
_ROUNDS: Final = 3
#: Holds the shape of the blur down where the bars say nothing about it.
_RIDGE: Final = 0.02

Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Redrawn:
    """How well a text explains a line.

    Args:
        worst: The correlation of the character that fits worst, up to 1.
        likeness: For each character but start and stop, how well each value would fit there, (characters, 103).
        bounds: Where the characters lie after all, in samples of the line.
    """

    worst: float
    likeness: Matrix
    bounds: npt.NDArray[np.float64]


def redraw(line: Line, bounds: npt.NDArray[np.float64], values: Sequence[int]) -> Redrawn:
    """Draw characters of Code 128 along a line, with the bend, blur and light that suit them best.

    Args:
        line: Grey levels across the bars.
        bounds: Where the characters begin, and where the last ends, in samples of the line.
        values: The characters.
    """
    ink = code128.ink(values)
    modules = len(ink)
    at = (np.arange((modules + 2 * _QUIET) * _FINE) + 0.5) / _FINE - _QUIET
    knots = np.append(np.arange(len(values)) * code128.CHARACTER_MODULES, modules).astype(float)
    u, u_knots = (2 * place / modules - 1 for place in (at, knots))
    bend = legendre.legfit(u_knots, bounds, min(_BEND_DEGREE, len(knots) - 1))
    basis = legendre.legvander(u, len(bend) - 1)
    light = legendre.legvander(u, _LIGHT_DEGREE)
    drawn = _taps(np.repeat(np.pad(ink, _QUIET), _FINE))
    is_code = (at > -_KEPT_QUIET) & (at < modules + _KEPT_QUIET)
    slope = np.gradient(line.astype(np.float64))
    samples = np.arange(len(line))
    blur = np.zeros(drawn.shape[1])
    for turn in range(_ROUNDS):
        x = basis @ bend - 0.5
        seen = np.interp(x, samples, line)
        blur = _solved(np.column_stack([drawn, light])[is_code], seen[is_code], drawn.shape[1])[: drawn.shape[1]]
        model = drawn @ blur
        shade = np.column_stack([light, light * model[:, None]])
        weights, *_ = np.linalg.lstsq(shade[is_code], seen[is_code], rcond=None)
        if turn == _ROUNDS - 1:
            break
        rest = (seen - shade @ weights)[is_code]
        moved = (np.interp(x, samples, slope)[:, None] * basis)[is_code]
        step = _solved(moved, -rest, 0)
        # A step of more than a module is a guess, not a refinement.
        limit = (bounds[-1] - bounds[0]) / modules
        bend = bend + step * min(1.0, limit / max(float(np.abs(basis @ step).max()), 1e-9))
    seen = (seen - light @ weights[: light.shape[1]]) / _away_from_zero(light @ weights[light.shape[1] :])
    return Redrawn(
        _worst(seen, model, len(values)),
        _likeness(seen, blur, values),
        np.asarray(legendre.legval(u_knots, bend), np.float64),
    )


def _taps(ink: Line) -> Matrix:
    """Put copies of the ink side by side, shifted by half modules; a blur is a weighted sum of them."""
    wide = np.pad(ink, int(_REACH * _FINE)).astype(np.float64)
    begin = int(_REACH * _FINE)
    # A tap is as wide as the steps between them, or the picture would show a comb.
    hat = np.bartlett(2 * int(_TAP * _FINE) + 1)
    wide = np.convolve(wide, hat / hat.sum(), "same")
    return np.column_stack([wide[begin - shift : begin - shift + len(ink)] for shift in _SHIFTS])


def _solved(matrix: Matrix, wanted: Matrix, held: int) -> Matrix:
    """Solve least squares; the first unknowns are held to be small."""
    square = matrix.T @ matrix
    scale = float(np.trace(square)) / len(square)
    square[np.diag_indices_from(square)] += 1e-6 * scale
    square[range(held), range(held)] += _RIDGE * scale
    return np.asarray(np.linalg.solve(square, matrix.T @ wanted))


def _away_from_zero(values: Matrix) -> Matrix:
    return np.where(np.abs(values) < _LEAST_CONTRAST, _LEAST_CONTRAST, values)


def _window(number: int) -> slice:
    begin = (_QUIET + number * code128.CHARACTER_MODULES) * _FINE
    return slice(begin, begin + code128.CHARACTER_MODULES * _FINE)


def _worst(seen: Matrix, model: Matrix, count: int) -> float:
    found = []
    for number in range(count):
        one, other = seen[_window(number)], model[_window(number)]
        one, other = one - one.mean(), other - other.mean()
        found.append(float(one @ other) / (float(np.linalg.norm(one) * np.linalg.norm(other)) + 1e-9))
    return min(found)


def _likeness(seen: Matrix, blur: Matrix, values: Sequence[int]) -> Matrix:
    """Compare each place with every character, between the neighbours that it has."""
    own, tail, head = _shapes(blur)
    found = np.empty((len(values) - 2, code128.CHECK_MODULUS))
    for number in range(1, len(values) - 1):
        drawn = own[: code128.CHECK_MODULUS] + tail[values[number - 1]] + head[values[number + 1]]
        drawn = drawn - drawn.mean(axis=1, keepdims=True)
        part = seen[_window(number)]
        part = part - part.mean()
        found[number - 1] = drawn @ part / (np.linalg.norm(drawn, axis=1) * np.linalg.norm(part) + 1e-9)
    return found


def _shapes(blur: Matrix) -> tuple[Matrix, Matrix, Matrix]:
    """Blur each character: within its own place, and what spills into the place after it and before it."""
    whole = _all_taps() @ blur
    width = code128.CHARACTER_MODULES * _FINE
    return whole[:, width : 2 * width], whole[:, 2 * width :], whole[:, :width]


@cache
def _all_taps() -> Matrix:
    width = code128.CHARACTER_MODULES * _FINE
    found = np.empty((code128.CHARACTERS, 3 * width, len(_SHIFTS)))
    for value in range(code128.CHARACTERS):
        modules = np.repeat(np.array(code128.pattern(value), np.float32), _FINE)
        found[value] = _taps(np.pad(modules, (width, 2 * width - len(modules))))
    return found
