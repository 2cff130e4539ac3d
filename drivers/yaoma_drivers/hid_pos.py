"""The HID POS driver: scanners that report bar codes on usage page 0x8C, through hidraw."""

import contextlib
import errno
import os
import select
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, ClassVar, Final

from pydantic import AfterValidator, BaseModel, Field

from yaoma_drivers import hidraw_device
from yaoma_drivers.answering import Answering
from yaoma_drivers.conveyor import conveyed
from yaoma_drivers.driver import AbsolutePath
from yaoma_drivers.errors import DeviceBusy, DeviceError, DeviceGone, DeviceReason, DeviceRefused
from yaoma_drivers.hidraw_identity import AttachedHidraw, HidrawPlaces, find_hidraw
from yaoma_drivers.holders import spoken
from yaoma_drivers.pos_layout import PosLayout
from yaoma_drivers.pos_reports import PosReader, PosScan
from yaoma_drivers.pos_voice import BEEPS, Beep, PosVoice, beep_reports
from yaoma_drivers.show_queue import ShowQueue
from yaoma_drivers.signal import Signal
from yaoma_drivers.stop import Stop
from yaoma_drivers.symbol import Symbol
from yaoma_drivers.usb_name_options import UsbNameOptions
from yaoma_drivers.wrapping_options import WrappingOptions

__all__ = ["HidPosDriver", "HidPosOptions"]

_LINKS: Final = Path("/dev/yaoma/by-path")
_GONE: Final = {errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.EIO}
_FORBIDDEN: Final = {errno.EACCES, errno.EPERM}

#: How long udev may take to give a device that has just been plugged in to its group.
_PERMISSION_S: Final = 0.8
_PERMISSION_LOOK_S: Final = 0.05


def _stable(path: Path) -> Path:
    """Refuse /dev/hidraw3, which may be another device tomorrow."""
    if path.parent != _LINKS or path.name == "..":
        raise ValueError(f"must be a link in {_LINKS}, where our udev rules make them; hidraw numbers change")
    return path


class HidPosOptions(WrappingOptions, UsbNameOptions):
    """Options of the HID POS driver, beside those of its name and of wrapping.

    Args:
        device: A link in /dev/yaoma/by-path.
        continue_ms: After how long a text that does not go on is given up, in milliseconds.
        beeps: How the scanner tells each signal: good_read, not_on_file, error or none.
        reply_timeout_ms: After how long a verdict that could not be told is dropped, in milliseconds.
        answer_within_ms: After how long a scan without verdict is answered with OUT_OF_SERVICE, in milliseconds; None
            tells verdicts whenever they come.
    """

    device: Annotated[AbsolutePath, AfterValidator(_stable)] | None = None
    continue_ms: int = Field(default=1000, ge=50, le=10_000)
    beeps: dict[Signal, Beep] = Field(default_factory=dict)
    reply_timeout_ms: int = Field(default=500, ge=10, le=10_000)
    answer_within_ms: int | None = Field(default=3000, ge=100, le=90_000)

    def node(self) -> Path | None:
        """Return the node that the scanner has now; None if it is not there, or not alone."""
        try:
            return find_hidraw(self.name(), HidrawPlaces()).node
        except DeviceError:
            return None


