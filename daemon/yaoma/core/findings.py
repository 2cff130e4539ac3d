"""Findings: everything that the list says of one code, looked up once for the verdict and for the record."""

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Final

from yaoma.core.allowlist import NOT_LISTED, Allowlist, CodeStatus, Denial, Listing
from yaoma.core.code import CodeError, Gs1, TraceCode, from_key
from yaoma.core.product import PackLevel, Product
from yaoma.core.shipment import Shipment, ShipmentLine

if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    from yaoma.core.checked_value import dataclass

__all__ = ["MAX_PACKS", "NOTHING", "Findings", "look_up"]

#: So many packs of one container fit into one record; of a larger one what is inside is scanned.
MAX_PACKS: Final = 4000

#: What stands against a container if it stands against one pack inside; the first is the gravest.
_GRAVE: Final = (CodeStatus.CANCELLED, CodeStatus.ABSENT, CodeStatus.GONE)


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
        expiry: The earliest of what these three say.
        is_lot_doubtful: Some lots of the product are denied, and nobody knows this pack's.
        packs: Keys of the smallest packs that a container of a despatch note brings in; empty for anything else.
        is_too_large: The container holds more of them than `MAX_PACKS`.
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
    is_too_large: bool = False

    @property
    def is_container(self) -> bool:
        """The code is that of a middle or large package."""
        return bool(self.packs) or (self.product is not None and self.product.level is not PackLevel.SMALL)


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
    product_key = code.product_key
    product = allowlist.product(product_key)
    if listing.damaged:
        # Denials stand in tables of their own; they hold whatever the damaged page would say.
        return Findings(product, listing, denial=allowlist.denial(code, code.lot if isinstance(code, Gs1) else None))
    shipment = allowlist.shipment(listing.shipment) if listing.shipment else None
    line = shipment.line(code.key) if shipment else None
    own_lot, own_expiry = (code.lot, code.expiry) if isinstance(code, Gs1) else (None, None)
    lot = listing.lot or (line.lot if line else None) or own_lot or ""
    # What is printed on the pack counts as well as what the list says of it: the worse of both holds.
    expiry = _earliest(listing.expiry, line.expiry if line else None, own_expiry)
    denial = allowlist.denial(code, lot or None)
    if denial is None and own_lot and own_lot != lot:
        denial = allowlist.denial(code, own_lot)
    doubtful = not lot and denial is None and allowlist.denies_lots_of(product_key)
    packs = shipment.smallest_in(code.key) if shipment is not None and line is None else ()
    is_too_large = len(packs) > MAX_PACKS
    found = Findings(
        product,
        listing,
        denial,
        shipment,
        line,
        own_lot or "",
        lot,
        expiry,
        doubtful,
        () if is_too_large else packs,
        is_too_large,
    )
    return _with_contents(found, shipment, allowlist) if shipment is not None and found.packs else found


def _earliest(*dates: date | None) -> date | None:
    known = [one for one in dates if one is not None]
    return min(known) if known else None


def _with_contents(container: Findings, shipment: Shipment, allowlist: Allowlist) -> Findings:
    """Hold against a container what stands against a pack inside: one denied pack must not come in with the others."""
    inside = [found for key in container.packs if (found := _pack(key, shipment, allowlist)) is not None]
    lots, expiries = {found.lot for found in inside}, [found.expiry for found in inside if found.expiry is not None]
    said = {found.listing.status for found in inside}
    grave = next((status for status in _GRAVE if status in said), None)
    known = container.listing.status if None not in said else None
    listing = replace(
        container.listing,
        status=grave or known,
        damaged=any(found.listing.damaged for found in inside),
    )
    return replace(
        container,
        listing=listing,
        denial=container.denial or next((found.denial for found in inside if found.denial is not None), None),
        lot=container.lot or (lots.pop() if len(lots) == 1 else ""),
        expiry=min(expiries, default=container.expiry),
        is_lot_doubtful=container.is_lot_doubtful or any(found.is_lot_doubtful for found in inside),
    )


def _pack(key: str, shipment: Shipment, allowlist: Allowlist) -> Findings | None:
    """Look up a pack inside a container of a despatch note; None if the note names it by no code."""
    try:
        code = from_key(key, allowlist.patterns)
    except CodeError:
        return None
    listing, line = allowlist.listing(code), shipment.line(key)
    lot = listing.lot or (line.lot if line else None) or ""
    denial = allowlist.denial(code, lot or None)
    doubtful = not lot and denial is None and allowlist.denies_lots_of(code.product_key)
    expiry = listing.expiry or (line.expiry if line else None)
    return Findings(None, listing, denial=denial, lot=lot, expiry=expiry, is_lot_doubtful=doubtful)
