"""Wave: makes a WAV file out of a signal's tones, so that no sound file has to be shipped."""

import io
import math
import struct
import wave
from array import array
from collections.abc import Sequence
from sys import byteorder
from typing import Final

from yaoma_drivers.signal_pattern import Tone

__all__ = ["RATE_HZ", "wav_of"]

RATE_HZ: Final = 16_000

#: Partials between 1 and 4 kHz cut through the noise of a shop (SCANNERS.md 6.1): of a high tone a chord above it, of
#: a low one its odd harmonics, which is what a buzz is made of.
_HIGH: Final = (1.0, 1.25, 1.5, 2.0)
_LOW: Final = (1.0, 3.0, 5.0, 7.0, 9.0)
_LOW_UPTO_HZ: Final = 1000
_TOP_HZ: Final = 5000

#: A tone that begins at once clicks.
_FADE_S: Final = 0.005
_SWELL: Final = 0.8
_FULL: Final = 32_767


def wav_of(tones: Sequence[Tone], volume_percent: int) -> bytes:
    """Give a mono WAV file of 16 bits.

    Args:
        tones: One after the other, each with the pause behind it.
        volume_percent: 0 is silence, 100 as loud as the format holds.
    """
    samples = array("h")
    for tone in tones:
        samples.extend(_sounded(tone, volume_percent / 100 * _FULL))
        samples.extend([0] * (RATE_HZ * tone.off_ms // 1000))
    if byteorder == "big":
        samples.byteswap()
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(struct.calcsize("<h"))
        file.setframerate(RATE_HZ)
        file.writeframes(samples.tobytes())
    return out.getvalue()


def _sounded(tone: Tone, peak: float) -> list[int]:
    count = RATE_HZ * tone.on_ms // 1000
    period = _period(tone.hz)
    level = [peak] * count
    if tone.am_hz:
        swell_step = 2 * math.pi * tone.am_hz / RATE_HZ
        level = [peak * (1 - _SWELL * (1 + math.cos(swell_step * at)) / 2) for at in range(count)]
    fade = min(int(RATE_HZ * _FADE_S), count // 2)
    for at in range(fade):
        level[at] *= at / fade
        level[-1 - at] *= at / fade
    return [round(loud * period[at % len(period)]) for at, loud in enumerate(level)]


def _period(hz: int) -> list[float]:
    """Give one period of all partials together, between -1 and 1: a small board computes no more sines than that."""
    times = _LOW if hz < _LOW_UPTO_HZ else _HIGH
    partials = [round(hz * one) for one in times if hz * one <= _TOP_HZ]
    length = RATE_HZ // math.gcd(RATE_HZ, *partials)
    steps = [2 * math.pi * partial / RATE_HZ for partial in partials]
    return [sum(math.sin(step * at) for step in steps) / len(steps) for at in range(length)]
