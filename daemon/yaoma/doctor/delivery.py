"""Delivery: what the bridge has not confirmed, for how long, and whether anything contradicts it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from yaoma.core.canonical import canonical
from yaoma.core.record import Record, RecordError, Stamp
from yaoma.doctor.finding import Fact, Finding, Group, ok, trouble, warning
from yaoma.shell.closed_log import ClosedLog
from yaoma.shell.database import DatabaseError
from yaoma.shell.site_anchor import anchors

__all__ = ["Pending", "check_delivery", "pending_of", "pending_on_disk", "true_health"]

_DELIVERY: Final = Group.DELIVERY
_HOUR_MS: Final = 3_600_000
_DAY_MS: Final = 24 * _HOUR_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """How delivery stands.

    Args:
        log: The open log, or empty.
        size: Number of its records.
        stored_upto: The bridge has all places below.
        oldest_ms: Wall time of the oldest record that the bridge has not confirmed, or None.
        refused_receipts: Receipts that were forged or foreign since the start.
        is_taken_over: Another box has lately used this identity.
        is_forked: The bridge knows another history of the log.
        tasks: Refusals of platforms that a person has to settle.
    """

    log: str = ""
    size: int = 0
    stored_upto: int = 0
    oldest_ms: int | None = None
    refused_receipts: int = 0
    is_taken_over: bool = False
    is_forked: bool = False
    tasks: int = 0

    @property
    def number(self) -> int:
        """How many records wait."""
        return max(0, self.size - self.stored_upto)


def pending_of(status: Mapping[str, Any]) -> Pending:
    """Take it from the running daemon's answer.

    Args:
        status: As `yaoma status --json` has it.
    """
    uplink, journal = status["uplink"], status["journal"]
    stored_upto = int(uplink["stored_upto"])
    return Pending(
        log=str(journal["log"]),
        size=stored_upto + int(uplink["pending"]),
        stored_upto=stored_upto,
        oldest_ms=uplink["oldest_ms"],
        refused_receipts=int(uplink["refused_receipts"]),
        is_taken_over=bool(uplink["is_taken_over"]),
        is_forked=uplink["trouble"] == "uplink.forked",
        tasks=len(status["tasks"]),
    )


def pending_on_disk(folder: Path) -> Pending:
    """Read it from the files while the daemon does not run; what can't be read is the journal check's affair.

    Args:
        folder: The state folder.
    """
    try:
        log = ClosedLog(folder / "journal.db")
    except DatabaseError:
        return Pending()
    try:
        known = anchors(folder / "site.db").get(log.log)
        stored_upto = min(known.size, log.size) if known else 0
        oldest = None
        if stored_upto < log.size:
            oldest = Record.read(log.bodies(stored_upto, stored_upto + 1)[0]).stamp.wall_ms
        return Pending(log=log.log, size=log.size, stored_upto=stored_upto, oldest_ms=oldest)
    except (DatabaseError, RecordError, IndexError):
        return Pending()
    finally:
        log.close()


def check_delivery(pending: Pending, now_ms: int) -> list[Finding]:
    """Judge it.

    Args:
        pending: How delivery stands.
        now_ms: The wall clock, milliseconds since 1970.
    """
    findings = []
    if pending.is_taken_over:
        findings.append(trouble(_DELIVERY, "uplink.taken_over"))
    if pending.is_forked:
        findings.append(trouble(_DELIVERY, "uplink.forked"))
    if pending.refused_receipts:
        findings.append(trouble(_DELIVERY, "doctor.receipts_refused", number=pending.refused_receipts))
    age_ms = 0 if pending.oldest_ms is None else max(0, now_ms - pending.oldest_ms)
    facts: dict[str, Fact] = {"number": pending.number, "hours": age_ms // _HOUR_MS, "stored": pending.stored_upto}
    if age_ms > _DAY_MS:
        findings.append(trouble(_DELIVERY, "doctor.undelivered_long", **facts))
    elif age_ms > _HOUR_MS:
        findings.append(warning(_DELIVERY, "doctor.undelivered", **facts))
    if pending.tasks:
        findings.append(warning(_DELIVERY, "doctor.tasks_open", number=pending.tasks))
    return findings or [ok(_DELIVERY, "doctor.delivered", **facts)]


def true_health(pending: Pending, now: Stamp) -> bytes:
    """Say how the box fares, as the daemon would while it stands still (asyncapi.yaml, health).

    Args:
        pending: How delivery stands.
        now: The time.
    """
    return canonical(
        {
            "pending": pending.number,
            "oldest_ms": None if pending.oldest_ms is None else max(0, now.wall_ms - pending.oldest_ms),
            "stored_upto": pending.stored_upto,
            "size": pending.size,
            # No mark: the bridge sends receipts again only when a birth asks for them.
            "receipts": {"epoch": 0, "upto": 0},
            "clock": now.clock.value,
        }
    )
