"""The errors of drivers, one class for each thing that has to be done next."""

# The classes say what is the matter, not that it is an error.
# ruff: noqa: N818

from enum import StrEnum

__all__ = [
    "DeviceBusy",
    "DeviceError",
    "DeviceGone",
    "DeviceReason",
    "DeviceRefused",
    "DriverError",
    "DriverUnusable",
    "UnknownDriver",
]


class DeviceReason(StrEnum):
    """Why a device gives no symbols; stable, so that the catalogue of operator texts can be keyed by it."""

    ABSENT = "absent"  # nothing there at the configured path
    UNPLUGGED = "unplugged"  # it was there and went while it was being read
    ASLEEP = "asleep"  # it comes by radio and does not answer now; a trigger wakes it
    IN_USE = "in_use"  # another program holds it
    NOT_PERMITTED = "not_permitted"  # our user may not open it
    WRONG_KIND = "wrong_kind"  # there is something at the path that this driver cannot read
    AMBIGUOUS = "ambiguous"  # several devices go by the configured name, and none of them is guessed
    UNFIT_SETTINGS = "unfit_settings"  # the device does not take the configured line settings
    UNREADABLE = "unreadable"  # the file of symbols has a line that cannot be understood
    FAILED = "failed"  # the kernel gave another error; the sentence has its words


class DriverError(Exception):
    """Whatever goes wrong in and around a driver; never raised itself."""


class DeviceError(DriverError):
    """A configured device gives no symbols; never raised itself, its three subclasses say what to do next.

    Args:
        device: The path, as configured.
        reason: The stable reason.
        sentence: One English sentence for the log and the technician.
    """

    def __init__(self, device: str, reason: DeviceReason, sentence: str) -> None:
        super().__init__(f"{device}: {sentence}")
        self.device = device
        self.reason = reason
        self.sentence = sentence


class DeviceGone(DeviceError):
    """It is not plugged in, or not any more: wait and open it again."""


class DeviceBusy(DeviceError):
    """Another program has it: find out which; wait and open it again."""


class DeviceRefused(DeviceError):
    """It is there and does not let us: a person must change a permission or a setting."""


class UnknownDriver(DriverError):
    """The configuration names a driver that is not installed.

    Args:
        name: The name asked for.
        known: The names that are installed.
    """

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        super().__init__(f"no driver is called {name!r}; installed are: {', '.join(known) or 'none'}")
        self.name = name
        self.known = known


class DriverUnusable(DriverError):
    """A driver is installed but cannot be loaded: its distribution must be repaired or removed.

    Args:
        name: The name of its entry point.
        distribution: What was installed to bring it, such as `yaoma` or a vendor's package.
        why: What is wrong with it.
    """

    def __init__(self, name: str, distribution: str, why: str) -> None:
        super().__init__(f"the driver {name!r} of the distribution {distribution!r} cannot be used: {why}")
        self.name = name
        self.distribution = distribution
        self.why = why
