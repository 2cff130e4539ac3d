"""Printed sheets: every symbol reads back as its command, stands alone on the page, and has its words in Chinese."""

import io
from collections.abc import Iterator
from datetime import date
from itertools import combinations
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pypdfium2
import pytest
import zxingcpp
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from PIL import Image
from pyzbar import pyzbar

from yaoma.core.code import ControlCode, parse
from yaoma.core.control_code import SIGNED_ACTIONS, ControlAction, ControlCodeError, Sheet
from yaoma.core.control_sheet import verify
from yaoma.core.note import Signer
from yaoma.shell.catalogue import load_catalogue
from yaoma.shell.operations import load_operations
from yaoma.shell.print_font import FontMissingError, PrintFont, find_font
from yaoma.shell.print_output import pdf_bytes, png_bytes
from yaoma.shell.print_page import DOT_MM, Bars, Page
from yaoma.shell.print_symbol import QUIET_MODULES, Symbology
from yaoma_drivers.symbol import Symbol
from yaoma_tools.sheet import (
    OperatorsError,
    Person,
    Place,
    SheetPlan,
    operations_sheet,
    operators_sheet,
    read_operators,
    technician_sheet,
)
from yaoma_tools.sheet_draw import MIN_GAP_MM, SheetTooWideError, draw_sheet

Picture = npt.NDArray[np.uint8]

