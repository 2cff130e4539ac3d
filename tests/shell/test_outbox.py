"""Outbox: what the bridge said is kept whole or not at all, in a real SQLite file."""

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yaoma.core.merkle import Frontier, leaf_hash
from yaoma.shell.database import DatabaseUnavailableError, open_sqlite, pragma
from yaoma.shell.outbox import Outbox, Stored, Task
from yaoma_link.batch import ReceiptMark
from yaoma_link.receipt import Outcome, OutcomeState

ACCEPTED, REFUSED, WAITING = OutcomeState.ACCEPTED, OutcomeState.REFUSED, OutcomeState.WAITING


@pytest.fixture
def site_db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Open a real file as the daemon does."""
    connection = open_sqlite(tmp_path / "site.db")
    pragma(connection, "journal_mode", "WAL")
    yield connection
    connection.close()


def outbox(connection: sqlite3.Connection) -> Outbox:
    """Give an outbox in this file."""
    return Outbox(connection, threading.Lock(), Path("site.db"))


def frontier(size: int) -> Frontier:
    """Give a frontier of so many leaves."""
    return Frontier().extended(leaf_hash(b"%d" % number) for number in range(size))


def applied(one: Outbox, number: int, *outcomes: Outcome, stored: Stored | None = None, log: str = "log-a") -> None:
    """Apply the receipt of this number."""
    one.apply(log, mark=ReceiptMark(1, number), stored=stored, outcomes=outcomes, made_ms=1000 + number)


def test_fresh_file_has_nothing_stored(site_db: sqlite3.Connection) -> None:
    """Without history everything is sent again."""
    one = outbox(site_db)

    assert Stored() == one.load("log-a")
    assert ReceiptMark() == one.mark()
    assert () == one.tasks()
    assert () == one.logs()


def test_receipt_when_applied_then_survives_reopening(site_db: sqlite3.Connection) -> None:
    """Stored size, frontier, outcomes, task and mark are there after the file was opened anew."""
    stored = Stored(7, 1, frontier(7))
    applied(outbox(site_db), 1, Outcome((2, 4), "alihealth", REFUSED, "not_active"), stored=stored)

    again = outbox(site_db)

    assert stored == again.load("log-a")
    assert ("log-a",) == again.logs()
    assert ReceiptMark(1, 1) == again.mark()
    assert (Outcome((2, 4), "alihealth", REFUSED, "not_active"),) == again.outcomes("log-a", 3)
    assert () == again.outcomes("log-a", 4)
    assert (Task(1, "refused", "log-a", (2, 4), "alihealth", "not_active", 1001),) == again.tasks()


def test_what_is_kept_ahead_of_the_mark_moves_neither_mark_nor_outcomes(site_db: sqlite3.Connection) -> None:
    """What a receipt proves is there after the file was opened anew, and the same again is not written again."""
    one = outbox(site_db)
    one.keep("log-a", Stored(5, 1, frontier(5)))
    written = site_db.total_changes
    one.keep("log-a", Stored(5, 1, frontier(5)))
    assert written == site_db.total_changes
    one.keep("log-a", Stored(3, 2, frontier(3)))

    again = outbox(site_db)
    assert Stored(3, 2, frontier(3)) == again.load("log-a")
    assert (ReceiptMark(), ()) == (again.mark(), again.outcomes("log-a", 0))


def test_higher_epoch_begins_a_new_count(site_db: sqlite3.Connection) -> None:
    """The mark is that of the highest epoch, even where its number is lower."""
    one = outbox(site_db)
    applied(one, 100)
    one.apply("log-a", mark=ReceiptMark(2, 1), stored=None, outcomes=(), made_ms=5)

    assert ReceiptMark(2, 1) == one.mark()


def test_frontier_that_does_not_fit_its_size_counts_as_lost(site_db: sqlite3.Connection) -> None:
    """What can't be proved is sent again."""
    one = outbox(site_db)
    applied(one, 1, stored=Stored(7, 1, frontier(7)))
    site_db.execute("UPDATE stored SET upto = 6")
    assert Stored() == one.load("log-a")
    site_db.execute("UPDATE stored SET frontier = x'00'")
    assert Stored() == one.load("log-a")


class _FailsAt:
    """A connection whose disk refuses one statement."""

    def __init__(self, connection: sqlite3.Connection, statement: str) -> None:
        self.connection = connection
        self.statement = statement
        self.is_armed = False

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Iterable[Any]:
        if self.is_armed and sql.strip().startswith(self.statement):
            raise sqlite3.OperationalError("database or disk is full")
        return self.connection.execute(sql, parameters)

    def close(self) -> None:
        self.connection.close()


@pytest.mark.parametrize(
    "statement",
    ["BEGIN", "INSERT INTO stored", "INSERT INTO outcome", "INSERT INTO task", "UPDATE task",
     "INSERT OR REPLACE INTO receipts", "COMMIT"],
)  # fmt: skip
def test_disk_that_refuses_any_step_leaves_nothing_applied(site_db: sqlite3.Connection, statement: str) -> None:
    """A receipt is applied whole or not at all, and can be applied again afterwards."""
    faulty = _FailsAt(site_db, statement)
    one = Outbox(faulty, threading.Lock(), Path("site.db"))
    applied(one, 1, Outcome((0, 4), "nhsa", REFUSED, "wrong"))
    before = (one.load("log-a"), one.mark(), one.tasks(), one.outcomes("log-a", 0))
    refused = Outcome((0, 2), "nhsa", REFUSED, "expired")
    faulty.is_armed = True
    with pytest.raises(DatabaseUnavailableError):
        applied(one, 2, refused, stored=Stored(2, 1, frontier(2)))
    faulty.is_armed = False

    assert before == (one.load("log-a"), one.mark(), one.tasks(), one.outcomes("log-a", 0))
    applied(one, 2, refused, stored=Stored(2, 1, frontier(2)))
    assert [((2, 4), "wrong"), ((0, 2), "expired")] == [(task.span, task.reason) for task in one.tasks()]


