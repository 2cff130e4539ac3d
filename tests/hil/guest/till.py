"""A till: reads what a keyboard types, as the kernel gives it to programs."""

import os
import select
import struct
import time
from pathlib import Path

__all__ = ["typed"]

_EVENT = struct.Struct("llHHi")
_KEY, _DOWN = 1, 1
_TEXT = {**{2 + number: digit for number, digit in enumerate("1234567890")}, 28: "\n", 96: "\n"}


def typed(serial: str, lines: int, within_s: float) -> str:
    """Read until so many lines were typed, and give what was typed until then.

    Args:
        serial: The keyboard's serial number.
        lines: How many Enters to wait for.
        within_s: How long it may take, in seconds.
    """
    until_s = time.monotonic() + within_s
    device = os.open(_node(serial, until_s), os.O_RDONLY | os.O_NONBLOCK)
    try:
        text = ""
        while text.count("\n") < lines and time.monotonic() < until_s:
            if select.select([device], [], [], 0.2)[0]:
                for _, _, kind, code, value in _EVENT.iter_unpack(os.read(device, 64 * _EVENT.size)):
                    if (kind, value) == (_KEY, _DOWN):
                        text += _TEXT.get(code, "?")
        return text
    finally:
        os.close(device)


def _node(serial: str, until_s: float) -> str:
    while time.monotonic() < until_s:
        for file in Path("/sys/class/input").glob("event*/device/uniq"):
            if file.read_text().strip() == serial:
                return f"/dev/input/{file.parts[4]}"
        time.sleep(0.1)
    raise AssertionError(f"no keyboard {serial}")
