"""Local address: where a service listens for programs on its own host, never for the network."""

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = ["LocalAddress"]

_UNIX: Final = "unix:"
_MAX_PORT: Final = 65535
#: A Unix socket's name may have 107 bytes (unix(7)).
_MAX_PATH_BYTES: Final = 107


@dataclass(frozen=True, slots=True)
class LocalAddress:
    """A loopback address and port, or a Unix socket.

    Args:
        host: 127.0.0.1 or the like; empty for a Unix socket.
        port: The port; 0 for a Unix socket.
        path: The Unix socket's file, or None.
    """

    host: str = ""
    port: int = 0
    path: Path | None = None

    @classmethod
    def parse(cls, text: str) -> "LocalAddress":
        """Read `127.0.0.1:9464`, `[::1]:9464`, `localhost:9464` or `unix:/run/yaoma/metrics.sock`.

        Raises:
            ValueError: If it is none of these; the network is none of these.
        """
        if text.startswith(_UNIX):
            path = Path(text.removeprefix(_UNIX))
            if not path.is_absolute() or "\0" in text or len(str(path).encode()) > _MAX_PATH_BYTES:
                raise ValueError("unix: and an absolute path of at most 107 bytes were expected")
            return cls(path=path)
        host, colon, port = text.rpartition(":")
        if not colon or not port.isascii() or not port.isdecimal() or not 1 <= int(port) <= _MAX_PORT:
            raise ValueError("a port between 1 and 65535 was expected after the last colon")
        if host == "localhost":
            return cls("127.0.0.1", int(port))
        is_bracketed = host.startswith("[") and host.endswith("]")
        address = ipaddress.ip_address(host[1:-1] if is_bracketed else host)
        if not address.is_loopback or (address.version == 6) is not is_bracketed:  # noqa: PLR2004 - IPv6
            raise ValueError("a loopback address was expected")
        return cls(str(address), int(port))

    def __str__(self) -> str:
        """Write it as it is configured."""
        if self.path is not None:
            return f"{_UNIX}{self.path}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
