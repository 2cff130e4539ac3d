"""Pattern time: what is lit and heard at each moment, asked at every moment."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from yaoma_drivers.pattern_time import is_sounding, lit, next_change_ms
from yaoma_drivers.signal import Signal
from yaoma_drivers.signal_pattern import PATTERNS, Place

MOMENTS = st.integers(0, 30_000)


def test_pass_when_shown_then_the_lamp_is_lit_for_the_glance_and_the_tone_is_short() -> None:
    """A green lamp that stayed would be taken for the next pack's."""
    pattern = PATTERNS[Signal.PASS]

    assert [{Place.TOP}, {Place.TOP}, set()] == [set(lit(pattern, at_ms)) for at_ms in (0, 4999, 5000)]
    assert [True, True, False] == [is_sounding(pattern, at_ms) for at_ms in (0, 99, 100)]


def test_stop_when_shown_then_the_lamp_stays_lit_and_three_tones_are_heard() -> None:
    """Somebody still has to set the pack aside."""
    pattern = PATTERNS[Signal.STOP]
    heard = [is_sounding(pattern, at_ms) for at_ms in range(4000)]

    assert {Place.BOTTOM} == lit(pattern, 3_600_000)
    assert (3, 1800) == (sum(now and not before for before, now in pairwise([False, *heard])), sum(heard))


def test_out_of_service_when_shown_then_two_lamps_flash_in_turn() -> None:
    """Never both at a time, never none for long."""
    pattern = PATTERNS[Signal.OUT_OF_SERVICE]

    assert [{Place.BOTTOM}, {Place.SIDE}, {Place.BOTTOM}, {Place.SIDE}] == [
        set(lit(pattern, at_ms)) for at_ms in (100, 600, 1100, 1600)
    ]


@given(st.sampled_from(Signal), MOMENTS, st.sampled_from([0, 1000, 5000]))
def test_nothing_changes_before_the_next_change(signal: Signal, at_ms: int, glance_ms: int) -> None:
    """Whoever sleeps until then misses nothing."""
    pattern = PATTERNS[signal]
    change_ms = next_change_ms(pattern, at_ms, glance_ms)
    until_ms = at_ms + 3000 if change_ms is None else change_ms
    now = lit(pattern, at_ms, glance_ms), is_sounding(pattern, at_ms)

    assert change_ms is None or change_ms > at_ms
    for moment in {at_ms + 1, (at_ms + until_ms) // 2, until_ms - 1}:
        if at_ms < moment < until_ms:
            assert now == (lit(pattern, moment, glance_ms), is_sounding(pattern, moment))


@given(st.sampled_from(Signal))
def test_changes_when_followed_then_each_lamp_and_tone_is_met(signal: Signal) -> None:
    """Sleeping from change to change shows the same as looking all the time."""
    pattern, at_ms, heard = PATTERNS[signal], 0, [is_sounding(PATTERNS[signal], 0)]
    while (change_ms := next_change_ms(pattern, at_ms)) is not None and change_ms < 20_000:
        heard.append(is_sounding(pattern, change_ms))
        at_ms = change_ms

    assert len(pattern.tones) == sum(now and not before for before, now in pairwise([False, *heard]))
