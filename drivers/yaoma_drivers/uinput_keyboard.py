"""The uinput port: types into a program on the same machine, as a keyboard that the kernel makes for us."""

import contextlib
import errno
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Final

import evdev
from evdev import ecodes
from pydantic import BaseModel

from yaoma_drivers.driver import AbsolutePath
from yaoma_drivers.keystroke import Key, KeyboardOptions, Modifier, Stroke, UntypableError, strokes_of
from yaoma_drivers.port import PortFailed, PortReason

__all__ = ["KEY_CODES", "MODIFIER_CODES", "NAME", "UinputKeyboardOptions", "UinputKeyboardPort", "key_events"]

#: What the desktop calls the keyboard.
NAME: Final = "Yaoma pass-through"

#: A desktop needs a moment to take up a new keyboard; what is typed before is lost.
_SETTLE_S: Final = 1.0
_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_NAMES: Final = (
    *((Key.A + place, letter) for place, letter in enumerate(_LETTERS)),
    *((Key.ONE + place, str((place + 1) % 10)) for place in range(10)),
    *((Key.KP_ONE + place, f"KP{(place + 1) % 10}") for place in range(10)),
    (Key.ENTER, "ENTER"),
    (Key.ESCAPE, "ESC"),
    (Key.TAB, "TAB"),
    (Key.SPACE, "SPACE"),
    (Key.MINUS, "MINUS"),
    (Key.EQUAL, "EQUAL"),
    (Key.LEFT_BRACKET, "LEFTBRACE"),
    (Key.RIGHT_BRACKET, "RIGHTBRACE"),
    (Key.BACKSLASH, "BACKSLASH"),
    (Key.SEMICOLON, "SEMICOLON"),
    (Key.APOSTROPHE, "APOSTROPHE"),
    (Key.GRAVE, "GRAVE"),
    (Key.COMMA, "COMMA"),
    (Key.DOT, "DOT"),
    (Key.SLASH, "SLASH"),
    (Key.F8, "F8"),
    (Key.KP_ENTER, "KPENTER"),
)

#: The kernel's key code by the key's number in USB HID.
KEY_CODES: Final[Mapping[int, int]] = MappingProxyType({key: ecodes.ecodes[f"KEY_{name}"] for key, name in _NAMES})
MODIFIER_CODES: Final[Mapping[Modifier, int]] = MappingProxyType(
    {
        Modifier.CTRL: ecodes.ecodes["KEY_LEFTCTRL"],
        Modifier.SHIFT: ecodes.ecodes["KEY_LEFTSHIFT"],
        Modifier.ALT: ecodes.ecodes["KEY_LEFTALT"],
    }
)


class UinputKeyboardOptions(KeyboardOptions):
    """Options of the uinput port, beside those of every port that types.

    Args:
        device: Where the kernel makes devices.
    """

    device: AbsolutePath = Path("/dev/uinput")


def key_events(stroke: Stroke) -> Iterator[tuple[int, int]]:
    """Give key codes with 1 for down and 0 for up, in the order in which a hand presses them.

    Args:
        stroke: What is typed.
    """
    modifier = MODIFIER_CODES.get(stroke.modifier)
    if modifier is not None:
        yield modifier, 1
    for key in stroke.keys:
        yield KEY_CODES[key], 1
        yield KEY_CODES[key], 0
    if modifier is not None:
        yield modifier, 0


def _make(device: str) -> Any:  # noqa: ANN401 - evdev has no types here
    codes = sorted({*KEY_CODES.values(), *MODIFIER_CODES.values()})
    return evdev.UInput({ecodes.EV_KEY: codes}, name=NAME, devnode=device, phys="yaoma/pass-through")


class UinputKeyboardPort:
    """A keyboard on this machine.

    Args:
        name: The configured name of the station.
        options: Device and keys.
        make: Makes the keyboard; the seam for machines whose kernel has no uinput.
    """

    Options: ClassVar[type[BaseModel]] = UinputKeyboardOptions

    def __init__(self, name: str, options: UinputKeyboardOptions, *, make: "Callable[[str], Any]" = _make) -> None:
        self._name = name
        self._options = options
        self._device = str(options.device)
        self._make = make
        self._keyboard: Any = None
        self._ready_s = 0.0

    def open(self) -> None:
        """Make the keyboard.

        Raises:
            PortFailed: The kernel has no uinput, or our user may not use it.
        """
        self.close()
        try:
            self._keyboard = self._make(self._device)
        except (OSError, evdev.UInputError) as error:
            raise self._failed(error) from error
        self._ready_s = time.monotonic() + _SETTLE_S

    def send(self, data: bytes, timeout_s: float) -> None:  # noqa: ARG002 - the kernel takes keys at once or never
        """Type one code.

        Args:
            data: The code.
            timeout_s: Without use: the kernel never lets a keyboard wait.

        Raises:
            PortFailed: The code can't be typed, or the keyboard is gone.
        """
        if self._keyboard is None:
            self.open()
        try:
            strokes = strokes_of(data, self._options)
        except UntypableError:
            raise PortFailed(self._device, PortReason.UNTYPABLE, "a character of the code has no key") from None
        time.sleep(max(0.0, self._ready_s - time.monotonic()))
        is_begun = False
        try:
            for stroke in strokes:
                for code, value in key_events(stroke):
                    self._keyboard.write(ecodes.EV_KEY, code, value)
                    self._keyboard.syn()
                    is_begun = True
                    time.sleep(1 / self._options.reports_per_s)
        except OSError as error:
            self.close()
            raise self._failed(error, is_partial=is_begun) from None

    def step(self) -> float | None:
        """Nothing is ever due."""
        return None

    def close(self) -> None:
        """Take the keyboard away; the kernel lets go of its keys."""
        keyboard, self._keyboard = self._keyboard, None
        if keyboard is not None:
            with contextlib.suppress(OSError):
                keyboard.close()

    def _failed(self, error: Exception, *, is_partial: bool = False) -> PortFailed:
        number = error.errno if isinstance(error, OSError) else None
        # evdev looks for the device before it opens it, and says the rest in words of its own.
        if number in {errno.ENOENT, errno.ENODEV, errno.ENXIO} or (number is None and not Path(self._device).exists()):
            return PortFailed(self._device, PortReason.ABSENT, "the kernel has no uinput here (modprobe uinput)")
        if number in {errno.EACCES, errno.EPERM} or number is None:
            return PortFailed(self._device, PortReason.NOT_PERMITTED, "may not be used; see the udev rule for uinput")
        return PortFailed(
            self._device, PortReason.FAILED, f"failed ({errno.errorcode.get(number, number)})", is_partial=is_partial
        )
