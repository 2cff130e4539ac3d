"""HTTP to a platform: one request, one answer, and whether the platform may have got it.

`http.client` and no larger library, because what counts here is the moment of a failure: before the first byte of the
request left, a platform has nothing; after it, nobody knows (DESIGN.md 3, promise 4). Libraries that retry, follow
redirects, take proxies from the environment or reuse a connection that the other side is closing blur that line.
"""

import contextlib
import http.client
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Timer
from typing import Final
from urllib.parse import urlsplit

from yaoma_bridge.errors import BridgeError, ConfigError

__all__ = ["Answer", "HttpPost", "HttpTarget", "NoAnswerError", "NotSentError"]

_CHUNK_BYTES: Final = 1 << 16
_HTTPS_PORT: Final = 443
_HTTP_PORT: Final = 80


class NotSentError(BridgeError):
    """The request did not leave: the platform has nothing, it may be sent again.

    Args:
        reason: `unreachable`, `connect_timeout`, `tls_untrusted` or `tls_refused`.
        host: Where to.
    """

    def __init__(self, reason: str, host: str) -> None:
        super().__init__(f"{host}: {reason}", "Check the network, the address and the certificates")
        self.reason = reason


class NoAnswerError(BridgeError):
    """The request left and no usable answer came: nobody knows what became of it until it is reconciled.

    Args:
        reason: `answer_timeout`, `connection_cut`, `answer_malformed` or `answer_too_large`.
        host: Where to.
    """

    def __init__(self, reason: str, host: str) -> None:
        super().__init__(f"{host}: {reason}", "It is asked for before it is sent again")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class HttpTarget:
    """Where to and how.

    Args:
        url: Scheme, host, port and path that all requests have in common.
        authority: The CA that is believed, PEM; the system's if None.
        certificate: Our client certificate, PEM, or None.
        key: Its key, PEM.
        connect_s: Longest wait for connection and TLS together, seconds.
        answer_s: Longest wait for a whole answer once the request has left, seconds.
        max_answer_bytes: A longer answer is not read.
        plain: Allow `http:`; only for a leased line that carries its own protection.
    """

    url: str
    authority: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    connect_s: float = 5.0
    answer_s: float = 30.0
    max_answer_bytes: int = 1 << 20
    plain: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What a platform answered.

    Args:
        status: The HTTP status.
        content_type: Its content type in lower case, or an empty string.
        body: The bytes; a platform may quote in it what it was sent.
        headers: Its other headers, names in lower case.
    """

    status: int
    content_type: str
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


class HttpPost:
    """Sends requests to one target, each over a connection of its own.

    Args:
        target: Where to and how.

    Raises:
        ConfigError: If the address is none, plain without leave, or a certificate can't be read.
    """

    def __init__(self, target: HttpTarget) -> None:
        self._target = target
        try:
            parts = urlsplit(target.url)
            port = parts.port
        except ValueError:
            raise ConfigError("url: no address", "Write https://host/path") from None
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.query:
            raise ConfigError("url: no address", "Write https://host/path")
        if parts.scheme == "http" and not target.plain:
            raise ConfigError("url: is not encrypted", "Use https, or say plain = true if the line itself is protected")
        self._host: str = parts.hostname
        self._is_plain = parts.scheme == "http"
        self._port = port or (_HTTP_PORT if self._is_plain else _HTTPS_PORT)
        self._path = parts.path
        self._context = None if self._is_plain else _tls_context(target)

    def post(self, body: bytes, headers: Mapping[str, str], path: str = "") -> Answer:
        """Send a body.

        Args:
            body: The bytes.
            headers: Beside Host and Content-Length.
            path: What follows the target's path; with a query if it needs one.

        Raises:
            NotSentError: If nothing left.
            NoAnswerError: If it left, and no whole answer came.
        """
        return self._exchange("POST", path, headers, body)

    def get(self, headers: Mapping[str, str], path: str = "") -> Answer:
        """Ask for something.

        Raises:
            NotSentError: If nothing left.
            NoAnswerError: If it left, and no whole answer came.
        """
        return self._exchange("GET", path, headers, None)

    def _exchange(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        connection = self._connected()
        # A time-out of the socket begins anew with each byte; this one does not.
        ran_out = Event()
        watchdog = Timer(self._target.answer_s, _cut, (connection.sock, ran_out))
        watchdog.daemon = True
        try:
            watchdog.start()
            connection.request(
                method,
                (self._path + path) or "/",
                body,
                {"Connection": "close", "Accept-Encoding": "identity", **headers},
            )
            return self._answer(connection.getresponse())
        except TimeoutError:
            raise NoAnswerError("answer_timeout", self._host) from None
        except (OSError, http.client.HTTPException) as error:
            # The watchdog's cut looks like the other side's.
            is_cut = isinstance(error, OSError | http.client.IncompleteRead)
            fault = "connection_cut" if is_cut else "answer_malformed"
            raise NoAnswerError("answer_timeout" if ran_out.is_set() else fault, self._host) from None
        finally:
            watchdog.cancel()
            connection.close()

    def _connected(self) -> http.client.HTTPConnection:
        target = self._target
        connection = (
            http.client.HTTPConnection(self._host, self._port, timeout=target.connect_s)
            if self._context is None
            else http.client.HTTPSConnection(self._host, self._port, timeout=target.connect_s, context=self._context)
        )
        try:
            connection.connect()
        except ssl.SSLCertVerificationError:
            fault = "tls_untrusted"
        except TimeoutError:
            fault = "connect_timeout"
        except ssl.SSLError:
            fault = "tls_refused"
        except OSError:
            fault = "unreachable"
        else:
            connection.sock.settimeout(target.answer_s)
            return connection
        connection.close()
        raise NotSentError(fault, self._host)

    def _answer(self, response: http.client.HTTPResponse) -> Answer:
        most = self._target.max_answer_bytes
        if (response.length or 0) > most:
            raise NoAnswerError("answer_too_large", self._host)
        chunks: list[bytes] = []
        size = 0
        while chunk := response.read(min(_CHUNK_BYTES, most + 1 - size)):
            size += len(chunk)
            if size > most:
                raise NoAnswerError("answer_too_large", self._host)
            chunks.append(chunk)
        if response.length:
            raise http.client.IncompleteRead(b"")
        headers = {name.lower(): text for name, text in response.getheaders()}
        return Answer(response.status, headers.get("content-type", "").lower(), b"".join(chunks), headers)


def _tls_context(target: HttpTarget) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=None if target.authority is None else str(target.authority))
        if target.certificate is not None:
            context.load_cert_chain(target.certificate, target.key)
    except (OSError, ssl.SSLError):
        raise ConfigError("authority, certificate or key: can't be read", "Give the paths of PEM files") from None
    return context


def _cut(line: socket.socket, ran_out: Event) -> None:
    ran_out.set()
    with contextlib.suppress(OSError):
        # The plain one: that of TLS takes the line away under the thread that reads it.
        socket.socket.shutdown(line, socket.SHUT_RDWR)
