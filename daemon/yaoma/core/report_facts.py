"""Report facts: what the records of a period come to, as counts; every report is made of these and of nothing else."""

from array import array
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

__all__ = [
    "DESPATCH",
    "STORED",
    "Arrival",
    "Event",
    "Facts",
    "Moved",
    "Place",
    "ScannerUse",
    "Uploaded",
    "text_of",
]

#: What stands for the bridge's own store where destinations are named.
STORED = ""

#: What stands where destinations are named for the despatch notes that the centre makes of what a site sends: what
#: another site found in them is no upload, and counts in no rate.
DESPATCH = "despatch"


@dataclass(frozen=True, slots=True)
class Event:
    """One record as a report sees it.

    Args:
        log: The log it stands in.
        seq: Its place there.
        kind: Its kind.
        at_ms: When, milliseconds since 1970; restated where the clock was set right later in that boot.
        is_timed: `at_ms` can be trusted.
        fields: The fields of the body; of a copy, those of the original.
        origin: Log and place that count for receivers: of a copy, those of the original.
    """

    log: str
    seq: int
    kind: str
    at_ms: int
    is_timed: bool
    fields: Mapping[str, Any] = field(repr=False)
    origin: tuple[str, int]


class Place(NamedTuple):
    """What counts are kept by.

    Args:
        day: Days since 1970, at the counter.
        operation: The operation's id.
        institution: The kind of institution as the ticket says it; empty if it does not.
    """

    day: int
    operation: str
    institution: str


class Arrival(NamedTuple):
    """What became of a record.

    Args:
        state: The state's id, such as `accepted`.
        reason: A stable reason id, or empty.
        at_ms: When that was first said, by the bridge's clock; None if nobody noted it.
    """

    state: str
    reason: str
    at_ms: int | None


@dataclass(slots=True)
class Moved:
    """What closed tickets moved of one product, in smallest packs.

    Args:
        scanned: Whose code was read by a scanner or camera, alone or with the container around it.
        typed: Whose code was typed by hand.
        pushed: Taken over from a list that somebody sent, without a scan here.
        unscanned: That a ticket's lines or its shipment name and that were not scanned.
        uncoded: Without any code.
    """

    scanned: int = 0
    typed: int = 0
    pushed: int = 0
    unscanned: int = 0
    uncoded: int = 0

    @property
    def due(self) -> int:
        """All of them: what should have been scanned."""
        return self.scanned + self.typed + self.pushed + self.unscanned + self.uncoded


@dataclass(slots=True)
class Uploaded:
    """What became of the packs that were scanned for closed tickets.

    Args:
        due: Packs that have to be uploaded.
        stored: Of these, at the centre.
        states: Of these, by (destination, state).
    """

    due: int = 0
    stored: int = 0
    states: Counter[tuple[str, str]] = field(default_factory=Counter)


@dataclass(slots=True)
class ScannerUse:
    """How a scanner was used.

    Args:
        scans: How often.
        faults: How many of these were bad reads or look-alikes.
        first_ms: When first.
        last_ms: When last.
    """

    scans: int
    faults: int
    first_ms: int
    last_ms: int


@dataclass(slots=True)
class Facts:
    """What the records of a period come to.

    Args:
        moved: By place and product key; what a line wants, by its drug id.
        uploaded: By place.
        tickets: How many were closed or cancelled, by (operation, action).
        verdicts: How often, by (operation, verdict, reason).
        sources: Scans of trace codes, by how they came in.
        scanners: By name.
        refusals: Packs that a destination refuses, by (destination, reason).
        delays: From scan to the answer, in milliseconds, by destination; `STORED` for the centre.
        untimed: Packs whose delay can't be said since the clock was not trusted.
        training: Scans for practice, counted nowhere else.
        noted: Records of the kinds that reports list one by one, in order, by kind.
        silences: Starts of the daemon, each with the time of the record before it, milliseconds since 1970.
    """

    moved: dict[tuple[Place, str], Moved] = field(default_factory=dict)
    uploaded: dict[Place, Uploaded] = field(default_factory=dict)
    tickets: Counter[tuple[str, str]] = field(default_factory=Counter)
    verdicts: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)
    scanners: dict[str, ScannerUse] = field(default_factory=dict)
    refusals: Counter[tuple[str, str]] = field(default_factory=Counter)
    delays: dict[str, "array[int]"] = field(default_factory=dict)
    untimed: int = 0
    training: int = 0
    noted: dict[str, list[Event]] = field(default_factory=dict)
    silences: list[tuple[int, Event]] = field(default_factory=list)


def text_of(fields: Mapping[str, Any], name: str) -> str:
    """Give a field that is text; empty if it is not there or something else."""
    value = fields.get(name)
    return value if isinstance(value, str) else ""
