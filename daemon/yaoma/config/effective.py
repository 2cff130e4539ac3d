"""Effective: the whole configuration with its defaults, for a person to look at; nothing secret is in it."""

import re
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any, Final

from pydantic import BaseModel, SecretBytes, SecretStr

from yaoma.config.counter_sections import IndicatorConfig, PassThroughConfig, ScannerConfig
from yaoma.config.load import Loaded
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
    return _table(loaded.config, loaded)


def effective_lines(loaded: Loaded) -> list[str]:
    """Write it as TOML; a default is marked as one.

    Args:
        loaded: The configuration.
    """
    return _lines(loaded.config, "", loaded)


def _values(model: BaseModel, loaded: Loaded) -> Iterator[tuple[str, Any]]:
    for name in type(model).model_fields:
        value = getattr(model, name)
        if name == "options":
            value = _checked(model, loaded)
        if value is not None:
            yield name, value


def _checked(model: BaseModel, loaded: Loaded) -> BaseModel | None:
    """Give the checked options of the driver that a table names."""
    match model:
        case ScannerConfig():
            return loaded.options[model.name]
        case IndicatorConfig():
            return loaded.indicator_options[model.name]
        case PassThroughConfig():
            return loaded.port_options[model.station]
    return None


def _lines(model: BaseModel, path: str, loaded: Loaded) -> list[str]:
    plain, tables = [], []
    for name, value in _values(model, loaded):
        if isinstance(value, BaseModel):
            tables += ["", f"[{path}{name}]", *_lines(value, f"{path}{name}.", loaded)]
        elif isinstance(value, tuple) and value and isinstance(value[0], BaseModel):
            for one in value:
                tables += ["", f"[[{path}{name}]]", *_lines(one, f"{path}{name}.", loaded)]
        else:
            mark = "" if name in model.model_fields_set else _DEFAULT_MARK
            plain.append(f"{key_text(name)} = {value_text(_shown(name, value, loaded))}{mark}")
    return plain + tables


def _table(model: BaseModel, loaded: Loaded) -> dict[str, Any]:
    return {name: _shown(name, value, loaded) for name, value in _values(model, loaded)}


def _shown(name: str, value: object, loaded: Loaded) -> Any:  # noqa: ANN401 - any value of TOML
    if isinstance(value, BaseModel):
        return _table(value, loaded)
    if isinstance(value, Mapping):
        return {_word(key): _shown(_word(key), one, loaded) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_shown(name, one, loaded) for one in value]
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
