"""Reference: a configuration with every key explained in both languages; what is not set stands behind # as default."""

from collections.abc import Mapping
from typing import Any, Final

from yaoma.config.key_table import OPTIONS, Key, key_table
from yaoma.config.toml_text import key_text, value_text

__all__ = ["EXAMPLE", "render"]

_HEAD: Final = (
    "# 药码盒子的配置。每个键都有说明；带 # 的行是默认值。改完请运行 yaoma config check 检查。\n"
    "# The box's configuration. Every key is explained; lines behind # show the defaults. "
    "Check it with: yaoma config check\n"
)


def _example(section: tuple[str, ...]) -> dict[str, Any]:
    keys = [key for key in key_table() if key.path[:-1] == section and not key.is_section]
    return {key.path[-1]: key.about.example for key in keys if key.is_required or key.path in OPTIONS}


#: What the file that ships has set: what has no default.
EXAMPLE: Final[Mapping[str, Any]] = {
    **_example(()),
    "broker": _example(("broker",)),
    "station": [_example(("station",))],
    "scanner": [_example(("scanner",))],
}


def render(values: Mapping[str, Any]) -> str:
    """Write a configuration.

    Args:
        values: The keys that are set, as `tomllib` gives them; all others stand as comments.
    """
    out = [_HEAD, *_keys((), values)]
    for section in key_table():
        if section.is_array:
            tables = values.get(section.path[0], ())
            if not tables and not section.is_required:
                out.append("\n" + _comment(section) + _behind_marks(section))
            for number, table in enumerate(tables):
                head = [_comment(section)] if number == 0 else []
                out.append("".join(["\n", *head, f"[[{section.path[0]}]]\n", *_keys(section.path, table)]))
        elif section.is_section:
            table = values.get(section.path[0], {})
            out.append("".join(["\n", _comment(section), f"[{section.path[0]}]\n", *_keys(section.path, table)]))
    return "".join([out[0], "\n", *out[1:]])


def _behind_marks(section: Key) -> str:
    """Write an example of a section that may be absent, every line of it a comment."""
    lines = [f"[[{section.path[0]}]]", *"".join(_keys(section.path, _example(section.path))).splitlines()]
    return "".join(f"{line}\n" if line.startswith("# ") else f"# {line}\n" for line in lines)


def _keys(section: tuple[str, ...], values: Mapping[str, Any]) -> list[str]:
    out = []
    for key in key_table():
        if key.path[:-1] != section or key.is_section:
            continue
        name = key.path[-1]
        out.append(_comment(key))
        if isinstance(values.get(name), Mapping):
            out.append(f"[{'.'.join(key.path)}]\n")
            out += [f"{key_text(inner)} = {value_text(value)}\n" for inner, value in values[name].items()]
        elif name in values:
            out.append(f"{name} = {value_text(values[name])}\n")
        elif key.path[-1] != "options":
            out.append(f"# {name} = {value_text(key.about.example if key.default in (None, ()) else key.default)}\n")
    return out


def _comment(key: Key) -> str:
    return f"# {key.about.zh}{key.about.en}\n"
