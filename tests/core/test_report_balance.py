"""Balance: opening + in - out is what should be here, code by code, whatever is counted, opened or sold blindly."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.report_journal import Shelf
from fakes.reported import TABLETS, events_of, product
from yaoma.core.policy import Policy
from yaoma.core.report_balance import Balance, balance_of, balance_page
from yaoma.core.report_page import Page
from yaoma.core.report_period import Period
from yaoma.core.report_rates import Site
from yaoma.shell.catalogue import load_catalogue
from yaoma.shell.operations import load_operations
from yaoma.shell.report_words import ReportWords

NOVEMBER = Period.of_month("2026-11")
PACKS = [f"{TABLETS}000000{number}0001" for number in range(101, 111)]
DIRECTIONS = {name: operation.direction for name, operation in load_operations().items()}
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


def moved(shelf: Shelf, name: str, operation: str, codes: list[str], action: str = "close", **more: object) -> None:
    """Put a ticket with these packs on the shelf."""
    shelf.ticket("open", name, operation, **more)
    for code in codes:
        shelf.scan(code, name, operation)
    shelf.ticket(action, name, operation, **more)


def page_of(shelf: Shelf) -> Page:
    """Give the page of November."""
    return balance_page(balance_of(events_of(shelf.bodies), NOVEMBER, DIRECTIONS), SITE, WORDS, "")


def row_of(shelf: Shelf) -> list[object]:
    """Give the numbers of the only product."""
    (row,) = page_of(shelf).tables[0].rows
    return list(row[1:])


def found_in(shelf: Shelf) -> Balance:
    """Give the balance of the only product."""
    (found,) = balance_of(events_of(shelf.bodies), NOVEMBER, DIRECTIONS).values()
    return found


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

    # Expected are packs 3 to 4 and 6 to 8; counted were 4, 5, 6, 8 and 10.
    assert [4, 3, 2, 5, 5, 2, 2, 0] == row_of(shelf)
    assert {PACKS[2], PACKS[6], PACKS[4], PACKS[9]} == {row[2] for row in page_of(shelf).tables[1].rows}


def test_balance_when_nothing_was_counted_then_no_comparison() -> None:
    """What nobody counted is neither missing nor complete."""
    shelf = Shelf()
    moved(shelf, "r1", "receive", PACKS[:2])

    assert [0, 2, 0, 2, None, None, None, 0] == row_of(shelf)


@pytest.mark.row("S1-19")
@pytest.mark.parametrize("begin_ms", [NOVEMBER.from_ms + 1, NOVEMBER.from_ms - 3_600_000])
def test_balance_when_it_begins_with_an_opening_count_then_that_is_the_opening(begin_ms: int) -> None:
    """Six stood there at the start, two came, three went, five are counted: no difference anywhere."""
    shelf = Shelf(begin_ms=begin_ms)
    moved(shelf, "o1", "count", PACKS[:6], opening=True)
    shelf.now_ms = NOVEMBER.from_ms + 60_000
    moved(shelf, "r1", "receive", PACKS[6:8])
    moved(shelf, "d1", "dispense", [*PACKS[:2], PACKS[7]])
    assert [6, 2, 3, 5, None, None, None, 0] == row_of(shelf)

    moved(shelf, "c1", "count", PACKS[2:7])
    assert [6, 2, 3, 5, 5, 0, 0, 0] == row_of(shelf)
    assert not page_of(shelf).tables[1].rows


def test_balance_when_things_move_after_a_count_then_what_was_counted_moves_along() -> None:
    """A delivery after the count is not missing from it, and what was sold since is not too many."""
    shelf = Shelf()
    moved(shelf, "r1", "receive", PACKS[:4])
    moved(shelf, "c1", "count", PACKS[1:4])
    moved(shelf, "r2", "receive", PACKS[4:6])
    moved(shelf, "d1", "dispense", [PACKS[1], PACKS[4]])

    assert [0, 6, 2, 4, 3, 1, 0, 0] == row_of(shelf)
    assert {PACKS[0]} == found_in(shelf).missing


def test_balance_when_an_earlier_count_found_more_then_it_is_in_the_opening() -> None:
    """The ledger has it in stock since that count; it is not found too many each month anew."""
    shelf = Shelf(begin_ms=NOVEMBER.from_ms - 3_600_000)
    moved(shelf, "r1", "receive", PACKS[:2])
    moved(shelf, "c1", "count", PACKS[:3])
    shelf.now_ms = NOVEMBER.from_ms + 60_000
    moved(shelf, "c2", "count", PACKS[:3])

    assert [3, 0, 0, 3, 3, 0, 0, 0] == row_of(shelf)


@pytest.mark.row("S4-10")
def test_balance_when_packs_go_that_never_came_then_they_have_a_column_of_their_own() -> None:
    """Opening + in - out still is what should be here; the two that went blindly are named."""
    shelf = Shelf()
    moved(shelf, "r1", "receive", PACKS[:3])
    moved(shelf, "d1", "dispense", [PACKS[0], PACKS[8], PACKS[9]])

    assert [0, 3, 1, 2, None, None, None, 2] == row_of(shelf)
    assert [("无入库而出", PACKS[8]), ("无入库而出", PACKS[9])] == [
        (row[1], row[2]) for row in page_of(shelf).tables[1].rows
    ]


def test_balance_when_a_pack_is_opened_then_it_goes_with_its_last_unit() -> None:
    """Four sachets sold one after the other are one pack, and one that comes back is here again."""
    shelf = Shelf()
    moved(shelf, "r1", "receive", PACKS[:1])
    shelf.scan(PACKS[0], "s1", "split", opens=4)
    shelf.ticket("close", "s1", "split")
    for ticket, operation, taken, here in (
        ("d1", "dispense", 3, 1),
        ("d2", "dispense", 1, 0),
        ("b1", "return_customer", -1, 1),
        ("d3", "dispense", 1, 0),
    ):
        shelf.scan(PACKS[0], ticket, operation, taken=taken)
        shelf.ticket("close", ticket, operation)
        assert here == len(found_in(shelf).here), ticket

    assert [0, 2, 2, 0, None, None, None, 0] == row_of(shelf)


def test_balance_when_a_scan_is_undone_or_stopped_later_then_it_does_not_count() -> None:
    """What left the ticket before it was closed has not moved; of a portion only the last scan goes."""
    shelf = Shelf()
    moved(shelf, "r1", "receive", PACKS[:3])
    for code in PACKS[:3]:
        shelf.scan(code, "d1")
    shelf.record("undo", ticket="d1", station="counter", packs=[PACKS[2]])
    shelf.scan(PACKS[1], "d1", verdict="STOP", reason="denied_recall")
    shelf.ticket("close", "d1")

    assert [0, 3, 1, 2, None, None, None, 0] == row_of(shelf)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["receive", "dispense", "return_customer", "count", "split"]),
            st.lists(st.sampled_from(PACKS[:4]), min_size=1, max_size=3, unique=True),
            st.booleans(),
        ),
        max_size=12,
    ),
    st.integers(0, 12),
)
def test_balance_when_anything_happens_in_any_order_then_opening_in_and_out_come_to_what_is_here(
    tickets: list[tuple[str, list[str], bool]], before: int
) -> None:
    """Nothing unbalances it silently, and what was counted is what is here, less the missing, with the surplus."""
    shelf = Shelf(begin_ms=NOVEMBER.from_ms - 3_600_000)
    for number, (operation, codes, is_opening) in enumerate(tickets):
        if number == before:
            shelf.now_ms = NOVEMBER.from_ms + 1
        moved(shelf, f"t{number}", operation, codes, opening=is_opening and operation == "count")

    for one in balance_of(events_of(shelf.bodies), NOVEMBER, DIRECTIONS).values():
        assert one.opening + one.came_in - one.went_out == len(one.here)
        if one.is_counted:
            assert len(one.counted) == len(one.here) - len(one.missing) + len(one.surplus)
        assert min(one.opening, one.came_in, one.went_out) >= 0
