"""Driver: what a class must offer to turn one scanner into symbols."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, ClassVar, Protocol, runtime_checkable

from pydantic import AfterValidator, BaseModel, ConfigDict

from yaoma_drivers.signal import Signal
from yaoma_drivers.stop import Stop
from yaoma_drivers.symbol import Symbol

__all__ = ["AbsolutePath", "Consulting", "Driver", "DriverOptions", "IsListed", "Showing"]

#: Says of a text (its bytes, its AIM identifier) whether a list knows its product; None where no list can say.
IsListed = Callable[[bytes, str], bool | None]


def _absolute(path: Path) -> Path:
    """Refuse a path that would depend on where the daemon was started, and one that no file can have."""
    if not path.is_absolute() or "\0" in str(path):
        raise ValueError("must be an absolute path, beginning with /")
    return path


AbsolutePath = Annotated[Path, AfterValidator(_absolute)]


class DriverOptions(BaseModel):
    """The ground for a driver's `Options`: unknown keys are errors, nothing changes later, errors quote no input."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Driver(Protocol):
    """One scanner, read by one thread.

    Args:
        scanner: The configured name of the scanner; goes into each symbol.
        options: An object of the class's own `Options`.

    A class may have `looks_every_s: ClassVar[float]`, the longest time between two looks at `stop` in seconds; it is
    then seen to hang.
    """

    Options: ClassVar[type[BaseModel]]

    def __init__(self, scanner: str, options: BaseModel) -> None: ...

    def symbols(self, stop: Stop) -> Iterator[Symbol]:
        """Open the device and yield its symbols until it goes or `stop` is set; then close it.

        It returns within one second of `stop`. It never retries, never logs and touches no disk: that is done once
        for all drivers by whoever reads it. After an error it may be called again.

        Raises:
            DeviceGone: The device is not there, or not any more.
            DeviceBusy: Another program has it.
            DeviceRefused: It is there and may not be used, or not with these options.
        """
        ...


@runtime_checkable
class Showing(Protocol):
    """What a driver offers besides if its scanner can show the operator a verdict (SCANNERS.md 6.3)."""

    def show(self, symbol: Symbol, signal: Signal) -> None:
        """Tell the device what came of a symbol, from any thread, never waiting; what it is slow to take is lost."""
        ...


@runtime_checkable
class Consulting(Protocol):
    """What a driver offers besides if it doubts what it reads until somebody knows the product (DECODE.md 7)."""

    def consult(self, is_listed: IsListed) -> None:
        """Take whom to ask, before `symbols` is called; the answer comes at once, on the driver's own thread."""
        ...
