"""Runs of places: a set of whole numbers that is kept as a few half-open spans."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator

__all__ = ["Runs", "Span"]

Span = tuple[int, int]
"""A half-open run of places in a log: from, to."""


class Runs:
    """A set of places, kept as sorted spans that neither overlap nor touch.

    Memory and time depend on the number of gaps, not on the number of places: a week without network is one span.

    Args:
        spans: What it holds to begin with.
    """

    def __init__(self, spans: Iterable[Span] = ()) -> None:
        self._spans: list[Span] = []
        self._places = 0
        for span in spans:
            self.add(span)

    @property
    def places(self) -> int:
        """How many places it holds."""
        return self._places

    @property
    def first(self) -> Span | None:
        """The lowest span, or None if it is empty."""
        return self._spans[0] if self._spans else None

    def __iter__(self) -> Iterator[Span]:
        return iter(tuple(self._spans))

    def __bool__(self) -> bool:
        return bool(self._spans)

    def __repr__(self) -> str:
        return f"Runs({self._spans!r})"

    def within(self, span: Span) -> list[Span]:
        """Give the parts of it that lie in a span."""
        first, last = span
        begin = bisect_right(self._spans, first, key=_end)
        end = bisect_left(self._spans, last, key=_begin)
        return [(max(first, one[0]), min(last, one[1])) for one in self._spans[begin:end]]

    def add(self, span: Span) -> None:
        """Put places in; those that are there already stay."""
        first, last = span
        if first >= last:
            return
        begin = bisect_left(self._spans, first, key=_end)
        end = bisect_right(self._spans, last, key=_begin)
        met = self._spans[begin:end]
        merged = (min(first, met[0][0]), max(last, met[-1][1])) if met else span
        self._spans[begin:end] = [merged]
        self._places += merged[1] - merged[0] - sum(one[1] - one[0] for one in met)

    def remove(self, span: Span) -> None:
        """Take places out; those that are not there do not matter."""
        first, last = span
        if first >= last:
            return
        begin = bisect_right(self._spans, first, key=_end)
        end = bisect_left(self._spans, last, key=_begin)
        met = self._spans[begin:end]
        if not met:
            return
        kept = [one for one in ((met[0][0], min(first, met[0][1])), (max(last, met[-1][0]), met[-1][1])) if _is(one)]
        self._spans[begin:end] = kept
        self._places += sum(one[1] - one[0] for one in kept) - sum(one[1] - one[0] for one in met)


def _begin(span: Span) -> int:
    return span[0]


def _end(span: Span) -> int:
    return span[1]


def _is(span: Span) -> bool:
    return span[0] < span[1]
