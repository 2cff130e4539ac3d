"""Canonical JSON against the reference implementation of RFC 8785."""

import json

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from yaoma.core.canonical import MAX_INTEGER, Json, NotCanonicalError, canonical, parse_canonical

KEYS = st.text(st.characters(min_codepoint=0, max_codepoint=127), max_size=8)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_canonical_agrees_with_rfc8785(value: Json) -> None:
    """Byte for byte what the rfc8785 package writes."""
    assert rfc8785.dumps(value) == canonical(value)


@pytest.mark.parametrize("count", [0, 1, 64, 65, 1000])
def test_canonical_of_an_object_with_many_keys_agrees_with_rfc8785(count: int) -> None:
    """Also where the keys are too many for their layout to be kept, and hold what a layout is made with."""
    value: Json = {f"%s{number}%": {"{}%(a)s": number} for number in range(count, 0, -1)}

    assert rfc8785.dumps(value) == canonical(value) == canonical(value)


@given(st.dictionaries(KEYS, VALUES, max_size=5))
def test_canonical_bytes_parse_back_to_the_same_value(value: dict[str, Json]) -> None:
    """Parsing gives back what was encoded."""
    assert json.loads(json.dumps(value)) == parse_canonical(canonical(value))


@pytest.mark.parametrize(
    "value",
    [1.5, {"a": float("nan")}, {"ключ": 1}, [2**53], {"a": -(2**53)}, {"a": "\ud800"}, {"a": b"x"}, {1: 2}],
)
def test_value_without_canonical_form_is_refused(value: object) -> None:
    """Fractions, huge numbers, foreign keys, half surrogates and bytes have no form here."""
    with pytest.raises(NotCanonicalError):
        canonical(value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"[]",
        b"1",
        b'{"b":1,"a":2}',
        b'{"a": 1}',
        b'{"a":1,"a":1}',
        b'{"a":1.0}',
        b'{"a":"\\u0041"}',
        b"[" * 9000,
    ],
)
def test_bytes_that_are_not_canonical_are_refused(data: bytes) -> None:
    """Other order, spaces, repeated keys, fractions, needless escapes, deep nesting: one form only."""
    with pytest.raises(NotCanonicalError):
        parse_canonical(data)


def test_value_nested_beyond_the_stack_is_refused() -> None:
    """Depth is an error of the sender, not a crash of the reader, in both directions."""
    deep: list[Json] = []
    for _ in range(50_000):
        deep = [deep]

    with pytest.raises(NotCanonicalError, match="deeply"):
        canonical(deep)
    for depth in (500, 900, 990, 5_000):
        try:
            parse_canonical(b'{"a":' + b"[" * depth + b"]" * depth + b"}")
        except NotCanonicalError:
            continue
