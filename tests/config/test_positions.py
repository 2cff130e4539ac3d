"""Positions of keys: the walk over the text finds the keys that the parser finds, where they stand."""

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yaoma.config.positions import KeyPath, Position, nearest, positions

_VALUES = [
    "1", "-2.5e3", "true", "1979-05-27T07:32:00Z", "07:32:00", "1979-05-27 07:32:00",
    '"a # no comment = no key"', "'C:\\dir'", '"quote \\" inside"', '""', "''",
    '"""\nx = 1\n[no.header]\n"""', "'''\n# y\n'''", '"""a""\\""""', "''''quoted''''", '"""two at the end"""""',
    "[]", "[1, 2,]", '[\n  "a", # one, [x]\n  [1, [2]],\n  { k = 1, "l m".n = [3] },\n]', "{}", '{ a = 1, b.c = "x" }',
    '["""\n]\n""", 2]', "{ deep = { er = [ { x = 1 }, { y = 2 } ] } }",
]  # fmt: skip


@st.composite
def documents(draw: st.DrawFn) -> str:
    """TOML with every kind of value, header and key, and with space and comments in odd places."""
    lines = []
    for number in range(draw(st.integers(0, 12))):
        name = draw(
            st.sampled_from([f"k{number}", f'"k {number}"', f"'k.{number}'", f"d{number} . e.f", f'x{number}."#"'])
        )
        header = [
            f"[t{number}]",
            f"[ t{number} . u ] # c",
            "[[list]]",
            "[[list . inner]]",
            "[list.sub]",
            "[[list.sub2]]",
        ]
        value = draw(st.sampled_from(_VALUES))
        lines.append(
            draw(st.sampled_from([f"{name} = {value}", f"\t{name}={value} # = [x]", "", "# [a]\tb = 1", *header]))
        )
    return "\n".join(lines) + draw(st.sampled_from(["", "\n", "\n\n# end"]))


def _paths(value: Any, base: KeyPath = ()) -> set[KeyPath]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return {path for key, inner in items for path in ({(*base, key)} | _paths(inner, (*base, key)))}


@given(documents())
def test_walk_finds_exactly_the_keys_that_the_parser_finds(text: str) -> None:
    """Strings, comments, nested arrays and inline tables mislead nobody."""
    try:
        parsed = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return  # two headers that exclude each other

    assert _paths(parsed) == set(positions(text))


@pytest.mark.parametrize("value", _VALUES)
def test_key_after_any_value_stands_on_its_own_line(value: str) -> None:
    """Values of several lines count with all their lines."""
    text = f"a = {value} # comment\n\n  b = 1\n"

    assert Position(value.count("\n") + 3, 3) == positions(text)["b",]


def test_tables_of_an_array_are_told_apart() -> None:
    """A key of the second [[scanner]] is found in the second one, also in its sub-table."""
    found = positions('[[scanner]]\nname = "a"\n[[scanner]]\nname = "b"\n[scanner.options]\ndevice = 1\n')

    assert (2, 4, 6) == tuple(
        found[path].line
        for path in (("scanner", 0, "name"), ("scanner", 1, "name"), ("scanner", 1, "options", "device"))
    )


def test_missing_key_is_placed_at_the_table_around_it() -> None:
    """What is not there stands where it should be added."""
    found = positions("x = 1\n[broker]\nport = 1\n")

    assert Position(2, 1) == nearest(found, ("broker", "host"))
    assert nearest(found, ("keys", "salt")) is None
