"""What a page becomes as text, CSV and HTML: nothing runs, nothing is lost, 20 digits stay 20 digits."""

import csv
import io
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yaoma.core.report_csv import as_csv
from yaoma.core.report_html import as_html
from yaoma.core.report_page import Column, ColumnKind, Page, Table, Tile
from yaoma.core.report_text import as_text

CODE = "cn20:83003850000000131888"
FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "＝1", "＋1", "－1", "＠A1")


def page(text: str, number: int = 5) -> Page:
    """A page with a text wherever one can stand."""
    columns = [Column("名称"), Column("盒数", ColumnKind.NUMBER), Column("追溯码", ColumnKind.CODE)]
    return Page(
        "rates",
        text,
        [("机构", text)],
        [Table(text, columns, [[text, number, CODE], [None, None, None]], [text]), Table("空", columns, [])],
        [text],
        [Tile("比率", "95.0 %", text, is_met=True)],
        proof=f"origin\n5\nroot\n\n\u2014 {text}\n",
        labels={"nothing": "本期无记录", "proof": "检查点", "language": "zh-CN"},
    )


class Tags(HTMLParser):
    """Every tag and its attributes, and all text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the tag; no attribute loads or runs anything."""
        self.tags.add(tag)
        assert not {name for name, _ in attrs} & {"src", "href", "onclick", "onerror", "onload", "action"}

    def handle_data(self, data: str) -> None:
        """Keep the text."""
        self.text.append(data)


@pytest.mark.parametrize("formula", FORMULAS)
def test_csv_when_a_text_looks_like_a_formula_then_it_is_text(formula: str) -> None:
    """No cell of a report begins with what a spreadsheet would run, wherever the text stands."""
    cells = [cell for row in csv.reader(io.StringIO(as_csv(page(formula)).removeprefix("\ufeff"))) for cell in row]

    assert 7 == sum(cell == f"'{formula}" for cell in cells if "\n" not in formula or cell.startswith("'"))
    assert not [cell for cell in cells if cell.strip()[:1] in tuple("=+-@＝＋－＠") and cell[0] != "'"]


@pytest.mark.row("S0-05")
def test_csv_when_written_then_excel_reads_it() -> None:
    """A byte order mark, CRLF, whole numbers as numbers, and codes that no spreadsheet takes for numbers."""
    text = as_csv(page("阿莫西林胶囊"))
    rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))

    assert text.startswith("\ufeff")
    assert text.count("\n") == text.count("\r\n")
    assert ["阿莫西林胶囊", "5", CODE] in rows
    assert ["", "", ""] in rows


@given(st.from_regex(r"\A[0-9]{12,40}\Z"))
def test_csv_when_a_text_is_a_long_number_then_no_digit_is_lost(digits: str) -> None:
    """A bill number of 20 digits is never left to a spreadsheet as a number."""
    rows = list(csv.reader(io.StringIO(as_csv(page(digits)).removeprefix("\ufeff"))))

    assert [f"'{digits}", "5", CODE] in rows


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60))
def test_html_when_any_text_stands_in_it_then_it_stays_text(text: str) -> None:
    """No text becomes a tag, an attribute or a script, and nothing is fetched."""
    parser = Tags()
    parser.feed(as_html(page(f"<script>alert('{text}')</script>"), ((True, False), (False, True))))

    assert "script" not in parser.tags
    assert {"table", "dl", "svg", "h1"} <= parser.tags
    assert "alert(" in "".join(parser.text)


def test_html_when_a_code_is_shown_then_in_groups_of_five() -> None:
    """People compare codes in groups, as on the box's screen; nothing known is a dash, never a nought."""
    html = as_html(page("x"))

    assert ">83003 85000 00001 31888<" in html
    assert '<td class="number">–</td>' in html
    assert "本期无记录" in html
    assert 'lang="zh-CN"' in html


def test_text_when_letters_are_wide_then_columns_stand_below_each_other() -> None:
    """A Chinese character takes two columns of a terminal."""
    columns = [Column("名称"), Column("盒数", ColumnKind.NUMBER)]
    lines = as_text(Page("x", "标题", [], [Table("表", columns, [["甲乙", 7], ["a", 12]])])).split("\n")

    assert ["  名称  盒数", "  ----  ----", "  甲乙     7", "  a       12"] == lines[4:8]


def test_text_when_a_name_moves_the_cursor_then_it_does_not() -> None:
    """A product's name from a list can't rewrite the line above it."""
    assert "\x1b" not in as_text(page("a\x1b[2Jb"))
