"""AgentLine: calls functions inside the guest, over the virtio-serial port that its agent listens on."""

import contextlib
import itertools
import json
import queue
import socket
import threading
from pathlib import Path
from typing import Any

from hil.qmp import connected

__all__ = ["AgentLine", "Call", "GuestError"]

_GUEST_MODULES = Path(__file__).parent / "guest"


class GuestError(Exception):
    """A call failed inside the guest; the text is the traceback there."""


class Call:
    """A call that is being carried out in the guest."""

    def __init__(self) -> None:
        self._answer: queue.Queue[dict[str, Any]] = queue.Queue(1)

    def answered(self, answer: dict[str, Any]) -> None:
        """Take the answer; the line's reader calls this."""
        self._answer.put(answer)

    def result(self, deadline_s: float = 90.0) -> Any:
        """Wait for what it returns.

        Args:
            deadline_s: How long it may take, in seconds.

        Raises:
            GuestError: It raised.
            AssertionError: It takes too long.
        """
        try:
            answer = self._answer.get(timeout=deadline_s)
        except queue.Empty:
            raise AssertionError(f"no answer from the guest within {deadline_s:.0f} s") from None
        if "error" in answer:
            raise GuestError(answer["error"])
        return answer["result"]


class AgentLine:
    """The host's end of the line to the agent.

    Args:
        path: The socket that stands for the port.
    """

    def __init__(self, path: Path) -> None:
        self._line: socket.socket = connected(path)
        self._numbers = itertools.count(1)
        self._open: dict[int, Call] = {}
        self._brought: set[str] = set()
        self._hello = threading.Event()
        self._sending = threading.Lock()
        self._reader = threading.Thread(target=self._read, name="agent-line", daemon=True)
        self._reader.start()

    def wait_hello(self, deadline_s: float) -> bool:
        """Wait until the agent has started; only a guest that boots says so, not one that is resumed."""
        return self._hello.wait(deadline_s)

    def start(self, function: str, /, **arguments: object) -> Call:
        """Begin a call.

        Args:
            function: `module:function`; the module is a file in `guest/`.
            arguments: What it gets; what JSON can hold.
        """
        module = function.partition(":")[0]
        if module not in self._brought:
            self._brought.add(module)
            source = (_GUEST_MODULES / f"{module}.py").read_text(encoding="utf-8")
            self._send({"define": module, "source": source}).result()
        return self._send({"call": function, "arguments": arguments})

    def call(self, function: str, /, *, deadline_s: float = 90.0, **arguments: object) -> Any:
        """Call a function and give what it returns; see `start` and `Call.result`."""
        return self.start(function, **arguments).result(deadline_s)

    def close(self) -> None:
        """Hang up."""
        with contextlib.suppress(OSError):
            self._line.shutdown(socket.SHUT_RDWR)
        self._reader.join(10)
        self._line.close()

    def _send(self, request: dict[str, Any]) -> Call:
        number = next(self._numbers)
        call = self._open[number] = Call()
        with self._sending:
            self._line.sendall(json.dumps({"id": number, **request}).encode() + b"\n")
        return call

    def _read(self) -> None:
        with contextlib.suppress(OSError), self._line.makefile("rb") as lines:
            for line in lines:
                answer = json.loads(line)
                if "hello" in answer:
                    self._hello.set()
                elif (call := self._open.pop(answer["id"], None)) is not None:
                    call.answered(answer)
