"""Conveyor: goes on reading a scanner while whoever takes its symbols is held up."""

import select
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator

from yaoma_drivers.stop import Stop
from yaoma_drivers.symbol import Symbol
from yaoma_drivers.wakeup import Wakeup

__all__ = ["conveyed"]

#: So many scans of a scanner that waits for its answer take minutes.
_MOST = 64
#: A driver ends within a second; the thread ends by itself soon after.
_JOIN_S = 0.8


def conveyed(read: Callable[[Stop], Iterator[Symbol]], stop: Stop, scanner: str) -> Generator[Symbol, None, None]:
    """Yield what `read` yields, which runs in a thread of its own meanwhile.

    A scanner that waits for its answer must be read also while nobody takes symbols, or its scan has no answer
    (SCANNERS.md 1.10).

    Args:
        read: Reads the device until its stop is set.
        stop: Ends it.
        scanner: The configured name of the scanner, for the thread.

    Raises:
        DeviceError: What `read` has raised, after the symbols before it.
    """
    belt = _Belt(read, scanner)
    try:
        while True:
            select.select([belt.filled.fileno(), stop.fileno()], [], [])
            if stop.is_set():
                return
            # Not kept in a variable: it may be an identity card, and the next one may come tomorrow.
            while not stop.is_set() and belt.has_symbol():
                yield belt.take()
            if belt.is_over():
                return
    finally:
        belt.end()


class _Belt:
    """The thread and what it has read."""

    def __init__(self, read: Callable[[Stop], Iterator[Symbol]], scanner: str) -> None:
        self.filled = Wakeup()
        self._room = Wakeup()
        self._read = read
        self._symbols: deque[Symbol] = deque()
        self._lock = threading.Lock()
        self._end = Stop()
        self._is_over = False
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name=f"reads-{scanner}", daemon=True)
        self._thread.start()

    def has_symbol(self) -> bool:
        """Tell whether there is something to take; if not, the bell is silent until there is."""
        with self._lock:
            if not self._symbols and not self._is_over:
                self.filled.clear()
            return bool(self._symbols)

    def take(self) -> Symbol:
        """Return the oldest symbol."""
        with self._lock:
            self._room.ring()
            return self._symbols.popleft()

    def is_over(self) -> bool:
        """Tell whether nothing more will come; raise what ended it."""
        with self._lock:
            if self._is_over and not self._symbols and self._error is not None:
                raise self._error
            return self._is_over and not self._symbols

    def end(self) -> None:
        """End the thread and forget what nobody took."""
        self._end.set()
        self._thread.join(_JOIN_S)
        with self._lock:
            self._symbols.clear()

    def _run(self) -> None:
        try:
            for symbol in self._read(self._end):
                self._put(symbol)
                del symbol
        except Exception as error:  # noqa: BLE001 - whatever it is, it is raised again where the symbols are taken
            self._error = error
        with self._lock:
            self._is_over = True
            self.filled.ring()

    def _put(self, symbol: Symbol) -> None:
        while not self._end.is_set():
            with self._lock:
                if len(self._symbols) < _MOST:
                    self._symbols.append(symbol)
                    self.filled.ring()
                    return
                self._room.clear()
            select.select([self._room.fileno(), self._end.fileno()], [], [])
