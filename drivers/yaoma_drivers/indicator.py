"""Indicator: what a class must offer to show signals on one lamp, beeper or loudspeaker."""

from typing import ClassVar, Protocol

from pydantic import BaseModel

from yaoma_drivers.signal import Signal

__all__ = ["IndicatorDriver"]


class IndicatorDriver(Protocol):
    """One indicator, used by one thread, which waits between the steps; nothing in here waits for anything itself.

    It never retries and never logs: that is done once for all of them by whoever uses it. After an error it is closed,
    and may be opened again. A class whose `open` can't tell whether the device works, only showing can, says so by the
    attribute `proven_by_opening = False`.

    Args:
        name: The configured name of the indicator.
        options: An object of the class's own `Options`.
    """

    Options: ClassVar[type[BaseModel]]

    def __init__(self, name: str, options: BaseModel) -> None: ...

    def open(self) -> None:
        """Take the device; it is dark and silent from here on.

        Raises:
            DeviceGone: It is not there, or not any more.
            DeviceBusy: Another program has it.
            DeviceRefused: It is there and may not be used, or not with these options.
        """
        ...

    def show(self, signal: Signal) -> None:
        """Begin to show a signal; what was shown before ends at once.

        Raises:
            DeviceError: As for `open`.
        """
        ...

    def step(self) -> float | None:
        """Do what is due by now, such as the next flash; give in how many seconds something is due again, or None.

        Raises:
            DeviceError: As for `open`.
        """
        ...

    def close(self) -> None:
        """Be dark and silent, and give the device back; a second call does nothing. Raises nothing."""
        ...
