"""What the simulators have in common: an HTTP server that goes wrong on command, and the control port for it.

A simulator is a program of its own: `python -m simulators.NAME` with `tests` on the path. When it listens it prints one
line, `{"port": ..., "control_port": ...}`. It shares nothing with the code that it tests but the standard library.

The control port: `POST /control {"fault": ..., "count": n, "only": text, "delay_s": s}` sets what goes wrong with the
next n requests (-1: all) whose path or body holds the text; `{"reset": true}` forgets everything; `GET /received`
lists what was taken, once for each time that it was.
"""

import argparse
import json
import ssl
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

__all__ = ["FaultySimulator", "Request", "Response", "run"]


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        """Its body as an object; empty if it is none."""
        try:
            value = json.loads(self.body)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}


@dataclass(frozen=True, slots=True)
class Response:
    """An answer."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, status: int, value: Mapping[str, Any], **headers: str) -> "Response":
        """Answer with an object."""
        return cls(
            status, json.dumps(value, ensure_ascii=False).encode(), {"Content-Type": "application/json", **headers}
        )


class FaultySimulator(ABC):
    """Answers requests by `answer`, unless a fault is set.

    A fault of `before` happens instead of taking the request, one of `after` once it was taken; all others are the
    simulator's own and reach `answer` by `self.fault`.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.received: list[Any] = []
        self._fault: dict[str, Any] = {}

    @abstractmethod
    def answer(self, request: Request, fault: str) -> Response:
        """Give the answer; called under the lock."""

    def reset(self) -> None:
        """Forget everything."""
        self.received.clear()

    def taken(self, what: object) -> None:
        """Note what was taken."""
        self.received.append(what)

    def handle(self, request: Request) -> Response | None:
        """Answer a request, or give None to hang up without one."""
        fault, delay_s = self._next_fault(request)
        if fault in {"slow", "hang"}:
            time.sleep(delay_s)
        if fault == "hang":
            return None
        if fault == "http_500":
            return Response(500, b"<html>internal error</html>", {"Content-Type": "text/html"})
        if fault == "http_503":
            return Response(503, b"", {"Retry-After": "7"})
        if fault == "rate_limit":
            return Response(429, b"{}", {"Retry-After": "9"})
        if fault == "html_before":
            return Response(200, b"<html>login</html>", {"Content-Type": "text/html"})
        with self.lock:
            response = self.answer(request, fault)
        return self._garbled(response, fault, delay_s)

    def control(self, request: Request) -> Response:
        """Serve the control port."""
        if request.method == "GET" and request.path == "/received":
            with self.lock:
                return Response.of(200, {"count": len(self.received), "received": self.received})
        asked = request.json
        with self.lock:
            if asked.get("reset"):
                self._fault = {}
                self.reset()
            else:
                self._fault = {"count": 1, "only": "", "delay_s": 5.0} | asked
        return Response.of(200, {})

    def _next_fault(self, request: Request) -> tuple[str, float]:
        with self.lock:
            fault = self._fault
            if not fault or not fault["count"]:
                return "", 0.0
            wanted = fault["only"]
            if wanted and wanted not in request.path and wanted.encode() not in request.body:
                return "", 0.0
            fault["count"] -= 1
            return fault["fault"], fault["delay_s"]

    @staticmethod
    def _garbled(response: Response, fault: str, delay_s: float) -> Response | None:
        if fault == "time_out_after_acceptance":
            time.sleep(delay_s)
        if fault in {"time_out_after_acceptance", "cut_after_acceptance"}:
            return None
        page = Response(response.status, b"<!DOCTYPE html><html></html>", {"Content-Type": "text/html"})
        garbled: dict[str, Callable[[], Response]] = {
            "http_500_after_acceptance": lambda: Response(500, b""),
            "malformed_json": lambda: Response(response.status, response.body[:-1] + b",", response.headers),
            "html": lambda: page,
            "empty": lambda: Response(response.status, b"", response.headers),
            "gbk": lambda: Response(response.status, response.body.decode().encode("gbk"), response.headers),
            "huge": lambda: Response(response.status, b" " * (9 << 20) + response.body, response.headers),
        }
        return garbled[fault]() if fault in garbled else response


def _handler(serve: Callable[[Request], Response | None]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._serve()

        def do_POST(self) -> None:
            self._serve()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
            """Say nothing: requests hold identities."""

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): text for name, text in self.headers.items()}
            response = serve(Request(self.command, self.path, headers, body))
            self.close_connection = True
            if response is None:
                return
            try:
                self.send_response(response.status)
                for name, text in response.headers.items():
                    self.send_header(name, text)
                self.send_header("Content-Length", str(len(response.body)))
                self.send_header("Connection", "close")
                self.end_headers()
                self.wfile.write(response.body)
            except OSError:
                pass  # the other side has had enough

    return Handler


def run(make: Callable[[argparse.Namespace], FaultySimulator], parser: argparse.ArgumentParser | None = None) -> None:
    """Run a simulator until its standard input ends."""
    parser = parser or argparse.ArgumentParser()
    parser.add_argument("--certificate", type=Path)
    parser.add_argument("--key", type=Path)
    parser.add_argument("--client-authority", type=Path)
    options = parser.parse_args()
    simulator = make(options)
    main = ThreadingHTTPServer(("127.0.0.1", 0), _handler(simulator.handle))
    if options.certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options.certificate, options.key)
        if options.client_authority is not None:
            context.load_verify_locations(options.client_authority)
            context.verify_mode = ssl.CERT_REQUIRED
        main.socket = context.wrap_socket(main.socket, server_side=True, do_handshake_on_connect=False)
    control = ThreadingHTTPServer(("127.0.0.1", 0), _handler(simulator.control))
    for server in (main, control):
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
    ports = {"port": main.server_address[1], "control_port": control.server_address[1]}
    sys.stdout.write(f"{json.dumps(ports)}\n")
    sys.stdout.flush()
    sys.stdin.read()
