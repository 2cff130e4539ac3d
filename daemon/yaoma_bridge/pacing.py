"""Pacing: how often a platform may be called, and when it is left alone because it is in trouble. Pure."""

from collections.abc import Callable
from enum import StrEnum

from yaoma_link.backoff import Backoff

__all__ = ["Breaker", "BreakerState", "RateLimit", "wait_s"]

_MOST_DOUBLINGS = 30


class RateLimit:
    """So many calls a second in the long run, and so many at once after a pause (a token bucket).

    Args:
        calls_per_s: Calls per second; 0 for no limit.
        burst: How many may come at once.
    """

    def __init__(self, calls_per_s: float, burst: int) -> None:
        self._calls_per_s = calls_per_s
        self._burst = float(max(1, burst))
        self._tokens = self._burst
        self._at_s: float | None = None

    def take(self, now_s: float) -> float:
        """Take a call if one may be made now.

        Args:
            now_s: Seconds that never go back.

        Returns:
            0 if it was taken, else in how many seconds one may be made.
        """
        if self._calls_per_s <= 0:
            return 0.0
        if self._at_s is not None:
            self._tokens = min(self._burst, self._tokens + (now_s - self._at_s) * self._calls_per_s)
        self._at_s = now_s
        # What rounding took away is no reason to wait.
        if self._tokens >= 1.0 - 1e-9:
            self._tokens -= 1.0
            return 0.0
        return (1.0 - self._tokens) / self._calls_per_s

    def drain(self, now_s: float) -> None:
        """Forget the calls that were saved up: the platform said that there were too many."""
        self._tokens, self._at_s = 0.0, now_s


class BreakerState(StrEnum):
    """How a platform is treated."""

    CLOSED = "closed"  # called as usual
    OPEN = "open"  # left alone until a time
    HALF_OPEN = "half_open"  # one call is under way that will tell


class Breaker:
    """Leaves a platform alone after some troubles in a row, for a growing, jittered while; then one call tells.

    Args:
        backoff: Gives the waits.
        troubles: How many in a row open it.
    """

    def __init__(self, backoff: Backoff, troubles: int = 5) -> None:
        self._backoff = backoff
        self._most = troubles
        self._troubles = 0
        self._open_until_s = 0.0
        self.state = BreakerState.CLOSED

    def wait_s(self, now_s: float) -> float:
        """Give in how many seconds a call may be made; 0 if one may be made now, which then must be made.

        Args:
            now_s: Seconds that never go back.
        """
        if self.state is BreakerState.CLOSED:
            return 0.0
        if self.state is BreakerState.OPEN and now_s >= self._open_until_s:
            self.state = BreakerState.HALF_OPEN
            return 0.0
        # While the one call is under way nobody knows how long it takes.
        return max(self._open_until_s - now_s, 1.0)

    def put_back(self) -> None:
        """Note that the one call was not made after all."""
        if self.state is BreakerState.HALF_OPEN:
            self.state = BreakerState.OPEN

    def good(self) -> None:
        """Note that the platform answered, whatever it said of the parcel."""
        self._troubles = 0
        self._backoff.reset()
        self.state = BreakerState.CLOSED

    def trouble(self, now_s: float, least_s: float = 0.0) -> bool:
        """Note that the platform is in trouble.

        Args:
            now_s: Seconds that never go back.
            least_s: How long it asked to be left alone, in seconds; this opens at once.

        Returns:
            Whether it has just opened.
        """
        self._troubles += 1
        if self.state is BreakerState.CLOSED and self._troubles < self._most and not least_s:
            return False
        was_closed = self.state is BreakerState.CLOSED
        self._open_until_s = now_s + self._backoff.next_wait_s(least_s)
        self.state = BreakerState.OPEN
        return was_closed


def wait_s(random: Callable[[], float], tries: int, base_s: float, cap_s: float) -> float:
    """Give a jittered wait after so many tries: between half of what has doubled from `base_s` and the whole.

    Not full jitter: this is one parcel at a platform that answers, not a thousand boxes in one second; asking again
    at once would only spend calls.

    Args:
        random: Gives a number of 0.0 <= x < 1.0.
        tries: How many there were, from 0.
        base_s: The first wait, in seconds.
        cap_s: The longest, in seconds.
    """
    whole_s = min(cap_s, base_s * 2.0 ** min(tries, _MOST_DOUBLINGS))
    return whole_s * (1 + random()) / 2
