"""Signal patterns: no two signals look or sound alike, whoever looks and listens (SCANNERS.md 6.2, WCAG 1.4.1)."""

import pytest

from yaoma.core.reason import VerdictClass
from yaoma.shell.catalogue import load_catalogue
from yaoma_drivers.signal import Signal
from yaoma_drivers.signal_pattern import PATTERNS, Light, Place


def rhythm(signal: Signal) -> tuple[int, ...]:
    """The lengths of a signal's tones; 20 % of difference can't be heard, so they are counted in quarters."""
    return tuple(round(tone.on_ms / 250) for tone in PATTERNS[signal].tones)


def without_colour(signal: Signal) -> frozenset[tuple[Place, bool, int]]:
    """What is left of a signal's lamps for whoever sees no colours."""
    return frozenset((light.place, light.off_ms > 0, light.delay_ms) for light in PATTERNS[signal].lights)


@pytest.mark.row("S2-17")
def test_patterns_when_counted_then_every_verdict_and_the_boxs_own_trouble_has_one() -> None:
    """OUT OF SERVICE is no verdict and has a pattern of its own."""
    assert set(PATTERNS) == set(Signal) == {*(Signal(one.value) for one in VerdictClass), Signal.OUT_OF_SERVICE}
    assert all(pattern.lights and pattern.tones for pattern in PATTERNS.values())


def test_lights_when_compared_without_colours_then_no_two_signals_are_alike() -> None:
    """Place and flashing alone tell them apart."""
    assert len({without_colour(signal) for signal in Signal}) == len(Signal)


def test_tones_when_compared_without_pitch_then_no_two_signals_are_alike() -> None:
    """Number and length alone tell them apart: a beeper may have one pitch, and so may an old ear."""
    assert len({rhythm(signal) for signal in Signal}) == len(Signal)


def test_signs_when_compared_then_no_two_signals_are_alike() -> None:
    """A screen without colours has the signs."""
    assert len({pattern.sign for pattern in PATTERNS.values()}) == len(Signal)


def test_lights_when_they_flash_then_at_3_hz_at_most() -> None:
    """Faster flashing is dangerous for some people (WCAG 2.3.1)."""
    assert all(
        light.on_ms + light.off_ms >= 334
        for pattern in PATTERNS.values()
        for light in pattern.lights
        if light.off_ms > 0
    )


def test_pass_when_heard_then_it_is_over_first() -> None:
    """What comes with nearly every pack is the shortest of all, 80 to 120 ms."""
    lengths = {signal: sum(tone.on_ms + tone.off_ms for tone in pattern.tones) for signal, pattern in PATTERNS.items()}

    assert min(lengths, key=lambda signal: lengths[signal]) is Signal.PASS
    assert [True] == [80 <= tone.on_ms <= 120 for tone in PATTERNS[Signal.PASS].tones]


PLACES = {Place.TOP: "上", Place.MIDDLE: "中", Place.BOTTOM: "下", Place.SIDE: "侧"}


@pytest.mark.parametrize("signal", Signal)
def test_catalogue_when_it_names_the_lamp_then_it_says_what_the_table_has(signal: Signal) -> None:
    """Place and flashing stand in the words of both languages, exactly as in the table."""
    chinese, english = (load_catalogue(language).lamp(signal) for language in ("zh-CN", "en"))
    lights: tuple[Light, ...] = PATTERNS[signal].lights
    lit = {light.place for light in lights}

    assert {place for place, word in PLACES.items() if word in chinese} == lit
    assert {place for place in Place if place in english.split(", ") or f" {place}" in english} == lit
    assert ("闪" in chinese) == ("flash" in english) == any(light.off_ms for light in lights)
    assert all(light.colour in english for light in lights)
