"""Release: the index of one version of the list, a small signed text that says which files make it up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from yaoma.core.canonical import Json, NotCanonicalError, canonical, parse_canonical
from yaoma.core.site_list import ANY_SITE, ListRefusal, ListRefusedError

__all__ = [
    "CONFIG_TYPE",
    "TYPE",
    "DeltaStep",
    "PolicyFile",
    "ReleaseIndex",
    "highest_after",
    "read_policies",
    "read_release",
]

TYPE = "yaoma/release/v1"
CONFIG_TYPE = "yaoma/config-index/v1"

#: The delegated role that may speak of a file; TUF checks the same by path.
_ALLOW = "allow/"
_CONFIG = "config/"

_MAX_FILES = 1000

#: A time written as a number (YYYYMMDDhhmmss) is a version, too; the next one is at most ten years later.
_FIRST_VERSION: Final = 10**14
_VERSION_STEP: Final = 10**11


@dataclass(frozen=True, slots=True)
class DeltaStep:
    """A file that leads from one version to the next.

    Args:
        target: Where it lies in the repository.
        begin: The version before it.
        end: The version after it.
    """

    target: str
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """A policy that the repository holds.

    Args:
        name: Its name, as the configuration names it.
        target: Where it lies in the repository.
        version: Its number.
    """

    name: str
    target: str
    version: int


@dataclass(frozen=True, slots=True)
class ReleaseIndex:
    """One version of the list.

    Args:
        site: The institution that it is for, or `*`.
        version: Its number.
        issued_ms: When it was made, milliseconds since 1970.
        expires_ms: When it becomes stale, milliseconds since 1970.
        base_version: The version that the base files alone make up.
        bases: The base files.
        deltas: What leads from the base to this version, and from some versions before.
        products: The table of products and patterns, or an empty string.
    """

    site: str
    version: int
    issued_ms: int
    expires_ms: int
    base_version: int
    bases: Sequence[str]
    deltas: Sequence[DeltaStep]
    products: str = ""

    def text(self) -> bytes:
        """Give the bytes that are signed."""
        return canonical(
            {
                "type": TYPE,
                "site": self.site,
                "version": self.version,
                "issued_ms": self.issued_ms,
                "expires_ms": self.expires_ms,
                "base_version": self.base_version,
                "bases": list(self.bases),
                "deltas": [{"target": one.target, "from": one.begin, "to": one.end} for one in self.deltas],
                "products": self.products,
            }
        )

    def way_from(self, version: int) -> tuple[DeltaStep, ...] | None:
        """Give the deltas that lead from a version to this one, or None if they don't."""
        steps = {step.begin: step for step in self.deltas}
        way: list[DeltaStep] = []
        while version < self.version:
            step = steps.get(version)
            if step is None:
                return None
            way.append(step)
            version = step.end
        return tuple(way) if version == self.version else None


def highest_after(version: int) -> int:
    """Give the highest version that may follow one that was in force.

    A stolen key could use up all numbers at once, and no list of the centre would be the newer one ever again.

    Args:
        version: The list's or the policy's version that was in force; 0 if there was none.
    """
    return max(version, _FIRST_VERSION) + _VERSION_STEP


def read_release(data: bytes, site: str) -> ReleaseIndex:
    """Read an index; its signature was checked before.

    Args:
        data: The bytes.
        site: The institution of this box.

    Raises:
        ListRefusedError: If it is of another type or site, or anything in it is wrong.
    """
    fields = _parsed(data, TYPE)
    try:
        index = ReleaseIndex(
            site=_text(fields, "site"),
            version=_whole(fields, "version"),
            issued_ms=_whole(fields, "issued_ms"),
            expires_ms=_whole(fields, "expires_ms"),
            base_version=_whole(fields, "base_version"),
            bases=[_target(one, _ALLOW) for one in _entries(fields, "bases")],
            deltas=[_step(one) for one in _entries(fields, "deltas")],
            products=_optional(fields, "products"),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ListRefusedError(ListRefusal.MALFORMED, f"the release's index: {error}") from None
    if index.site not in (site, ANY_SITE):
        raise ListRefusedError(ListRefusal.OTHER_SITE, "the release names another site")
    if index.expires_ms <= index.issued_ms or not index.bases:
        raise ListRefusedError(ListRefusal.MALFORMED, "a release has a base and expires after it was made")
    if index.way_from(index.base_version) is None:
        raise ListRefusedError(ListRefusal.MALFORMED, "the release's deltas don't lead from its base to its version")
    return index


def read_policies(data: bytes) -> tuple[PolicyFile, ...]:
    """Read the index of the configuration that the repository holds.

    Raises:
        ListRefusedError: If it is of another type, or anything in it is wrong.
    """
    fields = _parsed(data, CONFIG_TYPE)
    try:
        found = tuple(
            PolicyFile(_text(one, "name"), _target(one["target"], _CONFIG), _whole(one, "version"))
            for one in map(_mapping, _entries(fields, "policies"))
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ListRefusedError(ListRefusal.MALFORMED, f"the index of the configuration: {error}") from None
    if len({one.name for one in found}) != len(found):
        raise ListRefusedError(ListRefusal.MALFORMED, "the index of the configuration names one policy twice")
    return found


def _parsed(data: bytes, expected: str) -> Mapping[str, Json]:
    try:
        fields = parse_canonical(data)
    except NotCanonicalError:
        raise ListRefusedError(ListRefusal.OTHER_TYPE, "an index is one line of canonical JSON") from None
    if fields.get("type") != expected:
        raise ListRefusedError(ListRefusal.OTHER_TYPE, f"the type {expected} was expected")
    return fields


def _text(fields: Mapping[str, Json], name: str) -> str:
    value = fields[name]
    if not isinstance(value, str) or not 1 <= len(value) <= 64 or not value.isprintable():  # noqa: PLR2004 - a name
        raise ValueError(f"{name} is a name of at most 64 letters")
    return value


def _whole(fields: Mapping[str, Json], name: str) -> int:
    value = fields[name]
    if type(value) is not int or value < 1:
        raise ValueError(f"{name} is a whole number above zero")
    return value


def _entries(fields: Mapping[str, Json], name: str) -> Sequence[Json]:
    value = fields[name]
    if not isinstance(value, list) or len(value) > _MAX_FILES:
        raise ValueError(f"{name} is a list of at most {_MAX_FILES}")
    return value


def _mapping(value: Json) -> Mapping[str, Json]:
    if not isinstance(value, dict):
        raise TypeError("an object was expected")
    return value


def _target(value: Json, role: str) -> str:
    if not isinstance(value, str) or not value.startswith(role) or len(value) > 200:  # noqa: PLR2004 - a path
        raise ValueError(f"a file lies below {role}")
    return value


def _optional(fields: Mapping[str, Json], name: str) -> str:
    value = fields[name]
    return "" if value == "" else _target(value, _ALLOW)


def _step(value: Json) -> DeltaStep:
    fields = _mapping(value)
    step = DeltaStep(_target(fields["target"], _ALLOW), _whole(fields, "from"), _whole(fields, "to"))
    if step.end <= step.begin:
        raise ValueError("a delta leads to a later version")
    return step
