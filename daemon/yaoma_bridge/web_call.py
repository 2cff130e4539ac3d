"""Web call: one HTTPS request with time-outs and an answer of bounded size, and whether it was sent if none came."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from pathlib import Path
from ssl import SSLCertVerificationError, SSLContext, SSLError, create_default_context

import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    LocationValueError,
    NewConnectionError,
    ProxyError,
    ReadTimeoutError,
)
from urllib3.exceptions import SSLError as TlsError
from urllib3.util.ssl_match_hostname import CertificateError

from yaoma_bridge.bounded_connection import bounded_pools, ends_at
from yaoma_bridge.errors import ConfigError

__all__ = ["WHOLE_S", "UnreadableError", "WebCaller", "WebError", "WebReply", "WebTrouble", "read_json"]

#: How long a call may take in all, unless its caller says otherwise.
WHOLE_S = 45.0
#: No platform says more in one answer than what a thousand codes in detail take.
_MOST_BYTES = 8 << 20
_CHUNK_BYTES = 1 << 16


class WebTrouble(StrEnum):
    """What went wrong with a call; the ids are reasons that an operator may read."""

    NO_CONNECTION = "no_connection"  # name, route or port: nothing was sent
    CERTIFICATE = "certificate"  # TLS refused: nothing was sent
    TIMEOUT = "timeout"  # sent, and no answer in time
    BROKEN = "connection_broken"  # sent in part or whole, and the connection ended
    TOO_LARGE = "answer_too_large"  # an answer came, and was larger than any answer may be


#: After these the other side certainly has nothing.
_UNSENT = frozenset({WebTrouble.NO_CONNECTION, WebTrouble.CERTIFICATE})


class WebError(Exception):
    """A call brought no answer.

    Args:
        trouble: What went wrong.
    """

    def __init__(self, trouble: WebTrouble) -> None:
        super().__init__(trouble.value)
        self.trouble = trouble

    @property
    def was_sent(self) -> bool:
        """Whether the other side may have acted on the request."""
        return self.trouble not in _UNSENT


class UnreadableError(ValueError):
    """An answer came that is not what was expected; nothing of it is quoted.

    Args:
        reason: A stable id: `answer_empty`, `answer_html`, `answer_unreadable`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class WebReply:
    """An answer.

    Args:
        status: The HTTP status.
        headers: Its headers, names in small letters.
        body: Its bytes, whole.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def is_good(self) -> bool:
        """The status is 2xx."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def is_trouble_there(self) -> bool:
        """The status speaks of the server and not of the request: 429 or 5xx."""
        return self.status == HTTPStatus.TOO_MANY_REQUESTS or self.status >= HTTPStatus.INTERNAL_SERVER_ERROR

    @property
    def retry_after_s(self) -> float | None:
        """What a `Retry-After` header in seconds says; one with a date says nothing here."""
        text = self.headers.get("retry-after", "")
        return float(text) if text.isascii() and text.isdecimal() and len(text) < 6 else None  # noqa: PLR2004 - a day


