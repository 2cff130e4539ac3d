"""Policy layer: what one policy file says, and how a province's rules are put upon those they stand on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from yaoma.core.policy import Bilingual, InstitutionKind, Policy
from yaoma.core.policy_rule import RULES

__all__ = ["NOTHING", "Line", "Origin", "PolicyError", "PolicyLayer", "PolicyMistake", "compose", "origins"]

#: What is said to be found where nothing stands.
NOTHING: Final = Bilingual("没有", "nothing")


@dataclass(frozen=True, slots=True)
class PolicyMistake:
    """One thing that must be changed before a policy can be used.

    Args:
        path: The key's way from the top; empty if it is about the text as a whole.
        kind: A stable id.
        expected: What was expected there.
        found: What was found there.
        hint: What was probably meant, or None.
    """

    path: tuple[str | int, ...]
    kind: str
    expected: Bilingual
    found: Bilingual
    hint: Bilingual | None = None

    @property
    def key(self) -> str:
        """The dotted key."""
        return ".".join(map(str, self.path))

    def __str__(self) -> str:
        subject = f"{self.key}: " if self.path else ""
        return (
            f"{subject}应为：{self.expected.zh}；现为：{self.found.zh} / "
            f"expected: {self.expected.en}; found: {self.found.en}"
        )


class PolicyError(ValueError):
    """A policy can't be used.

    Args:
        mistakes: All that is wrong with it.
    """

    def __init__(self, mistakes: Sequence[PolicyMistake]) -> None:
        super().__init__("; ".join(map(str, mistakes)))
        self.mistakes = tuple(mistakes)

    def __reduce__(self) -> tuple[type["PolicyError"], tuple[tuple[PolicyMistake, ...]]]:
        """Pickle by the facts; the default would pass the sentence as the only argument."""
        return type(self), (self.mistakes,)


@dataclass(frozen=True, slots=True)
class Line:
    """One rule as it stands in one file.

    Args:
        values: The value for every kind of institution, empty or one.
        by_institution: Values for kinds that differ.
        rows: The rows of the requirement matrix that it serves.
        quotes: Phrases of the notice that say so.
        why: Why it is so.
    """

    values: tuple[object, ...]
    by_institution: Mapping[InstitutionKind, object]
    rows: tuple[str, ...]
    quotes: tuple[str, ...]
    why: Bilingual


@dataclass(frozen=True, slots=True)
class PolicyLayer:
    """What one file says.

    Args:
        id: Name of the policy.
        version: Its number.
        base: Id of the policy on which it stands; None of the lowest.
        title: What it is called.
        notice: Number of the notice whose rules these are; may be empty.
        lines: Rules by name; the classes of reasons as `severity.<reason>`.
    """

    id: str
    version: int
    base: str | None
    title: Bilingual
    notice: str
    lines: Mapping[str, Line] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the value of a rule comes from.

    Args:
        name: The rule, or `severity.<reason>`.
        value: What counts.
        policy: Id of the policy that says so.
        line: Its line there.
    """

    name: str
    value: object
    policy: str
    line: Line


def compose(chain: Sequence[PolicyLayer], institution: InstitutionKind | None) -> Policy:
    """Put the rules of a policy upon those it stands on, for one kind of institution.

    Args:
        chain: The lowest first, the policy itself last.
        institution: The kind; None if nobody said: what differs by kind is left out then.

    Raises:
        PolicyError: If the lowest leaves a rule out.
    """
    found = {origin.name: origin.value for origin in origins(chain, institution)}
    lacking = [
        PolicyMistake(("rule", name), "missing", rule.expected, NOTHING)
        for name, rule in RULES.items()
        if name not in found
    ]
    if lacking:
        raise PolicyError(lacking)
    severity = {name.removeprefix("severity."): found.pop(name) for name in list(found) if name not in RULES}
    top = chain[-1]
    fields: dict[str, Any] = {**found, "severity": MappingProxyType(severity)}
    return Policy(id=top.id, version=top.version, title=top.title, institution=institution, **fields)


def origins(chain: Sequence[PolicyLayer], institution: InstitutionKind | None) -> list[Origin]:
    """Tell of every rule what counts and which file says so, in the order of the rules, reasons last.

    Args:
        chain: As for `compose`.
        institution: As for `compose`.
    """
    found: dict[str, Origin] = {}
    for layer in chain:
        for name, line in layer.lines.items():
            for value in line.values:
                found[name] = Origin(name, value, layer.id, line)
            if institution is not None and institution in line.by_institution:
                found[name] = Origin(name, line.by_institution[institution], layer.id, line)
    order = {name: place for place, name in enumerate(RULES)}
    return sorted(found.values(), key=lambda origin: (order.get(origin.name, len(order)), origin.name))
