"""Pattern time: which lamps of a pattern are lit, and whether it sounds, at each moment since it began; pure."""

from typing import Final

from yaoma_drivers.signal_pattern import Light, Pattern, Place

__all__ = ["is_sounding", "lit", "next_change_ms"]

#: A lamp of a pattern that does not stay is lit for so long.
GLANCE_MS: Final = 5000


def lit(pattern: Pattern, at_ms: int, glance_ms: int = GLANCE_MS) -> frozenset[Place]:
    """Give the places whose lamps are lit.

    Args:
        pattern: What is shown.
        at_ms: Milliseconds since it began.
        glance_ms: After how long the lamps of a pattern that does not stay go dark, in milliseconds; 0 never.
    """
    if _is_over(pattern, at_ms, glance_ms):
        return frozenset()
    return frozenset(light.place for light in pattern.lights if _is_lit(light, at_ms))


def is_sounding(pattern: Pattern, at_ms: int) -> bool:
    """Tell whether a beeper of one pitch sounds.

    Args:
        pattern: What is heard.
        at_ms: Milliseconds since it began.
    """
    begin_ms = 0
    for tone in pattern.tones:
        if begin_ms <= at_ms < begin_ms + tone.on_ms:
            return True
        begin_ms += tone.on_ms + tone.off_ms
    return False


def next_change_ms(pattern: Pattern, at_ms: int, glance_ms: int = GLANCE_MS) -> int | None:
    """Give the first moment after this one at which a lamp or the beeper may change, or None if nothing will.

    Args:
        pattern: What is shown and heard.
        at_ms: Milliseconds since it began.
        glance_ms: As for `lit`.
    """
    moments = [moment for moment in _tone_edges(pattern) if moment > at_ms]
    if not _is_over(pattern, at_ms, glance_ms):
        moments += [edge for light in pattern.lights if (edge := _next_edge(light, at_ms)) is not None]
        if glance_ms and not pattern.stays:
            moments.append(glance_ms)
    return min(moments, default=None)


def _is_over(pattern: Pattern, at_ms: int, glance_ms: int) -> bool:
    return bool(glance_ms) and not pattern.stays and at_ms >= glance_ms


def _is_lit(light: Light, at_ms: int) -> bool:
    since_ms = at_ms - light.delay_ms
    return since_ms >= 0 and (not light.off_ms or since_ms % (light.on_ms + light.off_ms) < light.on_ms)


def _next_edge(light: Light, at_ms: int) -> int | None:
    since_ms = at_ms - light.delay_ms
    if since_ms < 0:
        return light.delay_ms
    if not light.off_ms:
        return None
    within_ms = since_ms % (light.on_ms + light.off_ms)
    return at_ms - within_ms + (light.on_ms if within_ms < light.on_ms else light.on_ms + light.off_ms)


def _tone_edges(pattern: Pattern) -> list[int]:
    edges, begin_ms = [], 0
    for tone in pattern.tones:
        edges += [begin_ms, begin_ms + tone.on_ms]
        begin_ms += tone.on_ms + tone.off_ms
    return edges
