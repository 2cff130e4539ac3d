"""Drivers that do what none may do; each has one fault, and some of them quote what was scanned."""

import os
import sys
import time
from collections.abc import Iterator
from typing import Any, ClassVar

from pydantic import BaseModel

from yaoma_drivers.driver import DriverOptions
from yaoma_drivers.signal import Signal
from yaoma_drivers.stop import Stop
from yaoma_drivers.symbol import Symbol

#: Somebody's identity number, made up; it must stand in no log line (DESIGN.md 3, promise 5).
ID_NUMBER = "11010119900307899X"


class Careless:
    """What they have in common."""

    Options: ClassVar[type[BaseModel]] = DriverOptions

    def __init__(self, scanner: str, _options: DriverOptions) -> None:
        self.scanner = scanner

    def scan(self, data: bytes) -> Symbol:
        """Read something."""
        return Symbol(data, self.scanner, time.monotonic_ns() // 1_000_000)


class Raising(Careless):
    """Fails, and says at what."""

    def symbols(self, _stop: Stop) -> Iterator[Symbol]:
        """Raise."""
        raise RuntimeError(f"can't handle {ID_NUMBER}")


class Exiting(Careless):
    """Takes the process for its own."""

    def symbols(self, _stop: Stop) -> Iterator[Symbol]:
        """Leave."""
        sys.exit(f"no licence for {ID_NUMBER}")


class Unmakeable(Careless):
    """Can't even be made."""

    def __init__(self, scanner: str, options: DriverOptions) -> None:
        super().__init__(scanner, options)
        raise LookupError(ID_NUMBER)

    def symbols(self, _stop: Stop) -> Iterator[Symbol]:
        """Be never called."""
        raise AssertionError


class Babbling(Careless):
    """Delivers texts for symbols."""

    def symbols(self, stop: Stop) -> Iterator[Any]:
        """Deliver."""
        yield ID_NUMBER
        stop.wait()


class Flooding(Careless):
    """Has a trigger that is stuck."""

    def symbols(self, stop: Stop) -> Iterator[Symbol]:
        """Deliver without a pause."""
        while not stop.is_set():
            yield self.scan(b"6901234567892")


class Hanging(Careless):
    """Hangs in its device, although it has promised to look at `stop`."""

    looks_every_s = 0.5

    def symbols(self, _stop: Stop) -> Iterator[Symbol]:
        """Hang."""
        time.sleep(3600)
        yield from ()


class Deaf(Careless):
    """Promises nothing and never looks at `stop`."""

    def symbols(self, _stop: Stop) -> Iterator[Symbol]:
        """Wait for ever."""
        while True:
            time.sleep(3600)
            yield from ()


class Greedy(Careless):
    """Takes one verdict and never comes back."""

    def symbols(self, stop: Stop) -> Iterator[Symbol]:
        """Read one pack and then nothing."""
        yield self.scan(b"81000000000000000003")
        stop.wait()

    def show(self, _symbol: Symbol, _signal: Signal) -> None:
        """Hang."""
        time.sleep(3600)


class Aborting(Careless):
    """Ends the process, as C code with a defect does; nothing in the process can keep it from that."""

    def symbols(self, _stop: Stop) -> Iterator[Symbol]:
        """End everything."""
        os.abort()
