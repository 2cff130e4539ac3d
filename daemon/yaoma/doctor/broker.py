"""Broker: name, way, TLS, MQTT and rights, one after the other, so that the first that fails names the cause."""

import contextlib
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from yaoma.doctor.finding import Finding, Group, ok, trouble, warning
from yaoma_link.endpoint import Endpoint
from yaoma_link.report import (
    Connected,
    ConnectFailed,
    ConnectFault,
    Disconnected,
    Published,
    SessionReport,
    Subscribed,
    SubscribeRefused,
)
from yaoma_link.session import Session
from yaoma_link.stream import ConnectError, open_stream
from yaoma_link.topics import BoxName, Channel
from yaoma_link.wake import Wake

__all__ = ["Visit", "check_broker", "check_running_uplink", "resolves"]

_BROKER: Final = Group.BROKER
_RESOLVER_S: Final = 6.0
_ANSWER_S: Final = 5.0
#: As the daemon asks for: what the broker keeps for the box must not go with the doctor's visit.
_SESSION_EXPIRY_S: Final = 14 * 24 * 3600

_Report = TypeVar("_Report")


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit to the broker under the box's own name; only while the daemon does not run, which it would throw out.

    Args:
        endpoint: Where the broker is; with short times, a person waits.
        box: Who we are.
        health: A true report of the box's health, published to see whether the broker lets the box write.
    """

    endpoint: Endpoint
    box: BoxName
    health: bytes


def resolves(host: str, timeout_s: float = _RESOLVER_S) -> str:
    """Ask for a name's addresses; give why there are none, or an empty string.

    Args:
        host: The name.
        timeout_s: How long to wait: a resolver without a network takes its time, and can't be interrupted.
    """
    answers: list[str] = []

    def ask() -> None:
        try:
            socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except OSError as error:
            answers.append(error.strerror or type(error).__name__)
        else:
            answers.append("")

    thread = threading.Thread(target=ask, name="doctor-resolver", daemon=True)
    thread.start()
    thread.join(timeout_s)
    return answers[0] if answers else f"no answer within {timeout_s:g} s"


def check_broker(visit: Visit, *, resolves: Callable[[str], str] = resolves) -> list[Finding]:
    """Connect as the box, publish its health, subscribe to its receipts, and leave.

    Args:
        visit: Where to and as whom.
        resolves: Asks for a name's addresses.
    """
    endpoint = visit.endpoint
    place = _place(endpoint)
    if problem := resolves(endpoint.host):
        return [trouble(_BROKER, "link.name_unknown", f"{endpoint.host}: {problem}")]
    reports: queue.Queue[SessionReport] = queue.Queue(64)
    session = Session(
        endpoint,
        reports,
        client_id=str(visit.box),
        session_expiry_s=_SESSION_EXPIRY_S,
        subscriptions=(visit.box.topic(Channel.RECEIPTS),),
        name="doctor",
    )
    patience_s = endpoint.connect_timeout_s + endpoint.connack_timeout_s + 1
    session.start()
    try:
        came = _next(reports, (Connected, ConnectFailed), patience_s)
        if isinstance(came, ConnectFailed):
            return [trouble(_BROKER, f"link.{came.fault.value}", came.reason)]
        if came is None:
            return [trouble(_BROKER, "link.timed_out", place)]
        return _rights(visit, session, reports)
    finally:
        session.stop()


def check_running_uplink(endpoint: Endpoint, uplink: Mapping[str, Any]) -> list[Finding]:
    """Judge what the running daemon says; where it has no connection, look how far one gets without taking its place.

    Args:
        endpoint: Where the broker is.
        uplink: As `yaoma status --json` has it.
    """
    said = uplink.get("trouble")
    if uplink.get("is_connected") and not said:
        return [ok(_BROKER, "doctor.broker_in_use", place=_place(endpoint))]
    if uplink.get("is_connected") or (said and not str(said).startswith("link.")):
        return [trouble(_BROKER, str(said or "link.connecting"))]
    found = _reach(endpoint)
    if found is not None:
        return [found]
    return [trouble(_BROKER, str(said)) if said else warning(_BROKER, "link.connecting")]


def _rights(visit: Visit, session: Session, reports: "queue.Queue[SessionReport]") -> list[Finding]:
    receipts, health = visit.box.topic(Channel.RECEIPTS), visit.box.topic(Channel.HEALTH)
    place, user = _place(visit.endpoint), str(visit.box)
    match _next(reports, (Subscribed, SubscribeRefused, Disconnected), _ANSWER_S):
        case SubscribeRefused(reason=reason):
            return [trouble(_BROKER, "doctor.broker_no_receipts", reason, topic=receipts)]
        case Subscribed():
            answer = None
            if session.publish(health, visit.health, qos=1) is not None:
                answer = _next(reports, (Published, Disconnected), _ANSWER_S)
        case other:
            answer = other
    match answer:
        # 0x10: nobody listens to health at the moment, but it may be written.
        case Published() if answer.is_success or answer.no_matching_subscribers:
            return [ok(_BROKER, "doctor.broker_sound", place=place, user=user)]
        case Published():
            return [trouble(_BROKER, "doctor.broker_denies", answer.reason, topic=health, user=user)]
        case Disconnected():
            return [trouble(_BROKER, "uplink.taken_over" if answer.taken_over else "link.closed", answer.reason)]
    return [trouble(_BROKER, "link.no_answer", place)]


def _reach(endpoint: Endpoint) -> Finding | None:
    """Look for what keeps a connection from being made, up to the TLS handshake; None if nothing does."""
    if problem := resolves(endpoint.host):
        return trouble(_BROKER, "link.name_unknown", f"{endpoint.host}: {problem}")
    wake = Wake()
    try:
        open_stream(endpoint, wake=wake, is_stopping=lambda: False).close()
    except ConnectError as error:
        # The daemon's certificate is judged after the handshake; what came of that, only the daemon knows.
        return (
            None if error.fault is ConnectFault.CLOSED else trouble(_BROKER, f"link.{error.fault.value}", error.reason)
        )
    finally:
        wake.close()
    return None


def _next(
    reports: "queue.Queue[SessionReport]", wanted: tuple[type[SessionReport], ...], timeout_s: float
) -> SessionReport | None:
    """Wait for a report of one of these kinds; None if there is none in time."""
    for report in _until(reports, time.monotonic() + timeout_s):
        if isinstance(report, wanted):
            return report
    return None


def _until(reports: "queue.Queue[_Report]", deadline_s: float) -> Iterator[_Report]:
    with contextlib.suppress(queue.Empty):
        while (left_s := deadline_s - time.monotonic()) > 0:
            yield reports.get(timeout=left_s)


def _place(endpoint: Endpoint) -> str:
    return f"{endpoint.host}:{endpoint.port}"
