"""Outages: notices when the way to the centre is interrupted, and has it recorded as evidence (S3-11, S4-20)."""

import time
from collections.abc import Callable
from typing import Final

from yaoma.core.command import Append
from yaoma.core.deed import interrupted
from yaoma.core.record import Stamp
from yaoma.service.uplink_state import UplinkState

__all__ = ["Outages"]

#: A shorter gap is a reconnect and no evidence of anything.
WORTH_S: Final = 120.0


class Outages:
    """Watches the way to the centre. Call `look` every now and then from one thread.

    Args:
        state: Gives the state of the way to the centre.
        clock: Gives the time.
        append: Has an entry recorded.
        monotonic: Seconds that never go back.
    """

    def __init__(
        self,
        state: Callable[[], UplinkState],
        clock: Callable[[], Stamp],
        append: Callable[[Append], object],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._state = state
        self._clock = clock
        self._append = append
        self._monotonic = monotonic
        self._begin: Stamp | None = None
        self._begin_s = 0.0
        self._most_waiting = 0
        self._cause = ""

    def look(self) -> None:
        """See whether the line went or came back; what was away for long enough is recorded when it is back."""
        state = self._state()
        if not state.is_connected:
            if self._begin is None:
                self._begin, self._begin_s, self._most_waiting = self._clock(), self._monotonic(), 0
            self._most_waiting = max(self._most_waiting, state.pending)
            self._cause = state.trouble or self._cause
            return
        begin, self._begin = self._begin, None
        if begin is None or self._monotonic() - self._begin_s < WORTH_S:
            return
        end = self._clock()
        # By the clock that never jumps: the wall clock may have been set in between.
        begin_ms = end.wall_ms - int((self._monotonic() - self._begin_s) * 1000)
        self._append(Append(interrupted(begin_ms, end.wall_ms, self._most_waiting, self._cause, begin.clock.value)))
        self._cause = ""
