"""Listens to a scanner through its own driver, for a technician: what it reads is neither judged nor recorded."""

import queue
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Final

from pydantic import BaseModel

from yaoma.cli.report import CommandError
from yaoma_drivers import registry
from yaoma_drivers.driver import Driver, Showing
from yaoma_drivers.errors import DeviceError, DriverError
from yaoma_drivers.signal import Signal
from yaoma_drivers.stop import Stop
from yaoma_drivers.symbol import Symbol

__all__ = ["Listening", "listening"]

#: So long the line stays open for the last answer: closing drops what has not gone out.
_LAST_ANSWER_S: Final = 0.3


class Listening:
    """A scanner that is open.

    Args:
        driver: Its driver, which runs in a thread of its own.
        came: What the thread hands over; None is the end.
    """

    def __init__(self, driver: Driver, came: "queue.Queue[Symbol | DeviceError | None]") -> None:
        self.has_answered = False
        self._driver = driver
        self._came = came

    def next(self, wait_s: float | None) -> Symbol | None:
        """Wait for a symbol; None if none came in time, or the driver has ended.

        Args:
            wait_s: How long, in seconds; None waits for ever.

        Raises:
            DeviceError: If the scanner can't be opened, or went.
        """
        try:
            item = self._came.get(timeout=wait_s)
        except queue.Empty:
            return None
        if isinstance(item, DeviceError):
            raise item
        return item

    def taken(self, symbol: Symbol) -> None:
        """Let the scanner beep, if it can: one that waits for its answer would be deaf until then."""
        if isinstance(self._driver, Showing):
            self.has_answered = True
            self._driver.show(symbol, Signal.PASS)


@contextmanager
def listening(scanner: str, driver: str, options: BaseModel) -> Iterator[Listening]:
    """Open a scanner as the daemon would, as long as the context lasts.

    Args:
        scanner: The scanner's name.
        driver: The driver's name.
        options: An object of the driver's own `Options`.

    Raises:
        CommandError: If there is no such driver.
    """
    try:
        made = registry.load(driver)(scanner, options)
    except DriverError as error:
        raise CommandError(str(error)) from error
    came: queue.Queue[Symbol | DeviceError | None] = queue.Queue()

    def run() -> None:
        try:
            for symbol in made.symbols(stop):
                came.put(symbol)
        except DeviceError as error:
            came.put(error)
        came.put(None)

    with closing(Stop()) as stop:
        thread = threading.Thread(target=run, name="scanner", daemon=True)
        thread.start()
        opened = Listening(made, came)
        try:
            yield opened
        finally:
            if opened.has_answered:
                time.sleep(_LAST_ANSWER_S)
            stop.set()
            thread.join()
