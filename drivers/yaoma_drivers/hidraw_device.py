"""HidrawDevice: one raw HID device, opened for us and for no second one of us."""

import contextlib
import errno
import fcntl
import os
import stat
from typing import Final

from yaoma_drivers.hidraw_identity import AttachedHidraw
from yaoma_drivers.pos_layout import PosReport
from yaoma_drivers.report_descriptor import MAX_DESCRIPTOR_BYTES, ReportKind

__all__ = ["HidrawDevice", "open_hidraw"]

#: The kernel hands over no longer reports (HID_MAX_BUFFER_SIZE), and never more than one at a time.
_MAX_REPORT_BYTES: Final = 16384

# From linux/hidraw.h: _IOR('H', 1, int), _IOR('H', 2, struct), _IOC(read and write, 'H', 6, length).
_GET_DESCRIPTOR_SIZE: Final = 0x80044801
_GET_DESCRIPTOR: Final = 0x90044802
_SET_FEATURE: Final = 0xC0004806


class HidrawDevice:
    """Reads reports without waiting, and sends them; a send may wait for the device, for some seconds.

    Args:
        descriptor: The open file; this object closes it.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return self._descriptor

    def read(self) -> bytes:
        """Return one report; nothing if there is none.

        Raises:
            OSError: The device went.
        """
        try:
            report = os.read(self._descriptor, _MAX_REPORT_BYTES)
        except BlockingIOError:
            return b""
        if not report:
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
        return report

    def send(self, report: PosReport) -> None:
        """Send a report.

        Raises:
            OSError: The device did not take it.
        """
        if report.kind is ReportKind.FEATURE:
            fcntl.ioctl(self._descriptor, _SET_FEATURE | len(report.octets) << 16, bytearray(report.octets))
        else:
            os.write(self._descriptor, report.octets)

    def again(self) -> "HidrawDevice":
        """Return the same device for another thread, which closes it itself."""
        return HidrawDevice(os.dup(self._descriptor))

    def close(self) -> None:
        """Give the device back."""
        with contextlib.suppress(OSError):
            os.close(self._descriptor)


def open_hidraw(found: AttachedHidraw) -> HidrawDevice:
    """Open a scanner. Its number may have gone to another device meanwhile: a stranger is closed without being read.

    Args:
        found: The device that is meant.

    Raises:
        OSError: ENODEV if it went or is another one now, EBUSY if another of our programs has it, EACCES if our user
            may not open it, or what else the kernel says.
    """
    descriptor = os.open(found.node, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        if not stat.S_ISCHR(os.fstat(descriptor).st_mode) or _descriptor_of(descriptor) != found.descriptor:
            raise OSError(errno.ENODEV, "was replaced while it was being opened")
        # Raw HID can't be grabbed: every program that opens it gets every report. This keeps out a second of ours.
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY)) from error
    except BaseException:
        os.close(descriptor)
        raise
    return HidrawDevice(descriptor)


def _descriptor_of(descriptor: int) -> bytes:
    """Ask the kernel for the report descriptor of what was opened."""
    # Writable buffers: what the library copies into its own holds 1024 bytes only.
    size = bytearray(4)
    fcntl.ioctl(descriptor, _GET_DESCRIPTOR_SIZE, size)
    asked = size + bytes(MAX_DESCRIPTOR_BYTES)
    fcntl.ioctl(descriptor, _GET_DESCRIPTOR, asked)
    return bytes(asked[4 : 4 + int.from_bytes(size, "little")])
