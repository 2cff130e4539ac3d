"""What can go wrong at the bridge, sorted by what to do next."""

from pathlib import Path

__all__ = [
    "BatchRefusedError",
    "BridgeError",
    "ConfigError",
    "DestinationBusyError",
    "DestinationError",
    "StoreBusyError",
    "StoreDamagedError",
    "StoreError",
    "StoreUnavailableError",
]


class BridgeError(Exception):
    """Base of the bridge's errors; never raised itself.

    Args:
        problem: What was found.
        hint: What the operator can do next.
    """

    def __init__(self, problem: str, hint: str = "") -> None:
        super().__init__(f"{problem}. {hint}" if hint else problem)
        self.problem = problem
        self.hint = hint


class ConfigError(BridgeError):
    """The configuration can't be used: correct it and start again."""


class StoreError(BridgeError):
    """Base of what can go wrong with the store; never raised itself.

    Args:
        place: The file, or the server's name.
        problem: What database or system said.
        hint: What the operator can do next.
    """

    def __init__(self, place: Path | str, problem: str, hint: str) -> None:
        super().__init__(f"{place.name if isinstance(place, Path) else place}: {problem}", hint)


class StoreUnavailableError(StoreError):
    """Disk or server refuse, or the file is locked: stop, and let the supervisor start again."""


class StoreBusyError(StoreError):
    """Two transactions stood in each other's way and this one was undone: do the same once more, alone."""


class StoreDamagedError(StoreError):
    """The file is not a sound store of this version: keep it, restore a backup, the boxes send the rest again."""


class BatchRefusedError(BridgeError):
    """A payload can't be stored: alarm it by size and topic and go on; sending it again would not help.

    Args:
        reason: A stable reason id.
        problem: What is wrong with it, never its content.
    """

    def __init__(self, reason: str, problem: str) -> None:
        super().__init__(problem)
        self.reason = reason


class DestinationError(BridgeError):
    """A destination can't take events now: nothing is counted as delivered, try again later."""


class DestinationBusyError(DestinationError):
    """Another worker serves this destination; that is no fault."""
