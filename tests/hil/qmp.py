"""Qmp: QEMU's own control line, by which devices are plugged in and keys are pressed."""

import contextlib
import json
import socket
import time
from pathlib import Path
from typing import Any

__all__ = ["Qmp", "QmpError", "connected"]

_CONNECT_S = 20.0
_ANSWER_S = 60.0


class QmpError(Exception):
    """QEMU refuses a command; the text is its own."""


def connected(path: Path, deadline_s: float = _CONNECT_S) -> socket.socket:
    """Connect to a socket that QEMU makes while it starts.

    Args:
        path: The socket's file.
        deadline_s: How long it may take to appear, in seconds.

    Raises:
        OSError: If it does not appear.
    """
    end_s = time.monotonic() + deadline_s
    while True:
        line = socket.socket(socket.AF_UNIX)
        try:
            line.connect(str(path))
        except OSError:
            line.close()
            if time.monotonic() > end_s:
                raise
            time.sleep(0.02)
        else:
            return line


class Qmp:
    """One connection to QEMU's control socket; used by one thread.

    Args:
        path: The socket's file.
    """

    def __init__(self, path: Path) -> None:
        self._line = connected(path)
        self._line.settimeout(_ANSWER_S)
        self._answers = self._line.makefile("rb")
        self._events: list[dict[str, Any]] = []
        json.loads(self._answers.readline())
        self.do("qmp_capabilities")

    def do(self, command: str, **arguments: object) -> Any:
        """Carry out a command and give what it returns; `_` in an argument's name stands for `-`.

        Raises:
            QmpError: QEMU refuses it.
            EOFError: QEMU has ended.
        """
        named = {name.replace("_", "-"): value for name, value in arguments.items()}
        self._line.sendall(json.dumps({"execute": command, "arguments": named}).encode() + b"\n")
        while True:
            line = self._answers.readline()
            if not line:
                raise EOFError("QEMU has ended")
            answer = json.loads(line)
            if "event" in answer:
                self._events.append(answer)
            elif "error" in answer:
                raise QmpError(f"{command}: {answer['error']['desc']}")
            else:
                return answer["return"]

    def wait_event(self, event: str, deadline_s: float = 30.0, **data: object) -> None:
        """Wait until QEMU tells of something; events come between answers, so it is asked for one.

        Args:
            event: Its name, such as DEVICE_DELETED.
            deadline_s: How long it may take, in seconds.
            data: What it must be about.
        """
        end_s = time.monotonic() + deadline_s
        while True:
            for told in self._events:
                if told["event"] == event and data.items() <= told.get("data", {}).items():
                    self._events.remove(told)
                    return
            assert time.monotonic() < end_s, f"QEMU told of no {event}"
            time.sleep(0.02)
            self.do("query-status")

    def close(self) -> None:
        """Hang up."""
        with contextlib.suppress(OSError):
            self._answers.close()
            self._line.close()
