"""Epochs: a bridge or a box that lost its memory; everything is told again, to those who are away as well."""

import itertools
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlite_utils import Database

from fakes import stepped_bridge
from fakes.box import BoxLog
from fakes.stepped_bridge import SteppedBridge, register
from yaoma_bridge.outcomes import lay_over, outcomes_of
from yaoma_bridge.receipts import ASK_AGAIN_MS, Outgoing
from yaoma_bridge.schema import APPLICATION_ID, MIGRATIONS
from yaoma_link.batch import ReceiptMark
from yaoma_link.receipt import Outcome, OutcomeState, Receipt
from yaoma_link.topics import BoxName, Channel

if TYPE_CHECKING:
    from yaoma_bridge.tx import Tx

_OTHER = BoxName("H1", "other")


def _epoch(bridge: SteppedBridge) -> int:
    return int(bridge.rows("SELECT MAX(epoch) FROM epoch")[0][0])


def _applied(mark: ReceiptMark, receipts: list[Receipt]) -> ReceiptMark:
    """Follow receipts as a box does: the next one only, or the first of a higher epoch."""
    for receipt in receipts:
        if (receipt.epoch == mark.epoch and receipt.rseq == mark.upto + 1) or (
            receipt.epoch > mark.epoch and receipt.rseq == 1
        ):
            mark = ReceiptMark(receipt.epoch, receipt.rseq)
    return mark


def _healthy(bridge: SteppedBridge, log: BoxLog, mark: ReceiptMark | None = None) -> ReceiptMark:
    """Let a box deliver and follow everything that it is told."""
    mark = mark or ReceiptMark()
    for _ in range(6):
        log.scan(3)
        mark = _applied(mark, bridge.take(log.payload(log.size - 3, mark=mark), name=log.name))
        mark = _applied(mark, bridge.follow())
    bridge.take(log.payload(log.size - 1, mark=mark), name=log.name)
    return mark


@pytest.mark.parametrize("lost_upto", [None, 2])
def test_a_box_that_lost_its_memory_is_told_everything_in_an_epoch_of_its_own(
    bridge: SteppedBridge, log: BoxLog, lost_upto: int | None
) -> None:
    """A new birth with a mark below the oldest receipt kept begins an epoch; outcomes of all logs are told as runs."""
    old = BoxLog(log.name, "log0")
    old.scan(4)
    start = _applied(ReceiptMark(), bridge.take(old.payload(), name=log.name) + bridge.follow())
    before = _healthy(bridge, log, start)
    bystander = BoxLog(_OTHER, "logo")
    told_other = bridge.birth(bystander)[-1].epoch
    mark = ReceiptMark() if lost_upto is None else ReceiptMark(before.epoch, lost_upto)
    receipts = bridge.birth(log, mark=mark)
    assert receipts[0].rseq == 1
    assert {one.epoch for one in receipts} == {receipts[0].epoch}
    assert receipts[0].epoch > before.epoch
    told = {one.log: one for one in receipts}
    assert told["log0"].outcomes == (Outcome((0, 4), "file", OutcomeState.ACCEPTED),)
    assert told["log1"].outcomes == (Outcome((0, 18), "file", OutcomeState.ACCEPTED),)
    assert told["log1"].stored_upto == 18
    assert bridge.alarms() == {"memory_lost"}
    mark = _applied(mark, receipts)
    assert mark.upto == receipts[-1].rseq
    log.scan()
    assert bridge.take(log.payload(18, mark=mark), name=log.name)[0].rseq == mark.upto + 1
    assert bridge.birth(bystander)[-1].epoch == told_other


def test_a_late_batch_with_an_old_mark_begins_no_epoch_and_one_that_stays_low_does(
    bridge: SteppedBridge, log: BoxLog
) -> None:
    """Workers may store batches in another order than they were sent; only a mark that stays low is a loss."""
    mark = _healthy(bridge, log)
    late = log.payload(0, 3, mark=ReceiptMark(mark.epoch, 1))
    now = log.payload(3, 6, mark=mark)
    for payload in (late, now, late):
        bridge.take(payload, name=log.name)
        bridge.now_ms += ASK_AGAIN_MS
    assert bridge.alarms() == set()
    (receipt,) = bridge.take(late, name=log.name)
    assert bridge.alarms() == {"memory_lost"}
    assert (receipt.rseq, receipt.outcomes[0].span) == (1, (0, 18))


