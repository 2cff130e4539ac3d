"""Printing: the font that is found, the symbols, and what happens where a library or a font is missing."""

import io
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pypdfium2
import pytest
import zxingcpp
from PIL import Image

from yaoma.shell.print_font import Face, FontMissingError, PrintFont, find_font
from yaoma.shell.print_output import PrintUnavailableError, pdf_bytes, png_bytes
from yaoma.shell.print_page import A4_WIDTH_MM, DOT_MM, Align, Area, Bars, Page, Words
from yaoma.shell.print_symbol import Symbology, modules


def fontconfig(folder: Path, told: str) -> str:
    """Plant a program that answers as fc-match does."""
    program = folder / "fc-match"
    program.write_text(f"#!/bin/sh\nprintf '{told}'\n")
    program.chmod(0o755)
    return str(program)


@pytest.fixture(scope="module")
def font() -> PrintFont:
    """A font of this machine with Chinese characters."""
    try:
        return find_font()
    except FontMissingError as error:
        pytest.skip(str(error))


def test_font_when_fontconfig_knows_one_then_file_and_face_are_taken(tmp_path: Path) -> None:
    """The face number of a collection counts; the bits above it are fontconfig's own."""
    file = tmp_path / "some.ttc"
    file.touch()
    program = fontconfig(tmp_path, f"{file}\\n{(3 << 16) + 2}\\nen|zh-cn|zh-tw")
    assert find_font(fontconfig=program, where=tmp_path) == PrintFont(Face(file, 2), Face(file, 2))


@pytest.mark.parametrize("told", ["{file}\\n0\\nen|de", "/no/such.ttc\\n0\\nzh-cn", "", "{file}"])
def test_font_when_fontconfig_offers_one_without_chinese_then_the_usual_files_are_tried(
    tmp_path: Path, told: str
) -> None:
    """Fontconfig always names some font: one that can't write Chinese is not taken."""
    latin = tmp_path / "latin.ttf"
    latin.touch()
    program = fontconfig(tmp_path, told.format(file=latin))
    known = tmp_path / "truetype" / "wqy" / "wqy-microhei.ttc"
    known.parent.mkdir(parents=True)
    known.touch()
    assert find_font(fontconfig=program, where=tmp_path).bold == Face(known, 0)


def test_font_when_there_is_none_then_the_package_is_named(tmp_path: Path) -> None:
    """The sentence is the command that helps."""
    with pytest.raises(FontMissingError, match="sudo apt install fonts-noto-cjk"):
        find_font(fontconfig=None, where=tmp_path)
    with pytest.raises(FontMissingError):
        find_font(fontconfig="no-such-program", where=tmp_path)


@pytest.mark.parametrize("symbology", Symbology)
def test_modules_when_drawn_then_they_read_back(symbology: Symbology) -> None:
    """The modules of a text are a symbol of the kind that was asked for."""
    rows = np.array(modules("YAOMA1.CLOSE.2036294682", symbology))
    drawn = np.where(rows, 0, 255).astype(np.uint8)
    drawn = np.kron(drawn, np.ones((60 if symbology is Symbology.CODE128 else 4, 4), np.uint8))
    (found,) = zxingcpp.read_barcodes(np.pad(drawn, 40, constant_values=255))
    assert found.text == "YAOMA1.CLOSE.2036294682"
    assert len(rows) == 1 or symbology is Symbology.QR


def test_modules_when_a_signed_note_is_drawn_then_it_reads_back_to_the_letter() -> None:
    """A checkpoint on the daily sheet has line ends and a dash; both survive."""
    note = "yaoma/S1/b1/log\n7\n" + "A" * 43 + "=\n\n\u2014 yaoma.S1.b1 " + "b" * 92 + "\n"
    drawn = np.where(np.array(modules(note, Symbology.QR)), 0, 255).astype(np.uint8)
    drawn = np.kron(drawn, np.ones((4, 4), np.uint8))
    (found,) = zxingcpp.read_barcodes(np.pad(drawn, 40, constant_values=255))
    assert found.text == note


