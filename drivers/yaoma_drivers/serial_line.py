"""The serial driver: scanners on RS-232 and on USB as CDC-ACM, through pyserial."""

import contextlib
import errno
import fcntl
import os
import select
import termios
import time
from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal, Self

import serial
from pydantic import BaseModel, BeforeValidator, Field, model_validator

from yaoma_drivers.driver import AbsolutePath, DriverOptions
from yaoma_drivers.errors import DeviceBusy, DeviceError, DeviceGone, DeviceReason, DeviceRefused
from yaoma_drivers.frame_symbol import symbol_of
from yaoma_drivers.framing import TERMINATORS, Frame, Framer
from yaoma_drivers.show_queue import ShowQueue
from yaoma_drivers.signal import Signal
from yaoma_drivers.stop import Stop
from yaoma_drivers.symbol import Symbol

__all__ = ["SerialLineDriver", "SerialLineOptions"]

_READ_BYTES = 4096
_GONE = {errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.EIO}
_TAKEN = {errno.EBUSY, errno.EAGAIN}
_FORBIDDEN = {errno.EACCES, errno.EPERM}
_NO_LINE = {errno.ENOTTY, errno.EISDIR, errno.EINVAL}


def _from_hex(value: object) -> object:
    """Read bytes as a technician copies them from a scanner's manual: `1B 37 2C`."""
    return bytes.fromhex(value) if isinstance(value, str) else value


HexBytes = Annotated[bytes, BeforeValidator(_from_hex)]


