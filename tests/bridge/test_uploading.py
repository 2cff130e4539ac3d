"""Uploading: from closed tickets to a platform and back to the box, with every trouble on the way."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import cast

import pytest

from fakes import ticketed
from fakes.box import BoxLog
from fakes.scripted_platform import ScriptedPlatform
from fakes.stepped_bridge import register
from fakes.ticketed import Counter, code_of
from fakes.uploading_bridge import UploadingBridge
from yaoma.core.canonical import Json
from yaoma.core.entry import clock_changed
from yaoma.core.record import ClockState, Entry, Kind, Stamp
from yaoma.core.ticket import Action
from yaoma_bridge.bundling import Bundler
from yaoma_bridge.known import known
from yaoma_bridge.platform import Answer, AnswerState, Order, Pace, Ruling, RulingKind
from yaoma_bridge.rulings import retry
from yaoma_bridge.store import Store
from yaoma_bridge.tx import Tx
from yaoma_link.receipt import OutcomeState

A, B, C = code_of(1), code_of(2), code_of(3)
_TIMEOUT = Answer(AnswerState.UNKNOWN, "timeout", is_outage=True)
_PROCESSING = Answer(AnswerState.PROCESSING)


@pytest.fixture
def platform() -> ScriptedPlatform:
    """Give a platform that accepts everything."""
    return ScriptedPlatform()


@pytest.fixture
def bridge(tmp_path: Path, platform: ScriptedPlatform, log: BoxLog) -> Iterator[UploadingBridge]:
    """Give a bridge that serves the platform."""
    register(tmp_path / "boxes", log.name)
    running = UploadingBridge(tmp_path, platform)
    yield running
    running.close()


@pytest.fixture
def counter(log: BoxLog) -> Counter:
    """Give a station of the registered box."""
    return Counter(log)


def _sent(bridge: UploadingBridge, log: BoxLog) -> None:
    bridge.take(log.payload(), name=log.name)
    bridge.bill()


class _GrowingStore:
    """A store in which bills are made between looking for new ones and taking them, as another thread does."""

    def __init__(self, bridge: UploadingBridge) -> None:
        self._bridge = bridge

    @contextmanager
    def reading(self) -> Iterator[Tx]:
        with self._bridge.upload_store.reading() as tx:
            yield tx
        self._bridge.bill()

    def writing(self) -> AbstractContextManager[Tx]:
        return self._bridge.upload_store.writing()


def test_a_bill_made_while_bills_are_taken_is_bundled_once(
    bridge: UploadingBridge, platform: ScriptedPlatform, log: BoxLog, counter: Counter
) -> None:
    """A bill that appears after the newest one was looked up is taken by the next look, and by that one only."""
    counter.sell(A)
    _sent(bridge, log)
    counter.sell(B)
    bridge.take(log.payload(), name=log.name)
    bundler = Bundler(cast("Store", _GrowingStore(bridge)), platform, bridge.route, bridge.facts, bridge.signer)
    while bundler.bundle(bridge.now_ms) is not None:
        pass
    bridge.upload()
    assert [parcel.codes or [line.code for line in parcel.bill.lines] for parcel in platform.sent] == [[A], [B]]


@pytest.mark.row("S0-12", part="bridge")
@pytest.mark.row("S2-10", part="bridge")
def test_a_closed_ticket_is_sent_once_and_its_box_is_told(
    bridge: UploadingBridge, platform: ScriptedPlatform, log: BoxLog, counter: Counter
) -> None:
    """What was scanned for a closed ticket is accepted, and the box hears waiting, then accepted."""
    counter.sell(A, B)
    _sent(bridge, log)
    told = bridge.upload()
    assert platform.codes_sent == [A, B]
    states = [outcome.state for receipt in told for outcome in receipt.outcomes]
    assert states == [OutcomeState.WAITING, OutcomeState.ACCEPTED]
    assert {outcome.span for receipt in told for outcome in receipt.outcomes} == {(1, 3)}
    bridge.upload(3600)
    assert len(platform.sent) == 1


@pytest.mark.row("S4-18", part="bridge")
def test_accepted_is_said_only_after_processing(
    bridge: UploadingBridge, platform: ScriptedPlatform, log: BoxLog, counter: Counter
) -> None:
    """A parcel that the platform has only taken is asked for until it is through."""
    platform.answers, platform.asked = [_PROCESSING], [_PROCESSING, Answer(AnswerState.REFUSED, "sold_elsewhere")]
    counter.sell(A)
    _sent(bridge, log)
    bridge.upload()
    assert bridge.fates() == {A: ("processing", "")}
    bridge.upload(2)
    assert bridge.fates() == {A: ("processing", "")}
    told = bridge.upload(10)
    assert bridge.fates() == {A: ("refused", "sold_elsewhere")}
    assert told[-1].outcomes[0].state is OutcomeState.REFUSED
    assert len(platform.sent) == 1


def test_a_time_out_is_asked_for_and_not_sent_again(
    bridge: UploadingBridge, platform: ScriptedPlatform, log: BoxLog, counter: Counter
) -> None:
    """After a time-out the record is unknown; what the platform answers to a question decides."""
    platform.answers = [_TIMEOUT]
    counter.sell(A)
    _sent(bridge, log)
    bridge.upload()
    assert bridge.fates() == {A: ("unknown", "timeout")}
    bridge.upload(10)
    assert bridge.fates() == {A: ("accepted", "")}
    assert len(platform.sent) == 1
    assert len(platform.questions) == 1


def test_what_the_platform_does_not_have_is_sent_again_with_the_same_number(
    bridge: UploadingBridge, platform: ScriptedPlatform, log: BoxLog, counter: Counter
) -> None:
    """Only after the platform has said that it has nothing, the same parcel goes out once more."""
    platform.answers = [_TIMEOUT]
    platform.asked = [Answer(AnswerState.WAITING, "not_there")]
    counter.sell(A)
    _sent(bridge, log)
    bridge.upload()
    bridge.upload(10)
    bridge.upload(10)
    assert [parcel.number for parcel in platform.sent] == [platform.sent[0].number] * 2
    assert bridge.fates() == {A: ("accepted", "")}


def test_what_was_taken_and_is_gone_waits_for_a_person(
    bridge: UploadingBridge, platform: ScriptedPlatform, log: BoxLog, counter: Counter
) -> None:
    """A platform that had taken a parcel and then does not know it gets it again only if a person says so."""
    platform.answers = [_PROCESSING]
    platform.asked = [Answer(AnswerState.WAITING, "not_there")] * 3
    counter.sell(A)
    _sent(bridge, log)
    bridge.upload()
    for _ in range(3):
        bridge.upload(100)
    assert bridge.fates() == {A: ("unknown", "taken_and_gone")}
    assert platform.codes_sent == [A]
    with bridge.store.writing() as tx:
        (n,) = tx.execute("SELECT n FROM upload").fetchone()
        retry(tx, "scripted", [n], bridge.signer, bridge.now_ms)
    bridge.upload()
    assert platform.codes_sent == [A, A]
    assert bridge.fates() == {A: ("accepted", "")}


def test_a_refused_record_that_two_people_send_anew_is_sent_once(
    bridge: UploadingBridge, platform: ScriptedPlatform, log: BoxLog, counter: Counter
) -> None:
    """A second `retry` before the first one was divided into parcels makes no second part."""
    platform.answers = [Answer(AnswerState.REFUSED, "not_activated")]
    counter.sell(A)
    _sent(bridge, log)
    bridge.upload()
    for expected in (1, 0):
        with bridge.store.writing() as tx:
            (n,) = tx.execute("SELECT n FROM upload").fetchone()
            assert retry(tx, "scripted", [n], bridge.signer, bridge.now_ms) == expected
    bridge.upload(100)
    assert platform.codes_sent == [A, A]
    assert bridge.fates() == {A: ("accepted", "")}


def test_a_dead_worker_leaves_unknown_and_another_asks(
    bridge: UploadingBridge, platform: ScriptedPlatform, log: BoxLog, counter: Counter
) -> None:
    """A worker that died between "sent" and the answer is found by its lease; nothing is sent blindly."""
    counter.sell(A)
    _sent(bridge, log)
    bridge.uploader.step()
    for call in bridge.uploader._calls:
        call.answer.exception()
    bridge.uploader._calls.clear()  # killed: the answer is never written
    assert bridge.fates() == {A: ("sent", "")}
    bridge.uploader = bridge.make_uploader("two")
    bridge.upload(2)
    assert bridge.fates() == {A: ("sent", "")}
    bridge.upload(100)
    assert bridge.moves() == ["bundle", "send", "lost", "said_accepted"]
    assert len(platform.sent) == 1


def test_cancelled_undone_stopped_and_practised_scans_are_not_sent(
    bridge: UploadingBridge, platform: ScriptedPlatform, log: BoxLog, counter: Counter
) -> None:
    """Only what took effect leaves the bridge."""
    counter.open()
    counter.scan(A)
    counter.close(Action.CANCEL)
    counter.open(is_training=True)
    counter.scan(B)
    counter.close()
    counter.open()
    counter.scan(A)
    counter.scan(B, verdict="STOP")
    counter.scan(C)
    counter.undo(C)
    counter.close()
    _sent(bridge, log)
    bridge.upload()
    assert platform.codes_sent == [A]
    assert bridge.fates() == {A: ("accepted", "")}


@pytest.mark.row("S2-08", part="bridge")
def test_what_went_into_quarantine_is_held_until_it_is_released(
    bridge: UploadingBridge, platform: ScriptedPlatform, log: BoxLog, counter: Counter
) -> None:
    """A doubtful pack of a delivery is held; checked and released, it goes out under a number of its own."""
    counter.open("receive")
    counter.scan(A)
    counter.scan(B, verdict="REVIEW")
    counter.scan(C, verdict="REVIEW")
    counter.override(C)
    counter.close()
    _sent(bridge, log)
    platform.ruling = lambda bill, line: Ruling(
        RulingKind.NOT_NEEDED if bill.operation == "check_return" else RulingKind.NEEDED
    )
    bridge.upload()
    assert platform.codes_sent == [A, C]
    assert bridge.fates()[B] == ("held", "quarantined")
    counter.sell(B, operation="check_return")
    _sent(bridge, log)
    bridge.upload()
    assert platform.codes_sent == [A, C, B]
    assert bridge.rows("SELECT fate, reason FROM upload WHERE n=(SELECT MIN(n) FROM upload)") == [("accepted", "")]
    assert len({parcel.number for parcel in platform.sent}) == 2
    assert {parcel.bill.operation for parcel in platform.sent} == {"receive"}


@pytest.mark.row("S1-14", part="bridge")
@pytest.mark.row("S2-13", part="bridge")
@pytest.mark.parametrize("is_divided_first", [True, False])
def test_a_quarantined_pack_that_a_person_sent_on_is_not_sent_again_by_its_release(
    bridge: UploadingBridge, platform: ScriptedPlatform, log: BoxLog, counter: Counter, *, is_divided_first: bool
) -> None:
    """The release of what a person had sent on already stops nobody, and doubles nothing."""
    counter.open("receive")
    counter.scan(A, verdict="REVIEW")
    counter.close()
    _sent(bridge, log)
    bridge.upload()
    with bridge.store.writing() as tx:
        (n,) = tx.execute("SELECT n FROM upload").fetchone()
        assert retry(tx, "scripted", [n], bridge.signer, bridge.now_ms) == 1
    if is_divided_first:
        bridge.upload()
    counter.sell(A, operation="check_return")
    counter.sell(B)
    _sent(bridge, log)
    bridge.upload(100)
    assert [parcel.bill.operation for parcel in platform.sent].count("receive") == 1
    assert bridge.fates()[B] == ("accepted", "")


@pytest.mark.parametrize("what", ["code", "operation", "ticket", "boot"])
def test_a_ticket_with_a_text_longer_than_any_key_stops_nobody_else(
    bridge: UploadingBridge,
    platform: ScriptedPlatform,
    log: BoxLog,
    counter: Counter,
    *,
    monkeypatch: pytest.MonkeyPatch,
    what: str,
) -> None:
    """No store or message has room for such a key; the ticket is left with an alarm, and all others go on."""
    long = "x" * 200_000
    monkeypatch.setitem(ticketed._INTO, long, ("dispensed", ""))
    counter.open(long if what == "operation" else "dispense")
    if what == "boot":
        log.odd(boot=long)
    elif what == "ticket":
        log.add(Entry(Kind.TICKET, {"ticket": long, "action": "close"}))
    counter.scan(long if what == "code" else A)
    counter.close(Action.CANCEL if what in {"ticket", "boot"} else Action.CLOSE)
    counter.sell(B)
    _sent(bridge, log)
    bridge.upload()
    assert platform.codes_sent == [B]
    longest = "SELECT MAX(LENGTH(ticket)), MAX(LENGTH(operation)) FROM bill"
    assert all(size < 200 for (*sizes,) in bridge.rows(longest) for size in sizes)
    assert bridge.rows("SELECT code FROM bill_code") == [(B,)]
    assert bridge.rows("SELECT MAX(LENGTH(boot)) FROM held") in ([(None,)], [(0,)])


def test_a_ticket_with_a_time_that_no_calendar_has_stops_nobody_else(
    bridge: UploadingBridge,
    platform: ScriptedPlatform,
    log: BoxLog,
    counter: Counter,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It makes no bill and an alarm: such a bill would stop each platform that writes its day."""
    platform.ruling = lambda bill, line: Ruling(reason=str(known(bill, line)["row.time"]))
    with monkeypatch.context() as wrong:
        wrong.setattr("fakes.box.START_MS", 2**53 - 1_000_000_000)
        counter.sell(A)
    counter.sell(B)
    _sent(bridge, log)
    bridge.upload()
    assert platform.codes_sent == [B]
    assert bridge.rows("SELECT reason FROM unfinished") == [("records_malformed",)]


