"""The ALSA indicator: the signals' tones on a loudspeaker, played by `aplay` as a child with a bounded time."""

import contextlib
import os
import shutil
import subprocess
import time
from typing import Annotated, ClassVar, Final

from pydantic import BaseModel, Field

from yaoma_drivers.driver import AbsolutePath, DriverOptions
from yaoma_drivers.errors import DeviceBusy, DeviceError, DeviceGone, DeviceReason, DeviceRefused
from yaoma_drivers.signal import Signal
from yaoma_drivers.signal_pattern import PATTERNS
from yaoma_drivers.wave import wav_of

__all__ = ["AlsaToneDriver", "AlsaToneOptions", "find_player"]

#: How often a playing child is looked at.
_LOOK_S: Final = 0.05
#: A child that was told to end has so long before it is killed.
_END_S: Final = 0.2
_WORDS_BYTES: Final = 4096

#: Words of `aplay` for what can be put right; everything else is `failed`, with its words for the technician.
_WORDS: Final = (
    ("no such file", DeviceReason.ABSENT),
    ("no such device", DeviceReason.ABSENT),
    ("unknown pcm", DeviceReason.ABSENT),
    ("cannot find card", DeviceReason.ABSENT),
    ("busy", DeviceReason.IN_USE),
    ("permission denied", DeviceReason.NOT_PERMITTED),
)


class AlsaToneOptions(DriverOptions):
    """Options of the ALSA indicator.

    Args:
        device: The sound device, a name of `aplay -L`, such as default or plughw:CARD=Device. Prefer a card by its
            name; numbers change.
        volume_percent: Loudness of the samples; the card has a volume of its own (`alsamixer`).
        player: The program; empty for `aplay` where it is installed (Debian: alsa-utils).
        slack_ms: So much longer than the tones the program may take, in milliseconds, before it is ended.
    """

    device: Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^-\s][^\s]*$")] = "default"
    volume_percent: int = Field(default=60, ge=0, le=100)
    player: AbsolutePath | None = None
    slack_ms: int = Field(default=2000, ge=100, le=10_000)


class AlsaToneDriver:
    """The loudspeaker of one station; the newest signal cuts short what still sounds.

    Args:
        name: The configured name of the indicator.
        options: Device and volume.
    """

    Options: ClassVar[type[BaseModel]] = AlsaToneOptions
    proven_by_opening: ClassVar[bool] = False

    def __init__(self, name: str, options: AlsaToneOptions) -> None:
        self._name = name
        self._options = options
        self._files: dict[Signal, int] = {}
        self._lengths_s: dict[Signal, float] = {}
        self._child: subprocess.Popen[bytes] | None = None
        self._until_s = 0.0

    def open(self) -> None:
        """Make the tones. Whether the device is there only playing tells.

        Raises:
            DeviceGone: The program is not installed.
        """
        find_player(self._options)
        for signal, pattern in PATTERNS.items():
            if signal in self._files:
                continue
            file = os.memfd_create(f"yaoma-{signal.value}", os.MFD_CLOEXEC)
            self._files[signal] = file
            with open(file, "wb", closefd=False) as out:
                out.write(wav_of(pattern.tones, self._options.volume_percent))
            self._lengths_s[signal] = sum(tone.on_ms + tone.off_ms for tone in pattern.tones) / 1000

    def show(self, signal: Signal) -> None:
        """Begin to play the tones of a signal.

        Raises:
            DeviceGone: The program is not installed.
            DeviceRefused: It can't be started.
        """
        self._end()
        player = find_player(self._options)
        # Opened anew: a child reads from the beginning, whatever one before it has read.
        tones = os.open(f"/proc/self/fd/{self._files[signal]}", os.O_RDONLY | os.O_CLOEXEC)
        try:
            self._child = subprocess.Popen(  # noqa: S603 - a configured program with a checked device name, no shell
                [player, "-q", "-N", "-t", "wav", "-D", self._options.device, "-"],
                stdin=tones,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env={"PATH": os.defpath, "LC_ALL": "C"},
                start_new_session=True,
            )
        except OSError as error:
            words = error.strerror or "I/O error"
            raise DeviceRefused(player, DeviceReason.FAILED, f"can't be started ({words})") from error
        finally:
            os.close(tones)
        self._until_s = time.monotonic() + self._lengths_s[signal] + self._options.slack_ms / 1000

    def step(self) -> float | None:
        """See whether the tones are over.

        Raises:
            DeviceGone: There is no such device.
            DeviceBusy: Another program has it, or it takes nothing.
            DeviceRefused: Our user may not use it, or the program failed.
        """
        child = self._child
        if child is None:
            return None
        code = child.poll()
        if code is None:
            if time.monotonic() < self._until_s:
                return _LOOK_S
            self._end()
            raise DeviceBusy(self._options.device, DeviceReason.IN_USE, "takes no sound; the player was ended")
        words = _last_words(child)
        self._child = None
        if code:
            raise self._failed(words)
        return None

    def close(self) -> None:
        """End what sounds, and forget the tones."""
        self._end()
        files, self._files = self._files, {}
        for file in files.values():
            os.close(file)

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        child.terminate()
        try:
            child.wait(_END_S)
        except subprocess.TimeoutExpired:
            child.kill()
            # One that hangs in the kernel is left to the kernel: nobody waits for it here.
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(_END_S)
        if child.stderr is not None:
            child.stderr.close()

    def _failed(self, words: str) -> DeviceError:
        device = self._options.device
        reason = next((one for part, one in _WORDS if part in words.lower()), DeviceReason.FAILED)
        sentence = f"can't be played on ({words or 'the player gave no reason'})"
        if reason is DeviceReason.ABSENT:
            return DeviceGone(device, reason, sentence)
        if reason is DeviceReason.IN_USE:
            return DeviceBusy(device, reason, sentence)
        return DeviceRefused(device, reason, sentence)


def find_player(options: AlsaToneOptions) -> str:
    """Give the path of the program that plays.

    Args:
        options: Maybe they name it.

    Raises:
        DeviceGone: It is not installed.
    """
    player = str(options.player) if options.player else shutil.which("aplay")
    if player is None or not os.access(player, os.X_OK):
        raise DeviceGone(
            player or "aplay", DeviceReason.ABSENT, "is not installed; on Debian it comes with the package alsa-utils"
        )
    return player


def _last_words(child: subprocess.Popen[bytes]) -> str:
    if child.stderr is None:
        return ""
    with child.stderr as stream:
        os.set_blocking(stream.fileno(), False)
        try:
            words = os.read(stream.fileno(), _WORDS_BYTES)
        except BlockingIOError:
            return ""
    return " ".join(words.decode("ascii", errors="replace").split())
