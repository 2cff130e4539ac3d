"""The ledger on a real file: equal to dictionaries whatever is dropped, flushed, reopened, rebuilt or copied."""

import sqlite3
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from fakes.scanned import DAY, command, record, scan
from fakes.tier import times
from yaoma.core.ledger import Seen, Take
from yaoma.core.record import Entry, Kind, Record
from yaoma.core.ticket import Ticket
from yaoma.shell.database import DatabaseUnavailableError
from yaoma.shell.site_file import SiteFile, open_site
from yaoma.shell.site_ledger import SiteLedger

KEYS = [f"cn20:8{number:019d}" for number in range(3)]
STATIONS = ["counter", "back"]


class Model:
    """The whole state as dictionaries, worked out anew from every record that counts."""

    def __init__(self, records: Sequence[Record]) -> None:
        self.seen: dict[str, Seen] = {}
        self.tickets: dict[str, Ticket] = {}
        self.tally: Counter[tuple[str, str, str, str]] = Counter()
        applied: set[tuple[str, int]] = set()
        for one in records:
            if one.identity not in applied:
                applied.add(one.identity)
                self._apply(one, one.original())

    def _pack(self, at: Record, one: Record, said: dict[str, Any], ticket: Ticket | None) -> None:
        station, key, place = said["station"], said["code"], 0
        old = self.seen.get(key)
        goes_on = ticket is not None and said["verdict"] != "STOP"
        holder = self.tickets.get(old.station) if old and old.place else None
        if old and holder and holder.id == old.ticket:
            if holder.station != station and not goes_on:
                return
            self.tickets[holder.station] = replace(holder, packs=holder.packs - 1)
        if goes_on:
            ticket = self.tickets[station]
            place = ticket.place + 1
            self.tickets[station] = replace(ticket, packs=ticket.packs + 1, place=place)
        effect = (old.effect, old.effect_ms) if old else ("", 0)
        self.seen[key] = Seen(
            at.log,
            at.seq,
            station,
            said["ticket"],
            said["verdict"],
            one.stamp,
            place,
            *effect,
            takes=(Take(place),) if place else (),
            product="cn20:8000000",
            reason="in_list",
        )

    def packs_of(self, ticket: str) -> list[str]:
        """The packs on a ticket, in scanning order."""
        found = [(seen.place, key) for key, seen in self.seen.items() if seen.ticket == ticket and seen.place]
        return [key for _, key in sorted(found)]

    def _apply(self, at: Record, one: Record) -> None:
        said: dict[str, Any] = dict(one.fields)
        station = said.get("station", "")
        ticket = self.tickets.get(station)
        if one.kind == Kind.SCAN:
            self.tally[station, said["operation"], said["verdict"], said["reason"]] += 1
            if ticket and said.get("person"):
                ticket = self.tickets[station] = replace(ticket, has_person=True)
            key = said.get("code")
            if key and said["verdict"] in {"PASS", "REVIEW", "STOP"}:
                self._pack(at, one, said, ticket)
        elif one.kind == Kind.TICKET and said["action"] == "open":
            self.tickets[station] = Ticket(said["ticket"], station, said["operation"], at.seq, wants_person=True)
        elif one.kind == Kind.TICKET and ticket is not None:
            del self.tickets[station]
            for key in self.packs_of(ticket.id) if said["action"] == "close" else ():
                self.seen[key] = replace(self.seen[key], effect=ticket.operation, effect_ms=one.stamp.wall_ms, takes=())


def check(ledger: SiteLedger, model: Model, tickets: int) -> None:
    """Compare everything that can be asked."""
    assert {key: seen for key in KEYS if (seen := ledger.seen(key))} == model.seen
    assert {station: ticket for station in STATIONS if (ticket := ledger.open_ticket(station))} == model.tickets
    for number in range(tickets):
        assert list(ledger.packs_of(f"t{number}")) == model.packs_of(f"t{number}")
    assert ledger.tally(DAY) == model.tally


def _between(bodies: Sequence[bytes], first: int, upto: int) -> Sequence[bytes]:
    return bodies[first:upto]


