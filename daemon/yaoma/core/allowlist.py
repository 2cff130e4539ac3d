"""The allowlist as the verdict sees it, and a small one that lies whole in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from yaoma.core.code import OtherPattern, TraceCode

__all__ = ["Allowlist", "Denial", "DenialKind", "MemoryAllowlist", "Product"]


class DenialKind(StrEnum):
    """Why a code must not be received or handed out (DESIGN.md 2)."""

    RECALL = "recall"
    WARNING = "warning"
    SOLD_ELSEWHERE = "sold_elsewhere"
    NOT_ACTIVATED = "not_activated"


@dataclass(frozen=True, slots=True)
class Denial:
    """One line of the denials.

    Args:
        kind: Why.
        note: The notice's number or a short text for the operator.
    """

    kind: DenialKind
    note: str = ""


@dataclass(frozen=True, slots=True)
class Product:
    """A drug and package level behind a product key (DESIGN.md 2).

    Args:
        key: `cn20:` and 7 digits, or `gs1:01` and a GTIN.
        name: The drug's name as it stands on the pack.
    """

    key: str
    name: str


class Allowlist(Protocol):
    """What the verdict asks. An instance never changes; an update is another instance."""

    @property
    def version(self) -> int:
        """Number of the release."""
        ...

    @property
    def expires_ms(self) -> int:
        """When it becomes stale, milliseconds since 1970."""
        ...

    @property
    def patterns(self) -> Sequence[OtherPattern]:
        """Patterns of other standards."""
        ...

    def product(self, product_key: str) -> Product | None:
        """Give the product, or None if the list does not know it."""
        ...

    def denial(self, code: TraceCode) -> Denial | None:
        """Give why the code is denied, by itself or by its product, or None."""
        ...

    def holds(self, code: TraceCode) -> bool:
        """Say whether the pack may be here."""
        ...


@dataclass(frozen=True, slots=True)
class MemoryAllowlist:
    """A list of a few thousand codes, for a demonstration, a test bench or a very small clinic.

    Args:
        version: Number of the release.
        expires_ms: When it becomes stale, milliseconds since 1970.
        products: Products by key.
        codes: Keys of the packs that may be here.
        denials: Denials by the key of a code or of a product.
        patterns: Patterns of other standards.
    """

    version: int
    expires_ms: int
    products: Mapping[str, Product] = field(repr=False)
    codes: frozenset[str] = field(repr=False)
    denials: Mapping[str, Denial] = field(repr=False)
    patterns: Sequence[OtherPattern] = ()

    def product(self, product_key: str) -> Product | None:
        """Give the product, or None if the list does not know it."""
        return self.products.get(product_key)

    def denial(self, code: TraceCode) -> Denial | None:
        """Give why the code is denied, by itself or by its product, or None."""
        return self.denials.get(code.key) or self.denials.get(code.product_key)

    def holds(self, code: TraceCode) -> bool:
        """Say whether the pack may be here."""
        return code.key in self.codes
