"""OtherPattern: how the signed allowlist describes codes of another standard, and which descriptions are refused."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Final

from yaoma.core.trace_code import MAX_OTHER_CHARS, CodeError, Other

__all__ = ["OtherPattern", "PatternError", "match_other"]

MAX_REGEX_CHARS: Final = 256
MAX_PRODUCT_KEY_CHARS: Final = 100
#: How many ways a pattern may have to split one text: the bound of all backtracking.
MAX_SPLITS: Final = 4096

# One character or one class of characters, then how often. No group, no `|`, no `*`, `+`, `.`, `^`, `$`.
_ATOM: Final = r"\\d|\\[^A-Za-z0-9\s]|[A-Za-z0-9 _\-/:%#,=@&~!\"'<>;]"
_CLASS: Final = r"\[(?:[A-Za-z0-9]-[A-Za-z0-9]|\\d|\\[^A-Za-z0-9\s]|[A-Za-z0-9 _/:%#,=@!\"'<>;.*+?()$])+\]"
_ITEM: Final = re.compile(rf"({_ATOM}|{_CLASS})(?:\{{([0-9]{{1,3}})(?:,([0-9]{{1,3}}))?\}}|(\?))?")
_PRINTABLE: Final = "".join(map(chr, range(0x20, 0x7F)))

_DIGIT: Final = frozenset("0123456789")


def _shape(*parts: str, digits: int = 0) -> tuple[frozenset[str], ...]:
    """Make a shape: the characters allowed at each place, then that many digits."""
    return (*map(frozenset, parts), *[_DIGIT] * digits)


_DATE: Final = _shape("01") + _shape(digits=1) + _shape("0123") + _shape(digits=1)
_NO_CODE_OF_ANOTHER_STANDARD: Final = {
    "the 20-digit trace code": [_shape("8", digits=19)],
    "an ID number": [
        _shape("123456789", digits=5)
        + _shape("12", "890", digits=2)
        + _DATE
        + _shape(digits=3)
        + _shape("0123456789Xx"),
        _shape("1234567", digits=7) + _DATE + _shape(digits=3),
    ],
    "a payment code": [
        _shape("1", "012345", digits=16),
        *[_shape("2", "56789", digits=count) for count in range(14, 23)],
        *[_shape("3", "0", digits=count) for count in range(14, 23)],
    ],
    "a bank card": [_shape("6", "2", digits=count) for count in range(14, 18)],
    "a mobile number": [_shape("1", "3456789", digits=9)],
    "a commodity barcode or 本位码": [_shape("6", "9", digits=11), _shape("8", "6", digits=12)],
}


class PatternError(ValueError):
    """A pattern of the allowlist can't be used; the list has to be corrected at the centre.

    Args:
        standard: The standard that the pattern was meant for.
        hint: What is wrong with it.
    """

    def __init__(self, standard: str, hint: str) -> None:
        super().__init__(f"pattern for standard {standard!r} refused: {hint}")
        self.standard = standard
        self.hint = hint

    def __reduce__(self) -> tuple[type["PatternError"], tuple[str, str]]:
        """Pickle by the facts; the default would pass the sentence as the only argument."""
        return type(self), (self.standard, self.hint)


@dataclass(frozen=True, slots=True)
class OtherPattern:
    r"""The shape of the codes of another standard, and the product that they name.

    The regular expression is a sequence of items; an item is a character, an escaped punctuation mark, `\d` or a
    class such as `[A-F0-9]` (not negated), followed by nothing, `?`, `{n}` or `{n,m}`. Nothing else: no groups, no
    alternatives (write two patterns), no unlimited repetition. So matching takes bounded time, and whether a pattern
    could take somebody's ID number or payment code is decided exactly when it is made, not tried out.

    Args:
        standard: The id of the standard, see `yaoma.core.trace_code.Other`.
        regex: Matches the whole text.
        product_key: The key of the product in the allowlist, 1-100 printable ASCII characters.

    Raises:
        PatternError: The expression is outside the subset, could match what no other standard may claim, or
            standard or product key are malformed.
    """

    standard: str
    regex: str
    product_key: str
    _compiled: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse what is unsafe, compile what is safe."""
        if not (re.fullmatch(rf"[!-~]{{1,{MAX_PRODUCT_KEY_CHARS}}}", self.product_key)):
            raise PatternError(self.standard, "the product key is not 1-100 printable ASCII characters")
        try:
            Other(self.standard, "x")
        except CodeError:
            raise PatternError(self.standard, "the standard's id is malformed") from None
        items = _items(self.standard, self.regex)
        for name, shapes in _NO_CODE_OF_ANOTHER_STANDARD.items():
            if any(_could_match(items, shape) for shape in shapes):
                raise PatternError(self.standard, f"it could match {name}")
        object.__setattr__(self, "_compiled", re.compile(self.regex, re.ASCII))

    def matches(self, text: str) -> bool:
        """Say whether the whole text has this shape; a longer text than 256 characters has none."""
        return len(text) <= MAX_OTHER_CHARS and self._compiled.fullmatch(text) is not None


def match_other(text: str, patterns: Sequence[OtherPattern]) -> Other | None:
    """Find the first pattern that a text has the shape of, and make the code; None if there is none."""
    for pattern in patterns:
        if pattern.matches(text):
            return Other(pattern.standard, text, pattern.product_key)
    return None


@dataclass(frozen=True, slots=True)
class _Item:
    allowed: frozenset[str]
    least: int
    most: int


def _items(standard: str, regex: str) -> list[_Item]:
    """Split an expression into items.

    Raises:
        PatternError: It is empty, too long, outside the subset, or has too many ways to match.
    """
    if not 1 <= len(regex) <= MAX_REGEX_CHARS:
        raise PatternError(standard, f"it has {len(regex)} characters, allowed are 1-{MAX_REGEX_CHARS}")
    items: list[_Item] = []
    at = 0
    while at < len(regex):
        item = _ITEM.match(regex, at)
        if item is None:
            raise PatternError(standard, f"character {at + 1} is outside the safe subset")
        items.append(_item(standard, item))
        at = item.end()
    if prod(item.most - item.least + 1 for item in items) > MAX_SPLITS:
        raise PatternError(standard, "it has too many ways to match")
    return items


def _item(standard: str, item: re.Match[str]) -> _Item:
    characters, least, most, optional = item.groups()
    try:
        allowed = frozenset(re.findall(characters, _PRINTABLE, re.ASCII))
    except re.error:
        raise PatternError(standard, f"the class at character {item.start() + 1} is malformed") from None
    if optional:
        return _Item(allowed, 0, 1)
    fewest = int(least or 1)
    limit = int(most or fewest)
    if limit < fewest:
        raise PatternError(standard, f"the repetition at character {item.start() + 1} ends below its beginning")
    return _Item(allowed, fewest, limit)


def _could_match(items: Sequence[_Item], shape: Sequence[frozenset[str]]) -> bool:
    """Decide whether some text of a shape matches: walk the items over the places where each may stand."""
    reached = {0}
    for item in items:
        following = set()
        for start in reached:
            for end in range(start, min(start + item.most, len(shape)) + 1):
                if end > start and not item.allowed & shape[end - 1]:
                    break
                if end - start >= item.least:
                    following.add(end)
        reached = following
    return len(shape) in reached
