"""Portions: units of an opened pack, and packs behind a case's code (DOMAIN.md 5.3, SCANNERS.md 2)."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.moments import CASE, NOW, OPERATIONS, PRODUCTS, TABLETS, WHOLE, known, moment, on_ticket, pack, said
from yaoma.core.code import TraceCode
from yaoma.core.effect import state_after
from yaoma.core.ledger import Seen, Take
from yaoma.core.pack import PackState
from yaoma.core.portion import Portion, portion_of
from yaoma.core.record import Kind
from yaoma.core.scan import scan_entry
from yaoma.core.situation import Situation
from yaoma.core.ticket import Line
from yaoma.core.verdict import judge
from yaoma_drivers.symbol import Symbol

TABLET, BOTTLE = pack(TABLETS), pack(CASE)
OPENED, STOCK = PackState.OPENED, PackState.IN_STOCK


def portion(operation: str, code: TraceCode, seen: Seen | None, *lines: Line) -> Portion | None:
    """What a scan takes."""
    situation = moment(operation, code, seen=seen, on={"lines": lines})
    assert situation.findings is not None
    return portion_of(situation.findings, situation)


def fields(code: TraceCode, situation: Situation) -> dict[str, object]:
    """What the record of a scan says."""
    symbol = Symbol(code.key.encode(), "gun", NOW.mono_ms)
    entry = scan_entry(symbol, code, judge(code, situation), situation)
    assert entry.kind is Kind.SCAN
    return dict(entry.fields)


@pytest.mark.parametrize(
    ("operation", "seen", "expected"),
    [
        ("dispense", known(OPENED, left=9), Portion(1, 9, fits=True)),
        ("dispense", known(OPENED, left=0), Portion(1, 0, fits=False)),
        ("dispense", on_ticket(OPENED, Take(1, 8, -1, 0, 8), left=9), Portion(1, 1, fits=True)),
        ("dispense", on_ticket(OPENED, Take(1, 9, -1, 0, 9), left=9), Portion(1, 0, fits=False)),
        ("return_customer", known(OPENED, left=9), Portion(-1, 9, fits=True)),
        ("return_customer", known(OPENED, left=24), Portion(-1, 24, fits=False)),
        ("return_customer", on_ticket(OPENED, Take(1, -15, -1, 0, 15), left=9), Portion(-1, 24, fits=False)),
        ("return_customer", known(PackState.DISPENSED, left=0, is_opened=True), Portion(-1, 0, fits=True)),
        ("return_customer", known(PackState.DISPENSED), None),
        ("dispense", known(PackState.DISPENSED, left=0, is_opened=True), None),
        ("dispense", known(STOCK), None),
        ("destroy", known(OPENED, left=9), None),
        ("move", known(OPENED, left=9), None),
        ("dispense", None, None),
    ],
)
def test_opened_pack_when_scanned_then_units_go_or_come_as_far_as_there_are(
    operation: str, seen: Seen | None, expected: Portion | None
) -> None:
    """Never more out than in, never more back than went; what is done with the whole pack takes no units."""
    assert portion(operation, TABLET, seen) == expected


@pytest.mark.parametrize(
    ("operation", "seen", "expected"),
    [
        ("receive", None, Portion(-1, 0, fits=True, of_case=True)),
        ("receive", known(STOCK, left=9), Portion(-1, 9, fits=True, of_case=True)),
        ("receive", known(STOCK, left=10), Portion(-1, 10, fits=False, of_case=True)),
        ("receive", known(PackState.UNKNOWN, left=10), Portion(-1, 0, fits=True, of_case=True)),
        ("dispense", None, Portion(1, 10, fits=True, assumed=10, of_case=True)),
        ("dispense", known(STOCK, left=3), Portion(1, 3, fits=True, of_case=True)),
        ("dispense", known(STOCK, left=0), Portion(1, 0, fits=False, of_case=True)),
        ("dispense", known(STOCK, left=0, elsewhere="box-2"), Portion(1, 10, fits=True, assumed=10, of_case=True)),
        ("recall_out", known(PackState.QUARANTINED, left=3), Portion(1, 3, fits=True, of_case=True)),
        ("count", known(STOCK, left=10), Portion(-1, 0, fits=True, of_case=True)),
        ("count", on_ticket(STOCK, Take(1, -10), left=10), Portion(-1, 10, fits=False, of_case=True)),
        ("move", known(STOCK, left=10), Portion(-1, 0, fits=True, of_case=True)),
        ("check_return", known(PackState.RETURNED, left=2), None),
        ("split", known(STOCK, left=10), None),
        ("verify", known(STOCK, left=10), None),
    ],
)
def test_case_when_scanned_then_each_scan_stands_for_one_pack_of_it(
    operation: str, seen: Seen | None, expected: Portion | None
) -> None:
    """In, out and counted one by one; a case that was never received here is taken to have been full."""
    assert portion(operation, BOTTLE, seen) == expected


def test_line_when_it_wants_units_then_one_scan_gives_them_as_far_as_the_pack_has_them() -> None:
    """The pharmacist counts tablets, not scans."""

    def wants(units: int, filled: int = 0) -> Line:
        return Line("d-tablets", ("d-tablets",), 0, units, filled_units=filled)

    taken = [
        portion("dispense", TABLET, known(OPENED, left=9), *lines).units  # type: ignore[union-attr]  # an opened pack
        for lines in ([wants(5)], [wants(5, 2)], [wants(20)], [wants(5, 5)], [wants(5, 5), wants(3)])
    ]
    assert taken == [5, 3, 9, 1, 3]
    full = moment("dispense", TABLET, seen=known(OPENED, left=9), on={"lines": (wants(5, 5),)})
    assert said(TABLET, full)[:2] == ("REVIEW", "line_full")


def test_portion_when_more_is_wanted_than_there_is_then_it_stops() -> None:
    """More units out than the pack holds (issue: ledger)."""
    assert said(TABLET, moment("dispense", TABLET, seen=known(OPENED, left=0)))[:2] == ("STOP", "units_exceeded")
    emptied = known(PackState.DISPENSED, left=0, is_opened=True)
    wanted = {"lines": (Line("d-tablets", ("d-tablets",), 0, 1),)}
    assert said(TABLET, moment("dispense", TABLET, seen=emptied, on=wanted))[:2] == ("STOP", "sold_here")
    case = on_ticket(STOCK, *(Take(place, 1) for place in range(1, 4)), left=3)
    assert said(BOTTLE, moment("dispense", BOTTLE, seen=case))[:2] == ("STOP", "units_exceeded")


def test_portion_when_scanned_again_at_once_then_it_is_one_pull_of_the_trigger_and_later_one_more() -> None:
    """Ten bottles in ten seconds are ten; two reads within a second are one."""

    def ago(ms: int) -> Situation:
        stamp = replace(NOW, mono_ms=NOW.mono_ms - ms)
        return moment("dispense", BOTTLE, seen=on_ticket(STOCK, Take(1, 1), left=10, stamp=stamp))

    assert [said(BOTTLE, ago(ms))[0] for ms in (0, 1000, 1001)] == ["REPEAT", "REPEAT", "PASS"]


def test_record_when_a_portion_is_taken_then_it_says_how_many_and_of_what() -> None:
    """The ledger follows from the journal alone."""
    sold = fields(TABLET, moment("dispense", TABLET, seen=known(OPENED, left=9)))
    case = fields(BOTTLE, moment("dispense", BOTTLE))
    opened = fields(TABLET, moment("split", TABLET, seen=known(STOCK)))

    assert (sold["taken"], "case" in sold, "holds" in sold) == (1, False, False)
    assert (case["verdict"], "taken" in case) == ("STOP", False)
    case = fields(BOTTLE, moment("dispense", BOTTLE, complete_since_ms=None))
    assert (case["taken"], case["case"], case["holds"]) == (1, True, 10)
    assert opened["opens"] == PRODUCTS[TABLETS].units
    assert "opens" not in fields(BOTTLE, moment("split", BOTTLE, seen=known(STOCK, left=10)))
    assert "opens" not in fields(pack(WHOLE), moment("split", seen=known(STOCK)))


UNITS, BOTTLES = Take(1, 5, -1, 0, 5), Take(1, 5, -1, 5, 0)
BACK, BOTTLES_BACK = Take(1, -5, -1, 0, 5), Take(1, -5, -1, 5, 0)


@pytest.mark.row("S2-08")
@pytest.mark.parametrize(
    ("state", "left", "take", "into", "after"),
    [
        ("in_stock", 0, Take(1), "dispensed", ("dispensed", 0)),
        ("unknown", 0, Take(1), "in_stock", ("in_stock", 0)),
        ("opened", 9, UNITS, "dispensed", ("opened", 4)),
        ("opened", 5, UNITS, "dispensed", ("dispensed", 0)),
        ("dispensed, opened", 0, BACK, "returned", ("opened", 5)),
        ("dispensed, opened", 0, BACK, "quarantined", ("quarantined", 5)),
        ("opened", 4, BACK, "returned", ("opened", 9)),
        ("in_stock", 10, BOTTLES, "dispensed", ("in_stock", 5)),
        ("in_stock", 5, BOTTLES, "dispensed", ("dispensed", 0)),
        ("unknown", 10, BOTTLES, "dispensed", ("in_stock", 5)),
        ("unknown", 0, BOTTLES_BACK, "in_stock", ("in_stock", 5)),
        ("unknown", 0, BOTTLES_BACK, "quarantined", ("quarantined", 5)),
        ("in_stock", 3, BOTTLES_BACK, "quarantined", ("quarantined", 8)),
        ("dispensed", 0, BOTTLES_BACK, "returned", ("returned", 5)),
        ("quarantined", 9, BOTTLES, "left", ("quarantined", 4)),
        ("quarantined", 5, BOTTLES, "left", ("left", 0)),
        ("quarantined", 9, Take(1), "destroyed", ("destroyed", 0)),
        ("quarantined", 0, Take(1), "in_stock", ("in_stock", 0)),
        ("quarantined", 9, Take(1), "in_stock", ("in_stock", 9)),
        ("returned", 5, Take(1), "in_stock", ("in_stock", 5)),
        ("quarantined, opened", 9, Take(1), "in_stock", ("opened", 9)),
        ("quarantined, opened", 0, Take(1), "in_stock", ("opened", 0)),
        ("returned, opened", 0, Take(1), "in_stock", ("opened", 0)),
        ("in_stock", 0, Take(1), "opened", ("opened", 0)),
        ("in_stock", 0, Take(1), "quarantined", ("quarantined", 0)),
        ("opened", 9, Take(1), "quarantined", ("quarantined", 9)),
        ("opened", 9, Take(1), None, ("opened", 9)),
    ],
)
def test_pack_when_its_ticket_is_closed_then_state_and_rest_are_those_of_the_table(
    state: str, left: int, take: Take, into: str | None, after: tuple[str, int]
) -> None:
    """What was opened never becomes whole again, whatever happens to it in between."""
    state, _, opened = state.partition(", ")
    seen = on_ticket(PackState(state), take, left=left, is_opened=bool(opened) or state == "opened")
    found = state_after(seen, PackState(into) if into else None)

    assert (found.state.value, found.left) == after


@pytest.mark.row("S2-19")
@given(st.lists(st.tuples(st.sampled_from(["dispense", "return_customer"]), st.integers(1, 12)), max_size=30))
def test_units_when_they_go_and_come_in_any_order_then_no_more_are_out_than_the_pack_held(
    tickets: list[tuple[str, int]],
) -> None:
    """Whatever is scanned, what passes keeps the rest between nothing and everything; an empty pack is gone."""
    seen, out = known(OPENED, left=24, is_opened=True), 0
    for operation, scans in tickets:
        takes: list[Take] = []
        for place in range(1, scans + 1):
            reserved = on_ticket(seen.state, *takes, left=seen.left, is_opened=True) if takes else seen
            found = portion(operation, TABLET, reserved)
            if found is None:
                assert (operation, seen.state) == ("dispense", PackState.DISPENSED)
            elif found.fits:
                takes.append(Take(place, found.units, -1, 0, abs(found.units)))
        if takes:
            out += sum(take.portions for take in takes)
            on_it = on_ticket(seen.state, *takes, left=seen.left, is_opened=True)
            seen = state_after(on_it, OPERATIONS[operation].into)
        left = PRODUCTS[TABLETS].units - out
        assert left >= 0
        assert (seen.state, seen.left) == (OPENED if left else PackState.DISPENSED, left)