def test_a_sale_waits_for_its_receipt(
    bridge: UploadingBridge, platform: ScriptedPlatform, log: BoxLog, counter: Counter
) -> None:
    """Where a platform needs the order, a later bill with the same code waits until the earlier one is through."""
    platform.answers = [_PROCESSING]
    platform.asked = [_PROCESSING]
    counter.sell(A, operation="receive")
    counter.sell(A, B)
    counter.sell(C)
    _sent(bridge, log)
    bridge.upload()
    assert platform.codes_sent == [A, C]
    assert ("bundled", "earlier") in bridge.parcels()
    bridge.upload(1)
    assert platform.codes_sent == [A, C]
    bridge.upload(4)
    assert platform.codes_sent == [A, C, A, B]


def test_a_parcel_that_follows_another_shares_its_refusal(
    bridge: UploadingBridge, platform: ScriptedPlatform, log: BoxLog, counter: Counter
) -> None:
    """A parcel whose predecessor was refused is refused, and never sent."""
    platform.most, platform.follows = 1, True
    platform.answers = [Answer(AnswerState.REFUSED, "bill_refused")]
    counter.sell(A, B)
    _sent(bridge, log)
    bridge.upload()
    assert platform.codes_sent == [A]
    assert bridge.fates() == {A: ("refused", "bill_refused"), B: ("refused", "follows_refused")}


