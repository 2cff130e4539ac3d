"""Shipment text: one form, and every contradiction is refused without naming a code."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.news import CASE, PACKS, shipment
from yaoma.core.shipment import ShipmentError
from yaoma.core.shipment_text import read_shipment, shipment_fields

FIELDS: dict[str, Any] = shipment_fields(shipment())


def changed(**parts: Any) -> dict[str, Any]:
    """The shipment with some parts replaced."""
    return {**copy.deepcopy(FIELDS), **parts}


def entry(code: str, around: str = "", line: int | None = None) -> dict[str, Any]:
    """One code of a shipment."""
    return {"code": code, "in": around, "line": line}


CODES = FIELDS["codes"]


def test_shipment_read_back_is_the_same() -> None:
    """What is written can be read, and says the same."""
    assert shipment() == read_shipment(FIELDS)
    assert FIELDS == shipment_fields(read_shipment(FIELDS))


@pytest.mark.parametrize(
    ("codes", "said"),
    [
        ([entry(CASE, PACKS[0]), entry(PACKS[0], CASE, 0)], "more than 4 levels, or a circle|lies in itself"),
        ([entry(CASE, CASE)], "lies in itself"),
        ([*CODES, entry(PACKS[0], PACKS[1], 0)], "lies in two containers"),
        ([*CODES, CODES[1]], "stands there twice"),
        (CODES[:-1], "3 packs are said, 2 codes are there"),
        ([entry(PACKS[0], CASE, 0)], "its container is not in the shipment"),
        ([CODES[0], *CODES[1:3], entry(PACKS[2], CASE)], "holds nothing and belongs to no line"),
        ([*CODES[:3], entry(PACKS[2], CASE, 5)], "there is no line 6"),
        ([entry("cn20:123")], "no key of a trace code"),
        ([entry("69012345")], "no key of a trace code"),
        ([{"code": CASE}], "exactly code, in, line"),
        ([entry(CASE, "", True)], "line is its place"),
        ([], "at least one code"),
        ("many", "a list of at most"),
    ],
)
def test_codes_that_contradict_themselves_are_refused(codes: Any, said: str) -> None:
    """Circles, children in two parents, repeated codes, quantities that are not there; the code is not named."""
    with pytest.raises(ShipmentError, match=said) as refused:
        read_shipment(changed(codes=codes))

    assert not any(code.removeprefix("cn20:") in str(refused.value) for code in (CASE, *PACKS))


@pytest.mark.parametrize(
    "parts",
    [
        {"kind": "gift"},
        {"id": ""},
        {"supplier": "a\nb"},
        {"sent_ms": -1},
        {"sent_ms": True},
        {"extra": 1},
        {"lines": [{**FIELDS["lines"][0], "expiry": "31.5.2027"}]},
        {"lines": [{**FIELDS["lines"][0], "packs": "3"}]},
        {"lines": [{**FIELDS["lines"][0], "lot": ""}]},
        {"lines": ["line"]},
    ],
)
def test_form_that_is_wrong_is_refused(parts: dict[str, Any]) -> None:
    """No field is guessed, none is passed over."""
    with pytest.raises(ShipmentError):
        read_shipment(changed(**parts))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*FIELDS, "code", "in"]), inner),
        max_leaves=8,
    )
)
def test_anything_else_is_a_shipment_error_or_a_shipment(value: Any) -> None:
    """Whatever stands in the fields, nothing but a ShipmentError comes out."""
    for name in FIELDS:
        try:
            read_shipment(changed(**{name: value}))
        except ShipmentError:
            continue
