"""The recorder on real files: what is shown is kept, what is not kept is not shown."""

import sqlite3
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fakes.counter import LISTED, RECALLED, CounterBench, FaultyConnection
from fakes.journals import folder
from fakes.tier import times
from yaoma.core.policy import Policy
from yaoma.core.reason import Degraded
from yaoma.core.record import ClockState, Kind, Record, Stamp
from yaoma.core.scan import Person
from yaoma.core.ticket import Action, TicketCommand
from yaoma.service.recorder import SiteLostError
from yaoma.service.work import CloseLog, Damage, Request
from yaoma.shell.database import open_sqlite
from yaoma.shell.disk import DiskGauge
from yaoma.shell.rebuild import rebuild


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[CounterBench]:
    """A running recorder with a list."""
    one = CounterBench(tmp_path / "state")
    yield one
    one.stop()


def kept(path: Path) -> list[Record]:
    """All records on the disk, read by another connection."""
    connection = sqlite3.connect(f"file:{path / 'journal.db'}?mode=ro", uri=True)
    rows = connection.execute("SELECT body FROM record ORDER BY seq").fetchall()
    connection.close()
    return [Record.read(body.encode()) for (body,) in rows]


def test_verdict_is_shown_only_after_its_record_is_on_the_disk(tmp_path: Path) -> None:
    """At the moment of showing, another process's view of the file already holds the record (promise 1)."""
    bench = CounterBench(tmp_path / "state")
    found: list[bool] = []
    show = bench.shown.show

    def looking(symbol: Any, verdict: Any, record: Record) -> None:
        found.append(record.body in [one.body for one in kept(bench.path)])
        show(symbol, verdict, record)

    bench.shown.show = looking  # type: ignore[method-assign]
    for number in range(20):
        bench.scan(f"83003850{number:012d}")
    bench.wait(20)
    bench.stop()

    assert [True] * 20 == found


def test_morning_at_the_counter_is_judged_as_it_should(bench: CounterBench) -> None:
    """Listed, twice, recalled, unlisted, unknown product, EAN-13, cut-off: each gets its class and reason."""
    bench.ticket(Action.OPEN)
    for data in (
        LISTED,
        LISTED,
        RECALLED,
        "83003859999999990000",
        "81012350000000157474",
        "6901234567892",
        "8300385000",
    ):
        bench.scan(data)
    bench.wait(7)

    assert [
        ("PASS", "in_list"),
        ("REPEAT", "on_ticket"),
        ("STOP", "denied_recall"),
        ("REVIEW", "not_in_list"),
        ("REVIEW", "product_unknown"),
        ("FAULT", "lookalike_ean13"),
        ("FAULT", "lookalike_cut_off"),
    ] == [(verdict.verdict.value, str(verdict.reason)) for _, verdict, _ in bench.shown.verdicts]
    assert 3 == bench.ticket(Action.CLOSE).record.fields["packs"]  # type: ignore[union-attr]
    seen = bench.ledger.seen(f"cn20:{LISTED}")
    assert seen is not None
    assert "dispense" == seen.effect


def test_repeat_within_the_hold_off_is_the_same_scan(tmp_path: Path) -> None:
    """The clock goes a second per look: within ten seconds it is a repeat, later it is a scan again."""
    bench = CounterBench(tmp_path / "state", policy=Policy(hold_off_ms=10_000))
    bench.scan(LISTED)
    bench.scan(LISTED)
    bench.wait(2)
    bench.clock.seconds += 60
    bench.scan(LISTED)
    bench.wait(3)
    bench.stop()

    assert ["in_list", "repeat_scan", "in_list"] == [str(one[1].reason) for one in bench.shown.verdicts]
    assert {"log": bench.shown.verdicts[0][2].log, "seq": 1} == bench.shown.verdicts[1][2].fields["of"]


