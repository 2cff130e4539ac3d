"""Operations: loads the table of what can be done with a pack."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from yaoma.core.operation import Direction, Operation
from yaoma.core.pack import PackState
from yaoma.core.reason import Reason
from yaoma.shell.resources import config_file

__all__ = ["Direction", "Operation", "OperationsError", "load_operations"]

_SWITCHES: Final = frozenset({"receives", "takes_unfit", "opens", "hands_out", "keeps", "named", "till", "partner"})
_KEYS: Final = _SWITCHES | {"zh", "en", "direction", "states", "into", "doubtful_into", "reasons"}


class OperationsError(ValueError):
    """The table can't be used; the sentence names the id."""


def load_operations(path: Path | None = None) -> Mapping[str, Operation]:
    """Load the operations by id.

    Args:
        path: The file; the one that ships if None.

    Raises:
        OperationsError: If an entry lacks a name, has an unknown key, or names a state or reason that there is not.
        ResourceMissingError: If the file that ships is missing.
        OSError: If the file can't be read.
    """
    file = path or config_file("operations.toml")
    try:
        table = tomllib.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise OperationsError(f"{file.name}: {error}") from None
    operations = {}
    for name, entry in table.items():
        if not isinstance(entry, dict):
            raise OperationsError(f"operation {name!r} is no table")
        try:
            operations[name] = _operation(name, entry)
        except (ValueError, TypeError) as error:
            raise OperationsError(f"operation {name!r}: {error}") from None
    return MappingProxyType(operations)


def _operation(name: str, entry: Mapping[str, object]) -> Operation:
    if unknown := sorted(entry.keys() - _KEYS):
        raise ValueError(f"unknown keys: {', '.join(unknown)}")
    zh, en = entry.get("zh"), entry.get("en")
    if not (isinstance(zh, str) and isinstance(en, str) and zh and en):
        raise ValueError("a Chinese and an English name are needed")
    switches = {switch: entry.get(switch, False) for switch in _SWITCHES}
    if not all(isinstance(value, bool) for value in switches.values()):
        raise ValueError(f"{', '.join(sorted(_SWITCHES))} are true or false")
    states, reasons = entry.get("states", []), entry.get("reasons", {})
    if not isinstance(states, list) or not isinstance(reasons, dict):
        raise TypeError("states is a list, reasons a table")
    return Operation(
        name,
        zh,
        en,
        Direction(str(entry.get("direction"))),
        states=frozenset(PackState(state) for state in states),
        into=_state(entry, "into"),
        doubtful_into=_state(entry, "doubtful_into"),
        reasons=MappingProxyType({PackState(state): Reason(reason).value for state, reason in reasons.items()}),
        receives=switches["receives"] is True,
        takes_unfit=switches["takes_unfit"] is True,
        opens=switches["opens"] is True,
        hands_out=switches["hands_out"] is True,
        keeps=switches["keeps"] is True,
        named=switches["named"] is True,
        till=switches["till"] is True,
        partner=switches["partner"] is True,
    )


def _state(entry: Mapping[str, object], key: str) -> PackState | None:
    return PackState(str(entry[key])) if key in entry else None
