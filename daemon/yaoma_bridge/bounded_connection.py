"""Bounded connections: calls that end at a moment that was set before, however slowly the other side goes on.

Time-outs of a socket begin anew with each byte: whoever sends one byte every few seconds holds a call for hours, in
its headers as well as in its body. Here each operation on the socket gets what is left of the call.
"""

import io
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from http.client import HTTPResponse
from math import inf
from typing import TYPE_CHECKING, Any, Final, cast

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, LocationParseError, NameResolutionError, NewConnectionError
from urllib3.util.connection import create_connection

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

__all__ = ["bounded_pools", "ends_at"]

_UNTIL_S: Final[ContextVar[float]] = ContextVar("until_s", default=inf)


@contextmanager
def ends_at(until_s: float) -> Iterator[None]:
    """Let the calls of this thread end at a moment.

    Args:
        until_s: The moment, by `time.monotonic`.
    """
    before = _UNTIL_S.set(until_s)
    try:
        yield
    finally:
        _UNTIL_S.reset(before)


def bounded_pools(manager: urllib3.PoolManager) -> urllib3.PoolManager:
    """Let a manager make connections that keep to `ends_at`; the look-up of a name alone takes the resolver's time."""
    manager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}
    return manager


def _left_s(most_s: float | None) -> float:
    """Give how long an operation may take now.

    Raises:
        TimeoutError: If the call should have ended.
    """
    left_s = _UNTIL_S.get() - time.monotonic()
    if left_s <= 0:
        raise TimeoutError("the call has taken too long")
    return left_s if most_s is None else min(most_s, left_s)


class _Answer(io.RawIOBase):
    """What is read from a socket, each time within what is left of the call."""

    def __init__(self, connection: socket.socket) -> None:
        super().__init__()
        self._connection = connection
        self._silence_s = connection.gettimeout()
        # It holds the socket open as long as somebody reads, also after the connection was given up.
        self._raw = connection.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int | None:
        self._connection.settimeout(_left_s(self._silence_s))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Readable:
    """Stands for the socket where a response is made of it."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def makefile(self, _: str) -> io.BufferedReader:
        return io.BufferedReader(_Answer(self._connection))


class _Response(HTTPResponse):
    def __init__(self, sock: socket.socket, *about: Any, **more: Any) -> None:  # noqa: ANN401 - as `http.client` calls it
        super().__init__(cast("socket.socket", _Readable(sock)), *about, **more)


class _Connection(HTTPConnection):
    response_class = _Response

    def _new_conn(self) -> socket.socket:
        """Connect to the first address that answers; all of them together within what is left."""
        try:
            found = socket.getaddrinfo(self._dns_host, self.port, type=socket.SOCK_STREAM)
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from None
        except UnicodeError:
            raise LocationParseError(self.host) from None
        problem: OSError = OSError("it has no address")
        for *_, address in found:
            try:
                return create_connection(
                    (str(address[0]), self.port), _left_s(self._wait_s), socket_options=self.socket_options
                )
            except OSError as error:
                problem = error
        if isinstance(problem, TimeoutError):
            raise ConnectTimeoutError(self, "nobody answers") from None
        raise NewConnectionError(self, "no connection") from None

    def send(self, data: Any) -> None:  # noqa: ANN401 - as above
        """Send something, however slowly it is taken, within what is left."""
        if self.sock is None:
            self.connect()
        self.sock.settimeout(_left_s(None))
        super().send(data)

    @property
    def _wait_s(self) -> float | None:
        return self.timeout if isinstance(self.timeout, int | float) else None


class _TlsConnection(_Connection, HTTPSConnection):
    pass


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection
