"""What programs ask through the socket, read into commands: anything may come, and nothing of it ends the box."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.counter import CounterBench
from yaoma.core.command import Settle, StockMove
from yaoma.core.ticket import Action, CommandRefusedError, Line, TicketCommand
from yaoma.service.order_form import COMMANDS, read_command

NewBench = Callable[..., CounterBench]
ID_NUMBER = "11010519491231002X"


def test_ticket_when_asked_for_with_lines_then_it_is_read_whole() -> None:
    """Which drugs a line stands for the list says, not the till."""
    line = {"drug": "ean:6901234567892", "packs": 2, "units": 5, "name": "阿莫西林", "matches": ["d-other"]}
    asked = {"do": "ticket", "action": "open", "station": "counter", "operation": "dispense", "lines": [line]}

    assert read_command({**asked, "bill": "XS-7", "payer": "insurance", "person": True}) == TicketCommand(
        Action.OPEN,
        "counter",
        "dispense",
        wants_person=True,
        lines=(Line("ean:6901234567892", (), 2, 5, "阿莫西林"),),
        payer="insurance",
        bill="XS-7",
    )


@pytest.mark.row("S1-23")
def test_ticket_when_the_till_says_more_then_known_facts_are_read_and_an_identity_is_refused() -> None:
    """Visit, settlement and prescriber travel with the ticket; a patient's number never does."""
    asked = {"do": "ticket", "action": "close", "station": "counter"}
    read = read_command({**asked, "facts": {"visit": "MZ20261122000017", "settlement": "S1 ", "invoice": ""}})
    assert isinstance(read, TicketCommand)
    assert (("settlement", "S1"), ("visit", "MZ20261122000017")) == read.facts
    for visit in (ID_NUMBER, f"MZ-{ID_NUMBER}-1", ID_NUMBER.lower()):
        with pytest.raises(CommandRefusedError, match="statement_note_has_identity"):
            read_command({**asked, "facts": {"visit": visit}})


@pytest.mark.parametrize("visit", ["MZ1122007", "M1234567", "350100202611220017", "20261122000000000017"])
def test_ticket_when_a_visits_number_only_looks_like_a_document_then_it_is_taken(visit: str) -> None:
    """Hospitals number visits with letters, areas and dates; a passport's form alone is no reason to refuse them."""
    asked = {"do": "ticket", "action": "close", "station": "counter", "facts": {"visit": visit}}
    read = read_command(asked)
    assert isinstance(read, TicketCommand)
    assert read.facts == (("visit", visit),)


TICKET = {"do": "ticket", "action": "open", "station": "counter"}
STOCK = {"do": "stock", "action": "in", "drug": "x", "quantity": 1, "reason": "旧货"}
BAD: list[dict[str, Any]] = [
    {},
    {"do": "fly"},
    {"do": ["ticket"]},
    {**TICKET, "action": "explode"},
    {**TICKET, "action": ["open"]},
    {**TICKET, "station": 7},
    {**TICKET, "station": "a\nb"},
    {**TICKET, "bill": "\ud800"},
    {**TICKET, "facts": ["visit"]},
    {**TICKET, "facts": {"psn_no": "1"}},
    {**TICKET, "facts": {"visit": 7}},
    {**TICKET, "facts": {"visit": "a\nb"}},
    {**TICKET, "lines": {}},
    {**TICKET, "lines": [7]},
    {**TICKET, "lines": [{"drug": "x"}]},
    {**TICKET, "lines": [{"drug": "x", "packs": 0}]},
    {**TICKET, "lines": [{"drug": "x", "packs": -1}]},
    {**TICKET, "lines": [{"drug": "x", "packs": 1.5}]},
    {**TICKET, "lines": [{"drug": "x", "packs": True}]},
    {**TICKET, "lines": [{"drug": "x", "packs": 10**30}]},
    {**TICKET, "lines": [{"drug": "x", "packs": 1, "units": 2**53}]},
    {**TICKET, "lines": [{"drug": "\ud800", "packs": 1}]},
    {**TICKET, "lines": [{"drug": "x", "packs": 1, "name": "\udfff"}]},
    {**STOCK, "quantity": 10**30},
    {**STOCK, "quantity": "1"},
    {**STOCK, "action": "burn"},
    {"do": "settle", "duties": "emergency:x", "how": "ok", "operator": "li"},
    {"do": "settle", "duties": ["\ud800"], "how": "ok", "operator": "li"},
    {"do": "settle", "duties": ["x"], "how": "ok", "operator": "li", "into": "dispensed"},
    {"do": "undo", "station": None},
    {"do": "override", "station": "counter", "reason": "\x00"},
]


