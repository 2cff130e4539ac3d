"""Outages: what of the line's troubles becomes evidence."""

from dataclasses import dataclass, field

import pytest

from yaoma.core.command import Append
from yaoma.core.record import ClockState, Kind, Stamp
from yaoma.service.outages import WORTH_S, Outages
from yaoma.service.uplink_state import UplinkState

START_MS = 1_790_000_000_000


@dataclass
class Counter:
    """A line and clocks made to order."""

    now_s: float = 0.0
    set_by_ms: int = 0
    state: UplinkState = field(default=UplinkState(is_connected=True))
    kept: list[Append] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.outages = Outages(lambda: self.state, self.stamp, self.kept.append, lambda: self.now_s)

    def stamp(self) -> Stamp:
        """The time by the wall clock, which somebody may have set."""
        wall_ms = START_MS + int(self.now_s * 1000) + self.set_by_ms
        return Stamp(wall_ms, int(self.now_s * 1000), "0" * 16, ClockState.SYNCED)

    def after(self, seconds: float, **state: object) -> None:
        """Let time pass, then look."""
        self.now_s += seconds
        self.state = UplinkState(**state)  # type: ignore[arg-type]  # the test names the fields
        self.outages.look()


@pytest.mark.row("S3-07")
@pytest.mark.row("S4-20")
def test_outage_when_the_line_is_back_then_one_record_says_from_when_to_when() -> None:
    """Begin, end, cause, and the most that waited."""
    counter = Counter()
    counter.after(10, is_connected=False, trouble="link.unreachable", pending=3)
    counter.after(600, is_connected=False, pending=41)
    counter.after(60, is_connected=False, pending=40)
    counter.after(30, is_connected=True)
    counter.after(30, is_connected=True)

    (append,) = counter.kept
    assert append.entry.kind is Kind.OUTAGE
    assert append.entry.fields == {
        "begin_ms": START_MS + 10_000,
        "end_ms": START_MS + 700_000,
        "waiting": 41,
        "cause": "link.unreachable",
        "clock_at_begin": "synced",
    }


@pytest.mark.parametrize(("seconds", "number"), [(WORTH_S - 1, 0), (WORTH_S + 1, 1)])
def test_outage_when_short_then_it_is_no_evidence(seconds: float, number: int) -> None:
    """A reconnect of a minute is nothing that a bureau would want to read about."""
    counter = Counter()
    counter.after(1, is_connected=False)
    counter.after(seconds, is_connected=True)

    assert len(counter.kept) == number


def test_outage_when_the_clock_is_set_meanwhile_then_its_length_is_true() -> None:
    """A box that starts in 1970 and is set by NTP was not away for fifty years."""
    counter = Counter(set_by_ms=-START_MS)
    counter.after(1, is_connected=False)
    counter.set_by_ms = 0
    counter.after(300, is_connected=True)

    fields = counter.kept[0].entry.fields
    assert fields["end_ms"] == START_MS + 301_000
    assert fields["begin_ms"] == START_MS + 1_000
