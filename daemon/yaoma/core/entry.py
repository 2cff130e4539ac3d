"""The entries that a box writes about its own log: opened, closed, started, clock changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from yaoma.core.canonical import Json
from yaoma.core.record import Entry, Kind, Stamp

__all__ = ["CloseReason", "OpenReason", "Predecessor", "clock_changed", "closed", "opened", "started"]


class OpenReason(StrEnum):
    """Why a log begins."""

    NEW = "new"  # there is no earlier log on this card
    FORKED = "forked"  # the bridge knows another history of the log before it
    DAMAGED = "damaged"  # the file of the log before it can't be read in full
    SHRUNK = "shrunk"  # the log before it is shorter than it was
    IDENTITY = "identity"  # the card now serves another box or site
    GROWN = "grown"  # the log before it reached its limit


class CloseReason(StrEnum):
    """Why a log ends; the new one gives the same reason."""

    FORKED = "forked"
    SHRUNK = "shrunk"
    IDENTITY = "identity"
    GROWN = "grown"


@dataclass(frozen=True, slots=True)
class Predecessor:
    """The log before a new one.

    Args:
        log: Its id, or None if the damage hides it.
        size: How many records it is known to have had.
        checkpoint: Its last signed checkpoint, or None if none can be read.
        gap: Runs of places (from, to) that could not be read.
    """

    log: str | None
    size: int
    checkpoint: str | None
    gap: Sequence[tuple[int, int]] = ()


def opened(site: str, box: str, version: str, reason: OpenReason, previous: Predecessor | None) -> Entry:
    """Say that a log begins; its first record (DESIGN.md 6).

    Args:
        site: The institution's code.
        box: The device id.
        version: The software's version.
        reason: Why.
        previous: The log before it, or None.
    """
    before: Json = None
    if previous is not None:
        before = {
            "log": previous.log,
            "size": previous.size,
            "checkpoint": previous.checkpoint,
            "gap": [list(span) for span in previous.gap],
        }
    return Entry(
        Kind.OPEN,
        {
            "site": site,
            "box": box,
            "version": version,
            "reason": reason.value,
            "tree": "rfc6962-sha256",
            "previous": before,
        },
    )


def closed(reason: CloseReason, tail: int) -> Entry:
    """Say that a log ends; nothing follows.

    Args:
        reason: Why.
        tail: The place from which on the next log copies the records; the log's size if it copies none.
    """
    return Entry(Kind.CLOSE, {"reason": reason.value, "tail": tail})


def started(version: str, boot_id: str, config: str, scanners: Sequence[str]) -> Entry:
    """Say that the daemon started.

    Args:
        version: The software's version.
        boot_id: The kernel's boot id in full, so that the record can be joined with the system's own log.
        config: SHA-256 of the configuration file in hexadecimal.
        scanners: Names of the configured scanners.
    """
    return Entry(Kind.START, {"version": version, "boot_id": boot_id, "config": config, "scanners": list(scanners)})


def clock_changed(before: Stamp, now: Stamp) -> Entry:
    """Say that the clock's state changed, or that the clock was moved.

    Args:
        before: The last stamp by the old clock.
        now: The first stamp by the new one, of the same boot; `shift_ms` is what must be added to earlier wall times
            of this boot to restate them.
    """
    shift_ms = (now.wall_ms - now.mono_ms) - (before.wall_ms - before.mono_ms)
    return Entry(Kind.CLOCK, {"was": before.clock.value, "now": now.clock.value, "shift_ms": shift_ms})
