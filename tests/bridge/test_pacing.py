"""Pacing: rate limit and circuit breaker as state machines."""

from hypothesis import given
from hypothesis import strategies as st

from yaoma_bridge.pacing import Breaker, BreakerState, RateLimit, wait_s
from yaoma_link.backoff import Backoff


def _breaker() -> Breaker:
    return Breaker(Backoff(random=lambda: 0.5, base_s=2.0, cap_s=300.0), troubles=3)


@given(st.floats(0.1, 50), st.integers(1, 10), st.lists(st.floats(0, 2), max_size=60))
def test_never_more_calls_than_burst_and_rate(rate: float, burst: int, pauses: list[float]) -> None:
    """In any time at most burst and rate times that time are given."""
    limit, now_s, taken = RateLimit(rate, burst), 0.0, 0
    for pause_s in pauses:
        now_s += pause_s
        while limit.take(now_s) == 0 and taken <= 2000:
            taken += 1
        assert taken <= burst + rate * now_s + 1e-6


def test_a_refused_call_says_when_to_come_back() -> None:
    """After the wait that is named the next call is given."""
    limit = RateLimit(2.5, 1)
    assert limit.take(0) == 0
    wait = limit.take(0)
    assert 0.39 < wait < 0.41
    assert limit.take(wait) == 0


def test_no_limit_gives_every_call() -> None:
    """A rate of nought means none."""
    limit = RateLimit(0, 1)
    assert {limit.take(0) for _ in range(100)} == {0.0}


def test_drained_calls_are_earned_again() -> None:
    """What a platform called too many is not spent from savings."""
    limit = RateLimit(1, 10)
    limit.drain(0)
    assert limit.take(0.5) > 0
    assert limit.take(1.0) == 0


def test_the_breaker_opens_after_troubles_in_a_row_only() -> None:
    """A good answer in between begins the count anew."""
    breaker = _breaker()
    assert not breaker.trouble(0)
    assert not breaker.trouble(0)
    breaker.good()
    assert not breaker.trouble(0)
    assert not breaker.trouble(0)
    assert breaker.trouble(0)
    assert breaker.state is BreakerState.OPEN


def test_an_open_breaker_lets_one_call_through_after_its_wait() -> None:
    """Then everything waits for that one."""
    breaker = _breaker()
    for _ in range(3):
        breaker.trouble(10)
    assert breaker.wait_s(10.5) > 0
    assert breaker.wait_s(11.1) == 0
    assert breaker.state is BreakerState.HALF_OPEN
    assert breaker.wait_s(11.1) > 0
    breaker.good()
    assert breaker.wait_s(11.1) == 0


def test_a_failed_trial_opens_it_for_longer() -> None:
    """The waits grow with each trial that fails."""
    breaker = _breaker()
    for _ in range(3):
        breaker.trouble(0)
    first_s = breaker.wait_s(0)
    assert breaker.wait_s(first_s) == 0
    assert not breaker.trouble(first_s)
    assert breaker.wait_s(first_s) > first_s
    assert breaker.state is BreakerState.OPEN


def test_a_trial_that_was_not_made_is_still_due() -> None:
    """Where nothing could be called the breaker stays open and due."""
    breaker = _breaker()
    for _ in range(3):
        breaker.trouble(0)
    assert breaker.wait_s(100) == 0
    breaker.put_back()
    assert breaker.wait_s(100) == 0


def test_a_platform_that_asks_to_be_left_alone_is() -> None:
    """`Retry-After` opens at once and for at least so long."""
    breaker = _breaker()
    assert breaker.trouble(0, least_s=30)
    assert breaker.wait_s(29) > 0


@given(st.floats(0, 0.999), st.integers(0, 100), st.floats(0.1, 10), st.floats(10, 1000))
def test_waits_grow_and_stay_below_the_cap(draw: float, tries: int, base_s: float, cap_s: float) -> None:
    """Each wait lies between half of what has doubled and the cap."""
    wait = wait_s(lambda: draw, tries, base_s, cap_s)
    assert base_s / 2 <= wait <= cap_s
