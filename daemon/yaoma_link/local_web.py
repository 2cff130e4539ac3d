"""Local web: answers HTTP on loopback or a Unix socket, for programs on the same host only; one request at a time."""

import logging
import select
import socket
import threading
from collections.abc import Callable
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from yaoma_link.local_address import LocalAddress

__all__ = ["TRY_AGAIN_S", "LocalWeb"]

TRY_AGAIN_S: Final = 10.0
_LOOK_S: Final = 0.5
#: A program on the host asks and reads at once; one that sleeps in between must not keep others waiting for long.
_CLIENT_S: Final = 3.0


class _Request(WSGIRequestHandler):
    """One request, without a log line for each."""

    timeout = _CLIENT_S

    def log_message(self, *_: object) -> None:
        """Say nothing: a scrape every 15 seconds would wear the card."""


class _Server(WSGIServer):
    """Listens on loopback or a Unix socket; who asks is served before the next one is heard.

    Raises:
        OSError: If the place is taken.
    """

    def __init__(self, address: LocalAddress) -> None:
        self._address = address
        if address.path is not None:
            self.address_family = socket.AF_UNIX
        elif ":" in address.host:
            self.address_family = socket.AF_INET6
        super().__init__(str(address.path) if address.path else (address.host, address.port), _Request)  # type: ignore[arg-type]  # a Unix socket's address is its path

    def server_bind(self) -> None:
        """Bind without asking a name server who we are; a file that a killed daemon left behind is taken away."""
        path = self._address.path
        if path is not None and path.is_socket():
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
                if probe.connect_ex(str(path)) != 0:
                    path.unlink()
        elif path is None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        if path is not None:
            # Before anybody can connect: the file's rights are the authorization.
            path.chmod(0o660)
        self.server_name, self.server_port = self._address.host or "localhost", self._address.port
        self.setup_environ()

    def get_request(self) -> tuple[socket.socket, Any]:
        """Take the next client; one at a Unix socket has no address."""
        client, address = self.socket.accept()
        return client, address or ("local", 0)

    def handle_error(self, *_: object) -> None:
        """Pass over a client that went away."""

    def server_close(self) -> None:
        """Close, and take the socket's file away."""
        super().server_close()
        if self._address.path is not None:
            self._address.path.unlink(missing_ok=True)


class LocalWeb(threading.Thread):
    """Serves an application. A place that is taken is a state that is told, not a failed start: it is tried again.

    A daemon thread: nothing is lost with it, and a client that sleeps must not keep the program from ending.

    Args:
        name: Of the thread.
        address: Where.
        app: A WSGI application.
        log: Says when nothing can be served.
        try_again_s: Wait before the next try to listen, in seconds.
    """

    def __init__(
        self,
        name: str,
        address: LocalAddress,
        app: Callable[..., Any],
        log: logging.Logger,
        *,
        try_again_s: float = TRY_AGAIN_S,
    ) -> None:
        super().__init__(name=name, daemon=True)
        self.failure: Exception | None = None
        self.trouble = ""
        self._address = address
        self._log = log
        self._try_again_s = try_again_s
        self._stop_asked = threading.Event()
        self._woken, self._waker = socket.socketpair()
        self._app = _guarded(address, app)

    def run(self) -> None:
        """Listen until told to stop."""
        while not self._stop_asked.is_set():
            try:
                server = _Server(self._address)
            except OSError as error:
                self._failed(error)
                self._stop_asked.wait(self._try_again_s)
                continue
            if self.trouble:
                self._log.warning("metrics are served again: name=%s", self._address)
            self.trouble = ""
            server.set_app(self._app)
            try:
                self._serve(server)
            finally:
                server.server_close()

    def stop(self, deadline_s: float) -> None:
        """End it.

        Args:
            deadline_s: How long to wait for that, in seconds.
        """
        self._stop_asked.set()
        self._waker.close()
        if self.ident is not None:
            self.join(deadline_s)
        if not self.is_alive():
            self._woken.close()

    def _serve(self, server: _Server) -> None:
        waited_for: list[_Server | socket.socket] = [server, self._woken]
        while not self._stop_asked.is_set():
            ready, _, _ = select.select(waited_for, [], [], _LOOK_S)
            if server in ready:
                server.handle_request()

    def _failed(self, error: OSError) -> None:
        problem = error.strerror or type(error).__name__
        if not self.trouble:
            self._log.warning("metrics are not served: name=%s problem=%s", self._address, problem)
        self.trouble = problem


def _guarded(address: LocalAddress, app: Callable[..., Any]) -> Callable[..., Any]:
    """Refuse requests that a web page makes by a name of its own for 127.0.0.1 (DESIGN.md 10)."""
    hosts = {f"{name}:{address.port}" for name in (address.host, "localhost", f"[{address.host}]")}

    def guarded(environ: dict[str, Any], start: Callable[..., Any]) -> Any:  # noqa: ANN401 - WSGI
        if address.path is None and environ.get("HTTP_HOST") not in hosts:
            start("403 Forbidden", [("Content-Type", "text/plain")])
            return [b"this host name is not served\n"]
        return app(environ, start)

    return guarded
