"""Reader: one thread per scanner; symbols into the queue, nothing else. A device that goes comes back by itself."""

import logging
import queue
import threading
import time
from dataclasses import dataclass, replace

from yaoma.service.watch import Heart
from yaoma.service.work import Item
from yaoma_drivers.driver import Driver
from yaoma_drivers.errors import DeviceError
from yaoma_drivers.stop import Stop
from yaoma_drivers.symbol import Symbol

__all__ = ["HAND_OVER_S", "Reader", "ScannerState"]

log = logging.getLogger("yaoma.reader")

_FIRST_WAIT_S = 0.25
_LONGEST_WAIT_S = 5.0
_STOP_LOOK_S = 0.2

#: Longer than this no symbol waits for a recorder that works.
HAND_OVER_S = 30.0

#: A driver that has run so long without losing its device has it; it gives no other sign before the first symbol.
_HAS_DEVICE_S = 1.0


@dataclass(frozen=True, slots=True)
class ScannerState:
    """How a scanner does.

    Args:
        scanner: Its configured name.
        working: It is open, or was never seen to fail.
        reason: The driver's reason id while it does not work.
        read: How many symbols it has delivered.
    """

    scanner: str
    working: bool = True
    reason: str = ""
    read: int = 0


class Reader(threading.Thread):
    """Reads one scanner until it is told to stop.

    Args:
        scanner: The scanner's configured name.
        driver: Its driver.
        symbols: Where symbols go; when it is full the reader waits, and the kernel or the line buffers.
        stop: Ends it.
        heart: Rests while the driver waits for its device, and is late if a symbol can't be handed over.
    """

    def __init__(
        self,
        scanner: str,
        driver: Driver,
        symbols: "queue.Queue[Item]",
        stop: Stop,
        heart: Heart | None = None,
    ) -> None:
        super().__init__(name=f"reader-{scanner}", daemon=False)
        self.driver = driver
        self.state = ScannerState(scanner)
        self.failure: Exception | None = None
        self._symbols = symbols
        self._stop_event = stop
        self._heart = heart or Heart(scanner, HAND_OVER_S)
        self._tries = 0
        self._began_s: float | None = None
        self._lock = threading.Lock()

    def run(self) -> None:
        """Read; after a loss wait and open again."""
        wait_s = _FIRST_WAIT_S
        try:
            while not self._stop_event.is_set():
                self._began_s = time.monotonic()
                # A driver gives no sign while its device is quiet.
                self._heart.rest()
                try:
                    for symbol in self.driver.symbols(self._stop_event):
                        wait_s = _FIRST_WAIT_S
                        self._heart.beat()
                        self._came_back()
                        self._put(symbol)
                        # Whatever it is, it may be an identity card: nothing here holds on to it until the next scan.
                        del symbol
                        self._heart.rest()
                except DeviceError as error:
                    self._went(error)
                    self._stop_event.wait(wait_s)
                    wait_s = min(wait_s * 2, _LONGEST_WAIT_S)
        except Exception as error:  # a driver of a third party may raise anything; the supervisor must hear of it
            log.exception("reader failed: scanner=%s", self.state.scanner)
            self.failure = error

    def look(self) -> None:
        """Notice that the device is back although nothing was scanned yet; the supervisor calls this now and then."""
        began_s = self._began_s
        if began_s is not None and time.monotonic() - began_s > _HAS_DEVICE_S:
            self._came_back()

    def _put(self, symbol: Symbol) -> None:
        while not self._stop_event.is_set():
            try:
                self._symbols.put(symbol, timeout=_STOP_LOOK_S)
            except queue.Full:
                continue
            with self._lock:
                self.state = replace(self.state, read=self.state.read + 1)
            return

    def _went(self, error: DeviceError) -> None:
        with self._lock:
            self._began_s = None
            self._tries += 1
            if not self.state.working and self.state.reason == error.reason.value:
                return
            self.state = replace(self.state, working=False, reason=error.reason.value)
        log.warning("scanner lost: scanner=%s reason=%s", self.state.scanner, error.reason.value)

    def _came_back(self) -> None:
        with self._lock:
            if self.state.working:
                return
            tries, self._tries = self._tries, 0
            self.state = replace(self.state, working=True, reason="")
        log.warning("scanner back: scanner=%s tries=%d", self.state.scanner, tries)
