"""Wording: the sentences of the shared message catalogue that the centre's commands show, Chinese and English."""

import sys
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Final

import yaoma

__all__ = ["LANGUAGES", "catalogue", "config_file", "said"]

LANGUAGES: Final = ("zh-CN", "en")


def said(language: str, section: str, name: str) -> tuple[str, str]:
    """Give what an id means, and what to do.

    Args:
        language: `zh-CN` or `en`.
        section: `outcome` for a reason, `upload` for where a record stands.
        name: The id.

    Returns:
        The sentence and what to do; the id itself and an empty text if the catalogue does not have it.
    """
    entry = catalogue(language).get(section, {}).get(name, {})
    pieces = entry.get("line", [name])
    return "".join(pieces), str(entry.get("todo", ""))


@lru_cache(maxsize=2)
def catalogue(language: str) -> dict[str, dict[str, dict[str, list[str]]]]:
    """Read a catalogue, once; empty if it is not installed."""
    path = config_file(f"messages/{language}.toml")
    return tomllib.loads(path.read_text("utf-8")) if path is not None else {}


def config_file(name: str) -> Path | None:
    """Find a file that ships, such as `operations.toml`; None if it is not installed.

    A checkout has it beside the sources, a wheel under `share/yaoma/config` of its prefix.
    """
    places = (Path(yaoma.__file__).parents[2] / "config", Path(sys.prefix) / "share" / "yaoma" / "config")
    return next((place / name for place in places if (place / name).is_file()), None)
