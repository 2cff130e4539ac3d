"""State receiving: takes the bridge's state messages in order and applies each before it is acknowledged."""

import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from yaoma.core.note import Verifier
from yaoma.shell.database import DatabaseError
from yaoma_link.report import Received
from yaoma_link.state import MergeLine, StateError, StateMark, StateMessage
from yaoma_link.topics import BoxName

__all__ = ["StateReceiving", "StateShelf"]

log = logging.getLogger("yaoma.uploader")

_ALARM_EVERY_MS = 60_000
_RETRY_MS = 5_000
#: A birth says how far we are; one for all that come close together.
_SAY_AFTER_MS = 1_000
_ASK_EVERY_MS = 10_000
_HAND_ON_EVERY_MS = 30_000
_MERGES_AT_ONCE = 100


class StateShelf(Protocol):
    """Where messages are applied; `yaoma.shell.list_news.ListNews` is one."""

    def mark(self) -> StateMark:
        """Give how far they were applied."""
        ...

    def apply(self, message: StateMessage) -> bool:
        """Apply a message if it is the next one."""
        ...

    def merges(self, most: int = ...) -> list[tuple[int, MergeLine]]:
        """Give what other boxes did and nobody has taken yet."""
        ...

    def forget_merges(self, upto: int) -> None:
        """Forget what was taken."""
        ...


class StateReceiving:
    """The state messages' way into the box; all of it runs on the uploader's thread.

    Args:
        box: Who we are.
        verifiers: The bridge's keys.
        shelf: Where messages are applied.
        on_merge: Takes what other boxes of the site did; says whether it is kept, else it is offered again.
    """

    def __init__(
        self,
        box: BoxName,
        verifiers: Sequence[Verifier],
        shelf: StateShelf,
        *,
        on_merge: Callable[[Sequence[MergeLine]], bool] = lambda _: False,
    ) -> None:
        self._box = box
        self._verifiers = tuple(verifiers)
        self._shelf = shelf
        self._on_merge = on_merge
        self._waiting: deque[Received] = deque()
        self._retry_at_ms: int | None = None
        self._say_at_ms: int | None = None
        self._asked_ms: int | None = None
        self._hand_on_at_ms = 0
        self._alarmed_ms: int | None = None
        self.mark = shelf.mark()
        self.refused = 0

    def put(self, received: Received) -> None:
        """Take a message from the session; it is worked off in order of arrival."""
        self._waiting.append(received)

    def connected(self) -> None:
        """Take notice of the birth that goes out with each connection: it says how far we are."""
        self._say_at_ms = None

    def disconnected(self) -> None:
        """Forget what was not acknowledged: broker and bridge send it again."""
        self._waiting.clear()
        self._retry_at_ms = None

    def work(self, now_ms: int) -> list[Received]:
        """Apply what waits, and give what the session may acknowledge."""
        done: list[Received] = []
        if self._retry_at_ms is None or now_ms >= self._retry_at_ms:
            self._retry_at_ms = None
            try:
                while self._waiting:
                    self._take(self._waiting[0], now_ms)
                    done.append(self._waiting.popleft())
                self._hand_on(now_ms)
            except DatabaseError as error:
                log.error("a state message can't be applied, it will be tried again: problem=%s", error)  # noqa: TRY400 - no trace
                self._retry_at_ms = now_ms + _RETRY_MS
        return done

    def says_mark(self, now_ms: int) -> bool:
        """Tell whether a birth must go out now, to say how far we are or to ask for what is lacking."""
        if self._say_at_ms is None or now_ms < self._say_at_ms:
            return False
        self._say_at_ms = None
        return True

    def wake_at_ms(self) -> int | None:
        """Give the time at which something is due, or None."""
        return min((one for one in (self._retry_at_ms, self._say_at_ms) if one is not None), default=None)

    def _take(self, received: Received, now_ms: int) -> None:
        try:
            message = StateMessage.opened(received.payload, self._verifiers)
            if (message.site, message.box) != (self._box.site, self._box.box):
                raise StateError("this state message is for another box")
        except StateError as error:
            self.refused += 1
            if self._alarmed_ms is None or now_ms - self._alarmed_ms >= _ALARM_EVERY_MS:
                log.error("state message refused: problem=%s count=%d", error, self.refused)  # noqa: TRY400 - no trace
                self._alarmed_ms = now_ms
            return
        if self._shelf.apply(message):
            self.mark = StateMark(message.epoch, message.number)
            self._hand_on_at_ms = 0
            self._say_at_ms = self._say_at_ms or now_ms + _SAY_AFTER_MS
            return
        self.mark = self._shelf.mark()
        if StateMark(message.epoch, message.number) <= self.mark:
            # said already, or brought on a stick: the bridge does not know that yet
            self._say_at_ms = self._say_at_ms or now_ms + _SAY_AFTER_MS
        elif self._asked_ms is None or now_ms - self._asked_ms >= _ASK_EVERY_MS:
            self._asked_ms = now_ms
            self._say_at_ms = now_ms

    def _hand_on(self, now_ms: int) -> None:
        if now_ms < self._hand_on_at_ms:
            return
        self._hand_on_at_ms = now_ms + _HAND_ON_EVERY_MS
        # A little at a time: whoever calls has records to deliver and a heart to beat.
        lines = self._shelf.merges(_MERGES_AT_ONCE)
        if lines and self._on_merge([line for _, line in lines]):
            self._shelf.forget_merges(lines[-1][0])
            self._hand_on_at_ms = 0
