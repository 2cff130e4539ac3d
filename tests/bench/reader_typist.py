"""Types codes into a pipe as evdev hands them out: whole reports, a buffer of 64 events, SYN_DROPPED when it is full.

One process of its own, so that neither side's interpreter slows the other. The buffer is that of evdev.c: an event that
finds it full throws everything in it away and leaves SYN_DROPPED and itself (SCANNERS.md 1.2).
"""

import argparse
import array
import contextlib
import fcntl
import json
import os
import sys
import termios
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from evdev import ecodes

from fakes.typist import Typist, packed
from yaoma_drivers.key_decoder import KeyEvent

_EVENT_BYTES = 24
_BUFFER_EVENTS = 64
_LAST_PAUSE_S = 4.0


class KernelBuffer:
    """The client's buffer of evdev, on a pipe.

    Args:
        reader: The end that the scanner's driver reads; drained when the buffer is full.
        writer: The end that is written here.
    """

    def __init__(self, reader: int, writer: int) -> None:
        self._reader = reader
        self._writer = writer
        self.overflows = 0

    def put(self, report: list[KeyEvent]) -> None:
        """Hand out one report; all of it carries the time of now."""
        now_us = time.monotonic_ns() // 1000
        events = [KeyEvent(one.kind, one.code, one.value, now_us) for one in report]
        waiting = array.array("i", [0])
        fcntl.ioctl(self._writer, termios.FIONREAD, waiting)
        if waiting[0] // _EVENT_BYTES + len(events) >= _BUFFER_EVENTS:
            self.overflows += 1
            with contextlib.suppress(BlockingIOError):
                while os.read(self._reader, 4096):
                    pass
            # What is left of a report that did not fit: the newest event, its SYN_REPORT.
            events = [KeyEvent(ecodes.EV_SYN, ecodes.SYN_DROPPED, 0, now_us), events[-1]]
        os.write(self._writer, packed(events))


def reports(text: str) -> list[list[KeyEvent]]:
    """Give the reports of a code and Enter: one for each key going down, one for each coming up."""
    typist = Typist()
    typist.text(text)
    typist.tap("ENTER")
    found: list[list[KeyEvent]] = [[]]
    for event in typist.events:
        found[-1].append(event)
        if event.kind == ecodes.EV_SYN:
            found.append([])
    return found[:-1]


def main() -> None:
    """Type the codes of a file without a pause, then one more after a pause; print what happened."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("reader", type=int)
    parser.add_argument("writer", type=int)
    parser.add_argument("codes", type=Path)
    parser.add_argument("last")
    parser.add_argument("--character-us", type=int, default=1000)
    options = parser.parse_args()
    os.set_blocking(options.reader, False)
    buffer, step_s = KernelBuffer(options.reader, options.writer), options.character_us / 2e6
    codes = options.codes.read_text().split()
    prepared = [reports(code) for code in codes]
    began_s = due_s = time.monotonic()
    for scan in prepared:
        for report in scan:
            # A scanner that was held up goes on at its own pace: no report comes sooner than a step after the last.
            due_s = max(due_s + step_s, time.monotonic())
            while (left_s := due_s - time.monotonic()) > 0:
                time.sleep(left_s)
            buffer.put(report)
    took_s, overflows = time.monotonic() - began_s, buffer.overflows
    time.sleep(_LAST_PAUSE_S)
    for report in reports(options.last):
        buffer.put(report)
        time.sleep(step_s)
    characters = sum(map(len, codes)) + len(codes)
    sys.stdout.write(json.dumps({"character_ms": took_s / characters * 1000, "overflows": overflows}))


if __name__ == "__main__":
    main()