@pytest.mark.parametrize("asked", BAD, ids=range(len(BAD)))
def test_request_when_it_can_not_be_understood_then_it_is_refused_before_the_recorder_sees_it(
    asked: dict[str, Any],
) -> None:
    """Wrong types, numbers beyond any pack, text that no record can hold."""
    with pytest.raises(ValueError, match=r"\w"):
        read_command(asked)


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({**TICKET, "lines": [{"drug": "x", "packs": 1}] * 10_000}, "too_many_lines"),
        ({**TICKET, "operator": ID_NUMBER}, "statement_operator_is_number"),
        ({**TICKET, "operator": "138 0013 8000"}, "statement_operator_is_number"),
        ({"do": "state", "station": "counter", "operator": "li", "reason": "other", "note": f"张 {ID_NUMBER}"},
         "statement_note_has_identity"),
        ({"do": "state", "station": "counter", "operator": "", "reason": "guardian"}, "statement_operator_missing"),
    ],
)  # fmt: skip
def test_request_when_it_must_not_be_recorded_then_it_is_refused_by_a_reason(
    asked: dict[str, Any], reason: str
) -> None:
    """Promise 5: no number of a person comes into a record, by whatever field."""
    with pytest.raises(CommandRefusedError) as caught:
        read_command(asked)
    assert caught.value.reason == reason
    assert ID_NUMBER not in str(caught.value)


def test_settling_when_asked_for_then_it_is_never_the_boxs_own() -> None:
    """Only the box itself settles without a name."""
    command = read_command({"do": "settle", "duties": ["x"], "how": "matched", "is_own": True})

    assert command == Settle(("x",), "matched")
    assert isinstance(read_command(STOCK), StockMove)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["drug", "packs", "units"]), inner),
    max_leaves=6,
)
FIELDS = ["action", "station", "operation", "operator", "lines", "shipment", "reason", "note", "drug", "quantity"]
FIELDS += ["duties", "how", "into", "code", "lot", "line", "bill", "person", "training", "opening", "emergency"]
WORDS = st.sampled_from(["open", "close", "in", "out", "counter", "dispense", "receive", "in_stock", "guardian", "li"])


@given(st.sampled_from(sorted(COMMANDS)), st.dictionaries(st.sampled_from(FIELDS), WORDS | ANYTHING, max_size=8))
def test_request_when_anything_comes_then_it_is_a_command_or_one_of_two_errors(do: str, fields: dict[str, Any]) -> None:
    """Whatever JSON a program makes."""
    try:
        read_command({"do": do, **fields})
    except (ValueError, CommandRefusedError):
        return


def test_recorder_when_hostile_requests_come_through_then_it_goes_on(new_bench: NewBench) -> None:
    """Every command that can be read is carried out or refused; the recorder's thread lives."""
    bench = new_bench()
    long = "药" * 10_000
    asked: list[dict[str, Any]] = [
        {**TICKET, "operation": "dispense", "bill": long, "lines": [{"drug": long, "packs": 1, "name": long}] * 200},
        {"do": "ticket", "action": "lines", "station": "counter", "lines": [{"drug": "d", "packs": 1_000_000}] * 200},
        {"do": "ticket", "action": "cancel", "station": "counter"},
        {"do": "override", "station": "counter", "operator": "li", "reason": long},
        {"do": "settle", "duties": ["x" * 100] * 5000, "how": "ok", "operator": "li"},
        {**STOCK, "drug": long, "name": long, "supplier": long, "lot": long, "quantity": 1_000_000},
    ]
    for one in asked:
        answer = bench.ask(read_command(json.loads(json.dumps(one))))
        assert answer.record is not None or answer.refusal

    assert bench.said("6901234567892")[0][0] == "FAULT"
    assert bench.recorder.failure is None
