"""Operations: loads the table of what can be done with a pack."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from yaoma.shell.resources import config_file

__all__ = ["Direction", "Operation", "OperationsError", "load_operations"]


class Direction(StrEnum):
    """What a closed ticket means for the stock of the site."""

    IN = "in"
    OUT = "out"
    NONE = "none"


class OperationsError(ValueError):
    """The table can't be used; the sentence names the id."""


@dataclass(frozen=True, slots=True)
class Operation:
    """What is being done (业务).

    Args:
        id: What records hold.
        zh: Its Chinese name.
        en: Its English name.
        direction: What it means for the stock.
    """

    id: str
    zh: str
    en: str
    direction: Direction

    def name(self, language: str) -> str:
        """Give the name in a language of the catalogue."""
        return self.en if language == "en" else self.zh


def load_operations(path: Path | None = None) -> Mapping[str, Operation]:
    """Load the operations by id.

    Args:
        path: The file; the one that ships if None.

    Raises:
        OperationsError: If an entry lacks a name or has no known direction.
        ResourceMissingError: If the file that ships is missing.
        OSError: If the file can't be read.
    """
    file = path or config_file("operations.toml")
    try:
        table = tomllib.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise OperationsError(f"{file.name}: {error}") from None
    return MappingProxyType({name: _operation(name, entry) for name, entry in table.items()})


def _operation(name: str, entry: object) -> Operation:
    if not isinstance(entry, dict) or set(entry) != {"zh", "en", "direction"}:
        raise OperationsError(f"operation {name!r} has exactly the keys zh, en and direction")
    zh, en = entry["zh"], entry["en"]
    if not (isinstance(zh, str) and isinstance(en, str) and zh and en):
        raise OperationsError(f"operation {name!r} needs a Chinese and an English name")
    try:
        direction = Direction(entry["direction"])
    except ValueError:
        raise OperationsError(f"operation {name!r}: direction is in, out or none") from None
    return Operation(name, zh, en, direction)
