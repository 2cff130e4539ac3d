"""Site list: the small signed list of one site, as text and as an allowlist; used whole or not at all."""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeVar

from yaoma.core.allowlist import Denial, DenialKind, MemoryAllowlist, Product
from yaoma.core.canonical import Json, NotCanonicalError, canonical, parse_canonical
from yaoma.core.code import CodeError, OtherPattern, PatternError, from_key
from yaoma.core.trace_code import is_gtin

__all__ = ["ANY_SITE", "TYPE", "ListRefusal", "ListRefusedError", "SiteList", "list_text", "read_list"]

TYPE: Final = "yaoma/list/v1"

#: The site of a list that serves every site that trusts its key.
ANY_SITE: Final = "*"

_KEYS: Final = frozenset(
    {"type", "site", "version", "issued_ms", "expires_ms", "products", "codes", "denials", "patterns"}
)
_CN20_PRODUCT: Final = re.compile(r"cn20:8[0-9]{6}")
_MAX_NAME_CHARS: Final = 120
_MAX_NOTE_CHARS: Final = 200

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
    patterns = _each(content, "patterns", _pattern)
    named = frozenset(pattern.product_key for pattern in patterns)
    products = _each(content, "products", lambda entry: _product(entry, named))
    codes = _each(content, "codes", lambda entry: _code(entry, patterns))
    denials = _each(content, "denials", lambda entry: _denial(entry, patterns, named))
    allowlist = MemoryAllowlist(
        version,
        expires_ms,
        _unique("products", [(product.key, product) for product in products]),
        frozenset(codes),
        _unique("denials", denials),
        tuple(patterns),
    )
    return SiteList(allowlist, issued_ms, hashlib.sha256(text.encode()).hexdigest())


class _EntryError(ValueError):
    """What is wrong with one entry."""


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
        except _EntryError as error:
            raise _malformed(f"{name}[{number}]", str(error)) from None
    return found


def _unique(name: str, pairs: Sequence[tuple[str, _T]]) -> dict[str, _T]:
    table = dict(pairs)
    if len(table) != len(pairs):
        raise _malformed(name, "one key stands there twice")
    return table


def _texts(entry: Json, *names: str) -> tuple[str, ...]:
    if not isinstance(entry, dict) or entry.keys() != set(names):
        raise _EntryError(f"exactly the keys {', '.join(names)} were expected")
    texts = tuple(entry[name] for name in names)
    if not all(isinstance(text, str) for text in texts):
        raise _EntryError("texts were expected")
    return tuple(map(str, texts))


def _printable(text: str, name: str, most: int, *, least: int = 0) -> str:
    if not least <= len(text) <= most or not text.isprintable():
        raise _EntryError(f"{name} has {least}-{most} printable characters")
    return text


def _is_product_key(key: str, named: frozenset[str]) -> bool:
    return bool(_CN20_PRODUCT.fullmatch(key)) or (_is_gs1_product(key)) or key in named


def _is_gs1_product(key: str) -> bool:
    gtin = key.removeprefix("gs1:01")
    return key.startswith("gs1:01") and len(gtin) == 14 and is_gtin(gtin)  # noqa: PLR2004 - a GTIN-14


def _pattern(entry: Json) -> OtherPattern:
    standard, regex, product_key = _texts(entry, "standard", "regex", "product_key")
    try:
        return OtherPattern(standard, regex, product_key)
    except PatternError as error:
        raise _EntryError(error.hint) from None


def _product(entry: Json, named: frozenset[str]) -> Product:
    key, name = _texts(entry, "key", "name")
    if not _is_product_key(key, named):
        raise _EntryError("no key of a product")
    return Product(key, _printable(name, "the name", _MAX_NAME_CHARS, least=1))


def _code(entry: Json, patterns: Sequence[OtherPattern]) -> str:
    if not isinstance(entry, str):
        raise _EntryError("a text was expected")
    try:
        return from_key(entry, patterns).key
    except CodeError:
        raise _EntryError("no key of a trace code") from None


def _denial(entry: Json, patterns: Sequence[OtherPattern], named: frozenset[str]) -> tuple[str, Denial]:
    key, kind, note = _texts(entry, "key", "kind", "note")
    if not _is_product_key(key, named):
        _code(key, patterns)
    try:
        known = DenialKind(kind)
    except ValueError:
        raise _EntryError(f"kind is one of {', '.join(DenialKind)}") from None
    return key, Denial(known, _printable(note, "the note", _MAX_NOTE_CHARS))
