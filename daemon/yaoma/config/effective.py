"""Effective: the whole configuration with its defaults, for a person to look at; nothing secret is in it."""

import re
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any, Final

from pydantic import BaseModel, SecretBytes, SecretStr

from yaoma.config.load import Loaded
from yaoma.config.model import ScannerConfig
from yaoma.config.toml_text import key_text, value_text

__all__ = ["effective", "effective_lines"]

_HIDDEN: Final = "***"
_SECRET_NAME: Final = re.compile(r"pass(word|phrase|wd)|secret|token|credential|api_?key|(^|_)pin$", re.IGNORECASE)
#: A camera's address may carry its user and password.
_LOGIN: Final = re.compile(r"(?<=://)[^/@\s]+(?=@)")
_DEFAULT_MARK: Final = "  # 默认值 / default"


def effective(loaded: Loaded) -> dict[str, Any]:
    """Give every key with its value, sections as tables, keys without a value left out.

    Args:
        loaded: The configuration.
    """
    return _table(loaded.config, loaded.options)


def effective_lines(loaded: Loaded) -> list[str]:
    """Write it as TOML; a default is marked as one.

    Args:
        loaded: The configuration.
    """
    return _lines(loaded.config, "", loaded.options)


def _values(model: BaseModel, options: Mapping[str, BaseModel]) -> Iterator[tuple[str, Any]]:
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(model, ScannerConfig) and name == "options":
            value = options[model.name]
        if value is not None:
            yield name, value


def _lines(model: BaseModel, path: str, options: Mapping[str, BaseModel]) -> list[str]:
    plain, tables = [], []
    for name, value in _values(model, options):
        if isinstance(value, BaseModel):
            tables += ["", f"[{path}{name}]", *_lines(value, f"{path}{name}.", options)]
        elif isinstance(value, tuple) and value and isinstance(value[0], BaseModel):
            for one in value:
                tables += ["", f"[[{path}{name}]]", *_lines(one, f"{path}{name}.", options)]
        else:
            mark = "" if name in model.model_fields_set else _DEFAULT_MARK
            plain.append(f"{key_text(name)} = {value_text(_shown(name, value, options))}{mark}")
    return plain + tables


def _table(model: BaseModel, options: Mapping[str, BaseModel]) -> dict[str, Any]:
    return {name: _shown(name, value, options) for name, value in _values(model, options)}


def _shown(name: str, value: object, options: Mapping[str, BaseModel]) -> Any:  # noqa: ANN401 - any value of TOML
    if isinstance(value, BaseModel):
        return _table(value, options)
    if isinstance(value, Mapping):
        return {_word(key): _shown(_word(key), one, options) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_shown(name, one, options) for one in value]
    return _plain(name, value)


def _plain(name: str, value: object) -> bool | int | float | str:
    if isinstance(value, SecretStr | SecretBytes) or (isinstance(value, str | bytes) and _SECRET_NAME.search(name)):
        return _HIDDEN
    if isinstance(value, bytes):
        return value.hex(" ").upper()
    if isinstance(value, bool | int | float):
        return value
    return _LOGIN.sub(_HIDDEN, _word(value))


def _word(value: object) -> str:
    return str(value.value if isinstance(value, Enum) else value)
