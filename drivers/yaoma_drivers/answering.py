"""Answering: tells one scanner its verdicts, from a thread of its own."""

import select
import threading
import time
from types import TracebackType
from typing import Protocol, Self

from yaoma_drivers.answer_book import AnswerBook
from yaoma_drivers.show_queue import ShowQueue
from yaoma_drivers.signal import Signal
from yaoma_drivers.stop import Stop
from yaoma_drivers.symbol import Symbol
from yaoma_drivers.wakeup import Wakeup

__all__ = ["Answering", "Voice"]

#: A driver ends within a second; a device that hangs in a write is left to this thread, which then ends by itself.
_JOIN_S = 0.5


class Voice(Protocol):
    """What makes a scanner beep; used by one thread."""

    @property
    def is_busy(self) -> bool:
        """Whether it still speaks; the next signal waits so long."""
        ...

    def say(self, signal: Signal, until_ms: int) -> None:
        """Begin to tell a signal.

        Args:
            signal: What to tell; one without bytes is told by silence.
            until_ms: When it is worth nothing any more, CLOCK_MONOTONIC in milliseconds.
        """
        ...

    def go_on(self, now_ms: int) -> int | None:
        """Send what can be sent without waiting, and return when to be called again at the latest."""
        ...

    def lines(self) -> list[int]:
        """Return the descriptors that it waits to be able to write to."""
        ...

    def close(self) -> None:
        """Give back what is its own."""
        ...


class Answering:
    """Waits for verdicts, for the scanner's line and for the moment when a scan has waited too long.

    It has a thread of its own because the one that reads may be held up by whoever takes the symbols: just then a
    scanner that waits for its answer needs one (SCANNERS.md 1.10).

    Args:
        scanner: The configured name of the scanner, for the thread.
        shows: Where verdicts come in.
        voice: How the scanner is told; closed by the thread at its end.
        within_ms: After how long a scan without verdict is answered with OUT_OF_SERVICE, in milliseconds; None if the
            scanner does not wait, and verdicts are told whenever they come.
        reply_timeout_ms: How long an answer may take to be told, in milliseconds.
    """

    def __init__(
        self, scanner: str, shows: ShowQueue, voice: Voice, *, within_ms: int | None, reply_timeout_ms: int
    ) -> None:
        self._shows = shows
        self._voice = voice
        self._reply_timeout_ms = reply_timeout_ms
        self._book = AnswerBook(within_ms) if within_ms is not None else None
        self._lock = threading.Lock()
        self._end = Stop()
        self._bell = Wakeup()
        self._thread = threading.Thread(target=self._run, name=f"answers-{scanner}", daemon=True)

    def scanned(self, symbol: Symbol) -> None:
        """Note that a symbol is about to be handed over; its answer is due from now on."""
        if self._book is not None:
            with self._lock:
                self._book.scanned(symbol)
            self._bell.ring()

    def wake(self) -> None:
        """Have the voice go on at once: it has something to send that is no verdict."""
        self._bell.ring()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._thread.join(_JOIN_S)

    def _run(self) -> None:
        try:
            while not self._end.is_set():
                # Cleared before anything is looked at, so that a later ring is never lost.
                self._bell.clear()
                if not self._voice.is_busy:
                    self._begin()
                self._wait(self._voice.go_on(_now_ms()))
        finally:
            self._voice.close()

    def _wait(self, due_ms: int | None) -> None:
        deadlines_ms = [] if due_ms is None else [due_ms]
        heard: list[Stop | Wakeup | ShowQueue] = [self._end, self._bell]
        if not self._voice.is_busy:
            heard.append(self._shows)
            deadlines_ms += self._overdue_at()
        wait_s = max(0, min(deadlines_ms) - _now_ms()) / 1000 if deadlines_ms else None
        select.select(heard, self._voice.lines(), [], wait_s)

    def _begin(self) -> None:
        """Begin to tell the next thing that is worth it: a scan that has waited too long goes first."""
        now_ms = _now_ms()
        if self._is_overdue(now_ms):
            self._voice.say(Signal.OUT_OF_SERVICE, now_ms + self._reply_timeout_ms)
            return
        while shown := self._shows.take():
            until_ms = shown.asked_mono_ms + self._reply_timeout_ms
            if self._book is not None:
                if not self._is_awaited(shown.symbol):
                    continue
                until_ms = now_ms + self._reply_timeout_ms
            if now_ms < until_ms:
                self._voice.say(shown.signal, until_ms)
                return

    def _is_overdue(self, now_ms: int) -> bool:
        with self._lock:
            return self._book is not None and self._book.is_overdue(now_ms)

    def _is_awaited(self, symbol: Symbol) -> bool:
        with self._lock:
            return self._book is not None and self._book.answered(symbol)

    def _overdue_at(self) -> list[int]:
        with self._lock:
            due_ms = self._book.due_ms if self._book is not None else None
        return [] if due_ms is None else [due_ms]


def _now_ms() -> int:
    return time.monotonic_ns() // 1_000_000
