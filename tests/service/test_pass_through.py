"""Pass-through behind a recorder on real files: what a till gets, what it is owed, what is told of the rest."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fakes.counter import LISTED, RECALLED, CounterBench
from fakes.program import wait_for
from yaoma.core.command import Append
from yaoma.core.policy import Policy
from yaoma.core.reason import VerdictClass
from yaoma.core.record import Entry, Kind
from yaoma.core.ticket import Action
from yaoma.service.announcer import LATE_MS, Announcer
from yaoma.service.pass_through import Gate, PassThrough
from yaoma.service.work import Answer, Request
from yaoma.shell.indicator import Shown
from yaoma.shell.port_worker import Passage, PortWorker
from yaoma_bridge.settle import _KINDS
from yaoma_drivers.symbol import Symbol

OTHER = "83003850000000000001"
UNLISTED = "88888880000000000001"
PAYMENT, CARD = "134567890123456789", "11010519491231002X"


class Till(PortWorker):
    """A till's worker that keeps what it is offered; nothing runs."""

    def __init__(self) -> None:
        super().__init__("counter", object(), timeout_s=1.0)  # type: ignore[arg-type]  # no port is ever asked
        self.offered: list[Passage] = []

    def offer(self, passage: Passage) -> None:
        """Keep it."""
        self.offered.append(passage)

    @property
    def got(self) -> list[str]:
        """What it was offered."""
        return [one.data.decode() for one in self.offered]


class Shop:
    """A recorder with a till, and what it tells besides verdicts."""

    def __init__(self, path: Path, policy: Policy, *, without_ticket: bool = False) -> None:
        self.till = Till()
        self.told: list[Shown] = []
        self.entries: list[Entry] = []
        self.kept: list[str] = []
        self.bench = CounterBench(path, policy=policy)
        passing = PassThrough(
            {"counter": Gate(self.till, without_ticket)},
            policy=lambda: policy,
            is_cleared=lambda key: (seen := self.bench.ledger.seen(key)) is not None and seen.is_cleared,
            show=self.told.append,
            append=self._append,
        )
        # The recorder's own counter, with the gate in it; it has not begun to work.
        counter = replace(self.bench.parts.counter, passing=passing, view=self)
        object.__setattr__(self.bench.parts, "counter", counter)
        self._announcer = Announcer({"gun": "counter", "gun-2": "store", "camera": "counter"}, {}, (), passing)

    def show(self, *scan: object) -> None:
        """Show it as the bench does, and as a box does."""
        self.bench.shown.show(*scan)  # type: ignore[arg-type]  # a View's own arguments
        self._announcer.show(*scan)  # type: ignore[arg-type]  # as above

    def out_of_service(self, symbol: Symbol, cause: str) -> None:
        """Show that."""
        self.bench.shown.out_of_service(symbol, cause)

    def _append(self, entry: Entry) -> None:
        self.entries.append(entry)
        self.bench.items.put(Request(Append(entry), self._answered))

    def _answered(self, answer: Answer) -> None:
        assert answer.record is not None
        self.kept.append(answer.record.kind)

    def unjudged(self, code: str) -> None:
        """Scan a code of the till's own and wait until it was handed on."""
        before = len(self.till.offered)
        self.bench.scan(code)
        wait_for(lambda: len(self.till.offered) > before, "it does not go on")


NewShop = Callable[..., Shop]


@pytest.fixture
def new_shop(tmp_path: Path) -> Iterator[NewShop]:
    """Give a maker of shops."""
    made: list[Shop] = []

    def new(policy: Policy | None = None, **options: bool) -> Shop:
        made.append(Shop(tmp_path / "state", policy or Policy(hold_off_ms=0), **options))
        return made[-1]

    yield new
    for shop in made:
        shop.bench.stop()


def test_sale_when_scanned_then_the_till_gets_only_what_may_pass(new_shop: NewShop) -> None:
    """A PASS once, its repeat not; neither STOP nor REVIEW nor an ID."""
    shop = new_shop()
    shop.bench.ticket(Action.OPEN)
    said = shop.bench.said(LISTED, LISTED, RECALLED, UNLISTED, CARD)

    assert ["PASS", "REPEAT", "STOP", "REVIEW", "FAULT"] == [verdict for verdict, _ in said]
    assert [LISTED] == shop.till.got


def test_other_station_when_it_has_no_till_then_nothing_goes_on(new_shop: NewShop) -> None:
    """The gate is the station's."""
    shop = new_shop(without_ticket=True)
    assert [("PASS", "in_list"), ("FAULT", "lookalike_unknown")] == shop.bench.said(LISTED, PAYMENT, scanner="gun-2")

    assert [] == shop.till.got


