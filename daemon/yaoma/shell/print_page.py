"""Print page: what stands on a printed page, in millimetres from its upper left corner."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

__all__ = ["A4_HEIGHT_MM", "A4_WIDTH_MM", "DOTS_PER_INCH", "DOT_MM", "Align", "Area", "Bars", "Item", "Page", "Words"]

A4_WIDTH_MM: Final = 210.0
A4_HEIGHT_MM: Final = 297.0
#: Pictures have this resolution, and bars are whole dots of it wide: so they print without ragged edges.
DOTS_PER_INCH: Final = 300
DOT_MM: Final = 25.4 / DOTS_PER_INCH


class Align(StrEnum):
    """Which point of a text `x_mm` is."""

    LEFT = "left"
    CENTRE = "centre"
    RIGHT = "right"


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """One line of text.

    Args:
        text: What it says.
        x_mm: Where it begins, has its middle, or ends.
        y_mm: Its baseline.
        size_mm: The height of the letters' square; a Chinese character fills it.
        bold: In the bold face.
        align: What `x_mm` is.
        grey: 0 is black, 255 white.
        fit_mm: A wider line is made smaller until it fits; None leaves it.
    """

    text: str
    x_mm: float
    y_mm: float
    size_mm: float
    bold: bool = False
    align: Align = Align.LEFT
    grey: int = 0
    fit_mm: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """A rectangle: filled, framed or both.

    Args:
        x_mm: Its left edge.
        y_mm: Its upper edge.
        width_mm: Its width.
        height_mm: Its height.
        fill: A grey, 0 black to 255 white, or None.
        line_mm: How thick the frame is, centred on the edge; 0 for none.
        line_grey: The frame's grey.
    """

    x_mm: float
    y_mm: float
    width_mm: float
    height_mm: float
    fill: int | None = None
    line_mm: float = 0.0
    line_grey: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """A bar code or matrix code, without its quiet zone.

    Args:
        modules: Rows of modules, True is dark; one row for a bar code.
        x_mm: The left edge of the first module, moved to the next dot when it is printed.
        y_mm: The upper edge.
        dots: How many dots a module is wide: 4 are 0.339 mm (13 mil).
        bar_mm: How high the bars of a single row are; None for a matrix, whose modules are square.
    """

    modules: tuple[tuple[bool, ...], ...]
    x_mm: float
    y_mm: float
    dots: int
    bar_mm: float | None = None

    @property
    def width_mm(self) -> float:
        """How wide it is."""
        return len(self.modules[0]) * self.dots * DOT_MM

    @property
    def height_mm(self) -> float:
        """How high it is."""
        return len(self.modules) * self.row_mm

    @property
    def row_mm(self) -> float:
        """How high one row is."""
        return self.dots * DOT_MM if self.bar_mm is None else self.bar_mm

    def runs(self) -> list[tuple[float, float, float, float]]:
        """Give the dark rectangles: left, top, width and height in millimetres, on whole dots."""
        found = []
        left, top = _on_dot(self.x_mm), _on_dot(self.y_mm)
        height = _on_dot(self.row_mm)
        for number, row in enumerate(self.modules):
            start = 0
            while start < len(row):
                end = start + 1
                while end < len(row) and row[end] == row[start]:
                    end += 1
                if row[start]:
                    dot = self.dots * DOT_MM
                    found.append((left + start * dot, top + number * height, (end - start) * dot, height))
                start = end
        return found


Item = Words | Area | Bars


@dataclass(frozen=True, slots=True)
class Page:
    """One page.

    Args:
        items: What stands on it; later ones cover earlier ones.
        width_mm: Its width.
        height_mm: Its height.
    """

    items: tuple[Item, ...]
    width_mm: float = A4_WIDTH_MM
    height_mm: float = A4_HEIGHT_MM


def _on_dot(length_mm: float) -> float:
    return round(length_mm / DOT_MM) * DOT_MM
