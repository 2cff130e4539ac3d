"""Forked: the project's commands as processes of their own, forked where everything they import is there already.

A test that asks a command ten times would else wait ten times for the same imports. Each call is a new process with its
own arguments, folder, environment, streams, signals and exit code. That the programs start from nothing, too, is for
tests with a launcher of their own, tests/packaging, `make demo` and `make hil`.
"""

import atexit
import gc
import importlib
import io
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[1])

from fakes.process import die_with_parent

__all__ = ["PLAIN", "PROGRAMS", "ForkedProcess", "run"]

#: An environment without anything of this machine: a wide terminal, no colours.
PLAIN: Final = {"COLUMNS": "200", "PATH": "/usr/bin:/bin", "NO_COLOR": "1", "LANG": "C.UTF-8"}

#: The commands, and where their `main` is.
PROGRAMS: Final = {"yaoma": "yaoma.cli", "yaoma-bridge": "yaoma_bridge.cli", "yaoma-tools": "yaoma_tools.cli"}
_BIN: Final = Path(sys.executable).parent

_lock = threading.Lock()
_servers: list[tuple[subprocess.Popen[bytes], str]] = []


def run(
    program: str,
    *arguments: object,
    answers: str = "",
    env: Mapping[str, str] | None = None,
    timeout_s: float = 120.0,
) -> subprocess.CompletedProcess[str]:
    """Run a command as its user would, and give what it wrote and how it ended.

    Args:
        program: `yaoma`, `yaoma-bridge` or `yaoma-tools`.
        arguments: What stands behind it.
        answers: What it reads from its standard input.
        env: Its environment.
        timeout_s: How long it may take, in seconds.

    Raises:
        TimeoutError: It took longer; it was killed.
    """
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write(answers.encode())
        given.seek(0)
        streams = [given.fileno(), out.fileno(), err.fileno()]
        process = ForkedProcess([program, *map(str, arguments)], streams, os.environ if env is None else env)
        try:
            code = process.wait(timeout_s)
        finally:
            process.end()
        return subprocess.CompletedProcess(process.arguments, code, _text(out), _text(err))


class ForkedProcess:
    """A command that runs; as much of `subprocess.Popen` as tests need.

    It ends with the test process, whatever happens.

    Args:
        arguments: The command's name and its arguments.
        streams: Descriptors of its standard input, output and error.
        env: Its environment.
    """

    def __init__(self, arguments: Sequence[str], streams: Sequence[int], env: Mapping[str, str]) -> None:
        self.arguments = list(arguments)
        self.returncode: int | None = None
        self._line = socket.socket(socket.AF_UNIX)
        self._line.connect(f"\0{_server()}")
        order = {"arguments": self.arguments, "cwd": str(Path.cwd()), "env": dict(env)}
        socket.send_fds(self._line, [b"!"], streams)
        self._line.sendall(json.dumps(order).encode() + b"\n")
        self._reader = self._line.makefile("rb")
        self.pid = int(self._reader.readline())

    def poll(self) -> int | None:
        """Give how it ended, or None while it runs."""
        if self.returncode is None and select.select([self._line], [], [], 0)[0]:
            self._note_end()
        return self.returncode

    def wait(self, timeout_s: float) -> int:
        """Wait until it has ended.

        Raises:
            TimeoutError: It takes longer.
        """
        if self.returncode is None:
            if not select.select([self._line], [], [], timeout_s)[0]:
                raise TimeoutError(f"{self.arguments[:2]} takes more than {timeout_s} s")
            self._note_end()
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, if it has not ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def end(self) -> None:
        """Kill it if it still runs."""
        self.send_signal(signal.SIGKILL)
        self.wait(30)

    def _note_end(self) -> None:
        self.returncode = int(self._reader.readline())
        self._reader.close()
        self._line.close()


def _text(stream: Any) -> str:
    stream.seek(0)
    text: str = stream.read().decode()
    return text


def _server() -> str:
    """Give the address of this test process's server; start it at the first call."""
    with _lock:
        if not _servers:
            address = f"yaoma-forked-{os.getpid()}"
            # It ends when this process does: then its standard input ends.
            server = subprocess.Popen(
                [sys.executable, __file__, address], stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
            assert server.stdout is not None
            assert server.stdout.readline(), "the commands can't be imported"
            _servers.append((server, address))
            atexit.register(_end, server)
        return _servers[0][1]


def _end(server: subprocess.Popen[bytes]) -> None:
    server.communicate(timeout=30)  # closes its standard input


def _import_all() -> None:
    for name in PROGRAMS.values():
        module = importlib.import_module(name)
        group = getattr(module, "Verbs", None) or getattr(sys.modules.get(f"{name}.verbs"), "Verbs", None)
        for verb in {} if group is None else group.VERBS.values():
            importlib.import_module(verb.module)


def _serve(address: str) -> socket.socket:
    """Fork a child for every call until the test process ends; give the child the line of its call."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for these children
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(f"\0{address}")
        door.listen(64)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            if sys.stdin in select.select([door, sys.stdin], [], [])[0]:
                sys.exit()
            line, _ = door.accept()
            if os.fork() == 0:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                return line
            line.close()


def _call(line: socket.socket) -> None:
    """Run the command of a call in a child, and tell its number and how it ended."""
    _, streams, _, _ = socket.recv_fds(line, 1, 3)
    with line.makefile("rb") as reader:
        order = json.loads(reader.readline())
    die_with_parent()
    pid = os.fork()
    if pid:
        for stream in streams:
            os.close(stream)
        line.sendall(f"{pid}\n".encode())
        line.sendall(f"{os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}\n".encode())
        os._exit(0)
    die_with_parent()
    line.close()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["env"])
    for text in (sys.stdout, sys.stderr):
        assert isinstance(text, io.TextIOWrapper)
        text.reconfigure(write_through="PYTHONUNBUFFERED" in os.environ)
    program, *arguments = order["arguments"]
    sys.argv = [str(_BIN / program), *arguments]
    os._exit(_ended(importlib.import_module(PROGRAMS[program]).main))


def _ended(main: Callable[[], object]) -> int:
    """Run a command and end as the interpreter would, without taking everything apart that was never this child's."""
    code: object = None
    try:
        main()
    except SystemExit as ending:
        code = ending.code
    except BaseException:  # noqa: BLE001 - what the interpreter does with it at the end
        traceback.print_exc()
        code = 1
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()
    atexit._run_exitfuncs()
    if isinstance(code, str):
        sys.stderr.write(f"{code}\n")
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return code if isinstance(code, int) else 0


if __name__ == "__main__":
    _import_all()
    gc.freeze()
    _call(_serve(sys.argv[1]))
