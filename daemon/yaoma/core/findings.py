"""Findings: everything that the list says of one code, looked up once for the verdict and for the record."""

from dataclasses import dataclass
from datetime import date

from yaoma.core.allowlist import NOT_LISTED, Allowlist, Denial, Listing
from yaoma.core.code import Gs1, TraceCode
from yaoma.core.product import PackLevel, Product
from yaoma.core.shipment import Shipment, ShipmentLine

__all__ = ["NOTHING", "Findings", "look_up"]


@dataclass(frozen=True, slots=True)
class Findings:
    """What the list says of one code.

    Args:
        product: Its product, or None if nobody knows it.
        listing: What is known of the pack.
        denial: Why it is denied, or None.
        shipment: The despatch note that names it, or None.
        line: Its line there, or None; also None for a container.
        own_lot: The lot that stands in the symbol itself; empty if none does.
        lot: Its lot by the list, the despatch note or the symbol, in this order; empty if nobody knows it.
        expiry: Likewise.
        is_lot_doubtful: Some lots of the product are denied, and nobody knows this pack's.
        packs: Keys of the smallest packs that a container of a despatch note brings in; empty for anything else.
    """

    product: Product | None = None
    listing: Listing = NOT_LISTED
    denial: Denial | None = None
    shipment: Shipment | None = None
    line: ShipmentLine | None = None
    own_lot: str = ""
    lot: str = ""
    expiry: date | None = None
    is_lot_doubtful: bool = False
    packs: tuple[str, ...] = ()

    @property
    def is_container(self) -> bool:
        """The code is that of a middle or large package."""
        return self.product is not None and self.product.level is not PackLevel.SMALL


NOTHING = Findings()


def look_up(code: TraceCode, allowlist: Allowlist | None) -> Findings:
    """Look a code up.

    Args:
        code: The code.
        allowlist: The list, or None if there is none that can be believed.
    """
    if allowlist is None:
        return NOTHING
    listing = allowlist.listing(code)
    product = allowlist.product(code.product_key)
    if listing.damaged:
        return Findings(product, listing)
    shipment = allowlist.shipment(listing.shipment) if listing.shipment else None
    line = shipment.line(code.key) if shipment else None
    own_lot, own_expiry = (code.lot, code.expiry) if isinstance(code, Gs1) else (None, None)
    lot = listing.lot or (line.lot if line else None) or own_lot or ""
    expiry = listing.expiry or (line.expiry if line else None) or own_expiry
    denial = allowlist.denial(code, lot or None)
    doubtful = not lot and denial is None and allowlist.denies_lots_of(code.product_key)
    packs = shipment.smallest_in(code.key) if shipment is not None and line is None else ()
    return Findings(
        product,
        listing,
        denial=denial,
        shipment=shipment,
        line=line,
        own_lot=own_lot or "",
        lot=lot,
        expiry=expiry,
        is_lot_doubtful=doubtful,
        packs=packs,
    )