def test_what_is_no_code_leaves_no_text_anywhere(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """An ID number, a payment code and an opaque QR are recorded as class and length only (promise 5)."""
    caplog.set_level("DEBUG")
    markers = ["360426199101010071", "134512345678901234", "ec-Zx81KpQ77opaque0000", "621700001234567890123"]
    bench = CounterBench(tmp_path / "state")
    bench.ticket(Action.OPEN)
    for marker in markers:
        bench.scan(marker)
    bench.wait(len(markers))
    bench.stop()
    written = b"".join(path.read_bytes() for path in bench.path.rglob("*") if path.is_file())
    said = caplog.text + repr(bench.shown) + repr(bench.parts)

    assert ["FAULT"] * len(markers) == [one[1].verdict.value for one in bench.shown.verdicts]
    for marker in markers:
        assert marker.encode() not in written
        assert marker not in said


def test_identity_that_a_ticket_wants_is_sealed_and_kept_beside_the_record(tmp_path: Path) -> None:
    """The record holds a hash and key ids; the blob lies in its own table, in the same commit."""
    bench = CounterBench(
        tmp_path / "state", seal=lambda one, _: Person({"hash": f"h{len(one.number)}", "keys": ["k1"]}, b"BLOB")
    )
    bench.ticket(Action.OPEN, wants_person=True)
    bench.scan("360426199101010071\r\n")
    bench.scan(LISTED)
    bench.wait(2)
    (_, verdict, record), _ = bench.shown.verdicts
    ticket = bench.ledger.open_ticket("counter")
    journal = bench.recorder.journal
    assert journal is not None
    assert {record.seq: b"BLOB"} == journal.sealed(0, 99)
    bench.stop()

    assert "person_sealed" == verdict.reason
    assert {"hash": "h18", "keys": ["k1"]} == record.fields["person"]
    assert ticket is not None
    assert (ticket.has_person, ticket.packs) == (True, 1)
    assert b"360426199101010071" not in b"".join(one.read_bytes() for one in bench.path.glob("*.db*"))


def test_identity_that_nobody_can_open_later_is_not_kept(bench: CounterBench) -> None:
    """Without keys to seal to, the card is refused with its own reason instead of being half kept."""
    bench.ticket(Action.OPEN, wants_person=True)
    bench.scan("360426199101010071")
    bench.wait(1)

    assert "person_not_sealable" == bench.shown.verdicts[0][1].reason


@pytest.mark.parametrize("statement", ["INSERT INTO record", "COMMIT"])
def test_failed_commit_shows_no_verdict_and_takes_memory_back(tmp_path: Path, statement: str) -> None:
    """Scans of a failed commit are shown as out of service; afterwards they are judged as if never seen."""

    class Faulty(FaultyConnection):
        """Fails while told to."""

    bench = CounterBench(
        tmp_path / "state",
        opener=lambda path: sqlite3.connect(path, isolation_level=None, check_same_thread=False, factory=Faulty),
    )
    bench.ticket(Action.OPEN)
    Faulty.fail = staticmethod(
        lambda sql: sqlite3.OperationalError("disk I/O error") if sql.startswith(statement) else None
    )
    for _ in range(2):
        bench.scan(LISTED)
    if statement == "COMMIT":
        # A lone scan commits by itself; two in one group need the explicit commit.
        time.sleep(0.3)
        bench.scan(LISTED)
    bench.wait(2)
    failed = len(bench.shown.refused)
    Faulty.fail = staticmethod(lambda _: None)
    end_s = time.monotonic() + 20
    while bench.recorder.trouble is not None and time.monotonic() < end_s:
        time.sleep(0.01)
    shown = len(bench.shown.verdicts)
    bench.scan("83003850000000000001")
    bench.wait(len(bench.shown.refused) + shown + 1)
    bench.stop()

    shown_bodies = [record.body for _, _, record in bench.shown.verdicts]
    assert {"disk_error"} >= {cause for _, cause in bench.shown.refused}
    assert statement == "COMMIT" or failed > 0
    assert set(shown_bodies) <= {record.body for record in kept(bench.path)}
    assert "in_list" == bench.shown.verdicts[-1][1].reason


def test_scans_of_one_group_see_each_other(tmp_path: Path) -> None:
    """Scans that waited together are judged one after the other: the second of two equal codes is a repeat."""
    bench = CounterBench(tmp_path / "state")
    bench.ticket(Action.OPEN)
    with bench.site.lock:
        bench.scan("83003850000000000009")
        for _ in range(10):
            bench.scan(LISTED)
        time.sleep(0.3)
    bench.wait(11)
    bench.stop()

    assert ["PASS", "PASS", *["REPEAT"] * 9] == [one[1].verdict.value for one in bench.shown.verdicts]


def test_full_disk_refuses_scans_and_room_brings_them_back(tmp_path: Path) -> None:
    """Below the limit nothing is judged and the cause is named; with room again the next scan is judged."""
    free = [0]

    class Gauge(DiskGauge):
        """A gauge that the test sets."""

        def room(self) -> Any:
            return replace(super().room(), full=free[0] == 0, low=free[0] < 2)

    bench = CounterBench(tmp_path / "state", disk=Gauge(tmp_path, low_bytes=0, full_bytes=0))
    bench.scan(LISTED)
    bench.wait(1)
    free[0] = 1
    bench.scan(LISTED)
    bench.wait(2)
    bench.stop()

    assert ["disk_full"] == [cause for _, cause in bench.shown.refused]
    assert (Degraded.DISK_LOW,) == bench.shown.verdicts[0][1].degraded


def test_restart_goes_on_with_open_ticket_and_ledger(tmp_path: Path) -> None:
    """After kill or stop, the open ticket, its packs and the ledger are as they were, also without site.db."""
    for lose_site in (False, True):
        path = tmp_path / str(lose_site)
        bench = CounterBench(path)
        bench.ticket(Action.OPEN)
        bench.scan(LISTED)
        bench.wait(1)
        bench.stop()
        if lose_site:
            for one in path.glob("site.db*"):
                one.unlink()
        again = CounterBench(path)
        again.clock.seconds += 600
        again.scan(LISTED)
        again.wait(1)
        ticket = again.ledger.open_ticket("counter")
        again.stop()

        assert "on_ticket" == again.shown.verdicts[0][1].reason
        assert ticket is not None
        assert 1 == ticket.packs


def test_rebuilt_projection_equals_the_kept_one(tmp_path: Path) -> None:
    """Thrown away and made anew from the journal, also across a fork, every projected row is the same."""
    bench = CounterBench(tmp_path / "state")
    bench.ticket(Action.OPEN, "receive")
    for number in range(30):
        bench.scan(f"83003850{number % 20:012d}")
    bench.wait(30)
    bench.ticket(Action.CLOSE)
    bench.ticket(Action.OPEN)
    bench.scan(LISTED)
    bench.wait(31)
    assert bench.recorder.journal is not None
    bench.items.put(CloseLog(bench.recorder.journal.log))
    bench.scan("83003850000000000003")
    bench.wait(32)
    bench.stop()
    before = tables(bench.path / "site.db")
    assert 2 == len(before["watermark"])
    done = rebuild(bench.path)

    after = tables(bench.path / "site.db")

    assert set(done) == {row[0] for row in before["watermark"]}
    for table in ("seen", "ticket", "tally"):
        assert before[table] == after[table]
    # The record that ends a log changes nothing, so the running box does not apply it.
    mark = {log: upto for log, upto in before["watermark"] if log == log_of(bench.path)}
    assert mark.items() <= dict(after["watermark"]).items()


def current_log(bench: CounterBench) -> str | None:
    """The id of the log that the recorder has open now."""
    journal = bench.recorder.journal
    return journal.log if journal is not None else None


def log_of(path: Path) -> str:
    """The id of the open log."""
    return kept(path)[0].log


def tables(path: Path) -> dict[str, list[Any]]:
    """The rows of the projected tables."""
    connection = sqlite3.connect(path)
    rows = {
        table: sorted(connection.execute(f"SELECT * FROM {table}").fetchall(), key=repr)
        for table in ("seen", "ticket", "tally", "watermark")
    }
    connection.close()
    return rows


def test_fork_takes_the_unconfirmed_tail_into_a_new_log(bench: CounterBench) -> None:
    """When the bridge knows another history, the log is closed and everything unconfirmed is copied."""
    bench.scan(LISTED)
    bench.wait(1)
    assert bench.recorder.journal is not None
    old = bench.recorder.journal.log
    bench.items.put(CloseLog(old))
    bench.scan("83003850000000000001")
    bench.wait(2)
    records = kept(bench.path)

    assert old != records[0].log
    assert [Kind.OPEN, Kind.COPY, Kind.SCAN] == [record.kind for record in records]
    assert (old, 1) == records[1].identity


def test_damage_seen_by_the_uploader_sets_the_file_aside(bench: CounterBench) -> None:
    """A record that no longer fits its hash leads to a new log with everything that can be read."""
    bench.scan(LISTED)
    bench.wait(1)
    assert bench.recorder.journal is not None
    bench.items.put(Damage(bench.recorder.journal.log, 1))
    bench.scan("83003850000000000001")
    bench.wait(2)

    assert [Kind.OPEN, Kind.COPY, Kind.SCAN] == [record.kind for record in kept(bench.path)]
    assert 1 == len(folder(bench.path).aside_files())


def test_clock_that_becomes_trusted_is_recorded_with_the_shift(tmp_path: Path) -> None:
    """The clock record says how much to add to earlier times of this boot."""
    bench = CounterBench(tmp_path / "state")
    state: tuple[ClockState, int] = (ClockState.UNTRUSTED, 0)
    real = bench.clock

    def clock() -> Stamp:
        stamp = real()
        return replace(stamp, clock=state[0], wall_ms=stamp.wall_ms + state[1])

    object.__setattr__(bench.parts, "clock", clock)
    bench.scan(LISTED)
    bench.wait(1)
    state = (ClockState.SYNCED, 5_000_000)
    bench.scan("83003850000000000001")
    bench.wait(2)
    time.sleep(0.6)
    bench.stop()
    shifts = [record.fields["shift_ms"] for record in kept(bench.path) if record.kind == Kind.CLOCK]

    assert 5_000_000 in shifts


def test_lost_site_file_ends_the_recorder_with_its_own_error(tmp_path: Path) -> None:
    """site.db that fails under way is no reason to show a wrong verdict: the box is put together anew."""
    bench = CounterBench(tmp_path / "state")
    bench.scan(LISTED)
    bench.wait(1)
    bench.site.connection.close()
    bench.scan("83003850000000000001")
    bench.recorder.join(20)

    assert isinstance(bench.recorder.failure, SiteLostError | sqlite3.ProgrammingError)


def test_flood_stays_bounded_and_shows_nothing_that_is_not_kept(tmp_path: Path) -> None:
    """Thousands of scans at once, with nobody waiting: the queue keeps its limit and every verdict shown is on disk."""
    bench = CounterBench(tmp_path / "state", queue_size=256)
    total = times(5_000, 100_000)
    for number in range(total):
        bench.scan(f"8300385{number:013d}")
    bench.wait(total, deadline_s=100)
    assert bench.items.maxsize == 256
    bench.stop()
    on_disk = {record.body for record in kept(bench.path)}

    assert total == len(bench.shown.verdicts) + len(bench.shown.refused)
    assert all(record.body in on_disk for _, _, record in bench.shown.verdicts)


def test_recorder_needs_no_more_than_one_sync_per_scan(tmp_path: Path) -> None:
    """A lone scan is one INSERT and one commit: nothing else is written to the journal for it."""
    statements: list[str] = []

    def opener(path: Path) -> sqlite3.Connection:
        connection = open_sqlite(path)
        connection.set_trace_callback(statements.append)
        return connection

    bench = CounterBench(tmp_path / "state", opener=opener)
    bench.ticket(Action.OPEN)
    statements.clear()
    bench.scan(LISTED)
    bench.wait(1)
    written = [one for one in statements if not one.startswith(("SELECT", "PRAGMA"))]
    bench.stop()

    assert 1 == len(written)
    assert written[0].startswith("INSERT INTO record")


def test_list_is_asked_for_each_scan(tmp_path: Path) -> None:
    """Without a list the verdict says so; it never passes silently."""
    bench = CounterBench(tmp_path / "state", allowlist=None)
    bench.scan(LISTED)
    bench.wait(1)
    bench.stop()

    assert ("REVIEW", "list_missing") == (bench.shown.verdicts[0][1].verdict, bench.shown.verdicts[0][1].reason)


def test_request_to_close_a_log_waits_until_it_can_be_done(tmp_path: Path) -> None:
    """The uploader tells of a fork once; while the disk is full the request waits and is carried out with room."""
    full = [False]

    class Gauge(DiskGauge):
        """A gauge that the test sets."""

        def room(self) -> Any:
            return replace(super().room(), full=full[0])

    bench = CounterBench(tmp_path / "state", disk=Gauge(tmp_path, low_bytes=0, full_bytes=0))
    bench.scan(LISTED)
    bench.wait(1)
    assert bench.recorder.journal is not None
    old = bench.recorder.journal.log
    full[0] = True
    bench.scan(LISTED)
    bench.items.put(CloseLog(old))
    bench.wait(2)
    full[0] = False
    end_s = time.monotonic() + 20
    while bench.recorder.journal.log == old and time.monotonic() < end_s:
        time.sleep(0.02)
    bench.stop()

    assert [Kind.OPEN, Kind.COPY] == [record.kind for record in kept(bench.path)]


def test_failed_closing_of_a_log_is_tried_again(tmp_path: Path) -> None:
    """One I/O error while a forked log is closed does not lose the request."""

    class Faulty(FaultyConnection):
        """Fails while told to."""

    bench = CounterBench(
        tmp_path / "state",
        opener=lambda path: sqlite3.connect(path, isolation_level=None, check_same_thread=False, factory=Faulty),
    )
    bench.scan(LISTED)
    bench.wait(1)
    assert bench.recorder.journal is not None
    old = bench.recorder.journal.log
    left = [1]

    def once(sql: str) -> sqlite3.Error | None:
        if left[0] and sql.startswith("BEGIN"):
            left[0] -= 1
            return sqlite3.OperationalError("disk I/O error")
        return None

    Faulty.fail = staticmethod(once)
    bench.items.put(CloseLog(old))
    end_s = time.monotonic() + 20
    while current_log(bench) in {None, old} and time.monotonic() < end_s:
        time.sleep(0.02)
    bench.stop()

    assert [0] == left
    assert old != kept(bench.path)[0].log


def test_history_of_ended_logs_survives_the_loss_of_site_db(tmp_path: Path) -> None:
    """A pack that was dispensed before a fork is still known as dispensed when site.db is made anew."""
    bench = CounterBench(tmp_path / "state")
    bench.ticket(Action.OPEN)
    bench.scan(LISTED)
    bench.wait(1)
    bench.ticket(Action.CLOSE)
    bench.ticket(Action.OPEN, "receive")
    assert bench.recorder.journal is not None
    old = bench.recorder.journal
    bench.confirmed[old.log] = old.size
    bench.items.put(CloseLog(old.log))
    bench.scan("83003850000000000001")
    bench.wait(2)
    bench.stop()
    for one in bench.path.glob("site.db*"):
        one.unlink()
    again = CounterBench(bench.path)
    again.scan("83003850000000000002")
    again.wait(1)
    seen, ticket = again.ledger.seen(f"cn20:{LISTED}"), again.ledger.open_ticket("counter")
    again.stop()

    assert seen is not None
    assert "dispense" == seen.effect
    assert ticket is not None
    assert ("receive", 2) == (ticket.operation, ticket.packs)


def test_clock_that_was_set_during_a_restart_is_recorded(tmp_path: Path) -> None:
    """The first record after a restart in the same boot tells that the clock has become trusted meanwhile."""
    bench = CounterBench(tmp_path / "state")
    before = replace(bench.clock(), clock=ClockState.UNTRUSTED)
    bench.stop()
    again = CounterBench(bench.path, last=before)
    again.scan(LISTED)
    again.wait(1)
    again.stop()

    assert ClockState.UNTRUSTED in [record.fields.get("was") for record in kept(bench.path)]


def test_scans_are_answered_also_when_the_site_file_is_lost(tmp_path: Path) -> None:
    """Whatever ends the recorder, nobody waits in vain: what was not judged is shown as out of service."""
    bench = CounterBench(tmp_path / "state")
    bench.scan(LISTED)
    bench.wait(1)
    with bench.site.lock:
        bench.site.connection.execute("DROP TABLE seen")
        for number in range(5):
            bench.scan(f"83003850{number:012d}")
        time.sleep(0.3)
    bench.recorder.join(20)
    bench.stop()

    assert isinstance(bench.recorder.failure, SiteLostError)
    assert 6 == len(bench.shown.verdicts) + len(bench.shown.refused)


def test_given_up_command_has_no_effect(tmp_path: Path) -> None:
    """A command whose sender was told `busy` is not carried out later."""
    bench = CounterBench(tmp_path / "state")
    bench.items.put(Request(TicketCommand(Action.OPEN, "counter", "dispense"), lambda _: None, lambda: True))
    bench.scan(LISTED)
    bench.wait(1)
    bench.stop()

    assert Kind.TICKET not in [record.kind for record in kept(bench.path)]


def test_web_address_around_a_code_leaves_nothing_but_the_code(tmp_path: Path) -> None:
    """Of a GS1 Digital Link, GTIN and serial are recorded; its query, which may name a person, is not (promise 5)."""
    bench = CounterBench(tmp_path / "state")
    bench.scan("https://id.example/01/06901234567892/21/S0001?user=13812345678&token=s3cret")
    bench.scan("0106901234567892172703311110A123\x1d21S0002")
    bench.wait(2)
    bench.stop()
    written = b"".join(path.read_bytes() for path in bench.path.glob("*.db*"))

    assert "gs1:010690123456789221S0001" == bench.shown.verdicts[0][2].fields["code"]
    assert b"13812345678" not in written
    assert b"s3cret" not in written


def test_file_that_is_damaged_for_writing_only_is_replaced_not_opened_again(tmp_path: Path) -> None:
    """What opens without complaint and fails at each append would keep the box out of service for ever."""

    class Faulty(FaultyConnection):
        """Fails while told to."""

    bench = CounterBench(
        tmp_path / "state",
        opener=lambda path: sqlite3.connect(path, isolation_level=None, check_same_thread=False, factory=Faulty),
    )
    bench.scan(LISTED)
    bench.wait(1)
    old = current_log(bench)
    malformed = sqlite3.DatabaseError("malformed database schema")
    malformed.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    Faulty.fail = staticmethod(
        lambda sql: malformed if sql.startswith("INSERT INTO record") and current_log(bench) == old else None
    )
    bench.scan("83003850000000000001")
    bench.wait(2)
    end_s = time.monotonic() + 20
    while current_log(bench) in {None, old} and time.monotonic() < end_s:
        time.sleep(0.02)
    bench.scan("83003850000000000002")
    bench.wait(3)
    bench.stop()

    assert ["journal_recovering"] == [cause for _, cause in bench.shown.refused]
    assert 1 == len(folder(bench.path).aside_files())
    assert [Kind.OPEN, Kind.COPY, Kind.SCAN] == [record.kind for record in kept(bench.path)]
