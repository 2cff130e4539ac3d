"""TOML text: values as they stand in a file; the standard library reads TOML and does not write it."""

import datetime as dt
import json
import re
from collections.abc import Mapping
from enum import Enum
from typing import Final

__all__ = ["key_text", "value_text"]

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")


def key_text(name: str) -> str:
    """Write a key, in quotes if it needs them."""
    return name if _BARE.fullmatch(name) else _quoted(name)


def value_text(value: object) -> str:
    """Write a value: what TOML has no word for is written as text, bytes in hexadecimal as the drivers read them."""
    if isinstance(value, Enum):
        return value_text(value.value)
    if isinstance(value, Mapping):
        inner = ", ".join(f"{key_text(_name(name))} = {value_text(one)}" for name, one in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list | tuple | set | frozenset):
        return f"[{', '.join(map(value_text, value))}]"
    return _plain(value)


def _plain(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float() | dt.date() | dt.time():
            return str(value)
        case bytes():
            return _quoted(value.hex(" ").upper())
    return _quoted(str(value))


def _name(name: object) -> str:
    return str(name.value if isinstance(name, Enum) else name)


def _quoted(text: str) -> str:
    # JSON's escapes are TOML's, but for the one control character that JSON lets through.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
