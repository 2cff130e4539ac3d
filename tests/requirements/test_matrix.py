"""The matrix itself: its rows are complete, and marks name rows that exist."""

from collections import Counter

import pytest

from requirements.matrix import BOX, BRIDGE, Row, collected, own_parts, read_rows, status_of


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


def test_matrix_when_tests_are_collected_then_marks_name_rows_and_parts(
    rows: dict[str, Row], request: pytest.FixtureRequest
) -> None:
    """A mark with a wrong number would show nothing; one of the bridge stands only where the bridge has a part."""
    found = collected([request.config.rootpath / "tests"])

    assert [] == found.failed
    assert {(row, part) for row, part in found.tests if row not in rows or part not in {BOX, BRIDGE}} == set()
    assert {row for row, part in found.tests if part == BRIDGE and "R" not in rows[row].who} == set()


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