class LedgerMachine(RuleBasedStateMachine):
    """Scans, tickets, failed commits, flushes, restarts, rebuilds and forks in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "site.db"
        self.logs: dict[str, list[Record]] = {"log-0": []}
        self.staged: list[Record] = []
        self.tickets = 0
        self.number = 0

    @initialize()
    def begin(self) -> None:
        """Open an empty file."""
        self.reopen()

    def teardown(self) -> None:
        """Close and throw away."""
        self.file.connection.close()
        self.folder.cleanup()

    def reopen(self) -> None:
        """Open the file as after a restart."""
        self.file: SiteFile = open_site(self.path)
        self.ledger = SiteLedger(self.file)

    @property
    def log(self) -> str:
        """The log that is being written."""
        return f"log-{len(self.logs) - 1}"

    def model(self) -> Model:
        """What the dictionaries say, staged records included."""
        return Model([one for records in self.logs.values() for one in records] + self.staged)

    def stage(self, entry: Entry) -> None:
        """Draft one more record of the group."""
        self.number += 1
        one = record(self.log, len(self.logs[self.log]) + len(self.staged), entry, self.number)
        self.ledger.stage(one)
        self.staged.append(one)

    @rule(
        key=st.sampled_from(["", *KEYS]),
        verdict=st.sampled_from(["PASS", "REVIEW", "STOP", "REPEAT", "FAULT"]),
        station=st.sampled_from(STATIONS),
        person=st.booleans(),
    )
    def scanned(self, key: str, verdict: str, station: str, *, person: bool) -> None:
        """Somebody scans, maybe for the station's open ticket."""
        ticket = self.model().tickets.get(station)
        self.stage(
            scan(key, verdict=verdict, station=station, ticket=ticket.id if ticket else None, person=person and not key)
        )

    @rule(station=st.sampled_from(STATIONS), action=st.sampled_from(["close", "cancel"]))
    def commanded(self, station: str, action: str) -> None:
        """Somebody opens a ticket, or ends the one that is open."""
        ticket = self.model().tickets.get(station)
        if ticket is None:
            self.stage(command("open", f"t{self.tickets}", station=station, operation="receive"))
            self.tickets += 1
        else:
            self.stage(command(action, ticket.id, station=station, operation=ticket.operation))

    @rule()
    def kept(self) -> None:
        """The commit succeeds."""
        self.ledger.keep()
        self.logs[self.log] += self.staged
        self.staged = []

    @rule()
    def dropped(self) -> None:
        """The commit fails: nothing of the group may be remembered."""
        self.ledger.drop()
        self.staged = []

    @rule()
    def flushed(self) -> None:
        """The kept changes are written, at any moment, also in the middle of a group."""
        self.ledger.flush()
        assert self.ledger.unwritten == 0

    @rule()
    def restarted(self) -> None:
        """The power goes: what was staged is gone for good, what was not written is applied again."""
        self.staged = []
        self.file.connection.close()
        self.reopen()
        self.catch_up()

    @precondition(lambda self: not self.staged)
    @rule()
    def rebuilt(self) -> None:
        """`yaoma journal rebuild`: the projection is emptied and made anew from every log, oldest first."""
        self.ledger.forget()
        assert self.ledger.seen(KEYS[0]) is None
        self.catch_up()

    @precondition(lambda self: not self.staged)
    @rule(data=st.data())
    def forked(self, data: st.DataObject) -> None:
        """The bridge knows another history: a new log begins and copies the tail, copies of copies among it."""
        old = self.logs[self.log]
        tail = old[data.draw(st.integers(0, len(old))) :]
        self.logs[f"log-{len(self.logs)}"] = []
        for one in tail:
            self.stage(Record.copied(one))
        self.kept()

    def catch_up(self) -> None:
        """Apply what the logs hold beyond the watermarks."""
        for log, records in self.logs.items():
            bodies = [one.body for one in records]
            self.ledger.catch_up(log, len(bodies), partial(_between, bodies))

    @invariant()
    def equals_the_dictionaries(self) -> None:
        """Whatever happened, every answer is that of the plain dictionaries."""
        check(self.ledger, self.model(), self.tickets)
        assert self.ledger.applied(self.log) == len(self.logs[self.log]) + len(self.staged)


