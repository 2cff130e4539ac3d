"""Back-off: how long to wait before the next try, with full jitter so that many boxes do not come back in step."""

from collections.abc import Callable

__all__ = ["Backoff"]


class Backoff:
    """The growing, randomised wait between tries (STYLE.md 5, rule 10).

    Full jitter: each wait is drawn evenly from nought to a ceiling, and the ceiling grows until the cap. A thousand
    boxes that lost the same broker in the same second then spread over the whole ceiling (PEERS.md 3).

    Args:
        random: Gives a number of 0.0 <= x < 1.0; `random.random` outside tests.
        base_s: The first ceiling in seconds.
        factor: How much the ceiling grows with each try.
        cap_s: The highest ceiling in seconds.

    Raises:
        ValueError: If the numbers cannot describe a growing, bounded wait.
    """

    def __init__(
        self, *, random: Callable[[], float], base_s: float = 1.0, factor: float = 2.0, cap_s: float = 120.0
    ) -> None:
        if base_s <= 0 or factor < 1 or cap_s < base_s:
            raise ValueError(f"back-off needs 0 < base_s <= cap_s and factor >= 1, found {base_s}, {cap_s}, {factor}")
        self._random = random
        self._base_s = base_s
        self._factor = factor
        self._cap_s = cap_s
        self._ceiling_s = base_s
        self._tries = 0

    @property
    def tries(self) -> int:
        """How many waits were handed out since the last success."""
        return self._tries

    def next_wait_s(self, least_s: float = 0.0) -> float:
        """Draw the wait in seconds before the next try, and raise the ceiling for the one after it.

        Args:
            least_s: Added to the draw where coming back at once would do harm, in seconds.
        """
        wait_s = least_s + self._random() * self._ceiling_s
        self._ceiling_s = min(self._cap_s, self._ceiling_s * self._factor)
        self._tries += 1
        return wait_s

    def reset(self) -> None:
        """Begin again at the first ceiling: the last try succeeded."""
        self._ceiling_s = self._base_s
        self._tries = 0
