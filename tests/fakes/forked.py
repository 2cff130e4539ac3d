"""Forked: the project's commands as processes of their own, forked where everything they import is there already.

A test that asks a command ten times would else wait ten times for the same imports. Each call is a new process with its
own arguments, folder, environment, streams and exit code; that the programs start from nothing, too, is for
`Program` (every daemon and worker), tests/packaging and `make demo`.
"""

import atexit
import gc
import importlib
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
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

__all__ = ["PLAIN", "run"]

#: An environment without anything of this machine: a wide terminal, no colours.
PLAIN: Final = {"COLUMNS": "200", "PATH": "/usr/bin:/bin", "NO_COLOR": "1", "LANG": "C.UTF-8"}

_MAINS: Final = {"yaoma": "yaoma.cli", "yaoma-bridge": "yaoma_bridge.cli", "yaoma-tools": "yaoma_tools.cli"}
_BIN: Final = Path(sys.executable).parent

_lock = threading.Lock()
_servers: list[tuple[subprocess.Popen[bytes], str]] = []


def run(
    program: str,
    *arguments: object,
    answers: str = "",
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout_s: float = 120.0,
) -> subprocess.CompletedProcess[str]:
    """Run a command as its user would, and give what it wrote and how it ended.

    Args:
        program: `yaoma`, `yaoma-bridge` or `yaoma-tools`.
        arguments: What stands behind it.
        answers: What it reads from its standard input.
        cwd: Its folder.
        env: Its environment.
        timeout_s: How long it may take, in seconds.

    Raises:
        TimeoutError: It took longer; it was killed.
    """
    words = [*map(str, arguments)]
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write(answers.encode())
        given.seek(0)
        order = {
            "program": program,
            "arguments": words,
            "cwd": str(cwd or Path.cwd()),
            "env": dict(os.environ if env is None else env),
        }
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(f"\0{_server()}")
            line.settimeout(timeout_s)
            socket.send_fds(line, [b"!"], [given.fileno(), out.fileno(), err.fileno()])
            line.sendall(json.dumps(order).encode() + b"\n")
            with line.makefile("rb") as reader:
                pid = int(reader.readline())
                try:
                    code = int(reader.readline())
                except TimeoutError:
                    os.kill(pid, signal.SIGKILL)
                    raise
        return subprocess.CompletedProcess([program, *words], code, _text(out), _text(err))


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
        return _servers[0][1]


def _import_all() -> None:
    for name in _MAINS.values():
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
    pid = os.fork()
    if pid:
        line.sendall(f"{pid}\n".encode())
        line.sendall(f"{os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}\n".encode())
        os._exit(0)
    line.close()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["env"])
    sys.argv = [str(_BIN / order["program"]), *order["arguments"]]
    os._exit(_ended(importlib.import_module(_MAINS[order["program"]]).main))


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
    sys.path[0] = str(_BIN)  # as the commands themselves have it
    _import_all()
    gc.freeze()
    _call(_serve(sys.argv[1]))
