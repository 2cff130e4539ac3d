"""Number runs: rows with neighbouring keys in one look, for records of a ticket stand side by side in the feed."""

from collections.abc import Iterable, Iterator
from typing import Final

__all__ = ["number_runs"]

#: To read so many rows too many costs less than another look.
_GAP: Final = 64


def number_runs(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Divide keys into runs for `WHERE key>=? AND key<=?`.

    Args:
        numbers: The keys, in any order.

    Yields:
        The first and the last key of a run; keys between them that were not given have to be passed over.
    """
    first = last = None
    for number in sorted(numbers):
        if first is None or last is None:
            first = number
        elif number - last > _GAP:
            yield first, last
            first = number
        last = number
    if first is not None and last is not None:
        yield first, last
