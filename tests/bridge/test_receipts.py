"""Receipts and welcomes: holes, forks, marks, epochs."""

import shutil
from pathlib import Path

from fakes.box import BoxLog
from fakes.stepped_bridge import SteppedBridge
from yaoma_bridge.receipts import ASK_AGAIN_MS
from yaoma_link.batch import ReceiptMark
from yaoma_link.topics import BoxName, Channel


def test_a_hole_is_asked_for_once_it_is_old_and_not_while_a_batch_may_be_in_flight(
    bridge: SteppedBridge, log: BoxLog
) -> None:
    """A young hole is left alone, an old one is told by itself, and again only after a while."""
    log.scan(30)
    (first,) = bridge.take(log.payload(10, 20), log.payload(25, 30), name=log.name)
    assert (first.stored_upto, first.missing) == (0, ())
    assert bridge.intake.due() == []
    bridge.now_ms += 2000
    (asked,) = bridge.opened(bridge.intake.due())
    assert asked.missing == ((0, 10), (20, 25))
    bridge.now_ms += 2000
    assert bridge.intake.due() == []
    bridge.now_ms += ASK_AGAIN_MS
    assert bridge.opened(bridge.intake.due())[0].missing == ((0, 10), (20, 25))
    (after,) = bridge.take(log.payload(0, 10), log.payload(20, 25), name=log.name)[:1]
    assert (after.stored_upto, after.missing) == (30, ())
    bridge.now_ms += 10 * ASK_AGAIN_MS
    assert bridge.intake.due() == []


def test_a_box_that_is_gone_is_not_asked(bridge: SteppedBridge, log: BoxLog) -> None:
    """After a last will no receipts pile up for holes; the birth brings the question at once."""
    log.scan(10)
    bridge.take(log.payload(5, 10), name=log.name)
    for gone in (b'{"state":"offline"}', b'{"state":"stopped"}', b""):
        bridge.take(log.payload(9, 10), name=log.name)
        bridge.take(gone, name=log.name, channel=Channel.STATUS)
        bridge.now_ms += ASK_AGAIN_MS
        assert bridge.intake.due() == []
    assert bridge.alarms() == set()
    assert bridge.birth(log)[-1].missing == ((0, 5),)


def test_receipts_are_numbered_without_gaps_and_resent_after_the_boxs_mark(bridge: SteppedBridge, log: BoxLog) -> None:
    """A birth brings every receipt that its box has not applied, and a fresh one; applied ones are forgotten."""
    log.scan(40)
    made = [bridge.take(payload, name=log.name)[0] for payload in log.payloads(10)]
    assert [receipt.rseq for receipt in made] == [1, 2, 3, 4]
    again = bridge.birth(log, mark=ReceiptMark(made[0].epoch, 2))
    assert [receipt.rseq for receipt in again] == [3, 4, 5]
    assert again[:2] == made[2:]
    assert [row[0] for row in bridge.rows("SELECT rseq FROM receipt")] == [3, 4, 5]


def test_receipts_that_got_lost_go_out_again_when_batches_show_that_they_did(
    bridge: SteppedBridge, log: BoxLog
) -> None:
    """A box that goes on sending with an old mark is sent what it lacks, once in a while."""
    log.scan(30)
    first = bridge.take(log.payload(0, 10), name=log.name)[0]
    bridge.now_ms += ASK_AGAIN_MS
    mark = ReceiptMark(first.epoch, 0)
    assert [one.rseq for one in bridge.take(log.payload(10, 20, mark=mark), name=log.name)] == [2, 1, 2]
    assert [one.rseq for one in bridge.take(log.payload(20, 30, mark=mark), name=log.name)] == [3]


def test_a_birth_that_every_worker_hears_is_answered_once(bridge: SteppedBridge, log: BoxLog) -> None:
    """The same birth within seconds is the same birth; later it is a new connection."""
    log.scan(5)
    assert len(bridge.birth(log)) == 1
    assert bridge.take(log.birth(), name=log.name, channel=Channel.STATUS) == []
    assert len(bridge.birth(log)) == 2


def test_a_worker_that_lags_takes_no_old_birth_for_a_fork(bridge: SteppedBridge, log: BoxLog) -> None:
    """A birth that was judged when it was new says nothing more after the log has grown and another birth came."""
    log.scan(5)
    first = log.twin()
    bridge.birth(first)
    log.scan(5)
    bridge.take(log.payload(), name=log.name)
    bridge.birth(log)
    bridge.birth(first)
    assert bridge.alarms() == set()


def test_a_card_put_back_from_an_old_copy_is_alarmed_as_fork(bridge: SteppedBridge, log: BoxLog) -> None:
    """A birth with fewer records than are stored is a fork, and the welcome shows the box the longer log."""
    log.scan(50)
    old = log.twin()
    log.scan(50)
    bridge.take(log.payload(), name=log.name)
    assert "fork" not in bridge.alarms()
    receipt = bridge.birth(old)[-1]
    assert (receipt.stored_upto, receipt.root) == (100, log.frontier.root())
    assert "fork" in bridge.alarms()