def test_a_retained_or_repeated_birth_with_an_old_mark_begins_no_epoch(bridge: SteppedBridge, log: BoxLog) -> None:
    """A worker that starts hears what the box said long ago: its mark says nothing about today."""
    log.scan()
    first = bridge.birth(log)[-1]
    mark = ReceiptMark(first.epoch, 1)
    birth = log.birth(mark=mark)
    bridge.take(birth, name=log.name, channel=Channel.STATUS)
    mark = _healthy(bridge, log)
    for _ in range(3):
        bridge.now_ms += 100_000
        bridge.take(birth, name=log.name, channel=Channel.STATUS, retain=True)
    bridge.take(log.birth(mark=ReceiptMark()), name=log.name, channel=Channel.STATUS, retain=True)
    assert bridge.alarms() == set()


def test_a_clone_with_an_older_mark_begins_at_most_one_epoch_a_minute(bridge: SteppedBridge, log: BoxLog) -> None:
    """Two cards with one identity that take turns can't burn the numbers."""
    _healthy(bridge, log)
    for number in range(5):
        bridge.take(log.birth(n=number), name=log.name, channel=Channel.STATUS)
        mark = ReceiptMark(int(bridge.rows("SELECT MAX(epoch) FROM box")[0][0]), 1)
        bridge.take(log.payload(mark=mark), name=log.name)
        bridge.now_ms += 10_000
    assert bridge.rows("SELECT times FROM alarm WHERE kind='memory_lost'") == [(1,)]


def test_after_a_restore_a_box_that_is_away_is_told_of_all_its_logs_when_it_is_back(
    bridge: SteppedBridge, log: BoxLog
) -> None:
    """What is due to it stays due; its birth brings every log that the store knows, with outcomes."""
    register(bridge.registry.folder, _OTHER)
    other = BoxLog(_OTHER, "logo")
    other.scan()
    log.scan(5)
    bridge.take(log.payload(), name=log.name)
    bridge.take(other.payload(), name=_OTHER)
    bridge.follow()
    bridge.take(b'{"state":"offline"}', name=log.name, channel=Channel.STATUS)
    epoch = _epoch(bridge)
    bridge.now_ms += 100_000
    other.scan()
    bridge.take(other.payload(1, mark=ReceiptMark(epoch, 99)), name=_OTHER)
    bridge.now_ms += 1000
    other.scan(2)
    bridge.take(other.payload(3), name=_OTHER)
    bridge.now_ms += 2000
    assert {one.box for one in bridge.opened(bridge.intake.due())} == {"other"}
    current = BoxLog(log.name, "logc")
    receipts = bridge.birth(current, mark=ReceiptMark(epoch, 500), previous="logb")
    assert [one.log for one in receipts] == ["log1", "logc"]
    assert receipts[0].outcomes == (Outcome((0, 5), "file", OutcomeState.ACCEPTED),)
    again = bridge.birth(current, mark=ReceiptMark(epoch, 500), previous="logb", n=1)
    assert [one.log for one in again][:2] == ["log1", "logc"]
    assert [one.rseq for one in again] == [1, 2, 3]


def test_a_box_that_comes_back_with_a_batch_is_told_what_stayed_due(bridge: SteppedBridge, log: BoxLog) -> None:
    """Whatever shows that a box is there again brings it what became due meanwhile."""
    log.scan(10)
    bridge.take(log.payload(5, 7), name=log.name)
    bridge.take(b'{"state":"offline"}', name=log.name, channel=Channel.STATUS)
    bridge.now_ms += ASK_AGAIN_MS
    assert bridge.intake.due() == []
    bridge.take(BoxLog(log.name, "log2").birth(), name=log.name, channel=Channel.STATUS)
    assert [one.missing for one in bridge.opened(bridge.intake.due())] == [((0, 5),)]


