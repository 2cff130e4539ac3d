"""Bounded connection: a call ends when it has to, whatever the other side does with its bytes."""

import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from yaoma_bridge import bounded_connection
from yaoma_bridge.web_call import WebCaller, WebError, WebTrouble

#: So long a call may take here; what drips would take twenty times as long.
WHOLE_S = 0.6
_DRIP_S = 0.05
_GENEROUS_S = 8.0

Talk = Callable[[socket.socket], None]


@pytest.fixture
def serve() -> Iterator[Callable[[Talk], int]]:
    """Give a server that talks to each connection as a test says; its port."""
    servers: list[socket.socket] = []

    def start(talk: Talk) -> int:
        server = socket.create_server(("127.0.0.1", 0))
        servers.append(server)

        def run() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    try:
                        talk(connection)
                    except OSError:
                        continue

        threading.Thread(target=run, daemon=True).start()
        return int(server.getsockname()[1])

    yield start
    for server in servers:
        server.shutdown(socket.SHUT_RDWR)
        server.close()


def _drip(connection: socket.socket, text: bytes) -> None:
    for byte in text:
        connection.sendall(bytes([byte]))
        time.sleep(_DRIP_S)


def _headers_drip(connection: socket.socket) -> None:
    connection.recv(65536)
    _drip(connection, b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 200)


def _status_drips(connection: socket.socket) -> None:
    connection.recv(65536)
    _drip(connection, b"H" * 240)


def _body_drips(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 240\r\n\r\n")
    _drip(connection, b"x" * 240)


def _chunks_drip(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    _drip(connection, b"1\r\nx\r\n" * 40)


def _continues_for_ever(connection: socket.socket) -> None:
    connection.recv(65536)
    for _ in range(200):
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        time.sleep(_DRIP_S)


def _reads_nothing(_: socket.socket) -> None:
    time.sleep(4)


def _ended(caller: WebCaller, url: str, body: bytes = b"x=1") -> tuple[WebTrouble, bool, float]:
    """Call, and give what was said with the seconds that it took."""
    begun_s = time.monotonic()
    with pytest.raises(WebError) as caught:
        caller.post(url, body, {})
    return caught.value.trouble, caught.value.was_sent, time.monotonic() - begun_s


@pytest.mark.parametrize("talk", [_headers_drip, _status_drips, _body_drips, _chunks_drip, _continues_for_ever])
def test_an_answer_that_drips_ends_with_the_call(serve: Callable[[Talk], int], talk: Talk) -> None:
    """Each byte comes in time, the whole never: the call ends, and counts as sent."""
    caller = WebCaller(plain_http=True, read_s=5.0, whole_s=WHOLE_S)
    trouble, was_sent, took_s = _ended(caller, f"http://127.0.0.1:{serve(talk)}/")
    assert (trouble, was_sent) == (WebTrouble.TIMEOUT, True)
    assert took_s < _GENEROUS_S


def test_a_body_that_nobody_takes_ends_with_the_call(serve: Callable[[Talk], int]) -> None:
    """A server that reads nothing fills the line; the call ends, and nobody knows what it took."""
    caller = WebCaller(plain_http=True, read_s=5.0, whole_s=WHOLE_S)
    trouble, was_sent, took_s = _ended(caller, f"http://127.0.0.1:{serve(_reads_nothing)}/", b"x" * (16 << 20))
    assert (trouble, was_sent) == (WebTrouble.TIMEOUT, True)
    assert took_s < 3


def test_an_answer_over_tls_that_drips_ends_with_the_call(serve: Callable[[Talk], int], tmp_path: Path) -> None:
    """Encrypted bytes are counted no other way; one that comes in time is read."""
    names = ("-keyout", tmp_path / "key.pem", "-out", tmp_path / "cert.pem", "-subj", "/CN=localhost")
    made = ("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")
    subprocess.run([*made, *names, "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    is_slow = threading.Event()

    def talk(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as line:
            if is_slow.is_set():
                _headers_drip(line)
            else:
                line.recv(65536)
                line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")

    url = f"https://localhost:{serve(talk)}/"
    caller = WebCaller(authority=tmp_path / "cert.pem", read_s=5.0, whole_s=WHOLE_S)
    assert caller.post(url, b"x=1", {}).body == b"{}"
    is_slow.set()
    trouble, was_sent, took_s = _ended(caller, url)
    assert (trouble, was_sent) == (WebTrouble.TIMEOUT, True)
    assert took_s < _GENEROUS_S


def test_a_connection_is_used_again_after_a_slow_answer(serve: Callable[[Talk], int]) -> None:
    """What one call had left is nothing to the next one on the same line."""
    lines = []

    def talk(connection: socket.socket) -> None:
        lines.append(connection)
        for pause_s in (0.1, 0.1, 0.1):
            connection.recv(65536)
            time.sleep(pause_s)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    caller = WebCaller(plain_http=True)
    url = f"http://127.0.0.1:{serve(talk)}/"
    assert [caller.post(url, b"x=1", {}).body for _ in range(3)] == [b"{}"] * 3
    assert len(lines) == 1


def test_many_silent_addresses_share_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name with eight addresses that nobody answers at takes no eight times as long; nothing was sent."""
    waits: list[float] = []

    def silent(_: tuple[str, int], timeout: float, **__: object) -> socket.socket:
        waits.append(timeout)
        time.sleep(timeout)
        raise TimeoutError

    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"192.0.2.{number}", 80)) for number in range(8)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    monkeypatch.setattr(bounded_connection, "create_connection", silent)
    caller = WebCaller(plain_http=True, connect_s=0.2, whole_s=WHOLE_S)
    trouble, was_sent, _ = _ended(caller, "http://many.example/")
    assert (trouble, was_sent) == (WebTrouble.NO_CONNECTION, False)
    assert max(waits) <= 0.2
    assert sum(waits) <= WHOLE_S + 0.01


def test_a_name_that_nobody_knows_counts_as_unsent() -> None:
    """Neither a name without an address nor one that can't be a name sends anything."""
    for host in ("nobody.invalid", "a" * 70 + ".example"):
        trouble, was_sent, _ = _ended(WebCaller(plain_http=True), f"http://{host}/")
        assert (trouble, was_sent) == (WebTrouble.NO_CONNECTION, False)
