"""Reader: one thread per scanner; symbols into the queue, nothing else. A device that goes comes back by itself."""

import logging
import queue
import threading
import time
from collections import deque
from dataclasses import dataclass, replace
from typing import Final

from yaoma.service.containment import Allowance, Broken, DriverBrokeError, contained
from yaoma.service.pace import Pace
from yaoma.service.vigil import Vigil, place_of
from yaoma.service.watch import Heart
from yaoma.service.work import Item
from yaoma_drivers.driver import Driver
from yaoma_drivers.errors import DeviceError, DeviceReason
from yaoma_drivers.stop import Stop
from yaoma_drivers.symbol import Source, Symbol

__all__ = ["HAND_OVER_S", "LENT", "Reader", "Reading", "ScannerState"]

log = logging.getLogger("yaoma.reader")

_FIRST_WAIT_S = 0.25
_LONGEST_WAIT_S = 5.0
_STOP_LOOK_S = 0.2

#: Longer than this no symbol waits for a recorder that works.
HAND_OVER_S = 30.0

#: A driver that has run so long without losing its device has it; it gives no other sign before the first symbol.
_HAS_DEVICE_S = 1.0


#: The reason of a scanner that a technician's command has for a while.
LENT: Final = "lent"

#: Reasons that are no trouble: nobody has to do anything.
_NO_ALARM: Final = frozenset({DeviceReason.ASLEEP.value, LENT})

_LONGEST_LOAN_S: Final = 300.0
_GIVES_UP_S: Final = 2.0

#: A driver that broke is tried again after this, after twice this, and so on; one that held out for so long was mended.
_BROKEN_WAIT_S: Final = 1.0
_LONGEST_BROKEN_WAIT_S: Final = 300.0
_HELD_OUT_S: Final = 60.0
#: How long a quick driver waits for others before it looks again, in seconds.
_LETS_GO_S: Final = 0.01
_KEPT_READINGS: Final = 64


