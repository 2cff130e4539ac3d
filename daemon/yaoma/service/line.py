"""Line: what the uploader uses of an MQTT session."""

import queue
from collections.abc import Callable, Sequence
from typing import Protocol

from yaoma_link.report import PublishProperties, Received, Retained, SessionReport

__all__ = ["Line", "OpenLine"]


class Line(Protocol):
    """One MQTT session; `yaoma_link.session.Session` is one."""

    def start(self) -> None:
        """Begin to connect."""
        ...

    def stop(self, deadline_s: float = ..., last: Retained | None = ...) -> bool:
        """Say goodbye; tell whether the thread has ended."""
        ...

    def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        retain: bool = ...,
        qos: int = ...,
        properties: PublishProperties = ...,
        connection: int | None = ...,
    ) -> int | None:
        """Hand over one publication; None if it was not taken, and then nothing was kept."""
        ...

    def ack(self, received: Received) -> bool:
        """Acknowledge an inbound publication after the commit that makes it ours."""
        ...


class OpenLine(Protocol):
    """Makes a session that is not started yet; the identity and the broker's address are its own affair."""

    def __call__(
        self,
        reports: "queue.Queue[SessionReport]",
        *,
        subscriptions: Sequence[str],
        will: Retained,
        birth: Callable[[], Retained],
    ) -> Line:
        """Make one that puts its reports into this queue."""
        ...