class SerialLineOptions(DriverOptions):
    """Options of the serial driver.

    Args:
        device: Absolute path. Prefer /dev/serial/by-id/..., or by-path for one socket; /dev/ttyACM0 changes its number.
        baud_rate: Bits per second; a CDC-ACM scanner ignores it.
        data_bits: 7 or 8.
        parity: none, even, odd, mark or space.
        stop_bits: 1 or 2.
        terminators: What ends a symbol: any of CR, LF, CRLF, TAB, ETX. CR and LF together take CRLF as well.
        prefix: Hex bytes that the scanner sends before each symbol, such as 02 for STX.
        strip_aim: Whether an AIM identifier in front is taken off into the symbol's `aim`.
        idle_ms: After how much silence a symbol without terminator is given up, in milliseconds.
        idle_ends_symbol: Whether that silence ends a symbol, for a scanner that sends no terminator at all.
        replies: What is written back to the scanner, as hex bytes, for each signal (Host ACK; SCANNERS.md 6.3).
        reply_timeout_ms: After how long a reply that the scanner does not take is dropped, in milliseconds.
    """

    device: AbsolutePath
    baud_rate: int = Field(default=9600, ge=50, le=4_000_000)
    data_bits: Literal[7, 8] = 8
    parity: Literal["none", "even", "odd", "mark", "space"] = "none"
    stop_bits: Literal[1, 2] = 1
    terminators: tuple[Literal["CR", "LF", "CRLF", "TAB", "ETX"], ...] = ("CR", "LF")
    prefix: HexBytes = Field(default=b"", max_length=16)
    strip_aim: bool = True
    idle_ms: int = Field(default=300, ge=20, le=10_000)
    idle_ends_symbol: bool = False
    replies: dict[Signal, Annotated[HexBytes, Field(min_length=1, max_length=64)]] = Field(default_factory=dict)
    reply_timeout_ms: int = Field(default=500, ge=10, le=10_000)

    @model_validator(mode="after")
    def _terminators_fit_together(self) -> Self:
        self.framer()
        return self

    def framer(self) -> Framer:
        """Return a new framer for one opening of the device."""
        return Framer(
            [TERMINATORS[name] for name in self.terminators],
            prefix=self.prefix,
            idle_ends_symbol=self.idle_ends_symbol,
        )


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
        self._device = str(options.device)
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
        self._shows.empty()
        port = self._open()
        try:
            yield from self._read(port.fileno(), stop)
        finally:
            _close(port)

    def _open(self) -> serial.Serial:
        options = self._options
        try:
            port = serial.Serial(
                port=self._device,
                baudrate=options.baud_rate,
                bytesize=options.data_bits,
                parity=options.parity[0].upper(),
                stopbits=options.stop_bits,
                exclusive=True,
                # Zero, not None: a read that finds nothing then says so, and no bytes mean that the line hung up.
                inter_byte_timeout=0,
            )
        except (OSError, ValueError, termios.error) as error:
            raise self._refusal(error) from error
        # The lock of pyserial keeps out only who asks for it; this keeps out everybody but root.
        with contextlib.suppress(OSError):
            fcntl.ioctl(port.fileno(), termios.TIOCEXCL)
        return port

    def _refusal(self, error: Exception) -> DeviceError:
        """Say what to do next about a line that could not be opened."""
        number = _errno(error)
        words = os.strerror(number) if number else str(error)
        if number in _GONE:
            return DeviceGone(self._device, DeviceReason.ABSENT, f"is not plugged in ({words})")
        if number in _TAKEN:
            return DeviceBusy(self._device, DeviceReason.IN_USE, "is held by another program (see `fuser -v`)")
        if number in _FORBIDDEN:
            return DeviceRefused(
                self._device,
                DeviceReason.NOT_PERMITTED,
                "our user may not open it: put the user into its group (dialout) or install the udev rules",
            )
        if number in _NO_LINE:
            return DeviceRefused(self._device, DeviceReason.WRONG_KIND, f"is no serial line ({words})")
        if isinstance(error, ValueError):
            return DeviceRefused(self._device, DeviceReason.UNFIT_SETTINGS, f"does not take the settings ({words})")
        return DeviceRefused(self._device, DeviceReason.FAILED, f"cannot be opened ({words})")

    def _read(self, line: int, stop: Stop) -> Iterator[Symbol]:
        """Wait for bytes, verdicts and the end at once; nothing in here waits for anything else."""
        framer = self._options.framer()
        idle_s = self._options.idle_ms / 1000
        reply, reply_until_s = b"", 0.0
        heard_s = time.monotonic()
        while True:
            now_s = time.monotonic()
            if reply and now_s >= reply_until_s:
                reply = b""
            if not reply:
                reply, reply_until_s = self._next_reply()
            deadlines_s = [heard_s + idle_s] if framer.is_pending else []
            deadlines_s += [reply_until_s] if reply else []
            waited_for = [line, stop.fileno()]
            # One reply at a time: while one waits for the line, the next stays in its bounded queue.
            readable, writable, _ = select.select(
                waited_for if reply else [*waited_for, self._shows.fileno()],
                [line] if reply else [],
                [],
                max(0.0, min(deadlines_s) - now_s) if deadlines_s else None,
            )
            if stop.is_set():
                return
            if writable and time.monotonic() < reply_until_s:
                reply = reply[self._write(line, reply) :]
            frames: list[Frame] = []
            if line in readable:
                frames = framer.feed(self._receive(line))
                heard_s = time.monotonic()
            elif framer.is_pending and time.monotonic() >= heard_s + idle_s:
                frames = framer.flush()
            # Nothing here may hold on to the last one while the line is quiet: it may be an identity card.
            while frames:
                read_mono_ms = time.monotonic_ns() // 1_000_000
                yield symbol_of(frames.pop(0), self._scanner, read_mono_ms, strip_aim=self._options.strip_aim)

    def _next_reply(self) -> tuple[bytes, float]:
        """Return the bytes of the oldest verdict that is still worth telling, and until when it is."""
        while shown := self._shows.take():
            until_s = (shown.asked_mono_ms + self._options.reply_timeout_ms) / 1000
            if time.monotonic() < until_s:
                return self._options.replies[shown.signal], until_s
        return b"", 0.0

    def _receive(self, line: int) -> bytes:
        try:
            octets = os.read(line, _READ_BYTES)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise self._unplugged(error) from error
        if not octets:
            raise self._unplugged(None)
        return octets

    def _write(self, line: int, octets: bytes) -> int:
        try:
            return os.write(line, octets)
        except BlockingIOError:
            return 0
        except OSError as error:
            raise self._unplugged(error) from error

    def _unplugged(self, error: OSError | None) -> DeviceGone:
        words = error.strerror if error else "the line hung up"
        return DeviceGone(self._device, DeviceReason.UNPLUGGED, f"was unplugged ({words})")


def _errno(error: Exception) -> int | None:
    """Find the kernel's number in what pyserial raises: it wraps OSError with one and termios.error without."""
    if isinstance(error, OSError) and error.errno:
        return error.errno
    cause = error if isinstance(error, termios.error) else error.__context__
    if isinstance(cause, termios.error | OSError) and cause.args and isinstance(cause.args[0], int):
        return cause.args[0]
    return None


def _close(port: serial.Serial) -> None:
    """Give the line back at once: unsent bytes would hold up the close for half a minute, a left lock the next one."""
    with contextlib.suppress(OSError, termios.error):
        termios.tcflush(port.fileno(), termios.TCOFLUSH)
    with contextlib.suppress(OSError):
        fcntl.ioctl(port.fileno(), termios.TIOCNXCL)
    port.close()
