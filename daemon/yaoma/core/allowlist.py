"""The allowlist as the verdict sees it, and a small one that lies whole in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol

from yaoma.core.code import OtherPattern, TraceCode
from yaoma.core.product import CodeSystem, Product
from yaoma.core.shipment import Shipment

if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    from yaoma.core.checked_value import dataclass

__all__ = [
    "NOT_LISTED",
    "Allowlist",
    "CodeStatus",
    "Denial",
    "DenialKind",
    "Listing",
    "MemoryAllowlist",
    "Product",
    "Source",
    "drugs_named",
]


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


class Source(StrEnum):
    """Where a pack's right to be here comes from; each is shown and recorded as what it is."""

    LIST = "list"  # the signed release
    SHIPMENT = "shipment"  # a supplier's despatch note
    HEADQUARTERS = "headquarters"  # a chain's pushed receipt (S2-09)
    PARSED = "parsed"  # small codes that the platform has parsed (S2-20)
    TRANSFER = "transfer"  # from another site (S2-16)
    OPENING = "opening"  # opening stock


class CodeStatus(StrEnum):
    """What the trace platform said of a code (DOMAIN.md 1.8)."""

    ACTIVATED = "A"  # 已激活
    IN_STOCK = "I"  # 已核注
    GONE = "O"  # 已核销
    CANCELLED = "C"  # 已注销
    ABSENT = "E"  # 不存在或错误


@dataclass(frozen=True, slots=True)
class Listing:
    """What the list says of one pack.

    Args:
        source: Why it may be here, or None if it may not.
        lot: Its lot where the centre knows it.
        expiry: Its expiry where the centre knows it.
        status: What the trace platform said last, or None if nobody asked.
        shipment: Id of the newest shipment that names the code, as a pack or as a container.
        damaged: The page that would answer is damaged: nothing else here counts.
    """

    source: Source | None = None
    lot: str | None = None
    expiry: date | None = None
    status: CodeStatus | None = None
    shipment: str | None = None
    damaged: bool = False


NOT_LISTED: Final = Listing()


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

    def known_as(self, system: CodeSystem, text: str) -> Sequence[Product]:
        """Give the products that have this other code."""
        ...

    def of_drug(self, drug_id: str) -> Sequence[Product]:
        """Give the products of a drug: of all makers' prefixes and levels."""
        ...

    def denial(self, code: TraceCode, lot: str | None = None) -> Denial | None:
        """Give why the code is denied, by itself, its serial range, its lot or its product, or None."""
        ...

    def denies_lots_of(self, product_key: str) -> bool:
        """Say whether some lots of a product are denied, so that a pack of unknown lot is in doubt."""
        ...

    def listing(self, code: TraceCode) -> Listing:
        """Give what the list says of the pack; `NOT_LISTED` if nothing."""
        ...

    def shipment(self, shipment_id: str) -> Shipment | None:
        """Give a shipment, or None if it is unknown."""
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
        listings: What else is known of packs, by key; beside `codes`.
        lot_denials: Denials by (product key, lot).
        shipments: Shipments by id.
    """

    version: int
    expires_ms: int
    products: Mapping[str, Product] = field(repr=False)
    codes: frozenset[str] = field(repr=False)
    denials: Mapping[str, Denial] = field(repr=False)
    patterns: Sequence[OtherPattern] = ()
    listings: Mapping[str, Listing] = field(default_factory=dict, repr=False)
    lot_denials: Mapping[tuple[str, str], Denial] = field(default_factory=dict, repr=False)
    shipments: Mapping[str, Shipment] = field(default_factory=dict, repr=False)

    def product(self, product_key: str) -> Product | None:
        """Give the product, or None if the list does not know it."""
        return self.products.get(product_key)

    def known_as(self, system: CodeSystem, text: str) -> Sequence[Product]:
        """Give the products that have this other code."""
        return [product for product in self.products.values() if (system, text) in product.aliases]

    def of_drug(self, drug_id: str) -> Sequence[Product]:
        """Give the products of a drug: of all makers' prefixes and levels."""
        return [product for product in self.products.values() if product.drug_id == drug_id]

    def denial(self, code: TraceCode, lot: str | None = None) -> Denial | None:
        """Give why the code is denied, by itself, its lot or its product, or None."""
        by_lot = self.lot_denials.get((code.product_key, lot)) if lot else None
        return self.denials.get(code.key) or by_lot or self.denials.get(code.product_key)

    def denies_lots_of(self, product_key: str) -> bool:
        """Say whether some lots of a product are denied, so that a pack of unknown lot is in doubt."""
        return any(product == product_key for product, _ in self.lot_denials)

    def listing(self, code: TraceCode) -> Listing:
        """Give what the list says of the pack; `NOT_LISTED` if nothing."""
        found = self.listings.get(code.key)
        if found is not None:
            return found
        return _LISTED if code.key in self.codes else NOT_LISTED

    def shipment(self, shipment_id: str) -> Shipment | None:
        """Give a shipment, or None if it is unknown."""
        return self.shipments.get(shipment_id)


_LISTED: Final = Listing(Source.LIST)


def drugs_named(allowlist: Allowlist, text: str) -> tuple[str, ...]:
    """Give the drug ids that a till's text stands for; empty if it names another code that the list does not know.

    Args:
        allowlist: The list.
        text: A product key, `system:text` of another code (S4-02), or a drug id, which is taken as it is.
    """
    if text.startswith(("cn20:", "gs1:")):
        product = allowlist.product(text)
        return (product.drug_id,) if product else ()
    system, _, other = text.partition(":")
    if other and system in tuple(CodeSystem):
        return tuple(dict.fromkeys(product.drug_id for product in allowlist.known_as(CodeSystem(system), other)))
    return (text,) if text else ()
