"""The control socket: how another program on the box asks the daemon; one JSON object per line, both ways."""

import contextlib
import json
import logging
import os
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from yaoma_drivers.stop import Stop

__all__ = ["ControlError", "ControlServer", "ask"]

log = logging.getLogger("yaoma.control")

_MAX_LINE_BYTES = 64 * 1024
_MAX_CLIENTS = 8
_BACKLOG = 64
_CLIENT_TIMEOUT_S = 10.0
_IDLE_S = 60.0
_LOOK_S = 0.5
_RETRY_S = 0.02


class ControlError(Exception):
    """The daemon can't be asked; the sentence says what to do."""


Answerer = Callable[[Mapping[str, Any]], Mapping[str, Any]]


class ControlServer(threading.Thread):
    """Answers requests, a few clients at a time.

    The socket's file belongs to the daemon's user and group and nobody else may open it; that is the authorization.

    Args:
        path: The socket's file; its folder must exist.
        answer: Gives the answer to one request; a `ValueError` says that the request is bad.
        stop: Ends it.
        beat: Called at each sign of progress, also while nobody asks.
    """

    def __init__(self, path: Path, answer: Answerer, stop: Stop, beat: Callable[[], None] = lambda: None) -> None:
        super().__init__(name="control", daemon=False)
        self.failure: Exception | None = None
        self._path = path
        self._answer = answer
        self._stop_event = stop
        self._beat = beat
        self._places = threading.BoundedSemaphore(_MAX_CLIENTS)
        self._socket = _listening(path)

    def run(self) -> None:
        """Accept clients until told to stop."""
        clients: list[threading.Thread] = []
        try:
            waiting: list[socket.socket | Stop] = [self._socket, self._stop_event]
            while not self._stop_event.is_set():
                self._beat()
                ready, _, _ = select.select(waiting, [], [], _LOOK_S)
                if self._socket in ready and self._places.acquire(timeout=_LOOK_S):
                    client, _ = self._socket.accept()
                    thread = threading.Thread(target=self._serve, args=(client,), name="control-client", daemon=False)
                    thread.start()
                    clients = [one for one in clients if one.is_alive()] + [thread]
        except OSError as error:
            log.exception("control socket failed")
            self.failure = error
        finally:
            self._socket.close()
            self._path.unlink(missing_ok=True)
            for thread in clients:
                thread.join()

    def _serve(self, client: socket.socket) -> None:
        try:
            with client:
                client.settimeout(_LOOK_S)
                for line in self._lines(client):
                    client.settimeout(_CLIENT_TIMEOUT_S)
                    client.sendall(json.dumps(self._answered(line), ensure_ascii=False).encode() + b"\n")
                    client.settimeout(_LOOK_S)
        except OSError:
            log.info("control client went away")
        finally:
            self._places.release()

    def _lines(self, client: socket.socket) -> Iterator[bytes]:
        waiting, until_s = b"", time.monotonic() + _IDLE_S
        while not self._stop_event.is_set() and time.monotonic() < until_s:
            try:
                data = client.recv(4096)
            except TimeoutError:
                continue
            if not data:
                return
            waiting, until_s = waiting + data, time.monotonic() + _IDLE_S
            while b"\n" in waiting:
                line, waiting = waiting.split(b"\n", 1)
                yield line
            if len(waiting) > _MAX_LINE_BYTES:
                return

    def _answered(self, line: bytes) -> Mapping[str, Any]:
        try:
            request = json.loads(line)
            if not isinstance(request, dict):
                return {"error": "not_an_object"}
            return self._answer(request)
        except (ValueError, RecursionError):
            return {"error": "bad_request"}
        except Exception:  # a defect behind one question must not take the socket away from all others
            log.exception("control request failed")
            return {"error": "internal"}


def _listening(path: Path) -> socket.socket:
    """Bind the socket; a file that a killed daemon left behind is taken away, one that answers is not."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if path.exists():
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
                if probe.connect_ex(str(path)) == 0:
                    raise ControlError(f"{path}: another daemon already answers here; stop it first")
            path.unlink()
        before = os.umask(0o117)
        try:
            listener.bind(str(path))
        finally:
            os.umask(before)
        listener.listen(_BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


def ask(path: Path, request: Mapping[str, Any], timeout_s: float = 10.0) -> dict[str, Any]:
    """Ask the daemon one thing.

    Args:
        path: The socket's file.
        request: What to ask.
        timeout_s: How long to wait for the answer, in seconds.

    Raises:
        ControlError: If nobody answers.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(timeout_s)
        try:
            _connect(client, path, timeout_s)
            client.sendall(json.dumps(request).encode() + b"\n")
            with contextlib.closing(client.makefile("rb")) as stream:
                line = stream.readline(_MAX_LINE_BYTES * 16)
        except OSError as error:
            raise ControlError(
                f"{path}: the daemon does not answer ({error.strerror or error}); is it running? try: yaoma run"
            ) from error
    try:
        answer = json.loads(line)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise ControlError(f"{path}: the daemon's answer can't be understood; does its version fit this command?")
    return answer


def _connect(client: socket.socket, path: Path, timeout_s: float) -> None:
    """Connect; a Unix socket whose queue is full refuses at once, so try until the time is over."""
    until_s = time.monotonic() + timeout_s
    while True:
        try:
            client.connect(str(path))
        except BlockingIOError:
            if time.monotonic() > until_s:
                raise
            time.sleep(_RETRY_S)
        else:
            return
