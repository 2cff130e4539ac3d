"""Typist: what the kernel says when a scanner types; from the kernel's key names, not from the driver's tables."""

import os
import struct
from collections.abc import Iterable

from evdev import ecodes
from evdev.eventio import EventIO

from yaoma_drivers.key_decoder import KeyEvent, KeyState

__all__ = ["PipeInput", "Typist", "key", "packed"]

_SIGNS = {
    " ": "SPACE",
    "-": "MINUS",
    "=": "EQUAL",
    "[": "LEFTBRACE",
    "]": "RIGHTBRACE",
    "\\": "BACKSLASH",
    ";": "SEMICOLON",
    "'": "APOSTROPHE",
    "`": "GRAVE",
    ",": "COMMA",
    ".": "DOT",
    "/": "SLASH",
}
_SHIFTED = dict(zip('!@#$%^&*()_+{}|:"~<>?', "1234567890-=[]\\;'`,./", strict=True))
_TICK_US = 1000


def key(name: str) -> int:
    """Return the kernel's number of a key, such as `ENTER`."""
    return int(ecodes.ecodes[f"KEY_{name}"])


def packed(events: Iterable[KeyEvent]) -> bytes:
    """Return events as the kernel writes them."""
    return b"".join(
        struct.pack("llHHi", *divmod(event.mono_us, 1_000_000), event.kind, event.code, event.value) for event in events
    )


class PipeInput(EventIO):
    """An evdev device whose kernel is a pipe."""

    def __init__(self, descriptor: int) -> None:
        os.set_blocking(descriptor, False)
        self.fd = descriptor

    def close(self) -> None:
        """Close the reading end; a second time does nothing."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


class Typist:
    """Collects the events of keys, one report a millisecond.

    Args:
        start_us: When the first key is pressed, CLOCK_MONOTONIC in microseconds.
    """

    def __init__(self, start_us: int = 1_000_000) -> None:
        self.now_us = start_us
        self.events: list[KeyEvent] = []
        self.held: set[int] = set()
        self.caps_lock = False

    def state(self) -> KeyState:
        """Say what is held after all that was typed so far, as the kernel does when asked."""
        return KeyState(frozenset(self.held), self.caps_lock, self.events[-1].mono_us if self.events else 0)

    def say(self, kind: int, code: int, value: int) -> None:
        """Add one event."""
        self.events.append(KeyEvent(kind, code, value, self.now_us))

    def report(self) -> None:
        """End a report; the next one comes a millisecond later."""
        self.say(ecodes.EV_SYN, ecodes.SYN_REPORT, 0)
        self.now_us += _TICK_US

    def press(self, name: str, *, value: int = 1) -> None:
        """Press a key (1), release it (0) or repeat it (2)."""
        self.say(ecodes.EV_MSC, ecodes.MSC_SCAN, 0x70000 + key(name))
        self.say(ecodes.EV_KEY, key(name), value)
        if value == 1:
            self.held.add(key(name))
        elif value == 0:
            self.held.discard(key(name))
        self.report()

    def release(self, name: str) -> None:
        """Release a key."""
        self.press(name, value=0)

    def tap(self, name: str, *held: str) -> None:
        """Press and release a key while others are held."""
        for other in held:
            self.press(other)
        self.press(name)
        self.release(name)
        for other in reversed(held):
            self.release(other)

    def text(self, text: str, *, shift: str = "LEFTSHIFT") -> None:
        """Type text for a US layout; GS as Ctrl+], and letters as if Caps Lock did not exist."""
        for sign in text:
            if sign == "\x1d":
                self.tap("RIGHTBRACE", "LEFTCTRL")
            elif sign in _SHIFTED or sign.isupper():
                plain = _SHIFTED.get(sign, sign)
                self.tap(_SIGNS.get(plain, plain.upper()), shift)
            else:
                self.tap(_SIGNS.get(sign, sign.upper()))

    def alt_number(self, digits: str, *, alt: str = "LEFTALT") -> None:
        """Type a number on the keypad with Alt held."""
        self.press(alt)
        for digit in digits:
            self.tap(f"KP{digit}")
        self.release(alt)

    def led(self, *, caps_lock: bool) -> None:
        """Turn the LED of Caps Lock."""
        self.caps_lock = caps_lock
        self.say(ecodes.EV_LED, ecodes.LED_CAPSL, int(caps_lock))
        self.report()

    def lose(self) -> None:
        """Say that events were lost, with the newest one behind it as the kernel has it."""
        self.say(ecodes.EV_SYN, ecodes.SYN_DROPPED, 0)

    def pause(self, pause_ms: int) -> None:
        """Let time pass."""
        self.now_us += pause_ms * 1000
