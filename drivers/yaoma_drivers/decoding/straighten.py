"""The straighten stage: read the linear code of a field of bars that the reader of whole pictures has missed."""

from typing import Final

from yaoma_drivers.decoding.arrays import Grey, Line, level
from yaoma_drivers.decoding.bars import BarField
from yaoma_drivers.decoding.guard import guarded, is_trace_code
from yaoma_drivers.decoding.reading import Reading
from yaoma_drivers.decoding.trace_line import read_trace
from yaoma_drivers.decoding.upright import Cut, cut_upright, lines_of
from yaoma_drivers.decoding.zxing_reader import read_line

__all__ = ["straighten"]

#: A trace code has 78 edges; where a line turns less often there is a box, a fence or a word, not a code.
_LEAST_TURNS: Final = 30
#: A narrower field holds no trace code that could be read: a module would be less than a pixel.
_LEAST_TRACE_PX: Final = 130.0
#: What the bars of a text that was chosen by our own search must reach: how well the worst character fits, and by how
#: much, summed over all, the next text fits worse. Right ones have 0.97 and 0.13 and more (`make bench ROWS=decode`);
#: of what is no code 0.91 and 0.08 were seen, since the search picks the best of very many texts.
_LEAST_LIKENESS: Final = 0.95
_LEAST_MARGIN: Final = 0.12
_CODE128: Final = "]C"
#: A turn counts if it is so large a share of the whole range.
_TURN: Final = 0.08


def straighten(grey: Grey, field: BarField, *, is_thorough: bool) -> list[Reading]:
    """Return the code of a field, if any; a trace code only if its bars were drawn again and agree.

    Args:
        grey: The picture.
        field: The place.
        is_thorough: Whether parts of the height are tried where the whole gives nothing.
    """
    cut = cut_upright(grey, field)
    if _turns(cut.rows.mean(axis=0)) < _LEAST_TURNS:
        return []
    for number, (line, stripes) in enumerate(lines_of(cut)):
        if number and not is_thorough:
            return []
        found = _by_zxing(grey, cut, line, stripes)
        if found is None and field.across_px >= _LEAST_TRACE_PX:
            found = _by_search(cut, line, stripes)
        if found is not None:
            return [found]
    return []


def _by_zxing(grey: Grey, cut: Cut, line: Line, stripes: tuple[int, int]) -> Reading | None:
    for reading in read_line(line):
        (first, _), (last, _) = reading.corners[:2]
        placed = Reading(reading.data, reading.aim, _corners(cut, first, last, stripes), is_sure=False)
        checked = guarded(grey, placed)
        # A line has no second row that could agree, so its bars must; other codes have parities and check digits.
        if checked is not None and (checked.is_sure or not checked.aim.startswith(_CODE128)):
            return checked
    return None


def _by_search(cut: Cut, line: Line, stripes: tuple[int, int]) -> Reading | None:
    own = read_trace(line)
    if own is None or own.worst < _LEAST_LIKENESS or own.margin < _LEAST_MARGIN:
        return None
    data = own.digits.encode("ascii")
    return Reading(data, "]C0", _corners(cut, own.first, own.last, stripes)) if is_trace_code(data, "]C0") else None


def _corners(cut: Cut, left: float, right: float, stripes: tuple[int, int]) -> tuple[tuple[int, int], ...]:
    top, bottom = stripes[0] - 0.5, stripes[1] - 0.5
    return cut.corners(left, right, *((top, bottom) if left <= right else (bottom, top)))


def _turns(line: Line) -> int:
    """Count how often a line goes up and down by a worthwhile part of its range."""
    low, high = level(line, 0.05), level(line, 0.95)
    least = _TURN * (high - low)
    count, extreme, rises = 0, float(line[0]), True
    for at in line[:: max(1, len(line) // 500)].tolist():
        if (at > extreme) == rises:
            extreme = at
        elif abs(at - extreme) > least:
            count, extreme, rises = count + 1, at, not rises
    return count
