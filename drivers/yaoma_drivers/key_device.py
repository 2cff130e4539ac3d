"""KeyDevice: one keyboard-like scanner, opened read-only and for us alone, through evdev."""

import errno
import fcntl
import struct
import time
from typing import Final

import evdev
from evdev.eventio import EventIO

from yaoma_drivers.input_identity import AttachedInput
from yaoma_drivers.key_decoder import KeyEvent, KeyState

__all__ = ["KeyDevice", "open_key_device"]

# From linux/input.h; the library has no call for the first, and its calls for the others lose the kernel's error.
_SET_CLOCK: Final = 0x400445A0
_LED_BYTES, _KEY_BYTES = 2, 96
_GET_KEYS: Final = 0x80004518 | _KEY_BYTES << 16
_GET_LEDS: Final = 0x80004519 | _LED_BYTES << 16
_LED_CAPS_LOCK = 1


class KeyDevice:
    """Reads events; the descriptor is given back by `close()`.

    Args:
        device: What evdev has opened.
    """

    def __init__(self, device: EventIO) -> None:
        self._device = device

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return self._device.fileno()

    def read(self) -> list[KeyEvent]:
        """Return the events that are there, at most 64; none if there are none.

        Raises:
            OSError: The device went.
        """
        try:
            return [
                KeyEvent(event.type, event.code, event.value, event.sec * 1_000_000 + event.usec)
                for event in self._device.read()
            ]
        except BlockingIOError:
            return []

    def state(self) -> KeyState:
        """Return which keys are down and whether Caps Lock is on.

        Raises:
            OSError: The device went.
        """
        # The clock first: a key that is pressed meanwhile is in the state or comes as an event, never neither.
        mono_us = time.monotonic_ns() // 1000
        keys = _bits(self.fileno(), _GET_KEYS, _KEY_BYTES)
        return KeyState(keys, _LED_CAPS_LOCK in _bits(self.fileno(), _GET_LEDS, _LED_BYTES), mono_us)

    def close(self) -> None:
        """Give the device back to whoever else wants it."""
        self._device.close()


def open_key_device(found: AttachedInput) -> KeyDevice:
    """Open a scanner, take it for us alone, and have its events stamped with the monotonic clock.

    It is opened read-only: opened for writing, some scanners blink or beep (SCANNERS.md 1.3). Then it is asked who it
    is, since its number may have gone to another device meanwhile; a stranger is closed without being read.

    Args:
        found: The device that is meant.

    Raises:
        OSError: ENODEV if it went or is another one now, EBUSY if another program has taken it, EACCES if our user may
            not open it, or what else the kernel says.
    """
    try:
        device = evdev.InputDevice(found.node, readonly=True)
    except (SystemError, UnicodeDecodeError) as error:
        # SystemError is how the library tells that the device went while it was being asked.
        number = errno.EINVAL if isinstance(error, UnicodeDecodeError) else errno.ENODEV
        raise OSError(number, "could not be asked for its name") from error
    try:
        # The library reads the ids as signed.
        vendor, product = f"{device.info.vendor & 0xFFFF:04x}", f"{device.info.product & 0xFFFF:04x}"
        who = (vendor, product, device.uniq.strip(), device.phys.strip())
        if who != (found.vendor, found.product, found.serial, found.phys):
            raise OSError(errno.ENODEV, "was replaced while it was being opened")
        device.grab()
        fcntl.ioctl(device.fd, _SET_CLOCK, struct.pack("i", time.CLOCK_MONOTONIC))
    except BaseException:
        device.close()
        raise
    return KeyDevice(device)


def _bits(descriptor: int, request: int, size: int) -> frozenset[int]:
    octets = fcntl.ioctl(descriptor, request, bytes(size))
    number = int.from_bytes(octets, "little")
    return frozenset(code for code in range(size * 8) if number >> code & 1)
