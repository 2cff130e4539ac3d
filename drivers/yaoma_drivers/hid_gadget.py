"""The gadget port: types into a till as a USB keyboard, through the kernel's HID gadget (/dev/hidg0)."""

import contextlib
import errno
import os
import select
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Final

from pydantic import BaseModel

from yaoma_drivers.driver import AbsolutePath
from yaoma_drivers.keystroke import KeyboardOptions, Stroke, UntypableError, strokes_of
from yaoma_drivers.port import PortFailed, PortReason

__all__ = ["RELEASED", "HidGadgetOptions", "HidGadgetPort", "reports_of"]

#: The boot report of a keyboard on which no key is down.
RELEASED: Final = bytes(8)

_MOST_KEYS: Final = 6
_CAPS_LOCK: Final = 0x02
_LED_BYTES: Final = 64
_AGAIN_S: Final = 0.2
_UNPLUGGED: Final = {errno.ESHUTDOWN, errno.ENODEV, errno.EIO, errno.EPIPE, errno.ECONNRESET}


class HidGadgetOptions(KeyboardOptions):
    """Options of the gadget port, beside those of every port that types.

    Args:
        device: The gadget's device.
    """

    device: AbsolutePath = Path("/dev/hidg0")


def reports_of(strokes: tuple[Stroke, ...]) -> Iterator[bytes]:
    """Give the boot reports (USB HID 1.11, appendix B.1) of strokes: each key down, then all up.

    Args:
        strokes: What is typed.
    """
    for stroke in strokes:
        # The keys of Alt+029 come one after the other while Alt stays down.
        for key in stroke.keys[:_MOST_KEYS]:
            yield bytes((stroke.modifier, 0, key, 0, 0, 0, 0, 0))
            if len(stroke.keys) > 1:
                yield bytes((stroke.modifier, 0, 0, 0, 0, 0, 0, 0))
        yield RELEASED


class HidGadgetPort:
    """The keyboard that a till has at the other end of its USB cable.

    The device holds one report until the till has fetched it, for as long as the till sleeps; so all waiting is done
    beside it, never in it, and a report without keys goes first: if that is not fetched, no key was sent.

    Args:
        name: The configured name of the station.
        options: Device and keys.
    """

    Options: ClassVar[type[BaseModel]] = HidGadgetOptions

    def __init__(self, name: str, options: HidGadgetOptions) -> None:
        self._name = name
        self._options = options
        self._device = str(options.device)
        self._fd = -1
        self._has_leds = False
        self._caps_lock = False
        self._owes_release = False

    def open(self) -> None:
        """Take the device.

        Raises:
            PortFailed: It is not there, our user may not open it, or it is no gadget.
        """
        self.close()
        try:
            mode = os.stat(self._device).st_mode  # noqa: PTH116 - beside os.open
            if not (stat.S_ISCHR(mode) or stat.S_ISFIFO(mode)):
                raise PortFailed(self._device, PortReason.WRONG_KIND, "is no HID gadget")
            # What a till says of its lamps comes back by the same device.
            self._has_leds = stat.S_ISCHR(mode)
            flags = os.O_RDWR if self._has_leds else os.O_WRONLY
            self._fd = os.open(self._device, flags | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
        except OSError as error:
            raise self._failed(error, is_partial=False) from error
        self._caps_lock = False

    def send(self, data: bytes, timeout_s: float) -> None:
        """Type one code.

        Args:
            data: The code.
            timeout_s: How long the till may fetch nothing, in seconds.

        Raises:
            PortFailed: The till sleeps or is unplugged, or the code can't be typed.
        """
        if self._fd < 0:
            self.open()
        self._look_at_leds()
        try:
            strokes = strokes_of(data, self._options, caps_lock=self._caps_lock)
        except UntypableError:
            # Without the cause: its frame holds the code.
            raise PortFailed(self._device, PortReason.UNTYPABLE, "a character of the code has no key") from None
        is_begun = False
        try:
            self._write(RELEASED, timeout_s)
            self._wait_until_fetched(timeout_s)
            pause_s = 1 / self._options.reports_per_s
            for report in reports_of(strokes):
                next_s = time.monotonic() + pause_s
                # A key counts as down from the attempt on, and as up only once the report that says so has gone.
                self._owes_release = self._owes_release or report != RELEASED
                self._write(report, timeout_s)
                self._owes_release = report != RELEASED
                is_begun = True
                time.sleep(max(0.0, next_s - time.monotonic()))
            self._wait_until_fetched(timeout_s)
        except TimeoutError:
            raise PortFailed(self._device, PortReason.ASLEEP, "the till fetches nothing", is_partial=is_begun) from None
        except OSError as error:
            if error.errno != errno.ESHUTDOWN:
                self.close()
            raise self._failed(error, is_partial=is_begun) from None

    def step(self) -> float | None:
        """Let go of a key that was down when the till fell asleep: it would repeat when the till wakes.

        Raises:
            PortFailed: The device is not there any more.
        """
        if self._fd < 0 or not self._owes_release:
            return None
        try:
            self._write(RELEASED, 0)
            self._owes_release = False
        except TimeoutError:
            pass
        except OSError as error:
            raise self._failed(error, is_partial=False) from error
        return _AGAIN_S if self._owes_release else None

    def close(self) -> None:
        """Give the device back."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            with contextlib.suppress(OSError):
                os.close(fd)

    def _write(self, report: bytes, timeout_s: float) -> None:
        until_s = time.monotonic() + timeout_s
        while True:
            self._wait_until_fetched(until_s - time.monotonic())
            with contextlib.suppress(BlockingIOError):
                written = os.write(self._fd, report)
                break
        if written != len(report):
            raise OSError(errno.EIO, "took a part of a report")

    def _wait_until_fetched(self, timeout_s: float) -> None:
        """Wait until the device can take a report, which is when the one before it was fetched."""
        waiting = select.poll()
        waiting.register(self._fd, select.POLLOUT)
        events = waiting.poll(max(0.0, timeout_s) * 1000)
        if not events:
            raise TimeoutError
        if not events[0][1] & select.POLLOUT:
            raise OSError(errno.ESHUTDOWN, os.strerror(errno.ESHUTDOWN))

    def _look_at_leds(self) -> None:
        """Take the newest word of the till on its lamps (USB HID 1.11, appendix B.1); every keyboard gets it."""
        if not self._has_leds:
            return
        with contextlib.suppress(OSError):
            if told := os.read(self._fd, _LED_BYTES):
                self._caps_lock = bool(told[-1] & _CAPS_LOCK)

    def _failed(self, error: OSError, *, is_partial: bool) -> PortFailed:
        words = error.strerror or "I/O error"
        if error.errno in _UNPLUGGED:
            return PortFailed(self._device, PortReason.UNPLUGGED, f"no till there ({words})", is_partial=is_partial)
        if error.errno in {errno.ENOENT, errno.ENXIO}:
            return PortFailed(self._device, PortReason.ABSENT, f"no such gadget ({words})", is_partial=is_partial)
        if error.errno in {errno.EACCES, errno.EPERM}:
            return PortFailed(self._device, PortReason.NOT_PERMITTED, f"may not be opened ({words})")
        if error.errno == errno.EBUSY:
            return PortFailed(self._device, PortReason.IN_USE, f"another program has it ({words})")
        return PortFailed(self._device, PortReason.FAILED, f"failed ({words})", is_partial=is_partial)