def test_an_answer_per_code_decides_per_record(
    bridge: UploadingBridge, platform: ScriptedPlatform, log: BoxLog, counter: Counter
) -> None:
    """A refused code of an accepted parcel is refused alone."""
    platform.answers = [Answer(AnswerState.ACCEPTED, codes={B: (AnswerState.REFUSED, "not_activated")})]
    counter.sell(A, B)
    _sent(bridge, log)
    bridge.upload()
    assert bridge.fates() == {A: ("accepted", ""), B: ("refused", "not_activated")}


def test_a_defect_of_a_platform_is_unknown_and_the_worker_lives(
    bridge: UploadingBridge, platform: ScriptedPlatform, log: BoxLog, counter: Counter
) -> None:
    """A platform that raises against its contract harms its own parcel only."""
    platform.answers = [RuntimeError("planted")]
    platform.asked = [Answer(AnswerState.UNKNOWN, "cannot_be_asked")]
    counter.sell(A)
    counter.sell(B)
    _sent(bridge, log)
    bridge.upload()
    assert bridge.fates() == {A: ("unknown", "defect"), B: ("accepted", "")}


def test_a_platform_in_trouble_is_left_alone_and_then_tried_once(
    bridge: UploadingBridge, platform: ScriptedPlatform, log: BoxLog, counter: Counter
) -> None:
    """After five troubles in a row nothing is called; then one call tells, and the rest follows."""
    away = Answer(AnswerState.WAITING, "no_connection", is_outage=True)
    platform.answers = [away] * 5
    for number in range(8):
        counter.sell(code_of(100 + number))
    _sent(bridge, log)
    bridge.upload()
    assert len(platform.sent) == 5
    assert "platform_away" in bridge.alarms()
    platform.answers = [away]
    bridge.upload(2)
    assert len(platform.sent) == 6
    bridge.upload(600)
    bridge.upload(600)
    assert {fate for fate, _ in bridge.fates().values()} == {"accepted"}
    assert bridge.rows("SELECT MAX(tries) FROM parcel") == [(1,)]


