"""Wakeup: lets one thread wake another that waits in select on a device."""

import os
import threading
import weakref
from types import TracebackType
from typing import Self

__all__ = ["Wakeup"]


class Wakeup:
    """A bell that is also a file descriptor: readable from `ring()` until `clear()`.

    Any thread and any signal may ring it. The descriptor is given back by `close()`, or when the object goes.
    """

    def __init__(self) -> None:
        self._fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        # Reentrant, because a signal may arrive while its own thread is ringing.
        self._lock = threading.RLock()
        self._give_back = weakref.finalize(self, os.close, self._fd)

    def fileno(self) -> int:
        """Return the descriptor to wait on, or -1 once closed (select refuses that instead of watching a stranger)."""
        return self._fd

    def ring(self) -> None:
        """Make the descriptor readable; on a closed bell nothing happens."""
        with self._lock:
            if self._fd >= 0:
                os.eventfd_write(self._fd, 1)

    def clear(self) -> None:
        """Make the descriptor silent again; on a silent or closed bell nothing happens."""
        with self._lock:
            if self._fd >= 0:
                try:
                    os.eventfd_read(self._fd)
                except BlockingIOError:
                    return

    def close(self) -> None:
        """Give the descriptor back; a second call does nothing."""
        with self._lock:
            self._fd = -1
            self._give_back()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
