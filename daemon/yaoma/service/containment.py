"""Containment: what a driver may do to the box, whatever it does: be out of service itself, and nothing else.

A driver is somebody's code in our process. Python can't end a thread, so a driver that hangs is only left behind: it is
shown, its thread ends with the process, and everything else goes on (drivers/README.md, "What contains a driver").
"""

import time
from collections import deque
from collections.abc import Iterator
from enum import StrEnum
from typing import ClassVar, Final

from pydantic import BaseModel

from yaoma_drivers.driver import Driver
from yaoma_drivers.errors import DeviceError, DeviceReason
from yaoma_drivers.stop import Stop
from yaoma_drivers.symbol import MAX_SYMBOL_BYTES, ReadFault, Source, Symbol, Typing

__all__ = ["Allowance", "Broken", "DriverBrokeError", "contained", "made"]

#: So many symbols a driver may deliver at once, after a long outage or from a file; refilled at the rate below. The
#: fastest scanner known to us, on a conveyor, reads ten a second (SCANNERS.md 1).
_ALLOWANCE: Final = 12_000
_REFILL_PER_S: Final = 20.0
#: What a driver has left when it comes back from a flood.
_ON_PROBATION: Final = 200

#: More than so many a second is no scanner; its symbols wait where they come from while so many wait already.
_QUICK: Final = 64

#: What the fields of a symbol must be.
_FIELDS: Final = (
    *(("data", bytes), ("scanner", str), ("read_mono_ms", int), ("aim", str), ("source", Source), ("length", int)),
    *(("fault", ReadFault | None), ("typing", Typing | None)),
)

#: A symbol from the future would be the last one for ever; clocks of kernel and process are the same.
_AHEAD_MS: Final = 1000


class Broken(StrEnum):
    """How a driver failed; stable, texts are keyed by `device.<id>`."""

    RAISED = "driver_failed"  # an exception that is no DeviceError
    ENDED = "driver_ended"  # no symbols any more, although nobody stopped it
    NO_SYMBOL = "driver_no_symbol"  # it delivered something that is no symbol of its scanner
    FLOODS = "driver_floods"  # more symbols than any scanner reads
    HANGS = "driver_hangs"  # it has not looked at `stop` for longer than it promised


class DriverBrokeError(Exception):
    """A driver did what none may do: leave it alone for a while, then try it again.

    Args:
        reason: What it did.
        error: The class of what it raised, or empty; its words may quote what was scanned.
        place: Where in its code, as `file:line`, or empty.
    """

    def __init__(self, reason: Broken, error: str = "", place: str = "") -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.error = error
        self.place = place


class Allowance:
    """How many symbols one driver may still deliver, so that a stuck one neither fills the disk nor delays others."""

    def __init__(self) -> None:
        self._left = float(_ALLOWANCE)
        self._at_s = time.monotonic()
        self._last = deque[float](maxlen=_QUICK)

    def take(self) -> bool:
        """Take one; False if there is none left."""
        now_s = time.monotonic()
        self._left = min(_ALLOWANCE, self._left + (now_s - self._at_s) * _REFILL_PER_S)
        self._at_s = now_s
        self._last.append(now_s)
        if self._left < 1:
            self._left = _ON_PROBATION
            return False
        self._left -= 1
        return True

    def must_wait(self, waiting: int) -> bool:
        """Tell whether this driver has to let others go first: it is quick, and many symbols wait already.

        Args:
            waiting: How many symbols of all scanners wait for the recorder.
        """
        is_quick = len(self._last) == _QUICK and time.monotonic() - self._last[0] < 1
        return is_quick and waiting >= _QUICK


def contained(driver: Driver, scanner: str, turn: Stop, allowance: Allowance) -> Iterator[Symbol]:
    """Read a driver and give sound symbols only.

    Args:
        driver: The driver.
        scanner: The name of the scanner that it was made for.
        turn: Ends it.
        allowance: How much it may deliver; of live scanners, not of imports, which come as fast as they are taken.

    Raises:
        DeviceError: As the driver's contract has it.
        DriverBrokeError: The driver did anything else.
    """
    try:
        symbols = driver.symbols(turn)
        try:
            for found in symbols:
                if not _is_sound(found, scanner):
                    raise DriverBrokeError(Broken.NO_SYMBOL, type(found).__name__)
                # An import comes as fast as it is taken.
                if found.source is not Source.IMPORT and not allowance.take():
                    raise DriverBrokeError(Broken.FLOODS)
                yield found
                # Whatever it is, it may be an identity card: nothing here holds on to it until the next scan.
                del found
        finally:
            # Now, and in this thread: it has a device to give back.
            getattr(symbols, "close", lambda: None)()
    except DeviceError as error:
        if isinstance(getattr(error, "reason", None), DeviceReason):
            raise
        broke = DriverBrokeError(Broken.RAISED, type(error).__name__, _place(error))
    except (DriverBrokeError, GeneratorExit):
        raise
    except BaseException as error:  # noqa: BLE001 - sys.exit, too, must end this driver and not its thread
        broke = DriverBrokeError(Broken.RAISED, type(error).__name__, _place(error))
    else:
        broke = DriverBrokeError(Broken.ENDED)
    if not turn.is_set():
        # Outside of the handler: the cause would quote what was scanned.
        raise broke


def made(kind: type[Driver], scanner: str, options: BaseModel) -> Driver:
    """Make a driver; one whose constructor fails is a driver that is out of service.

    Args:
        kind: The driver's class.
        scanner: The configured name of the scanner.
        options: An object of the class's own `Options`.
    """
    try:
        return kind(scanner, options)
    except Exception as error:  # noqa: BLE001 - a stranger's constructor may raise anything
        return _Unmade(DriverBrokeError(Broken.RAISED, type(error).__name__, _place(error)))


class _Unmade:
    """Stands where a driver would be if its constructor had not failed."""

    Options: ClassVar[type[BaseModel]] = BaseModel

    def __init__(self, broke: DriverBrokeError) -> None:
        self._broke = broke

    def symbols(self, stop: Stop) -> Iterator[Symbol]:  # noqa: ARG002 - the contract's form
        """Give none, and say why.

        Raises:
            DriverBrokeError: Always.
        """
        raise DriverBrokeError(self._broke.reason, self._broke.error, self._broke.place)


def _is_sound(found: object, scanner: str) -> bool:
    """Tell a symbol of this scanner whose fields are what they say; types are hints that nobody has checked."""
    if type(found) is not Symbol or any(not isinstance(getattr(found, name), kind) for name, kind in _FIELDS):
        return False
    return (
        found.scanner == scanner
        and 0 <= found.read_mono_ms <= time.monotonic_ns() // 1_000_000 + _AHEAD_MS
        and len(found.data) <= MAX_SYMBOL_BYTES
        and found.length >= len(found.data)
    )


def _place(error: BaseException) -> str:
    """Give where an error was raised, as `file:line`."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace is not None else ""
