"""Settlement: a ticket is released only if every line has its codes, or a rule says why it needs none."""

from datetime import date

import pytest

from yaoma.core.ledger import Seen, Take
from yaoma.core.policy import InstitutionKind, Policy
from yaoma.core.product import Product, ProductFlag
from yaoma.core.record import ClockState, Stamp
from yaoma.core.settlement import LineState, Settlement, settlement
from yaoma.core.ticket import Line, Ticket

TODAY = date(2026, 11, 22)
POLICY = Policy(exempt=frozenset({ProductFlag.HERBAL}), never_exempt=frozenset({ProductFlag.VACCINE}))
PRODUCTS = {
    "amox": Product("cn20:8100001", "阿莫西林胶囊"),
    "root": Product("own:root", "黄芪", flags=frozenset({ProductFlag.HERBAL})),
    "shot": Product("cn20:8100009", "疫苗", flags=frozenset({ProductFlag.HERBAL, ProductFlag.VACCINE})),
}
STAMP = Stamp(0, 0, "0123456789abcdef", ClockState.SYNCED)


def pack(line: int = 0, verdict: str = "PASS", *, is_cleared: bool = False) -> Seen:
    """A pack that lies on the ticket."""
    takes = (Take(1, line=line),)
    return Seen("log", 1, "counter", "t1", verdict, STAMP, place=1, takes=takes, is_cleared=is_cleared)


def asked(
    lines: list[Line],
    packs: dict[str, Seen] | None = None,
    *,
    policy: Policy = POLICY,
    uncoded: dict[str, int] | None = None,
    objective: dict[int, str] | None = None,
) -> Settlement:
    """Ask for a dispensing ticket."""
    ticket = Ticket("t1", "counter", "dispense", 1, lines=tuple(lines))
    return settlement(
        ticket,
        packs or {},
        product=PRODUCTS.get,
        policy=policy,
        today=TODAY,
        uncoded=uncoded,
        objective=objective,
    )


def line(drug: str, packs: int = 1, filled: int = 0, units: int = 0, filled_units: int = 0) -> Line:
    """A line of the till."""
    return Line(drug, (drug,), packs, units, filled=filled, filled_units=filled_units)


@pytest.mark.row("S1-16")
@pytest.mark.row("S0-11")
@pytest.mark.row("S3-07")
def test_settlement_when_every_pack_was_scanned_then_released_with_its_codes() -> None:
    """HIS is told the codes per line before it settles."""
    answer = asked([line("amox", 2, 2)], {"cn20:a": pack(), "cn20:b": pack()})

    assert answer.is_releasable
    assert (LineState.COMPLETE, ("cn20:a", "cn20:b")) == (answer.lines[0].state, answer.lines[0].codes)


@pytest.mark.row("S0-10")
@pytest.mark.row("S0-12")
def test_settlement_when_a_code_is_missing_then_not_released_and_how_many() -> None:
    """无码不付: one of three packs has no code."""
    answer = asked([line("amox", 3, 2)], {"cn20:a": pack(), "cn20:b": pack()})

    assert not answer.is_releasable
    assert (LineState.MISSING, 1) == (answer.lines[0].state, answer.lines[0].missing)


@pytest.mark.row("S3-06")
def test_settlement_when_a_class_is_exempt_then_released_and_the_flag_named() -> None:
    """Herbal pieces need no code; the answer names the class and the rows that say so."""
    answer = asked([line("root", 3)])

    assert answer.is_releasable
    assert (LineState.EXEMPT, "herbal") == (answer.lines[0].state, answer.lines[0].why)
    assert "S3-06" in answer.lines[0].rows


@pytest.mark.row("S1-02")
def test_settlement_when_a_vaccine_then_no_exemption_covers_it() -> None:
    """A vaccine is never exempt, whatever else its class is."""
    assert LineState.MISSING is asked([line("shot")]).lines[0].state


def test_settlement_when_a_line_may_stand_for_two_drugs_then_exempt_only_if_both_are() -> None:
    """Nothing is let through by the drug that it might have been."""
    answer = asked([Line("EAN:1", ("root", "amox"), 1)])

    assert LineState.MISSING is answer.lines[0].state


