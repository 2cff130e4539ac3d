"""Burst: somebody who scans pack after pack and does not look up."""

import threading
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Self

from fakes.county import BoxProcess

__all__ = ["Burst", "pack_codes"]


def pack_codes(first: int = 1) -> Iterator[str]:
    """Give trace codes that no pack on earth carries, each once (DOMAIN.md 1.8)."""
    number = first
    while True:
        yield f"81{number:018d}"
        number += 1


class Burst(threading.Thread):
    """Scans as long as the context lasts; what the line does not take at once is lost, as with a real scanner.

    Args:
        box: Where to scan.
        codes: What is scanned.
        per_s: How many scans a second.
    """

    def __init__(self, box: BoxProcess, codes: Iterator[str], per_s: float) -> None:
        super().__init__(name="burst", daemon=True)
        self._box = box
        self._codes = codes
        self._per_s = per_s
        self._over = threading.Event()
        self.offered = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._over.set()
        self.join()

    def run(self) -> None:
        """Scan until the context ends."""
        began_s, waiting = time.monotonic(), b""
        while not self._over.wait(0.005):
            due = int((time.monotonic() - began_s) * self._per_s)
            waiting += b"".join(f"{next(self._codes)}\r\n".encode() for _ in range(due - self.offered))
            self.offered = due
            taken = self._box.scanner.offer(waiting) if waiting else 0
            whole = waiting.find(b"\n", taken - 1) + 1 if taken else 0
            # The scan that is half on the line is finished; what comes after it is gone.
            waiting = waiting[taken:whole] if whole > taken else b""
