"""The ledger: what this site has done with each pack and ticket, as values. `projection` makes them from records."""

from collections.abc import Sequence
from dataclasses import field
from datetime import date, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from yaoma.core.pack import PackState
from yaoma.core.record import Stamp
from yaoma.core.ticket import Ticket

if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    from yaoma.core.checked_value import dataclass

__all__ = ["Changes", "Duty", "LedgerView", "Seen", "Take", "date_of", "day_of"]

#: China has one time zone, 8 hours east, and no summer time; the day of a count is the day at the counter.
_CHINA_MS = 8 * 3600 * 1000
_DAY_MS = 24 * 3600 * 1000
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Take:
    """What one scan put on an open ticket, so that it can be taken off again.

    Args:
        place: Its number on the ticket, from 1.
        portions: Portions that it takes out of the pack; below zero if it puts some back, 0 for the whole pack.
        line: Number of the ticket's line that it fills; -1 if none.
        packs: By how many packs it fills the line.
        units: By how many units it fills the line.
    """

    place: int
    portions: int = 0
    line: int = -1
    packs: int = 1
    units: int = 0


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of one pack.

    Args:
        log: The log of the last scan that was no repeat.
        seq: Its place there.
        station: Where it was scanned.
        ticket: The ticket it was scanned for, or None.
        verdict: What was said of it.
        stamp: When.
        place: Its number on the ticket, from 1; that of its last scan, if it was scanned for several portions; 0 if it
            is on none.
        effect: The operation that last took effect on the pack by a closed ticket; empty if none did.
        effect_ms: When that was, milliseconds since 1970 by the box's clock; 0 if none did.
        state: Where it stands since then.
        left: Portions that are left in it: units of an opened pack, packs behind a case's code.
        takes: The scans by which it is on an open ticket.
        opens: Portions that it will have when the open ticket, which opens it, is closed.
        product: Key of its product.
        lot: Its lot; empty if unknown.
        elsewhere: The box of this site that did what took effect; empty if it was this one.
        is_cleared: Somebody with a name let it through on this ticket.
        reason: Why the verdict was what it was.
        is_opened: It was opened once (拆零), and is never whole again.
    """

    log: str
    seq: int
    station: str
    ticket: str | None
    verdict: str
    stamp: Stamp
    place: int = 0
    effect: str = ""
    effect_ms: int = 0
    state: PackState = PackState.UNKNOWN
    left: int = 0
    takes: tuple[Take, ...] = ()
    opens: int = 0
    product: str = ""
    lot: str = ""
    elsewhere: str = ""
    is_cleared: bool = False
    reason: str = ""
    is_opened: bool = False

    @property
    def taken(self) -> int:
        """Portions that the open ticket takes out; below zero if it puts some back."""
        return sum(take.portions for take in self.takes)

    def is_on(self, ticket: str) -> bool:
        """Say whether it is on a ticket."""
        return self.place > 0 and self.ticket == ticket


@dataclass(frozen=True, slots=True)
class Duty:
    """Something that the site has to see to, and that only its own records can settle.

    Args:
        id: Its kind and the code, or another text that names it for ever.
        kind: `emergency` (used before it was checked) or `hold` (denied since it was received).
        code: Key of the pack.
        made_ms: Since when, milliseconds since 1970.
        due_ms: Until when; 0 if there is no deadline.
        note: What the operator is told.
        log: The log of the record that made it.
        seq: Its place there.
    """

    id: str
    kind: str
    code: str
    made_ms: int
    due_ms: int
    note: str
    log: str
    seq: int


class LedgerView(Protocol):
    """What a projection needs to look up."""

    def seen(self, key: str) -> Seen | None:
        """Give what is known of a pack."""
        ...

    def open_ticket(self, station: str) -> Ticket | None:
        """Give the open ticket of a station."""
        ...

    def packs_of(self, ticket: str) -> Sequence[str]:
        """Give the keys of the packs that are on a ticket, in scanning order."""
        ...

    def in_store(self, drug: str, lot: str) -> int:
        """Give how many packs without a code there are (无码库)."""
        ...

    def duty(self, duty_id: str) -> Duty | None:
        """Give an open duty."""
        ...


@dataclass(frozen=False, slots=True)
class Changes:
    """What records have changed; applied together or not at all.

    Args:
        seen: Packs by key.
        tickets: Open tickets by station; None where it was closed or cancelled.
        counts: How often, by (day as YYYYMMDD, station, operation, verdict, reason).
        stock: Packs without a code, by (drug, lot).
        duties: Open duties by id; None where one was settled.
        complete_since_ms: Since when the ledger knows every pack of the site; None if nothing changed that.
        upto: Per log, the place after the last record that is in here.
    """

    seen: dict[str, Seen] = field(default_factory=dict)
    tickets: dict[str, Ticket | None] = field(default_factory=dict)
    counts: dict[tuple[int, str, str, str, str], int] = field(default_factory=dict)
    stock: dict[tuple[str, str], int] = field(default_factory=dict)
    duties: dict[str, Duty | None] = field(default_factory=dict)
    complete_since_ms: int | None = None
    upto: dict[str, int] = field(default_factory=dict)

    def add(self, later: "Changes") -> None:
        """Take over what came after."""
        self.seen |= later.seen
        if later.tickets:
            self.tickets |= later.tickets
        for row, number in later.counts.items():
            self.counts[row] = self.counts.get(row, 0) + number
        if later.stock:
            self.stock |= later.stock
        if later.duties:
            self.duties |= later.duties
        if later.complete_since_ms is not None:
            self.complete_since_ms = later.complete_since_ms
        self.upto |= later.upto


def day_of(stamp: Stamp) -> int:
    """Give the day at the counter as YYYYMMDD; a time that no calendar holds counts as day 0."""
    return _yyyymmdd((stamp.wall_ms + _CHINA_MS) // _DAY_MS)


@lru_cache(maxsize=16)
def _yyyymmdd(days: int) -> int:
    day = _date(days)
    return day.year * 10_000 + day.month * 100 + day.day if day else 0


def date_of(wall_ms: int) -> date | None:
    """Give the date at the counter, or None for a time that no calendar holds.

    Args:
        wall_ms: Milliseconds since 1970.
    """
    return _date((wall_ms + _CHINA_MS) // _DAY_MS)


@lru_cache(maxsize=16)
def _date(days: int) -> date | None:
    try:
        return _EPOCH + timedelta(days=days)
    except OverflowError:
        return None