@dataclass(frozen=True, slots=True)
class Reading:
    """What is remembered of a symbol that was read; nothing of its text.

    Args:
        number: Counts from 1 since the start.
        read_mono_ms: When it was complete, CLOCK_MONOTONIC in milliseconds.
        length: How many bytes were read.
        aim: The AIM identifier, or empty.
        fault: Why there is no text, or empty.
        took_ms: How long its scanner typed; None if it does not type.
        terminator: What ended it, where that is known.
    """

    number: int
    read_mono_ms: int
    length: int
    aim: str
    fault: str
    took_ms: int | None
    terminator: str


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

    @property
    def is_lost(self) -> bool:
        """It should work and does not; a scanner that sleeps or was lent is no alarm."""
        return not self.working and self.reason not in _NO_ALARM


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
        # A driver that hangs must not keep the process from ending: nothing else ends its thread.
        super().__init__(name=f"reader-{scanner}", daemon=True)
        self.driver = driver
        self.state = ScannerState(scanner)
        self.failure: Exception | None = None
        self._symbols = symbols
        self._stop_event = stop
        self._heart = heart or Heart(scanner, HAND_OVER_S)
        self._tries = 0
        self._began_s: float | None = None
        self._lock = threading.Lock()
        self._pace = Pace()
        self._readings = deque[Reading](maxlen=_KEPT_READINGS)
        self._turn = stop.child()
        self._lent_until_s = 0.0
        self._is_out = threading.Event()
        self._is_lent = False
        self._allowance = Allowance()
        self._vigil = Vigil(driver)
        self._hands_over = False
        self._failed_after_s = 0.0
        self._broken_wait_s = _BROKEN_WAIT_S

    def run(self) -> None:
        """Read; after a loss wait and open again. Whatever the driver does, it is out of service and nobody else."""
        wait_s = _FIRST_WAIT_S
        try:
            while not self._stop_event.is_set():
                self._began_s = time.monotonic()
                # A driver gives no sign while its device is quiet.
                self._heart.rest()
                try:
                    for symbol in contained(self.driver, self.state.scanner, self._turn, self._allowance):
                        wait_s = _FIRST_WAIT_S
                        self._hand_over(symbol)
                        # Whatever it is, it may be an identity card: nothing here holds on to it until the next scan.
                        del symbol
                except DeviceError as error:
                    if not self._turn.is_set():
                        self._went(error.reason)
                        if not self._turn.is_closed:
                            self._turn.wait(wait_s)
                    wait_s = min(wait_s * 2, _LONGEST_WAIT_S)
                except DriverBrokeError as broke:
                    self._broke(broke)
                if self._turn.is_closed or (self._turn.is_set() and not self._is_lent):
                    self._mend_turn()
                if self._turn.is_set():
                    self._lie_still()
                    wait_s = _FIRST_WAIT_S
        except Exception as error:  # our own defect; the supervisor must hear of it
            log.exception("reader failed: scanner=%s", self.state.scanner)
            self.failure = error
        finally:
            self._turn.close()

    def readings(self, after: int = 0) -> list[Reading]:
        """Give what was read lately, the oldest first.

        Args:
            after: Only those with a larger number.
        """
        with self._lock:
            return [one for one in self._readings if one.number > after]

    def lend(self, lent_s: float) -> bool:
        """Let go of the device for a while, so that a technician's command may open it; tell whether it is free.

        Args:
            lent_s: For how long at most, in seconds; then it is taken back without being asked.
        """
        with self._lock:
            self._lent_until_s = time.monotonic() + min(lent_s, _LONGEST_LOAN_S)
            self._is_lent = True
            self._turn.set()
        return self._is_out.wait(_GIVES_UP_S)

    def take_back(self) -> None:
        """Open the device again."""
        with self._lock:
            self._lent_until_s = 0.0

    def look(self) -> None:
        """Notice that the device is back although nothing was scanned yet, or that the driver hangs.

        The supervisor calls this now and then.
        """
        began_s, now_s = self._began_s, time.monotonic()
        if began_s is None or self._hands_over:
            return
        if self._vigil.hangs(self._turn, began_s):
            self._went(Broken.HANGS, place_of(self))
        elif now_s - began_s > max(_HAS_DEVICE_S, 2 * self._failed_after_s):
            # Longer than its last attempt took to fail: it has the device.
            self._came_back()

    def _hand_over(self, symbol: Symbol) -> None:
        """Give a symbol to the recorder; late if nobody takes it."""
        self._hands_over = True
        self._heart.beat()
        self._came_back()
        self._put(symbol)
        self._heart.rest()
        # The driver goes on from here: what it owes a look at `stop` counts anew.
        self._began_s = time.monotonic()
        self._hands_over = False

    def _lie_still(self) -> None:
        """Wait until the device is given back or the time is over; on the way to the end there is no waiting."""
        self._heart.rest()
        if self._stop_event.is_set():
            return
        with self._lock:
            self._began_s = None
            self.state = replace(self.state, working=False, reason=LENT)
        self._is_out.set()
        while time.monotonic() < self._lent_until_s and not self._stop_event.wait(_STOP_LOOK_S):
            pass
        with self._lock:
            self._is_out.clear()
            self._is_lent = False
            self._turn.close()
            self._turn = self._stop_event.child()
            self.state = replace(self.state, working=True, reason="")

    def _put(self, symbol: Symbol) -> None:
        if symbol.source is Source.SCANNER and self._pace.is_burst(symbol.read_mono_ms):
            symbol = replace(symbol, in_burst=True)
        while not self._stop_event.is_set():
            if self._allowance.must_wait(self._symbols.qsize()):
                self._stop_event.wait(_LETS_GO_S)
                continue
            try:
                self._symbols.put(symbol, timeout=_STOP_LOOK_S)
            except queue.Full:
                continue
            with self._lock:
                self.state = replace(self.state, read=self.state.read + 1)
                self._readings.append(_remembered(symbol, self.state.read))
            return

    def _mend_turn(self) -> None:
        """Make the driver's `stop` anew, if the driver has set or closed what is not its own to end."""
        if self._stop_event.is_set():
            return
        self._went(Broken.ENDED)
        self._stop_event.wait(self._broken_wait_s)
        self._broken_wait_s = min(self._broken_wait_s * 2, _LONGEST_BROKEN_WAIT_S)
        with self._lock:
            if not self._is_lent:
                self._turn.close()
                self._turn = self._stop_event.child()

    def _broke(self, broke: DriverBrokeError) -> None:
        """Take a driver that did what none may do out of service for a while."""
        began_s = self._began_s or 0.0
        if time.monotonic() - began_s > _HELD_OUT_S:
            self._broken_wait_s = _BROKEN_WAIT_S
        self._went(broke.reason, broke.place, broke.error)
        if not self._turn.is_closed:
            self._turn.wait(self._broken_wait_s)
        self._broken_wait_s = min(self._broken_wait_s * 2, _LONGEST_BROKEN_WAIT_S)

    def _went(self, reason: DeviceReason | Broken, place: str = "", error: str = "") -> None:
        with self._lock:
            if reason is not Broken.HANGS:
                self._failed_after_s = time.monotonic() - (self._began_s or 0.0)
                self._began_s = None
                self._tries += 1
            if not self.state.working and self.state.reason == reason.value:
                return
            self.state = replace(self.state, working=False, reason=reason.value)
        if isinstance(reason, Broken):
            log.error(
                "driver out of service: scanner=%s driver=%s reason=%s error=%s place=%s",
                *(self.state.scanner, type(self.driver).__module__, reason.value, error, place),
            )
            return
        level = logging.WARNING if self.state.is_lost else logging.INFO
        log.log(level, "scanner lost: scanner=%s reason=%s", self.state.scanner, reason.value)

    def _came_back(self) -> None:
        with self._lock:
            if self.state.working:
                return
            tries, self._tries = self._tries, 0
            self.state = replace(self.state, working=True, reason="")
        log.warning("scanner back: scanner=%s tries=%d", self.state.scanner, tries)


def _remembered(symbol: Symbol, number: int) -> Reading:
    typing = symbol.typing
    return Reading(
        number,
        symbol.read_mono_ms,
        symbol.length,
        symbol.aim,
        symbol.fault.value if symbol.fault else "",
        typing.took_ms if typing else None,
        typing.terminator if typing else "",
    )
