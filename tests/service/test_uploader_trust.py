"""The uploader believes only what the bridge has signed, in order, and what its own log proves."""

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from fakes.answering_bridge import BRIDGE_KEY, AnsweringBridge
from fakes.broker import Broker
from fakes.uplink_box import NAME, UplinkBox, until
from yaoma.core.entry import CloseReason
from yaoma.core.merkle import EMPTY_ROOT
from yaoma.core.record import Record
from yaoma.service.uplink_state import ForkReason
from yaoma.shell.database import open_sqlite
from yaoma_link.batch import ReceiptMark
from yaoma_link.receipt import Outcome, OutcomeState

pytestmark = pytest.mark.broker

Box = Callable[..., UplinkBox]


@pytest.fixture
def box(broker: Broker, tmp_path: Path) -> Box:
    """Make boxes on one folder."""
    return lambda **options: UplinkBox(tmp_path / "box", broker.endpoint(), **options)


@pytest.mark.parametrize("kind", ["forged", "unsigned", "garbage", "another box", "another site", "tampered"])
def test_receipt_that_is_not_the_bridges_for_this_box_changes_nothing(
    broker: Broker, box: Box, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It is counted, alarmed in the log, acknowledged, and never applied; a good one afterwards counts."""
    with AnsweringBridge(broker.endpoint(), NAME) as bridge, box() as one:
        one.wait_stored()
        until(lambda: one.uploader.state.receipts.upto == bridge.rseq >= 2, "birth and batch answered")
        mark = one.uploader.state.receipts
        false = bridge.receipt(one.log, (Outcome((0, 1), "file", OutcomeState.REFUSED, "made_up"),))
        payload = {
            "forged": bridge.forged(false),
            "unsigned": false.signed(BRIDGE_KEY).split(b"\n\n")[0],
            "garbage": b"\xff\x00",
            "another box": replace(false, box="counter-2").signed(BRIDGE_KEY),
            "another site": replace(false, site="H00000000000").signed(BRIDGE_KEY),
            "tampered": false.signed(BRIDGE_KEY).replace(b"made_up", b"made_it"),
        }[kind]
        with caplog.at_level(logging.ERROR, "yaoma.uploader"):
            for _ in range(30):
                bridge.send_bytes(payload)
            until(lambda: one.uploader.state.refused_receipts == 30, "all refused")
        assert one.uploader.state.trouble == "uplink.receipt_refused"
        assert mark == one.uploader.state.receipts
        assert () == one.outbox.tasks()
        assert 1 == sum("receipt refused" in record.message for record in caplog.records)

        bridge.send(false)
        until(lambda: one.uploader.state.receipts.upto == false.rseq, "the true one")
        assert one.uploader.state.trouble is None


def test_receipt_that_is_replayed_counts_once(broker: Broker, box: Box) -> None:
    """An old receipt changes nothing, whatever it says."""
    with AnsweringBridge(broker.endpoint(), NAME) as bridge, box() as one:
        one.wait_stored()
        old = bridge.answer(one.log, (Outcome((0, 1), "file", OutcomeState.REFUSED, "wrong"),))
        bridge.answer(one.log, (Outcome((0, 1), "file", OutcomeState.ACCEPTED),))
        one.scan(3)
        one.wait_stored()
        bridge.send(old)
        last = bridge.answer(one.log)
        until(lambda: one.uploader.state.receipts.upto == last.rseq, "the last one")

        assert () == one.outbox.tasks()
        assert one.is_stored()


def test_receipt_of_a_lower_epoch_changes_nothing(broker: Broker, box: Box) -> None:
    """A receipt from before the bridge was restored neither lowers nor raises what is stored."""
    with AnsweringBridge(broker.endpoint(), NAME) as bridge, box() as one:
        one.scan(9)
        one.wait_stored()
        old = replace(bridge.made[0], rseq=1000)
        bridge.restored(kept=10)
        bridge.answer(one.log)
        until(lambda: one.uploader.state.receipts.epoch == 2, "new epoch")
        batches = len(bridge.batches)
        bridge.send(old)
        last = bridge.answer(one.log)
        until(lambda: one.uploader.state.receipts == ReceiptMark(2, last.rseq), "the last one")

        assert one.is_stored()
        assert batches == len(bridge.batches)


def test_lower_stored_upto_in_the_same_epoch_is_not_believed(broker: Broker, box: Box) -> None:
    """Within one epoch the bridge can't have forgotten anything: nothing is sent again."""
    with AnsweringBridge(broker.endpoint(), NAME) as bridge, box() as one:
        one.scan(9)
        one.wait_stored()
        until(lambda: one.uploader.state.receipts.upto == bridge.rseq, "quiet")
        batches = len(bridge.batches)
        lower = replace(bridge.made[0], rseq=bridge.rseq + 1, stored_upto=0, root=EMPTY_ROOT)
        bridge.send(lower)
        until(lambda: one.uploader.state.receipts.upto == lower.rseq, "followed")

        assert one.is_stored()
        assert one.uploader.state.pending == 0
        assert batches == len(bridge.batches)


def test_restored_bridge_gets_again_what_it_lost(broker: Broker, box: Box) -> None:
    """In a higher epoch a lower stored_upto is believed once the root there is proved; the rest is sent again."""
    with AnsweringBridge(broker.endpoint(), NAME) as bridge, box() as one:
        one.scan(300)
        one.wait_stored()
        bridge.restored(kept=7)
        bridge.answer(one.log)
        until(lambda: len(bridge.records) == one.journal.size, "sent again")
        one.wait_stored()

        assert 2 == one.outbox.load(one.log).epoch


def test_birth_holds_nothing_against_a_bridge_that_was_said_in_an_older_epoch(broker: Broker, box: Box) -> None:
    """A box that has followed a restored bridge, but not heard of this log yet, does not claim what it had before."""
    with AnsweringBridge(broker.endpoint(), NAME) as bridge, box() as one:
        one.scan(9)
        one.wait_stored()
        bridge.restored(kept=3)
        bridge.answer("another-log")
        until(lambda: one.uploader.state.receipts == ReceiptMark(2, 1), "new epoch")
        one.cut()
        said = {"epoch": 2, "upto": 1}
        until(lambda: any(status.get("receipts") == said for status in bridge.statuses), "birth")

        assert [0] == [status["stored_upto"] for status in bridge.statuses if status.get("receipts") == said][:1]
        one.wait_stored()


def _fork(one: UplinkBox, reason: ForkReason) -> None:
    """Wait for the fork to be told, and do what the recorder does."""
    until(lambda: bool(one.forks), "fork told")
    assert [(one.log, reason)] == one.forks
    until(lambda: one.uploader.state.trouble == "uplink.forked", "fork shown")
    one.journal = one.folder.close_log(one.journal, CloseReason.FORKED)
    one.uploader.wake()
    one.wait_stored()


def test_bridge_that_has_another_root_is_a_fork_and_the_tail_goes_in_a_new_log(broker: Broker, box: Box) -> None:
    """A card from an old copy: the old log is left, the new one carries what was not confirmed, nothing is lost."""
    with AnsweringBridge(broker.endpoint(), NAME) as bridge, box() as one:
        one.scan(5)
        one.wait_stored()
        # another box with the same log went on from here
        old = one.log
        bridge.records[old, 6] = b'{"other":1}'
        bridge.drops = lambda batch: batch.log == old
        bridge.sends = lambda _: None
        one.scan(3)
        bridge.sends = lambda receipt: receipt
        bridge.answer(old)
        _fork(one, ForkReason.ROOT_DIFFERS)

        copies = [Record.read(body) for (log, _), body in bridge.records.items() if log == one.log]
        assert {(old, 6), (old, 7), (old, 8)} <= {record.identity for record in copies}


def test_bridge_that_has_more_records_is_a_fork(broker: Broker, box: Box) -> None:
    """A log that is longer at the bridge than here was put back from an old copy."""
    with AnsweringBridge(broker.endpoint(), NAME) as bridge, box() as one:
        one.scan(5)
        one.wait_stored()
        bridge.records |= {(one.log, 6 + more): b"{}" for more in range(3)}
        bridge.answer(one.log)

        _fork(one, ForkReason.LONGER)


def test_fork_that_is_answered_late_is_told_once_and_nothing_is_lost(broker: Broker, box: Box) -> None:
    """While the recorder can't act, receipts, scans and new connections go by; then the new log takes over at once."""
    with AnsweringBridge(broker.endpoint(), NAME) as bridge, box() as one:
        one.scan(5)
        one.wait_stored()
        old = one.log
        bridge.records |= {(old, 6 + more): b"{}" for more in range(30)}
        bridge.answer(old)
        until(lambda: one.uploader.state.trouble == "uplink.forked", "fork shown")
        for _ in range(3):
            births = len(bridge.statuses)
            one.scan()
            bridge.answer(old)
            one.cut()
            until(lambda seen=births: len(bridge.statuses) >= seen + 2, "offline and online")  # type: ignore[misc]  # bound now
        until(lambda: one.uploader.state.receipts.upto == bridge.rseq, "receipts followed")

        _fork(one, ForkReason.LONGER)
        copies = {Record.read(body).identity for (log, _), body in bridge.records.items() if log == one.log}
        assert {(old, seq) for seq in range(6, 9)} <= copies


def test_fork_that_was_not_acted_upon_is_told_again_after_a_restart(broker: Broker, box: Box) -> None:
    """A box that was switched off before a new log began hears of the fork once more, and can act then."""
    with AnsweringBridge(broker.endpoint(), NAME) as bridge:
        with box() as one:
            one.scan(5)
            one.wait_stored()
            bridge.records |= {(one.log, 6 + more): b"{}" for more in range(3)}
            bridge.answer(one.log)
            until(lambda: bool(one.forks), "fork told")
        with box() as one:
            _fork(one, ForkReason.LONGER)


def test_fork_of_a_log_that_has_ended_is_not_told(broker: Broker, box: Box) -> None:
    """There is nothing to close any more: only the log that is written can be replaced by a new one."""
    with AnsweringBridge(broker.endpoint(), NAME) as bridge, box() as one:
        one.scan(5)
        one.wait_stored()
        ended = one.log
        one.journal = one.folder.close_log(one.journal, CloseReason.GROWN)
        one.uploader.wake()
        one.wait_stored()
        bridge.records |= {(ended, 6 + more): b"{}" for more in range(3)}
        bridge.answer(ended)
        last = bridge.answer(one.log)
        until(lambda: one.uploader.state.receipts.upto == last.rseq, "receipts followed")

        assert not one.forks
        assert one.uploader.state.trouble is None


def test_conflict_at_one_of_our_places_is_a_fork_and_is_told_once(broker: Broker, box: Box) -> None:
    """A place that the bridge holds with another record belongs to two histories."""
    with AnsweringBridge(broker.endpoint(), NAME) as bridge, box() as one:
        one.scan(5)
        one.wait_stored()
        bridge.sends = lambda receipt: replace(receipt, conflicts=(4,))
        for _ in range(3):
            bridge.answer(one.log)
        until(lambda: bool(one.forks), "fork told")
        bridge.sends = lambda receipt: receipt

        _fork(one, ForkReason.CONFLICT)


def test_record_that_does_not_fit_its_hash_is_told_and_left_out(broker: Broker, box: Box, tmp_path: Path) -> None:
    """A damaged row is never sent; its place is told once, and its neighbours go."""
    broker.stop()
    with box() as one:
        one.scan(9)
        other = open_sqlite(tmp_path / "box" / "journal" / "journal.db")
        other.execute("DROP TRIGGER record_no_update")
        other.execute("UPDATE record SET body = replace(body, 'PASS', 'STOP') WHERE seq = 4")
        other.close()
        broker.start()
        with AnsweringBridge(broker.endpoint(), NAME) as bridge:
            until(lambda: len(bridge.records) == 9, "the others")
            until(lambda: bool(one.damages), "damage told")

            assert [(one.log, 4)] == one.damages
            assert (one.log, 4) not in bridge.records


def test_log_lines_hold_no_code(broker: Broker, box: Box, caplog: pytest.LogCaptureFixture) -> None:
    """Neither a code nor a body appears in what is logged on the way up."""
    with caplog.at_level(logging.DEBUG):
        with AnsweringBridge(broker.endpoint(), NAME) as bridge, box() as one:
            one.scan(5)
            one.wait_stored()
            bridge.send_bytes(b"8000000000000000000")
            until(lambda: one.uploader.state.refused_receipts == 1, "refused")
            one.cut()
            until(lambda: "uplink is down" in caplog.text, "down")

        assert "cn20" not in caplog.text
        assert "80000000" not in caplog.text
