"""Recheck: holds what lies on the shelf against a list that has changed; what it denies is quarantined (S1-13)."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from yaoma.core.allowlist import Allowlist, Denial
from yaoma.core.code import CodeError, TraceCode, from_key
from yaoma.core.command import Command, Hold, Settle
from yaoma.core.deed import PACKS_AT_ONCE
from yaoma.core.pack import IN_HAND
from yaoma.core.projection import EMERGENCY
from yaoma.core.reservation import is_practice
from yaoma.service.work import Answer, Request
from yaoma.shell.database import DatabaseError
from yaoma.shell.site_ledger import SiteLedger

__all__ = ["Recheck"]

log = logging.getLogger("yaoma.recheck")

#: So many packs are looked at in one go; a few milliseconds that the counter may have to wait.
_STEP: Final = 200
_PAUSE_S: Final = 0.02
_RETRY_S: Final = 30.0
_STOP_S: Final = 10.0


class Recheck:
    """Looks after the packs in stock whenever another list counts. Call `look` every now and then from one thread.

    The walk runs on a thread of its own, in small steps; what it finds goes to the recorder as commands. A pack whose
    ticket was open when the list changed is looked at once more when the ticket has ended: it was judged by the list
    before, and is on the shelf only since.

    Args:
        ledger: What lies on the shelf.
        allowlist: Gives the list that counts now, or None.
        stations: Names of the stations.
        post: Hands a request to the recorder, now or as soon as there is a place; returns at once.
        pause_s: How long it rests between two steps, in seconds.
        retry_s: How long it waits before it begins anew what could not be recorded, in seconds.
    """

    def __init__(
        self,
        ledger: SiteLedger,
        allowlist: Callable[[], Allowlist | None],
        stations: Iterable[str],
        post: Callable[[Request], None],
        *,
        pause_s: float = _PAUSE_S,
        retry_s: float = _RETRY_S,
    ) -> None:
        self._ledger = ledger
        self._allowlist = allowlist
        self._stations = tuple(stations)
        self._post = post
        self._pause_s, self._retry_s = pause_s, retry_s
        self._begun_s = float("-inf")
        self._checked: Allowlist | None = None
        self._open: set[str] = set()
        self._again = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def look(self) -> None:
        """See whether the list has changed, or a ticket has ended that was open at the time; returns at once."""
        if self._stop.is_set() or (self._thread is not None and self._thread.is_alive()):
            return
        allowlist = self._allowlist()
        if allowlist is None:
            return
        try:
            open_now = {ticket.id for one in self._stations if (ticket := self._ledger.open_ticket(one)) is not None}
        except DatabaseError:
            return  # the recorder has the same trouble, and tells it
        is_due = self._again.is_set() and time.monotonic() - self._begun_s >= self._retry_s
        if allowlist is not self._checked or is_due:
            self._again.clear()
            self._begun_s = time.monotonic()
            self._checked, self._open = allowlist, self._open | open_now
            self._begin(self._walk)
        elif ended := self._open - open_now:
            self._open &= open_now
            self._begin(lambda: self._look_at(ended))

    def stop(self, deadline_s: float = _STOP_S) -> None:
        """End a walk; the next start begins it anew.

        Args:
            deadline_s: How long to wait for it, in seconds.
        """
        self._stop.set()
        if self._thread is not None:
            self._thread.join(deadline_s)

    def _begin(self, work: Callable[[], None]) -> None:
        def run() -> None:
            try:
                work()
            except DatabaseError as error:
                log.warning("stock not looked at yet: problem=%s", error.problem)
                self._again.set()

        self._thread = threading.Thread(target=run, name="recheck", daemon=True)
        self._thread.start()

    def _walk(self) -> None:
        self._settle_matched()
        denied = _Denied(self._send)
        after, found = "", 0
        while True:
            packs, after = self._ledger.in_hand(after, _STEP)
            found += self._judge(packs, denied)
            if not after or self._stop.wait(self._pause_s):
                break
        denied.send_rest()
        if found:
            log.warning("packs in stock are denied by the list: packs=%d", found)

    def _look_at(self, tickets: Iterable[str]) -> None:
        denied = _Denied(self._send)
        for ticket in tickets:
            packs = []
            for key in self._ledger.packs_of(ticket):
                seen = self._ledger.seen(key)
                if seen is not None and seen.state in IN_HAND and not is_practice(key):
                    packs.append((key, seen.lot))
            for first in range(0, len(packs), _STEP):
                self._judge(packs[first : first + _STEP], denied)
                self._stop.wait(self._pause_s)
        denied.send_rest()

    def _judge(self, packs: Sequence[tuple[str, str]], denied: "_Denied") -> int:
        allowlist, found = self._allowlist(), 0
        if allowlist is None:
            return 0
        for key, lot in packs:
            code = _code(key, allowlist)
            denial = _denial(code, lot, allowlist) if code is not None else None
            if denial is not None:
                denied.add(key, denial, allowlist.version)
                found += 1
        return found

    def _settle_matched(self) -> None:
        """Close the emergency uses whose code has come into the list or a despatch note since (S2-14)."""
        allowlist = self._allowlist()
        if allowlist is None:
            return
        matched = [
            duty.id
            for duty in self._ledger.duties()
            if duty.kind == EMERGENCY
            and (code := _code(duty.code, allowlist)) is not None
            and allowlist.listing(code).source is not None
            and _denial(code, "", allowlist) is None
        ]
        if matched:
            self._send(Settle(matched, "matched", is_own=True))

    def _send(self, command: Command) -> None:
        self._post(Request(command, self._answered))

    def _answered(self, answer: Answer) -> None:
        """Begin anew if the recorder could not do it just now."""
        if answer.refusal and answer.refusal != "no_such_duty":
            self._again.set()


class _Denied:
    """Gathers denied packs by denial, so that few records name many."""

    def __init__(self, send: Callable[[Command], None]) -> None:
        self._send = send
        self._packs: dict[tuple[Denial, int], list[str]] = {}

    def add(self, key: str, denial: Denial, version: int) -> None:
        packs = self._packs.setdefault((denial, version), [])
        packs.append(key)
        if len(packs) == PACKS_AT_ONCE:
            self._hold(denial, version, packs)
            packs.clear()

    def send_rest(self) -> None:
        for (denial, version), packs in self._packs.items():
            if packs:
                self._hold(denial, version, packs)
        self._packs.clear()

    def _hold(self, denial: Denial, version: int, packs: Sequence[str]) -> None:
        self._send(Hold(tuple(packs), denial.kind.value, denial.note, version))


def _code(key: str, allowlist: Allowlist) -> TraceCode | None:
    try:
        return from_key(key, allowlist.patterns)
    except CodeError:
        return None


def _denial(code: TraceCode, lot: str, allowlist: Allowlist) -> Denial | None:
    """Give why a pack is denied, by the lot that it was received with or the one that the list knows now."""
    return allowlist.denial(code, lot or None) or allowlist.denial(code, allowlist.listing(code).lot)
