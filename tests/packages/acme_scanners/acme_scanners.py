"""A driver for Acme's network scanner: one code a line over TCP."""

import select
import socket
import time
from collections.abc import Iterator
from typing import ClassVar

from pydantic import BaseModel

from yaoma_drivers.driver import DriverOptions
from yaoma_drivers.errors import DeviceGone, DeviceReason
from yaoma_drivers.framing import Framer
from yaoma_drivers.stop import Stop
from yaoma_drivers.symbol import Symbol
from yaoma_drivers.symbology import split_aim


class AcmeOptions(DriverOptions):
    host: str
    port: int = 4001


class AcmeDriver:
    Options: ClassVar[type[BaseModel]] = AcmeOptions
    looks_every_s: ClassVar[float] = 10.0

    def __init__(self, scanner: str, options: AcmeOptions) -> None:
        self._scanner = scanner
        self._address = (options.host, options.port)

    def symbols(self, stop: Stop) -> Iterator[Symbol]:
        framer = Framer((b"\r", b"\n"))
        try:
            with socket.create_connection(self._address, timeout=0.9) as line:
                while not stop.is_set():
                    readable, _, _ = select.select([line.fileno(), stop.fileno()], [], [], self.looks_every_s)
                    octets = line.recv(4096) if line.fileno() in readable else None
                    if octets == b"":
                        raise self._gone("closed the connection")
                    for frame in framer.feed(octets or b""):
                        aim, data = split_aim(frame.data)
                        read_mono_ms = time.monotonic_ns() // 1_000_000
                        yield Symbol(data, self._scanner, read_mono_ms, aim, fault=frame.fault, length=frame.length)
        except OSError as error:
            raise self._gone(error.strerror or "does not answer") from error

    def _gone(self, words: str) -> DeviceGone:
        return DeviceGone(f"{self._address[0]}:{self._address[1]}", DeviceReason.UNPLUGGED, words)
