"""Durations: a histogram that one thread fills and every thread may read, for a few additions per commit."""

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import Final

__all__ = ["COMMIT_BOUNDS_S", "Durations"]

#: A verdict has 100 ms (DESIGN.md 3, promise 6); an SSD syncs in well under 1 ms, a worn card in hundreds.
COMMIT_BOUNDS_S: Final = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0)


@dataclass(slots=True)
class Durations:
    """How long something took, sorted into buckets.

    Args:
        bounds_s: Upper bounds of the buckets in seconds, rising; one more bucket takes what is longer.
    """

    bounds_s: tuple[float, ...] = COMMIT_BOUNDS_S
    total_s: float = 0.0
    _counts: list[int] = field(init=False)

    def __post_init__(self) -> None:
        """Begin at nought."""
        self._counts = [0] * (len(self.bounds_s) + 1)

    def add(self, seconds: float) -> None:
        """Count one."""
        self._counts[bisect_left(self.bounds_s, seconds)] += 1
        self.total_s += seconds

    def counts(self) -> tuple[int, ...]:
        """Give how many lie in each bucket, the one without bound last."""
        return tuple(self._counts)
