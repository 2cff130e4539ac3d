"""The uploader believes only what the bridge has signed, in order, and what its own log proves."""

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from fakes.broker import Broker
from fakes.center import CENTER_KEY, Center
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
    with Center(broker.endpoint(), NAME) as center, box() as one:
        one.wait_stored()
        until(lambda: one.uploader.state.receipts.upto == center.rseq >= 2, "birth and batch answered")
        mark = one.uploader.state.receipts
        false = center.receipt(one.log, (Outcome((0, 1), "file", OutcomeState.REFUSED, "made_up"),))
        payload = {
            "forged": center.forged(false),
            "unsigned": false.signed(CENTER_KEY).split(b"\n\n")[0],
            "garbage": b"\xff\x00",
            "another box": replace(false, box="counter-2").signed(CENTER_KEY),
            "another site": replace(false, site="H00000000000").signed(CENTER_KEY),
            "tampered": false.signed(CENTER_KEY).replace(b"made_up", b"made_it"),
        }[kind]
        with caplog.at_level(logging.ERROR, "yaoma.uploader"):
            for _ in range(30):
                center.send_bytes(payload)
            until(lambda: one.uploader.state.refused_receipts == 30, "all refused")
        assert one.uploader.state.trouble == "uplink.receipt_refused"
        assert mark == one.uploader.state.receipts
        assert () == one.outbox.tasks()
        assert 1 == sum("receipt refused" in record.message for record in caplog.records)

        center.send(false)
        until(lambda: one.uploader.state.receipts.upto == false.rseq, "the true one")
        assert one.uploader.state.trouble is None


def test_receipt_that_is_replayed_counts_once(broker: Broker, box: Box) -> None:
    """An old receipt changes nothing, whatever it says."""
    with Center(broker.endpoint(), NAME) as center, box() as one:
        one.wait_stored()
        old = center.answer(one.log, (Outcome((0, 1), "file", OutcomeState.REFUSED, "wrong"),))
        center.answer(one.log, (Outcome((0, 1), "file", OutcomeState.ACCEPTED),))
        one.scan(3)
        one.wait_stored()
        center.send(old)
        last = center.answer(one.log)
        until(lambda: one.uploader.state.receipts.upto == last.rseq, "the last one")

        assert () == one.outbox.tasks()
        assert one.is_stored()


def test_receipt_of_a_lower_epoch_changes_nothing(broker: Broker, box: Box) -> None:
    """A receipt from before the bridge was restored neither lowers nor raises what is stored."""
    with Center(broker.endpoint(), NAME) as center, box() as one:
        one.scan(9)
        one.wait_stored()
        old = replace(center.made[0], rseq=1000)
        center.restored(kept=10)
        center.answer(one.log)
        until(lambda: one.uploader.state.receipts.epoch == 2, "new epoch")
        batches = len(center.batches)
        center.send(old)
        last = center.answer(one.log)
        until(lambda: one.uploader.state.receipts == ReceiptMark(2, last.rseq), "the last one")

        assert one.is_stored()
        assert batches == len(center.batches)


def test_lower_stored_upto_in_the_same_epoch_is_not_believed(broker: Broker, box: Box) -> None:
    """Within one epoch the bridge can't have forgotten anything: nothing is sent again."""
    with Center(broker.endpoint(), NAME) as center, box() as one:
        one.scan(9)
        one.wait_stored()
        until(lambda: one.uploader.state.receipts.upto == center.rseq, "quiet")
        batches = len(center.batches)
        lower = replace(center.made[0], rseq=center.rseq + 1, stored_upto=0, root=EMPTY_ROOT)
        center.send(lower)
        until(lambda: one.uploader.state.receipts.upto == lower.rseq, "followed")

        assert one.is_stored()
        assert one.uploader.state.pending == 0
        assert batches == len(center.batches)


def test_restored_bridge_gets_again_what_it_lost(broker: Broker, box: Box) -> None:
    """In a higher epoch a lower stored_upto is believed once the root there is proved; the rest is sent again."""
    with Center(broker.endpoint(), NAME) as center, box() as one:
        one.scan(300)
        one.wait_stored()
        center.restored(kept=7)
        center.answer(one.log)
        until(lambda: len(center.records) == one.journal.size, "sent again")
        one.wait_stored()

        assert 2 == one.outbox.load(one.log).epoch


