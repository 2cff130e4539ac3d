"""Turns: how long one thread may keep the interpreter from another that has something to do."""

import sys
from typing import Final

__all__ = ["keep_turns_short"]

#: The kernel keeps 64 events of a scanner that types, 10 ms at a millisecond a character (SCANNERS.md 1.2). Python's
#: own 5 ms a turn make more than that where two threads are before the reader.
_TURN_S: Final = 0.0005


def keep_turns_short() -> None:
    """Let a reader that has keys to read have the interpreter at once; for the whole process."""
    sys.setswitchinterval(_TURN_S)
