"""Rates: scan-in, scan-out and upload rate, by a formula that is written down and printed under each report.

No notice says how 扫码率 and 上传率 are computed (DOMAIN.md 8, no. 8); these are ours. All numbers are whole smallest
packs (最小销售包装) of tickets that were closed in the period. Practice, cancelled and open tickets count nowhere.

Scan-in rate 入库扫码率 = S / (S + T + P + U + N), over operations whose direction is `in`:

- S: packs whose own code was read by a scanner or camera, or whose container's code was, and that container brought
  them in (S1-05: 实物扫码);
- T: packs whose code was typed by hand: recorded, but not scanned (S3-16);
- P: packs taken over from a list that somebody sent, without a scan here (S2-09);
- U: packs that the ticket's lines name, line by line, or else its shipment, and that nobody scanned; never below zero,
  so that too many of one drug don't make up for another. What was announced and did not arrive (未到货) is among them:
  the box can't tell it from what arrived and was not scanned;
- N: packs without any code, as the no-code stock (无码库) says.

Scan-out rate 出库扫码率: the same over operations whose direction is `out`.

Exempt packs stand on neither side. A drug is exempt by what the policy says of its flags, as the product list has them
now; its packs are printed by class. A drug that the list does not know is never exempt.

Upload rate 上传率 of a destination = A / D, over both directions: D are the packs S, T and P of closed tickets; A are
those of D whose record the destination has accepted. Refused, unknown, held, waiting and not yet stored are not
accepted. Stored rate 送达率 = those of D whose record the centre has / D.

A rate with D = 0 is "no data", never 100 %. Per mille is rounded down, so that 1000 means all of them. A target is met
if n * 1000 >= target * d. Delay: from the scan to the moment at which the centre made the receipt that first says so;
p50 and p95 are values that occurred (nearest rank); records of an untrusted clock have no delay.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Final

from yaoma.core.operation import Direction
from yaoma.core.policy import FULL, Policy
from yaoma.core.product import Product
from yaoma.core.report_facts import Facts, Moved, Place, Uploaded

__all__ = [
    "DELAY_STEPS_S",
    "Delay",
    "GroupBy",
    "Rate",
    "ScanRate",
    "UploadRate",
    "delay_of",
    "scan_rates",
    "upload_rates",
]

Products = Callable[[str], Product | None]
"""Gives the product behind a drug id or product key."""

Directions = Mapping[str, Direction]
"""What each operation means for the stock."""

#: Upper ends of the histogram of delays, in seconds; what took longer stands behind the last one.
DELAY_STEPS_S: Final = (10, 60, 600, 3600, 6 * 3600, 24 * 3600, 72 * 3600)

_EPOCH: Final = date(1970, 1, 1)
_NO_ROWS: Final = ""


class GroupBy(StrEnum):
    """By what rates are broken down."""

    DAY = "day"
    MONTH = "month"
    OPERATION = "operation"
    INSTITUTION = "institution"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Rate:
    """A part of a whole, in whole packs.

    Args:
        n: The part.
        d: The whole.
    """

    n: int
    d: int

    @property
    def per_mille(self) -> int | None:
        """The part in parts per thousand, rounded down; None if there is no whole."""
        return self.n * FULL // self.d if self.d else None

    def meets(self, target: int) -> bool | None:
        """Say whether a target is reached; None if there is no whole.

        Args:
            target: In parts per thousand.
        """
        return self.n * FULL >= target * self.d if self.d else None


@dataclass(slots=True)
class ScanRate:
    """A scan rate with everything that went into it.

    Args:
        moved: The packs that count.
        exempt: Packs that don't count, by the flag that exempts them.
    """

    moved: Moved = field(default_factory=Moved)
    exempt: Counter[str] = field(default_factory=Counter)

    @property
    def rate(self) -> Rate:
        """Scanned of what was due."""
        return Rate(self.moved.scanned, self.moved.due)


@dataclass(slots=True)
class UploadRate:
    """An upload rate with everything that went into it.

    Args:
        uploaded: What became of the packs.
    """

    uploaded: Uploaded = field(default_factory=Uploaded)

    @property
    def stored(self) -> Rate:
        """At the centre."""
        return Rate(self.uploaded.stored, self.uploaded.due)

    def accepted(self, destination: str) -> Rate:
        """Accepted by a destination."""
        return Rate(self.uploaded.states[destination, "accepted"], self.uploaded.due)

    @property
    def destinations(self) -> tuple[str, ...]:
        """The destinations that have said anything."""
        return tuple(sorted({destination for destination, _ in self.uploaded.states}))


@dataclass(frozen=True, slots=True)
class Delay:
    """How long something took.

    Args:
        number: Of how many records this is known.
        p50_ms: Half of them took no longer.
        p95_ms: 95 of 100 took no longer.
        longest_ms: The longest.
        steps: How many fell into each step of `DELAY_STEPS_S`, and behind the last one.
    """

    number: int
    p50_ms: int
    p95_ms: int
    longest_ms: int
    steps: tuple[int, ...]


def scan_rates(
    facts: Facts, direction: Direction, *, by: GroupBy, directions: Directions, products: Products, policy: Policy
) -> dict[str, ScanRate]:
    """Compute the scan-in or scan-out rate; the formula stands above.

    Args:
        facts: What happened.
        direction: `in` or `out`.
        by: What the rows are.
        directions: What operations mean for the stock.
        products: The product list.
        policy: Names the exempt classes.
    """
    rates: dict[str, ScanRate] = {}
    for (place, drug), moved in facts.moved.items():
        if directions.get(place.operation) is not direction:
            continue
        rate = rates.setdefault(_row(place, by), ScanRate())
        product = products(drug)
        flag = policy.exemption(product.flags) if product else None
        if flag is not None:
            rate.exempt[flag.value] += moved.due
            continue
        total = rate.moved
        total.scanned += moved.scanned
        total.typed += moved.typed
        total.pushed += moved.pushed
        total.unscanned += moved.unscanned
        total.uncoded += moved.uncoded
    return dict(sorted(rates.items()))


def upload_rates(facts: Facts, *, by: GroupBy, directions: Directions) -> dict[str, UploadRate]:
    """Compute the upload rates; the formula stands above.

    Args:
        facts: What happened.
        by: What the rows are.
        directions: What operations mean for the stock.
    """
    rates: dict[str, UploadRate] = {}
    for place, uploaded in facts.uploaded.items():
        if directions.get(place.operation) not in {Direction.IN, Direction.OUT}:
            continue
        total = rates.setdefault(_row(place, by), UploadRate()).uploaded
        total.due += uploaded.due
        total.stored += uploaded.stored
        total.states.update(uploaded.states)
    return dict(sorted(rates.items()))


def delay_of(delays_ms: Sequence[int]) -> Delay | None:
    """Give the distribution of delays, or None if there are none.

    Args:
        delays_ms: Each in milliseconds.
    """
    if not delays_ms:
        return None
    ordered = sorted(delays_ms)
    steps = [0] * (len(DELAY_STEPS_S) + 1)
    for delay_ms in ordered:
        steps[next((at for at, end_s in enumerate(DELAY_STEPS_S) if delay_ms <= end_s * 1000), -1)] += 1
    return Delay(len(ordered), _rank(ordered, 50), _rank(ordered, 95), ordered[-1], tuple(steps))


def _rank(ordered: Sequence[int], percent: int) -> int:
    """Give the value of nearest rank: the smallest that so many of a hundred don't exceed."""
    return ordered[-(-len(ordered) * percent // 100) - 1]


def _row(place: Place, by: GroupBy) -> str:
    match by:
        case GroupBy.DAY:
            return _day_text(place.day)
        case GroupBy.MONTH:
            return _day_text(place.day)[:7]
        case GroupBy.OPERATION:
            return place.operation
        case GroupBy.INSTITUTION:
            return place.institution
    return _NO_ROWS


@lru_cache(maxsize=512)
def _day_text(day: int) -> str:
    try:
        return (_EPOCH + timedelta(days=day)).isoformat()
    except OverflowError:
        # A clock that was never set: a time that no calendar holds.
        return ""