class WebCaller:
    """Calls one platform; connections are kept and used again, by several threads at once if need be.

    TLS is always verified, host name included; there is no switch against it (DOMAIN.md 3.1). Redirects are not
    followed: a request may stand in a form that must be signed anew, and nobody shall be sent elsewhere with it.

    Args:
        authority: PEM file of the CAs that are believed; those of the system if None.
        certificate: PEM file of our own certificate with its chain, if the platform wants one.
        key: PEM file of its key.
        plain_http: Allow `http:`, for a vendor's proxy on the same machine or line.
        connect_s: How long connecting may take, in seconds.
        read_s: How long the other side may be silent, in seconds.
        whole_s: How long a call may take in all from its start, in seconds; the resolver's time for a name besides.
        most_bytes: The largest answer that is read.
        connections: How many connections are kept at most; by default as many as calls may be under way.

    Raises:
        ConfigError: If one of the files can't be used.
    """

    def __init__(
        self,
        *,
        authority: Path | None = None,
        certificate: Path | None = None,
        key: Path | None = None,
        plain_http: bool = False,
        connect_s: float = 5.0,
        read_s: float = 20.0,
        whole_s: float = WHOLE_S,
        most_bytes: int = _MOST_BYTES,
        connections: int = 64,
    ) -> None:
        self._plain_http = plain_http
        self._whole_s = whole_s
        self._most_bytes = most_bytes
        self._pool = bounded_pools(
            urllib3.PoolManager(
                maxsize=connections,
                block=False,
                ssl_context=_context(authority, certificate, key),
                timeout=urllib3.Timeout(connect=connect_s, read=read_s),
                retries=False,
            )
        )

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> WebReply:
        """Send a body and give the answer, whatever its status.

        Raises:
            WebError: If no whole answer came.
        """
        return self._call("POST", url, body, headers)

    def get(self, url: str, headers: Mapping[str, str]) -> WebReply:
        """Ask for something.

        Raises:
            WebError: If no whole answer came.
        """
        return self._call("GET", url, None, headers)

    def close(self) -> None:
        """Close the connections; the next call makes new ones."""
        self._pool.clear()

    def _call(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> WebReply:
        if not url.startswith("https://") and not (self._plain_http and url.startswith("http://")):
            raise WebError(WebTrouble.NO_CONNECTION)
        until_s = time.monotonic() + self._whole_s
        with ends_at(until_s):
            try:
                return self._answered(method, url, body, headers)
            except HTTPError as error:
                trouble = _trouble(error)
            except OSError:
                trouble = WebTrouble.BROKEN
        if trouble is WebTrouble.BROKEN and time.monotonic() >= until_s:
            # It drips: each byte comes in time, the whole never.
            trouble = WebTrouble.TIMEOUT
        raise WebError(trouble)

    def _answered(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> WebReply:
        response = self._pool.request(
            method,
            url,
            body=body,
            # Packed answers could unpack to any size.
            headers={**headers, "Accept-Encoding": "identity"},
            redirect=False,
            preload_content=False,
            decode_content=False,
        )
        try:
            content = self._read(response)
        except (HTTPError, OSError, WebError):
            response.close()
            raise
        response.release_conn()
        named = {name.lower(): value for name, value in response.headers.items()}
        return WebReply(response.status, named, content)

    def _read(self, response: urllib3.BaseHTTPResponse) -> bytes:
        parts: list[bytes] = []
        size = 0
        while part := response.read1(_CHUNK_BYTES):
            size += len(part)
            if size > self._most_bytes:
                raise WebError(WebTrouble.TOO_LARGE)
            parts.append(part)
        return b"".join(parts)


def read_json(reply: WebReply) -> dict[str, object]:
    """Read an answer as a JSON object, in UTF-8, or in the GB18030 that some gateways write against their own header.

    Raises:
        UnreadableError: If it is empty, a page for people, or anything else but a JSON object.
    """
    content = reply.body.strip()
    if not content:
        raise UnreadableError("answer_empty")
    if content[:1] == b"<":
        raise UnreadableError("answer_html")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = content.decode("gb18030")
        except UnicodeDecodeError:
            raise UnreadableError("answer_unreadable") from None
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        raise UnreadableError("answer_unreadable") from None
    if not isinstance(read, dict):
        raise UnreadableError("answer_unreadable")
    return read


def _context(authority: Path | None, certificate: Path | None, key: Path | None) -> SSLContext:
    try:
        context = create_default_context(cafile=None if authority is None else str(authority))
        if certificate is not None:
            context.load_cert_chain(certificate, key)
    except (OSError, SSLError) as error:
        problem = error.strerror or "holds no certificates"
        raise ConfigError(f"TLS files of a destination: {problem}", "Name readable PEM files") from None
    return context


def _trouble(error: HTTPError) -> WebTrouble:
    """Sort what the library raises; what is not certainly before the request counts as sent."""
    if isinstance(error, TlsError):
        # Only our own refusal of their certificate is certainly before the request; other TLS errors come after it too:
        # a line cut without a goodbye, and in TLS 1.3 their refusal of our certificate.
        inner = error.args[0] if error.args else None
        is_ours = isinstance(inner, SSLCertVerificationError | CertificateError)
        return WebTrouble.CERTIFICATE if is_ours else WebTrouble.BROKEN
    if isinstance(error, ReadTimeoutError):
        return WebTrouble.TIMEOUT
    if isinstance(error, NewConnectionError | ConnectTimeoutError | ProxyError | LocationValueError):
        return WebTrouble.NO_CONNECTION
    return WebTrouble.BROKEN
