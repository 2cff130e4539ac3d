"""The SSI driver: Zebra scanners that send packets with a checksum and are told verdicts by packets."""

import contextlib
import select
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar

from pydantic import BaseModel, Field, model_validator

from yaoma_drivers.answering import Answering
from yaoma_drivers.conveyor import conveyed
from yaoma_drivers.hex_bytes import HexParts
from yaoma_drivers.profile import profile_for, with_profile
from yaoma_drivers.serial_port import LineOptions, SerialPort, open_serial_port
from yaoma_drivers.show_queue import ShowQueue
from yaoma_drivers.signal import Signal
from yaoma_drivers.ssi_packet import SsiPacket, packet_bytes
from yaoma_drivers.ssi_session import SsiScan, SsiSession
from yaoma_drivers.stop import Stop
from yaoma_drivers.symbol import Symbol
from yaoma_drivers.wrapping_options import WrappingOptions

__all__ = ["ZebraSsiDriver", "ZebraSsiOptions"]

_PROFILE = "zebra_ssi"


class ZebraSsiOptions(WrappingOptions, LineOptions):
    """Options of the SSI driver, beside those of wrapping and of the line, which always has 8 data bits.

    Args:
        profile: The vendor's profile; what is given here itself goes before it.
        idle_ms: After how much silence a packet that was begun is given up, in milliseconds.
        handshake: Whether packets are acknowledged (Software Handshaking, ACK/NAK).
        response_ms: After how long a command that the scanner has not acknowledged is sent again, in milliseconds.
        replies: What the scanner is sent for each signal: packets, each as opcode and data in hex.
        reply_timeout_ms: After how long a verdict that could not be told is dropped, in milliseconds.
        answer_within_ms: After how long a scan without verdict is answered with OUT_OF_SERVICE, in milliseconds; None
            tells verdicts whenever they come.
    """

    profile: Annotated[str, profile_for("zebra_ssi")] | None = _PROFILE
    idle_ms: int = Field(default=200, ge=20, le=10_000)
    handshake: bool = True
    response_ms: int = Field(default=300, ge=50, le=10_000)
    replies: dict[Signal, HexParts] = Field(default_factory=dict)
    reply_timeout_ms: int = Field(default=1000, ge=10, le=10_000)
    answer_within_ms: int | None = Field(default=3000, ge=100, le=90_000)

    @model_validator(mode="before")
    @classmethod
    def _profile_below(cls, given: object) -> object:
        return with_profile(given, "zebra_ssi", _PROFILE)


class ZebraSsiDriver:
    """Reads one scanner in SSI mode, acknowledges its packets and beeps verdicts.

    Args:
        scanner: The configured name of the scanner.
        options: The line and how the scanner is told.
    """

    Options: ClassVar[type[BaseModel]] = ZebraSsiOptions

    def __init__(self, scanner: str, options: ZebraSsiOptions) -> None:
        self._scanner = scanner
        self._options = options
        self._wrapping = options.wrapping()
        self._shows = ShowQueue()

    def show(self, symbol: Symbol, signal: Signal) -> None:
        """Queue the packets for a signal; without any configured nothing happens."""
        if signal in self._options.replies:
            self._shows.put(symbol, signal)

    def symbols(self, stop: Stop) -> Iterator[Symbol]:
        """Open the line and yield what is scanned until it goes or `stop` is set.

        Raises:
            DeviceGone: It is not plugged in, or was unplugged.
            DeviceBusy: Another program has locked it.
            DeviceRefused: Our user may not open it, it is no serial line, or it does not take the settings.
        """
        if not stop.is_set():
            yield from conveyed(self._symbols, stop, self._scanner)

    def _symbols(self, stop: Stop) -> Iterator[Symbol]:
        self._shows.empty()
        options = self._options
        session = SsiSession(handshake=options.handshake, response_ms=options.response_ms)
        with contextlib.closing(open_serial_port(options)) as port:
            voice = SsiVoice(port, session, options.replies, options.reply_timeout_ms)
            with Answering(
                self._scanner,
                self._shows,
                voice,
                within_ms=options.answer_within_ms,
                reply_timeout_ms=options.reply_timeout_ms,
            ) as answering:
                yield from self._read(port, voice, answering, stop)

    def _read(self, port: SerialPort, voice: "SsiVoice", answering: Answering, stop: Stop) -> Iterator[Symbol]:
        """Wait for packets and for the end at once; the other thread writes what the session answers."""
        heard_ms = _now_ms()
        watched: list[SerialPort | Stop] = [port, stop]
        while True:
            deadlines_ms = voice.deadlines_ms(heard_ms + self._options.idle_ms)
            wait_s = max(0, min(deadlines_ms) - _now_ms()) / 1000 if deadlines_ms else None
            readable, _, _ = select.select(watched, [], [], wait_s)
            if stop.is_set():
                return
            if port in readable:
                heard_ms = _now_ms()
                scans = voice.heard(port.receive(), heard_ms)
            else:
                now_ms = _now_ms()
                scans = voice.waited(now_ms, is_silent=now_ms >= heard_ms + self._options.idle_ms)
            # Before anything is handed over: the scanner waits for its acknowledgment, whoever takes the symbols.
            answering.wake()
            # Nothing here may hold on to the last one while the line is quiet: it may be an identity card.
            while scans:
                yield self._noted(scans.pop(0), answering)

    def _noted(self, scan: SsiScan, answering: Answering) -> Symbol:
        """Make the symbol of a scan, and note that its answer is due before anybody can give it."""
        frame = self._wrapping.unwrap(scan.frame, scan.aim)
        symbol = Symbol(frame.data, self._scanner, _now_ms(), scan.aim, fault=frame.fault, length=frame.length)
        answering.scanned(symbol)
        return symbol