@pytest.mark.row("S3-10")
@pytest.mark.row("S3-08")
def test_settlement_when_the_rest_comes_from_the_no_code_stock_then_marked_and_released() -> None:
    """One pack was scanned, one was booked out of the no-code stock; it counts for one line only."""
    lines = [line("amox", 2, 1), line("amox", 1)]
    answer = asked(lines, {"cn20:a": pack()}, uncoded={"amox": 1})

    assert [LineState.NO_CODE_STOCK, LineState.MISSING] == [one.state for one in answer.lines]
    assert not answer.is_releasable
    assert asked(lines[:1], {"cn20:a": pack()}, uncoded={"amox": 1}).is_releasable


@pytest.mark.row("S3-11")
def test_settlement_when_an_objective_reason_was_recorded_then_released_with_it() -> None:
    """A code that can't be read is let through by what somebody wrote down."""
    answer = asked([line("amox")], objective={0: "code_unreadable"})

    assert answer.is_releasable
    assert (LineState.OBJECTIVE, "code_unreadable") == (answer.lines[0].state, answer.lines[0].why)


@pytest.mark.row("S3-05")
@pytest.mark.row("S1-16")
def test_settlement_when_a_pack_is_in_doubt_then_not_released_until_cleared() -> None:
    """A pack to be reviewed is not settled before a named operator has cleared it."""
    lines = [line("amox", 1, 1)]

    assert LineState.DOUBTFUL is asked(lines, {"cn20:a": pack(verdict="REVIEW")}).lines[0].state
    assert not asked(lines, {"cn20:a": pack(verdict="REVIEW")}).is_releasable
    assert asked(lines, {"cn20:a": pack(verdict="REVIEW", is_cleared=True)}).is_releasable


@pytest.mark.row("S3-16")
def test_settlement_when_a_pack_fits_no_line_then_not_released() -> None:
    """What no line wants is not what is being sold (串换)."""
    packs = {"cn20:a": pack(), "cn20:b": pack(-1)}

    answer = asked([line("amox", 1, 1)], packs)

    assert not answer.is_releasable
    assert (-1, ("cn20:b",)) == (answer.lines[-1].number, answer.lines[-1].codes)


def test_settlement_when_the_till_named_no_lines_then_packs_alone_count() -> None:
    """Without lines what was scanned is all there is; nothing scanned is nothing to settle."""
    assert asked([], {"cn20:a": pack(-1)}).is_releasable
    assert not asked([], {"cn20:a": pack(-1, "REVIEW")}).is_releasable
    assert not asked([]).is_releasable


@pytest.mark.row("S3-07")
def test_settlement_when_the_day_has_not_come_then_released_and_said() -> None:
    """Before the notice's day everything is released; the lines already say what would be missing."""
    later = Policy(institution=InstitutionKind.HOSPITAL, settle_starts={InstitutionKind.HOSPITAL: date(2027, 1, 1)})
    answer = asked([line("amox")], policy=later)

    assert (True, False) == (answer.is_releasable, answer.is_owed)
    assert LineState.MISSING is answer.lines[0].state


def test_settlement_when_units_of_an_opened_pack_are_sold_then_they_need_a_code_too() -> None:
    """拆零: ten units wanted, six scanned."""
    answer = asked([line("amox", 0, 0, 10, 6)], {"cn20:a": pack()})

    assert (LineState.MISSING, 4) == (answer.lines[0].state, answer.lines[0].missing_units)


def test_settlement_when_answered_then_a_program_can_read_it() -> None:
    """The answer is plain JSON with stable words."""
    answer = asked([line("amox", 1, 1)], {"cn20:a": pack()}).json()

    assert ("t1", True, True) == (answer["ticket"], answer["releasable"], answer["owed"])
    assert [
        {
            "line": 0,
            "drug": "amox",
            "state": "complete",
            "codes": ["cn20:a"],
            "missing": 0,
            "missing_units": 0,
            "why": "",
            "rows": [],
        }
    ] == answer["lines"]
