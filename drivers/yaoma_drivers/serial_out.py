"""The serial port out: hands codes on to a till that listens on RS-232 or on a USB serial cable, through pyserial."""

import contextlib
import errno
import os
import select
import termios
import time
from typing import Annotated, ClassVar, Final, Literal

import serial
from pydantic import BaseModel, Field

from yaoma_drivers.driver import AbsolutePath, DriverOptions
from yaoma_drivers.port import PortFailed, PortReason

__all__ = ["SerialOutOptions", "SerialOutPort"]

_TERMINATORS: Final = {"CR": b"\r", "LF": b"\n", "CRLF": b"\r\n", "TAB": b"\t", "NONE": b""}
_GS: Final = b"\x1d"
_GONE: Final = {errno.ENOENT, errno.ENODEV, errno.ENXIO}
_UNPLUGGED: Final = {errno.EIO, errno.EPIPE, errno.ECONNRESET}
_LOOK_S: Final = 0.01


class SerialOutOptions(DriverOptions):
    """Options of the serial port out.

    Args:
        device: Absolute path. Prefer /dev/serial/by-id/..., or by-path for one socket.
        baud_rate: Bits per second.
        data_bits: 7 or 8.
        parity: none, even, odd, mark or space.
        stop_bits: 1 or 2.
        flow: How the till says that it takes nothing now: none, rtscts or xonxoff. Without it nobody can know whether
            anything was taken.
        terminator: What ends a code: CR, LF, CRLF, TAB or NONE.
        prefix: Sent before each code.
        gs_as: What stands for the GS1 separator: KEEP, NONE to leave it out, one character instead, or REFUSE.
    """

    device: AbsolutePath
    baud_rate: int = Field(default=9600, ge=50, le=4_000_000)
    data_bits: Literal[7, 8] = 8
    parity: Literal["none", "even", "odd", "mark", "space"] = "none"
    stop_bits: Literal[1, 2] = 1
    flow: Literal["none", "rtscts", "xonxoff"] = "none"
    terminator: Literal["CR", "LF", "CRLF", "TAB", "NONE"] = "CR"
    prefix: Annotated[str, Field(max_length=16, pattern=r"^[ -~]*$")] = ""
    gs_as: Annotated[str, Field(pattern=r"^(KEEP|NONE|REFUSE|[!-~])$")] = "KEEP"


class SerialOutPort:
    """The line to a till.

    Args:
        name: The configured name of the station.
        options: Line and frame.
    """

    Options: ClassVar[type[BaseModel]] = SerialOutOptions

    def __init__(self, name: str, options: SerialOutOptions) -> None:
        self._name = name
        self._options = options
        self._device = str(options.device)
        self._port: serial.Serial | None = None

    def open(self) -> None:
        """Take the line.

        Raises:
            PortFailed: It is not there, another program has it, our user may not open it, or it does not take the
                settings.
        """
        self.close()
        options = self._options
        try:
            self._port = serial.Serial(
                port=self._device,
                baudrate=options.baud_rate,
                bytesize=options.data_bits,
                parity=options.parity[0].upper(),
                stopbits=options.stop_bits,
                rtscts=options.flow == "rtscts",
                xonxoff=options.flow == "xonxoff",
                exclusive=True,
                timeout=0,
                write_timeout=0,
            )
        except (OSError, ValueError, termios.error) as error:
            raise self._failed(error) from None

    def send(self, data: bytes, timeout_s: float) -> None:
        """Send one code.

        Args:
            data: The code.
            timeout_s: How long the line may take nothing, in seconds.

        Raises:
            PortFailed: The till takes nothing, was unplugged, or the code may not be sent so.
        """
        left = self._framed(data)
        if self._port is None:
            self.open()
        assert self._port is not None
        port, whole = self._port, len(left)
        try:
            while left:
                _, writable, _ = select.select([], [port], [], timeout_s)
                if not writable:
                    raise TimeoutError
                with contextlib.suppress(BlockingIOError):
                    left = left[os.write(port.fileno(), left) :]
            _wait_until_sent(port, timeout_s)
        except TimeoutError:
            is_begun = len(left) + _waiting(port) < whole
            # What still waits would come whenever the till wakes up, maybe into another sale.
            with contextlib.suppress(OSError, termios.error):
                termios.tcflush(port.fileno(), termios.TCOFLUSH)
            raise PortFailed(self._device, PortReason.ASLEEP, "the till takes nothing", is_partial=is_begun) from None
        except (OSError, termios.error) as error:
            self.close()
            raise self._failed(error, is_partial=len(left) < whole) from None

    def step(self) -> float | None:
        """Nothing is ever due."""
        return None

    def close(self) -> None:
        """Give the line back, without waiting for what a sleeping till has not taken."""
        port, self._port = self._port, None
        if port is None:
            return
        with contextlib.suppress(OSError, termios.error):
            termios.tcflush(port.fileno(), termios.TCOFLUSH)
        with contextlib.suppress(OSError, termios.error):
            port.close()

    def _framed(self, data: bytes) -> bytes:
        options = self._options
        if _GS in data and options.gs_as == "REFUSE":
            raise PortFailed(self._device, PortReason.UNTYPABLE, "the code has a group separator")
        if options.gs_as not in {"KEEP", "REFUSE"}:
            data = data.replace(_GS, b"" if options.gs_as == "NONE" else options.gs_as.encode("ascii"))
        return options.prefix.encode("ascii") + data + _TERMINATORS[options.terminator]

    def _failed(self, error: Exception, *, is_partial: bool = False) -> PortFailed:
        number = _number(error)
        words = os.strerror(number) if number else "no answer"
        if number in _GONE:
            return PortFailed(self._device, PortReason.ABSENT, f"no such line ({words})", is_partial=is_partial)
        if number in _UNPLUGGED:
            return PortFailed(self._device, PortReason.UNPLUGGED, f"was unplugged ({words})", is_partial=is_partial)
        if number in {errno.EACCES, errno.EPERM}:
            return PortFailed(self._device, PortReason.NOT_PERMITTED, f"may not be opened ({words})")
        if number in {errno.EBUSY, errno.EAGAIN}:
            return PortFailed(self._device, PortReason.IN_USE, f"another program has it ({words})")
        if number in {errno.ENOTTY, errno.EISDIR, errno.EINVAL}:
            return PortFailed(self._device, PortReason.WRONG_KIND, f"is no serial line ({words})")
        return PortFailed(self._device, PortReason.FAILED, f"failed ({words})", is_partial=is_partial)


def _waiting(port: serial.Serial) -> int:
    """Give how many bytes the kernel still holds; none if it does not say, so that a part counts as gone."""
    try:
        return int(port.out_waiting)
    except (OSError, termios.error):
        return 0


def _wait_until_sent(port: serial.Serial, timeout_s: float) -> None:
    """Wait until the kernel's buffer is empty: with flow control that is when the till has taken it all."""
    waiting, until_s = int(port.out_waiting), time.monotonic() + timeout_s
    while waiting:
        time.sleep(_LOOK_S)
        now = int(port.out_waiting)
        if now < waiting:
            until_s = time.monotonic() + timeout_s
        elif time.monotonic() >= until_s:
            raise TimeoutError
        waiting = now


def _number(error: Exception) -> int | None:
    """Find the kernel's number in what pyserial raises: it wraps OSError with one and termios.error without."""
    if isinstance(error, OSError) and error.errno:
        return error.errno
    cause = error if isinstance(error, termios.error) else error.__context__
    if isinstance(cause, termios.error | OSError) and cause.args and isinstance(cause.args[0], int):
        return cause.args[0]
    return None