class SsiVoice:
    """Shares a session between the thread that reads and the one that writes.

    Args:
        port: The line.
        session: What is said on it.
        replies: The packets of each signal.
        write_ms: How long the line may take a packet, in milliseconds.
    """

    def __init__(
        self,
        port: SerialPort,
        session: SsiSession,
        replies: Mapping[Signal, tuple[bytes, ...]],
        write_ms: int,
    ) -> None:
        self._port = port
        self._session = session
        self._replies: dict[Signal, list[SsiPacket]] = {
            signal: [packet_bytes(command) for command in commands] for signal, commands in replies.items()
        }
        self._write_ms = write_ms
        self._lock = threading.Lock()
        self._left = b""
        self._until_ms = 0

    def heard(self, octets: bytes, now_ms: int) -> list[SsiScan]:
        """Take bytes from the scanner."""
        with self._lock:
            return self._session.heard(octets, now_ms)

    def waited(self, now_ms: int, *, is_silent: bool) -> list[SsiScan]:
        """Give up what did not come in time."""
        with self._lock:
            scans = self._session.silent(now_ms) if is_silent else []
            return scans + self._session.overdue(now_ms)

    def deadlines_ms(self, silent_ms: int) -> list[int]:
        """Return when `waited` has something to do.

        Args:
            silent_ms: When silence on the line begins to mean something.
        """
        with self._lock:
            deadlines_ms = [silent_ms] if self._session.is_pending else []
            return deadlines_ms + ([self._session.overdue_ms] if self._session.overdue_ms is not None else [])

    @property
    def is_busy(self) -> bool:
        """Whether the scanner has not yet acknowledged the last signal."""
        with self._lock:
            return self._session.is_busy

    def say(self, signal: Signal, until_ms: int) -> None:
        """Begin to tell a signal."""
        with self._lock:
            self._session.command(self._replies.get(signal, []), until_ms)

    def go_on(self, now_ms: int) -> int | None:
        """Write what the line takes; a new packet begins only behind a whole one, or when that is given up."""
        if self._left and now_ms >= self._until_ms:
            self._left = b""
        with self._lock:
            if not self._left:
                self._left, self._until_ms = self._session.outgoing(now_ms), now_ms + self._write_ms
            due_ms = self._session.due_ms
        if self._left:
            self._left = self._left[self._port.send(self._left) :]
        return self._until_ms if self._left else due_ms

    def lines(self) -> list[int]:
        """Return the line while a packet is only half written."""
        return [self._port.fileno()] if self._left else []

    def close(self) -> None:
        """Leave the line to whoever opened it."""


def _now_ms() -> int:
    return time.monotonic_ns() // 1_000_000
