"""Stream: opens the TCP or TLS connection to the broker so that a stop is heard while it is being opened."""

import os
import select
import socket
import ssl
import time
from collections.abc import Callable

from yaoma_link.endpoint import Endpoint
from yaoma_link.identity import IdentityError
from yaoma_link.report import ConnectFault
from yaoma_link.tls import client_context, explain
from yaoma_link.wake import Wake

__all__ = ["ConnectError", "ConnectStoppedError", "Stream", "open_stream"]

Stream = socket.socket | ssl.SSLSocket


class ConnectError(Exception):
    """A connection was not made.

    Args:
        fault: The kind, stable.
        reason: What was found.
        hint: What to do next.
    """

    def __init__(self, fault: ConnectFault, reason: str, hint: str) -> None:
        super().__init__(f"{reason}. {hint}")
        self.fault = fault
        self.reason = reason
        self.hint = hint


class ConnectStoppedError(Exception):
    """The owner wants to stop; not an error of the line."""


def open_stream(endpoint: Endpoint, *, wake: Wake, is_stopping: Callable[[], bool]) -> Stream:
    """Open a connection to the broker, non-blocking, within `connect_timeout_s`.

    paho's own way blocks in `connect` and in the handshake, where a stop can't reach it; a router without an uplink
    swallows packets, and a box has to stop quickly there too. Only the resolver can't be interrupted.

    Args:
        endpoint: Where to.
        wake: Set by `stop`.
        is_stopping: Whether it was set for a stop.

    Raises:
        ConnectError: If there is no connection, or one that can't be trusted.
        ConnectStoppedError: If a stop came first.
    """
    waiter = _Waiter(wake, is_stopping, time.monotonic() + endpoint.connect_timeout_s)
    try:
        context = None if endpoint.tls is None else client_context(endpoint.tls)
    except IdentityError as error:
        raise ConnectError(ConnectFault.TLS_FILES, f"{error.file}: {error.problem}", error.hint) from error
    plain = _connect(endpoint, waiter)
    try:
        # small packets go out at once; otherwise Nagle and delayed ACK add 40 ms to a round trip
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context is None:
            return plain
        return _handshake(plain, context, endpoint.host, waiter)
    except BaseException:
        plain.close()
        raise


class _Waiter:
    """Waits for a socket, a stop or the deadline, whichever comes first."""

    def __init__(self, wake: Wake, is_stopping: Callable[[], bool], deadline_s: float) -> None:
        self._wake = wake
        self._is_stopping = is_stopping
        self.deadline_s = deadline_s

    def wait(self, stream: Stream, events: int, deadline_s: float) -> bool:
        """Wait until the socket is ready; False if the deadline came first."""
        poll = select.poll()
        poll.register(stream, events)
        poll.register(self._wake, select.POLLIN)
        while True:
            if self._is_stopping():
                raise ConnectStoppedError
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                return False
            ready = {descriptor for descriptor, _ in poll.poll(left_s * 1000)}
            if stream.fileno() in ready:
                return True
            self._wake.clear()


def _connect(endpoint: Endpoint, waiter: _Waiter) -> socket.socket:
    try:
        found = socket.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise ConnectError(
            ConnectFault.NAME_UNKNOWN,
            f"the name {endpoint.host} can't be resolved ({error.strerror})",
            "Check the network cable or modem, the DNS server, and the host in the config.",
        ) from error
    fault = ConnectFault.TIMED_OUT
    reason = f"no answer from {endpoint.host}:{endpoint.port} within {endpoint.connect_timeout_s:g} s"
    for position, (family, kind, protocol, _, address) in enumerate(found):
        stream = socket.socket(family, kind | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, protocol)
        try:
            # each address gets an even part of what is left, so that a dead one leaves time for the next
            now_s = time.monotonic()
            part_s = (waiter.deadline_s - now_s) / (len(found) - position)
            problem = _try_address(stream, address, waiter, now_s + part_s)
        except BaseException:
            stream.close()
            raise
        if problem is None:
            return stream
        stream.close()
        if problem:
            fault, reason = ConnectFault.UNREACHABLE, f"{endpoint.host}:{endpoint.port}: {problem}"
    raise ConnectError(fault, reason, "Check the network cable or modem, the port, and that the broker runs.")


def _try_address(stream: socket.socket, address: tuple[object, ...], waiter: _Waiter, deadline_s: float) -> str | None:
    """Connect to one address: None when connected, what the kernel says when not, empty when nobody answers."""
    try:
        stream.connect(address)
    except BlockingIOError:
        if not waiter.wait(stream, select.POLLOUT, deadline_s):
            return ""
    except OSError as error:
        return error.strerror or type(error).__name__
    number = stream.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    return os.strerror(number) if number else None


def _handshake(plain: socket.socket, context: ssl.SSLContext, host: str, waiter: _Waiter) -> ssl.SSLSocket:
    stream = context.wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False)
    try:
        while event := _go_on(stream):
            if not waiter.wait(stream, event, waiter.deadline_s):
                break
        else:
            return stream
    except BaseException:
        stream.close()
        raise
    stream.close()
    raise ConnectError(
        ConnectFault.TIMED_OUT,
        "the TLS handshake got no answer in time",
        "Check that the port is the broker's TLS port.",
    )


def _go_on(stream: ssl.SSLSocket) -> int:
    """Go on with the handshake and give the poll event that it needs next, 0 when it is over."""
    try:
        stream.do_handshake()
    except ssl.SSLWantReadError:
        return select.POLLIN
    except ssl.SSLWantWriteError:
        return select.POLLOUT
    except ssl.SSLError as error:
        fault, hint = explain(error)
        raise ConnectError(fault, f"TLS: {error.reason or type(error).__name__}", hint) from error
    except OSError as error:
        raise ConnectError(
            ConnectFault.CLOSED,
            "the broker closed the connection in the TLS handshake",
            "Check that the port is the broker's TLS port, and look into the broker's log.",
        ) from error
    return 0