def test_calls_keep_to_the_rate(tmp_path: Path, log: BoxLog, counter: Counter) -> None:
    """No more calls are made in a second than the pace allows."""
    register(tmp_path / "boxes", log.name)
    platform = ScriptedPlatform(pace=Pace(calls_per_s=2, burst=2, at_once=8), order=Order.NONE)
    bridge = UploadingBridge(tmp_path, platform)
    for number in range(10):
        counter.sell(code_of(number))
    _sent(bridge, log)
    counts = []
    for _ in range(4):
        bridge.upload(1)
        counts.append(len(platform.sent))
    bridge.close()
    assert counts == [2, 4, 6, 8]


def test_a_line_nobody_can_rule_is_held_visibly(
    bridge: UploadingBridge, platform: ScriptedPlatform, log: BoxLog, counter: Counter
) -> None:
    """What a platform holds is told to the box with its reason; what it does not need is not."""
    rulings = {
        A: Ruling(),
        B: Ruling(RulingKind.HELD, "institution_unknown"),
        C: Ruling(RulingKind.NOT_NEEDED, "exempt"),
    }
    platform.ruling = lambda bill, line: rulings[line.code]
    counter.sell(A, B, C)
    _sent(bridge, log)
    told = bridge.upload()
    assert bridge.fates() == {A: ("accepted", ""), B: ("held", "institution_unknown")}
    outcomes = [(one.span, one.state, one.reason) for receipt in told for one in receipt.outcomes]
    assert ((2, 3), OutcomeState.HELD, "institution_unknown") in outcomes
    assert not any(span[0] <= 3 < span[1] for span, _, _ in outcomes)


