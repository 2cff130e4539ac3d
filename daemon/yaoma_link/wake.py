"""Wake: a flag that is also a descriptor, so that a thread in `poll` hears of other threads at once."""

import os

__all__ = ["Wake"]


class Wake:
    """A flag on an eventfd(2); setting it twice is the same as once."""

    def __init__(self) -> None:
        self._descriptor = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)

    def fileno(self) -> int:
        """Give the descriptor to poll on; readable while set."""
        return self._descriptor

    def set(self) -> None:
        """Wake whoever polls."""
        os.eventfd_write(self._descriptor, 1)

    def clear(self) -> None:
        """Put the flag down, if it is up."""
        try:
            os.eventfd_read(self._descriptor)
        except BlockingIOError:
            return

    def close(self) -> None:
        """Give the descriptor back, once; nobody may use the flag afterwards."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
