"""The uploader when things get lost on the way: batches, receipts, brokers, bridges."""

import random
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from fakes.answering_bridge import AnsweringBridge
from fakes.broker import CONNACK, Broker, ScriptedBroker, SilentBroker, disconnect, puback, suback
from fakes.owner import Owner
from fakes.uplink_box import NAME, UplinkBox, until
from yaoma.core.entry import CloseReason
from yaoma.service.uploader import Patience
from yaoma_link.batch import ReceiptMark
from yaoma_link.receipt import Outcome, OutcomeState
from yaoma_link.report import Disconnected
from yaoma_link.topics import Channel

pytestmark = pytest.mark.broker

Box = Callable[..., UplinkBox]


@pytest.fixture(autouse=True)
def quick_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the box ask for lacking receipts sooner than a real bridge would like."""
    monkeypatch.setattr("yaoma.service.receiving._ASK_EVERY_MS", 100)
    monkeypatch.setattr("yaoma.service.receiving._ASK_CAP_MS", 400)
    monkeypatch.setattr("yaoma.service.receiving._ASK_ON_MS", 100)


@pytest.fixture
def box(broker: Broker, tmp_path: Path) -> Box:
    """Make boxes on one folder."""
    return lambda **options: UplinkBox(tmp_path / "box", broker.endpoint(), **options)


def test_tail_that_was_acknowledged_and_dropped_is_sent_again_without_new_scans(broker: Broker, box: Box) -> None:
    """A PUBACK counts for nothing: the batch is sent again when its receipt stays out."""
    with AnsweringBridge(broker.endpoint(), NAME) as bridge:
        dropped: list[object] = []
        bridge.drops = lambda batch: len(dropped) < 3 and not dropped.append(batch)  # type: ignore[func-returns-value]  # counts by the way
        with box() as one:
            one.scan(5)
            one.wait_stored()

        assert 3 == len(dropped)


def test_batch_in_the_middle_that_was_dropped_is_asked_for_and_sent(broker: Broker, box: Box) -> None:
    """The bridge names the missing run, and gets it though nothing else is new."""
    with AnsweringBridge(broker.endpoint(), NAME) as bridge, box() as one:
        one.wait_stored()
        lost: list[object] = []
        bridge.drops = lambda batch: batch.first == 1 and not lost and not lost.append(batch)  # type: ignore[func-returns-value]  # as above
        one.scan()
        until(lambda: bool(lost), "loss")
        one.scan(3)
        one.wait_stored()

        assert 5 == len(bridge.records)


@pytest.mark.parametrize("seed", range(3))
def test_line_that_loses_at_random_delivers_everything_in_the_end(broker: Broker, box: Box, seed: int) -> None:
    """With a third of all batches and receipts lost, everything is confirmed and every outcome arrives."""
    dice = random.Random(seed)
    with AnsweringBridge(broker.endpoint(), NAME) as bridge, box() as one:
        bridge.drops = lambda _: dice.random() < 0.33
        bridge.sends = lambda receipt: None if dice.random() < 0.33 else receipt
        for _ in range(15):
            one.scan(dice.randint(1, 40))
        one.wait_stored()
        said = bridge.answer(one.log, (Outcome((0, 1), "file", OutcomeState.ACCEPTED),))
        while one.uploader.state.receipts.upto < said.rseq:
            # a receipt that nothing follows is missed by nobody
            one.scan()
            one.wait_stored()
        bridge.drops = lambda _: False
        one.wait_stored()

        assert one.outbox.outcomes(one.log, 0)
        assert one.journal.size == len(bridge.records)


def test_receipts_that_the_broker_dropped_for_an_offline_box_come_after_its_birth(
    tmp_path: Path, mosquitto: str
) -> None:
    """A broker that keeps one message for an absent box loses no outcome: the birth tells how far it has them."""
    (tmp_path / "broker").mkdir()
    with (
        Broker(tmp_path / "broker", conf=["max_queued_messages 1", "max_inflight_messages 1"]) as broker,
        AnsweringBridge(broker.endpoint(), NAME) as bridge,
    ):
        with UplinkBox(tmp_path / "box", broker.endpoint()) as one:
            one.scan(20)
            one.wait_stored()
            log = one.log
        for seq in range(10):
            bridge.answer(log, (Outcome((seq, seq + 1), "file", OutcomeState.ACCEPTED),))
        with UplinkBox(tmp_path / "box", broker.endpoint()) as one:
            until(lambda: one.uploader.state.receipts.upto == bridge.rseq, "all receipts", within_s=60)

            assert all(one.outbox.outcomes(log, seq) for seq in range(10))


def test_outcomes_behind_a_lost_receipt_wait_for_it(broker: Broker, box: Box) -> None:
    """In a gap the stored part is used at once, the outcomes only in their order, after the box has asked."""
    with AnsweringBridge(broker.endpoint(), NAME) as bridge, box() as one:
        one.wait_stored()
        bridge.sends = lambda _: None
        refused = bridge.answer(one.log, (Outcome((0, 1), "file", OutcomeState.REFUSED, "wrong"),))
        bridge.sends = lambda receipt: receipt
        births = len(bridge.statuses)
        bridge.answer(one.log, (Outcome((0, 1), "file", OutcomeState.ACCEPTED),))
        until(lambda: one.uploader.state.receipts.upto > refused.rseq, "receipts followed")

        assert len(bridge.statuses) > births
        assert OutcomeState.ACCEPTED is one.outbox.outcomes(one.log, 0)[0].state
        assert () == one.outbox.tasks()
        assert [(1,)] == one.connection.execute("SELECT count(*) FROM task").fetchall()


def test_lost_site_db_at_a_bridge_that_keeps_only_newer_receipts_keeps_what_is_proved(
    broker: Broker, box: Box, tmp_path: Path
) -> None:
    """What receipts ahead of the mark prove survives a restart; from the first one of a new epoch on all is applied."""
    refused = Outcome((1, 3), "file", OutcomeState.REFUSED, "wrong")
    with AnsweringBridge(broker.endpoint(), NAME) as bridge:
        with box() as one:
            one.scan(20)
            one.wait_stored()
            until(lambda: one.uploader.state.receipts.upto == bridge.rseq, "all receipts followed")
            log = one.log
        bridge.made.clear()  # as a bridge does with what the box has applied
        for file in (tmp_path / "box").glob("site.db*"):
            file.unlink()
        with box() as one:
            bridge.answer(log, (refused,))
            one.wait_stored()
            assert (ReceiptMark(), ()) == (one.outbox.mark(), one.outbox.outcomes(log, 1))
        bridge.batches.clear()
        with box() as one:
            until(lambda: bridge.statuses[-1]["state"] == "online", "birth")  # before it, the farewell of the last one
            assert 0 == one.uploader.state.pending
            assert all(batch.first >= one.journal.size - 1 for batch in bridge.batches)
            bridge.epoch, bridge.rseq = 2, 0
            bridge.made.clear()
            for _ in range(2):
                bridge.answer(log, (refused,))
            until(lambda: one.uploader.state.receipts == ReceiptMark(2, bridge.rseq), "the new epoch")

            assert (one.journal.size, 2) == (one.outbox.load(log).upto, one.outbox.load(log).epoch)
            assert (refused,) == one.outbox.outcomes(log, 1)
            assert [(1, 3)] == [task.span for task in one.outbox.tasks()]


def test_broker_killed_in_the_middle_loses_nothing(broker: Broker, box: Box) -> None:
    """A broker that dies twice under load costs repeats, never records."""
    with box() as one, AnsweringBridge(broker.endpoint(), NAME) as bridge:
        for _ in range(2):
            batches = len(bridge.batches)
            for _ in range(10):
                one.scan(60)
            until(lambda before=batches: len(bridge.batches) > before, "batches on their way")  # type: ignore[misc]  # bound now
            broker.restart()
            one.scan(10)
        one.wait_stored()

        assert one.journal.size == len(bridge.records)


def test_broker_that_takes_batches_and_never_answers_is_left_for_a_new_connection(tmp_path: Path) -> None:
    """Without PUBACKs nothing counts as sent; after a while the box hangs up, shows it and connects again."""

    def answer(first: int, body: bytes) -> bytes:
        match first & 0xF0:
            case 0x10:
                return CONNACK
            case 0x80:
                return suback(int.from_bytes(body[:2], "big"), 1)
            case 0xC0:
                return b"\xd0\x00"
            case 0x30 if b"/status" in body:
                topic = int.from_bytes(body[:2], "big")
                return puback(int.from_bytes(body[2 + topic : 4 + topic], "big"), 0)
        return b""

    with (
        ScriptedBroker(answer) as broker,
        UplinkBox(tmp_path / "box", broker.endpoint(), patience=Patience(puback_ms=400)) as one,
    ):
        until(lambda: 3 <= broker.accepted, "new connections")

        assert one.uploader.state.pending == 1
        assert one.outbox.load(one.log).upto == 0


def test_broker_that_accepts_and_says_nothing_is_shown(tmp_path: Path) -> None:
    """A server that never answers CONNECT is named as such, and nothing counts as sent."""
    with (
        SilentBroker() as broker,
        UplinkBox(tmp_path / "box", broker.endpoint(connack_timeout_s=0.3)) as one,
    ):
        until(lambda: one.uploader.state.trouble == "link.no_answer", "no_answer")

        assert one.uploader.state.pending == 1


def test_access_list_that_denies_records_is_no_delivery(tmp_path: Path, mosquitto: str) -> None:
    """A negative PUBACK leaves everything pending, is shown, and is over as soon as the centre has put it right."""
    denied = f"topic read #\ntopic write {NAME.topic(Channel.STATUS)}\ntopic write yaoma/v1/+/+/receipts\n"
    (tmp_path / "broker").mkdir()
    with (
        Broker(tmp_path / "broker", acl=denied) as broker,
        AnsweringBridge(broker.endpoint(), NAME) as bridge,
        UplinkBox(tmp_path / "box", broker.endpoint()) as one,
    ):
        one.scan(30)
        until(lambda: one.uploader.state.trouble == "uplink.refused", "refusal shown")
        assert one.uploader.state.pending == one.journal.size
        assert all(uplink.delivery.is_refused for uplink in one.uploader._sending._uplinks.values())
        assert not bridge.batches

        broker.write_acl("topic readwrite #\n")
        broker.reload()
        one.wait_stored()
        until(lambda: one.uploader.state.trouble is None, "trouble over")


def test_absent_bridge_is_shown_and_its_coming_is_noticed(broker: Broker, box: Box) -> None:
    """While nobody subscribes (0x10) nothing counts as sent; when the bridge comes, everything goes."""
    with box() as one:
        one.scan(30)
        until(lambda: one.uploader.state.trouble == "uplink.nobody_listens", "nobody listens")
        assert one.uploader.state.pending == one.journal.size
        with AnsweringBridge(broker.endpoint(), NAME):
            one.wait_stored()


def test_silent_bridge_is_shown(broker: Broker, box: Box) -> None:
    """A bridge that takes batches and sends no receipts is shown, and over when it speaks."""
    with AnsweringBridge(broker.endpoint(), NAME) as bridge:
        bridge.sends = lambda _: None
        with box() as one:
            until(lambda: one.uploader.state.trouble == "uplink.bridge_silent", "silence shown")
            bridge.sends = lambda receipt: receipt
            one.scan()
            one.wait_stored()
            until(lambda: one.uploader.state.trouble is None, "trouble over")


def test_second_box_with_the_same_identity_costs_no_record(broker: Broker, box: Box) -> None:
    """Two clients that throw each other out lose nothing; mosquitto says 0x8E from 2.0.15 on (mosquitto#2607)."""
    with AnsweringBridge(broker.endpoint(), NAME) as bridge, box(takeover_wait_s=0.2) as one:
        one.wait_stored()
        connected = one.uploader.state.since_ms
        clone = Owner(broker.endpoint(), str(NAME))
        clone.connect()
        one.scan(3)
        clone.wait(Disconnected)
        assert clone.session.stop()
        one.wait_stored()

        assert connected
        assert one.journal.size == len(bridge.records)


def test_session_that_was_taken_over_is_shown(tmp_path: Path) -> None:
    """With reason code 0x8E the box says that another one uses its identity."""
    with (
        ScriptedBroker(lambda first, _: CONNACK + disconnect(0x8E) if first & 0xF0 == 0x10 else b"") as broker,
        UplinkBox(tmp_path / "box", broker.endpoint()) as one,
    ):
        until(lambda: one.uploader.state.is_taken_over, "takeover shown")

        assert one.uploader.state.trouble == "uplink.taken_over"


def test_packet_limit_of_the_broker_makes_smaller_batches(tmp_path: Path, mosquitto: str) -> None:
    """A broker that takes only short packets gets more of them, and is never sent one that it would hang up on."""
    (tmp_path / "broker").mkdir()
    with (
        Broker(tmp_path / "broker", conf=["max_packet_size 1500"]) as broker,
        AnsweringBridge(broker.endpoint(), NAME) as bridge,
        UplinkBox(tmp_path / "box", broker.endpoint()) as one,
    ):
        one.wait_online()
        one.scan(256)
        one.wait_stored()

        assert 256 > max(len(batch.bodies) for batch in bridge.batches)
        assert 1 == len(one.sessions)


def test_ended_log_of_which_a_restored_bridge_lacks_records_is_sent_again(broker: Broker, box: Box) -> None:
    """Records that were confirmed in a log that has ended are sent again, also if the box restarts in between."""
    with AnsweringBridge(broker.endpoint(), NAME) as bridge:
        with box() as one:
            one.scan(20)
            one.wait_stored()
            ended = one.log
            one.journal = one.folder.close_log(one.journal, CloseReason.GROWN)
            one.uploader.wake()
            one.wait_stored()
        bridge.restored(kept=5)
        bridge.drops = lambda _: True
        with box() as one:
            until(lambda: one.uploader.state.receipts.epoch == 2, "new epoch")
            bridge.answer(ended)
            until(lambda: one.outbox.load(ended).upto == 5, "fallen back")
        bridge.drops = lambda _: False
        with box() as one:
            one.wait_stored()
            until(lambda: 21 <= len([1 for log, _ in bridge.records if log == ended]), "the ended log")


@pytest.mark.parametrize("loses", ["nothing", "site.db"])
def test_ended_logs_that_a_restored_bridge_has_never_heard_of_are_offered_to_it(
    broker: Broker, box: Box, tmp_path: Path, loses: str
) -> None:
    """Logs from after the backup come again whole, whether or not the box restarts, or has lost its receipts."""
    ended: list[str] = []
    with AnsweringBridge(broker.endpoint(), NAME) as bridge:
        with box() as one:
            for _ in range(3):
                one.scan(20)
                one.wait_stored()
                ended.append(one.log)
                one.journal = one.folder.close_log(one.journal, CloseReason.GROWN)
                one.uploader.wake()
                one.wait_stored()
        sent = dict(bridge.records)
        bridge.restored(kept=0)
        if loses == "site.db":
            for file in (tmp_path / "box").glob("site.db*"):
                file.unlink()
        bridge.drops = lambda batch: batch.log in ended
        bridge.batches.clear()
        with box():
            until(lambda: any(batch.log in ended for batch in bridge.batches), "an offer")
        bridge.drops = lambda _: False
        with box() as one:
            until(lambda: sent.items() <= bridge.records.items(), "all that was sent before")
            until(lambda: all(one.outbox.load(log).upto >= 21 for log in ended), "all of it confirmed")


def test_ended_logs_are_offered_once_in_an_epoch(broker: Broker, box: Box) -> None:
    """A bridge that has everything gets one record of each ended log, and nothing more after its answer."""
    with AnsweringBridge(broker.endpoint(), NAME) as bridge:
        with box() as one:
            one.scan(5)
            one.wait_stored()
            ended = one.log
            one.journal = one.folder.close_log(one.journal, CloseReason.FORKED)
            one.uploader.wake()
            one.wait_stored()
        bridge.restored(kept=100)
        bridge.batches.clear()
        for _ in range(2):
            with box() as one:
                until(lambda: one.outbox.load(ended).epoch == 2, "the answer")
                one.scan()
                one.wait_stored()

        assert [(5, 1)] == [(batch.first, len(batch.bodies)) for batch in bridge.batches if batch.log == ended]


class _FullDisk:
    """A connection whose disk is full while the test says so."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.is_full = False
        self.refused = 0

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Iterable[Any]:
        if self.is_full and sql == "COMMIT":
            self.refused += 1
            raise sqlite3.OperationalError("database or disk is full")
        return self.connection.execute(sql, parameters)

    def close(self) -> None:
        self.connection.close()


def test_receipt_that_the_disk_refuses_is_not_acknowledged_and_counts_later(
    broker: Broker, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a full disk the box goes on sending, shows it, and applies the receipts when there is room again."""
    monkeypatch.setattr("yaoma.service.receiving._RETRY_MS", 50)
    with AnsweringBridge(broker.endpoint(), NAME), box() as one:
        one.wait_stored()
        disk = _FullDisk(one.connection)
        one.outbox._connection = disk
        disk.is_full = True
        one.scan(4)
        until(lambda: one.uploader.state.trouble == "uplink.state_unavailable", "full disk shown")
        until(lambda: one.uploader.state.pending == 0, "sent all the same")
        assert one.outbox.load(one.log).upto == 1
        disk.is_full = False
        one.wait_stored()

        assert disk.refused
