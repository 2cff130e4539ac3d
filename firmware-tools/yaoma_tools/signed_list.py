"""Signed list: builds the small list of one site from tables and signs it; never one that a box would refuse."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from yaoma.core.canonical import Json
from yaoma.core.denial_table import denial_entry
from yaoma.core.note import Signer
from yaoma.core.product_entry import product_entry
from yaoma.core.site_list import ListRefusal, ListRefusedError, list_text, read_list
from yaoma.shell.list_file import MAX_LIST_BYTES
from yaoma_link.keyfile import write_public
from yaoma_tools.list_source import SourceError
from yaoma_tools.list_source_tables import read_codes, read_denials, read_patterns, read_products

__all__ = ["BuiltList", "ListSource", "SourceError", "build_list", "sign_list"]


@dataclass(frozen=True, slots=True)
class ListSource:
    """What a list is made of. Tables are CSV with a header (`.csv`) or JSON lines (anything else).

    Args:
        site: The institution's code, or `*`.
        version: Above that of the last list.
        issued_ms: Now, milliseconds since 1970.
        expires_ms: When the list becomes stale, milliseconds since 1970.
        codes: Table with the column `code`: 20 digits, or the key of a code.
        products: Table of products, see `yaoma_tools.list_source_tables.read_products`.
        denials: Table of denials, see `read_denials` there; no ranges of serials.
        patterns: Table with `standard`, `regex` and `product_key`.
    """

    site: str
    version: int
    issued_ms: int
    expires_ms: int
    codes: Path | None = None
    products: Path | None = None
    denials: Path | None = None
    patterns: Path | None = None


@dataclass(frozen=True, slots=True)
class BuiltList:
    """What was built.

    Args:
        note: The signed note.
        codes: How many codes it holds.
        products: How many products.
        denials: How many denials.
        patterns: How many patterns.
    """

    note: str
    codes: int
    products: int
    denials: int
    patterns: int


def build_list(source: ListSource, signer: Signer) -> BuiltList:
    """Build a list and sign it.

    Args:
        source: What it is made of.
        signer: The centre's key.

    Raises:
        SourceError: If a table is malformed.
        ListRefusedError: If a box would refuse the list; the hint names the entry.
        OSError: If a table can't be read.
    """
    codes = read_codes(source.codes)
    patterns = read_patterns(source.patterns)
    products = read_products(source.products, patterns)
    denials = read_denials(source.denials, patterns)
    content: Mapping[str, Json] = {
        "site": source.site,
        "version": source.version,
        "issued_ms": source.issued_ms,
        "expires_ms": source.expires_ms,
        "codes": sorted(codes),
        "products": [product_entry(product) for product in products],
        "denials": [denial_entry(row) for row in denials],
        "patterns": [
            {"standard": one.standard, "regex": one.regex, "product_key": one.product_key} for one in patterns
        ],
    }
    text = list_text(content)
    built = read_list(text, source.site).allowlist
    note = signer.sign(text)
    if len(note.encode()) > MAX_LIST_BYTES:
        raise ListRefusedError(ListRefusal.TOO_LARGE, f"the list would have more than {MAX_LIST_BYTES} bytes")
    denied = len(built.denials) + len(built.lot_denials)
    return BuiltList(note, len(built.codes), len(built.products), denied, len(built.patterns))


def sign_list(destination: Path, source: ListSource, signer: Signer) -> BuiltList:
    """Build and sign a list and put it in place in one step, over an older one.

    Args:
        destination: The file.
        source: What it is made of.
        signer: The centre's key.

    Raises:
        SourceError: If a table is malformed.
        ListRefusedError: If a box would refuse the list.
        OSError: If a table can't be read, or the file can't be written.
    """
    built = build_list(source, signer)
    write_public(destination, built.note.encode(), replace=True)
    return built
