"""Contention: counts how often this worker met another one at the same work; nothing was lost by it but time."""

import threading
from collections import Counter
from typing import Final

__all__ = ["CONTENTION", "Contention"]


class Contention:
    """Counts by kind; any thread may add.

    `log`, `upload`, `destination`: another worker held the claim. `verified`, `bills`: what was made here another
    worker had written already. `undone`: the database undid a transaction, and it was done again.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def add(self, kind: str) -> None:
        """Count one meeting."""
        with self._lock:
            self._counts[kind] += 1

    def counts(self) -> dict[str, int]:
        """Give how often workers met since this process began, by kind."""
        with self._lock:
            return dict(sorted(self._counts.items()))


#: Of this process: a worker is one.
CONTENTION: Final = Contention()
