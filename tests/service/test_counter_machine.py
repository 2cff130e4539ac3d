"""The counter on a real ledger, whatever two stations do in any order, against what lies on the shelf."""

import itertools
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from fakes.moments import CASE, OPERATIONS, carton, delivered, note
from fakes.scanned import stamp
from fakes.shelf import BOTTLES, PACKS, TABLET_PACKS, UNITS, WHOLES, Bill, Shelf
from fakes.tier import times
from yaoma.core.command import Command, Hold, Merge, Override, Settle, Undo
from yaoma.core.policy import Policy
from yaoma.core.record import Record
from yaoma.core.ticket import Action, Line, TicketCommand
from yaoma.service.counter import Counter
from yaoma.service.work import Answer, Request
from yaoma.shell.clock import TimeFloor
from yaoma.shell.journal import Draft
from yaoma.shell.site_file import open_site
from yaoma.shell.site_ledger import SiteLedger
from yaoma_drivers.symbol import Symbol

STATIONS = {"gun": "counter", "gun-2": "store"}
CODES = [*WHOLES, *TABLET_PACKS, BOTTLES, carton().key]
LIST = delivered(note(packs=2))
WORK = [
    "receive",
    "dispense",
    "dispense",
    "dispense",
    "return_customer",
    "check_return",
    "split",
    "transfer_out",
    "recall_out",
    "move",
]
WANTED = (Line("d-whole", ("d-whole",), 2), Line("d-tablets", ("d-tablets",), 0, 30), Line(CASE, ("d-saline",), 3))


