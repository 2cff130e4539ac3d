"""Runs of places: behave as a set of whole numbers, whatever the order of changes."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from yaoma.core.spans import Runs, Span

SPANS = st.tuples(st.integers(0, 40), st.integers(0, 40))


@given(st.lists(st.tuples(st.booleans(), SPANS), max_size=30), SPANS)
def test_runs_after_any_changes_hold_what_a_set_holds(changes: list[tuple[bool, Span]], window: Span) -> None:
    """Adding and removing spans gives the same places as a plain set, in sorted spans that do not touch."""
    runs, places = Runs(), set[int]()
    for is_added, span in changes:
        (runs.add if is_added else runs.remove)(span)
        places = places | set(range(*span)) if is_added else places - set(range(*span))

    assert places == {place for span in runs for place in range(*span)}
    assert len(places) == runs.places
    assert bool(places) == bool(runs)
    spans = list(runs)
    assert all(one[1] < other[0] for one, other in pairwise(spans))
    assert (spans[0] if spans else None) == runs.first
    assert places & set(range(*window)) == {place for span in runs.within(window) for place in range(*span)}
