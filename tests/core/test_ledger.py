"""The ledger's projection: what each kind of record changes, on a plain dictionary."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from fakes.scanned import DAY, command, record, scan, stamp
from yaoma.core.ledger import Changes, Duty, LedgerView, Seen, Take
from yaoma.core.projection import project
from yaoma.core.record import Entry, Kind, Record
from yaoma.core.ticket import Ticket

PACK, OTHER = "cn20:81234567890123456789", "cn20:81234567890123456780"


class Book:
    """A ledger of dictionaries."""

    def __init__(self) -> None:
        self.state = Changes()

    def seen(self, key: str) -> Seen | None:
        """What is known of a pack."""
        return self.state.seen.get(key)

    def open_ticket(self, station: str) -> Ticket | None:
        """The open ticket of a station."""
        return self.state.tickets.get(station)

    def packs_of(self, ticket: str) -> Sequence[str]:
        """The packs on a ticket."""
        return [key for key, seen in self.state.seen.items() if seen.ticket == ticket and seen.place]

    def in_store(self, drug: str, lot: str) -> int:
        """How many packs without a code there are."""
        return self.state.stock.get((drug, lot), 0)

    def duty(self, duty_id: str) -> Duty | None:
        """An open duty."""
        return self.state.duties.get(duty_id)

    def write(self, *entries: Entry) -> "Book":
        """Project entries one after the other, as records of one log."""
        for entry in entries:
            self.apply(record("log", self.state.upto.get("log", 0), entry))
        return self

    def apply(self, one: Record) -> Changes:
        """Project one record."""
        view: LedgerView = self
        changes = project(one, view)
        self.state.add(changes)
        return changes


def test_scan_when_on_no_ticket_then_the_pack_is_seen_and_counted() -> None:
    """Where, when, what was said; no place and no effect."""
    book = Book().write(scan(PACK))

    assert book.seen(PACK) == Seen(
        "log", 0, "counter", None, "PASS", stamp(0), product="cn20:8123456", reason="in_list"
    )
    assert book.state.counts == {(DAY, "counter", "dispense", "PASS", "in_list"): 1}
    assert book.state.upto == {"log": 1}


@pytest.mark.parametrize("verdict", ["REPEAT", "FAULT"])
def test_scan_when_repeated_or_faulty_then_it_is_counted_and_nothing_else(verdict: str) -> None:
    """The hold-off starts at the scan that was no repeat; a bad read reserves nothing."""
    book = Book().write(command("open", "t1"), scan(PACK, ticket="t1"))
    before = dict(book.state.seen)
    book.write(scan(PACK, verdict=verdict, ticket="t1"), scan("", verdict="FAULT"))

    assert book.state.seen == before
    assert book.open_ticket("counter") == Ticket("t1", "counter", "dispense", 0, packs=1, wants_person=True, place=1)
    assert sum(book.state.counts.values()) == 3


def test_scan_when_for_a_ticket_then_it_gets_the_next_place_unless_it_stops() -> None:
    """PASS and REVIEW reserve the pack; a STOP is seen and stands on no ticket."""
    book = Book().write(
        command("open", "t1"),
        scan(PACK, ticket="t1"),
        scan(OTHER, verdict="STOP", ticket="t1"),
        scan("cn20:81234567890123456781", verdict="REVIEW", ticket="t1"),
    )

    assert [seen.place for seen in book.state.seen.values()] == [1, 0, 2]
    assert book.packs_of("t1") == [PACK, "cn20:81234567890123456781"]


def test_scan_when_it_names_another_ticket_than_the_open_one_then_it_gets_no_place() -> None:
    """A ticket grows only by its own scans."""
    book = Book().write(command("open", "t1"), scan(PACK, ticket="t0"))

    assert book.packs_of("t1") == []
    assert book.packs_of("t0") == []


def test_close_when_packs_are_on_the_ticket_then_the_operation_takes_effect_on_them() -> None:
    """Each pack keeps what last took effect, with the time of the closing; others are untouched."""
    book = Book().write(scan(OTHER), command("open", "t1", operation="receive"), scan(PACK, ticket="t1"))
    book.write(command("close", "t1", operation="receive"))
    pack, other = book.seen(PACK), book.seen(OTHER)

    assert pack is not None
    assert other is not None
    assert (pack.effect, pack.effect_ms) == ("receive", stamp(3).wall_ms)
    assert (other.effect, other.effect_ms) == ("", 0)
    assert book.open_ticket("counter") is None


def test_cancel_when_packs_are_on_the_ticket_then_nothing_takes_effect() -> None:
    """The ticket is gone and its packs have no effect."""
    book = Book().write(command("open", "t1"), scan(PACK, ticket="t1"), command("cancel", "t1"))
    pack = book.seen(PACK)

    assert pack is not None
    assert pack.effect == ""
    assert book.open_ticket("counter") is None


def test_scan_when_the_pack_had_an_effect_then_it_keeps_it() -> None:
    """Scanning a received pack for a sale does not forget that it was received."""
    book = Book().write(
        command("open", "t1", operation="receive"), scan(PACK, ticket="t1"), command("close", "t1"), scan(PACK)
    )
    pack = book.seen(PACK)

    assert pack is not None
    assert (pack.effect, pack.ticket, pack.place) == ("receive", None, 0)


def test_person_when_sealed_then_the_ticket_has_one() -> None:
    """The identity card's own scan is no pack."""
    book = Book().write(command("open", "t1"), scan("", person=True, ticket="t1"))

    assert book.open_ticket("counter") == Ticket(
        "t1", "counter", "dispense", 0, packs=0, wants_person=True, has_person=True
    )


def test_ticket_when_the_action_is_not_known_then_it_stays_open() -> None:
    """A record of a newer version ends no ticket."""
    book = Book().write(command("open", "t1"), command("suspend", "t1"))

    assert book.open_ticket("counter") is not None


def test_copy_when_projected_then_the_original_counts_at_the_copys_place() -> None:
    """What was scanned is what the original says; where it stands is the copy."""
    book = Book().write(command("open", "t1"))
    original = record("old", 7, scan(PACK, ticket="t1"))
    changes = book.apply(record("log", 1, Record.copied(original), number=99))

    assert changes.seen[PACK] == Seen(
        "log",
        1,
        "counter",
        "t1",
        "PASS",
        original.stamp,
        1,
        takes=(Take(1),),
        product="cn20:8123456",
        reason="in_list",
    )
    assert changes.upto == {"log": 2}


@pytest.mark.parametrize("kind", [Kind.OPEN, Kind.CLOSE, Kind.START, Kind.CLOCK])
def test_record_when_of_another_kind_then_only_the_watermark_moves(kind: Kind) -> None:
    """The box's own records change no pack and no ticket."""
    assert project(record("log", 4, Entry(kind, {})), Book()) == Changes(upto={"log": 5})


def test_day_when_counted_then_it_is_the_day_at_the_counter() -> None:
    """16:00 in Greenwich is midnight in China; a time that no calendar holds counts as day 0."""
    entry = scan(PACK)
    for wall_ms, day in ((1_795_017_599_999, 20261118), (1_795_017_600_000, 20261119), (2**53 - 1, 0)):
        one = Record.read(entry.body("log", 0, replace(stamp(0), wall_ms=wall_ms)))
        assert next(iter(project(one, Book()).counts))[0] == day
