"""Brokers for tests: a real mosquitto as a child process, and two that do what a real one will not do on command."""

import contextlib
import ctypes
import os
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

from yaoma_link.authority import Authority, issue, make_authority
from yaoma_link.endpoint import Endpoint, TlsFiles

__all__ = [
    "CONNACK",
    "MOSQUITTO",
    "Broker",
    "ScriptedBroker",
    "SilentBroker",
    "connack",
    "disconnect",
    "free_port",
    "puback",
    "publish",
    "suback",
]

MOSQUITTO = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
_PR_SET_PDEATHSIG = 1
_READY_WITHIN_S = 10.0
#: What mosquitto writes at a SIGHUP, before it looks at its sockets again.
_RELOADING = "Reloading config"


def free_port() -> int:
    """Find a loopback port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _die_with_parent() -> None:
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Broker:
    """A real mosquitto on a loopback port of its own.

    Args:
        folder: An empty folder for its files.
        tls: Mutual TLS with a throw-away authority, users from certificates.
        acl: The text of an access list, or None for none.
        persistence: Whether sessions and retained publications survive a restart by `stop`.
        conf: Further lines of mosquitto.conf.
        whole_conf: A whole mosquitto.conf instead of all the above; `port` is then the port in it.
        port: The port, a free one if None.
    """

    def __init__(
        self,
        folder: Path,
        *,
        tls: bool = False,
        acl: str | None = None,
        persistence: bool = False,
        conf: Sequence[str] = (),
        whole_conf: str | None = None,
        port: int | None = None,
    ) -> None:
        self.folder = folder
        self.port = free_port() if port is None else port
        self.authority: Authority | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._log = folder / "mosquitto.log"
        lines = [f"listener {self.port} 127.0.0.1", "log_type all", "set_tcp_nodelay true"]
        if tls:
            self.authority = make_authority(folder / "ca", "throw-away test authority")
            server = issue(self.authority, "localhost", server_names=["localhost", "127.0.0.1"], client=False)
            server.write(folder / "server.pem", folder / "server.key")
            lines += [
                "tls_version tlsv1.3",
                f"cafile {self.authority.certificate_file}",
                f"crlfile {self.authority.revocation_file}",
                f"certfile {folder / 'server.pem'}",
                f"keyfile {folder / 'server.key'}",
                "require_certificate true",
                "use_identity_as_username true",
                "use_username_as_clientid true",
                "allow_anonymous false",
            ]
        else:
            lines.append("allow_anonymous true")
        if acl is not None:
            self.write_acl(acl)
            lines.append(f"acl_file {folder / 'acl'}")
        if persistence:
            (folder / "state").mkdir()
            lines += ["persistence true", f"persistence_location {folder / 'state'}/", "autosave_interval 1"]
        if os.geteuid() == 0:
            lines.append("user root")  # otherwise it gives up its rights to the test's files
        lines += conf
        if whole_conf is not None:
            lines = [whole_conf, *(["user root"] if os.geteuid() == 0 else [])]
        self._conf = folder / "mosquitto.conf"
        self._conf.write_text("\n".join(lines) + "\n")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def write_acl(self, text: str) -> None:
        """Replace the access list; a running broker hears of it by `reload`."""
        (self.folder / "acl").write_text(text)
        (self.folder / "acl").chmod(0o600)

    def start(self) -> None:
        """Start it, on the same port as before, and wait until it accepts connections."""
        assert MOSQUITTO is not None
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [MOSQUITTO, "-c", str(self._conf)],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - the child calls prctl and nothing that locks
            )
        self.wait_ready()

    def wait_ready(self) -> None:
        """Wait until it accepts connections."""
        deadline_s = time.monotonic() + _READY_WITHIN_S
        while time.monotonic() < deadline_s:
            assert self._process is not None
            assert self._process.poll() is None, f"mosquitto ended: {self.log()}"
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.02)
        raise AssertionError(f"mosquitto did not come up: {self.log()}")

    def kill(self) -> None:
        """Kill it as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it in order; it then writes its state, if it has any."""
        self._end(signal.SIGTERM)

    def freeze(self) -> None:
        """Let it hold its connections and answer nothing, until `thaw`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def reload(self) -> None:
        """Have it read its access list again, and wait until it says so, for it does so when it gets round to it."""
        assert self._process is not None
        before = self.log().count(_RELOADING)
        self._process.send_signal(signal.SIGHUP)
        deadline_s = time.monotonic() + 10
        while self.log().count(_RELOADING) == before and time.monotonic() < deadline_s:
            time.sleep(0.005)

    def restart(self) -> None:
        """Kill it and start it again on the same port."""
        self.kill()
        self.start()

    def log(self) -> str:
        """Give what it has logged so far."""
        return self._log.read_text(errors="replace")

    def endpoint(self, tls: TlsFiles | None = None, **options: float) -> Endpoint:
        """Give its address, with the options of `Endpoint`."""
        host = "localhost" if self.authority is not None else "127.0.0.1"
        return Endpoint(host, self.port, tls, **options)  # type: ignore[arg-type]  # keep_alive_s is the one int

    def client_files(self, name: str, *, days: int = 1) -> TlsFiles:
        """Issue a client certificate from this broker's authority; less than nought days is an expired one."""
        assert self.authority is not None
        stem = f"{name.replace('/', '_')}_{days}"
        certificate, key = self.folder / f"{stem}.pem", self.folder / f"{stem}.key"
        if not key.exists():
            issue(self.authority, name, client=True, days=days).write(certificate, key)
        return TlsFiles(self.authority.certificate_file, certificate, key)

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.send_signal(signal.SIGCONT)
            self._process.wait(timeout=10)
            self._process = None


