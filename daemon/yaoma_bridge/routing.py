"""Routing: which destination must have a line, by trace platform, payer, exemption, operation and site. Pure."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from yaoma.core.product import ProductFlag
from yaoma_bridge.bill import Bill, BillLine
from yaoma_bridge.platform import Platform, Ruling, RulingKind

__all__ = ["Route", "route_of", "ruling"]

_NEEDED = Ruling()


class Route(BaseModel):
    """`[destination.route]`: what a platform is asked to take. An empty list takes all.

    Args:
        trace_platforms: Trace platforms whose codes go here, as the product table names them (`alihealth`, ...). A code
            of another one is not needed here.
        unknown_platform: What becomes of a code whose trace platform nobody knows, if `trace_platforms` is given:
            `hold` shows it until the product table says; `send` takes it. A 20-digit code is `alihealth`'s where
            `cn20_platform` says so.
        cn20_platform: The trace platform of 20-digit codes whose product the table does not know; empty if unknown.
        payers: Payers whose bills go here (`insurance`, `injury`, `self`), for operations that have one.
        unknown_payer: What becomes of a bill without payer if `payers` is given.
        payer_operations: Operations that a payer decides about; all others go here whoever pays.
        operations: Operations that go here; all if empty.
        sites: Institutions whose bills go here; all if empty.
        exempt: Flags of products that need not be uploaded (`herbal`, `granule`, ...): the province's exemptions.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    trace_platforms: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    unknown_platform: Literal["hold", "send"] = "hold"
    cn20_platform: str = ""
    payers: tuple[str, ...] = ()
    unknown_payer: Literal["hold", "send", "skip"] = "hold"
    payer_operations: tuple[str, ...] = ("dispense", "dispense_ward", "vaccinate", "return_customer")
    operations: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    exempt: tuple[ProductFlag, ...] = ()


def route_of(route: Route, bill: Bill, line: BillLine) -> Ruling:
    """Say whether a destination is to have a line, by its route alone."""
    if (route.sites and bill.site not in route.sites) or (route.operations and bill.operation not in route.operations):
        return Ruling(RulingKind.NOT_NEEDED, "not_routed")
    if line.product is not None and line.product.flags & frozenset(route.exempt):
        return Ruling(RulingKind.NOT_NEEDED, "exempt")
    if route.payers and bill.operation in route.payer_operations and bill.payer not in route.payers:
        if bill.payer or route.unknown_payer == "skip":
            return Ruling(RulingKind.NOT_NEEDED, "other_payer")
        if route.unknown_payer == "hold":
            return Ruling(RulingKind.HELD, "payer_unknown")
    return _by_trace_platform(route, line)


def _by_trace_platform(route: Route, line: BillLine) -> Ruling:
    if not route.trace_platforms:
        return _NEEDED
    platform = line.product.platform if line.product is not None else ""
    if not platform and line.code.startswith("cn20:"):
        platform = route.cn20_platform
    if not platform:
        return _NEEDED if route.unknown_platform == "send" else Ruling(RulingKind.HELD, "trace_platform_unknown")
    return _NEEDED if platform in route.trace_platforms else Ruling(RulingKind.NOT_NEEDED, "other_trace_platform")


def ruling(route: Route, platform: Platform, bill: Bill, line: BillLine) -> Ruling:
    """Say whether a destination is to have a line: by its route, then by what only the platform knows."""
    found = route_of(route, bill, line)
    return platform.rule(bill, line) if found.kind is RulingKind.NEEDED else found
