"""Back-off: bounds, growth, cap and reset."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yaoma_link.backoff import Backoff

_ALMOST_ONE = 1 - 2**-53


def test_wait_when_randomness_is_highest_then_it_grows_to_the_cap() -> None:
    """The ceiling doubles from the base and stays at the cap."""
    backoff = Backoff(random=lambda: 1.0, base_s=1, factor=2, cap_s=10)

    assert [backoff.next_wait_s() for _ in range(6)] == [1, 2, 4, 8, 10, 10]


def test_wait_when_randomness_is_lowest_then_it_is_nought() -> None:
    """Full jitter reaches down to no wait at all."""
    backoff = Backoff(random=lambda: 0.0)

    assert [backoff.next_wait_s() for _ in range(3)] == [0, 0, 0]


def test_wait_when_a_least_is_given_then_it_is_added() -> None:
    """A wait with a least is never below it, and still jittered."""
    backoff = Backoff(random=lambda: 0.5, base_s=2)

    assert backoff.next_wait_s(least_s=60) == 61


def test_wait_when_reset_then_it_begins_anew() -> None:
    """After a success the first ceiling holds again and the count is nought."""
    backoff = Backoff(random=lambda: 1.0, base_s=1, factor=3, cap_s=100)
    for _ in range(4):
        backoff.next_wait_s()
    assert backoff.tries == 4

    backoff.reset()

    assert backoff.tries == 0
    assert backoff.next_wait_s() == 1


@given(
    st.lists(st.floats(0, _ALMOST_ONE), max_size=2000),
    st.floats(0.001, 10),
    st.floats(1, 10),
    st.floats(10, 1e6),
)
def test_wait_when_drawn_often_then_it_stays_between_nought_and_cap(
    draws: list[float], base_s: float, factor: float, cap_s: float
) -> None:
    """No number of tries leaves the bounds or overflows."""
    numbers = iter(draws)
    backoff = Backoff(random=lambda: next(numbers), base_s=base_s, factor=factor, cap_s=cap_s)

    assert all(0 <= backoff.next_wait_s() <= cap_s for _ in draws)


@pytest.mark.parametrize(("base_s", "factor", "cap_s"), [(0, 2, 1), (1, 0.5, 2), (2, 2, 1)])
def test_backoff_when_the_numbers_make_no_sense_then_it_is_refused(base_s: float, factor: float, cap_s: float) -> None:
    """A wait that cannot grow within bounds is refused when it is made."""
    with pytest.raises(ValueError, match="back-off"):
        Backoff(random=lambda: 0.5, base_s=base_s, factor=factor, cap_s=cap_s)