def test_a_cloned_card_of_equal_length_is_alarmed_by_its_root(bridge: SteppedBridge, log: BoxLog) -> None:
    """The same size with another root is a fork."""
    log.scan(50)
    clone = log.twin()
    log.scan(10)
    clone.scan(10, salt="x")
    bridge.take(log.payload(), name=log.name)
    bridge.birth(log)
    assert bridge.alarms() == set()
    bridge.birth(clone)
    assert bridge.alarms() == {"fork"}


def test_a_retained_birth_from_before_is_no_fork_though_the_log_has_grown(bridge: SteppedBridge, log: BoxLog) -> None:
    """A worker that starts later hears an old birth again: that says nothing about today."""
    log.scan(10)
    birth = log.twin()
    bridge.birth(birth)
    log.scan(10)
    bridge.take(log.payload(), name=log.name)
    assert bridge.birth(birth, retain=True) == []
    assert bridge.alarms() == set()


def test_a_log_that_nobody_announced_is_noted(bridge: SteppedBridge, log: BoxLog) -> None:
    """A known box with an unknown log that names no log before it is worth an alarm; one that names it is not."""
    log.scan(5)
    bridge.birth(log)
    bridge.birth(BoxLog(log.name, "log2"), previous="log1")
    assert bridge.alarms() == set()
    bridge.birth(BoxLog(log.name, "log3"))
    assert bridge.alarms() == {"new_log"}


def test_a_status_that_can_not_be_read_is_alarmed(bridge: SteppedBridge, log: BoxLog) -> None:
    """Births with a wrong form change nothing."""
    bad = [
        b"{}",
        b"[]",
        b"\xff",
        b"[" * 9000,
        b" " * 70_000,
        log.birth(size=-1),
        log.birth(root="x"),
        log.birth(log="/"),
    ]
    for payload in bad:
        assert bridge.take(payload, name=log.name, channel=Channel.STATUS) == []
    assert bridge.rows("SELECT kind, times FROM alarm") == [("status_refused", len(bad))]


def test_a_store_restored_from_yesterday_begins_an_epoch_and_nothing_is_exported_twice(
    bridge: SteppedBridge, log: BoxLog, tmp_path: Path
) -> None:
    """After a restore `stored_upto` is lower in a higher epoch, the box sends again, the file has each event once."""
    other = BoxLog(BoxName("H1", "counter-2"), "log9")
    log.scan(30)
    old = bridge.take(log.payload(), name=log.name)[0]
    bridge.take(other.birth(), name=other.name, channel=Channel.STATUS)
    bridge.follow()
    bridge.close()
    shutil.copy(bridge.file, tmp_path / "backup.db")

    today = SteppedBridge(tmp_path)
    log.scan(30)
    newest = today.take(log.payload(30), name=log.name)[-1]
    newest = (today.follow() or [newest])[-1]
    today.close()
    assert len(today.ids()) == 60
    shutil.copy(tmp_path / "backup.db", today.file)

    restored = SteppedBridge(tmp_path)
    restored.now_ms += 86_400_000
    log.scan(5)
    mark = ReceiptMark(newest.epoch, newest.rseq)
    told = restored.take(log.payload(60, mark=mark), name=log.name)
    assert "restored" in restored.alarms()
    assert told[0].epoch > old.epoch
    assert (told[0].rseq, told[0].stored_upto) == (1, 30)
    restored.now_ms += 2000
    due = restored.opened(restored.intake.due())
    assert {receipt.box for receipt in due} == {"counter-1", "counter-2"}
    assert next(one.missing for one in due if one.box == "counter-1") == ((30, 60),)
    restored.take(log.payload(30, 60, mark=ReceiptMark(told[0].epoch, 1)), name=log.name)
    restored.follow()
    ids = restored.ids()
    assert sorted(ids) == sorted(f"H1/counter-1/log1/{seq}" for seq in range(65))
    assert restored.rows("SELECT COUNT(*) FROM epoch") == [(2,)]
    restored.close()


def test_a_mark_from_the_far_future_is_not_believed(bridge: SteppedBridge, log: BoxLog) -> None:
    """A box with a broken memory can't burn the number space, nor begin an epoch each second."""
    log.scan(3)
    far = ReceiptMark(2**53 - 1, 5)
    receipt = bridge.take(log.payload(mark=far), name=log.name)[0]
    assert bridge.alarms() == {"mark_impossible"}
    for _ in range(5):
        bridge.now_ms += 1000
        bridge.take(
            log.payload(mark=ReceiptMark(bridge.rows("SELECT MAX(epoch) FROM epoch")[0][0], 999)), name=log.name
        )
    assert bridge.rows("SELECT COUNT(*) FROM epoch") == [(2,)]
    assert bridge.take(log.payload(), name=log.name)[0].epoch > receipt.epoch
