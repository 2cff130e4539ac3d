"""Contradictions: what is wrong between keys that are each right; pure, and fit for a file with other mistakes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

__all__ = ["NAME_PATTERN", "Contradiction", "contradictions"]

#: What a name may be: it stands in topics, in file names and in records.
NAME_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$"

_NAME: Final = re.compile(NAME_PATTERN)

Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two keys that don't go together.

    Args:
        kind: An id of `yaoma.config.wording`.
        at: The key that should change.
        facts: What the sentence is filled with: names that are well-formed, nothing else.
    """

    kind: str
    at: Place
    facts: Mapping[str, str] = field(default_factory=dict)


def contradictions(fields: Mapping[str, object]) -> list[Contradiction]:
    """List everything that does not fit together; what has a mistake of its own is passed over.

    Args:
        fields: The file's keys and values, or those of a `Config`.
    """
    return [*_scanners_and_stations(fields), *_outputs(fields), *_seal_and_salt(fields), *_policy(fields)]


def _scanners_and_stations(fields: Mapping[str, object]) -> list[Contradiction]:
    scanners = _names(fields, "scanner")
    stations = _names(fields, "station")
    placed: list[tuple[Place, str]] = []
    for number, station in enumerate(_tables(fields, "station")):
        listed = station.get("scanners")
        if isinstance(listed, list | tuple):
            placed += [(("station", number, "scanners", at), one) for at, one in enumerate(listed) if _is_name(one)]
    found = [*_twice("scanner_twice", scanners), *_twice("station_twice", stations), *_twice("placed_twice", placed)]
    defined, used = {name for _, name in scanners}, {name for _, name in placed}
    # Where a name or a list has a mistake of its own, nobody can say what is missing from it.
    if stations and all(_lists_names(table.get("scanners")) for table in _tables(fields, "station")):
        among = ", ".join(name for _, name in stations)
        found += [
            Contradiction("scanner_at_no_station", at, {"name": name, "stations": among})
            for at, name in scanners
            if name not in used
        ]
    if scanners and len(scanners) == len(_tables(fields, "scanner")):
        among = ", ".join(sorted(defined))
        found += [
            Contradiction("no_such_scanner", at, {"name": name, "scanners": among})
            for at, name in placed
            if name not in defined
        ]
    return found


def _outputs(fields: Mapping[str, object]) -> list[Contradiction]:
    """Hold indicators and ports against the stations that they name."""
    indicators = _tables(fields, "indicator")
    named: list[tuple[Place, str]] = []
    for number, indicator in enumerate(indicators):
        listed = indicator.get("stations", ())
        if isinstance(listed, list | tuple):
            named += [(("indicator", number, "stations", at), one) for at, one in enumerate(listed) if _is_name(one)]
    ports = _names(fields, "pass_through", "station")
    stations = _names(fields, "station")
    found = [*_twice("indicator_twice", _names(fields, "indicator")), *_twice("port_twice", ports)]
    if stations and len(stations) == len(_tables(fields, "station")):
        known = {name for _, name in stations}
        facts = {"stations": ", ".join(sorted(known))}
        found += [
            Contradiction("no_such_station", at, {"name": name, **facts})
            for at, name in (*named, *ports)
            if name not in known
        ]
    return found


def _seal_and_salt(fields: Mapping[str, object]) -> list[Contradiction]:
    keys = fields.get("keys")
    if not isinstance(keys, Mapping):
        return []
    if keys.get("seal") and keys.get("salt") is None:
        return [Contradiction("seal_without_salt", ("keys", "seal"))]
    if keys.get("salt") is not None and not keys.get("seal"):
        return [Contradiction("salt_without_seal", ("keys", "salt"))]
    return []


def _policy(fields: Mapping[str, object]) -> list[Contradiction]:
    policy = fields.get("policy")
    if not isinstance(policy, Mapping):
        return []
    if policy.get("institution") is None and (policy.get("id", "default") != "default" or policy.get("file")):
        return [Contradiction("policy_without_institution", ("policy", "institution"))]
    return []


def _twice(kind: str, names: list[tuple[Place, str]]) -> list[Contradiction]:
    seen: set[str] = set()
    found = []
    for at, name in names:
        if name in seen:
            found.append(Contradiction(kind, at, {"name": name}))
        seen.add(name)
    return found


def _names(fields: Mapping[str, object], section: str, key: str = "name") -> list[tuple[Place, str]]:
    return [
        ((section, number, key), str(name))
        for number, table in enumerate(_tables(fields, section))
        if _is_name(name := table.get(key))
    ]


def _tables(fields: Mapping[str, object], section: str) -> list[Mapping[str, object]]:
    """Give the tables of a `[[section]]`; one that is no table counts as an empty one, so that numbers stay right."""
    tables = fields.get(section)
    if not isinstance(tables, list | tuple):
        return []
    return [table if isinstance(table, Mapping) else {} for table in tables]


def _lists_names(value: object) -> bool:
    return isinstance(value, list | tuple) and bool(value) and all(map(_is_name, value))


def _is_name(value: object) -> bool:
    return isinstance(value, str) and _NAME.fullmatch(value) is not None
