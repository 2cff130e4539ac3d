"""The serial driver: scanners on RS-232 and on USB as CDC-ACM, with terminators between their symbols."""

import contextlib
import select
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import BaseModel, Field, model_validator

from yaoma_drivers.answering import Answering
from yaoma_drivers.conveyor import conveyed
from yaoma_drivers.frame_symbol import symbol_of
from yaoma_drivers.framing import TERMINATORS, Frame, Framer
from yaoma_drivers.hex_bytes import HexBytes
from yaoma_drivers.profile import profile_for, with_profile
from yaoma_drivers.serial_port import LineOptions, SerialPort, open_serial_port
from yaoma_drivers.show_queue import ShowQueue
from yaoma_drivers.signal import Signal
from yaoma_drivers.stop import Stop
from yaoma_drivers.symbol import Symbol
from yaoma_drivers.wrapping import Wrapping
from yaoma_drivers.wrapping_options import WrappingOptions

__all__ = ["SerialLineDriver", "SerialLineOptions"]


#: For the calibration: longer than a scanner pauses inside one code, shorter than anybody between two.
_QUIET_MS: Final = 600


class SerialLineOptions(WrappingOptions, LineOptions):
    """Options of the serial driver, beside those of the line and of wrapping.

    Args:
        profile: The vendor's profile; what is given here itself goes before it.
        data_bits: 7 or 8.
        terminators: What ends a symbol: any of CR, LF, CRLF, TAB, ETX. CR and LF together take CRLF as well.
        strip_aim: Whether an AIM identifier in front is taken off into the symbol's `aim`.
        idle_ms: After how much silence a symbol without terminator is given up, in milliseconds.
        idle_ends_symbol: Whether that silence ends a symbol, for a scanner that sends no terminator at all.
        replies: What is written back to the scanner, as hex bytes, for each signal (SCANNERS.md 6.3).
        reply_timeout_ms: After how long a reply that the scanner does not take is dropped, in milliseconds.
        answer_within_ms: After how long a scan without verdict is answered with OUT_OF_SERVICE, in milliseconds, for a
            scanner that waits for its answer (Host ACK); None for one that does not.
    """

    needs_terminator: ClassVar[bool] = True

    profile: Annotated[str, profile_for("serial_line")] | None = None
    data_bits: Literal[7, 8] = 8
    terminators: tuple[Literal["CR", "LF", "CRLF", "TAB", "ETX"], ...] = ("CR", "LF")
    strip_aim: bool = True
    idle_ms: int = Field(default=300, ge=20, le=10_000)
    idle_ends_symbol: bool = False
    replies: dict[Signal, Annotated[HexBytes, Field(min_length=1, max_length=64)]] = Field(default_factory=dict)
    reply_timeout_ms: int = Field(default=500, ge=10, le=10_000)
    answer_within_ms: int | None = Field(default=None, ge=100, le=90_000)

    @model_validator(mode="before")
    @classmethod
    def _profile_below(cls, given: object) -> object:
        merged = with_profile(given, "serial_line")
        if not isinstance(merged, Mapping) or not isinstance(merged.get("replies"), Mapping):
            return merged
        whole = {
            signal: b"".join(parts) if isinstance(parts, tuple) else parts
            for signal, parts in merged["replies"].items()
        }
        return {**merged, "replies": whole}

    @model_validator(mode="after")
    def _terminators_fit_together(self) -> Self:
        self.framer()
        return self

    @model_validator(mode="after")
    def _every_scan_is_answered(self) -> Self:
        """Refuse a Host ACK in which a signal would leave the scanner waiting."""
        missing = [signal.value for signal in Signal if signal not in self.replies]
        if self.answer_within_ms is not None and missing:
            raise ValueError(f"answer_within_ms: the scanner waits for every answer, and replies lacks {missing}")
        return self

    def framer(self) -> Framer:
        """Return a new framer for one opening of the device."""
        mark = self.prefix if self._has_mark else b""
        return Framer(
            [TERMINATORS[name] for name in self.terminators],
            prefix=mark.swapcase() if self.case == "swapped" else mark,
            idle_ends_symbol=self.idle_ends_symbol,
        )

    def wrapping(self) -> Wrapping:
        """Return what the scanner does to each symbol, but for a prefix that the framer takes off."""
        wrapping = super().wrapping()
        return replace(wrapping, prefix=b"") if self._has_mark else wrapping

    def as_sent(self) -> Self:
        """Return options for the same line under which each burst of bytes is one symbol, with all around it."""
        whole = {"terminators": (), "idle_ends_symbol": True, "idle_ms": _QUIET_MS, "strip_aim": False}
        return super().as_sent().model_copy(update=whole)

    @property
    def _has_mark(self) -> bool:
        """Whether the prefix begins with a control character, such as STX, which finds the beginning behind noise."""
        return b"" < self.prefix[:1] < b" "


