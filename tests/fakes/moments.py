"""Moments at a counter to order: an operation of the table that ships, a listed pack, what the ledger knows of it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from yaoma.core.allowlist import Listing, MemoryAllowlist, Source
from yaoma.core.code import Cn20, TraceCode
from yaoma.core.findings import look_up
from yaoma.core.ledger import Seen, Take
from yaoma.core.pack import PackState
from yaoma.core.policy import Policy
from yaoma.core.product import PackLevel, Product, ProductFlag
from yaoma.core.record import ClockState, Stamp
from yaoma.core.shipment import Shipment, ShipmentKind, ShipmentLine
from yaoma.core.situation import Situation
from yaoma.core.ticket import Ticket
from yaoma.core.verdict import Verdict, judge
from yaoma.shell.operations import load_operations

#: 2026-11-18 at the counter.
NOW = Stamp(1_795_000_000_000, 500_000, "boot-a", ClockState.SYNCED)
TODAY = date(2026, 11, 18)
OPERATIONS = load_operations()

WHOLE, TABLETS, CASE, CARTON = "cn20:8100001", "cn20:8100002", "cn20:8100003", "cn20:8100004"
PRODUCTS = {
    WHOLE: Product(WHOLE, "整盒药", drug="d-whole"),
    TABLETS: Product(TABLETS, "可拆零药", drug="d-tablets", units=24),
    CASE: Product(CASE, "盐水", drug="d-saline", packs=10, flags=frozenset({ProductFlag.CASE_CODE})),
    CARTON: Product(CARTON, "大箱", drug="d-whole", level=PackLevel.LARGE, packs=4),
}


def pack(product: str = WHOLE, number: int = 1) -> Cn20:
    """A pack of a product."""
    return Cn20(f"{product.removeprefix('cn20:')}{number:09d}0000")


def carton(number: int = 1) -> Cn20:
    """A large code."""
    return pack(CARTON, number)


def note(lot: str | None = "L1", *, packs: int = 4, kind: ShipmentKind = ShipmentKind.SUPPLIER) -> Shipment:
    """A despatch note with one carton of packs 1 to n."""
    keys = [pack(number=number).key for number in range(1, packs + 1)]
    parents = {carton().key: "", **dict.fromkeys(keys, carton().key)}
    return Shipment(
        "n-1", kind, "供货商", "FH-1", (ShipmentLine(WHOLE, packs, lot),), parents, dict.fromkeys(keys, 0), NOW.wall_ms
    )


def catalogue(listings: Mapping[str, Listing] | None = None, **more: Any) -> MemoryAllowlist:
    """A list that holds packs 1 to 20 of each product, and what else is asked for."""
    codes = {pack(product, number).key for product in PRODUCTS for number in range(1, 21)}
    return MemoryAllowlist(
        **{
            "version": 7,
            "expires_ms": NOW.wall_ms + 10**9,
            "products": PRODUCTS,
            "codes": frozenset(codes),
            "denials": {},
            "listings": listings or {},
            **more,
        }
    )


def delivered(shipment: Shipment, **more: Any) -> MemoryAllowlist:
    """A list that knows a despatch note with everything in it."""
    listings = {key: Listing(Source.SHIPMENT, shipment=shipment.id) for key in shipment.parents}
    return catalogue({**listings, **more.pop("listings", {})}, shipments={shipment.id: shipment}, **more)


def known(state: PackState, **more: Any) -> Seen:
    """A pack in a state, put there yesterday by a ticket that is closed."""
    stamp = replace(NOW, wall_ms=NOW.wall_ms - 86_400_000, boot="boot-0")
    return Seen(**{"log": "log", "seq": 3, "station": "counter", "ticket": "t-old", "verdict": "PASS", "stamp": stamp,
                   "effect": "receive", "effect_ms": stamp.wall_ms, "state": state, **more})  # fmt: skip


def on_ticket(state: PackState, *takes: Take, **more: Any) -> Seen:
    """A pack that was scanned for the open ticket a minute ago."""
    stamp = replace(NOW, mono_ms=NOW.mono_ms - 60_000)
    fields: dict[str, Any] = {"ticket": "t1", "stamp": stamp, "place": takes[-1].place, "takes": takes}
    return known(state, **{**fields, **more})


def moment(operation: str, code: TraceCode | None = None, **more: Any) -> Situation:
    """A scan of a pack for an open ticket of an operation, by complete history unless it is said."""
    allowlist = more.get("allowlist", catalogue())
    ticket = Ticket("t1", "counter", operation, 4, **more.pop("on", {}))
    fields: dict[str, Any] = {
        "now": NOW,
        "station": "counter",
        "ticket": ticket,
        "seen": None,
        "allowlist": allowlist,
        "policy": Policy(),
        "operation": OPERATIONS[operation],
        "findings": look_up(code or pack(), allowlist),
        "complete_since_ms": 1,
        "can_seal": True,
    }
    return Situation(**{**fields, **more})


def said(code: TraceCode, situation: Situation) -> tuple[str, str, tuple[str, ...]]:
    """Class, reason, and what else stands against it."""
    found: Verdict = judge(code, situation)
    return found.verdict.value, str(found.reason), tuple(str(one) for one in found.also)
