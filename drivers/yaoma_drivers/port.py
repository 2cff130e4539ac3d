"""Port: what a class must offer to hand codes on to a till, and the one error by which it says that it could not."""

from enum import StrEnum
from typing import ClassVar, Final, Protocol

from pydantic import BaseModel

from yaoma_drivers.errors import DriverError

__all__ = ["RETRY_S", "PortDriver", "PortFailed", "PortReason"]

#: A port that failed to open is worth another try after so long.
RETRY_S: Final = 5.0


class PortReason(StrEnum):
    """Why a code did not reach the till; stable, so that the catalogue of operator texts can be keyed by it."""

    ABSENT = "absent"  # there is no such device
    NOT_PERMITTED = "not_permitted"  # our user may not open it
    IN_USE = "in_use"  # another program holds it
    WRONG_KIND = "wrong_kind"  # the device is not of the kind that the driver writes to
    UNPLUGGED = "unplugged"  # no till at the other end of the cable
    ASLEEP = "asleep"  # it takes nothing in time
    UNTYPABLE = "untypable"  # a character that this port has no key for
    FAILED = "failed"  # the kernel gave another error


class PortFailed(DriverError):  # noqa: N818 - as its neighbours in errors.py
    """A code did not reach the till. Nothing of the code is in here.

    Args:
        device: The port, as configured.
        reason: The stable reason.
        sentence: One English sentence for the technician; never what was to be sent.
        is_partial: Whether a part of the code may have arrived.
    """

    def __init__(self, device: str, reason: PortReason, sentence: str, *, is_partial: bool = False) -> None:
        super().__init__(f"{device}: {sentence}")
        self.device = device
        self.reason = reason
        self.sentence = sentence
        self.is_partial = is_partial

    def __reduce__(self) -> tuple[type["PortFailed"], tuple[str, PortReason, str]]:
        """Pickle by the facts; the default would pass the sentence as the only argument."""
        return type(self), (self.device, self.reason, self.sentence)


class PortDriver(Protocol):
    """One way to a till, used by one thread.

    It never retries, never logs and keeps nothing of what it has sent. After an error it may be used again; `send`
    opens the device anew where that is needed.

    Args:
        name: The configured name of the station.
        options: An object of the class's own `Options`.
    """

    Options: ClassVar[type[BaseModel]]

    def __init__(self, name: str, options: BaseModel) -> None: ...

    def open(self) -> None:
        """Take the device.

        Raises:
            PortFailed: If it can't be used.
        """
        ...

    def send(self, data: bytes, timeout_s: float) -> None:
        """Hand one code on, with prefix and terminator; return when the till has taken it.

        Args:
            data: The code as it was read.
            timeout_s: How long the till may take nothing before the port gives up, in seconds.

        Raises:
            PortFailed: If it was not taken, or only a part of it.
        """
        ...

    def step(self) -> float | None:
        """Do what is due while nothing is sent, such as letting go of a key; give when to come again, or None.

        Raises:
            PortFailed: If the device is not there any more.
        """
        ...

    def close(self) -> None:
        """Give the device back; a second call does nothing. Raises nothing."""
        ...
