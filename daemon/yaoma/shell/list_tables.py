"""List tables: reads products and denials from the files that list.db names, each checked against its hash."""

import hashlib
from pathlib import Path

from yaoma.core.denial_table import DenialTable
from yaoma.core.product_table import ProductTable, TableError

__all__ = ["TableRefusedError", "read_denials", "read_policy", "read_products"]


class TableRefusedError(Exception):
    """A table must not be used; the sentence names the file and the line."""


def read_products(path: Path, digest: bytes) -> ProductTable:
    """Read the table of products and patterns.

    Args:
        path: The file.
        digest: Its SHA-256, 32 bytes.

    Raises:
        TableRefusedError: If it is absent, unreadable, another file, or malformed.
    """
    try:
        return ProductTable.parse(_content(path, digest))
    except TableError as error:
        raise TableRefusedError(f"{path.name}: {error}") from None


def read_denials(path: Path, digest: bytes, named: frozenset[str]) -> DenialTable:
    """Read the table of denials.

    Args:
        path: The file.
        digest: Its SHA-256, 32 bytes.
        named: Product keys that patterns of other standards name.

    Raises:
        TableRefusedError: If it is absent, unreadable, another file, or malformed.
    """
    try:
        return DenialTable.parse(_content(path, digest), named)
    except TableError as error:
        raise TableRefusedError(f"{path.name}: {error}") from None


def read_policy(path: Path, digest: bytes) -> bytes:
    """Read a policy as it was signed.

    Raises:
        TableRefusedError: If it is absent, unreadable or another file.
    """
    return _content(path, digest)


def _content(path: Path, digest: bytes) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise TableRefusedError(f"{path.name}: {error.strerror}") from None
    if hashlib.sha256(content).digest() != digest:
        raise TableRefusedError(f"{path.name}: not the file that was signed")
    return content
