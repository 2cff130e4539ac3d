"""Report PDF: writes a page on A4 across, with text that can be selected; it needs a font with Chinese characters."""

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from yaoma.core.report_page import Cell, Column, ColumnKind, Page, Table, code_for_people
from yaoma_bridge.errors import BridgeError

__all__ = ["PdfFont", "as_pdf", "found_font"]

_WHERE: Final = Path("/usr/share/fonts")
#: Files of fonts with simplified Chinese where Debian, Fedora and others put them, and the face in the file.
_KNOWN: Final = (
    ("opentype/noto/NotoSansCJK-Regular.ttc", 2),
    ("noto-cjk/NotoSansCJK-Regular.ttc", 2),
    ("google-noto-cjk/NotoSansCJK-Regular.ttc", 2),
    ("truetype/wqy/wqy-microhei.ttc", 0),
    ("truetype/wqy/wqy-zenhei.ttc", 0),
    ("truetype/droid/DroidSansFallbackFull.ttf", 0),
)
_MARGIN_MM: Final = 12
_SMALL: Final = 7.5
_PLAIN: Final = 9
_GREY: Final = (238, 243, 242)
_MET: Final = {True: (29, 122, 95), False: (179, 38, 30), None: (90, 102, 110)}


@dataclass(frozen=True, slots=True)
class PdfFont:
    """A face with Chinese characters.

    Args:
        file: The font's file.
        face: Which face of a collection.
    """

    file: Path
    face: int = 0


def found_font(configured: Path | None, face: int, *, where: Path = _WHERE) -> PdfFont:
    """Give the configured font, or a usual one of the system.

    Args:
        configured: The file, or None.
        face: Which face of it.
        where: Below which folder the usual files are looked for.

    Raises:
        BridgeError: If there is none.
    """
    if configured is not None:
        if not configured.is_file():
            raise BridgeError(f"report.font: {configured} is not there", "Correct the key")
        return PdfFont(configured, face)
    for name, known in _KNOWN:
        if (where / name).is_file():
            return PdfFont(where / name, known)
    raise BridgeError("no font with Chinese characters was found", "apt install fonts-noto-cjk, or set report.font")


def as_pdf(page: Page, font: PdfFont, made: datetime | None = None) -> bytes:
    """Write a page.

    Args:
        page: The page.
        font: The face for all of it.
        made: When it was made; None leaves that out.

    Raises:
        BridgeError: If the package for it is not installed, or the font can't be used.
    """
    try:
        writer = importlib.import_module("fpdf")
    except ImportError:
        raise BridgeError("fpdf2 is missing", "Install it: pip install 'yaoma[bridge]'") from None
    pdf = writer.FPDF(orientation="landscape", unit="mm", format="A4")
    pdf.set_margin(_MARGIN_MM)
    pdf.set_auto_page_break(auto=True, margin=_MARGIN_MM)
    pdf.set_title(page.title)
    pdf.set_creation_date(made or datetime.fromtimestamp(0, UTC))
    try:
        pdf.add_font("page", fname=font.file, collection_font_number=font.face)
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise BridgeError(
            f"the font {font.file.name} can't be used ({type(error).__name__})", "Choose another"
        ) from None
    pdf.add_page()
    pdf.set_font("page", size=15)
    pdf.multi_cell(0, 9, page.title, new_x="LMARGIN", new_y="NEXT")
    pdf.set_font("page", size=_PLAIN)
    for label, text in page.facts:
        pdf.multi_cell(0, 5, f"{label}：{text}", new_x="LMARGIN", new_y="NEXT")
    for tile in page.tiles:
        pdf.set_text_color(*_MET[tile.is_met])
        pdf.multi_cell(0, 6, f"{tile.label}  {tile.value}  {tile.note}", new_x="LMARGIN", new_y="NEXT")
    pdf.set_text_color(0)
    for table in page.tables:
        _put_table(pdf, writer, table, page.label("nothing"))
    pdf.ln(3)
    _put_notes(pdf, page.notes)
    return bytes(pdf.output())


def _put_table(pdf: Any, writer: Any, table: Table, nothing: str) -> None:  # noqa: ANN401 - imported late
    pdf.ln(3)
    pdf.set_font("page", size=_PLAIN + 1)
    pdf.multi_cell(0, 6, table.caption, new_x="LMARGIN", new_y="NEXT")
    if not table.rows:
        _put_notes(pdf, [nothing, *table.notes])
        return
    pdf.set_font("page", size=_SMALL)
    plain = writer.FontFace(emphasis="", fill_color=_GREY)
    align = ["RIGHT" if column.kind is ColumnKind.NUMBER else "LEFT" for column in table.columns]
    with pdf.table(
        headings_style=plain,
        line_height=4.4,
        padding=0.6,
        text_align=align,
        col_widths=_shares(table),
        repeat_headings=1,
    ) as grid:
        grid.row([column.title for column in table.columns])
        for row in table.rows:
            grid.row([_text(cell, column) for cell, column in zip(row, table.columns, strict=True)])
    _put_notes(pdf, table.notes)


def _put_notes(pdf: Any, notes: Sequence[str]) -> None:  # noqa: ANN401 - as above
    pdf.set_font("page", size=_SMALL)
    pdf.set_text_color(90, 102, 110)
    for note in notes:
        pdf.multi_cell(0, 4.2, note, new_x="LMARGIN", new_y="NEXT")
    pdf.set_text_color(0)


def _shares(table: Table) -> tuple[int, ...]:
    """Give each column a share by the longest of its texts, between a short word and a line of text."""
    widest = []
    for number, column in enumerate(table.columns):
        texts = [column.title, *(_text(row[number], column) for row in table.rows[:200])]
        widest.append(min(max(5, *(sum(2 if ord(one) > 0x2E7F else 1 for one in text) for text in texts)), 30))  # noqa: PLR2004 - CJK
    return tuple(widest)


def _text(cell: Cell, column: Column) -> str:
    if cell is None:
        return "–"
    return code_for_people(str(cell)) if column.kind is ColumnKind.CODE else str(cell)
