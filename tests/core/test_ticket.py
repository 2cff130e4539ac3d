"""Tickets: which command fits which state, and what the record of one says."""

import pytest

from yaoma.core.record import Kind
from yaoma.core.ticket import Action, CommandRefusedError, Ticket, TicketCommand, ticket_entry

OPEN = Ticket("t1", "counter", "receive", 4, packs=3)


def test_open_when_none_is_open_then_the_record_has_a_new_id_and_no_packs() -> None:
    """The operation, the operator and whether a person is wanted stand in the record."""
    entry = ticket_entry(TicketCommand(Action.OPEN, "counter", "dispense", "op7", wants_person=True), None, "t2")

    assert entry.kind is Kind.TICKET
    assert entry.fields == {
        "action": "open",
        "ticket": "t2",
        "station": "counter",
        "operation": "dispense",
        "operator": "op7",
        "packs": 0,
        "wants_person": True,
    }


@pytest.mark.parametrize("action", [Action.CLOSE, Action.CANCEL])
def test_end_when_one_is_open_then_the_record_tells_of_that_ticket(action: Action) -> None:
    """What the command says of the operation does not matter: the ticket's own counts."""
    entry = ticket_entry(TicketCommand(action, "counter", "dispense"), OPEN, "t2")

    assert [entry.fields[name] for name in ("action", "ticket", "operation", "packs")] == [action, "t1", "receive", 3]


@pytest.mark.parametrize(
    ("action", "ticket", "reason"),
    [
        (Action.OPEN, OPEN, "ticket_already_open"),
        (Action.CLOSE, None, "no_open_ticket"),
        (Action.CANCEL, None, "no_open_ticket"),
    ],
)
def test_command_when_it_does_not_fit_then_it_is_refused_with_a_stable_id(
    action: Action, ticket: Ticket | None, reason: str
) -> None:
    """A station has at most one open ticket, and only an open one ends."""
    with pytest.raises(CommandRefusedError) as caught:
        ticket_entry(TicketCommand(action, "counter"), ticket, "t2")

    assert caught.value.reason == reason


@pytest.mark.parametrize("action", [Action.OPEN, Action.LINES, Action.CLOSE])
def test_record_when_the_till_says_facts_then_they_stand_in_it_by_name(action: Action) -> None:
    """A field that is added to a frozen form; without facts it is not there."""
    ticket = None if action is Action.OPEN else OPEN
    command = TicketCommand(action, "counter", facts=(("settlement", "S1"), ("visit", "V1")))
    assert {"settlement": "S1", "visit": "V1"} == ticket_entry(command, ticket, "t2").fields["facts"]
    assert "facts" not in ticket_entry(TicketCommand(action, "counter"), ticket, "t2").fields
