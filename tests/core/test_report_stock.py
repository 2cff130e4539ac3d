"""Stock pages: the balance by codes, goods without a code, and codes that contradict list or log."""

from datetime import date

import pytest

from fakes.report_journal import Shelf
from fakes.reported import DIRECTIONS, TABLETS, Answers, events_of, product
from yaoma.core.policy import Policy
from yaoma.core.report_gather import Knowledge, gather
from yaoma.core.report_page import Page
from yaoma.core.report_period import Period
from yaoma.core.report_rates import Site
from yaoma.core.report_stock import balance_of, balance_page, no_code_page, signals_page
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


def moved(shelf: Shelf, name: str, operation: str, codes: list[str], action: str = "close") -> None:
    """Put a ticket with these packs on the shelf."""
    shelf.ticket("open", name, operation)
    for code in codes:
        shelf.scan(code, name, operation)
    shelf.ticket(action, name, operation)


@pytest.mark.row("S1-03")
@pytest.mark.row("S1-19")
@pytest.mark.row("S2-22")
@pytest.mark.row("S4-10")
def test_balance_when_counted_then_opening_in_out_and_what_is_missing() -> None:
    """Four were here, three came, two went: five are expected; two are not found, two are too many."""
    shelf = Shelf(begin_ms=NOVEMBER.from_ms - 3_600_000)
    moved(shelf, "r0", "receive", PACKS[:5])
    moved(shelf, "d0", "dispense", PACKS[4:5])
    shelf.now_ms = NOVEMBER.from_ms + 1000
    moved(shelf, "r1", "receive", PACKS[5:8])
    moved(shelf, "d1", "dispense", PACKS[:2])
    moved(shelf, "d2", "dispense", PACKS[2:3], action="cancel")
    moved(shelf, "c1", "count", [*PACKS[2:6], PACKS[7], PACKS[9]][1:])

    found = balance_of(events_of(shelf.bodies), NOVEMBER, DIRECTIONS)
    page = balance_page(found, SITE, WORDS, "")

    (row,) = cells(page, 0)
    # Expected are packs 3 to 4 and 6 to 8; counted were 4, 5, 6, 8 and 10.
    assert [4, 3, 2, 5, 5, 2, 2] == row[1:]
    assert {PACKS[2], PACKS[6], PACKS[4], PACKS[9]} == {row[2] for row in cells(page, 1)}


def test_balance_when_nothing_was_counted_then_no_comparison() -> None:
    """What nobody counted is neither missing nor complete."""
    shelf = Shelf()
    moved(shelf, "r1", "receive", PACKS[:2])

    page = balance_page(balance_of(events_of(shelf.bodies), NOVEMBER, DIRECTIONS), SITE, WORDS, "")

    assert [[0, 2, 0, 2, None, None, None]] == [row[1:] for row in cells(page, 0)]


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
