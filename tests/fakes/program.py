"""Program: one of the commands that users run, as a child process."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from fakes.forked import ForkedProcess
from fakes.process import die_with_parent

__all__ = ["BIN", "Program", "wait_for"]

#: What the interpreter or the loader reads when it starts: with one of these a program starts from nothing.
_READ_AT_START = ("PYTHONMALLOC", "PYTHONOPTIMIZE", "PYTHONPATH", "MALLOC_", "GLIBC_", "LD_")

#: Where the commands lie.
BIN = Path(sys.executable).parent


def wait_for(what: Callable[[], object], sentence: str, deadline_s: float = 60.0) -> None:
    """Wait until something is true, or fail with a sentence."""
    end_s = time.monotonic() + deadline_s
    while not what():
        if time.monotonic() > end_s:
            raise AssertionError(sentence)
        time.sleep(0.02)


class Program:
    """One of our programs as a child process that dies with the test.

    Args:
        arguments: The command's name and its arguments.
        log: Where its standard error goes, and its standard output if `stdout` is None.
        stdout: An open file for its standard output.
        launcher: A Python script that runs the command with a part of it broken, instead of the command itself.
    """

    def __init__(
        self, arguments: Sequence[str], log: Path, stdout: int | None = None, *, launcher: Path | None = None
    ) -> None:
        command = [str(BIN / arguments[0])] if launcher is None else [sys.executable, str(launcher)]
        self.arguments = [*command, *arguments[1:]]
        self.log = log
        self._stdout = stdout
        self._is_forked = launcher is None
        self._words = list(arguments)
        self.process: subprocess.Popen[bytes] | ForkedProcess | None = None

    def start(self) -> None:
        """Start it, forked where that makes no difference."""
        # Empty is off; any value, 0 too, would be on, with an allocator that no user has.
        env = {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONDEVMODE": ""}
        is_forked = self._is_forked and not any(name.startswith(_READ_AT_START) for name in os.environ)
        with self.log.open("ab") as log, Path(os.devnull).open("rb") as nothing:
            if is_forked:
                out = log.fileno() if self._stdout is None else self._stdout
                self.process = ForkedProcess(self._words, [nothing.fileno(), out, log.fileno()], env)
                return
            self.process = subprocess.Popen(
                self.arguments,
                stdin=nothing,
                stdout=log if self._stdout is None else self._stdout,
                stderr=log,
                env=env,
                preexec_fn=die_with_parent,  # noqa: PLW1509 - the child calls prctl and nothing that locks
            )

    def kill(self) -> None:
        """Kill it as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self, deadline_s: float = 30.0) -> int:
        """Ask it to stop and give its exit code."""
        return self._end(signal.SIGTERM, deadline_s)

    def freeze(self) -> None:
        """Let it do nothing until `thaw`."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def is_running(self) -> bool:
        """Tell whether it runs."""
        return self.process is not None and self.process.poll() is None

    def said(self) -> str:
        """Give what it wrote."""
        return self.log.read_text(errors="replace")

    def _end(self, number: signal.Signals, deadline_s: float = 30.0) -> int:
        if self.process is None:
            return 0
        self.process.send_signal(number)
        code = self.process.wait(deadline_s)
        self.process = None
        return code
