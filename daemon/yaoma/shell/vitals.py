"""Vitals: what a box says of itself to metrics and on its health topic; no code and no person is in it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from yaoma.core.reason import Reason, VerdictClass
from yaoma.core.record import ClockState

__all__ = ["Nature", "Port", "Scanner", "Show", "Vitals", "nature_of"]


class Nature(StrEnum):
    """What a verdict speaks of; technical faults and suspicion are never added up (DESIGN.md 2, SCANNERS.md 0.5)."""

    ACCEPTED = "accepted"
    REPEAT = "repeat"
    TECHNICAL = "technical"  # the read, the code printed there, or the wrong code
    UNCHECKED = "unchecked"  # the box itself could not tell: list or clock
    SUSPICION = "suspicion"  # the pack


_BY_CLASS = {
    VerdictClass.PASS: Nature.ACCEPTED,
    VerdictClass.REPEAT: Nature.REPEAT,
    VerdictClass.FAULT: Nature.TECHNICAL,
}
_UNCHECKED = frozenset({Reason.LIST_MISSING, Reason.LIST_STALE, Reason.CLOCK_UNTRUSTED})


def nature_of(verdict: str, reason: str) -> Nature:
    """Say what a verdict speaks of.

    Args:
        verdict: Its class.
        reason: Its reason's id.
    """
    known = _BY_CLASS.get(VerdictClass(verdict)) if verdict in set(VerdictClass) else Nature.UNCHECKED
    if known is not None:
        return known
    return Nature.UNCHECKED if reason in _UNCHECKED else Nature.SUSPICION


@dataclass(frozen=True, slots=True)
class Scanner:
    """How a scanner does.

    Args:
        is_working: It is open.
        read: How many symbols it has delivered since the start.
    """

    is_working: bool
    read: int


@dataclass(frozen=True, slots=True)
class Show:
    """How an indicator does.

    Args:
        dropped: Scans since the start that it never showed because newer ones came.
        is_stuck: It has been at one scan for too long.
        problem: Why it shows nothing, an id; empty if all is well.
    """

    dropped: int
    is_stuck: bool
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Port:
    """How the way to a till does.

    Args:
        problem: Why the till gets nothing, an id; empty if all is well.
        sent: Codes since the start that it has taken.
        failed: Codes since the start that did not reach it.
    """

    problem: str
    sent: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """One look.

    Args:
        site: The institution's code.
        box: The device id.
        version: The software's version.
        safe_mode: Only built-in drivers are used.
        is_on_last_good: The last good configuration is used because the new one can't be.
        cause: Why the box is out of service, or empty.
        scans: Scans of this day by class and reason, repeats too; None if they can't be read now.
        records: Number of records in the open log.
        signed_upto: The size of its newest checkpoint.
        stored_upto: The bridge has all its places below.
        pending: Records that the bridge has not confirmed, in all logs.
        oldest_age_ms: Age of the oldest of them, or None if there is none.
        receipts_upto: Number of the last receipt that was followed.
        refused_receipts: Receipts since the start that were forged or foreign.
        tasks: Open tasks, or None if they can't be read now.
        is_connected: The broker has accepted us.
        link_trouble: The worst of what stands in the way, or empty.
        is_taken_over: Another box has lately used this identity.
        scanners: By name.
        shows: By indicator.
        ports: By station.
        disk_free_bytes: What the daemon may still use.
        is_disk_low: It is time to say so.
        clock: How far the clock can be trusted.
        list_version: The list in use, or None.
        list_age_ms: Time since it was signed, or None.
        list_left_ms: Time until it expires, negative if it has; None without a list.
        temperature_c: Of the board's hottest zone, or None where the kernel names none.
        commit_bounds_s: Bounds of the buckets of `commits`, in seconds.
        commits: How many commits since the start took so long, by bucket.
        commits_s: How long they took together, in seconds.
    """

    site: str
    box: str
    version: str
    safe_mode: bool = False
    is_on_last_good: bool = False
    cause: str = ""
    scans: Mapping[tuple[str, str], int] | None = field(default_factory=dict)
    records: int = 0
    signed_upto: int = 0
    stored_upto: int = 0
    pending: int = 0
    oldest_age_ms: int | None = None
    receipts_upto: int = 0
    refused_receipts: int = 0
    tasks: int | None = 0
    is_connected: bool = False
    link_trouble: str = ""
    is_taken_over: bool = False
    scanners: Mapping[str, Scanner] = field(default_factory=dict)
    shows: Mapping[str, Show] = field(default_factory=dict)
    ports: Mapping[str, Port] = field(default_factory=dict)
    disk_free_bytes: int = 0
    is_disk_low: bool = False
    clock: ClockState = ClockState.UNTRUSTED
    list_version: int | None = None
    list_age_ms: int | None = None
    list_left_ms: int | None = None
    temperature_c: int | None = None
    commit_bounds_s: tuple[float, ...] = ()
    commits: tuple[int, ...] = (0,)
    commits_s: float = 0.0

    def natures(self) -> dict[Nature, int]:
        """Add up the day's scans by what they speak of."""
        total = dict.fromkeys(Nature, 0)
        for (verdict, reason), number in (self.scans or {}).items():
            total[nature_of(verdict, reason)] += number
        return total
