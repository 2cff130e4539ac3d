"""Listener: reads a driver in a thread of its own, as the daemon does, and ends within a deadline."""

import queue
import threading
import time

from yaoma_drivers.driver import Driver
from yaoma_drivers.errors import DriverError
from yaoma_drivers.stop import Stop
from yaoma_drivers.symbol import Symbol

__all__ = ["Listener"]

_DEADLINE_S = 20


class Listener:
    """One thread that iterates over one driver's symbols."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._symbols: queue.Queue[Symbol] = queue.Queue()
        self._error: DriverError | None = None
        self._stop = Stop()
        self._thread = threading.Thread(target=self._run, name="listener")
        self._thread.start()

    def _run(self) -> None:
        try:
            for symbol in self._driver.symbols(self._stop):
                self._symbols.put(symbol)
        except DriverError as error:
            self._error = error

    def next(self) -> Symbol:
        """Return the next symbol; queue.Empty if none comes."""
        return self._symbols.get(timeout=_DEADLINE_S)

    def rest(self) -> list[Symbol]:
        """Return what has come and was not asked for yet."""
        return [self._symbols.get_nowait() for _ in range(self._symbols.qsize())]

    def error(self) -> DriverError | None:
        """Wait until the driver has come to an end by itself and return with what."""
        self._thread.join(_DEADLINE_S)
        assert not self._thread.is_alive()
        return self._error

    def end(self) -> float:
        """Set stop and return how long the driver took to come to its end, in seconds."""
        asked_s = time.monotonic()
        self._stop.set()
        self._thread.join(_DEADLINE_S)
        assert not self._thread.is_alive()
        self._stop.close()
        return time.monotonic() - asked_s
