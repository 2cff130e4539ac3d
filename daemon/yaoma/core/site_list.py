"""Site list: the small signed list of one site, as text and as an allowlist; used whole or not at all."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeVar

from yaoma.core.allowlist import MemoryAllowlist
from yaoma.core.canonical import Json, NotCanonicalError, canonical, parse_canonical
from yaoma.core.code import CodeError, OtherPattern, from_key
from yaoma.core.denial_table import denial_of
from yaoma.core.product_entry import TableEntryError, pattern_of, product_of

__all__ = ["ANY_SITE", "TYPE", "ListRefusal", "ListRefusedError", "SiteList", "list_text", "read_list"]

TYPE: Final = "yaoma/list/v1"

#: The site of a list that serves every site that trusts its key.
ANY_SITE: Final = "*"

_KEYS: Final = frozenset(
    {"type", "site", "version", "issued_ms", "expires_ms", "products", "codes", "denials", "patterns"}
)

_K = TypeVar("_K")
_T = TypeVar("_T")


class ListRefusal(StrEnum):
    """Why a list is not used; stable, the catalogue is keyed by it."""

    ABSENT = "absent"
    UNREADABLE = "unreadable"
    TOO_LARGE = "too_large"
    UNSIGNED = "unsigned"
    OTHER_TYPE = "other_type"
    MALFORMED = "malformed"
    OTHER_SITE = "other_site"
    NOT_NEWER = "not_newer"


class ListRefusedError(Exception):
    """The list must not be used; the one in use stays.

    Args:
        reason: Why.
        hint: Where the fault is and what to do, for the technician; never a code's text.
    """

    def __init__(self, reason: ListRefusal, hint: str) -> None:
        super().__init__(f"list refused ({reason.value}): {hint}")
        self.reason = reason
        self.hint = hint

    def __reduce__(self) -> tuple[type["ListRefusedError"], tuple[ListRefusal, str]]:
        """Pickle by the facts; the default would pass the sentence as the only argument."""
        return type(self), (self.reason, self.hint)


@dataclass(frozen=True, slots=True)
class SiteList:
    """A list that was read whole.

    Args:
        allowlist: What verdicts ask.
        issued_ms: When it was signed, milliseconds since 1970: time has at least come so far.
        digest: SHA-256 of its text in hexadecimal.
    """

    allowlist: MemoryAllowlist = field(repr=False)
    issued_ms: int
    digest: str


def list_text(content: Mapping[str, Json]) -> str:
    """Give the text that is signed: one line of canonical JSON, its type included."""
    return canonical({"type": TYPE, **content}).decode() + "\n"


def read_list(text: str, site: str) -> SiteList:
    """Read the text of a signed list.

    Args:
        text: What the signature covers; it must have been checked before.
        site: The institution's code of this box.

    Raises:
        ListRefusedError: If it is of another type or site, or anything in it is wrong.
    """
    try:
        content = parse_canonical(text.removesuffix("\n").encode())
    except (NotCanonicalError, UnicodeEncodeError):
        raise ListRefusedError(ListRefusal.OTHER_TYPE, "the text is not one line of canonical JSON") from None
    if content.get("type") != TYPE:
        raise ListRefusedError(ListRefusal.OTHER_TYPE, f"the type {TYPE} was expected")
    if content.keys() != _KEYS:
        # A key that this version does not know may hold a prohibition.
        wrong = ", ".join(sorted(content.keys() ^ _KEYS))
        raise ListRefusedError(ListRefusal.MALFORMED, f"missing or unknown keys: {wrong}")
    if content["site"] not in (site, ANY_SITE):
        raise ListRefusedError(ListRefusal.OTHER_SITE, "the list names another site")
    version, issued_ms, expires_ms = (_whole(content, name) for name in ("version", "issued_ms", "expires_ms"))
    if expires_ms <= issued_ms:
        raise _malformed("expires_ms", "must be later than issued_ms")
    patterns = _each(content, "patterns", pattern_of)
    named = frozenset(pattern.product_key for pattern in patterns)
    products = _each(content, "products", lambda entry: product_of(entry, named))
    codes = _each(content, "codes", lambda entry: _code(entry, patterns))
    denials = _each(content, "denials", lambda entry: denial_of(entry, named))
    if any(row.serial_from for row in denials):
        raise _malformed("denials", "ranges of serials are for the large list")
    allowlist = MemoryAllowlist(
        version,
        expires_ms,
        _unique("products", [(product.key, product) for product in products]),
        frozenset(codes),
        _unique("denials", [(row.key, row.denial) for row in denials if not row.lot]),
        tuple(patterns),
        lot_denials=_unique("denials", [((row.key, row.lot), row.denial) for row in denials if row.lot]),
    )
    return SiteList(allowlist, issued_ms, hashlib.sha256(text.encode()).hexdigest())


def _malformed(place: str, problem: str) -> ListRefusedError:
    return ListRefusedError(ListRefusal.MALFORMED, f"{place}: {problem}")


def _whole(content: Mapping[str, Json], name: str) -> int:
    value = content[name]
    if type(value) is not int or value < 1:
        raise _malformed(name, "a whole number above zero was expected")
    return value


def _each(content: Mapping[str, Json], name: str, read: Callable[[Json], _T]) -> list[_T]:
    entries = content[name]
    if not isinstance(entries, list):
        raise _malformed(name, "a list was expected")
    found = []
    for number, entry in enumerate(entries):
        try:
            found.append(read(entry))
        except TableEntryError as error:
            raise _malformed(f"{name}[{number}]", str(error)) from None
    return found


def _unique(name: str, pairs: Sequence[tuple[_K, _T]]) -> dict[_K, _T]:
    table = dict(pairs)
    if len(table) != len(pairs):
        raise _malformed(name, "one key stands there twice")
    return table


def _code(entry: Json, patterns: Sequence[OtherPattern]) -> str:
    if not isinstance(entry, str):
        raise TableEntryError("a text was expected")
    try:
        return from_key(entry, patterns).key
    except CodeError:
        raise TableEntryError("no key of a trace code") from None
