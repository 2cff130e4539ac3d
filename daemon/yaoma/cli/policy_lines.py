"""Policy lines: a policy, its mistakes and the class of a reason, written for people and for programs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Any, Final

from yaoma.config.mistake import Mistake
from yaoma.config.positions import KeyPath, Position, nearest
from yaoma.config.said import Said
from yaoma.config.toml_text import value_text
from yaoma.core.policy import Bilingual, Policy
from yaoma.core.policy_layer import Origin, PolicyMistake
from yaoma.core.policy_rule import GOVERNED, RULES, TECHNICAL
from yaoma.core.reason import CLASSES, DEFAULT_CLASS, Reason, VerdictClass
from yaoma.shell.catalogue import Catalogue
from yaoma.shell.policy_holder import PolicyHolder

__all__ = ["RELATED", "Explained", "Shown", "explained", "mistakes_of", "plain", "shown", "shown_lines"]

#: The rules that decide whether a reason comes up, or what it leads to.
RELATED: Final[Mapping[str, tuple[str, ...]]] = {
    Reason.LIST_STALE: ("pass_with_stale_list",),
    Reason.CLOCK_UNTRUSTED: ("pass_with_untrusted_clock",),
    Reason.REPEAT_SCAN: ("hold_off_ms",),
    Reason.NO_SHIPMENT: ("emergency_hours",),
    Reason.NOT_IN_SHIPMENT: ("emergency_hours",),
    Reason.NOT_SMALLEST: ("smallest_only_operations", "controlled_smallest_only_operations"),
    Reason.IDENTITY_MISSING: ("identity_for", "identity_typed_reason_allowed"),
    Reason.HEADQUARTERS_NOT_ALLOWED: ("headquarters_receipts",),
    Reason.TRAINING_CODE: ("training_codes_prefixes",),
    Reason.NOT_A_TRAINING_CODE: ("training_codes_prefixes",),
}

_HERE: Final = Bilingual("本盒配置", "this box's configuration")


@dataclass(frozen=True, slots=True)
class Shown:
    """A rule as it counts at this box.

    Args:
        name: The rule, or `severity.<reason>`.
        value: What counts.
        source: Id of the policy that says so; empty for the box's own configuration.
        rows: The rows of the requirement matrix that it serves.
        quotes: The notice's own words.
        why: Why it is so.
    """

    name: str
    value: object
    source: str
    rows: tuple[str, ...]
    quotes: tuple[str, ...]
    why: Bilingual

    def as_json(self) -> dict[str, Any]:
        """Give it for a program to read."""
        return {
            "name": self.name,
            "value": plain(self.value),
            "source": self.source or "config",
            "rows": list(self.rows),
            "quotes": list(self.quotes),
            "why": plain(self.why),
        }

    def reasons(self) -> list[str]:
        """Write the notice's own words and why it is so."""
        return [*(f"    “{quote}”" for quote in self.quotes), f"    {self.why.zh}", f"    {self.why.en}"]

    def head(self) -> str:
        """Write name, value, origin and rows in one line."""
        source = f"{_HERE.zh} / {_HERE.en}" if not self.source else self.source
        value = value_text(plain(self.value)) if self.value is not None else '"none"'
        return "  ".join(part for part in (f"{self.name} = {value}", f"← {source}", " ".join(self.rows)) if part)


@dataclass(frozen=True, slots=True)
class Explained:
    """What a reason leads to at this box.

    Args:
        reason: Its id.
        here: Its class here.
        possible: The classes that it may have.
        rules: The rules that bear on it, the one that decides the class first.
    """

    reason: str
    here: VerdictClass
    possible: tuple[VerdictClass, ...]
    rules: tuple[Shown, ...]

    def as_json(self) -> dict[str, Any]:
        """Give it for a program to read."""
        return {
            "reason": self.reason,
            "class": self.here.value,
            "possible": [one.value for one in self.possible],
            "rules": [rule.as_json() for rule in self.rules],
        }

    def lines(self, catalogues: Iterable[Catalogue]) -> list[str]:
        """Write it for a person: what it means, what to do, and why it is so here.

        Args:
            catalogues: Chinese and English.
        """
        out = [f"{self.reason}  {self.here.value}"]
        for catalogue in catalogues:
            text = catalogue.reason(self.reason, verdict=self.here)
            out.append("  " + " · ".join(part for part in (text.headline, text.line) if part))
            out += [f"    → {text.todo}"] if text.todo else []
        if len(self.possible) == 1:
            out.append("  各地都是这一级 / the same class everywhere")
        else:
            out.append(f"  可选 / possible: {', '.join(one.value for one in self.possible)}")
        for rule in self.rules:
            out += ["", f"  {rule.head()}", *(f"  {line}" for line in rule.reasons())]
        return out