class HidPosDriver:
    """Reads one HID POS scanner, and nothing of any other device.

    Args:
        scanner: The configured name of the scanner.
        options: Which device it is.
    """

    Options: ClassVar[type[BaseModel]] = HidPosOptions

    def __init__(self, scanner: str, options: HidPosOptions) -> None:
        self._scanner = scanner
        self._options = options
        self._name = options.name()
        self._wrapping = options.wrapping()
        self._places = HidrawPlaces()
        self._beeps = BEEPS | options.beeps
        self._shows = ShowQueue()

    def show(self, symbol: Symbol, signal: Signal) -> None:
        """Queue the beep for a signal; for one that is told by silence nothing happens."""
        if self._beeps[signal] != "none":
            self._shows.put(symbol, signal)

    def symbols(self, stop: Stop) -> Iterator[Symbol]:
        """Open the scanner and yield what is scanned until it goes or `stop` is set.

        Raises:
            DeviceGone: It is not plugged in, or was unplugged.
            DeviceBusy: Another of our programs has it.
            DeviceRefused: Our user may not open it, or what the configuration names is no such scanner.
        """
        if stop.is_set():
            return
        if self._options.answer_within_ms is None:
            yield from self._symbols(stop)
        else:
            yield from conveyed(self._symbols, stop, self._scanner)

    def _symbols(self, stop: Stop) -> Iterator[Symbol]:
        self._shows.empty()
        opened = self._open(stop)
        if opened is None:
            return
        device, layout = opened
        options = self._options
        with contextlib.closing(device):
            reports = beep_reports(layout, self._beeps)
            # A scanner that can't be told anything is owed no answer.
            within_ms = options.answer_within_ms if reports else None
            voice = PosVoice(device.again(), reports)
            with Answering(
                self._scanner,
                self._shows,
                voice,
                within_ms=within_ms,
                reply_timeout_ms=options.reply_timeout_ms,
            ) as answering:
                yield from self._read(device, PosReader(layout), answering, stop)

    def _open(self, stop: Stop) -> tuple[hidraw_device.HidrawDevice, PosLayout] | None:
        """Open the scanner; None if the end came while udev had not yet given it to our group."""
        until_s = time.monotonic() + _PERMISSION_S
        while not stop.is_set():
            found = find_hidraw(self._name, self._places)
            try:
                return hidraw_device.open_hidraw(found), found.layout()
            except OSError as error:
                if error.errno not in _FORBIDDEN or time.monotonic() >= until_s:
                    raise self._refusal(error, found) from error
            stop.wait(_PERMISSION_LOOK_S)
        return None

    def _read(
        self, device: hidraw_device.HidrawDevice, reader: PosReader, answering: Answering, stop: Stop
    ) -> Iterator[Symbol]:
        """Wait for reports and for the end at once; verdicts are told by the other thread."""
        continue_s = self._options.continue_ms / 1000
        heard_s = time.monotonic()
        while True:
            wait_s = max(0.0, heard_s + continue_s - time.monotonic()) if reader.is_pending else None
            readable, _, _ = select.select([device.fileno(), stop.fileno()], [], [], wait_s)
            if stop.is_set():
                return
            scans: list[PosScan] = []
            if readable:
                scans = reader.feed(self._report(device))
                heard_s = time.monotonic()
            elif time.monotonic() >= heard_s + continue_s:
                scans = reader.flush()
            # Nothing here may hold on to the last one while the scanner is quiet: it may be an identity card.
            while scans:
                yield self._noted(scans.pop(0), answering)

    def _report(self, device: hidraw_device.HidrawDevice) -> bytes:
        try:
            return device.read()
        except OSError as error:
            words = error.strerror or "no more reports"
            raise DeviceGone(str(self._name), DeviceReason.UNPLUGGED, f"was unplugged ({words})") from error

    def _noted(self, scan: PosScan, answering: Answering) -> Symbol:
        """Make the symbol of a scan, and note that its answer is due before anybody can give it."""
        frame = self._wrapping.unwrap(scan.frame, scan.aim)
        read_mono_ms = time.monotonic_ns() // 1_000_000
        symbol = Symbol(frame.data, self._scanner, read_mono_ms, scan.aim, fault=frame.fault, length=frame.length)
        answering.scanned(symbol)
        return symbol

    def _refusal(self, error: OSError, found: AttachedHidraw) -> DeviceError:
        """Say what to do next about a scanner that could not be opened."""
        words = os.strerror(error.errno) if error.errno else str(error)
        if error.errno in _GONE:
            return DeviceGone(str(self._name), DeviceReason.ABSENT, f"went while it was being opened ({words})")
        if error.errno == errno.EBUSY:
            return DeviceBusy(
                str(self._name),
                DeviceReason.IN_USE,
                f"another program already reads this scanner ({found.node}): {spoken(found.node)}",
            )
        if error.errno in _FORBIDDEN:
            return DeviceRefused(
                str(self._name),
                DeviceReason.NOT_PERMITTED,
                f"our user may not open {found.node}: install the udev rules, which give it to the group yaoma",
            )
        return DeviceRefused(str(self._name), DeviceReason.FAILED, f"{found.node} cannot be opened ({words})")
