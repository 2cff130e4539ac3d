"""PtyScanner: the scanner's end of a real pseudo-terminal."""

import contextlib
import fcntl
import os
import pty
import select
import time

__all__ = ["PtyScanner"]

_DEADLINE_S = 20
_TIOCGEXCL = 0x80045440
_TIOCNXCL = 0x540D


class PtyScanner:
    """A serial scanner whose cable is a pseudo-terminal; `path` is what the driver opens."""

    def __init__(self) -> None:
        self._scanner, self._line = pty.openpty()
        self.path = os.ttyname(self._line)

    def wait_until_open(self) -> None:
        """Wait until the driver holds the line: what is sent before is flushed by its opening, as on a real one."""
        until_s = time.monotonic() + _DEADLINE_S
        while not self.is_locked():
            assert time.monotonic() < until_s, "the driver never opened the line"
            time.sleep(0.002)

    def is_locked(self) -> bool:
        """Tell whether somebody has the line for himself."""
        return bool(int.from_bytes(fcntl.ioctl(self._line, _TIOCGEXCL, bytes(4)), "little"))

    def forget_lock(self) -> None:
        """Take back the lock of a driver that was killed, so that the next driver's is seen."""
        fcntl.ioctl(self._line, _TIOCNXCL)

    def offer(self, octets: bytes) -> int:
        """Send as many bytes as the line takes at once, as a scanner without flow control does; return how many."""
        os.set_blocking(self._scanner, False)
        try:
            return os.write(self._scanner, octets)
        except BlockingIOError:
            return 0
        finally:
            os.set_blocking(self._scanner, True)

    def send(self, octets: bytes) -> None:
        """Send bytes as a scanner does."""
        assert os.write(self._scanner, octets) == len(octets)

    def receive(self, count: int) -> bytes:
        """Wait for bytes from the driver."""
        octets = b""
        while len(octets) < count:
            readable, _, _ = select.select([self._scanner], [], [], _DEADLINE_S)
            assert readable, f"only {len(octets)} of {count} bytes came"
            octets += os.read(self._scanner, count - len(octets))
        return octets

    def clog(self) -> int:
        """Fill the way to the scanner with zeros, as one that takes no bytes does; return how many went in."""
        os.set_blocking(self._line, False)
        count = 0
        with contextlib.suppress(BlockingIOError):
            while True:
                count += os.write(self._line, bytes(256))
        return count

    def drain(self) -> bytes:
        """Take whatever is on its way to the scanner."""
        octets = b""
        while select.select([self._scanner], [], [], 0.2)[0]:
            octets += os.read(self._scanner, 65536)
        return octets

    def unplug(self) -> None:
        """Pull the cable; a second time does nothing."""
        if self._scanner >= 0:
            os.close(self._scanner)
            os.close(self._line)
            self._scanner = -1