def test_modules_when_the_text_is_too_long_then_the_error_does_not_hold_it() -> None:
    """What no symbol can hold is refused without being quoted."""
    with pytest.raises(ValueError, match="5000 characters") as caught:
        modules("A" * 5000, Symbology.QR)
    assert "AAAA" not in str(caught.value)


def test_words_when_wider_than_their_room_then_smaller(font: PrintFont) -> None:
    """A line that would run into its neighbour is set smaller, in both outputs."""
    page = Page((Words(text="库" * 40, x_mm=20, y_mm=40, size_mm=10, bold=True, fit_mm=60),))
    for paper in (_gray(png_bytes(page, font)), _printed(pdf_bytes([page], font, title="x"))):
        columns = np.flatnonzero((paper < 128).any(axis=0)) * DOT_MM
        assert 19 <= columns.min()
        assert 70 <= columns.max() <= 81


def test_words_when_aligned_then_they_end_or_stand_around_the_place(font: PrintFont) -> None:
    """A text may end at its place or have its middle there."""
    for align, low, high in ((Align.LEFT, 100, 160), (Align.RIGHT, 40, 100), (Align.CENTRE, 70, 130)):
        page = Page((Words(text="药" * 6, x_mm=100, y_mm=40, size_mm=8, align=align),))
        columns = np.flatnonzero((_gray(png_bytes(page, font)) < 128).any(axis=0)) * DOT_MM
        assert low - 1 <= columns.min()
        assert columns.max() <= high + 1


def test_area_when_framed_and_filled_then_drawn_in_both(font: PrintFont) -> None:
    """A frame has its grey, and the inside its own."""
    page = Page((Area(x_mm=50, y_mm=50, width_mm=40, height_mm=20, fill=200, line_mm=2, line_grey=0),))
    for paper in (_gray(png_bytes(page, font)), _printed(pdf_bytes([page], font, title="x"))):
        assert abs(int(paper[round(60 / DOT_MM), round(70 / DOT_MM)]) - 200) <= 2
        assert paper[round(60 / DOT_MM), round(50 / DOT_MM)] == 0
        assert paper[round(60 / DOT_MM), round(45 / DOT_MM)] == 255


def test_bars_when_placed_between_dots_then_they_move_to_the_next() -> None:
    """Every edge of a bar is on a whole dot, so that a printer of 300 dpi draws it sharp."""
    bars = Bars(modules=((True, False, True),), x_mm=10.011, y_mm=20.07, dots=4, bar_mm=15.03)
    for run in bars.runs():
        for length in run:
            assert length / DOT_MM == pytest.approx(round(length / DOT_MM), abs=1e-6)


def test_pages_when_several_then_each_keeps_its_size(font: PrintFont) -> None:
    """A daily sheet for a receipt printer is narrower than A4."""
    pages = [Page((), 80, 200), Page(())]
    with pypdfium2.PdfDocument(pdf_bytes(pages, font, title="x")) as document:
        widths = [round(page.get_width() / 72 * 25.4) for page in document]
    assert widths == [80, round(A4_WIDTH_MM)]


@pytest.mark.parametrize("library", ["fpdf", "PIL.Image", "zxingcpp"])
def test_print_when_a_library_is_missing_then_the_extra_is_named(
    library: str, font: PrintFont, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A box without the extra says which one helps."""
    calls: dict[str, Callable[[], object]] = {
        "fpdf": lambda: pdf_bytes([Page(())], font, title="x"),
        "PIL.Image": lambda: png_bytes(Page(()), font),
        "zxingcpp": lambda: modules("A", Symbology.QR),
    }
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(PrintUnavailableError, match=r"pip install 'yaoma\[print\]'"):
        calls[library]()


def _gray(png: bytes) -> npt.NDArray[np.uint8]:
    return np.array(Image.open(io.BytesIO(png)), dtype=np.uint8)


def _printed(pdf: bytes) -> npt.NDArray[np.uint8]:
    """Draw the first page as a printer of 300 dpi does."""
    with pypdfium2.PdfDocument(pdf) as document:
        return np.array(document[0].render(scale=300 / 72, grayscale=True).to_numpy(), dtype=np.uint8).squeeze()
