"""The HID driver: scanners that type like a keyboard, through evdev."""

import errno
import os
import re
import select
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar

from pydantic import BaseModel

from yaoma_drivers import key_device
from yaoma_drivers.errors import DeviceBusy, DeviceError, DeviceGone, DeviceReason, DeviceRefused
from yaoma_drivers.frame_symbol import symbol_of
from yaoma_drivers.hid_options import HidOptions
from yaoma_drivers.holders import spoken
from yaoma_drivers.input_identity import AttachedInput, InputPlaces, find
from yaoma_drivers.key_decoder import KeyDecoder, TypedFrame
from yaoma_drivers.keymap import KEYMAPS
from yaoma_drivers.stop import Stop
from yaoma_drivers.symbol import ReadFault, Symbol, Typing
from yaoma_drivers.wrapping import key_of

__all__ = ["HidDriver", "HidOptions"]

_GONE = {errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.EIO}
_FORBIDDEN = {errno.EACCES, errno.EPERM}

#: A Bluetooth scanner's serial number is its address.
_ADDRESS = re.compile(r"(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}")

#: How long udev may take to give a device that has just been plugged in to its group.
_PERMISSION_S = 0.8
_PERMISSION_LOOK_S = 0.05


class HidDriver:
    """Reads one scanner that types, and nothing of any other keyboard.

    Args:
        scanner: The configured name of the scanner.
        options: Which device it is and how it types.
    """

    Options: ClassVar[type[BaseModel]] = HidOptions

    def __init__(self, scanner: str, options: HidOptions) -> None:
        self._scanner = scanner
        self._options = options
        self._name = options.name()
        self._wrapping = options.wrapping()
        self._places = InputPlaces()
        self._is_wireless = _ADDRESS.fullmatch(options.serial or "") is not None

    def symbols(self, stop: Stop) -> Iterator[Symbol]:
        """Take the scanner for us alone and yield what it types until it goes or `stop` is set.

        Raises:
            DeviceGone: It is not plugged in, or was unplugged.
            DeviceBusy: Another program has taken it.
            DeviceRefused: Our user may not open it, or what the configuration names is no such scanner.
        """
        device = self._open(stop)
        if device is None:
            return
        try:
            yield from self._read(device, stop)
        finally:
            device.close()

    def _open(self, stop: Stop) -> key_device.KeyDevice | None:
        """Open the scanner; None if the end came while udev had not yet given it to our group."""
        until_s = time.monotonic() + _PERMISSION_S
        while not stop.is_set():
            found = self._find()
            self._is_wireless = found.is_wireless
            try:
                return key_device.open_key_device(found)
            except OSError as error:
                if error.errno not in _FORBIDDEN or time.monotonic() >= until_s:
                    raise self._refusal(error, found) from error
            stop.wait(_PERMISSION_LOOK_S)
        return None

    def _find(self) -> AttachedInput:
        """Find the scanner; one that comes by radio and is not there sleeps (SCANNERS.md 1.5)."""
        try:
            return find(self._name, self._places)
        except DeviceGone as error:
            if not self._is_wireless:
                raise
            raise self._asleep() from error

    def _read(self, device: key_device.KeyDevice, stop: Stop) -> Iterator[Symbol]:
        """Wait for keys and for the end at once, with one decoder and one buffer as long as the device is open."""
        decoder, frames = self._begin(device)
        while True:
            yield from self._delivered(frames)
            frames = self._wait(device, decoder, stop)
            if stop.is_set():
                return

    def _delivered(self, frames: list[TypedFrame]) -> Iterator[Symbol]:
        """Give the symbols of frames and let go of each: the last one may be an identity card."""
        while frames:
            typed = frames.pop(0)
            frame = self._wrapping.unwrap(typed.frame)
            if typed.frame.fault is not ReadFault.DROPPED or self._options.report_dropped:
                took_ms = (typed.mono_us - typed.began_us) // 1000 if typed.began_us else 0
                symbol = symbol_of(frame, self._scanner, typed.mono_us // 1000, strip_aim=self._options.strip_aim)
                yield replace(symbol, typing=Typing(took_ms, typed.end))
                del symbol
            del frame, typed

    def _begin(self, device: key_device.KeyDevice) -> tuple[KeyDecoder, list[TypedFrame]]:
        options = self._options
        try:
            decoder = KeyDecoder(
                KEYMAPS[options.layout],
                options.terminators,
                options.gap_ms * 1000,
                device.state,
                gs_key=key_of(options.gs_as),
                gap_ends_symbol=options.gap_ends_symbol,
            )
            early = device.read()
        except OSError as error:
            raise self._unplugged(error) from error
        if early:
            # What was typed before the device was ours has reached others; what comes of it here is no symbol.
            decoder.lose(_now_us())
        return decoder, decoder.feed(early)

    def _wait(self, device: key_device.KeyDevice, decoder: KeyDecoder, stop: Stop) -> list[TypedFrame]:
        deadline_us = decoder.deadline_us
        wait_s = None if deadline_us is None else max(0, deadline_us - _now_us()) / 1_000_000
        readable, _, _ = select.select([device.fileno(), stop.fileno()], [], [], wait_s)
        if device.fileno() not in readable:
            return decoder.expire(_now_us())
        try:
            return decoder.feed(device.read())
        except OSError as error:
            raise self._unplugged(error) from error

    def _refusal(self, error: OSError, found: AttachedInput) -> DeviceError:
        """Say what to do next about a scanner that could not be opened."""
        words = os.strerror(error.errno) if error.errno else str(error)
        if error.errno in _GONE and self._is_wireless:
            return self._asleep()
        if error.errno in _GONE:
            return DeviceGone(str(self._name), DeviceReason.ABSENT, f"went while it was being opened ({words})")
        if error.errno == errno.EBUSY:
            who = spoken(found.node)
            return DeviceBusy(
                str(self._name),
                DeviceReason.IN_USE,
                f"another program already reads this scanner ({found.node}): {who}",
            )
        if error.errno in _FORBIDDEN:
            return DeviceRefused(
                str(self._name),
                DeviceReason.NOT_PERMITTED,
                f"our user may not open {found.node}: put the user into its group (input) or install the udev rules",
            )
        return DeviceRefused(str(self._name), DeviceReason.FAILED, f"{found.node} cannot be opened ({words})")

    def _asleep(self) -> DeviceGone:
        return DeviceGone(str(self._name), DeviceReason.ASLEEP, "is asleep or out of reach: pull its trigger")

    def _unplugged(self, error: OSError) -> DeviceGone:
        if self._is_wireless:
            return self._asleep()
        return DeviceGone(str(self._name), DeviceReason.UNPLUGGED, f"was unplugged ({error.strerror})")


def _now_us() -> int:
    return time.monotonic_ns() // 1000
