"""Endpoint: where the broker is and how long to be patient with it."""

from dataclasses import dataclass
from pathlib import Path

__all__ = ["Endpoint", "TlsFiles"]

_MAX_PORT = 65535
_MAX_KEEP_ALIVE_S = 65535


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """The three files of mutual TLS, all PEM.

    Args:
        authority: The one CA that is believed; the system's CAs are not.
        certificate: Our client certificate.
        key: Its private key, without a passphrase.
    """

    authority: Path
    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the broker is.

    Args:
        host: Name or address; with TLS the broker's certificate must carry exactly this name.
        port: TCP port, 8883 with TLS and 1883 without by custom.
        tls: The files, or None for a plain connection on a trusted line.
        keep_alive_s: Longest silence in seconds before a ping; at 1.5 times that a silent broker is dropped.
        connect_timeout_s: How long TCP connection and TLS handshake may take together, in seconds.
        connack_timeout_s: How long the broker may take to answer CONNECT, in seconds.

    Raises:
        ValueError: If a value cannot be used; the sentence begins with its name.
    """

    host: str
    port: int
    tls: TlsFiles | None = None
    keep_alive_s: int = 30
    connect_timeout_s: float = 15.0
    connack_timeout_s: float = 20.0

    def __post_init__(self) -> None:
        """Refuse what can only fail later, at a counter without a technician."""
        if not self.host or "/" in self.host or any(c.isspace() or not c.isprintable() for c in self.host):
            raise ValueError("host: expected a bare name or address, without scheme, path or blanks")
        if not 1 <= self.port <= _MAX_PORT:
            raise ValueError(f"port: expected 1 to {_MAX_PORT}, found {self.port}")
        if not 1 <= self.keep_alive_s <= _MAX_KEEP_ALIVE_S:
            raise ValueError(f"keep_alive_s: expected 1 to {_MAX_KEEP_ALIVE_S}, found {self.keep_alive_s}")
        if self.connect_timeout_s <= 0 or self.connack_timeout_s <= 0:
            raise ValueError("connect_timeout_s, connack_timeout_s: expected more than 0")