def test_an_ended_log_of_which_only_the_last_record_came_is_asked_for(bridge: SteppedBridge, log: BoxLog) -> None:
    """A log that began and ended after the backup is made whole from its last record on."""
    log.scan(40)
    (first,) = bridge.take(log.payload(39), name=log.name)
    assert (first.stored_upto, first.missing) == (0, ())
    bridge.now_ms += 2000
    (asked,) = bridge.opened(bridge.intake.due())
    assert asked.missing == ((0, 39),)
    assert bridge.take(*log.payloads(10), name=log.name)[0].stored_upto == 40
    bridge.follow()
    assert len(bridge.ids()) == 40


def test_a_restored_store_that_made_as_many_receipts_as_it_lost_is_shown_by_a_birth(
    bridge: SteppedBridge, log: BoxLog, tmp_path: Path
) -> None:
    """A box that says that more was confirmed than is stored shows the restore, whatever the marks say."""
    log.scan(4)
    last = bridge.take(log.payload(), name=log.name)[-1]
    bridge.close()
    shutil.copy(bridge.file, tmp_path / "backup.db")
    today = SteppedBridge(tmp_path)
    log.scan(3)
    last = today.take(log.payload(4, mark=ReceiptMark(last.epoch, last.rseq)), name=log.name)[-1]
    today.close()
    shutil.copy(tmp_path / "backup.db", today.file)
    restored = SteppedBridge(tmp_path)
    mark = ReceiptMark(last.epoch, last.rseq)
    assert [one.rseq for one in restored.follow()] == [mark.upto]
    assert restored.birth(log, mark=mark, stored_upto=4)[-1].epoch == last.epoch
    assert restored.alarms() == set()
    receipts = restored.birth(log, mark=mark, stored_upto=7)
    assert restored.alarms() == {"restored"}
    assert receipts[0].epoch > last.epoch
    assert (receipts[0].rseq, receipts[0].stored_upto) == (1, 4)
    assert receipts[0].outcomes == (Outcome((0, 4), "file", OutcomeState.ACCEPTED),)
    for number in range(3):  # the same store hears old births again, and the box sends what is lacking
        restored.now_ms += 100_000
        restored.birth(log, mark=mark, stored_upto=7, n=number)
        restored.birth(log, mark=mark, stored_upto=7, retain=True)
    assert restored.rows("SELECT COUNT(*) FROM epoch") == [(2,)]
    restored.close()


@pytest.mark.parametrize("wrong", [-1, "7", True, None])
def test_a_birth_with_a_wrong_number_of_confirmed_records_is_refused(
    bridge: SteppedBridge, log: BoxLog, wrong: object
) -> None:
    """It is a whole number or absent."""
    assert bridge.take(log.birth(stored_upto=wrong), name=log.name, channel=Channel.STATUS) == []  # type: ignore[arg-type]  # wrong on purpose
    assert bridge.alarms() == {"status_refused"}


