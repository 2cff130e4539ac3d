"""Report source: the records of every log on the box, each once, at the time that counts, checked before it counts."""

import sqlite3
from pathlib import Path
from threading import Lock

import pytest

from fakes.report_journal import BEGIN_MS, LOG, Shelf, write_journal
from yaoma.core.merkle import Frontier, leaf_hash
from yaoma.core.record import Record
from yaoma.core.report_facts import STORED, Event
from yaoma.shell.database import DatabaseDamagedError, open_sqlite
from yaoma.shell.outbox import Outbox, Stored
from yaoma.shell.report_outcomes import open_tasks, read_outcomes
from yaoma.shell.report_source import ReportSource
from yaoma_link.batch import ReceiptMark
from yaoma_link.receipt import Outcome, OutcomeState

CODE, OTHER = "cn20:81000010000000010001", "cn20:81000020000000020002"
OLD = "zyxwvutsrqpnmkji"
ALWAYS = 2**52


def names(events: list[Event]) -> list[tuple[str, int]]:
    """Give log and place of each."""
    return [(event.log, event.seq) for event in events]


def test_between_when_asked_for_a_time_then_only_its_records(tmp_path: Path) -> None:
    """A half-open time gives the records whose time lies in it."""
    shelf = Shelf()
    for number in range(5):
        shelf.scan(f"cn20:8100001000000{number:03}0001", "t1")
    write_journal(tmp_path, shelf.bodies)

    events = list(ReportSource(tmp_path).between(BEGIN_MS + 2000, BEGIN_MS + 4000))

    assert [(LOG, 2), (LOG, 3)] == names(events)
    assert "cn20:81000010000000010001" == events[0].fields["code"]


def test_between_when_logs_were_closed_then_they_are_read_too(tmp_path: Path) -> None:
    """A closed log comes before the one whose opening names it."""
    old = Shelf(BEGIN_MS - 100_000, log=OLD)
    old.scan(CODE, "t1")
    write_journal(tmp_path, old.bodies, f"closed/{OLD}.db", OLD)
    new = Shelf()
    new.bodies.clear()
    previous = {"log": OLD, "size": 2, "checkpoint": None, "gap": []}
    new.record("open", site="S", box="b", version="1", reason="grown", tree="x", previous=previous)
    new.scan(OTHER, "t1")
    write_journal(tmp_path, new.bodies)

    source = ReportSource(tmp_path)

    assert (OLD, LOG) == source.logs
    assert [CODE, OTHER] == [event.fields["code"] for event in source.having('"kind":"scan"')]


def test_between_when_a_log_carries_copies_then_each_record_counts_once(tmp_path: Path) -> None:
    """A tail that was copied into the next log is counted where it first stood, and elsewhere only if that is gone."""
    old = Shelf(BEGIN_MS - 100_000, log=OLD)
    old.scan(CODE, "t1")
    write_journal(tmp_path, old.bodies, f"closed/{OLD}.db", OLD)
    lost = Shelf(BEGIN_MS - 50_000, log="lost567lost567lo")
    lost.scan(OTHER, "t2")
    new = Shelf()
    for body in (old.bodies[1], lost.bodies[1], lost.bodies[1]):
        entry = Record.copied(Record.read(body))
        new.record("copy", **entry.fields)
    write_journal(tmp_path, new.bodies)

    events = [event for event in ReportSource(tmp_path).between(0, ALWAYS) if event.kind == "scan"]

    assert [(OLD, 1), (LOG, 2)] == names(events)
    assert ("lost567lost567lo", 1) == events[1].origin
    assert BEGIN_MS - 49_000 == events[1].at_ms


def test_between_when_the_clock_was_set_right_later_then_times_are_restated(tmp_path: Path) -> None:
    """A scan of 1970 counts on the day on which it was made, once a clock record of that boot tells which."""
    shelf = Shelf(begin_ms=1000)
    shelf.scan(CODE, "t1", clock="untrusted")
    shelf.now_ms = BEGIN_MS
    shelf.record("clock", was="untrusted", now="synced", shift_ms=BEGIN_MS, mono_ms=5000)
    shelf.scan(OTHER, "t1", clock="untrusted", mono_ms=9000)
    write_journal(tmp_path, shelf.bodies)

    events = [event for event in ReportSource(tmp_path).between(0, ALWAYS) if event.kind == "scan"]

    assert [(BEGIN_MS + 2000, True), (BEGIN_MS + 1000, False)] == [(one.at_ms, one.is_timed) for one in events]


