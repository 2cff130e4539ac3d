"""ShowGuard: keeps a stranger's `show` off the recorder's thread."""

import logging
import queue
import threading
from typing import Final

from yaoma_drivers.driver import Showing
from yaoma_drivers.signal import Signal
from yaoma_drivers.symbol import Symbol

__all__ = ["ShowGuard"]

log = logging.getLogger("yaoma.driver")

_SHOWS_WAITING: Final = 16


class ShowGuard(threading.Thread):
    """Stands between the recorder and the `show` of a stranger's driver, which may raise or never return.

    Args:
        scanner: The configured name of the scanner.
        driver: The driver.
    """

    def __init__(self, scanner: str, driver: Showing) -> None:
        super().__init__(name=f"show-{scanner}", daemon=True)
        self._scanner = scanner
        self._driver = driver
        self._waiting: queue.Queue[tuple[Symbol, Signal]] = queue.Queue(_SHOWS_WAITING)
        self._failed = False

    def show(self, symbol: Symbol, signal: Signal) -> None:
        """Hand on a verdict; what the driver is slow to take is lost."""
        if self.ident is None:
            self.start()
        try:
            self._waiting.put_nowait((symbol, signal))
        except queue.Full:
            log.warning("scanner does not take verdicts: scanner=%s", self._scanner)

    def run(self) -> None:
        """Call the driver until the process ends."""
        while True:
            symbol, signal = self._waiting.get()
            try:
                self._driver.show(symbol, signal)
            except BaseException as error:  # noqa: BLE001 - a stranger's code may raise anything
                if not self._failed:
                    log.error(  # noqa: TRY400 - the words of the error may quote what was scanned
                        "driver failed to show a verdict: scanner=%s error=%s", self._scanner, type(error).__name__
                    )
                self._failed = True
            # Nothing here holds on to a symbol until the next one.
            del symbol
