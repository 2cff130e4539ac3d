"""Lay the characters of a trace code along a line across its bars, however it is stretched or bent; pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from yaoma_drivers.decoding import code128
from yaoma_drivers.decoding.arrays import Line
from yaoma_drivers.decoding.upright import ACROSS_SAMPLES, SAMPLES

__all__ = ["Segments", "lay_out"]

#: A character is compared at two samples a module.
_PER_MODULE: Final = 2
_CHARACTER: Final = code128.CHARACTER_MODULES * _PER_MODULE
_STOP: Final = code128.STOP_MODULES * _PER_MODULE
#: Blur of the patterns that are compared, in modules: between sharp print and the limit.
_BLUR_MODULES: Final = 0.6
#: Places are tried in steps of so many samples of the line.
_STEP: Final = 2
_PLACES: Final = SAMPLES // _STEP
#: Widths of a character, in samples of the line: from the edge of a bottle to the middle of a small part of the field.
_WIDTHS: Final = (
    ACROSS_SAMPLES * code128.CHARACTER_MODULES / code128.TRACE_MODULES * 0.3 * 1.08 ** np.arange(21)
).astype(np.float32)
#: By how many steps of width one character may differ from the next, and what each step costs.
_STEPS: Final = (-1, 1, -2, 2, -3, 3)
_STEP_COST: Final = 0.01
#: So few windows at once that the library of numpy does not spread each product over all processors: here that costs
#: more than it brings, and would take them from the recorder.
_AT_ONCE: Final = 50
_LEAST_SCORE: Final = 0.45
_NEVER: Final = np.float32(-1e6)


@dataclass(frozen=True, slots=True)
class Segments:
    """Where the characters lie.

    Args:
        bounds: Their 14 limits, in samples of the line, from where the start character begins.
        values: What each looks most like.
        score: Mean correlation, up to 1.
        is_turned: Whether the label stands on its head: the limits then count from the other end of the line.
    """

    bounds: npt.NDArray[np.float64]
    values: tuple[int, ...]
    score: float
    is_turned: bool


def lay_out(line: Line, known: Sequence[int] | None = None) -> Segments | None:
    """Return where the 13 characters of a trace code lie best, or None where nothing like one is there.

    Args:
        line: Grey levels across the bars, of an upright cut.
        known: What the characters are, if only their places are asked for.
    """
    windows = _windows(line)
    characters = _of_length_one(windows[:, :, :_CHARACTER]).reshape(-1, _AT_ONCE, _CHARACTER)
    patterns, ends = _patterns()
    stops = _of_length_one(windows) @ ends
    found = []
    for is_turned in (False, True):
        matches = np.matmul(characters, patterns[int(is_turned)]).reshape(len(_WIDTHS), _PLACES, -1)
        found.append(_best_way(matches, stops[:, :, int(is_turned)], known, is_turned=is_turned))
    best = max(found, key=lambda one: one.score)
    return best if best.score >= _LEAST_SCORE else None


def _best_way(matches: Line, stop: Line, known: Sequence[int] | None, *, is_turned: bool) -> Segments:
    """Find the way through the line on which the characters match best (dynamic programming)."""
    offsets, stop_offsets = _offsets()
    data, start = matches[:, :, : code128.CHECK_MODULUS], matches[:, :, code128.START_C]
    # On its head it begins with the stop, which is two modules wider, and ends with the start.
    first, last = (stop, start) if is_turned else (start, stop)
    best = data.max(axis=2) if known is None else None
    total = first
    ways: list[Line] = []
    for number in range(1, code128.TRACE_CHARACTERS):
        ended = np.full_like(total, _NEVER)
        for width, offset in enumerate(stop_offsets if is_turned and number == 1 else offsets):
            ended[width, offset:] = total[width, : _PLACES - offset]
        ways.append(ended)
        reached = _best_neighbour(ended)
        if number == code128.TRACE_CHARACTERS - 1:
            total = reached + last
        elif best is not None:
            total = reached + best
        elif known is not None:
            total = reached + data[:, :, known[-1 - number if is_turned else number]]
    width, place = divmod(int(np.argmax(total)), _PLACES)
    score = float(total[width, place]) / code128.TRACE_CHARACTERS
    last_modules = code128.CHARACTER_MODULES if is_turned else code128.STOP_MODULES
    bounds = [place * _STEP + float(_WIDTHS[width]) * last_modules / code128.CHARACTER_MODULES, float(place * _STEP)]
    values = [code128.START_C if is_turned else code128.STOP]
    for number, ended in reversed(list(enumerate(ways))):
        width = _chosen(ended, width, place)
        place -= int((stop_offsets if is_turned and number == 0 else offsets)[width])
        bounds.append(float(place * _STEP))
        values.append(int(np.argmax(data[width, place])))
    values[-1] = code128.STOP if is_turned else code128.START_C
    if is_turned:
        return Segments(SAMPLES - np.array(bounds), tuple(values), score, is_turned)
    return Segments(np.array(bounds[::-1]), tuple(values[::-1]), score, is_turned)


def _best_neighbour(ended: Line) -> Line:
    """For each width and place, how well it is come to from the similar width that is best."""
    reached = ended.copy()
    for by in _STEPS:
        low, high = max(0, -by), min(len(ended), len(ended) - by)
        tried = ended[low + by : high + by] - np.float32(_STEP_COST * abs(by))
        np.maximum(reached[low:high], tried, out=reached[low:high])
    return reached


def _chosen(ended: Line, width: int, place: int) -> int:
    """From which width that is, on the way back."""
    near = [width, *(width + by for by in _STEPS if 0 <= width + by < len(ended))]
    return max(near, key=lambda one: float(ended[one, place]) - _STEP_COST * abs(one - width))


def _windows(line: Line) -> Line:
    """Cut out each width at each place, resampled to as many samples as a stop has; a character is the first part."""
    at_x, at_y = _places_of_windows()
    cut = cv2.remap(line[None], at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cut, np.float32).reshape(len(_WIDTHS), _PLACES, _STOP)


def _of_length_one(windows: Line) -> Line:
    """Take away the mean and the contrast of each window; a flat one stays small."""
    found = windows - windows.mean(axis=2, keepdims=True)
    length = np.sqrt(np.einsum("wps,wps->wp", found, found))[:, :, None]
    return np.asarray(found / (length + np.float32(0.02)), np.float32)


@cache
def _offsets() -> tuple[npt.NDArray[np.int_], npt.NDArray[np.int_]]:
    """How many places further the next character begins, after a character and after a stop."""
    stops = _WIDTHS * code128.STOP_MODULES / code128.CHARACTER_MODULES
    return np.rint(_WIDTHS / _STEP).astype(int), np.rint(stops / _STEP).astype(int)


@cache
def _places_of_windows() -> tuple[Line, Line]:
    steps = (np.arange(_STOP, dtype=np.float32) + 0.5) / _CHARACTER
    at = np.arange(_PLACES, dtype=np.float32)[None, :, None] * _STEP + _WIDTHS[:, None, None] * steps - 0.5
    flat = np.asarray(at.reshape(-1, _STOP), np.float32)
    return flat, np.zeros_like(flat)


@cache
def _patterns() -> tuple[tuple[Line, Line], Line]:
    """All characters as columns, upright and mirrored, and the two ways of the stop."""
    upright = np.stack([_seen(code128.ink([value])) for value in range(code128.STOP)])
    stop = _seen(code128.ink([code128.STOP]))
    ends = np.stack([stop, stop[::-1]], axis=1)
    both = (np.ascontiguousarray(upright.T), np.ascontiguousarray(upright[:, ::-1].T))
    return both, np.asarray(ends, np.float32)


def _seen(modules: Line) -> Line:
    """Blur a character between others of the usual kind; ink is dark, so its sign is turned."""
    fine = 12
    usual = np.stack([code128.ink([value]) for value in range(code128.CHECK_MODULUS)]).mean(axis=0)
    after = np.zeros_like(usual) if len(modules) == code128.STOP_MODULES else usual
    drawn = np.repeat(np.concatenate([usual, modules, after]), fine)
    reach = np.arange(-4 * fine, 4 * fine + 1) / fine
    kernel = np.exp(-0.5 * (reach / _BLUR_MODULES) ** 2)
    blurred = np.convolve(drawn, kernel / kernel.sum(), "same")
    centres = (len(usual) + (np.arange(len(modules) * _PER_MODULE) + 0.5) / _PER_MODULE) * fine - 0.5
    taken = -np.interp(centres, np.arange(len(blurred)), blurred)
    taken -= taken.mean()
    return np.asarray(taken / np.linalg.norm(taken), np.float32)