def test_a_ticket_whose_records_are_lacking_is_not_sent_until_they_come(
    bridge: UploadingBridge, platform: ScriptedPlatform, log: BoxLog, counter: Counter
) -> None:
    """A bill is made only of all that the box counted on the ticket; what is released later completes it."""
    counter.open()
    scanned = counter.scan(A)
    held = counter.log.add(
        Entry(Kind.SCAN, {**_own(scanned.fields), "code": B}), boot="f" * 16, clock=ClockState.UNTRUSTED
    )
    assert counter.ticket is not None
    counter.ticket = counter.ticket.with_scan()
    counter.close()
    _sent(bridge, log)
    bridge.upload()
    assert platform.sent == []
    assert "ticket_incomplete" in bridge.alarms()
    before = held.stamp
    now = Stamp(before.wall_ms + 5000, before.mono_ms + 10, before.boot, ClockState.SYNCED)
    log.add(clock_changed(before, now), boot=before.boot, wall_ms=now.wall_ms)
    _sent(bridge, log)
    bridge.upload()
    assert platform.codes_sent == [A, B]


def _own(fields: Mapping[str, Json]) -> dict[str, Json]:
    """Give the fields that are not part of every record."""
    common = {"v", "log", "seq", "kind", "boot", "wall_ms", "mono_ms", "clock"}
    return {name: value for name, value in fields.items() if name not in common}


@pytest.mark.row("S0-08", part="bridge")
def test_a_return_names_who_had_sent_the_pack(
    bridge: UploadingBridge, platform: ScriptedPlatform, log: BoxLog, counter: Counter
) -> None:
    """What goes back to a supplier carries note and sender of the delivery that it came by."""
    counter.open("receive", shipment="n1")
    counter.scan(A, shipment="n1")
    assert counter.ticket is not None
    fields: dict[str, Json] = {"ticket": counter.ticket.id, "station": counter.station, "shipment": "n1"}
    log.add(Entry(Kind.DIFFERENCE, {**fields, "supplier": "甲公司", "bill": "S1", "missing": 0}))
    counter.close()
    counter.sell(A, operation="return_supplier")
    _sent(bridge, log)
    bridge.upload()
    returned = platform.sent[-1].bill
    assert (returned.operation, returned.supplier, returned.lines[0].shipment) == ("return_supplier", "甲公司", "n1")


def test_news_of_an_earlier_part_changes_nothing_of_a_later_one(
    bridge: UploadingBridge, platform: ScriptedPlatform, log: BoxLog, counter: Counter
) -> None:
    """A record that was sent anew stands by the later part, whatever becomes of the first."""
    platform.answers = [Answer(AnswerState.PROCESSING, codes={A: (AnswerState.REFUSED, "facts_missing")})]
    counter.sell(A, B)
    _sent(bridge, log)
    bridge.upload()
    assert bridge.fates() == {A: ("refused", "facts_missing"), B: ("processing", "")}
    with bridge.store.writing() as tx:
        (n,) = tx.execute("SELECT MIN(n) FROM upload").fetchone()
        retry(tx, "scripted", [n], bridge.signer, bridge.now_ms)
    bridge.upload()
    assert bridge.fates()[A] == ("accepted", "")
    bridge.upload(10)
    assert bridge.fates() == {A: ("accepted", ""), B: ("accepted", "")}
