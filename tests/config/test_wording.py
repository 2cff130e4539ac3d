"""Wording: every kind of mistake that can occur has a sentence in both languages."""

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from yaoma.config.model import Config
from yaoma.config.wording import EXPECTED, expected, found
from yaoma_drivers import registry

#: Types of error by the kind of a core schema, and by what a field adds to it (pydantic's list of usage errors).
_BY_KIND = {
    "str": {"string_type", "string_unicode"},
    "int": {"int_type", "int_parsing", "int_parsing_size", "int_from_float"},
    "float": {"float_type", "float_parsing", "finite_number"},
    "bool": {"bool_type", "bool_parsing"},
    "bytes": {"bytes_type", "bytes_invalid_encoding"},
    "literal": {"literal_error"},
    "enum": {"enum"},
    "dict": {"dict_type"},
    "tuple": {"tuple_type", "missing", "too_long", "too_short"},
    "list": {"list_type"},
    "model": {"model_type"},
    "model-fields": {"missing", "extra_forbidden", "model_type"},
    "lax-or-strict": {"path_type"},  # how pydantic builds a path
}
_BY_LIMIT = {
    "ge": {"greater_than_equal"},
    "gt": {"greater_than"},
    "le": {"less_than_equal"},
    "lt": {"less_than"},
    "multiple_of": {"multiple_of"},
    "pattern": {"string_pattern_mismatch"},
    "min_length": {"too_short", "string_too_short", "bytes_too_short"},
    "max_length": {"too_long", "string_too_long", "bytes_too_long"},
}
#: Kinds of schema that refuse nothing of their own, or with a sentence that their function gives.
_TRANSPARENT = {
    "any", "no-info", "with-info", "default", "nullable", "definitions", "definition-ref", "is-instance", "model-field",
    "function-after", "function-before", "function-wrap", "function-plain", "union", "json-or-python", "chain",
}  # fmt: skip


def _schemas(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        if isinstance(schema.get("type"), str):
            yield schema
        for name, inner in schema.items():
            if name not in {"metadata", "serialization"}:
                yield from _schemas(inner)
    elif isinstance(schema, list | tuple):
        for inner in schema:
            yield from _schemas(inner)


def _models() -> list[type[BaseModel]]:
    return [Config, *(registry.load(name).Options for name in registry.known())]


@pytest.mark.parametrize("model", _models(), ids=lambda model: model.__name__)
def test_every_type_of_error_that_the_model_can_give_has_its_sentence(model: type[BaseModel]) -> None:
    """The types are read off the schema of our model and of every installed driver's options."""
    kinds = 0
    for schema in _schemas(model.__pydantic_core_schema__):
        kind = schema["type"]
        assert kind in _BY_KIND.keys() | _TRANSPARENT, f"say which errors the schema {kind} gives"
        can_occur = set(_BY_KIND.get(kind, ())).union(*(_BY_LIMIT[name] for name in _BY_LIMIT if name in schema))
        assert can_occur <= EXPECTED.keys()
        kinds += len(can_occur)

    assert kinds


def test_every_sentence_is_in_both_languages_and_names_the_same_facts() -> None:
    """Chinese is Chinese, English is English, and both are filled with the same facts."""
    for kind, said in EXPECTED.items():
        assert said.en.isascii(), kind
        facts = dict.fromkeys(("ge", "gt", "le", "lt", "min_length", "max_length", "expected", "name", "known"), "1")
        assert said.fill(facts).zh.count("?") == said.fill(facts).en.count("?"), kind


def test_unknown_type_of_a_strangers_driver_is_still_said() -> None:
    """A sentence that nobody has translated stands in both languages' sentence."""
    said = expected("their_own", {}, "Value error, must be odd")

    assert "must be odd" in said.en
    assert said.zh.startswith("驱动可用的值")
    assert "?" in expected("greater_than_equal", {}, "").en


@pytest.mark.parametrize(
    ("value", "shown", "hidden"),
    [
        (True, "true", "true or false"),
        (5, "5", "a whole number"),
        (0.5, "0.5", "a number with a fraction"),
        ("a", '"a"', "text (length 1)"),
        ("a" * 65, "text (length 65)", "text (length 65)"),
        ("a\nb", "text (length 3)", "text (length 3)"),
        (10**100, "a whole number", "a whole number"),
        ([1], "a list (length 1)", "a list (length 1)"),
        ({}, "a table (keys: 0)", "a table (keys: 0)"),
        (None, "something else", "something else"),
    ],
)
def test_value_is_shown_only_where_it_may_be(value: object, shown: str, hidden: str) -> None:
    """Short plain values of keys without secrets; of anything else the kind and the length."""
    assert (shown, hidden) == (found(value, is_quotable=True).en, found(value, is_quotable=False).en)


def test_pydantic_knows_the_types_that_are_translated() -> None:
    """A type that pydantic has renamed would be noticed."""
    from pydantic_core._pydantic_core import list_all_errors  # noqa: PLC0415 - not among its public names

    ours = {"path_not_absolute", "no_host_name", "scanner_twice", "station_twice", "placed_twice", "path_type"}
    ours |= {"scanner_at_no_station", "no_such_scanner", "seal_without_salt", "salt_without_seal"}
    ours |= {"driver_unknown", "driver_unusable", "no_web_address", "not_local", "policy_without_institution"}
    ours |= {"calibration_unusable", "indicator_twice", "port_twice", "no_such_station"}

    assert EXPECTED.keys() - ours <= {one["type"] for one in list_all_errors()}
