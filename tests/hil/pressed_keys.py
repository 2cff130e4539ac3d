"""Pressed keys: types on one of QEMU's keyboards as a scanner does."""

import time

from hil.machine import Machine

__all__ = ["press", "type_lines", "wake"]

#: One report for a key down and one for a key up, each 8 ms apart on the wire: below 20 ms QEMU's queue of 16 overruns.
_MS_PER_CHARACTER = 40
_WAKE_S = 1.0


def wake(machine: Machine, display: str) -> None:
    """Press Shift and wait: the first reports after an opening hang for a third of a second, and the queue is short."""
    press(machine, display, "shift")
    time.sleep(_WAKE_S)


def press(machine: Machine, display: str, key: str) -> None:
    """Press one key and let it go."""
    for down in (True, False):
        _press(machine, display, key, down=down)
        time.sleep(_MS_PER_CHARACTER / 2000)


def type_lines(machine: Machine, display: str, *lines: str, ms_per_character: float = _MS_PER_CHARACTER) -> None:
    """Type digits, each line with Enter.

    Args:
        machine: The guest.
        display: The display that belongs to the keyboard.
        lines: What is typed.
        ms_per_character: From one character to the next.
    """
    due_s = time.monotonic()
    for key in (key for line in lines for key in [*line, "ret"]):
        for down in (True, False):
            _press(machine, display, key, down=down)
            due_s += ms_per_character / 2000
            time.sleep(max(0.0, due_s - time.monotonic()))


def _press(machine: Machine, display: str, key: str, *, down: bool) -> None:
    event = {"type": "key", "data": {"down": down, "key": {"type": "qcode", "data": key}}}
    machine.qmp.do("input-send-event", device=display, events=[event])
