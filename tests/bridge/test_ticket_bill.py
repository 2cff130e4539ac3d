"""Ticket bill: a bill holds what took effect, as the box's own ledger counts it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.box import BoxLog
from fakes.scripted_platform import ScriptedPlatform
from fakes.stepped_bridge import register
from fakes.ticketed import Counter, code_of
from fakes.uploading_bridge import UploadingBridge
from yaoma.core.canonical import canonical
from yaoma.core.record import Record
from yaoma_bridge.bill import Bill
from yaoma_bridge.bill_text import bill_body, read_bill
from yaoma_bridge.ticket_bill import Assembled, Filed, assembled
from yaoma_link.topics import BoxName

A, B, C, CASE = code_of(1), code_of(2), code_of(3), code_of(90)


def _assembled(log: BoxLog, ticket: str = "log1-counter1-1", *, backwards: bool = False) -> Assembled:
    filed = [Filed(n, record) for n, record in enumerate(log.records, start=1)]
    found = assembled(log.name.site, log.name.box, ticket, reversed(filed) if backwards else filed)
    assert found is not None
    return found


def _codes(bill: Bill) -> list[str]:
    return [line.code for line in bill.lines]


def test_a_bill_is_the_same_whatever_order_its_records_come_in(log: BoxLog) -> None:
    """The place in the log decides, not when a record was settled."""
    Counter(log).sell(A, B, C)
    assert _assembled(log).bill == _assembled(log, backwards=True).bill
    assert _codes(_assembled(log).bill) == [A, B, C]


def test_a_bill_keeps_its_key_and_number(log: BoxLog) -> None:
    """The number is short, made from site, box, log and ticket, and no other ticket has it."""
    counter = Counter(log)
    counter.sell(A)
    counter.sell(A)
    first, second = _assembled(log).bill, _assembled(log, "log1-counter1-2").bill
    assert first.key == f"{log.name}/log1/log1-counter1-1"
    assert first.number != second.number
    assert len(first.number) == 20
    assert first.number.isalnum()
    assert first.number == _assembled(log).bill.number


@pytest.mark.row("S2-06", part="bridge")
@pytest.mark.row("S4-06", part="bridge")
def test_a_bill_carries_payer_owner_and_the_tills_number(log: BoxLog) -> None:
    """What the ticket said of who pays and whose goods they are goes with the bill."""
    counter = Counter(log)
    counter.open(payer="injury", owner="甲公司", bill="T-17")
    counter.scan(A)
    counter.close()
    bill = _assembled(log).bill
    assert (bill.payer, bill.owner, bill.till_bill) == ("injury", "甲公司", "T-17")


@pytest.mark.row("S3-02", part="bridge")
def test_a_container_is_one_line_with_what_is_in_it(log: BoxLog) -> None:
    """One scan of a case brings one line, whole as long as nothing was taken off."""
    counter = Counter(log)
    counter.open("receive")
    counter.scan(CASE, packs=[A, B], packs_more=2)
    counter.scan(C)
    counter.close()
    found = _assembled(log)
    assert found.is_whole
    assert [(line.code, line.packs, line.is_whole) for line in found.bill.lines] == [
        (CASE, (A, B), True),
        (C, (), True),
    ]


def test_a_pack_scanned_by_itself_leaves_its_container(log: BoxLog) -> None:
    """The container is then not whole, and no pack stands in the bill twice."""
    counter = Counter(log)
    counter.open("receive")
    counter.scan(CASE, packs=[A, B], packs_more=2)
    counter.scan(B, packs_more=0)
    counter.close()
    lines = _assembled(log).bill.lines
    assert [(line.code, line.packs, line.is_whole) for line in lines] == [(CASE, (A,), False), (B, (), True)]


def test_units_of_an_opened_pack_are_one_line(log: BoxLog) -> None:
    """Scanned three times and undone once, the pack stands once with what is left, and with its records."""
    counter = Counter(log)
    counter.open()
    records = [counter.scan(A, taken=2, holds=24) for _ in range(3)]
    counter.undo(A)
    counter.close()
    (line,) = _assembled(log).bill.lines
    assert (line.units, line.records) == (4, tuple(record.seq + 1 for record in records[:2]))
    assert line.is_split


def test_packs_out_of_a_case_are_no_units(log: BoxLog) -> None:
    """A case whose packs carry no code is counted in packs."""
    counter = Counter(log)
    counter.open()
    counter.scan(A, taken=1, case=True, holds=10)
    counter.close()
    (line,) = _assembled(log).bill.lines
    assert (line.units, line.case_packs) == (0, 1)


def test_a_stored_bill_is_read_back_equal(log: BoxLog) -> None:
    """What the store keeps of a bill is all of it."""
    counter = Counter(log)
    counter.open(payer="self")
    counter.scan(A, lot="L1", expiry="2028-01-31")
    counter.scan(CASE, packs=[B], packs_more=1)
    counter.close()
    bill = _assembled(log).bill
    assert read_bill(bill_body(bill)) == bill


@given(st.lists(st.sampled_from(["scan", "undo", "stop", "repeat"]), max_size=25), st.data())
def test_any_ticket_adds_up(deeds: list[str], data: st.DataObject) -> None:
    """Whatever was scanned, stopped and undone, the bill holds as many packs as the counter has on the ticket."""
    log = BoxLog(BoxName("H1", "b"), "log1")
    counter = Counter(log)
    counter.open()
    there: list[str] = []
    for deed in deeds:
        code = code_of(data.draw(st.integers(1, 6)))
        if deed == "scan" and code not in there:
            counter.scan(code)
            there.append(code)
        elif deed == "undo" and there:
            counter.undo(there.pop())
        elif deed == "stop" and code not in there:
            counter.scan(code, verdict="STOP")
        elif deed == "repeat" and there:
            counter.scan(there[-1], verdict="REPEAT")
    counter.close()
    found = _assembled(log)
    assert found.is_whole
    assert _codes(found.bill) == there


@pytest.fixture
def bridge(tmp_path: Path, log: BoxLog) -> Iterator[UploadingBridge]:
    """Give a bridge with a platform that accepts everything."""
    register(tmp_path / "boxes", log.name)
    running = UploadingBridge(tmp_path, ScriptedPlatform())
    yield running
    running.close()


def test_a_pack_that_another_station_took_over_is_on_that_stations_bill(bridge: UploadingBridge, log: BoxLog) -> None:
    """The records of both tickets tell; neither bill waits for ever, and the pack is sent once."""
    first, second = Counter(log, "counter1"), Counter(log, "counter2")
    first.open()
    first.scan(A)
    first.scan(B)
    second.open()
    second.scan(A)
    first.lost()
    second.close()
    first.close()
    bridge.take(log.payload(), name=log.name)
    bridge.bill()
    bridge.upload()
    assert isinstance(bridge.platform, ScriptedPlatform)
    assert sorted(bridge.platform.codes_sent) == [A, B]
    assert "ticket_incomplete" not in bridge.alarms()


def test_a_record_that_no_box_writes_so_stops_nobody_else(bridge: UploadingBridge, log: BoxLog) -> None:
    """A malformed line of a ticket leaves this ticket unfinished and alarmed; the next one goes out."""
    counter = Counter(log)
    counter.open()
    fields = dict(Record.read(log.bodies[-1]).fields)
    fields["lines"] = [{"drug": 7}]
    log.bodies.pop()
    twin = BoxLog(log.name, log.log, signer=log.signer)
    twin.add_body(canonical(fields))
    rest = Counter(twin)
    rest.ticket = counter.ticket
    rest.scan(A)
    rest.close()
    rest._number = 1
    rest.sell(B)
    bridge.take(twin.payload(), name=twin.name)
    bridge.bill()
    bridge.upload()
    assert isinstance(bridge.platform, ScriptedPlatform)
    assert bridge.platform.codes_sent == [B]
    assert "ticket_incomplete" in bridge.alarms()
