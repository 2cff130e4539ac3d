"""Stock pages: goods without a code, and codes that contradict list or log."""

from datetime import date

import pytest

from fakes.report_journal import Shelf
from fakes.reported import DIRECTIONS, TABLETS, Answers, events_of, product
from yaoma.core.policy import Policy
from yaoma.core.report_gather import Knowledge, gather
from yaoma.core.report_page import Page
from yaoma.core.report_period import Period
from yaoma.core.report_rates import Site
from yaoma.core.report_stock import no_code_page, signals_page
from yaoma.core.report_text import as_text
from yaoma.shell.catalogue import load_catalogue
from yaoma.shell.operations import load_operations
from yaoma.shell.report_words import ReportWords

NOVEMBER = Period.of_month("2026-11")
PACKS = [f"{TABLETS}000000{number}0001" for number in range(101, 111)]
WORDS = ReportWords(load_catalogue("zh-CN"), load_operations())
SITE = Site(
    site="H1",
    box="b1",
    period="2026-11",
    made="2026-11-30 18:00:00",
    today=date(2026, 11, 30),
    language="zh-CN",
    policy=Policy(uncoded_until=date(2026, 2, 28)),
    directions=DIRECTIONS,
    products=product,
)


def cells(page: Page, table: int) -> list[list[object]]:
    """Give the cells of a table."""
    return [list(row) for row in page.tables[table].rows]


@pytest.mark.row("S3-09")
@pytest.mark.row("S4-11")
@pytest.mark.row("S4-12")
def test_no_code_when_goods_came_and_went_then_what_is_left_by_drug_lot_and_supplier() -> None:
    """Twenty came, three went, sixteen were counted, one went since: fifteen are left, and who must take them back."""
    shelf = Shelf()
    came = {"drug": "vc", "name": "维生素C片", "lot": "L1", "supplier": "县药材公司", "reason": "2025年前采购"}
    shelf.record("stock", action="in", quantity=20, **came)
    shelf.record("stock", action="out", quantity=3, drug="vc", lot="L1")
    shelf.record("stock", action="count", quantity=16, drug="vc", lot="L1")
    shelf.record("stock", action="out", quantity=1, drug="vc", lot="L1")

    page = no_code_page(events_of(shelf.bodies), SITE, WORDS)

    assert ["vc", "维生素C片", "L1", 20, 4, 16, 15, "县药材公司", "2025年前采购", "2026-11-01 08:00:01"] == cells(
        page, 0
    )[0]
    assert [["县药材公司", 15]] == cells(page, 1)
    assert 4 == len(cells(page, 2))
    assert "2026-02-28" in as_text(page)


@pytest.mark.row("S0-14")
@pytest.mark.row("S2-23")
@pytest.mark.row("S4-09")
def test_signals_when_codes_contradict_the_log_then_each_is_evidence() -> None:
    """A pack sold twice and one of another drug are listed with their place in the log; a plain pass is not."""
    shelf = Shelf()
    shelf.scan(PACKS[0], "t1")
    sold = shelf.scan(PACKS[0], "t2", verdict="STOP", reason="sold_here")
    shelf.scan(PACKS[1], "t2", verdict="STOP", reason="other_drug")
    shelf.scan(PACKS[2], "t2", verdict="STOP", reason="sold_here", training=True)

    facts = gather(events_of(shelf.bodies), NOVEMBER, Knowledge(delivered=Answers()))
    page = signals_page(facts, SITE, WORDS, "")

    assert [PACKS[0], PACKS[1]] == [row[2] for row in cells(page, 1)]
    assert f"/{sold}" in str(cells(page, 1)[0][-1])
    assert "假" not in as_text(page)
