"""ALSA tones: the waves themselves, and real child processes that play, refuse, hang or are not there."""

import io
import math
import time
import wave
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from yaoma_drivers.alsa_tone import AlsaToneDriver, AlsaToneOptions
from yaoma_drivers.errors import DeviceBusy, DeviceError, DeviceGone, DeviceReason
from yaoma_drivers.signal import Signal
from yaoma_drivers.signal_pattern import PATTERNS, Tone
from yaoma_drivers.wave import RATE_HZ, wav_of

Player = Callable[..., AlsaToneDriver]


def samples(wav: bytes) -> list[int]:
    """What a WAV file holds."""
    with wave.open(io.BytesIO(wav)) as file:
        assert (1, 2, RATE_HZ) == (file.getnchannels(), file.getsampwidth(), file.getframerate())
        raw = file.readframes(file.getnframes())
    return [int.from_bytes(raw[at : at + 2], "little", signed=True) for at in range(0, len(raw), 2)]


def strength(heard: list[int], hz: float) -> float:
    """How strong one frequency is in it, by Goertzel's sum."""
    step = 2 * math.pi * hz / RATE_HZ
    real = sum(value * math.cos(step * at) for at, value in enumerate(heard))
    imaginary = sum(value * math.sin(step * at) for at, value in enumerate(heard))
    return math.hypot(real, imaginary) / len(heard)


@pytest.mark.parametrize("signal", Signal)
def test_wave_when_made_then_it_is_as_long_as_the_pattern_and_never_too_loud(signal: Signal) -> None:
    """Tones and pauses are as in the table, to a sample each."""
    tones = PATTERNS[signal].tones
    heard = samples(wav_of(tones, 100))

    assert sum(RATE_HZ * one.on_ms // 1000 + RATE_HZ * one.off_ms // 1000 for one in tones) == len(heard)
    assert 10_000 < max(map(abs, heard)) <= 32_767


def test_wave_when_high_or_low_then_four_partials_lie_between_1_and_4_khz() -> None:
    """What FAA's guide asks for (SCANNERS.md 6.1): a tone that is heard in a shop."""
    for hz, partials in ((2000, (2000, 2500, 3000, 4000)), (400, (1200, 2000, 2800, 3600))):
        heard = samples(wav_of((Tone(hz, 300, 0),), 100))
        assert all(strength(heard, one) > 20 * strength(heard, one + 137) for one in partials)


def test_wave_when_it_swells_then_it_is_loud_and_soft_in_turn() -> None:
    """Three long tones that swell are STOP."""
    heard = samples(wav_of((Tone(2000, 600, 0, am_hz=10),), 100))
    blocks = [max(map(abs, heard[at : at + 220])) for at in range(220, len(heard) - 220, 220)]

    assert min(blocks) < 0.4 * max(blocks)


def test_wave_when_volume_is_nought_then_it_is_silent() -> None:
    """Night duty."""
    assert {0} == set(samples(wav_of(PATTERNS[Signal.STOP].tones, 0)))


@pytest.fixture
def player(tmp_path: Path) -> Player:
    """Give an open driver whose player is a shell script."""

    def make(script: str, **options: object) -> AlsaToneDriver:
        program = tmp_path / "aplay"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        driver = AlsaToneDriver("speaker", AlsaToneOptions.model_validate({"player": str(program), **options}))
        driver.open()
        return driver

    return make


def ended(driver: AlsaToneDriver, deadline_s: float = 20.0) -> None:
    """Let a driver go on until nothing is due."""
    until_s = time.monotonic() + deadline_s
    while (wait_s := driver.step()) is not None:
        assert time.monotonic() < until_s
        time.sleep(wait_s)


def test_show_when_played_then_the_player_gets_device_and_wave(player: Player, tmp_path: Path) -> None:
    """The program reads a whole WAV file and never hears of a shell."""
    driver = player(f'echo "$@" > {tmp_path}/words; cat > {tmp_path}/heard', device="plughw:CARD=Device")
    for _ in range(2):
        driver.show(Signal.PASS)
        ended(driver)
        assert samples((tmp_path / "heard").read_bytes()) == samples(wav_of(PATTERNS[Signal.PASS].tones, 60))
    driver.close()

    assert (tmp_path / "words").read_text() == "-q -N -t wav -D plughw:CARD=Device -\n"


def test_show_when_the_next_signal_comes_then_the_one_before_is_cut_short(player: Player, tmp_path: Path) -> None:
    """Nobody waits until three long tones are over."""
    driver = player(f"echo begun >> {tmp_path}/begun; exec sleep 60")
    begun_s = time.monotonic()
    for _ in range(3):
        driver.show(Signal.STOP)
    driver.close()

    assert time.monotonic() - begun_s < 10
    assert driver.step() is None


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("aplay: main:831: audio open error: No such file or directory", DeviceReason.ABSENT),
        ("ALSA lib pcm.c:2664: Unknown PCM nonsense", DeviceReason.ABSENT),
        ("aplay: main:831: audio open error: Device or resource busy", DeviceReason.IN_USE),
        ("aplay: main:831: audio open error: Permission denied", DeviceReason.NOT_PERMITTED),
        ("aplay: something else", DeviceReason.FAILED),
        ("", DeviceReason.FAILED),
    ],
)
def test_step_when_the_player_fails_then_its_words_give_the_reason(
    player: Player, words: str, reason: DeviceReason
) -> None:
    """No card, a busy card, no permission: each is put right in another way."""
    driver = player(f'echo "{words}" >&2; exit 1')
    driver.show(Signal.PASS)
    with pytest.raises(DeviceError) as failed:
        ended(driver)
    assert reason is failed.value.reason
    driver.close()


def test_step_when_the_player_hangs_then_it_is_ended(player: Player) -> None:
    """A card that another program has blocks forever; the box goes on."""
    driver = player("trap '' TERM; sleep 60 & wait", slack_ms=100)
    driver.show(Signal.PASS)
    with pytest.raises(DeviceBusy):
        ended(driver)
    driver.close()


def test_open_when_no_player_is_installed_then_the_error_names_the_package(tmp_path: Path) -> None:
    """Raspberry Pi OS Lite has it, a bare Debian has not."""
    driver = AlsaToneDriver("speaker", AlsaToneOptions(player=tmp_path / "nowhere"))
    with pytest.raises(DeviceGone, match="alsa-utils"):
        driver.open()
    driver.close()


@pytest.mark.parametrize("device", ["", "-x", "a b", "--version", "a\nb"])
def test_options_when_the_device_would_be_another_argument_then_it_is_refused(device: str) -> None:
    """A name that begins with a dash would be an option of the player."""
    with pytest.raises(ValidationError):
        AlsaToneOptions(device=device)
