"""Signal patterns: how each signal looks and sounds, as a table for screens, lamps and beepers (SCANNERS.md 6.2)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from yaoma_drivers.signal import Signal

__all__ = ["PATTERNS", "Colour", "Light", "Pattern", "Place", "Tone"]


class Place(StrEnum):
    """Where a lamp is; with the rhythm it tells the signals apart for whoever sees no colours (WCAG 1.4.1)."""

    TOP = "top"
    MIDDLE = "middle"
    BOTTOM = "bottom"
    SIDE = "side"


class Colour(StrEnum):
    """What colour a lamp has."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"
    WHITE = "white"


@dataclass(frozen=True, slots=True)
class Light:
    """One lamp of a signal.

    Args:
        place: Where it is.
        colour: Its colour.
        on_ms: How long it is lit, then dark for `off_ms`, over and over.
        off_ms: 0 for a lamp that stays lit.
        delay_ms: When it begins; lamps that alternate begin one after the other.
    """

    place: Place
    colour: Colour
    on_ms: int = 1000
    off_ms: int = 0
    delay_ms: int = 0


@dataclass(frozen=True, slots=True)
class Tone:
    """One tone of a beeper.

    Args:
        hz: Its pitch.
        on_ms: How long it sounds.
        off_ms: The pause behind it.
        am_hz: How often its loudness swells in a second; 0 for a steady tone. A tone that swells is heard better by
            old and young (SCANNERS.md 6.1).
    """

    hz: int
    on_ms: int
    off_ms: int = 100
    am_hz: int = 0


@dataclass(frozen=True, slots=True)
class Pattern:
    """How one signal looks and sounds.

    Args:
        sign: Its sign on a screen.
        style: Its style on a terminal, in the words of rich.
        lights: The lamps that are lit; all others are dark.
        tones: What is heard once, in this order.
        stays: Whether the lamps are lit until the next signal, because somebody still has to do something; the others
            go dark after a while, or a green lamp would be taken for the next pack's.
    """

    sign: str
    style: str
    lights: tuple[Light, ...]
    tones: tuple[Tone, ...]
    stays: bool = True


#: High and short is well, high and long is stop; low is the technology's own trouble, never the pack's.
_HIGH_HZ: Final = 2000
_LOW_HZ: Final = 400
_SWELL_HZ: Final = 10

PATTERNS: Final[Mapping[Signal, Pattern]] = MappingProxyType(
    {
        Signal.PASS: Pattern("✓", "bold green", (Light(Place.TOP, Colour.GREEN),), (Tone(_HIGH_HZ, 100),), stays=False),
        Signal.REPEAT: Pattern(
            "⟳",
            "bold yellow",
            (Light(Place.MIDDLE, Colour.AMBER),),
            (Tone(_HIGH_HZ, 100), Tone(_HIGH_HZ, 100)),
            stays=False,
        ),
        Signal.REVIEW: Pattern(
            "?",
            "bold yellow",
            (Light(Place.MIDDLE, Colour.AMBER, on_ms=500, off_ms=500),),
            (Tone(_HIGH_HZ, 100), Tone(_HIGH_HZ, 500)),
        ),
        Signal.STOP: Pattern(
            "✕", "bold white on red", (Light(Place.BOTTOM, Colour.RED),), (Tone(_HIGH_HZ, 600, am_hz=_SWELL_HZ),) * 3
        ),
        Signal.FAULT: Pattern(
            "!", "bold cyan", (Light(Place.SIDE, Colour.WHITE, on_ms=250, off_ms=250),), (Tone(_LOW_HZ, 250),) * 2
        ),
        Signal.OUT_OF_SERVICE: Pattern(
            "■",
            "bold white on magenta",
            (
                Light(Place.BOTTOM, Colour.RED, on_ms=500, off_ms=500),
                Light(Place.SIDE, Colour.WHITE, on_ms=500, off_ms=500, delay_ms=500),
            ),
            (Tone(_LOW_HZ, 600), Tone(_LOW_HZ, 100), Tone(_LOW_HZ, 100)),
        ),
    }
)
