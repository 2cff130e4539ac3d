"""Web call: what a platform's server may do to a call, and what the call says of it."""

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from yaoma_bridge.web_call import UnreadableError, WebCaller, WebError, WebReply, WebTrouble, read_json

Serve = Callable[[bytes], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Give a server that answers each connection with the same bytes and hangs up."""
    sockets: list[socket.socket] = []

    def start(answer: bytes) -> str:
        server = socket.create_server(("127.0.0.1", 0))
        sockets.append(server)

        def run() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65536)
                    if answer == b"silent":
                        threading.Event().wait(1.5)
                    else:
                        try:
                            connection.sendall(answer)
                        except OSError:
                            continue

        threading.Thread(target=run, daemon=True).start()
        return f"http://127.0.0.1:{server.getsockname()[1]}/"

    yield start
    for server in sockets:
        server.shutdown(socket.SHUT_RDWR)
        server.close()


def _caller(**options: float) -> WebCaller:
    return WebCaller(plain_http=True, read_s=options.get("read_s", 5.0), most_bytes=int(options.get("most", 1 << 20)))


def _trouble(url: str, **options: float) -> WebError:
    with pytest.raises(WebError) as caught:
        _caller(**options).post(url, b"x=1", {})
    return caught.value


def test_an_answer_comes_back_whole(serve: Serve) -> None:
    """Status, headers and body of an answer are given as they came, whatever the status."""
    url = serve(b"HTTP/1.1 503 No\r\nRetry-After: 7\r\nContent-Length: 2\r\n\r\n{}")
    reply = _caller().post(url, b"x=1", {})
    assert (reply.status, reply.body, reply.retry_after_s) == (503, b"{}", 7.0)
    assert reply.is_trouble_there


def test_a_port_nobody_listens_on_counts_as_unsent() -> None:
    """A refused connection certainly sent nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    error = _trouble(f"http://127.0.0.1:{port}/")
    assert error.trouble is WebTrouble.NO_CONNECTION
    assert not error.was_sent


def test_silence_counts_as_sent(serve: Serve) -> None:
    """A request that nobody answers may have been acted on."""
    error = _trouble(serve(b"silent"), read_s=0.3)
    assert error.trouble is WebTrouble.TIMEOUT
    assert error.was_sent


def test_a_connection_cut_before_the_answer_counts_as_sent(serve: Serve) -> None:
    """A server that hangs up may have acted on the request."""
    error = _trouble(serve(b""))
    assert error.trouble is WebTrouble.BROKEN
    assert error.was_sent


def test_an_answer_cut_short_is_no_answer(serve: Serve) -> None:
    """Half a body is never taken for a whole one."""
    assert _trouble(serve(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{}")).trouble is WebTrouble.BROKEN


def test_an_endless_answer_is_dropped_at_the_limit(serve: Serve) -> None:
    """Of a hundred megabytes only the first bytes are read."""
    url = serve(b"HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n" + b"x" * (4 << 20))
    assert _trouble(url, most=1 << 16).trouble is WebTrouble.TOO_LARGE


def test_plain_http_is_refused_where_it_is_not_allowed(serve: Serve) -> None:
    """Without `plain_http` nothing leaves unprotected."""
    with pytest.raises(WebError) as caught:
        WebCaller().post(serve(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), b"", {})
    assert not caught.value.was_sent


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "answer_empty"),
        (b" \r\n", "answer_empty"),
        (b"<html><body>502</body></html>", "answer_html"),
        (b"{", "answer_unreadable"),
        (b"[]", "answer_unreadable"),
        (b"\xff\xfe\x00", "answer_unreadable"),
        (b"[" * 100_000, "answer_unreadable"),
        (b'{"a":' + b"9" * 5000 + b"}", "answer_unreadable"),
    ],
)
def test_what_is_no_json_object_is_named(body: bytes, reason: str) -> None:
    """An answer that can't be read says why, and quotes nothing."""
    with pytest.raises(UnreadableError) as caught:
        read_json(WebReply(200, {}, body))
    assert caught.value.reason == reason


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_json_in_any_usual_encoding_is_read(encoding: str) -> None:
    """A gateway that writes GBK is understood like one that writes UTF-8."""
    assert read_json(WebReply(200, {}, '{"msg":"该单据号已存在"}'.encode(encoding))) == {"msg": "该单据号已存在"}
