"""The control socket: a real Unix socket, clients that behave and clients that don't."""

import json
import socket
import stat
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from yaoma.shell.control import ControlError, ControlServer, ask
from yaoma_drivers.stop import Stop


def answer(request: Mapping[str, Any]) -> Mapping[str, Any]:
    """Echo; a bad request is a ValueError."""
    if request.get("do") != "echo":
        raise ValueError("unknown request")
    return {"said": request["say"]}


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    """A running server's socket."""
    with Stop() as stop:
        server = ControlServer(tmp_path / "control", answer, stop)
        server.start()
        yield tmp_path / "control"
        stop.set()
        server.join(10)
        assert not server.is_alive()


def test_question_gets_its_answer(path: Path) -> None:
    """One object in, one object out, Chinese as it is."""
    assert {"said": "药码"} == ask(path, {"do": "echo", "say": "药码"})


def test_socket_is_for_user_and_group_only(path: Path) -> None:
    """The file's mode is the authorization."""
    assert 0o660 == stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(
    "line", [b"", b"{", b"[]", b"1", b'{"do":"fly"}', b"\xff\xfe", b"[" * 60_000, b'{"do":"echo"}', b'{"a":' * 5000]
)
def test_bad_request_gets_an_error_and_the_next_one_an_answer(path: Path, line: bytes) -> None:
    """Nothing that a client writes ends the server or its own connection."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        client.connect(str(path))
        client.sendall(line + b'\n{"do":"echo","say":1}\n')
        stream = client.makefile("rb")
        first, second = json.loads(stream.readline()), json.loads(stream.readline())
        stream.close()

    assert "error" in first
    assert {"said": 1} == second


def test_endless_line_is_cut_off(path: Path) -> None:
    """A client that never ends its line is dropped; memory stays bounded, others are served."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        client.connect(str(path))
        with pytest.raises(BrokenPipeError):
            client.sendall(b"x" * (64 << 20))

    assert {"said": 1} == ask(path, {"do": "echo", "say": 1})


def test_many_clients_at_once_are_all_served(path: Path) -> None:
    """More clients than places wait their turn."""
    said: list[Any] = []
    threads = [
        threading.Thread(target=lambda n=number: said.append(ask(path, {"do": "echo", "say": n})["said"]))
        for number in range(30)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert list(range(30)) == sorted(said)


def test_stale_socket_is_taken_over_and_a_live_one_is_not(tmp_path: Path) -> None:
    """What a killed daemon left behind is removed; a second daemon is refused."""
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(tmp_path / "control"))
    left.close()
    with Stop() as stop:
        server = ControlServer(tmp_path / "control", answer, stop)
        server.start()
        with pytest.raises(ControlError, match="another daemon"):
            ControlServer(tmp_path / "control", answer, stop)
        assert {"said": 1} == ask(tmp_path / "control", {"do": "echo", "say": 1})
        stop.set()
        server.join(10)

    assert not (tmp_path / "control").exists()


def test_daemon_that_is_not_there_is_named_with_what_to_do(tmp_path: Path) -> None:
    """The sentence says that the daemon does not answer and how to start it."""
    with pytest.raises(ControlError, match="yaoma run"):
        ask(tmp_path / "nothing", {"do": "echo"})


def test_daemon_that_answers_nonsense_is_named(tmp_path: Path) -> None:
    """Something else on the socket is not taken for an answer."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "other"))
    listener.listen(1)

    def serve() -> None:
        client, _ = listener.accept()
        client.recv(100)
        client.sendall(b"hello\n")
        client.close()

    thread = threading.Thread(target=serve)
    thread.start()
    with pytest.raises(ControlError, match="version"):
        ask(tmp_path / "other", {"do": "echo"})
    thread.join(10)
    listener.close()
