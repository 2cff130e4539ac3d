"""Owner: the other end of a session's queue, for tests that want to wait for a certain report."""

import queue
import socket
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from yaoma_link.backoff import Backoff
from yaoma_link.endpoint import Endpoint
from yaoma_link.report import Connected, Retained, SessionReport, Subscribed
from yaoma_link.session import Session

__all__ = ["Owner"]

Report = TypeVar("Report")


class Owner:
    """A session with quick back-off and its queue.

    Args:
        endpoint: Where the broker is.
        client_id: Who the session is.
        subscriptions: Its filters.
        session_expiry_s: As in `Session`.
        will: As in `Session`.
        birth: As in `Session`.
        inbound_maximum: As in `Session`.
        takeover_wait_s: As in `Session`.
        reports: Size of the queue.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        client_id: str,
        *,
        subscriptions: Sequence[str] = (),
        session_expiry_s: int = 3600,
        will: Retained | None = None,
        birth: Callable[[], Retained] | None = None,
        inbound_maximum: int = 20,
        takeover_wait_s: float = 60.0,
        reports: int = 10_000,
    ) -> None:
        self.reports: queue.Queue[SessionReport] = queue.Queue(reports)
        self.seen: list[SessionReport] = []
        self.subscriptions = subscriptions
        self.session = Session(
            endpoint,
            self.reports,
            client_id=client_id,
            session_expiry_s=session_expiry_s,
            subscriptions=subscriptions,
            will=will,
            birth=birth,
            inbound_maximum=inbound_maximum,
            backoff=Backoff(random=lambda: 0.5, base_s=0.05, cap_s=0.2),
            takeover_wait_s=takeover_wait_s,
            name=f"mqtt-{client_id}",
        )

    def start(self) -> "Owner":
        """Start the session."""
        self.session.start()
        return self

    def connect(self) -> Connected:
        """Start the session and wait until it is connected and its subscriptions hold."""
        self.start()
        connected = self.wait(Connected)
        if self.subscriptions:
            self.wait(Subscribed)
        return connected

    def wait(self, kind: type[Report], *, within_s: float = 20.0) -> Report:
        """Take reports until one of this kind comes; the others are kept in `seen`."""
        deadline_s = time.monotonic() + within_s
        while True:
            try:
                report = self.reports.get(timeout=max(0.0, deadline_s - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"no {kind.__name__} came; seen: {self.seen[-20:]}") from None
            self.seen.append(report)
            if isinstance(report, kind):
                return report

    def drain(self, kind: type[Report], *, quiet_s: float = 0.5) -> list[Report]:
        """Take reports until none comes for a while; give those of this kind."""
        found: list[Report] = []
        while True:
            try:
                report = self.reports.get(timeout=quiet_s)
            except queue.Empty:
                return found
            self.seen.append(report)
            if isinstance(report, kind):
                found.append(report)

    def cut(self) -> None:
        """Break the line without a word to the broker, as a pulled cable would."""
        stream = self.session._link._client.socket()
        assert isinstance(stream, socket.socket)
        stream.shutdown(socket.SHUT_RDWR)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> int:
        """Publish, waiting for a place in the window."""
        deadline_s = time.monotonic() + 10
        while time.monotonic() < deadline_s:
            packet_id = self.session.publish(topic, payload, retain=retain)
            if packet_id is not None:
                return packet_id
            time.sleep(0.005)
        raise AssertionError("no place in the window came free")
