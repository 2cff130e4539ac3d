"""Policy rule: each rule that a policy file may set, what its value may be, and how it is read from TOML."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from string import Formatter
from types import MappingProxyType
from typing import Final, TypeVar

from yaoma.core.policy import FULL, Bilingual, InstitutionKind, UncodedGoods
from yaoma.core.product import ProductFlag
from yaoma.core.reason import CLASSES, Reason, VerdictClass

__all__ = ["GOVERNED", "RULES", "TECHNICAL", "Rule", "UnfitError", "read_text_pair", "severity_rule"]

_OPERATION: Final = re.compile(r"[a-z][a-z_]{0,40}")
_PREFIX: Final = re.compile(r"[A-Za-z0-9]{4,19}")
_PLACES: Final = frozenset({"product", "codes"})
_MAX_TEXT_CHARS: Final = 200
_YEAR_H: Final = 24 * 366
_CENTURY_MONTHS: Final = 1200
_TEN_YEARS_DAYS: Final = 3660
_DAY_MINUTES: Final = 24 * 60
_MOST_HOLD_OFF_MS: Final = 600_000

_E = TypeVar("_E", bound=StrEnum)


class UnfitError(ValueError):
    """The value is none that the rule can have."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule.

    Args:
        name: The field of `Policy`.
        expected: What its value is, for whoever wrote something else.
        read: Gives the field's value; raises `UnfitError`.
        by_institution: Whether kinds of institution may differ; not where the value is a table by kind already.
        is_technical: Whether it serves no row of the requirement matrix.
    """

    name: str
    expected: Bilingual
    read: Callable[[object], object]
    by_institution: bool = True
    is_technical: bool = False


def read_text_pair(value: object) -> Bilingual:
    """Read a text in both languages.

    Args:
        value: A table with `zh` and `en`.

    Raises:
        UnfitError: If it is anything else, or one of them is empty, long or unprintable.
    """
    if not isinstance(value, Mapping) or value.keys() != {"zh", "en"}:
        raise UnfitError
    for text in value.values():
        if not isinstance(text, str) or not 0 < len(text) <= _MAX_TEXT_CHARS or not text.isprintable():
            raise UnfitError
    return Bilingual(value["zh"], value["en"])


def _template(value: object) -> Bilingual:
    pair = read_text_pair(value)
    for text in (pair.zh, pair.en):
        try:
            parts = list(Formatter().parse(text))
        except ValueError:
            raise UnfitError from None
        named = {name for _, name, _, _ in parts if name is not None}
        if not named <= _PLACES or "codes" not in named or any(spec or how for _, _, spec, how in parts):
            raise UnfitError
    return pair


def _switch(value: object) -> bool:
    if not isinstance(value, bool):
        raise UnfitError
    return value


def _day(value: object) -> date:
    if not isinstance(value, date) or isinstance(value, datetime):
        raise UnfitError
    return value


def _day_or_none(value: object) -> date | None:
    return None if value == "none" else _day(value)


def _days(value: object) -> Mapping[InstitutionKind, date]:
    if not isinstance(value, Mapping):
        raise UnfitError
    return MappingProxyType({_member(InstitutionKind, kind): _day(day) for kind, day in value.items()})


def _member(kind: type[_E], value: object) -> _E:
    if not isinstance(value, str):
        raise UnfitError
    try:
        return kind(value)
    except ValueError:
        raise UnfitError from None


def _listed(value: object) -> list[object]:
    """Give a list in which nothing stands twice."""
    if not isinstance(value, list) or any(one in value[:place] for place, one in enumerate(value)):
        raise UnfitError
    return value


def _flags(value: object) -> frozenset[ProductFlag]:
    return frozenset(_member(ProductFlag, one) for one in _listed(value))


def _words(value: object, pattern: re.Pattern[str]) -> tuple[str, ...]:
    words = tuple(one for one in _listed(value) if isinstance(one, str) and pattern.fullmatch(one))
    if len(words) != len(_listed(value)):
        raise UnfitError
    return words


def _held_back(value: object) -> frozenset[VerdictClass]:
    found = frozenset(_member(VerdictClass, one) for one in _listed(value))
    if not found <= {VerdictClass.REVIEW, VerdictClass.STOP}:
        raise UnfitError
    return found


def _strictness(value: object) -> VerdictClass:
    found = _member(VerdictClass, value)
    if found not in {VerdictClass.PASS, VerdictClass.REVIEW, VerdictClass.STOP}:
        raise UnfitError
    return found


def _whole(name: str, least: int, most: int, *, is_technical: bool = False) -> Rule:
    def read(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise UnfitError
        return value

    expected = Bilingual(f"{least} 到 {most} 的整数", f"a whole number from {least} to {most}")
    return Rule(name, expected, read, is_technical=is_technical)


def _on_off(name: str, *, is_technical: bool = False) -> Rule:
    return Rule(name, Bilingual("true 或 false", "true or false"), _switch, is_technical=is_technical)


def _one_of(name: str, read: Callable[[object], object], *choices: str) -> Rule:
    words = [f'"{choice}"' for choice in choices]
    return Rule(name, Bilingual(" 或 ".join(words), " or ".join(words)), read)


def _flag_set(name: str) -> Rule:
    among = ", ".join(ProductFlag)
    return Rule(name, Bilingual(f"品种标记的列表：{among}", f"a list of product flags: {among}"), _flags)


def _by_kind(name: str) -> Rule:
    among = ", ".join(InstitutionKind)
    expected = Bilingual(f"机构类型到日期的表：{among}", f"a table of dates by kind of institution: {among}")
    return Rule(name, expected, _days, by_institution=False)


def _operations(name: str) -> Rule:
    expected = Bilingual("业务 id 的列表", "a list of operation ids")
    return Rule(name, expected, lambda value: frozenset(_words(value, _OPERATION)))


_ALL: Final = (
    _whole("hold_off_ms", 0, _MOST_HOLD_OFF_MS, is_technical=True),
    _on_off("pass_without_list", is_technical=True),
    _on_off("pass_with_stale_list", is_technical=True),
    _on_off("pass_with_untrusted_clock", is_technical=True),
    _by_kind("starts"),
    _by_kind("settle_starts"),
    _flag_set("exempt"),
    _flag_set("never_exempt"),
    _whole("scan_in_target", 0, FULL),
    _whole("scan_out_target", 0, FULL),
    _whole("upload_target", 0, FULL),
    _on_off("headquarters_receipts"),
    _whole("emergency_hours", 0, _YEAR_H),
    _one_of("receive_without_shipment", _strictness, "PASS", "REVIEW", "STOP"),
    _one_of("uncoded_goods", lambda value: _member(UncodedGoods, value), *UncodedGoods),
    Rule("uncoded_until", Bilingual('日期，或 "none"', 'a date, or "none"'), _day_or_none),
    _flag_set("identity_for"),
    _on_off("identity_typed_reason_allowed"),
    _whole("retention_months", 0, _CENTURY_MONTHS),
    _whole("evidence_days", 1, _TEN_YEARS_DAYS),
    _whole("identity_keep_days", 0, _TEN_YEARS_DAYS * 10),
    _whole("ticket_idle_minutes", 0, _DAY_MINUTES),
    _on_off("receipt_shows_codes"),
    Rule(
        "receipt_text",
        Bilingual(
            "含 zh 和 en 的表，文字里有 {codes}，可有 {product}",
            "a table with zh and en, texts with {codes} and maybe {product}",
        ),
        _template,
    ),
    _whole("upload_within_hours", 1, _YEAR_H),
    _operations("smallest_only_operations"),
    _operations("controlled_smallest_only_operations"),
    Rule(
        "training_codes_prefixes",
        Bilingual(
            "码的开头的列表，每个 4 到 19 个字母或数字", "a list of beginnings of codes, 4 to 19 letters or digits"
        ),
        lambda value: _words(value, _PREFIX),
    ),
    Rule(
        "pass_on_also",
        Bilingual('"REVIEW"、"STOP" 的列表，可为空', 'a list of "REVIEW" and "STOP", may be empty'),
        _held_back,
    ),
)

#: Every rule by name, in the order in which it is shown.
RULES: Final[Mapping[str, Rule]] = MappingProxyType({rule.name: rule for rule in _ALL})

#: Rules that a technician may set at the box itself.
TECHNICAL: Final = tuple(rule.name for rule in _ALL if rule.is_technical)

#: Reasons whose class another rule decides already.
GOVERNED: Final[Mapping[str, str]] = MappingProxyType(
    {Reason.NO_SHIPMENT: "receive_without_shipment", Reason.LIST_MISSING: "pass_without_list"}
)


def severity_rule(reason: str) -> Rule:
    """Give the rule of a reason's class: it lets stand what `CLASSES` lets the reason have.

    Args:
        reason: The reason's id, one of `CLASSES`.
    """
    classes = CLASSES[reason]
    words = [f'"{one.value}"' for one in VerdictClass if one in classes]

    def read(value: object) -> VerdictClass:
        found = _member(VerdictClass, value)
        if found not in classes:
            raise UnfitError
        return found

    return Rule(f"severity.{reason}", Bilingual(" 或 ".join(words), " or ".join(words)), read)
