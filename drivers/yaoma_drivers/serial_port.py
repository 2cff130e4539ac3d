"""SerialPort: one serial line, opened for us alone, through pyserial."""

import contextlib
import errno
import fcntl
import os
import termios
from typing import Literal

import serial
from pydantic import Field

from yaoma_drivers.driver import AbsolutePath, DriverOptions
from yaoma_drivers.errors import DeviceBusy, DeviceError, DeviceGone, DeviceReason, DeviceRefused

__all__ = ["LineOptions", "SerialPort", "open_serial_port"]

_READ_BYTES = 4096
_GONE = {errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.EIO}
_TAKEN = {errno.EBUSY, errno.EAGAIN}
_FORBIDDEN = {errno.EACCES, errno.EPERM}
_NO_LINE = {errno.ENOTTY, errno.EISDIR, errno.EINVAL}


class LineOptions(DriverOptions):
    """Options of a serial line.

    Args:
        device: Absolute path. Prefer /dev/serial/by-id/..., or by-path for one socket; /dev/ttyACM0 changes its number.
        baud_rate: Bits per second; a CDC-ACM scanner ignores it.
        parity: none, even, odd, mark or space.
        stop_bits: 1 or 2.
        rts_cts: Whether the lines RTS and CTS hold up either side (hardware handshake).
    """

    device: AbsolutePath
    baud_rate: int = Field(default=9600, ge=50, le=4_000_000)
    parity: Literal["none", "even", "odd", "mark", "space"] = "none"
    stop_bits: Literal[1, 2] = 1
    rts_cts: bool = False

    def name(self) -> str:
        """Return how the scanner is named."""
        return str(self.device)


class SerialPort:
    """An open line; nothing here waits. One thread may read while another writes.

    Args:
        port: What pyserial has opened.
        device: The path as configured, for errors.
    """

    def __init__(self, port: serial.Serial, device: str) -> None:
        self._port = port
        self._device = device

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return int(self._port.fileno())

    def receive(self) -> bytes:
        """Return the bytes that are there.

        Raises:
            DeviceGone: The line hung up.
        """
        try:
            octets = os.read(self.fileno(), _READ_BYTES)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise self._unplugged(error.strerror) from error
        if not octets:
            raise self._unplugged("the line hung up")
        return octets

    def send(self, octets: bytes) -> int:
        """Write what the line takes at once, and return how many bytes that were.

        A line that has gone takes all of them: whoever reads it finds out and says so.
        """
        try:
            return os.write(self.fileno(), octets)
        except BlockingIOError:
            return 0
        except OSError:
            return len(octets)

    def close(self) -> None:
        """Give the line back at once: unsent bytes would hold it up for half a minute, a left lock the next opening."""
        with contextlib.suppress(OSError, termios.error):
            termios.tcflush(self._port.fileno(), termios.TCOFLUSH)
        with contextlib.suppress(OSError):
            fcntl.ioctl(self._port.fileno(), termios.TIOCNXCL)
        self._port.close()

    def _unplugged(self, words: str | None) -> DeviceGone:
        return DeviceGone(self._device, DeviceReason.UNPLUGGED, f"was unplugged ({words})")


def open_serial_port(options: LineOptions, *, data_bits: int = 8) -> SerialPort:
    """Open a line and lock it.

    Args:
        options: Which line, and its settings.
        data_bits: 7 or 8.

    Raises:
        DeviceGone: It is not plugged in.
        DeviceBusy: Another program has locked it.
        DeviceRefused: Our user may not open it, it is no serial line, or it does not take the settings.
    """
    device = str(options.device)
    try:
        port = serial.Serial(
            port=device,
            baudrate=options.baud_rate,
            bytesize=data_bits,
            parity=options.parity[0].upper(),
            stopbits=options.stop_bits,
            rtscts=options.rts_cts,
            exclusive=True,
            # Zero, not None: a read that finds nothing then says so, and no bytes mean that the line hung up.
            inter_byte_timeout=0,
        )
    except (OSError, ValueError, termios.error) as error:
        raise _refusal(device, error) from error
    # The lock of pyserial keeps out only who asks for it; this keeps out everybody but root.
    with contextlib.suppress(OSError):
        fcntl.ioctl(port.fileno(), termios.TIOCEXCL)
    return SerialPort(port, device)


def _refusal(device: str, error: Exception) -> DeviceError:
    """Say what to do next about a line that could not be opened."""
    number = _errno(error)
    words = os.strerror(number) if number else str(error)
    if number in _GONE:
        return DeviceGone(device, DeviceReason.ABSENT, f"is not plugged in ({words})")
    if number in _TAKEN:
        return DeviceBusy(device, DeviceReason.IN_USE, "is held by another program (see `fuser -v`)")
    if number in _FORBIDDEN:
        return DeviceRefused(
            device,
            DeviceReason.NOT_PERMITTED,
            "our user may not open it: put the user into its group (dialout) or install the udev rules",
        )
    if number in _NO_LINE:
        return DeviceRefused(device, DeviceReason.WRONG_KIND, f"is no serial line ({words})")
    if isinstance(error, ValueError):
        return DeviceRefused(device, DeviceReason.UNFIT_SETTINGS, f"does not take the settings ({words})")
    return DeviceRefused(device, DeviceReason.FAILED, f"cannot be opened ({words})")


def _errno(error: Exception) -> int | None:
    """Find the kernel's number in what pyserial raises: it wraps OSError with one and termios.error without."""
    if isinstance(error, OSError) and error.errno:
        return error.errno
    cause = error if isinstance(error, termios.error) else error.__context__
    if isinstance(cause, termios.error | OSError) and cause.args and isinstance(cause.args[0], int):
        return cause.args[0]
    return None