def plain(value: object) -> Any:  # noqa: ANN401 - what JSON and TOML can hold
    """Turn a rule's value into what JSON and TOML can hold."""
    if isinstance(value, Bilingual):
        return {"zh": value.zh, "en": value.en}
    if isinstance(value, Mapping):
        return {plain(key): plain(one) for key, one in value.items()}
    if isinstance(value, frozenset):
        return sorted(map(plain, value))
    if isinstance(value, tuple):
        return list(map(plain, value))
    if isinstance(value, Enum):
        return value.value
    return value.isoformat() if isinstance(value, date) else value


def shown(holder: PolicyHolder) -> list[Shown]:
    """Give every rule as it counts, with where it comes from.

    Args:
        holder: Holds the policy.
    """
    return [_shown(origin, holder.current) for origin in holder.loaded.origins]


def _shown(origin: Origin, policy: Policy) -> Shown:
    value, source = origin.value, origin.policy
    if origin.name in TECHNICAL and getattr(policy, origin.name) != value:
        value, source = getattr(policy, origin.name), ""
    return Shown(origin.name, value, source, origin.line.rows, origin.line.quotes, origin.line.why)


def shown_lines(rules: Iterable[Shown], catalogues: Iterable[Catalogue]) -> list[str]:
    """Write every rule: value and origin, what it is about, the notice's words, why.

    Args:
        rules: The rules.
        catalogues: Chinese and English.
    """
    both = list(catalogues)
    out = []
    for rule in rules:
        out += ["", rule.head()]
        if rule.name in RULES:
            out.append("    " + " / ".join(one.text("policy_rule", rule.name).line for one in both))
        out += rule.reasons()
    return out


def mistakes_of(found: Iterable[PolicyMistake], places: Mapping[KeyPath, Position]) -> list[Mistake]:
    """Give a policy's mistakes with the lines on which they stand, in that order.

    Args:
        found: The mistakes.
        places: Where the keys stand; may be empty.
    """
    out = []
    for one in found:
        place = nearest(places, one.path)
        line = place.line if place else None
        out.append(
            Mistake(
                one.key,
                one.kind,
                _said(one.expected),
                _said(one.found),
                line,
                hint=_said(one.hint) if one.hint else None,
            )
        )
    return sorted(out, key=lambda mistake: (mistake.line is None, mistake.line or 0))


def explained(reason: str, holder: PolicyHolder) -> Explained:
    """Tell what class a reason has here, why, and which rules bear on it.

    Args:
        reason: Its id, one of `CLASSES`.
        holder: Holds the policy.
    """
    rules = {rule.name: rule for rule in shown(holder)}
    possible = tuple(one for one in VerdictClass if one in CLASSES[reason])
    here = _class_here(reason, holder.current) if len(possible) > 1 else possible[0]
    names = (f"severity.{reason}", GOVERNED.get(reason, ""), *RELATED.get(reason, ()))
    return Explained(reason, here, possible, tuple(rules[name] for name in dict.fromkeys(names) if name in rules))


def _class_here(reason: str, policy: Policy) -> VerdictClass:
    if reason == Reason.LIST_MISSING:
        return VerdictClass.PASS if policy.pass_without_list else VerdictClass.REVIEW
    if reason == Reason.NO_SHIPMENT:
        return policy.receive_without_shipment
    return policy.severity_of(reason, DEFAULT_CLASS.get(reason, VerdictClass.REVIEW))


def _said(text: Bilingual) -> Said:
    return Said(text.zh, text.en)