def test_birth_holds_nothing_against_a_bridge_that_was_said_in_an_older_epoch(broker: Broker, box: Box) -> None:
    """A box that has followed a restored bridge, but not heard of this log yet, does not claim what it had before."""
    with Center(broker.endpoint(), NAME) as center, box() as one:
        one.scan(9)
        one.wait_stored()
        center.restored(kept=3)
        center.answer("another-log")
        until(lambda: one.uploader.state.receipts == ReceiptMark(2, 1), "new epoch")
        one.cut()
        said = {"epoch": 2, "upto": 1}
        until(lambda: any(status.get("receipts") == said for status in center.statuses), "birth")

        assert [0] == [status["stored_upto"] for status in center.statuses if status.get("receipts") == said][:1]
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
    with Center(broker.endpoint(), NAME) as center, box() as one:
        one.scan(5)
        one.wait_stored()
        # another box with the same log went on from here
        old = one.log
        center.records[old, 6] = b'{"other":1}'
        center.drops = lambda batch: batch.log == old
        center.sends = lambda _: None
        one.scan(3)
        center.sends = lambda receipt: receipt
        center.answer(old)
        _fork(one, ForkReason.ROOT_DIFFERS)

        copies = [Record.read(body) for (log, _), body in center.records.items() if log == one.log]
        assert {(old, 6), (old, 7), (old, 8)} <= {record.identity for record in copies}


def test_bridge_that_has_more_records_is_a_fork(broker: Broker, box: Box) -> None:
    """A log that is longer at the bridge than here was put back from an old copy."""
    with Center(broker.endpoint(), NAME) as center, box() as one:
        one.scan(5)
        one.wait_stored()
        center.records |= {(one.log, 6 + more): b"{}" for more in range(3)}
        center.answer(one.log)

        _fork(one, ForkReason.LONGER)


def test_fork_that_is_answered_late_is_told_once_and_nothing_is_lost(broker: Broker, box: Box) -> None:
    """While the recorder can't act, receipts, scans and new connections go by; then the new log takes over at once."""
    with Center(broker.endpoint(), NAME) as center, box() as one:
        one.scan(5)
        one.wait_stored()
        old = one.log
        center.records |= {(old, 6 + more): b"{}" for more in range(30)}
        center.answer(old)
        until(lambda: one.uploader.state.trouble == "uplink.forked", "fork shown")
        for _ in range(3):
            births = len(center.statuses)
            one.scan()
            center.answer(old)
            one.cut()
            until(lambda seen=births: len(center.statuses) >= seen + 2, "offline and online")  # type: ignore[misc]  # bound now
        until(lambda: one.uploader.state.receipts.upto == center.rseq, "receipts followed")

        _fork(one, ForkReason.LONGER)
        copies = {Record.read(body).identity for (log, _), body in center.records.items() if log == one.log}
        assert {(old, seq) for seq in range(6, 9)} <= copies


def test_fork_that_was_not_acted_upon_is_told_again_after_a_restart(broker: Broker, box: Box) -> None:
    """A box that was switched off before a new log began hears of the fork once more, and can act then."""
    with Center(broker.endpoint(), NAME) as center:
        with box() as one:
            one.scan(5)
            one.wait_stored()
            center.records |= {(one.log, 6 + more): b"{}" for more in range(3)}
            center.answer(one.log)
            until(lambda: bool(one.forks), "fork told")
        with box() as one:
            _fork(one, ForkReason.LONGER)


def test_fork_of_a_log_that_has_ended_is_not_told(broker: Broker, box: Box) -> None:
    """There is nothing to close any more: only the log that is written can be replaced by a new one."""
    with Center(broker.endpoint(), NAME) as center, box() as one:
        one.scan(5)
        one.wait_stored()
        ended = one.log
        one.journal = one.folder.close_log(one.journal, CloseReason.GROWN)
        one.uploader.wake()
        one.wait_stored()
        center.records |= {(ended, 6 + more): b"{}" for more in range(3)}
        center.answer(ended)
        last = center.answer(one.log)
        until(lambda: one.uploader.state.receipts.upto == last.rseq, "receipts followed")

        assert not one.forks
        assert one.uploader.state.trouble is None


def test_conflict_at_one_of_our_places_is_a_fork_and_is_told_once(broker: Broker, box: Box) -> None:
    """A place that the bridge holds with another record belongs to two histories."""
    with Center(broker.endpoint(), NAME) as center, box() as one:
        one.scan(5)
        one.wait_stored()
        center.sends = lambda receipt: replace(receipt, conflicts=(4,))
        for _ in range(3):
            center.answer(one.log)
        until(lambda: bool(one.forks), "fork told")
        center.sends = lambda receipt: receipt

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
        with Center(broker.endpoint(), NAME) as center:
            until(lambda: len(center.records) == 9, "the others")
            until(lambda: bool(one.damages), "damage told")

            assert [(one.log, 4)] == one.damages
            assert (one.log, 4) not in center.records


def test_log_lines_hold_no_code(broker: Broker, box: Box, caplog: pytest.LogCaptureFixture) -> None:
    """Neither a code nor a body appears in what is logged on the way up."""
    with caplog.at_level(logging.DEBUG):
        with Center(broker.endpoint(), NAME) as center, box() as one:
            one.scan(5)
            one.wait_stored()
            center.send_bytes(b"8000000000000000000")
            until(lambda: one.uploader.state.refused_receipts == 1, "refused")
            one.cut()
            until(lambda: "uplink is down" in caplog.text, "down")

        assert "cn20" not in caplog.text
        assert "80000000" not in caplog.text