class SerialLineDriver:
    """Reads one serial scanner and writes verdicts back to it if replies are configured.

    Args:
        scanner: The configured name of the scanner.
        options: The line and what the scanner sends on it.
    """

    Options: ClassVar[type[BaseModel]] = SerialLineOptions

    def __init__(self, scanner: str, options: SerialLineOptions) -> None:
        self._scanner = scanner
        self._options = options
        self._wrapping = options.wrapping()
        self._shows = ShowQueue()

    def show(self, symbol: Symbol, signal: Signal) -> None:
        """Queue the reply for a signal; without one configured nothing happens."""
        if signal in self._options.replies:
            self._shows.put(symbol, signal)

    def symbols(self, stop: Stop) -> Iterator[Symbol]:
        """Open the line and yield what is scanned until it goes or `stop` is set.

        Raises:
            DeviceGone: It is not plugged in, or was unplugged.
            DeviceBusy: Another program has locked it.
            DeviceRefused: Our user may not open it, it is no serial line, or it does not take the settings.
        """
        if stop.is_set():
            return
        if self._options.answer_within_ms is None:
            yield from self._symbols(stop)
        else:
            yield from conveyed(self._symbols, stop, self._scanner)

    def _symbols(self, stop: Stop) -> Iterator[Symbol]:
        self._shows.empty()
        options = self._options
        with contextlib.closing(open_serial_port(options, data_bits=options.data_bits)) as port:
            voice = LineVoice(port, options.replies)
            with Answering(
                self._scanner,
                self._shows,
                voice,
                within_ms=options.answer_within_ms,
                reply_timeout_ms=options.reply_timeout_ms,
            ) as answering:
                yield from self._read(port, answering, stop)

    def _read(self, port: SerialPort, answering: Answering, stop: Stop) -> Iterator[Symbol]:
        """Wait for bytes and for the end at once; verdicts are told by the other thread."""
        framer = self._options.framer()
        idle_s = self._options.idle_ms / 1000
        heard_s = time.monotonic()
        watched: list[SerialPort | Stop] = [port, stop]
        while True:
            wait_s = max(0.0, heard_s + idle_s - time.monotonic()) if framer.is_pending else None
            readable, _, _ = select.select(watched, [], [], wait_s)
            if stop.is_set():
                return
            frames: list[Frame] = []
            if port in readable:
                frames = framer.feed(port.receive())
                heard_s = time.monotonic()
            elif framer.is_pending and time.monotonic() >= heard_s + idle_s:
                frames = framer.flush()
            # Nothing here may hold on to the last one while the line is quiet: it may be an identity card.
            while frames:
                yield self._noted(frames.pop(0), answering)

    def _noted(self, frame: Frame, answering: Answering) -> Symbol:
        """Make the symbol of a frame, and note that its answer is due before anybody can give it."""
        frame, read_mono_ms = self._wrapping.unwrap(frame), time.monotonic_ns() // 1_000_000
        symbol = symbol_of(frame, self._scanner, read_mono_ms, strip_aim=self._options.strip_aim)
        answering.scanned(symbol)
        return symbol


class LineVoice:
    """Writes the bytes of a signal to the line, as far as it takes them.

    Args:
        port: The line.
        replies: The bytes of each signal.
    """

    def __init__(self, port: SerialPort, replies: Mapping[Signal, bytes]) -> None:
        self._port = port
        self._replies = replies
        self._left = b""
        self._until_ms = 0

    @property
    def is_busy(self) -> bool:
        """Whether a reply is only half written."""
        return bool(self._left)

    def say(self, signal: Signal, until_ms: int) -> None:
        """Begin a reply."""
        self._left, self._until_ms = self._replies.get(signal, b""), until_ms

    def go_on(self, now_ms: int) -> int | None:
        """Write what the line takes; what it has not taken in time is dropped."""
        if self._left and now_ms >= self._until_ms:
            self._left = b""
        if self._left:
            self._left = self._left[self._port.send(self._left) :]
        return self._until_ms if self._left else None

    def lines(self) -> list[int]:
        """Return the line while a reply is only half written."""
        return [self._port.fileno()] if self._left else []

    def close(self) -> None:
        """Leave the line to whoever opened it."""