LedgerMachine.TestCase.settings = settings(max_examples=times(25, 200), stateful_step_count=40, deadline=None)
TestLedger = LedgerMachine.TestCase


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where site.db lies."""
    return tmp_path / "site.db"


def test_drop_when_a_whole_sale_was_staged_then_nothing_of_it_is_left(path: Path) -> None:
    """Ticket, scans, counts and watermark of a failed commit are forgotten, not only hidden by a flush."""
    ledger = SiteLedger(open_site(path))
    for seq, entry in enumerate([command("open", "t0"), scan(KEYS[0], ticket="t0"), command("close", "t0")]):
        ledger.stage(record("log-0", seq, entry))
    ledger.drop()
    ledger.keep()
    ledger.flush()

    assert ledger.applied("log-0") == 0
    check(ledger, Model([]), 1)
    check(SiteLedger(open_site(path)), Model([]), 1)


def test_pack_when_moved_to_another_ticket_after_a_flush_then_its_written_place_is_gone(path: Path) -> None:
    """What lies in memory goes before what was written, also where it takes something away."""
    ledger = SiteLedger(open_site(path))
    entries = [command("open", "t0"), scan(KEYS[0], ticket="t0"), scan(KEYS[1], ticket="t0")]
    for seq, entry in enumerate(entries):
        ledger.stage(record("log-0", seq, entry))
    ledger.keep()
    ledger.flush()
    assert list(ledger.packs_of("t0")) == [KEYS[0], KEYS[1]]

    ledger.stage(record("log-0", 3, command("open", "t1", station="back")))
    ledger.stage(record("log-0", 4, scan(KEYS[0], station="back", ticket="t1")))
    assert (list(ledger.packs_of("t0")), list(ledger.packs_of("t1"))) == ([KEYS[1]], [KEYS[0]])
    ledger.drop()
    assert list(ledger.packs_of("t0")) == [KEYS[0], KEYS[1]]


def test_copies_when_their_log_is_lost_and_the_next_log_copies_them_again_then_they_count_once(path: Path) -> None:
    """Copies of copies bear the first log's identity: counted once, also where that log was never seen here."""
    ledger = SiteLedger(open_site(path))
    first = [record("lost", seq, scan(KEYS[seq])) for seq in range(3)]
    second = [record("log-1", seq, Record.copied(one)) for seq, one in enumerate(first)]
    third = [record("log-2", seq, Record.copied(one)) for seq, one in enumerate(second)]
    for one in [*second, *third]:
        ledger.stage(one)
        ledger.keep()
    ledger.flush()

    check(ledger, Model([*second, *third]), 0)
    assert sum(ledger.tally(DAY).values()) == 3
    assert [ledger.applied(log) for log in ("log-1", "log-2")] == [3, 3]


class FullDisk:
    """A connection whose disk fills up at the chosen statement."""

    def __init__(self, connection: sqlite3.Connection, refuse: str) -> None:
        self._connection = connection
        self._refuse = refuse

    @property
    def in_transaction(self) -> bool:
        """As sqlite3 says."""
        return self._connection.in_transaction

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> sqlite3.Cursor:
        """Run a statement, or refuse it as a full disk does."""
        if sql.startswith(self._refuse):
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise error
        return self._connection.execute(sql, parameters)

    def close(self) -> None:
        """Close."""
        self._connection.close()


@pytest.mark.parametrize("refuse", ["BEGIN", "INSERT OR REPLACE INTO watermark", "COMMIT"])
def test_flush_when_the_disk_is_full_then_everything_stays_in_memory_and_is_written_later(
    path: Path, refuse: str
) -> None:
    """A failed flush loses nothing, writes nothing by halves, and leaves no transaction open."""
    file = open_site(path)
    ledger = SiteLedger(file)
    records = [record("log-0", 0, scan(KEYS[0])), record("log-0", 1, command("open", "t0"))]
    for one in records:
        ledger.stage(one)
    ledger.keep()
    assert isinstance(file.connection, sqlite3.Connection)
    ledger._file = replace(file, connection=FullDisk(file.connection, refuse))

    with pytest.raises(DatabaseUnavailableError):
        ledger.flush()
    assert not file.connection.in_transaction
    check(ledger, Model(records), 1)
    check(SiteLedger(open_site(path)), Model([]), 1)

    ledger._file = file
    ledger.flush()
    check(SiteLedger(open_site(path)), Model(records), 1)


def test_forget_when_the_disk_is_full_then_the_projection_stays_whole(path: Path) -> None:
    """Half an emptied projection would be a wrong answer; nothing is taken away then."""
    file = open_site(path)
    ledger = SiteLedger(file)
    records = [record("log-0", 0, scan(KEYS[0])), record("log-0", 1, command("open", "t0"))]
    for one in records:
        ledger.stage(one)
        ledger.keep()
    ledger.flush()
    assert isinstance(file.connection, sqlite3.Connection)
    ledger._file = replace(file, connection=FullDisk(file.connection, "DELETE FROM tally"))

    with pytest.raises(DatabaseUnavailableError):
        ledger.forget()
    assert not file.connection.in_transaction
    ledger._file = file
    check(ledger, Model(records), 1)
