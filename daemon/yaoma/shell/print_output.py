"""Print output: pages as PDF with text that can be selected and searched, and as PNG."""

import importlib
import io
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from yaoma.shell.print_font import Face, PrintFont
from yaoma.shell.print_page import DOT_MM, DOTS_PER_INCH, Align, Area, Bars, Page, Words

__all__ = ["PrintUnavailableError", "pdf_bytes", "png_bytes"]

_POINT_MM: Final = 25.4 / 72
_WHITE: Final = 255
_SHARE: Final = {Align.LEFT: 0.0, Align.CENTRE: 0.5, Align.RIGHT: 1.0}
_ANCHOR: Final = {Align.LEFT: "ls", Align.CENTRE: "ms", Align.RIGHT: "rs"}


class PrintUnavailableError(Exception):
    """A library that printing needs is not installed.

    Args:
        library: Its name.
    """

    def __init__(self, library: str) -> None:
        super().__init__(f"缺少 {library}，请安装 / {library} is missing; install it: pip install 'yaoma[print]'")
        self.library = library


def pdf_bytes(pages: Sequence[Page], font: PrintFont, *, title: str, made: datetime | None = None) -> bytes:
    """Write pages as one PDF: text with the letters it needs embedded, bars as filled rectangles.

    Args:
        pages: At least one.
        font: The faces.
        title: What a viewer shows above it.
        made: When it was made; None leaves that out of the file as far as PDF lets it.

    Raises:
        PrintUnavailableError: fpdf2 is not installed.
        OSError: A face can't be read.
    """
    pdf = _library("fpdf", "fpdf2").FPDF(unit="mm", format="A4")
    pdf.set_auto_page_break(False)
    pdf.set_title(title)
    pdf.set_creation_date(made or datetime.fromtimestamp(0, UTC))
    for family, face in (("regular", font.regular), ("bold", font.bold)):
        pdf.add_font(family, fname=face.file, collection_font_number=face.index)
    for page in pages:
        pdf.add_page(format=(page.width_mm, page.height_mm))
        for item in page.items:
            _put_pdf(pdf, item)
    return bytes(pdf.output())


def png_bytes(page: Page, font: PrintFont) -> bytes:
    """Draw one page as a grey PNG of 300 dots per inch.

    Args:
        page: The page.
        font: The faces.

    Raises:
        PrintUnavailableError: Pillow is not installed.
        OSError: A face can't be read.
    """
    image = _library("PIL.Image", "Pillow")
    size = (_dots(page.width_mm), _dots(page.height_mm))
    paper = image.new("L", size, _WHITE)
    draw = _library("PIL.ImageDraw", "Pillow").Draw(paper)
    for item in page.items:
        _put_png(draw, item, font)
    file = io.BytesIO()
    paper.save(file, "PNG", dpi=(DOTS_PER_INCH, DOTS_PER_INCH), optimize=True)
    return file.getvalue()


def _put_pdf(pdf: Any, item: Words | Area | Bars) -> None:  # noqa: ANN401 - imported late, so mypy can't know it
    match item:
        case Words():
            pdf.set_text_color(item.grey)
            pdf.set_font("bold" if item.bold else "regular", size=item.size_mm / _POINT_MM)
            width = pdf.get_string_width(item.text)
            if item.fit_mm is not None and width > item.fit_mm:
                pdf.set_font_size(item.size_mm / _POINT_MM * item.fit_mm / width)
                width = item.fit_mm
            pdf.text(item.x_mm - width * _SHARE[item.align], item.y_mm, item.text)
        case Area():
            style = ("F" if item.fill is not None else "") + ("D" if item.line_mm else "")
            pdf.set_fill_color(item.fill or 0)
            pdf.set_draw_color(item.line_grey)
            pdf.set_line_width(item.line_mm)
            if style:
                pdf.rect(item.x_mm, item.y_mm, item.width_mm, item.height_mm, style=style)
        case Bars():
            pdf.set_fill_color(0)
            for left, top, width, height in item.runs():
                pdf.rect(left, top, width, height, style="F")


def _put_png(draw: Any, item: Words | Area | Bars, font: PrintFont) -> None:  # noqa: ANN401 - as `_put_pdf`
    match item:
        case Words():
            face = font.bold if item.bold else font.regular
            letters = _letters(face, item.size_mm)
            width_mm = letters.getlength(item.text) * DOT_MM
            if item.fit_mm is not None and width_mm > item.fit_mm:
                letters = _letters(face, item.size_mm * item.fit_mm / width_mm)
            place = (item.x_mm / DOT_MM, item.y_mm / DOT_MM)
            draw.text(place, item.text, font=letters, fill=item.grey, anchor=_ANCHOR[item.align])
        case Area():
            half = item.line_mm / 2
            left, top = _dots(item.x_mm - half), _dots(item.y_mm - half)
            right, bottom = _dots(item.x_mm + item.width_mm + half), _dots(item.y_mm + item.height_mm + half)
            outline = item.line_grey if item.line_mm else None
            draw.rectangle(
                ((left, top), (right - 1, bottom - 1)), fill=item.fill, outline=outline, width=max(1, _dots(2 * half))
            )
        case Bars():
            for left_mm, top_mm, width, height in item.runs():
                left, top = _dots(left_mm), _dots(top_mm)
                draw.rectangle(((left, top), (left + _dots(width) - 1, top + _dots(height) - 1)), fill=0)


def _letters(face: Face, size_mm: float) -> Any:  # noqa: ANN401 - as `_put_pdf`
    return _library("PIL.ImageFont", "Pillow").truetype(str(face.file), size=size_mm / DOT_MM, index=face.index)


def _library(module: str, name: str) -> Any:  # noqa: ANN401 - as `_put_pdf`
    """Import a library that only printing needs."""
    try:
        return importlib.import_module(module)
    except ImportError:
        raise PrintUnavailableError(name) from None


def _dots(length_mm: float) -> int:
    return round(length_mm / DOT_MM)