def test_policy_when_it_says_so_then_review_and_stop_go_on(new_shop: NewShop) -> None:
    """Some place may want that; a bad read still does not."""
    both = frozenset({VerdictClass.REVIEW, VerdictClass.STOP})
    shop = new_shop(Policy(hold_off_ms=0, pass_on_also=both))
    shop.bench.ticket(Action.OPEN)
    shop.bench.said(RECALLED, UNLISTED, CARD)

    assert [RECALLED, UNLISTED] == shop.till.got


def test_tills_own_when_scanned_at_a_sale_then_no_record_and_no_verdict(new_shop: NewShop) -> None:
    """The journal grows by nothing, and nobody hears anything."""
    shop = new_shop()
    shop.bench.ticket(Action.OPEN)
    assert shop.bench.recorder.journal is not None
    size = shop.bench.recorder.journal.size
    shop.unjudged(PAYMENT)
    shop.unjudged("6901234567892")

    assert [PAYMENT, "6901234567892"] == shop.till.got
    assert (size, []) == (shop.bench.recorder.journal.size, shop.bench.shown.verdicts)


def test_tills_own_when_no_ticket_is_open_then_the_setting_decides(new_shop: NewShop) -> None:
    """A fault by default."""
    shop = new_shop()
    assert [("FAULT", "lookalike_unknown")] == shop.bench.said(PAYMENT)
    assert [] == shop.till.got


def test_practice_when_scanned_then_nothing_reaches_the_till(new_shop: NewShop) -> None:
    """Neither the practice code nor a payment."""
    shop = new_shop(Policy(hold_off_ms=0, training_codes_prefixes=("8100000",)))
    shop.bench.ticket(Action.OPEN, is_training=True)
    assert ["PASS", "FAULT"] == [verdict for verdict, _ in shop.bench.said("81000000000000000001", PAYMENT)]

    assert [] == shop.till.got


def test_pack_when_it_did_not_arrive_then_it_is_told_recorded_and_brought_by_its_next_scan(new_shop: NewShop) -> None:
    """Once: the scan after that is a repeat like any other."""
    shop = new_shop()
    shop.bench.ticket(Action.OPEN)
    shop.bench.said(LISTED)
    shop.till.offered[0].failed("asleep", False)
    (told,) = shop.told
    assert ("not_passed_on", "asleep", "counter") == (told.reason, told.facts["trouble"], told.station)
    assert told.code.replace(" ", "") == LISTED
    (entry,) = shop.entries
    assert (Kind.PASS_ON, "asleep", False) == (entry.kind, entry.fields["problem"], entry.fields["partial"])
    assert entry.kind.value in _KINDS, "the bridge would hold it as unknown"

    assert ["REPEAT", "REPEAT"] == [verdict for verdict, _ in shop.bench.said(LISTED, LISTED)]
    assert [LISTED, LISTED] == shop.till.got
    wait_for(lambda: shop.kept, "it is not recorded")
    assert [Kind.PASS_ON.value] == shop.kept


def test_payment_when_it_did_not_arrive_then_the_record_says_nothing_of_it(new_shop: NewShop) -> None:
    """Station, problem, ticket; no length, no scanner, no text."""
    shop = new_shop()
    shop.bench.ticket(Action.OPEN)
    shop.unjudged(PAYMENT)
    shop.till.offered[0].failed("half_sent", True)
    (entry,) = shop.entries

    assert {"station", "problem", "partial", "ticket"} == set(entry.fields)
    assert entry.fields["partial"] is True
    assert PAYMENT not in f"{entry} {shop.told}"
    assert "" == shop.told[0].code


def test_verdict_when_it_came_late_then_the_code_waits_for_the_scan_that_is_asked_for(new_shop: NewShop) -> None:
    """The lamp asks for another scan, so the till gets it with that one, and not twice."""
    shop = new_shop()
    shop.bench.ticket(Action.OPEN)
    shop.bench.items.put(Symbol(LISTED.encode(), "gun", shop.bench.clock().mono_ms - LATE_MS))
    shop.bench.wait(1)
    assert [] == shop.till.got

    assert [("REPEAT", "on_ticket")] == shop.bench.said(LISTED)
    assert [LISTED] == shop.till.got


def test_two_packs_when_one_failed_then_only_that_one_is_owed(new_shop: NewShop) -> None:
    """What arrived does not arrive again."""
    shop = new_shop()
    shop.bench.ticket(Action.OPEN)
    shop.bench.said(LISTED, OTHER)
    shop.till.offered[1].failed("unplugged", False)
    shop.bench.said(LISTED, OTHER)

    assert [LISTED, OTHER, OTHER] == shop.till.got