def test_equal_outcomes_side_by_side_are_one_row(site_db: sqlite3.Connection) -> None:
    """A month of accepted records is one run, not one row each."""
    one = outbox(site_db)
    for number in range(50):
        applied(one, number + 1, Outcome((number, number + 1), "file", ACCEPTED))

    assert [(0, 50)] == site_db.execute("SELECT first, last FROM outcome").fetchall()


def test_refusal_that_is_taken_back_closes_its_task(site_db: sqlite3.Connection) -> None:
    """A task stays open while one of its records is refused, and closes when none is."""
    one = outbox(site_db)
    applied(one, 1, Outcome((0, 4), "nhsa", REFUSED, "wrong"))
    applied(one, 2, Outcome((0, 3), "nhsa", ACCEPTED))
    assert 1 == len(one.tasks())
    applied(one, 3, Outcome((3, 4), "nhsa", ACCEPTED))

    assert () == one.tasks()


def test_refusal_that_is_said_again_makes_no_second_task(site_db: sqlite3.Connection) -> None:
    """Only places that were not refused for this reason before become a task."""
    one = outbox(site_db)
    applied(one, 1, Outcome((0, 4), "nhsa", REFUSED, "wrong"))
    applied(one, 2, Outcome((2, 6), "nhsa", REFUSED, "wrong"))

    assert [(0, 4), (4, 6)] == [task.span for task in one.tasks()]


def test_refusal_for_another_reason_replaces_the_task(site_db: sqlite3.Connection) -> None:
    """The operator sees the reason that holds now."""
    one = outbox(site_db)
    applied(one, 1, Outcome((0, 4), "nhsa", REFUSED, "wrong"))
    applied(one, 2, Outcome((0, 4), "nhsa", REFUSED, "expired"))

    assert ["expired"] == [task.reason for task in one.tasks()]


def test_history_that_a_new_epoch_tells_again_makes_no_second_task(site_db: sqlite3.Connection) -> None:
    """Whatever was known is replaced: each refused record has one open task, with the reason that holds now."""
    one = outbox(site_db)
    applied(one, 1, Outcome((0, 6), "nhsa", REFUSED, "wrong"))
    again = (
        Outcome((0, 6), "nhsa", WAITING),
        Outcome((0, 6), "nhsa", REFUSED, "wrong"),
        Outcome((2, 3), "nhsa", ACCEPTED),
        Outcome((4, 5), "nhsa", REFUSED, "expired"),
    )
    for number in (1, 2):
        one.apply("log-a", mark=ReceiptMark(2, number), stored=None, outcomes=again, made_ms=2000)

        open_tasks = sorted((task.span, task.reason) for task in one.tasks())
        assert [((0, 2), "wrong"), ((3, 4), "wrong"), ((4, 5), "expired"), ((5, 6), "wrong")] == open_tasks


def test_task_that_a_person_finished_is_gone(site_db: sqlite3.Connection) -> None:
    """A finished task is no longer open and keeps the time when it was finished first."""
    one = outbox(site_db)
    applied(one, 1, Outcome((0, 1), "nhsa", REFUSED, "wrong"))
    one.finish(one.tasks()[0].id, 50)
    one.finish(1, 60)

    assert () == one.tasks()
    assert [(50,)] == site_db.execute("SELECT done_ms FROM task").fetchall()


OUTCOMES = st.builds(
    lambda first, count, destination, state, reason: Outcome((first, first + count), destination, state, reason),
    st.integers(0, 15),
    st.integers(1, 8),
    st.sampled_from(["file", "nhsa"]),
    st.sampled_from([ACCEPTED, REFUSED, WAITING]),
    st.sampled_from(["", "wrong"]),
)


@given(st.lists(st.lists(OUTCOMES, max_size=4), max_size=10))
def test_outcomes_in_any_order_are_those_that_were_said_last(said: list[list[Outcome]]) -> None:
    """Each record shows its last outcome, in runs that neither overlap nor could be joined; refusals have one task."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    one = outbox(connection)
    expected: dict[tuple[str, int], tuple[OutcomeState, str]] = {}
    for number, outcomes in enumerate(said, 1):
        applied(one, number, *outcomes)
        for outcome in outcomes:
            expected |= {(outcome.destination, seq): (outcome.state, outcome.reason) for seq in range(*outcome.span)}

    found = {
        (outcome.destination, seq): (outcome.state, outcome.reason)
        for seq in range(25)
        for outcome in one.outcomes("log-a", seq)
    }
    assert expected == found
    rows = connection.execute("SELECT destination, first, last, state, reason FROM outcome ORDER BY 1, 2").fetchall()
    for row, after in pairwise(rows):
        assert row[0] != after[0] or row[2] < after[1] or (row[2] == after[1] and row[3:] != after[3:])
    tasks = [(task.destination, seq, task.reason) for task in one.tasks() for seq in range(*task.span)]
    assert sorted((*place, reason) for place, (state, reason) in expected.items() if state is REFUSED) == sorted(tasks)
    connection.close()
