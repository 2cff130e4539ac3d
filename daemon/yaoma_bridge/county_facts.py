"""County facts: what the store holds of each institution in a period, counted by the formulas of `yaoma.core.rates`."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from yaoma.core.operation import Direction
from yaoma.core.policy import InstitutionKind, Policy
from yaoma.core.rates import GroupBy, Rate, ScanRate, UploadRate, scan_rates, upload_rates
from yaoma.core.report_facts import STORED, Event, Facts
from yaoma.core.report_gather import LEAD_MS, Knowledge, gather
from yaoma.core.report_period import Period
from yaoma_bridge.box_words import words_of
from yaoma_bridge.centre_facts import CentreFacts
from yaoma_bridge.centre_words import operations, policy_for
from yaoma_bridge.errors import ConfigError
from yaoma_bridge.site_events import SiteOutcomes, box_events
from yaoma_bridge.tx import Tx
from yaoma_link.topics import BoxName, Channel

__all__ = ["BoxFacts", "InstitutionFacts", "Judged", "county_facts"]

_HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Judged:
    """One rate of an institution beside its target.

    Args:
        name: `scan_in`, `scan_out`, `stored`, or a destination.
        rate: The rate.
        target: In parts per thousand; None if none is owed yet.
    """

    name: str
    rate: Rate
    target: int | None

    @property
    def is_below(self) -> bool:
        """It is owed and not reached."""
        return self.target is not None and self.rate.meets(self.target) is False


@dataclass(frozen=True, slots=True)
class BoxFacts:
    """One box.

    Args:
        name: Which.
        info: What it said of itself: version, model, scanners, list.
        health: How it fares.
        is_online: Whether it is there.
        seen_ms: When it was heard last, milliseconds since 1970.
        successor: The box that replaced it; empty if none did.
        retired: Why it was taken out of service; empty if it was not.
    """

    name: BoxName
    info: dict[str, Any]
    health: dict[str, Any]
    is_online: bool
    seen_ms: int
    successor: str = ""
    retired: str = ""

    @property
    def scanners(self) -> tuple[str, ...]:
        """The names of its scanners."""
        found = self.info.get("scanners")
        return tuple(str(one) for one in found) if isinstance(found, list) else ()


@dataclass(slots=True)
class InstitutionFacts:
    """One institution in a period.

    Args:
        site: Its code.
        name: Its registered name; empty if nobody wrote it down.
        kind: What it is; None if nobody said.
        policy: The rules of its place.
        boxes: Its boxes.
        scan: Scan rates by direction.
        upload: The upload rate.
        refusals: Refused packs by (destination, reason).
        used: Scanners that read anything in the period, by box.
        late: Records that came to the centre later than the policy allows.
        overrides: Packs that a named operator let through.
        differences: Deliveries that differed from their note.
        signals: Scans that may point to a code that was copied or sold twice.
        tickets: Closed tickets.
    """

    site: str
    name: str
    kind: InstitutionKind | None
    policy: Policy
    boxes: list[BoxFacts]
    scan: dict[Direction, ScanRate] = field(default_factory=dict)
    upload: UploadRate = field(default_factory=UploadRate)
    refusals: Counter[tuple[str, str]] = field(default_factory=Counter)
    used: int = 0
    late: int = 0
    overrides: int = 0
    differences: int = 0
    signals: int = 0
    tickets: int = 0

    def judged(self, today: date) -> Iterator[Judged]:
        """Give its rates beside what they should be.

        Args:
            today: The day of the report, for targets that are not owed yet.
        """
        is_owed = self.policy.in_force(self.kind, today)
        for direction, name, target in (
            (Direction.IN, "scan_in", self.policy.scan_in_target),
            (Direction.OUT, "scan_out", self.policy.scan_out_target),
        ):
            yield Judged(name, self.scan.get(direction, ScanRate()).rate, target if is_owed else None)
        owed = self.policy.upload_target if is_owed else None
        yield Judged("stored", self.upload.stored, owed)
        for destination in self.upload.destinations:
            yield Judged(destination, self.upload.accepted(destination), owed)

    @property
    def typed(self) -> int:
        """Packs whose code was typed by hand, in and out."""
        return sum(rate.moved.typed for rate in self.scan.values())


def county_facts(
    tx: Tx, centre: CentreFacts, policy: str | Path, period: Period, *, progress: Callable[[str], None] = lambda _: None
) -> list[InstitutionFacts]:
    """Count a period for every institution of which the store knows a box, in order of their codes.

    Args:
        tx: One picture of the store.
        centre: Names and kinds of institutions, and the product table behind exemptions.
        policy: The policy of an institution whose file names no other.
        period: The days.
        progress: Hears each site's code when it is its turn.

    Raises:
        ConfigError: If a file of the centre or a policy can't be used.
    """
    boxes: dict[str, list[BoxFacts]] = {}
    for one in _boxes(tx):
        boxes.setdefault(one.name.site, []).append(one)
    found = []
    for site, several in sorted(boxes.items()):
        progress(site)
        institution = _institution(centre, policy, site, several)
        for box in several:
            _count(tx, centre, institution, box.name, period)
        found.append(institution)
    return found


def _institution(centre: CentreFacts, policy: str | Path, site: str, boxes: list[BoxFacts]) -> InstitutionFacts:
    known = centre.institution(site)
    own = known.own.get("report", {}) if known is not None else {}
    said = own.get("kind", known.kind.value if known is not None and known.kind.value != "medical" else None)
    try:
        kind = None if said is None else InstitutionKind(str(said))
    except ValueError:
        kinds = ", ".join(InstitutionKind)
        raise ConfigError(f"{site}.toml: report.kind is one of {kinds}", "Correct the key") from None
    chosen = policy_for(str(own["policy"]) if "policy" in own else policy, kind)
    return InstitutionFacts(site, known.name if known is not None else "", kind, chosen, boxes)


def _count(tx: Tx, centre: CentreFacts, into: InstitutionFacts, name: BoxName, period: Period) -> None:
    """Add one box: a ticket is filled at one box, so boxes add up."""
    outcomes = SiteOutcomes()
    events = box_events(tx, name, period.from_ms - LEAD_MS, outcomes)
    kind = into.kind.value if into.kind is not None else ""
    lateness = _Lateness(outcomes, into.policy.upload_within_hours * _HOUR_MS, period)
    facts = gather(lateness.watched(events), period, Knowledge(delivered=outcomes, institution=kind))
    directions = {operation: one.direction for operation, one in operations().items()}
    for direction in (Direction.IN, Direction.OUT):
        rates = scan_rates(
            facts,
            direction,
            by=GroupBy.NOTHING,
            directions=directions,
            products=centre.product,
            policy=into.policy,
        )
        _add_scan(into.scan.setdefault(direction, ScanRate()), rates.get("", ScanRate()))
    uploaded = upload_rates(facts, by=GroupBy.NOTHING, directions=directions).get("", UploadRate()).uploaded
    total = into.upload.uploaded
    total.due += uploaded.due
    total.stored += uploaded.stored
    total.states.update(uploaded.states)
    into.refusals.update(facts.refusals)
    into.late += lateness.late
    _add_irregular(into, facts)


def _add_scan(total: ScanRate, more: ScanRate) -> None:
    for name in ("scanned", "typed", "pushed", "unscanned", "uncoded"):
        setattr(total.moved, name, getattr(total.moved, name) + getattr(more.moved, name))
    total.exempt.update(more.exempt)


def _add_irregular(into: InstitutionFacts, facts: Facts) -> None:
    into.used += len([name for name in facts.scanners if name])
    into.overrides += len(facts.noted.get("override", ()))
    into.differences += len(facts.noted.get("difference", ()))
    into.signals += len(facts.noted.get("signal", ()))
    into.tickets += sum(number for (_, action), number in facts.tickets.items() if action == "close")


class _Lateness:
    """Counts the scans of a period that came to the centre later than the policy allows."""

    def __init__(self, outcomes: SiteOutcomes, within_ms: int, period: Period) -> None:
        self._outcomes, self._within_ms, self._period = outcomes, within_ms, period
        self.late = 0

    def watched(self, events: Iterator[Event]) -> Iterator[Event]:
        for event in events:
            if event.kind == "scan" and event.is_timed and self._period.from_ms <= event.at_ms < self._period.to_ms:
                came_ms = self._outcomes.arrivals(event)[STORED].at_ms
                self.late += came_ms is not None and came_ms - event.at_ms > self._within_ms
            yield event


def _boxes(tx: Tx) -> list[BoxFacts]:
    said = words_of(tx)
    retired = {
        (site, box): (reason, successor)
        for site, box, reason, successor in tx.execute("SELECT site, box, reason, successor FROM retired")
    }
    found = []
    for site, box, online, seen_ms in tx.execute(
        "SELECT site, box, online, last_seen_ms FROM box ORDER BY site, box"
    ).fetchall():
        name = BoxName(site, box)
        reason, successor = retired.get((site, box), ("", ""))
        info, health = (said.get((name, channel), ({}, 0))[0] for channel in (Channel.INFO, Channel.HEALTH))
        found.append(BoxFacts(name, info, health, bool(online), seen_ms, successor, reason))
    return found
