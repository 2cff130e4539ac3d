"""The contract of a destination: what the bridge asks of a system that it uploads to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol, runtime_checkable

from pydantic import BaseModel

from yaoma_bridge.events import Event
from yaoma_link.receipt import OutcomeState

__all__ = ["Delivered", "Destination"]


@dataclass(frozen=True, slots=True)
class Delivered:
    """What became of one event.

    Args:
        n: The event's number in the feed.
        state: What became of it.
        reason: A stable reason id, or an empty string.
    """

    n: int
    state: OutcomeState
    reason: str = ""


@runtime_checkable
class Destination(Protocol):
    """A system that takes events; found by the entry point group `yaoma.destinations`.

    It is made with `(name, options)`. One worker at a time holds the bridge's claim on a destination and then calls
    `resume`, `deliver` (again and again) and `close`, all on one thread.
    """

    #: What may stand in its table of the configuration.
    Options: ClassVar[type[BaseModel]]

    @property
    def name(self) -> str:
        """Its name in the configuration and in receipts."""
        ...

    def resume(self, mark: str) -> tuple[str, ...]:
        """Begin where the store says that we stopped.

        What was taken behind the mark is not in the store's memory: a commit that never came, or a store that came
        back from a backup. It must not be taken twice.

        Args:
            mark: What `deliver` gave with the last outcomes that were committed; empty at the first start.

        Returns:
            Oddities for the operator, such as a file that has shrunk.

        Raises:
            DestinationError: If it can't be reached now.
        """
        ...

    def deliver(self, events: Sequence[Event]) -> Sequence[Delivered]:
        """Take events and say what became of each; what is reported is durable at the destination.

        Raises:
            DestinationError: If it can't take them now; none of these was reported.
        """
        ...

    @property
    def mark(self) -> str:
        """Where we are after the last `deliver`; committed together with its outcomes."""
        ...

    def close(self) -> None:
        """Give everything back; safe to call again."""
        ...
