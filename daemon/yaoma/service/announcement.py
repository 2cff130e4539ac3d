"""Announcements: what the box says of itself on status, info and health (DESIGN.md 8)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from yaoma.core.canonical import Json, canonical
from yaoma.core.merkle import Frontier
from yaoma.core.record import Stamp
from yaoma_link.batch import ReceiptMark
from yaoma_link.state import StateMark

__all__ = ["OFFLINE", "STOPPED", "Facts", "birth", "health"]

#: The last will: the broker says this when we vanish.
OFFLINE = canonical({"state": "offline"})
#: The farewell of an orderly stop.
STOPPED = canonical({"state": "stopped"})


@dataclass(frozen=True, slots=True)
class Facts:
    """What the box knows about itself, asked for whenever it is said.

    Args:
        version: The software's version.
        stamp: The time by both clocks, the boot, and how far the clock can be trusted.
        info: Fields of `info`: model, scanners, list and policy version.
        health: Fields of `health` that the uploader does not know: disk, rates, temperature.
    """

    version: str
    stamp: Callable[[], Stamp]
    info: Callable[[], Mapping[str, Json]]
    health: Callable[[], Mapping[str, Json]]


def birth(
    facts: Facts,
    log: str,
    previous: str,
    head: Frontier,
    mark: ReceiptMark,
    *,
    stored_upto: int,
    state_upto: StateMark | None = None,
) -> bytes:
    """Say that the box is there, and how its log stands.

    Args:
        facts: What the box knows about itself.
        log: The log that it writes now.
        previous: The log before it, or an empty string.
        head: The log's frontier.
        mark: How far it has followed the receipts; the bridge sends again what comes after.
        stored_upto: The bridge has said, and the box has proved, that all places of the log below are stored: a
            bridge that has less was restored, whatever the numbers of its receipts say.
        state_upto: How far it has followed the state messages; None if it takes none.
    """
    now = facts.stamp()
    told = {} if state_upto is None else {"state_upto": {"epoch": state_upto.epoch, "upto": state_upto.upto}}
    return canonical(
        {
            **told,
            "state": "online",
            "boot": now.boot,
            "log": log,
            "previous": previous,
            "size": head.size,
            "root": head.root().hex(),
            "stored_upto": stored_upto,
            "receipts": {"epoch": mark.epoch, "upto": mark.upto},
            "version": facts.version,
            "clock": now.clock.value,
        }
    )


def health(
    facts: Facts, *, pending: int, oldest: Stamp | None, stored_upto: int, size: int, mark: ReceiptMark
) -> bytes:
    """Say how the box fares.

    Args:
        facts: What the box knows about itself.
        pending: Number of records that the bridge has not confirmed.
        oldest: When the oldest of them was made, or None.
        stored_upto: The bridge has all places of the open log below.
        size: Number of records in the open log.
        mark: How far the receipts were followed: where the last one was lost, nothing else would tell.
    """
    now = facts.stamp()
    return canonical(
        {
            **facts.health(),
            "pending": pending,
            "oldest_ms": None if oldest is None else _age_ms(oldest, now),
            "stored_upto": stored_upto,
            "size": size,
            "receipts": {"epoch": mark.epoch, "upto": mark.upto},
            "clock": now.clock.value,
        }
    )


def _age_ms(then: Stamp, now: Stamp) -> int:
    # within one boot the monotonic clock is right even while the wall clock is not
    return max(0, now.mono_ms - then.mono_ms if then.boot == now.boot else now.wall_ms - then.wall_ms)
