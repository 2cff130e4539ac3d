"""Port worker: hands codes on to one till; a till that sleeps, is slow or is unplugged holds up nobody."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from yaoma_drivers.port import RETRY_S, PortDriver, PortFailed, PortReason

__all__ = ["BEHIND", "FULL", "HALF_SENT", "LATE", "Passage", "PortState", "PortWorker"]

log = logging.getLogger("yaoma.pass_on")

#: Why a code did not reach the till, besides the reasons of a port; ids of the catalogue's section `pass_on`.
HALF_SENT: Final = "half_sent"  # a part of it may stand in the till's window
BEHIND: Final = "behind"  # it waited behind one of which a part may stand there
LATE: Final = "late"  # it waited so long that the till's window may be another
FULL: Final = "full"  # too many wait

#: A code that has waited longer than this is not typed any more: the cashier has gone on to something else.
STALE_AFTER_S: Final = 5.0

#: A port that is at one code for longer than its time-out and this is called stuck.
_STUCK_AFTER_S: Final = 30.0
_PLACES: Final = 16

#: What another try to open the device may put right; of a till that sleeps only the next code tells.
_AT_OPENING: Final = frozenset(
    {
        PortReason.ABSENT,
        PortReason.NOT_PERMITTED,
        PortReason.IN_USE,
        PortReason.WRONG_KIND,
        PortReason.FAILED,
    }
)


@dataclass(frozen=True, slots=True)
class Passage:
    """One code on its way to a till.

    Args:
        data: What the till gets; not part of the repr, since it may be anybody's payment code.
        failed: Called on the worker's thread if it does not arrive, with a reason's id and whether a part of it may
            have arrived.
    """

    data: bytes = field(repr=False)
    failed: Callable[[str, bool], None] = field(repr=False)


@dataclass(frozen=True, slots=True)
class PortState:
    """How a port does.

    Args:
        station: Whose it is.
        problem: Why the till gets nothing, an id of the catalogue's section `pass_on`; empty if all is well.
        sent: How many codes it has taken since the start.
        failed: How many did not reach it.
    """

    station: str
    problem: str = ""
    sent: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class _Waiting:
    passage: Passage
    since_s: float


class PortWorker(threading.Thread):
    """A thread of its own for one port; order is kept, nothing is sent twice, nothing is tried again.

    Args:
        station: Whose port it is.
        port: The way to the till.
        timeout_s: How long the till may take nothing, in seconds.
        places: How many codes may wait.
        stale_after_s: What waited longer is not sent.
        retry_s: How often a device that could not be opened is tried again, in seconds.
    """

    def __init__(
        self,
        station: str,
        port: PortDriver,
        *,
        timeout_s: float,
        places: int = _PLACES,
        stale_after_s: float = STALE_AFTER_S,
        retry_s: float = RETRY_S,
    ) -> None:
        # A port that hangs for good must not keep the program from ending.
        super().__init__(name=f"port-{station}", daemon=True)
        self.state = PortState(station)
        self._port = port
        self._timeout_s = timeout_s
        self._places = places
        self._stale_after_s = max(stale_after_s, 2 * timeout_s)
        self._retry_s = retry_s
        self._waiting: deque[_Waiting] = deque()
        self._news = threading.Condition()
        self._ended = False
        self._is_to_open = True
        self._begun_s: float | None = None

    def offer(self, passage: Passage) -> None:
        """Have a code sent soon; returns at once, whatever the till does."""
        with self._news:
            is_full = len(self._waiting) >= self._places
            if not is_full:
                self._waiting.append(_Waiting(passage, time.monotonic()))
                self._news.notify()
        if is_full:
            self._lost(passage, FULL)

    @property
    def problem(self) -> str:
        """Why the till gets nothing, an id of the catalogue's section `pass_on`, or `stuck`; empty if all is well."""
        return "stuck" if self.is_stuck else self.state.problem

    @property
    def is_stuck(self) -> bool:
        """Whether the port is at one code for far longer than it may be."""
        begun_s = self._begun_s
        return begun_s is not None and time.monotonic() - begun_s > self._timeout_s + _STUCK_AFTER_S

    def stop(self, timeout_s: float) -> bool:
        """Send what waits, then end.

        Args:
            timeout_s: How long to wait for that.

        Returns:
            Whether it ended; a port that hangs is left behind.
        """
        with self._news:
            self._ended = True
            self._news.notify()
        if self.ident is not None:
            self.join(timeout_s)
        return not self.is_alive()

    def run(self) -> None:
        """Send code after code until `stop`."""
        wait_s: float | None = 0.0
        while not self._is_over(wait_s):
            self._send_next()
            wait_s = self._step()
        self._port.close()

    def _is_over(self, wait_s: float | None) -> bool:
        with self._news:
            if not self._waiting and not self._ended:
                self._news.wait(wait_s)
            return self._ended and not self._waiting

    def _send_next(self) -> None:
        with self._news:
            if not self._waiting:
                return
            first = self._waiting.popleft()
        passage, waited_s = first.passage, time.monotonic() - first.since_s
        if waited_s > self._stale_after_s:
            self._lost(passage, LATE)
            return
        self._begun_s = time.monotonic()
        try:
            self._port.send(passage.data, self._timeout_s)
        except PortFailed as error:
            self._not_taken(passage, error.reason.value, is_partial=error.is_partial)
        except Exception as error:  # noqa: BLE001 - a port's plug-in may raise anything, and its words might quote the code
            log.error("port failed: station=%s error=%s", self.state.station, type(error).__name__)  # noqa: TRY400 - no words
            self._not_taken(passage, PortReason.FAILED.value, is_partial=True)
        else:
            self.state = replace(self.state, sent=self.state.sent + 1)
            self._note("")
        finally:
            self._begun_s = None

    def _not_taken(self, passage: Passage, reason: str, *, is_partial: bool) -> None:
        if reason != PortReason.UNTYPABLE:
            self._note(reason)
        self._is_to_open = reason in _AT_OPENING
        self._lost(passage, HALF_SENT if is_partial else reason, is_partial=is_partial)
        if not is_partial:
            return
        # Whatever is sent now would be joined to the part that stands there.
        with self._news:
            behind = list(self._waiting)
            self._waiting.clear()
        for one in behind:
            self._lost(one.passage, BEHIND)

    def _lost(self, passage: Passage, problem: str, *, is_partial: bool = False) -> None:
        with self._news:
            self.state = replace(self.state, failed=self.state.failed + 1)
        passage.failed(problem, is_partial)

    def _step(self) -> float | None:
        """Open what is not open, let go of what is still held; give when to come again, in seconds, or None."""
        try:
            if self._is_to_open:
                self._port.open()
                self._is_to_open = False
                self._note("")
            return self._port.step()
        except PortFailed as error:
            self._note(error.reason.value)
            self._is_to_open = error.reason in _AT_OPENING
        except Exception as error:  # noqa: BLE001 - as above
            log.error("port failed: station=%s error=%s", self.state.station, type(error).__name__)  # noqa: TRY400 - no words
            self._note(PortReason.FAILED.value)
            self._is_to_open = True
        return self._retry_s

    def _note(self, problem: str) -> None:
        with self._news:
            before, self.state = self.state.problem, replace(self.state, problem=problem)
        if problem and problem != before:
            log.warning("till gets no codes: station=%s reason=%s", self.state.station, problem)
        elif before and not problem:
            log.warning("till gets codes again: station=%s", self.state.station)
