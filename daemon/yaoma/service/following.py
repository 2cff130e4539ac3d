"""Following: gives other programs on the box every scan as it is kept, so that HIS needs no second one (S0-28)."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from yaoma.core.record import Kind, Record
from yaoma.shell.journal import Journal

__all__ = ["Following"]

_MOST_RECORDS: Final = 256
_LONGEST_WAIT_S: Final = 20.0
_LOOK_S: Final = 0.02

#: What a program is told of a scan; nothing that the record does not hold, so nothing of anybody's identity.
_TOLD: Final = (
    "station",
    "scanner",
    "source",
    "operation",
    "ticket",
    "verdict",
    "reason",
    "code",
    "text",
    "aim",
    "lookalike",
    "length",
    "burst",
    "waited_ms",
    "lot",
    "expiry",
)


@dataclass(frozen=True, slots=True)
class Following:
    """Reads the open log for those who follow it.

    Args:
        journal: Gives the open log, or None while there is none.
        is_stopping: Says that the daemon is about to end, so that nobody is kept waiting.
    """

    journal: Callable[[], Journal | None]
    is_stopping: Callable[[], bool] = lambda: False

    def answer(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Give the scans after a place; without one, the place to go on from.

        Args:
            request: `log` and `after` (both as the last answer gave them as `log` and `next`), `station` (all if
                empty), `wait_s` (how long to wait for the first scan, at most 20).

        Raises:
            ValueError: If it can't be understood.
            DatabaseError: If the log can't be read.
        """
        log, after, station = request.get("log", ""), request.get("after"), request.get("station", "")
        wait_s = request.get("wait_s", 0)
        if not isinstance(log, str) or not isinstance(station, str) or not isinstance(wait_s, int | float):
            raise ValueError("log and station are text, wait_s is a number")  # noqa: TRY004 - one error for a bad request
        if after is not None and (type(after) is not int or after < 0):
            raise ValueError("after is a place in the log")
        journal = self.journal()
        if journal is None or after is None:
            return {"log": journal.log if journal else log, "next": journal.size if journal else 0, "scans": []}
        first = after if journal.log == log else 0
        self._wait(journal, first, min(max(0.0, wait_s), _LONGEST_WAIT_S))
        last = min(journal.size, first + _MOST_RECORDS)
        records = [Record.read(body) for body in journal.bodies(first, last)]
        scans = [_told(record) for record in records if record.original().kind == Kind.SCAN]
        return {
            "log": journal.log,
            "next": max(first, last),
            "scans": [scan for scan in scans if not station or scan["station"] == station],
        }

    def _wait(self, journal: Journal, first: int, wait_s: float) -> None:
        until_s = time.monotonic() + wait_s
        while journal.size <= first and time.monotonic() < until_s and not self.is_stopping():
            if self.journal() is not journal:
                return
            time.sleep(_LOOK_S)


def _told(record: Record) -> dict[str, Any]:
    original = record.original()
    told = {name: original.fields[name] for name in _TOLD if name in original.fields}
    return {"seq": record.seq, "wall_ms": original.stamp.wall_ms, "mono_ms": original.stamp.mono_ms, **told}
