"""Tasks of the outbox: shown with code and what to do, settled by a record, gone from the list."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fakes.counter import CounterBench
from fakes.moments import pack
from yaoma.cli.duty import task_lines
from yaoma.core.command import Settle
from yaoma.core.deed import task_id
from yaoma.core.ticket import Action
from yaoma.service.task_list import TaskList
from yaoma.shell.database import open_sqlite
from yaoma.shell.outbox import Outbox
from yaoma_link.batch import ReceiptMark
from yaoma_link.receipt import Outcome, OutcomeState

NewBench = Callable[..., CounterBench]
PACK = pack().key


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    """Give an outbox in a real file."""
    connection: sqlite3.Connection = open_sqlite(tmp_path / "site.db")
    yield Outbox(connection, threading.Lock(), tmp_path / "site.db")
    connection.close()


def _refused(outbox: Outbox, log: str, seq: int, reason: str = "sold_elsewhere") -> None:
    outcome = Outcome((seq, seq + 1), "alihealth", OutcomeState.REFUSED, reason)
    number = outbox.mark().upto + 1
    outbox.apply(log, mark=ReceiptMark(1, number), stored=None, outcomes=[outcome], made_ms=5)


def _sold(bench: CounterBench) -> tuple[str, int]:
    """Sell a pack; give log and place of its scan."""
    bench.ticket(Action.OPEN)
    bench.said(PACK)
    journal = bench.recorder.journal
    assert journal is not None
    seen = bench.ledger.seen(PACK)
    assert seen is not None
    bench.ticket(Action.CLOSE)
    return seen.log, seen.seq


def test_task_when_refused_then_told_with_code_and_what_to_do(new_bench: NewBench, outbox: Outbox) -> None:
    """The operator reads which pack it is about and what to do, in both languages."""
    bench = new_bench()
    log, seq = _sold(bench)
    _refused(outbox, log, seq)
    (task,) = TaskList(outbox, lambda: bench.recorder.journal).listed()
    assert task["records"][0]["code"] == PACK
    assert task["records"][0]["operation"] == "dispense"
    lines = "\n".join(task_lines(task))
    for part in (PACK, "alihealth", "卖过", "联系供应商", "sold before", "Put the pack aside"):
        assert part in lines


def test_task_when_its_reason_is_new_then_told_all_the_same(new_bench: NewBench, outbox: Outbox) -> None:
    """A reason without a sentence is named, and the centre is asked."""
    bench = new_bench()
    log, seq = _sold(bench)
    _refused(outbox, log, seq, "brand_new")
    (task,) = TaskList(outbox, lambda: bench.recorder.journal).listed()
    assert "brand_new" in "\n".join(task_lines(task))


def test_task_when_settled_then_recorded_and_gone(new_bench: NewBench, outbox: Outbox) -> None:
    """A named operator settles it; the record names destination and record for ever."""
    bench = new_bench()
    log, seq = _sold(bench)
    _refused(outbox, log, seq)
    tasks = TaskList(outbox, lambda: bench.recorder.journal)
    (wanted,) = tasks.ids()
    assert wanted == task_id("alihealth", log, seq)
    answer = bench.ask(Settle((wanted,), "已联系供应商", "LI"))
    assert answer.record is not None
    assert answer.record.fields["duties"] == [wanted]
    assert answer.record.fields["operator"] == "LI"
    tasks.finish([wanted], 9)
    assert tasks.listed() == []


def test_task_when_its_log_is_closed_then_told_by_its_place(outbox: Outbox) -> None:
    """What a closed log holds is not looked up, and the task is shown all the same."""
    _refused(outbox, "old-log", 7)
    (task,) = TaskList(outbox, lambda: None).listed()
    assert task["records"] == []
    assert "old-log/7" in task_lines(task)[0]