def test_many_outcomes_are_told_in_receipts_that_any_broker_takes(
    bridge: SteppedBridge, log: BoxLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Outcomes that differ record by record are divided over receipts of at most 64 kB, and none is left out."""
    monkeypatch.setattr("yaoma_bridge.deliver._AT_ONCE", 3000)
    for number in range(3000):
        if number % 2:
            log.odd(kind="药" * 10)
        else:
            log.scan()
    bridge.take(log.payload(), name=log.name)
    mark = ReceiptMark()
    made: list[Outgoing] = []
    numbered = bridge.opened

    def kept(outgoing: list[Outgoing]) -> list[Receipt]:
        made.extend(outgoing)
        return numbered(outgoing)

    monkeypatch.setattr(bridge, "opened", kept)
    receipts = bridge.follow()
    assert max(len(one.payload) for one in made) <= 64_000
    assert len(receipts) > 1
    assert [one.rseq for one in receipts] == list(range(2, 2 + len(receipts)))
    assert [outcome.span[0] for one in receipts for outcome in one.outcomes] == list(range(3000))
    mark = _applied(ReceiptMark(receipts[0].epoch, 1), receipts)
    made.clear()
    bridge.take(log.payload(0, 1, mark=mark), name=log.name)
    told = bridge.birth(log)
    assert [outcome.span[0] for one in told for outcome in one.outcomes] == list(range(3000))
    assert max(len(one.payload) for one in made) <= 64_000


@given(
    st.lists(
        st.tuples(
            st.integers(0, 30),
            st.integers(1, 10),
            st.sampled_from(["file", "nhsa"]),
            st.sampled_from(list(OutcomeState)),
            st.sampled_from(["", "why"]),
        ),
        max_size=12,
    )
)
def test_outcomes_laid_over_each_other_are_those_of_a_plain_table(
    laid: list[tuple[int, int, str, OutcomeState, str]],
) -> None:
    """The newest answer holds at each place, and equal neighbours are one run."""
    database = Database(memory=True)
    MIGRATIONS.apply(database)
    tx = cast("Tx", database.conn)
    tx.execute("PRAGMA foreign_keys=OFF")
    table: dict[tuple[str, int], tuple[OutcomeState, str]] = {}
    for first, length, destination, state, reason in laid:
        lay_over(tx, 1, Outcome((first, first + length), destination, state, reason))
        table.update({(destination, seq): (state, reason) for seq in range(first, first + length)})
    told = outcomes_of(tx, 1)
    spread = {(one.destination, seq): (one.state, one.reason) for one in told for seq in range(*one.span)}
    assert spread == table
    assert sum(one.span[1] - one.span[0] for one in told) == len(table)
    for left, right in itertools.pairwise(told):
        if left.destination == right.destination and left.span[1] == right.span[0]:
            assert (left.state, left.reason) != (right.state, right.reason)
    database.close()


def test_a_store_of_the_first_version_knows_its_outcomes_as_runs(tmp_path: Path) -> None:
    """Opening an older store makes the outcomes of what was delivered, and of what is held, from its feed."""
    if stepped_bridge.POSTGRES is not None:
        pytest.skip("of the store's file; no server has a store of that version")
    register(tmp_path / "boxes", BoxName("H1", "counter-1"))
    database = Database(tmp_path / "bridge.db")
    database.execute(f"PRAGMA application_id={APPLICATION_ID}")
    MIGRATIONS.apply(database, stop_before="m002_clock_moves")
    database.execute("PRAGMA user_version=1")
    empty = bytes(BoxLog(BoxName("H1", "counter-1"), "log1").frontier.to_bytes())
    database["log"].insert(  # type: ignore[union-attr]  # a table, no view
        {"id": 1, "site": "H1", "box": "counter-1", "log": "log1", "first_ms": 1, "last_ms": 7}
        | {"frontier": empty, "verified_frontier": empty}
    )
    held = ["", "", "clock_untrusted", "", ""]
    rows = [{"n": n, "log_id": 1, "seq": seq, "held": why} for n, (seq, why) in enumerate(enumerate(held), 1)]
    database["event"].insert_all([*rows, {"n": 6, "log_id": 1, "seq": 2, "held": ""}])  # type: ignore[union-attr]  # as above
    database["destination"].insert_all([{"name": "file", "upto": 6}, {"name": "slow", "upto": 4}])  # type: ignore[union-attr]  # as above
    database.close()
    bridge = SteppedBridge(tmp_path)
    with bridge.store.reading() as tx:
        told = outcomes_of(tx, 1)
    assert told == [
        Outcome((0, 5), "file", OutcomeState.ACCEPTED),
        Outcome((0, 2), "slow", OutcomeState.ACCEPTED),
        Outcome((2, 3), "slow", OutcomeState.HELD, "clock_untrusted"),
        Outcome((3, 4), "slow", OutcomeState.ACCEPTED),
    ]
    assert bridge.rows("SELECT grown_ms FROM log") == [(7,)]
    bridge.close()
