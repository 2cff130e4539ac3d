"""Plug: a keyboard-like scanner whose kernel is a pipe, read by the driver's own device."""

import os
import time

from fakes.input_tree import InputTree
from fakes.typist import PipeInput, Typist, packed
from yaoma_drivers import key_device
from yaoma_drivers.input_identity import AttachedInput
from yaoma_drivers.key_decoder import KeyState

__all__ = ["PipeKeyboard", "Plug", "now_us"]


def now_us() -> int:
    """Read the clock that the kernel stamps events with."""
    return time.monotonic_ns() // 1000


class PipeKeyboard(key_device.KeyDevice):
    """The shell's own device on a pipe: events are read for real, the kernel's state is what the test says."""

    def __init__(self, plug: "Plug") -> None:
        reader, plug.writer = os.pipe2(os.O_CLOEXEC)
        self._plug = plug
        self.pipe = PipeInput(reader)
        super().__init__(self.pipe)

    def state(self) -> KeyState:
        if self._plug.while_asked:
            os.write(self._plug.writer, self._plug.while_asked)
        return KeyState(frozenset(), self._plug.caps_lock, now_us())

    def close(self) -> None:
        super().close()
        self._plug.closings += 1


class Plug:
    """The scanner's end, and the kernel's answers to opening it."""

    def __init__(self, tree: InputTree) -> None:
        self.tree = tree
        self.writer = -1
        self.caps_lock = False
        self.while_asked = b""
        self.answers: list[int] = []
        self.openings: list[AttachedInput] = []
        self.closings = 0

    def open(self, found: AttachedInput) -> key_device.KeyDevice:
        """Stand in for `open_key_device`: answer with an error number, or open."""
        self.openings.append(found)
        if self.answers:
            number = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            if number:
                raise OSError(number, os.strerror(number))
        return PipeKeyboard(self)

    def wait_until_open(self) -> None:
        """Wait until the driver waits for keys."""
        until_s = time.monotonic() + 20
        while self.writer < 0:
            assert time.monotonic() < until_s
            time.sleep(0.002)
        time.sleep(0.05)

    def send(self, typist: Typist) -> None:
        """Let the scanner type, in as many writes as it needs."""
        octets = packed(typist.events)
        for start in range(0, len(octets), 24 * 100):
            os.write(self.writer, octets[start : start + 24 * 100])
        typist.events.clear()

    def pull(self) -> None:
        """Pull the cable; a second time does nothing."""
        if self.writer >= 0:
            os.close(self.writer)
            self.writer = -1
