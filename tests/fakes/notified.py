"""Notified: a real datagram socket where systemd would listen, and what was heard on it."""

import socket
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

__all__ = ["Notified"]


class Notified:
    """Listens on a socket that NOTIFY_SOCKET may name.

    Args:
        path: The socket's file; at most 107 bytes.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.heard: list[str] = []
        self._waited_upto = 0
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def lines(self, for_s: float = 0.0) -> list[str]:
        """Give the lines that arrive within a time, at least those that wait already."""
        end_s = time.monotonic() + for_s
        new: list[str] = []
        while True:
            self._socket.settimeout(max(0.001, end_s - time.monotonic()))
            try:
                new += self._socket.recv(65536).decode().split("\n")
            except TimeoutError:
                if time.monotonic() >= end_s:
                    self.heard += new
                    return new

    def wait(self, wanted: Callable[[str], bool], deadline_s: float = 30.0) -> str:
        """Wait for a line after the last one that was waited for, and give it."""
        end_s = time.monotonic() + deadline_s
        while True:
            self.lines(0.05)
            while self._waited_upto < len(self.heard):
                self._waited_upto += 1
                if wanted(self.heard[self._waited_upto - 1]):
                    return self.heard[self._waited_upto - 1]
            assert time.monotonic() < end_s, f"not heard: {self.heard}"
