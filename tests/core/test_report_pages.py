"""Pages: what the rates page and the daily sheet say of targets, of signatures and of practice."""

from dataclasses import replace
from datetime import date

import pytest

from fakes.report_journal import Shelf
from fakes.reported import DIRECTIONS, TABLETS, Answers, events_of, product
from yaoma.core.policy import InstitutionKind, Policy
from yaoma.core.reason import Reason
from yaoma.core.report_daily import daily_page
from yaoma.core.report_facts import Facts
from yaoma.core.report_gather import Knowledge, gather
from yaoma.core.report_period import Period
from yaoma.core.report_rates import Site, rates_page
from yaoma.shell.catalogue import LANGUAGES, load_catalogue
from yaoma.shell.operations import load_operations
from yaoma.shell.report_words import ReportWords

NOVEMBER = Period.of_month("2026-11")
WORDS = ReportWords(load_catalogue("zh-CN"), load_operations())
SITE = Site(
    site="H1",
    box="b1",
    period="2026-11",
    made="2026-11-30 18:00:00",
    today=date(2026, 11, 30),
    language="zh-CN",
    policy=Policy(scan_out_target=950, institution=InstitutionKind.VILLAGE),
    directions=DIRECTIONS,
    products=product,
)


def facts() -> Facts:
    """Nineteen of twenty packs were scanned out."""
    shelf = Shelf()
    shelf.ticket("open", "t1", lines=[{"drug": "X", "matches": [TABLETS], "packs": 20}])
    for number in range(19):
        shelf.scan(f"{TABLETS}0000000{number:02}0001", "t1", line=0)
    shelf.ticket("close", "t1")
    shelf.scan(f"{TABLETS}0000000990001", "t2", training=True)
    return gather(events_of(shelf.bodies), NOVEMBER, Knowledge(delivered=Answers(), institution="village"))


@pytest.mark.row("S1-25")
@pytest.mark.row("S3-17")
@pytest.mark.row("S4-25")
def test_rates_page_when_a_target_is_owed_then_it_says_whether_it_is_met() -> None:
    """Each rate stands beside its target, met or missed; without data it is neither."""
    scan_in, scan_out, stored = rates_page(facts(), SITE, WORDS).tiles

    assert ("95.0 %", True) == (scan_out.value, scan_out.is_met)
    assert "95 %" in scan_out.note
    assert ("无数据", None) == (scan_in.value, scan_in.is_met)
    assert ("0.0 %", False) == (stored.value, stored.is_met)


@pytest.mark.row("S2-01")
def test_rates_page_when_the_day_has_not_come_then_no_target_is_missed() -> None:
    """A kind of institution whose date lies ahead sees its rates, and no judgement."""
    policy = replace(SITE.policy, starts={InstitutionKind.VILLAGE: date(2026, 12, 31)})

    tiles = rates_page(facts(), replace(SITE, policy=policy), WORDS).tiles

    assert [None, None, None] == [tile.is_met for tile in tiles]


@pytest.mark.row("S1-06")
@pytest.mark.row("S4-21")
def test_daily_sheet_when_printed_then_it_has_a_place_to_sign() -> None:
    """Who checked the day signs it; what is open and what was practice is said."""
    tasks = [("refused", "nhsa", "not_active", 3, NOVEMBER.from_ms)]
    page = daily_page(facts(), tasks, SITE, WORDS, "note\n")

    assert any("签字" in note for note in page.notes)
    assert "note\n" == page.proof
    assert any("1 次" in note for table in page.tables for note in table.notes)
    assert ["2026-11-01 00:00:00", "平台拒收", "nhsa", "not_active", 3] in [list(row) for row in page.tables[-1].rows]


@pytest.mark.row("S0-21")
@pytest.mark.parametrize("language", LANGUAGES)
def test_daily_sheet_when_reasons_are_listed_then_no_two_have_one_name(language: str) -> None:
    """Two lines of the sheet with the same words can't be told apart."""
    words = ReportWords(load_catalogue(language), load_operations())
    shelf = Shelf()
    for reason in Reason:
        shelf.scan(f"{TABLETS}0000000010001", "t1", verdict="REPEAT", reason=reason.value)
    page = daily_page(gather(events_of(shelf.bodies), NOVEMBER, Knowledge(delivered=Answers())), [], SITE, words, "")

    names = [row[1] for row in page.tables[1].rows]
    assert len(Reason) == len(names) == len(set(names))
    assert not [name for name in names if name in set(Reason)]


@pytest.mark.row("S4-20")
def test_daily_sheet_when_the_line_was_away_then_each_outage_of_the_day_stands_there() -> None:
    """Whatever was recorded is listed, however short it was, and what ended on another day is not."""
    shelf = Shelf()
    for lasted_ms in (3_000, 7_200_000):
        end_ms = shelf.now_ms
        shelf.record("outage", begin_ms=end_ms - lasted_ms, end_ms=end_ms, waiting=2, cause="", clock_at_begin="synced")
    shelf.now_ms += 86_400_000
    shelf.record("outage", begin_ms=shelf.now_ms - 9, end_ms=shelf.now_ms, waiting=0, cause="", clock_at_begin="synced")
    day = Period.of_day("2026-11-01")
    page = daily_page(gather(events_of(shelf.bodies), day, Knowledge(delivered=Answers())), [], SITE, WORDS, "")

    rows = [list(row) for row in page.tables[4].rows]
    assert [row[:2] for row in rows] == [
        ["2026-11-01 07:59:58", "2026-11-01 08:00:01"],
        ["2026-11-01 06:00:02", "2026-11-01 08:00:02"],
    ]
    assert all(row[2] for row in rows)


def test_words_when_a_page_asks_for_them_then_both_languages_have_them() -> None:
    """No report shows an id where a word should stand."""
    for language in LANGUAGES:
        catalogue = load_catalogue(language)
        words = ReportWords(catalogue, load_operations())
        page = rates_page(facts(), SITE, words)
        names = [column.title for table in page.tables for column in table.columns] + [*page.notes]
        assert not [name for name in names if "_" in name]
        assert page.title != "title_rates"
