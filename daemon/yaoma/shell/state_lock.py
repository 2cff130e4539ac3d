"""The lock on the state folder: two daemons on one journal would fork it."""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

__all__ = ["StateBusyError", "StateLock"]


class StateBusyError(Exception):
    """Another process holds the state folder; the sentence says what to do."""


class StateLock:
    """Held as long as the folder is used; the kernel takes it back when the process ends, however it ends.

    Args:
        folder: The state folder; made if it is missing.

    Raises:
        StateBusyError: On entering, if another process holds it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._descriptor = -1

    def __enter__(self) -> Self:
        """Take the lock."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            raise StateBusyError(
                f"{self._folder}: 另一个进程正在使用，请先停止守护进程 / another process uses it; "
                "stop the daemon first (systemctl stop yaoma)"
            ) from error
        self._descriptor = descriptor
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give it back."""
        os.close(self._descriptor)