@pytest.mark.row("S0-08")
def test_report_when_a_record_was_altered_then_it_is_refused_and_not_counted(tmp_path: Path) -> None:
    """What a report counts was checked against its hash."""
    shelf = Shelf()
    shelf.scan(CODE, "t1")
    write_journal(tmp_path, shelf.bodies)
    connection = sqlite3.connect(tmp_path / "journal.db")
    connection.execute("DROP TRIGGER record_no_update")
    connection.execute("UPDATE record SET body = replace(body, 'PASS', 'STOP') WHERE seq = 1")
    connection.commit()
    connection.close()

    with pytest.raises(DatabaseDamagedError, match="record 1 is altered"):
        list(ReportSource(tmp_path).between(0, ALWAYS))


@pytest.mark.parametrize("number", [2, 500])
def test_about_when_many_packs_are_asked_for_then_as_with_few(tmp_path: Path, number: int) -> None:
    """Packs are found by their codes, also inside what a container brought in, however many are asked for."""
    shelf = Shelf()
    codes = [f"cn20:8100001000000{place:03}0001" for place in range(500)]
    for code in codes[:3]:
        shelf.scan(code, "t1")
    shelf.scan("cn20:82000010000000010001", "t2", packs=codes[:2])
    shelf.scan(codes[0] + "9", "t2")
    write_journal(tmp_path, shelf.bodies)

    events = list(ReportSource(tmp_path).about(frozenset(codes[1 : number + 1])))

    assert [(LOG, 2), (LOG, 3), (LOG, 4)] == names(events)


@pytest.mark.row("S4-18")
def test_outcomes_when_receipts_came_then_each_record_keeps_the_first_time(tmp_path: Path) -> None:
    """Runs are joined in site.db, yet what was accepted yesterday is not said to be accepted today."""
    connection = open_sqlite(tmp_path / "site.db")
    outbox = Outbox(connection, Lock(), tmp_path / "site.db")
    for number, (upto, made_ms) in enumerate(((3, 1000), (5, 9000)), 1):
        frontier = Frontier().extended(leaf_hash(b"%d" % place) for place in range(upto))
        accepted = Outcome((upto - 2, upto), "nhsa", OutcomeState.ACCEPTED)
        outbox.apply(
            LOG,
            mark=ReceiptMark(1, number),
            stored=Stored(upto, 1, frontier),
            outcomes=[accepted, Outcome((0, 1), "nhsa", OutcomeState.REFUSED, "not_active")],
            made_ms=made_ms,
        )
    connection.close()

    outcomes = read_outcomes(tmp_path / "site.db")

    def said(seq: int) -> dict[str, tuple[str, int | None]]:
        event = Event(LOG, seq, "scan", 0, True, {}, (LOG, seq))
        return {name: (one.state, one.at_ms) for name, one in outcomes.arrivals(event).items()}

    assert {STORED: ("stored", 1000), "nhsa": ("refused", None)} == said(0)
    assert {STORED: ("stored", 1000), "nhsa": ("accepted", 1000)} == said(1)
    assert {STORED: ("stored", 9000), "nhsa": ("accepted", 9000)} == said(4)
    assert {} == said(5)
    assert [("refused", "nhsa", "not_active", 1, 1000)] == open_tasks(tmp_path / "site.db")


def test_outcomes_when_there_is_no_file_then_nothing_is_known(tmp_path: Path) -> None:
    """A box that never delivered has no answers; that is no failure."""
    event = Event(LOG, 0, "scan", 0, True, {}, (LOG, 0))

    assert {} == read_outcomes(tmp_path / "site.db").arrivals(event)


def test_newest_checkpoint_when_signed_then_the_note(tmp_path: Path) -> None:
    """The daily sheet prints the newest signed checkpoint of the open log."""
    shelf = Shelf()
    size = write_journal(tmp_path, shelf.bodies)

    assert ReportSource(tmp_path).newest_checkpoint().split("\n")[1] == str(size)
