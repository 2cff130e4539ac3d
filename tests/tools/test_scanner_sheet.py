"""The calibration sheet: its three codes read back as calibration expects them, far apart, in both languages."""

import subprocess
from itertools import pairwise
from pathlib import Path

import cv2
import pypdfium2
import pytest
import zxingcpp
from pyzbar import pyzbar

from fakes import forked
from yaoma.core.code import Lookalike, parse
from yaoma.shell.print_font import FontMissingError, find_font
from yaoma.shell.print_page import Bars
from yaoma.shell.scanner_sheet import draw_scanner_sheet
from yaoma_drivers.calibration_sheet import DIGITS, GS1_TEXT, SIGNS
from yaoma_drivers.symbol import Symbol
from yaoma_tools.sheet_draw import MIN_GAP_MM


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the command as its users do."""
    return forked.run("yaoma-tools", "scanner", *arguments, env=forked.PLAIN)


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    """Draw it as PNG and PDF."""
    try:
        find_font()
    except FontMissingError as error:
        pytest.skip(str(error))
    done = run("sheet", "-o", tmp_path / "s.png", "-o", tmp_path / "s.pdf")
    assert done.returncode == 0, done.stderr
    return tmp_path


def test_sheet_when_drawn_then_both_forms_hold_the_three_codes_and_the_words(sheet: Path) -> None:
    """PNG and the printed PDF read back with the identifiers of calibration; words in two languages."""
    drawn = cv2.imread(str(sheet / "s.png"), cv2.IMREAD_GRAYSCALE)
    document = pypdfium2.PdfDocument(sheet / "s.pdf")
    assert len(document) == 1
    printed = document[0].render(scale=300 / 72, grayscale=True).to_numpy()
    words = document[0].get_textpage().get_text_range()
    document.close()
    assert drawn is not None
    for picture in (drawn, printed):
        found = sorted(zxingcpp.read_barcodes(picture), key=lambda one: one.position.top_left.y)
        assert [(one.bytes.decode("ascii"), one.symbology_identifier) for one in found] == [
            (DIGITS, "]C0"),
            (SIGNS, "]C0"),
            (GS1_TEXT, "]d2"),
        ]
    assert {one.data.decode("ascii") for one in pyzbar.decode(drawn)} >= {DIGITS, SIGNS}
    for word in ("扫码枪校准单", "Scanner calibration", "1 数字", "3 Matrix code"):
        assert word in words


def test_sheet_when_held_under_a_scanner_then_one_code_is_in_its_aim() -> None:
    """The codes stand as far apart as those of the operator's sheets."""
    bars = [item for item in draw_scanner_sheet().items if isinstance(item, Bars)]
    for upper, lower in pairwise(bars):
        assert lower.y_mm - (upper.y_mm + upper.height_mm) >= MIN_GAP_MM


def test_sheet_when_scanned_in_daily_work_then_nothing_of_it_is_taken_for_a_pack() -> None:
    """A technician who forgot that the box runs makes faults, no records of packs."""
    for text, aim in (
        (DIGITS, "]C0"),
        (SIGNS, "]C0"),
        (GS1_TEXT, "]d2"),
        (GS1_TEXT, ""),
        (GS1_TEXT.replace("\x1d", ""), ""),
    ):
        meaning = parse(Symbol(text.encode(), "gun", 0, aim))
        assert isinstance(meaning, Lookalike)
        assert meaning.text is None


@pytest.mark.parametrize(("arguments", "hint"), [(("sheet", "-o", "x.docx"), "x.docx"), (("sheet",), "--out")])
def test_sheet_when_called_wrongly_then_one_sentence_says_so(arguments: tuple[str, ...], hint: str) -> None:
    """An ending that cannot be written, and no file at all."""
    done = run(*arguments)
    assert (done.returncode, hint in done.stderr) == (2, True), done.stderr
