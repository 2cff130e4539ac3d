"""Key table: every key that the model knows, in the order of the reference, with what it is for."""

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, get_args

from pydantic import BaseModel

from yaoma.config.model import Config
from yaoma.config.positions import KeyPath
from yaoma.config.said import About

__all__ = ["OPTIONS", "Key", "about", "below", "key_table", "named_elsewhere"]

#: Below these, the driver decides which keys there are.
OPTIONS: Final = (("scanner", "options"), ("indicator", "options"), ("pass_through", "options"))


@dataclass(frozen=True, slots=True)
class Key:
    """A key or a section.

    Args:
        path: Its way from the top, without places in arrays.
        about: What it is for.
        is_section: Whether it is a table or an array of tables.
        is_array: Whether it is an array of tables, `[[...]]`.
        is_required: Whether the file must have it.
        default: What counts if the file does not have it.
    """

    path: tuple[str, ...]
    about: About
    is_section: bool
    is_array: bool
    is_required: bool
    default: object


@functools.cache
def key_table() -> tuple[Key, ...]:
    """Give every key, sections before their keys."""
    return tuple(_walk(Config, ()))


def about(path: KeyPath) -> About | None:
    """Say what a key is for; of a driver's option only that it is one; None of a key that nobody knows.

    Args:
        path: With or without places in arrays.
    """
    names = tuple(part for part in path if isinstance(part, str))
    names = next((options for options in OPTIONS if names[: len(options)] == options), names)
    return next((key.about for key in key_table() if key.path == names), None)


def below(path: KeyPath) -> tuple[str, ...]:
    """Give the names of the keys that a section may have; `()` is the top of the file."""
    names = tuple(part for part in path if isinstance(part, str))
    return tuple(key.path[-1] for key in key_table() if key.path[:-1] == names)


def named_elsewhere(name: str) -> tuple[str, ...] | None:
    """Give the section, `()` for the top, of the first key with this name, or None."""
    return next((key.path[:-1] for key in key_table() if key.path[-1] == name), None)


def _walk(model: type[BaseModel], base: tuple[str, ...]) -> Iterator[Key]:
    for name, field in model.model_fields.items():
        text = next((one for one in field.metadata if isinstance(one, About)), None)
        assert text is not None, f"{model.__name__}.{name} says nothing about itself"
        kinds = (field.annotation, *get_args(field.annotation))
        section = next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)
        is_array = section is not None and section is not field.annotation
        default = None if field.is_required() else field.get_default(call_default_factory=True)
        yield Key((*base, name), text, section is not None, is_array, field.is_required(), default)
        if section is not None:
            yield from _walk(section, (*base, name))
