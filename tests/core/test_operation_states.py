"""The table of operations that ships: every state of a pack with every operation."""

from dataclasses import replace
from datetime import date

import pytest

from fakes.moments import NOW, OPERATIONS, TABLETS, catalogue, known, moment, pack, said
from yaoma.core.allowlist import CodeStatus, Denial, DenialKind, Listing, Source
from yaoma.core.ledger import date_of
from yaoma.core.pack import PackState
from yaoma.core.reason import Degraded
from yaoma.core.verdict import judge

#: What is answered in each state: `ok` passes; the others are reasons, see `_MEANING`. The first column is a pack that
#: the site has never seen while it does not know all its packs; the second the same when it does.
TABLE = """
                 new  unknown in_stock quarantined opened dispensed returned left destroyed
receive          ok   ok      stock    held        stock  sold      check    gone dead
return_supplier  hist none    ok       ok          open   sold      ok       gone dead
dispense         hist none    ok       held        open   sold      check    gone dead
dispense_ward    hist none    ok       held        open   sold      check    gone dead
vaccinate        hist none    ok       held        open   sold      check    gone dead
return_customer  hist nosale  nosale   held        open   ok        check    gone dead
transfer_in      ok   ok      stock    held        stock  sold      check    ok   dead
transfer_out     hist none    ok       held        open   sold      check    gone dead
wholesale        hist none    ok       held        open   sold      check    gone dead
move             hist none    ok       held        ok     sold      check    gone dead
split            hist none    ok       held        open   sold      check    gone dead
gift_in          ok   ok      stock    held        stock  sold      check    gone dead
gift_out         hist none    ok       held        open   sold      check    gone dead
count            ok   ok      ok       ok          ok     sold      ok       gone dead
sample           hist none    ok       ok          open   sold      check    gone dead
damage           hist none    ok       ok          ok     sold      ok       gone dead
destroy          hist none    ok       ok          ok     sold      ok       gone dead
recall_out       hist none    ok       ok          ok     sold      ok       gone dead
check_return     hist none    stock    ok          open   sold      ok       gone dead
verify           ok   ok      ok       ok          ok     ok        ok       ok   ok
"""

_MEANING = {
    "ok": ("PASS", "in_list"),
    "hist": ("PASS", "in_list"),
    "none": ("STOP", "no_receipt"),
    "nosale": ("REVIEW", "returned_without_sale"),
    "stock": ("REVIEW", "in_stock_already"),
    "held": ("STOP", "quarantined"),
    "open": ("STOP", "opened_whole"),
    "sold": ("STOP", "sold_here"),
    "check": ("STOP", "returned_unchecked"),
    "gone": ("STOP", "left_stock"),
    "dead": ("STOP", "destroyed"),
}

_HEADER, *_ROWS = [line.split() for line in TABLE.strip().splitlines()]
_CELLS = [(row[0], state, answer) for row in _ROWS for state, answer in zip(_HEADER, row[1:], strict=True)]

#: Only a pack whose units are known can be opened.
_SPLIT_PACK = pack(TABLETS)


def test_table_when_read_then_it_has_every_operation_that_ships_and_every_state() -> None:
    """A new operation or state has to be thought through here."""
    assert sorted(row[0] for row in _ROWS) == sorted(OPERATIONS)
    assert _HEADER == ["new", *PackState]


@pytest.mark.row("S0-20")
@pytest.mark.row("S1-14")
@pytest.mark.row("S2-10")
@pytest.mark.row("S2-13")
@pytest.mark.row("S2-16")
@pytest.mark.row("S4-07")
@pytest.mark.parametrize(("operation", "state", "answer"), _CELLS)
def test_pack_when_scanned_in_a_state_then_class_and_reason_are_those_of_the_table(
    operation: str, state: str, answer: str
) -> None:
    """DOMAIN.md 5.1 and 5.2 as a table; what is not known is flagged, and holds nothing up by itself."""
    code = _SPLIT_PACK if operation == "split" else pack()
    seen = None if state in {"new", "unknown"} else known(PackState(state))
    situation = moment(operation, code, seen=seen, complete_since_ms=None if state == "new" else 1)
    found = judge(code, situation)

    assert (found.verdict.value, str(found.reason)) == _MEANING[answer]
    assert (Degraded.HISTORY_UNKNOWN in found.degraded) == (answer == "hist")
    assert not found.also


@pytest.mark.parametrize(
    ("operation", "state", "answer"), [cell for cell in _CELLS if cell[1] not in {"new", "unknown"}]
)
def test_history_when_it_does_not_reach_back_then_what_is_known_counts_all_the_same(
    operation: str, state: str, answer: str
) -> None:
    """That the site does not know every pack takes nothing back from what it knows of this one."""
    code = _SPLIT_PACK if operation == "split" else pack()
    situation = moment(operation, code, seen=known(PackState(state)), complete_since_ms=None)

    assert said(code, situation)[:2] == _MEANING[answer]


UNFIT = {"return_supplier", "return_customer", "count", "sample", "damage", "destroy", "recall_out"}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_unfit_pack_when_scanned_then_it_passes_only_on_its_way_out_of_use(operation: str) -> None:
    """Recalled, expired and cancelled packs stop at the shelf and the counter, and may be sent back or destroyed."""
    allowed = OPERATIONS[operation].states or {PackState.UNKNOWN}
    seen = known(min(allowed))
    expired = Listing(Source.LIST, expiry=date(2026, 11, 17))
    unfit = {
        "denied_recall": catalogue(denials={pack().key: Denial(DenialKind.RECALL)}),
        "expired": catalogue({pack().key: expired}),
        "status_cancelled": catalogue({pack().key: Listing(Source.LIST, status=CodeStatus.CANCELLED)}),
    }
    for reason, allowlist in unfit.items():
        verdict, found, also = said(pack(), moment(operation, seen=seen, allowlist=allowlist))
        stops = operation not in UNFIT
        assert ((verdict, found) == ("STOP", reason)) == stops, (reason, verdict, found, also)
        assert stops or reason not in also


def test_expiry_when_it_is_today_then_the_pack_may_go_and_tomorrow_not() -> None:
    """The day on the pack is the last on which it may be used; the day is that of the counter."""
    assert date_of(NOW.wall_ms) == date(2026, 11, 18)
    allowlist = catalogue({pack().key: Listing(Source.LIST, expiry=date(2026, 11, 18))})
    today = moment("dispense", seen=known(PackState.IN_STOCK), allowlist=allowlist)
    tomorrow = replace(today, now=replace(NOW, wall_ms=NOW.wall_ms + 86_400_000))
    set_back = replace(today, floor_ms=NOW.wall_ms + 86_400_000)

    assert [said(pack(), one)[1] for one in (today, tomorrow, set_back)] == ["in_list", "expired", "expired"]