SITE = "H32132200561"
TODAY = date(2026, 11, 22)
SIGNER = Signer("sheets.example", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
SHEET = Sheet(SITE, "COUNTER-1", "T-0007", date(2027, 2, 19))
PLACE = Place(SITE, "counter-1", "门诊药房", TODAY)


def operations() -> SheetPlan:
    """Plan the sheet of every operation that ships."""
    return operations_sheet(load_operations(), PLACE)


def operators() -> SheetPlan:
    """Plan three badges, one with the longest id that there is."""
    return operators_sheet([Person("P07", "张丽华"), Person("1024", "欧阳建国"), Person("Zhang_" + "X" * 26)], PLACE)


def technician() -> SheetPlan:
    """Plan a signed sheet."""
    return technician_sheet(
        SIGNER, SHEET, PLACE, supervisors=[Person("P07", "张丽华")], stations=["counter", "back_room"]
    )


def few_operations() -> SheetPlan:
    """Plan a sheet of some operations, with the longest id that ships."""
    known = load_operations()
    return operations_sheet({one: known[one] for one in ("receive", "dispense", max(known, key=len))}, PLACE)


def short_operators() -> SheetPlan:
    """Plan a badge whose id fits as bars."""
    return operators_sheet([Person("zhang_san")], PLACE)


PLANS = [
    pytest.param(operations, Symbology.QR, id="all-operations", marks=pytest.mark.slow),
    pytest.param(few_operations, Symbology.QR, id="operations"),
    pytest.param(few_operations, Symbology.CODE128, id="operations-bars"),
    pytest.param(operators, Symbology.QR, id="operators"),
    pytest.param(short_operators, Symbology.CODE128, id="operators-bars"),
    pytest.param(technician, Symbology.QR, id="technician"),
]


@pytest.fixture(scope="module")
def font() -> PrintFont:
    """A font with Chinese characters; it is an optional package of the tools."""
    try:
        return find_font()
    except FontMissingError as error:
        pytest.skip(str(error))


def picture(png: bytes) -> Picture:
    """Open a PNG."""
    return np.array(Image.open(io.BytesIO(png)).convert("L"), dtype=np.uint8)


def rendered(pdf: bytes, dpi: int) -> Iterator[Picture]:
    """Draw the pages of a PDF as a printer does."""
    with pypdfium2.PdfDocument(pdf) as document:
        for page in document:
            yield np.array(page.render(scale=dpi / 72, grayscale=True).to_numpy(), dtype=np.uint8).squeeze()


def by_zxing(pages: list[Picture]) -> set[str]:
    """Read all symbols with one library."""
    return {found.text for page in pages for found in zxingcpp.read_barcodes(page)}


def by_zbar(pages: list[Picture]) -> set[str]:
    """Read all symbols with the other."""
    return {found.data.decode() for page in pages for found in pyzbar.decode(page)}


def bars(page: Page) -> list[Bars]:
    """Take the symbols of a page."""
    return [item for item in page.items if isinstance(item, Bars)]


@pytest.mark.parametrize(("plan", "symbology"), PLANS)
def test_sheet_when_printed_then_both_libraries_read_every_symbol_back(
    plan: object, symbology: Symbology, font: PrintFont
) -> None:
    """PNG and PDF hold each command, and only those, for both decoders."""
    assert callable(plan)
    made: SheetPlan = plan()
    wanted = {cell.text for cell in made.cells}
    pages = draw_sheet(made, symbology)
    drawn = [picture(png_bytes(page, font)) for page in pages]
    printed = list(rendered(pdf_bytes(pages, font, title="x"), 200))

    assert len(wanted) == len(made.cells)
    assert by_zxing(drawn) == by_zbar(drawn) == wanted
    assert by_zxing(printed) == by_zbar(printed) == wanted
    for text in wanted:
        command = parse(Symbol(text.encode(), "counter", 0))
        assert isinstance(command, ControlCode)
        assert command.text == text


@pytest.mark.parametrize(("plan", "symbology"), PLANS)
def test_sheet_when_laid_out_then_symbols_stand_apart_on_white(
    plan: object, symbology: Symbology, font: PrintFont
) -> None:
    """One trigger sees one symbol: 25 mm between two, the quiet zone of the standard, modules from 0.33 mm."""
    assert callable(plan)
    pages = draw_sheet(plan(), symbology)
    for page in pages:
        for one, other in combinations(bars(page), 2):
            apart_x = max(one.x_mm, other.x_mm) - min(one.x_mm + one.width_mm, other.x_mm + other.width_mm)
            apart_y = max(one.y_mm, other.y_mm) - min(one.y_mm + one.height_mm, other.y_mm + other.height_mm)
            assert max(apart_x, apart_y) >= MIN_GAP_MM - 0.01
        paper = picture(png_bytes(page, font))
        for one in bars(page):
            assert one.dots * DOT_MM >= 0.33
            quiet = QUIET_MODULES[symbology] * one.dots
            left, top, *_ = (round(length / DOT_MM) for length in one.runs()[0])
            width, height = (round(length / DOT_MM) for length in (one.width_mm, one.height_mm))
            assert (paper[top : top + height, left - quiet : left] == 255).all()
            assert (paper[top : top + height, left + width : left + width + quiet] == 255).all()
            if symbology is Symbology.QR:
                assert (paper[top - quiet : top, left : left + width] == 255).all()
                assert (paper[top + height : top + height + quiet, left : left + width] == 255).all()


def test_sheet_when_written_as_pdf_then_its_text_can_be_selected(font: PrintFont) -> None:
    """The words are text in the PDF: Chinese captions of the catalogue and the operations, and where it counts."""
    with pypdfium2.PdfDocument(pdf_bytes(draw_sheet(operations()), font, title="操作卡")) as document:
        text = "".join(page.get_textpage().get_text_range() for page in document)
        assert document.get_metadata_value("Title") == "操作卡"
        assert [round(side / 72 * 25.4) for side in document[0].get_size()] == [210, 297]
    chinese = load_catalogue("zh-CN")
    wanted = [chinese.text("sheet", name).headline for name in ("operations", "close", "undo", "confirm")]
    wanted += [operation.zh for operation in load_operations().values()]
    wanted += [operation.en for operation in load_operations().values()]
    assert [one for one in [*wanted, SITE, "门诊药房", "2026-11-22"] if one not in text] == []


def test_operations_sheet_when_planned_then_it_has_every_operation_and_no_danger() -> None:
    """The sheet that hangs at the counter has all operations, close, undo and confirm, and nothing signed."""
    commands = [parse(Symbol(cell.text.encode(), "s", 0)) for cell in operations().cells]
    assert commands[:3] == [
        ControlCode(ControlAction.CLOSE),
        ControlCode(ControlAction.UNDO),
        ControlCode(ControlAction.CONFIRM),
    ]
    assert commands[3:] == [ControlCode(ControlAction.OPEN, one) for one in load_operations()]


def test_technician_sheet_when_planned_then_every_code_is_signed_for_this_box() -> None:
    """Each cell verifies with the key of the sheets on its box, and the sheet says where and until when."""
    plan = technician()
    actions = set()
    for cell in plan.cells:
        command = parse(Symbol(cell.text.encode(), "s", 0))
        assert isinstance(command, ControlCode)
        assert verify(command, [SIGNER.verifier()], site=SITE, box="counter-1", today=TODAY) is None
        actions.add(command.action)
    assert actions == SIGNED_ACTIONS
    for told in (SITE, "counter-1", "T-0007", "2027-02-19"):
        assert told in plan.scope


def test_technician_sheet_when_for_every_box_then_it_says_so() -> None:
    """A sheet for the whole site can be told from one for a box."""
    plan = technician_sheet(SIGNER, Sheet(SITE, "", "T-1", TODAY), Place(SITE, "", "", TODAY))
    assert load_catalogue("zh-CN").text("sheet", "every_box").line in plan.scope


def test_badge_when_planned_then_the_name_is_printed_and_the_id_is_scanned() -> None:
    """The name stays on the paper; the symbol holds the id alone."""
    cell = operators().cells[0]
    assert cell.caption == "张丽华"
    assert parse(Symbol(cell.text.encode(), "s", 0)) == ControlCode(ControlAction.OPERATOR, "P07")


def test_badge_when_the_id_is_a_persons_number_then_it_is_refused() -> None:
    """Nobody's ID number becomes a symbol on a badge."""
    with pytest.raises(ControlCodeError):
        operators_sheet([Person("110101199001011237")], PLACE)


def test_sheet_when_signed_codes_are_asked_as_bars_then_refused() -> None:
    """A signature does not fit the bars of an A4 page."""
    with pytest.raises(SheetTooWideError):
        draw_sheet(technician(), Symbology.CODE128)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_operators_when_an_office_program_wrote_the_table_then_read(tmp_path: Path, encoding: str) -> None:
    """A table in UTF-8, with or without mark, or in GB 18030 gives the same people."""
    table = tmp_path / "people.csv"
    table.write_bytes("id,name,phone\r\nP07, 张丽华 ,1\r\nP08,李四,2\r\n".encode(encoding))
    assert read_operators([str(table), "P09=王五", "P10"]) == [
        Person("P07", "张丽华"),
        Person("P08", "李四"),
        Person("P09", "王五"),
        Person("P10"),
    ]


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        ("name\n张丽华\n", "columns id and name"),
        ("", "columns id and name"),
        ("id,name\n,张丽华\n", "operator 1 has no id"),
        ("id,name\nP-7,a\np_7,b\n", "operator 2: this id was given before"),
        ("id,name\nP7," + "长" * 21 + "\n", "at most 20"),
    ],
)
def test_operators_when_the_table_is_wrong_then_the_line_is_named_and_nobody(
    tmp_path: Path, content: str, hint: str
) -> None:
    """The sentence says which line, and quotes no name."""
    table = tmp_path / "people.csv"
    table.write_text(content, "utf-8")
    with pytest.raises(OperatorsError, match=hint) as caught:
        read_operators([str(table)])
    assert "张丽华" not in str(caught.value)
