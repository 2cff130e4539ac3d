"""Routing: which destination must have a line, and what is held until somebody says."""

from pathlib import Path

import pytest

from fakes.box import BoxLog
from fakes.scripted_platform import ScriptedPlatform
from fakes.stepped_bridge import register
from fakes.ticketed import Counter, code_of
from fakes.uploading_bridge import UploadingBridge
from yaoma.core.product import Product, ProductFlag
from yaoma.core.product_table import ProductTable
from yaoma_bridge.bill import Bill, BillLine
from yaoma_bridge.centre_facts import CentreFacts
from yaoma_bridge.explain import explained, places_of
from yaoma_bridge.platform import Order, RulingKind
from yaoma_bridge.routing import Route, route_of
from yaoma_bridge.rulings import retry

_OURS = Product("cn20:8000001", "甲", platform="alihealth")
_OTHER = Product("cn20:8000002", "乙", platform="other")
_HERBAL = Product("cn20:8000003", "丙", platform="alihealth", flags=frozenset({ProductFlag.HERBAL}))
_SILENT = Product("cn20:8000004", "丁")


def _routed(
    route: Route, product: Product | None, *, operation: str = "dispense", payer: str = "", site: str = "H1"
) -> tuple[RulingKind, str]:
    line = BillLine("cn20:80000010000000010000", (1,), product=product)
    found = route_of(route, Bill(site, "b", "l", "t", operation, 0, 0, 1, (line,), payer=payer), line)
    return found.kind, found.reason


@pytest.mark.row("S1-07", part="bridge")
@pytest.mark.parametrize(
    ("route", "product", "said"),
    [
        (Route(), None, (RulingKind.NEEDED, "")),
        (Route(trace_platforms=("alihealth",)), _OURS, (RulingKind.NEEDED, "")),
        (Route(trace_platforms=("alihealth",)), _OTHER, (RulingKind.NOT_NEEDED, "other_trace_platform")),
        (Route(trace_platforms=("alihealth",)), _SILENT, (RulingKind.HELD, "trace_platform_unknown")),
        (Route(trace_platforms=("alihealth",)), None, (RulingKind.HELD, "trace_platform_unknown")),
        (Route(trace_platforms=("alihealth",), unknown_platform="send"), None, (RulingKind.NEEDED, "")),
        (Route(trace_platforms=("alihealth",), cn20_platform="alihealth"), None, (RulingKind.NEEDED, "")),
        (Route(trace_platforms=("other",), cn20_platform="alihealth"), _OTHER, (RulingKind.NEEDED, "")),
        (Route(exempt=(ProductFlag.HERBAL,)), _HERBAL, (RulingKind.NOT_NEEDED, "exempt")),
        (Route(exempt=(ProductFlag.HERBAL,)), _OURS, (RulingKind.NEEDED, "")),
    ],
)
def test_a_line_goes_by_its_trace_platform_and_exemption(
    route: Route, product: Product | None, said: tuple[RulingKind, str]
) -> None:
    """A code of another platform is not sent here; one of an unknown platform is held, visibly."""
    assert _routed(route, product) == said


@pytest.mark.row("S1-24", part="bridge")
@pytest.mark.parametrize(
    ("route", "operation", "payer", "said"),
    [
        (Route(payers=("insurance", "injury")), "dispense", "injury", (RulingKind.NEEDED, "")),
        (Route(payers=("insurance", "injury")), "dispense", "self", (RulingKind.NOT_NEEDED, "other_payer")),
        (Route(payers=("insurance",)), "dispense", "", (RulingKind.HELD, "payer_unknown")),
        (Route(payers=("insurance",), unknown_payer="skip"), "dispense", "", (RulingKind.NOT_NEEDED, "other_payer")),
        (Route(payers=("insurance",), unknown_payer="send"), "dispense", "", (RulingKind.NEEDED, "")),
        (Route(payers=("insurance",)), "receive", "", (RulingKind.NEEDED, "")),
        (Route(operations=("receive",)), "dispense", "", (RulingKind.NOT_NEEDED, "not_routed")),
        (Route(sites=("H2",)), "dispense", "", (RulingKind.NOT_NEEDED, "not_routed")),
    ],
)
def test_a_bill_goes_by_payer_operation_and_site(
    route: Route, operation: str, payer: str, said: tuple[RulingKind, str]
) -> None:
    """Who pays decides about sales only; what nobody said is held unless the route says otherwise."""
    assert _routed(route, _OURS, operation=operation, payer=payer) == said


def test_products_are_read_again_when_their_file_changes(tmp_path: Path, log: BoxLog) -> None:
    """A platform that is entered in the product table lets held lines go at the next retry, without a restart."""
    register(tmp_path / "boxes", log.name)
    table = tmp_path / "products"
    platform = ScriptedPlatform()
    bridge = UploadingBridge(
        tmp_path, platform, route=Route(trace_platforms=("alihealth",)), facts=CentreFacts(products=table)
    )
    Counter(log).sell(code_of(1))
    bridge.take(log.payload(), name=log.name)
    bridge.bill()
    bridge.upload()
    assert bridge.fates() == {code_of(1): ("held", "trace_platform_unknown")}
    table.write_bytes(ProductTable.of([_OURS]).encoded())
    with bridge.store.writing() as tx:
        (n,) = tx.execute("SELECT n FROM upload").fetchone()
        assert retry(tx, "scripted", [n], bridge.signer, bridge.now_ms) == 1
    bridge.upload()
    assert bridge.fates() == {code_of(1): ("accepted", "")}
    bridge.close()


@pytest.mark.row("S2-24", part="bridge")
@pytest.mark.row("S4-16", part="bridge")
def test_a_record_is_done_when_all_its_destinations_have_it(tmp_path: Path, log: BoxLog) -> None:
    """One scan goes to two platforms, each with its own state; only both make it done."""
    register(tmp_path / "boxes", log.name)
    first, second = ScriptedPlatform(order=Order.NONE), ScriptedPlatform(order=Order.NONE)
    second.name = "insurance"
    bridge = UploadingBridge(tmp_path, first)
    other = bridge.make_uploader("two", second)
    Counter(log).sell(code_of(1))
    bridge.take(log.payload(), name=log.name)
    bridge.bill()

    def state() -> str:
        with bridge.store.reading() as tx:
            (place,) = places_of(tx, code_of(1))
            return str(explained(tx, place, ["scripted", "insurance"])["state"])

    bridge.upload()
    other.step()
    assert state() == "open"
    while other._calls:
        other.step()
    assert state() == "done"
    assert first.sent[0].number == second.sent[0].number
    other.close()
    bridge.close()
