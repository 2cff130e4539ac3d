"""Wording: lines without holes, codes in groups, nothing that moves a cursor."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yaoma.core.code import Cn20, Gs1, Lookalike, LookalikeKind, Other
from yaoma.core.wording import fill, grouped, placeholders


@pytest.mark.parametrize(
    ("facts", "line"),
    [
        ({"product": "阿莫西林", "place": 3}, "名单内 · 阿莫西林 · 第 3 盒"),
        ({"product": "", "place": 3}, "名单内 · 第 3 盒"),
        ({"product": "阿莫西林", "place": 0}, "名单内 · 阿莫西林"),
        ({}, "名单内"),
        ({"strange": 1}, "名单内"),
    ],
)
def test_fill_when_a_fact_is_missing_then_its_piece_is_left_out(facts: dict[str, str | int], line: str) -> None:
    """A piece whose fact is missing or empty is dropped whole; `+` drops zero too."""
    assert fill(["名单内", "{product}", "第 {place+} 盒"], facts) == line


def test_fill_when_a_plain_number_is_zero_then_it_stays() -> None:
    """Record 0 is a record: only `+` makes zero mean nothing."""
    assert fill(["Record {seq} was altered"], {"seq": 0}) == "Record 0 was altered"


def test_fill_when_a_fact_holds_braces_or_escapes_then_they_stay_harmless() -> None:
    """A fact is no template, and no control character reaches the terminal."""
    assert fill(["{note}"], {"note": "{product}\x1b[2J\n"}) == "{product} [2J"


@given(st.dictionaries(st.sampled_from(["note", "place", "seq"]), st.text() | st.integers()))
def test_fill_when_facts_are_anything_then_the_line_is_short_and_printable(facts: dict[str, str | int]) -> None:
    """Whatever the facts are, nothing is raised, and the line can be printed."""
    line = fill(["a {note}", "b {place+}", "c {seq}"], facts)

    assert line.isprintable()
    assert len(line) <= 3 * 90


def test_placeholders_when_marked_or_not_then_names_are_bare() -> None:
    """The mark for zero is no part of the name."""
    assert placeholders(["a {x+}", "{y} {x}"]) == {"x", "y"}


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (Cn20("81234567890123456789"), "81234 56789 01234 56789"),
        (Gs1("06901234567892", "A1"), "(01) 06901234567892 (21) A1"),
        (Other("std", "X-1"), "X-1"),
        (Lookalike(LookalikeKind.EAN13, 13, "6901234567892"), "6901234567892"),
        (Lookalike(LookalikeKind.ID_NUMBER, 18), ""),
    ],
)
def test_grouped_when_asked_then_only_codes_have_text(code: Cn20 | Gs1 | Other | Lookalike, text: str) -> None:
    """20 digits stand in fives; what is no code is never written."""
    assert grouped(code) == text
