"""The matrix itself: its rows are complete, and marks name rows that exist."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from requirements.matrix import BOX, BRIDGE, Row, collected, own_parts, read_rows, status_of

TESTS = Path(__file__).parents[1]


def marks(path: Path) -> Iterator[tuple[str, str]]:
    """Every `mark.row(...)` that stands in a file: its row and its part."""
    text = path.read_text("utf-8")
    for node in ast.walk(ast.parse(text)) if "mark.row(" in text else ():
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "row":
            said = {one.arg: ast.literal_eval(one.value) for one in node.keywords}
            yield ast.literal_eval(node.args[0]), said.get("part", BOX)


@pytest.fixture(scope="module")
def rows() -> dict[str, Row]:
    """The rows."""
    return read_rows()


def test_matrix_when_read_then_every_notice_has_all_its_rows(rows: dict[str, Row]) -> None:
    """136 rows without a gap: 28, 33, 26, 22 and 27 of the five notices."""
    assert {"S0": 28, "S1": 33, "S2": 26, "S3": 22, "S4": 27} == Counter(name[:2] for name in rows)
    assert [
        f"{name[:3]}{place:02}"
        for notice in Counter(name[:2] for name in rows)
        for place, name in enumerate((one for one in rows if one.startswith(notice)), 1)
    ] == list(rows)
    assert all(row.phrase and row.who and set(row.who) <= {"B", "T", "R", "O"} for row in rows.values())


def test_matrix_when_marks_are_read_then_they_name_rows_and_parts(rows: dict[str, Row]) -> None:
    """A mark with a wrong number would show nothing; one of the bridge stands only where the bridge has a part."""
    found = {mark for path in TESTS.rglob("test_*.py") for mark in marks(path)}

    assert len(found) > 100
    assert {(row, part) for row, part in found if row not in rows or part not in {BOX, BRIDGE}} == set()
    assert {row for row, part in found if part == BRIDGE and "R" not in rows[row].who} == set()


def test_matrix_when_tests_of_a_folder_are_collected_then_it_finds_the_marks_that_stand_there() -> None:
    """What `make matrix` prints comes from the tests that pytest finds."""
    found = collected([TESTS / "requirements"])

    assert [] == found.failed
    assert set(found.tests) == {mark for path in (TESTS / "requirements").glob("test_*.py") for mark in marks(path)}


def test_matrix_when_a_row_has_an_own_part_then_the_readme_says_which(rows: dict[str, Row]) -> None:
    """What only people can do is said in a line, and of no other row."""
    assert {name for name, row in rows.items() if "O" in row.who} == own_parts()


@pytest.mark.parametrize(
    ("who", "tests", "status"),
    [
        ("B", {("X", BOX): ["t"]}, "works"),
        ("B R", {("X", BRIDGE): ["t"]}, "open"),
        ("B R", {("X", BOX): ["t"]}, "works"),
        ("T", {}, "open"),
        ("R", {}, "bridge"),
        ("R", {("X", BRIDGE): ["t"]}, "works"),
        ("R", {("X", BOX): ["t"]}, "bridge"),
        ("O", {}, "institution"),
        ("B O", {}, "open"),
    ],
)
def test_matrix_when_status_is_computed_then_only_tests_make_it_work(
    who: str, tests: dict[tuple[str, str], list[str]], status: str
) -> None:
    """A row works by a test of the part that serves it, and by nothing else."""
    assert status == status_of(Row("X", "x", tuple(who.split())), tests, frozenset({"X"}))
