"""Sheet drawing: lays the cells of a sheet out on A4 pages, far enough apart that one trigger reads one code."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from yaoma.shell.print_page import A4_WIDTH_MM, DOT_MM, Align, Area, Bars, Item, Page, Words
from yaoma.shell.print_symbol import QUIET_MODULES, Symbology, modules
from yaoma_tools.sheet import Cell, SheetPlan

__all__ = ["MIN_GAP_MM", "SheetTooWideError", "draw_sheet"]

#: Between two symbols, so that a hand scanner at 10-15 cm does not see the neighbour in its aiming field.
MIN_GAP_MM: Final = 25.0

_MARGIN_MM: Final = 12.0
_GUTTER_MM: Final = 5.0
_GRID_TOP_MM: Final = 45.0
_GRID_BOTTOM_MM: Final = 284.0
_FOOT_MM: Final = 290.5
_PAD_MM: Final = 4.0
_FRAME_MM: Final = 1.0  # what the frame of a cell takes before white begins
_GREY: Final = 110

_MAX_QR_MM: Final = 32.0
_QR_DOTS: Final = range(4, 11)  # a module of 0.34 to 0.85 mm
_BAR_DOTS: Final = 4
_BAR_MM: Final = 15.0
_CAPTION_MM: Final = 10.0
_BADGE_WIDTH_MM: Final = 85.6  # ISO/IEC 7810 ID-1, so that a badge fits a holder
_BADGE_HEIGHT_MM: Final = 54.0


class SheetTooWideError(ValueError):
    """A code is too long for bars on this page; QR holds it."""

    def __init__(self) -> None:
        super().__init__("a code is too long for Code 128 on A4; use --symbology qr")


@dataclass(frozen=True, slots=True)
class _Grid:
    columns: int
    rows: int
    cell_width_mm: float
    cell_height_mm: float
    left_mm: float
    step_mm: float
    symbol_mm: float  # the widest with its quiet zones: the words of all cells begin beside it

    @property
    def cells(self) -> int:
        return self.columns * self.rows


@dataclass(frozen=True, slots=True)
class _Drawn:
    cell: Cell
    rows: tuple[tuple[bool, ...], ...]
    dots: int
    bar_mm: float | None
    quiet_mm: float

    @property
    def width_mm(self) -> float:
        return len(self.rows[0]) * self.dots * DOT_MM

    @property
    def height_mm(self) -> float:
        return self.bar_mm or len(self.rows) * self.dots * DOT_MM


def draw_sheet(plan: SheetPlan, symbology: Symbology = Symbology.QR) -> list[Page]:
    """Draw a sheet.

    Args:
        plan: What stands on it.
        symbology: QR, or Code 128 for scanners that read bars only.

    Raises:
        SheetTooWideError: A code does not fit the page as bars.
        PrintUnavailableError: zxing-cpp is not installed.
    """
    drawn = [_drawn(cell, symbology) for cell in plan.cells]
    grid = _grid(drawn, symbology, badges=plan.badges)
    pages = [drawn[start : start + grid.cells] for start in range(0, len(drawn), grid.cells)]
    return [
        Page((*_frame(plan, number, len(pages)), *_cells(cells, grid, symbology)))
        for number, cells in enumerate(pages, start=1)
    ]


def _drawn(cell: Cell, symbology: Symbology) -> _Drawn:
    if symbology is Symbology.CODE128:
        try:
            rows = modules(cell.text, symbology)
        except ValueError:
            raise SheetTooWideError from None
        return _Drawn(cell, rows, _BAR_DOTS, _BAR_MM, QUIET_MODULES[symbology] * _BAR_DOTS * DOT_MM)
    rows = modules(cell.text, symbology)
    fitting = int(_MAX_QR_MM / DOT_MM / len(rows))
    dots = max(_QR_DOTS.start, min(fitting, _QR_DOTS.stop - 1))
    return _Drawn(cell, rows, dots, None, QUIET_MODULES[symbology] * dots * DOT_MM)


def _grid(drawn: Sequence[_Drawn], symbology: Symbology, *, badges: bool) -> _Grid:
    """Choose columns and rows: as many as keep the symbols apart."""
    tallest = max((one.height_mm for one in drawn), default=0.0)
    widest = max((one.width_mm + 2 * one.quiet_mm for one in drawn), default=0.0)
    whole = A4_WIDTH_MM - 2 * _MARGIN_MM
    if symbology is Symbology.CODE128:
        if widest + 2 * _FRAME_MM > whole:
            raise SheetTooWideError
        columns, width, height = 1, whole, _PAD_MM + _CAPTION_MM + 2 * _PAD_MM + tallest + _PAD_MM
    elif badges:
        columns, width, height = 2, _BADGE_WIDTH_MM, _BADGE_HEIGHT_MM
    else:
        columns, width, height = 2, (whole - _GUTTER_MM) / 2, 40.0
    step = max(height + _GUTTER_MM, tallest + MIN_GAP_MM)
    rows = int((_GRID_BOTTOM_MM - _GRID_TOP_MM + _GUTTER_MM) / step)
    left = (A4_WIDTH_MM - columns * width - (columns - 1) * _GUTTER_MM) / 2
    cell_height = height if badges else step - _GUTTER_MM
    return _Grid(columns, rows, width, cell_height, left, step, widest)


def _frame(plan: SheetPlan, number: int, count: int) -> list[Item]:
    """Draw title, scope, advice and foot."""
    right, whole = A4_WIDTH_MM - _MARGIN_MM, A4_WIDTH_MM - 2 * _MARGIN_MM
    advice_mm = 37.0 if plan.scope else 33.0
    items: list[Item] = [
        Words(text=plan.title, x_mm=_MARGIN_MM, y_mm=21.5, size_mm=11, bold=True, fit_mm=whole * 0.6),
        Words(text=plan.english, x_mm=right, y_mm=21.5, size_mm=5, align=Align.RIGHT, grey=_GREY, fit_mm=whole * 0.38),
        Area(x_mm=_MARGIN_MM, y_mm=25.0, width_mm=whole, height_mm=0.7, fill=0),
        Words(text=plan.scope, x_mm=_MARGIN_MM, y_mm=31.2, size_mm=4.4, bold=True, fit_mm=whole),
        Words(text=plan.advice, x_mm=_MARGIN_MM, y_mm=advice_mm, size_mm=4.0, fit_mm=whole),
        Words(text=plan.english_advice, x_mm=_MARGIN_MM, y_mm=advice_mm + 4.5, size_mm=3.0, grey=_GREY, fit_mm=whole),
        Words(text=plan.foot, x_mm=_MARGIN_MM, y_mm=_FOOT_MM, size_mm=3.0, grey=_GREY, fit_mm=whole * 0.8),
    ]
    page = f"{number} / {count}"
    items.append(Words(text=page, x_mm=right, y_mm=_FOOT_MM, size_mm=3.0, grey=_GREY, align=Align.RIGHT))
    return items


def _cells(drawn: Sequence[_Drawn], grid: _Grid, symbology: Symbology) -> list[Item]:
    items: list[Item] = []
    for place, one in enumerate(drawn):
        row, column = divmod(place, grid.columns)
        left = grid.left_mm + column * (grid.cell_width_mm + _GUTTER_MM)
        top = _GRID_TOP_MM + row * grid.step_mm
        items.append(
            Area(
                x_mm=left,
                y_mm=top,
                width_mm=grid.cell_width_mm,
                height_mm=grid.cell_height_mm,
                line_mm=0.8 if one.cell.strong else 0.25,
                line_grey=0 if one.cell.strong else _GREY,
            )
        )
        put = _bars_below if symbology is Symbology.CODE128 else _matrix_left
        items += put(one, grid, left, top)
    return items


def _matrix_left(one: _Drawn, grid: _Grid, left: float, top: float) -> list[Item]:
    """Put the matrix on the left, the words beside it."""
    edge = _FRAME_MM + (grid.symbol_mm - one.width_mm) / 2  # quiet zones are in it
    middle = top + grid.cell_height_mm / 2
    words_left = left + 2 * _FRAME_MM + grid.symbol_mm
    room = left + grid.cell_width_mm - _PAD_MM - words_left
    cell = one.cell
    return [
        Bars(modules=one.rows, x_mm=left + edge, y_mm=middle - one.height_mm / 2, dots=one.dots),
        Words(text=cell.caption, x_mm=words_left, y_mm=middle - 1.5, size_mm=_CAPTION_MM, bold=True, fit_mm=room),
        Words(text=cell.english, x_mm=words_left, y_mm=middle + 4.5, size_mm=4.0, grey=_GREY, fit_mm=room),
        Words(text=cell.note, x_mm=words_left, y_mm=middle + 10.3, size_mm=4.0, fit_mm=room),
    ]


def _bars_below(one: _Drawn, grid: _Grid, left: float, top: float) -> list[Item]:
    """Put the words on top, the bars below them."""
    edge = _FRAME_MM + one.quiet_mm
    right = left + grid.cell_width_mm - _PAD_MM
    base = top + _PAD_MM + _CAPTION_MM - 1.0
    half = grid.cell_width_mm / 2 - _PAD_MM
    cell = one.cell
    return [
        Words(text=cell.caption, x_mm=left + edge, y_mm=base, size_mm=_CAPTION_MM, bold=True, fit_mm=half),
        Words(text=cell.english, x_mm=right, y_mm=base - 5.0, size_mm=4.0, grey=_GREY, align=Align.RIGHT, fit_mm=half),
        Words(text=cell.note, x_mm=right, y_mm=base, size_mm=4.0, align=Align.RIGHT, fit_mm=half),
        Bars(
            modules=one.rows,
            x_mm=left + edge,
            y_mm=top + grid.cell_height_mm - _PAD_MM - one.height_mm,
            dots=one.dots,
            bar_mm=one.bar_mm,
        ),
    ]
