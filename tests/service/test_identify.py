"""An identity that a program read or somebody typed: sealed to the open ticket, and nothing of it open anywhere."""

import queue
from pathlib import Path

import pytest

from fakes.counter import CounterBench
from yaoma.core.command import Identify
from yaoma.core.scan import Person
from yaoma.core.ticket import Action, CommandRefusedError
from yaoma.service.order_form import read_command
from yaoma.service.work import Answer, Request

CARD = "360426199101010071"


def _asked(bench: CounterBench, **more: object) -> Answer:
    answers: queue.Queue[Answer] = queue.Queue()
    command = read_command({"do": "identity", "station": "counter", "kind": "resident", "number": CARD, **more})
    bench.items.put(Request(command, answers.put))
    return answers.get(timeout=10)


def _sealing(path: Path) -> CounterBench:
    return CounterBench(path, seal=lambda identity, _: Person({"kind": identity.kind.value}, b"BLOB" + b"*" * 40))


def test_identity_when_given_by_a_program_then_it_is_sealed_to_the_ticket(tmp_path: Path) -> None:
    """The ticket has its person, the blob lies beside the record, the number in no file."""
    bench = _sealing(tmp_path / "state")
    bench.ticket(Action.OPEN)

    answer = _asked(bench, operator="li")
    ticket = bench.ledger.open_ticket("counter")
    assert bench.recorder.journal is not None
    sealed = dict(bench.recorder.journal.sealed(0, 99))
    bench.stop()

    assert answer.record is not None
    assert (answer.record.fields["reason"], answer.record.fields["source"]) == ("person_sealed", "hand")
    assert ticket is not None
    assert (ticket.has_person, ticket.packs) == (True, 0)
    assert list(sealed) == [answer.record.seq]
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert CARD.encode() not in written


def test_identity_when_there_is_no_ticket_or_no_key_then_it_is_refused(tmp_path: Path) -> None:
    """It belongs to a ticket, and without a key it is kept nowhere."""
    bench = CounterBench(tmp_path / "state")
    assert _asked(bench).refusal == "no_open_ticket"
    bench.ticket(Action.OPEN)
    assert _asked(bench).refusal == "cannot_seal"
    bench.stop()


@pytest.mark.parametrize(
    ("number", "kind", "reason"),
    [
        ("360426199101010072", "resident", "identity_fault.check_digit"),
        ("360426199113010071", "resident", "identity_fault.date"),
        ("", "passport", "identity_fault.empty"),
    ],
)
def test_identity_when_nobody_can_have_it_then_the_request_is_refused(number: str, kind: str, reason: str) -> None:
    """What is wrong is named by an id of the catalogue; the number is in no error."""
    with pytest.raises(CommandRefusedError) as caught:
        read_command({"do": "identity", "station": "counter", "kind": kind, "number": number})
    assert caught.value.reason == reason


def test_identity_when_printed_then_nothing_of_it_is_seen() -> None:
    """Neither the command's repr nor that of its request holds a digit of the number."""
    command = read_command({"do": "identity", "station": "counter", "kind": "resident", "number": CARD})
    assert isinstance(command, Identify)
    assert CARD[4:10] not in repr(Request(command, print))
