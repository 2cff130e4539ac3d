"""Product entry: one product or pattern as it stands in a table or in the small list, checked in every part."""

import re
from collections.abc import Mapping
from typing import Final

from yaoma.core.canonical import Json
from yaoma.core.other_pattern import OtherPattern, PatternError
from yaoma.core.product import CodeSystem, PackLevel, Product, ProductFlag
from yaoma.core.trace_code import is_gtin

__all__ = [
    "MAX_ALIASES",
    "MAX_NAME_CHARS",
    "TableEntryError",
    "is_product_key",
    "pattern_of",
    "product_entry",
    "product_of",
]

MAX_NAME_CHARS: Final = 120
MAX_ALIASES: Final = 32

_MAX_DRUG_CHARS: Final = 100
_MAX_ALIAS_CHARS: Final = 64
_MAX_COUNT: Final = 1_000_000
_PLATFORM: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_CN20_PRODUCT: Final = re.compile(r"cn20:8[0-9]{6}")
_GS1_PRODUCT: Final = re.compile(r"gs1:01([0-9]{14})")
_REQUIRED: Final = frozenset({"key", "name"})
_OPTIONAL: Final = frozenset({"drug", "level", "packs", "units", "platform", "flags", "aliases"})


_NO_LIMIT: Final = 1000


class TableEntryError(ValueError):
    """What is wrong with one entry of a table."""


def is_product_key(key: str, named: frozenset[str] = frozenset()) -> bool:
    """Say whether a text is the key of a product.

    Args:
        key: Such as `cn20:8123456` or `gs1:01` and a GTIN-14.
        named: Keys that patterns of other standards name.
    """
    gtin = _GS1_PRODUCT.fullmatch(key)
    return bool(_CN20_PRODUCT.fullmatch(key)) or (gtin is not None and is_gtin(gtin[1])) or key in named


def pattern_of(entry: Json) -> OtherPattern:
    """Read the entry of a pattern.

    Raises:
        TableEntryError: It is malformed.
    """
    names = ("standard", "regex", "product_key")
    if not isinstance(entry, dict) or entry.keys() != set(names):
        raise TableEntryError(f"exactly the keys {', '.join(names)} were expected")
    standard, regex, product_key = (_text(entry, name, 0, _NO_LIMIT) for name in names)
    try:
        return OtherPattern(standard, regex, product_key)
    except PatternError as error:
        raise TableEntryError(error.hint) from None


def product_entry(product: Product) -> dict[str, Json]:
    """Give a product as it stands in a table; what has its usual value is left out."""
    usual = Product(product.key, product.name)
    entry: dict[str, Json] = {"key": product.key, "name": product.name}
    given: dict[str, Json] = {
        "drug": product.drug,
        "level": product.level.value,
        "packs": product.packs,
        "units": product.units,
        "platform": product.platform,
        "flags": sorted(flag.value for flag in product.flags),
        "aliases": sorted([system.value, text] for system, text in product.aliases),
    }
    usual_values: tuple[Json, ...] = ("", usual.level.value, usual.packs, usual.units, "", [], [])
    return entry | {name: value for (name, value), was in zip(given.items(), usual_values, strict=True) if value != was}


def product_of(entry: Json, named: frozenset[str] = frozenset()) -> Product:
    """Read the entry of a product.

    Args:
        entry: `key` and `name`; optional: drug, level, packs, units, platform, flags, aliases.
        named: Keys that patterns of other standards name.

    Raises:
        TableEntryError: It is malformed, or holds what this version does not know: that may be a prohibition.
    """
    if not isinstance(entry, dict) or not entry.keys() >= _REQUIRED or not entry.keys() <= _REQUIRED | _OPTIONAL:
        raise TableEntryError(f"the keys key, name and, if known, {', '.join(sorted(_OPTIONAL))} were expected")
    key = _text(entry, "key", 1, _NO_LIMIT)
    if not is_product_key(key, named):
        raise TableEntryError("no key of a product")
    name = _text(entry, "name", 1, MAX_NAME_CHARS)
    platform = _text(entry, "platform", 0, _NO_LIMIT)
    if platform and not _PLATFORM.fullmatch(platform):
        raise TableEntryError("platform has 1-32 of a-z 0-9 _ -")
    return Product(
        key,
        name,
        drug=_text(entry, "drug", 0, _MAX_DRUG_CHARS),
        level=_level(entry.get("level", PackLevel.SMALL.value)),
        packs=_count(entry, "packs", 1, usual=1),
        units=_count(entry, "units", 0, usual=0),
        platform=platform,
        flags=_flags(entry.get("flags", [])),
        aliases=_aliases(entry.get("aliases", [])),
    )


def _text(entry: Mapping[str, Json], name: str, least: int, most: int) -> str:
    text = entry.get(name, "")
    if not isinstance(text, str) or not least <= len(text) <= most or not text.isprintable():
        raise TableEntryError(f"{name} has {least}-{most} printable characters")
    return text


def _count(entry: Mapping[str, Json], name: str, least: int, *, usual: int) -> int:
    count = entry.get(name, usual)
    if type(count) is not int or not least <= count <= _MAX_COUNT:
        raise TableEntryError(f"{name} is a whole number from {least} to {_MAX_COUNT}")
    return count


def _level(value: Json) -> PackLevel:
    try:
        return PackLevel(str(value))
    except ValueError:
        raise TableEntryError(f"level is one of {', '.join(PackLevel)}") from None


def _flags(value: Json) -> frozenset[ProductFlag]:
    if not isinstance(value, list) or not all(isinstance(flag, str) for flag in value):
        raise TableEntryError("flags is a list of texts")
    try:
        flags = frozenset(ProductFlag(str(flag)) for flag in value)
    except ValueError:
        raise TableEntryError(f"a flag is one of {', '.join(ProductFlag)}") from None
    if len(flags) != len(value):
        raise TableEntryError("a flag is there twice")
    return flags


def _aliases(value: Json) -> tuple[tuple[CodeSystem, str], ...]:
    if not isinstance(value, list) or len(value) > MAX_ALIASES:
        raise TableEntryError(f"aliases is a list of at most {MAX_ALIASES} pairs")
    found = []
    for pair in value:
        if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(text, str) for text in pair):  # noqa: PLR2004 - system and text
            raise TableEntryError("an alias is a pair of system and text")
        system, text = (str(part) for part in pair)
        if system not in tuple(CodeSystem):
            raise TableEntryError(f"the system of an alias is one of {', '.join(CodeSystem)}")
        if not 0 < len(text) <= _MAX_ALIAS_CHARS or not text.isprintable() or " " in text:
            raise TableEntryError(f"an alias has 1-{_MAX_ALIAS_CHARS} printable characters")
        found.append((CodeSystem(system), text))
    if len(set(found)) != len(found):
        raise TableEntryError("an alias is there twice")
    return tuple(sorted(found))
