"""HostAckScanner: a scanner on a real pseudo-terminal that is suspended after each scan until it is answered."""

import os
import select
import time

from fakes.pty_scanner import PtyScanner

__all__ = ["HostAckScanner"]

_QUIET_S = 0.1


class HostAckScanner(PtyScanner):
    """Behaves as Honeywell describes Host ACK: silent until an escape command comes, else an error tone.

    Args:
        limit_s: After how long without an answer it gives up by itself.
    """

    def __init__(self, limit_s: float = 10.0) -> None:
        super().__init__()
        self._limit_s = limit_s
        self.error_tones = 0
        self.unasked = b""

    def scan(self, code: bytes) -> bytes:
        """Read a code, send it, and wait suspended; return what it was answered, nothing if nobody did."""
        self.unasked += self._heard(0.0)
        self.send(code + b"\r")
        begun_s = time.monotonic()
        answer = self._heard(self._limit_s)
        if not answer:
            self.error_tones += 1
        self.waited_s = time.monotonic() - begun_s
        return answer

    def _heard(self, wait_s: float) -> bytes:
        """Return what comes: first bytes within a time, then everything up to a short silence."""
        octets = b""
        while select.select([self._scanner], [], [], _QUIET_S if octets else wait_s)[0]:
            octets += os.read(self._scanner, 4096)
        return octets