class CounterMachine(RuleBasedStateMachine):
    """Two stations, a real ledger, and everything that people and other boxes do."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.records: list[Record] = []
        self.bills: dict[str, Bill] = {}
        self.cleared: dict[str, set[str]] = {}
        self.shelf = Shelf()
        self.ids = itertools.count()
        self.time = itertools.count()

    @initialize(is_stocked=st.sampled_from([True, True, True, False]))
    def begin(self, *, is_stocked: bool) -> None:
        """Open an empty file; mostly of a site that has something on the shelf, and an opened pack."""
        self.open_file()
        if is_stocked:
            self.worked("gun", "receive", [WHOLES[0], *TABLET_PACKS, BOTTLES, BOTTLES, BOTTLES], "close")
            self.worked("gun", "split", TABLET_PACKS, "close")

    def teardown(self) -> None:
        """Close and throw away."""
        self.site.connection.close()
        self.folder.cleanup()

    def open_file(self) -> None:
        """Open the file as after a start."""
        self.site = open_site(Path(self.folder.name) / "site.db")
        self.ledger = SiteLedger(self.site)
        self.counter = Counter(
            ledger=self.ledger,
            allowlist=lambda: LIST,
            policy=lambda: Policy(hold_off_ms=-1, training_codes_prefixes=(), emergency_hours=48),
            stations=STATIONS,
            operations=OPERATIONS,
            floor=TimeFloor(),
            new_id=lambda: f"t{next(self.ids)}",
            seal=None,
            view=None,  # type: ignore[arg-type]  # nothing is told here
        )

    def keep(self, draft: Draft) -> None:
        """The commit succeeds."""
        self.ledger.keep()
        self.records += [Record.read(one.body) for one in draft.records]

    def send(self, command: Command) -> Answer:
        """Carry a command out, committed."""
        draft, answers = Draft("log", len(self.records)), list[Answer]()
        self.counter.commanded(Request(command, answers.append), draft, stamp(next(self.time)))()
        self.keep(draft)
        return answers[0]

    def states(self) -> dict[str, Any]:
        """What the ledger says of everything, as far as tickets that were cancelled may not change it."""
        found = {key: self.ledger.seen(key) for key in CODES}
        return {key: (seen.state, seen.left if seen.state != "unknown" else 0) for key, seen in found.items() if seen}

    @rule(
        scanner=st.sampled_from(sorted(STATIONS)),
        operation=st.sampled_from(WORK),
        codes=st.lists(st.sampled_from([*TABLET_PACKS, BOTTLES, *CODES]), min_size=1, max_size=4),
        end=st.sampled_from(["close", "close", "undo", "cancel", "open"]),
    )
    def worked(self, scanner: str, operation: str, codes: list[str], end: str) -> None:
        """A whole ticket in one go, so that packs come far; now and then it stays open, or the last scan is undone."""
        station = STATIONS[scanner]
        if station in self.bills:
            self.closed(station)
        self.opened(station, operation, lines=False, training=False)
        for code in codes:
            self.scanned(scanner, code, fails=False)
        if end == "close":
            self.closed(station)
        elif end == "cancel":
            self.cancelled(station)
        elif end == "undo":
            self.undone(station)
            self.tickets_hold_what_was_scanned()

    @rule(
        station=st.sampled_from(sorted(STATIONS.values())),
        operation=st.sampled_from(WORK),
        lines=st.booleans(),
        training=st.sampled_from([False, False, True]),
    )
    def opened(self, station: str, operation: str, *, lines: bool, training: bool) -> None:
        """A ticket is opened, unless one is open."""
        wanted = WANTED if lines and operation == "dispense" else ()
        answer = self.send(TicketCommand(Action.OPEN, station, operation, "li", lines=wanted, is_training=training))
        assert (answer.refusal == "ticket_already_open") == (station in self.bills)
        if not answer.refusal:
            self.bills[station] = Bill(operation, training, bool(wanted))
            self.cleared[station] = set()

    @rule(
        scanner=st.sampled_from(sorted(STATIONS)),
        code=st.sampled_from(CODES),
        fails=st.sampled_from([False] * 5 + [True]),
    )
    def scanned(self, scanner: str, code: str, *, fails: bool) -> None:
        """Somebody scans; now and then the commit fails."""
        station, draft = STATIONS[scanner], Draft("log", len(self.records))
        now = stamp(next(self.time))
        symbol = Symbol(code.removeprefix("cn20:").encode(), scanner, now.mono_ms)
        self.counter.scanned(symbol, draft, now, disk_low=False)
        if fails:
            self.ledger.drop()
            return
        self.keep(draft)
        self.note(station, dict(self.records[-1].fields))

    def note(self, station: str, fields: dict[str, Any]) -> None:
        """Put a scan on its bill, and hold its verdict against what lies on the shelf."""
        bill, code = self.bills.get(station), str(fields["code"])
        keys = tuple(fields.get("packs") or (code,))
        if bill is None or fields["verdict"] in {"REPEAT", "FAULT"}:
            return
        if fields["verdict"] == "STOP":
            bill.without(code)
            return
        if fields["verdict"] == "PASS" and not bill.is_training:
            self.check_green(station, bill, keys, fields)
        for key in keys:
            if not fields.get("taken"):
                bill.without(key)
            self.cleared[station].discard(key)
        bill.scans.append((keys, fields))

    def check_green(self, station: str, bill: Bill, keys: tuple[str, ...], fields: dict[str, Any]) -> None:
        """Nothing is green for two tickets, nor twice out, nor more units than there are."""
        for other, one in self.bills.items():
            assert other == station or one.is_training or not set(keys) & set(one.packs())
        for key in keys:
            taken = bill.taken(key) + fields.get("taken", 0)
            if key == BOTTLES:
                there = self.shelf.bottles if self.shelf.bottles is not None else PACKS
                assert taken <= there or taken <= 0
            elif fields.get("taken"):
                assert 0 <= self.shelf.units[key] - taken <= UNITS
            else:
                assert self.shelf.shown(key) in {*OPERATIONS[bill.operation].states, "unknown"}, key

    @rule(station=st.sampled_from(sorted(STATIONS.values())))
    def closed(self, station: str) -> None:
        """The ticket is closed: what was scanned takes effect, practice excepted."""
        answer = self.send(TicketCommand(Action.CLOSE, station))
        bill = self.bills.pop(station, None)
        assert (bill is None) == (answer.refusal == "no_open_ticket")
        if bill is not None and not bill.is_training:
            self.shelf.close(bill, self.cleared[station])
        if bill is not None and bill.is_training:
            assert all(record.fields.get("training") for record in answer.records)

    @rule(station=st.sampled_from(sorted(STATIONS.values())))
    def cancelled(self, station: str) -> None:
        """The ticket is cancelled: nothing has changed."""
        before, duties = self.states(), {duty.id for duty in self.ledger.duties() if duty.kind == "hold"}
        self.send(TicketCommand(Action.CANCEL, station))
        self.bills.pop(station, None)
        assert self.states() == before
        assert {duty.id for duty in self.ledger.duties() if duty.kind == "hold"} == duties

    @rule(station=st.sampled_from(sorted(STATIONS.values())))
    def undone(self, station: str) -> None:
        """The last scan is taken off, and only that."""
        bill, answer = self.bills.get(station), self.send(Undo(station))
        if bill is None or not bill.scans:
            assert answer.refusal in {"no_open_ticket", "ticket_empty"}
            return
        keys, _ = bill.scans.pop()
        assert answer.record is not None
        named: Any = answer.record.fields["packs"]
        prefix = "practice:" if bill.is_training else ""
        assert sorted(named) == sorted(prefix + key for key in keys)
        self.cleared[station].difference_update(key for key in keys if key not in bill.packs())

    @rule(station=st.sampled_from(sorted(STATIONS.values())), emergency=st.booleans())
    def overridden(self, station: str, *, emergency: bool) -> None:
        """A named operator lets the last scan through; never what is red."""
        bill, answer = self.bills.get(station), self.send(Override(station, "li", "已核对", is_emergency=emergency))
        if answer.record is not None and bill is not None:
            keys, fields = bill.scans[-1]
            assert fields["verdict"] == "REVIEW"
            self.cleared[station].update(keys)

    @rule(key=st.sampled_from([*WHOLES, *TABLET_PACKS]))
    def denied(self, key: str) -> None:
        """A new list denies a pack; what is not in hand any more stays as it is."""
        answer = self.send(Hold((key,), "recall", "2026-11", 8))
        is_in_hand = self.shelf.shown(key) in {"in_stock", "opened", "returned"}
        assert bool(answer.records) == is_in_hand
        if is_in_hand:
            self.shelf.state[key] = "quarantined"

    @rule(key=st.sampled_from([*WHOLES, *TABLET_PACKS]))
    def released(self, key: str) -> None:
        """The denial is lifted: a named operator puts the pack back."""
        answer = self.send(Settle((f"hold:{key}",), "预警已解除", "li", "in_stock"))
        if answer.record is not None and self.shelf.state[key] == "quarantined":
            self.shelf.state[key] = "in_stock"

    @rule(
        key=st.sampled_from(WHOLES),
        operation=st.sampled_from(["receive", "dispense", "transfer_out"]),
        late=st.booleans(),
    )
    def merged(self, key: str, operation: str, *, late: bool) -> None:
        """Another box of the site did something, now or long ago."""
        now_ms = stamp(next(self.time)).wall_ms
        seen = self.ledger.seen(key)
        done_ms = now_ms - 10**9 if late else now_ms
        self.send(Merge("box-2", operation, done_ms, (key,)))
        # A receipt at another counter frees nothing that was sold, returned or quarantined here.
        may_come = self.shelf.state.get(key, "unknown") in {"unknown", "left", "in_stock", "opened"}
        if (seen is None or seen.effect_ms <= done_ms) and (operation != "receive" or may_come):
            self.shelf.state[key] = OPERATIONS[operation].into.value  # type: ignore[union-attr]  # it has one
            if operation != "receive" and key in self.shelf.units:
                self.shelf.units[key] = 0

    @rule()
    def flushed(self) -> None:
        """What is kept in memory is written."""
        self.ledger.flush()

    @rule()
    def restarted(self) -> None:
        """The power goes between any two steps; the journal is applied again from where the file ends."""
        self.site.connection.close()
        self.open_file()
        self.catch_up()

    @precondition(lambda self: len(self.records) > 3)
    @rule()
    def rebuilt(self) -> None:
        """`yaoma journal rebuild` gives the same ledger."""
        before = self.everything()
        self.ledger.forget()
        self.catch_up()
        assert self.everything() == before

    def catch_up(self) -> None:
        """Apply what the journal holds beyond the file."""
        bodies = [one.body for one in self.records]
        self.ledger.catch_up("log", len(bodies), partial(_between, bodies))

    def everything(self) -> list[object]:
        """All that the ledger can be asked."""
        keys = [*CODES, *(f"practice:{key}" for key in CODES)]
        stations = STATIONS.values()
        return [
            [self.ledger.seen(key) for key in keys],
            [self.ledger.open_ticket(station) for station in stations],
            list(self.ledger.duties()),
            self.ledger.in_hand("", 1000),
        ]

    @invariant()
    def tickets_hold_what_was_scanned(self) -> None:
        """Each count of a ticket is that of its scans; each line is filled by these and by nothing else."""
        for station in STATIONS.values():
            bill, ticket = self.bills.get(station), self.ledger.open_ticket(station)
            assert (bill is None) == (ticket is None)
            if bill is None or ticket is None:
                continue
            assert ticket.packs == sum(len(keys) for keys, _ in bill.scans)
            prefix = "practice:" if bill.is_training else ""
            assert sorted(self.ledger.packs_of(ticket.id)) == sorted(prefix + key for key in bill.packs())
            assert ticket.packs <= ticket.place
            for number, line in enumerate(ticket.lines):
                on_it = [(keys, fields) for keys, fields in bill.scans if fields.get("line") == number]
                packs = sum(
                    abs(fields.get("taken", 1)) * len(keys)
                    for keys, fields in on_it
                    if "taken" not in fields or "case" in fields
                )
                units = sum(abs(fields["taken"]) for _, fields in on_it if "taken" in fields and "case" not in fields)
                assert (line.filled, line.filled_units) == (packs, units)

    @invariant()
    def shelf_is_as_the_ledger_says(self) -> None:
        """Every pack is where the people have put it, with as much in it as they left."""
        for key in [*WHOLES, *TABLET_PACKS]:
            seen = self.ledger.seen(key)
            state = seen.state.value if seen else "unknown"
            assert state == self.shelf.shown(key), key
            if key in self.shelf.units and seen is not None:
                assert seen.left == self.shelf.units[key]
        seen = self.ledger.seen(BOTTLES)
        if self.shelf.bottles is not None and seen is not None:
            assert seen.left == self.shelf.bottles
            assert 0 <= seen.left <= PACKS


def _between(bodies: Sequence[bytes], first: int, upto: int) -> Sequence[bytes]:
    return bodies[first:upto]


CounterMachine.TestCase.settings = settings(max_examples=times(15, 150), stateful_step_count=40, deadline=None)
TestCounter = CounterMachine.TestCase