class SilentBroker:
    """Accepts connections, reads everything, never answers.

    Args:
        port: The port, a free one if 0.
    """

    def __init__(self, port: int = 0) -> None:
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port = int(self._listener.getsockname()[1])
        self.accepted = 0
        self._streams: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, name="silent-broker")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        # closing alone leaves a thread in accept asleep
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for stream in self._streams:
            with contextlib.suppress(OSError):
                stream.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        for stream in self._streams:
            stream.close()

    def endpoint(self, tls: TlsFiles | None = None, **options: float) -> Endpoint:
        """Give its address, with the options of `Endpoint`."""
        return Endpoint("127.0.0.1", self.port, tls, **options)  # type: ignore[arg-type]  # as above

    def _accept(self) -> None:
        while True:
            try:
                stream, _ = self._listener.accept()
            except OSError:
                return
            self._streams.append(stream)
            self.accepted += 1


def connack(code: int = 0, properties: bytes = b"", *, session_present: bool = False) -> bytes:
    """Build a CONNACK; properties are raw."""
    body = bytes([session_present, code, len(properties)]) + properties
    return bytes([0x20, len(body)]) + body


def puback(packet_id: int, code: int) -> bytes:
    """Build a PUBACK with a reason code."""
    return struct.pack("!BBHB", 0x40, 3, packet_id, code)


def suback(packet_id: int, *codes: int) -> bytes:
    """Build a SUBACK."""
    return struct.pack("!BBHB", 0x90, 3 + len(codes), packet_id, 0) + bytes(codes)


def disconnect(code: int) -> bytes:
    """Build a DISCONNECT with a reason code."""
    return bytes([0xE0, 1, code])


def publish(topic: str, payload: bytes, packet_id: int) -> bytes:
    """Build a QoS 1 PUBLISH of less than 128 bytes."""
    name = topic.encode()
    body = struct.pack("!H", len(name)) + name + struct.pack("!HB", packet_id, 0) + payload
    return bytes([0x32, len(body)]) + body


CONNACK = connack()

Answer = Callable[[int, bytes], bytes | None]
"""Given a packet's first byte and its body: what to send, or None to close the connection."""


class ScriptedBroker(SilentBroker):
    """Answers each packet with what the test says, for what a real broker will not do on command.

    Args:
        answer: Called for each whole packet; gives the bytes to send, empty for none, or None to hang up.
    """

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self._answer = answer
        self.packets: list[tuple[int, bytes]] = []

    def packets_of(self, kind: int) -> list[bytes]:
        """Give the bodies of the packets of one type (upper four bits of the first byte)."""
        return [body for first, body in list(self.packets) if first & 0xF0 == kind]

    def _accept(self) -> None:
        while True:
            try:
                stream, _ = self._listener.accept()
            except OSError:
                return
            self.accepted += 1
            self._streams.append(stream)
            with stream, contextlib.suppress(OSError, IndexError):
                self._converse(stream)

    def _converse(self, stream: socket.socket) -> None:
        stream.settimeout(10)
        reader = stream.makefile("rb")
        while first := reader.read(1):
            length, shift = 0, 0
            while True:
                byte = reader.read(1)[0]
                length |= (byte & 0x7F) << shift
                shift += 7
                if byte < 0x80:
                    break
            body = reader.read(length)
            self.packets.append((first[0], body))
            answer = self._answer(first[0], body)
            if answer is None:
                return
            stream.sendall(answer)
