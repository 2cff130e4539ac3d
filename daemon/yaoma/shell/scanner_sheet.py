"""Scanner sheet: the page with the three codes from which a scanner is calibrated and paired, Chinese first."""

from dataclasses import dataclass
from typing import Final

from yaoma.shell.catalogue import load_catalogue
from yaoma.shell.print_page import A4_WIDTH_MM, DOT_MM, Align, Area, Bars, Item, Page, Words
from yaoma.shell.print_symbol import QUIET_MODULES, Symbology, gs1_matrix, modules
from yaoma_drivers.calibration_sheet import DIGITS, GS1_TEXT, SIGNS

__all__ = ["SHEET_TITLE", "draw_scanner_sheet"]

SHEET_TITLE: Final = "扫码枪校准单"

_MARGIN_MM: Final = 12.0
_GRID_TOP_MM: Final = 52.0
_STEP_MM: Final = 76.0
#: Far below the next code, so that a hand scanner at 10-15 cm has one in its aim.
_CELL_MM: Final = 56.0
_BAR_DOTS: Final = 4
_BAR_MM: Final = 20.0
_MATRIX_DOTS: Final = 10
_GREY: Final = 110


@dataclass(frozen=True, slots=True)
class _Code:
    name: str  # of its words in the catalogue
    rows: tuple[tuple[bool, ...], ...]
    dots: int
    bar_mm: float | None

    @property
    def height_mm(self) -> float:
        return self.bar_mm or len(self.rows) * self.dots * DOT_MM


def draw_scanner_sheet() -> Page:
    """Draw it.

    Raises:
        PrintUnavailableError: zxing-cpp is not installed.
    """
    codes = (
        _Code("calibration_digits", modules(DIGITS, Symbology.CODE128), _BAR_DOTS, _BAR_MM),
        _Code("calibration_signs", modules(SIGNS, Symbology.CODE128), _BAR_DOTS, _BAR_MM),
        _Code("calibration_gs1", gs1_matrix(_bracketed()), _MATRIX_DOTS, None),
    )
    items = _frame()
    for place, code in enumerate(codes):
        items += _cell(code, _GRID_TOP_MM + place * _STEP_MM)
    return Page(tuple(items))


def _bracketed() -> str:
    """Write the third code's text as the encoder wants it: `(01)...(21)...(10)...`."""
    serial, lot = GS1_TEXT[18:].split("\x1d")
    return f"({GS1_TEXT[:2]}){GS1_TEXT[2:16]}({GS1_TEXT[16:18]}){serial}({lot[:2]}){lot[2:]}"


def _frame() -> list[Item]:
    (zh, title), (en, english) = (
        (text.line, text.headline)
        for text in (load_catalogue(language).text("sheet", "calibration") for language in ("zh-CN", "en"))
    )
    right, whole = A4_WIDTH_MM - _MARGIN_MM, A4_WIDTH_MM - 2 * _MARGIN_MM
    return [
        Words(text=title, x_mm=_MARGIN_MM, y_mm=21.5, size_mm=11, bold=True, fit_mm=whole * 0.6),
        Words(text=english, x_mm=right, y_mm=21.5, size_mm=5, align=Align.RIGHT, grey=_GREY, fit_mm=whole * 0.38),
        Area(x_mm=_MARGIN_MM, y_mm=25.0, width_mm=whole, height_mm=0.7, fill=0),
        Words(text=zh, x_mm=_MARGIN_MM, y_mm=34.0, size_mm=4.6, fit_mm=whole),
        Words(text=en, x_mm=_MARGIN_MM, y_mm=40.0, size_mm=3.4, grey=_GREY, fit_mm=whole),
    ]


def _cell(code: _Code, top_mm: float) -> list[Item]:
    zh, en = (load_catalogue(language).text("sheet", code.name) for language in ("zh-CN", "en"))
    whole = A4_WIDTH_MM - 2 * _MARGIN_MM
    left = _MARGIN_MM + 6.0
    quiet_mm = QUIET_MODULES[Symbology.CODE128] * _BAR_DOTS * DOT_MM
    return [
        Area(x_mm=_MARGIN_MM, y_mm=top_mm, width_mm=whole, height_mm=_CELL_MM, line_mm=0.25, line_grey=_GREY),
        Words(text=zh.headline, x_mm=left, y_mm=top_mm + 11.0, size_mm=8, bold=True, fit_mm=whole * 0.4),
        Words(text=en.headline, x_mm=left, y_mm=top_mm + 17.0, size_mm=4, grey=_GREY, fit_mm=whole * 0.4),
        Words(text=zh.line, x_mm=left + whole * 0.42, y_mm=top_mm + 11.0, size_mm=4.2, fit_mm=whole * 0.5),
        Words(text=en.line, x_mm=left + whole * 0.42, y_mm=top_mm + 17.0, size_mm=3.2, grey=_GREY, fit_mm=whole * 0.5),
        Bars(
            modules=code.rows,
            x_mm=_MARGIN_MM + 2.0 + quiet_mm,
            y_mm=top_mm + _CELL_MM - 6.0 - code.height_mm,
            dots=code.dots,
            bar_mm=code.bar_mm,
        ),
    ]
