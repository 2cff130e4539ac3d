"""The camera driver: codes from the pictures that appear in a folder."""

import errno
import time
from collections.abc import Iterator
from typing import ClassVar

from pydantic import BaseModel, Field

from yaoma_drivers.decode import decode
from yaoma_drivers.driver import AbsolutePath, DriverOptions
from yaoma_drivers.errors import DeviceError, DeviceGone, DeviceReason, DeviceRefused
from yaoma_drivers.picture import to_grey
from yaoma_drivers.picture_folder import PictureFile, PictureFolder
from yaoma_drivers.stop import Stop
from yaoma_drivers.symbol import MAX_SYMBOL_BYTES, ReadFault, Source, Symbol

__all__ = ["CameraDriver", "CameraOptions"]

_GONE = {errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.EIO, errno.ESTALE, errno.ENOTCONN, errno.EHOSTDOWN}
_FORBIDDEN = {errno.EACCES, errno.EPERM}


class CameraOptions(DriverOptions):
    """Options of the camera driver.

    Args:
        folder: Where pictures (.png, .jpg, .jpeg) appear, an absolute path.
        existing: Whether pictures are read that are there when the driver starts.
        poll_ms: How often the folder is looked at, in milliseconds.
        settle_ms: After how long without change a half-written picture is given up, in milliseconds.
        second_reader: Whether zbar looks where zxing-cpp has found nothing.
    """

    folder: AbsolutePath
    existing: bool = False
    poll_ms: int = Field(default=200, ge=10, le=800)
    settle_ms: int = Field(default=2000, ge=0, le=60_000)
    second_reader: bool = True


class CameraDriver:
    """Reads each picture of a folder once, in the order of names.

    Args:
        scanner: The configured name of the scanner.
        options: The folder and how to look at it.
    """

    Options: ClassVar[type[BaseModel]] = CameraOptions

    def __init__(self, scanner: str, options: CameraOptions) -> None:
        self._scanner = scanner
        self._options = options
        self._folder = PictureFolder(options.folder, options.settle_ms)
        self._was_listed = False
        self._blank_count = 0

    @property
    def blank_count(self) -> int:
        """How many whole pictures held no code so far."""
        return self._blank_count

    def symbols(self, stop: Stop) -> Iterator[Symbol]:
        """Yield the codes of new pictures until the folder goes or `stop` is set; a picture begun is finished first.

        Raises:
            DeviceGone: The folder is not there, or not any more.
            DeviceRefused: Our user may not read it, or it is no folder.
        """
        try:
            # At the first opening only: what appeared while the folder was away is new.
            if not self._was_listed and not self._options.existing:
                self._folder.skip_existing()
                self._was_listed = True
            while not stop.is_set():
                for picture in self._folder.look(_now_ms()):
                    yield from self._read(picture)
                    if stop.is_set():
                        return
                self._was_listed = True
                stop.wait(self._options.poll_ms / 1000)
        except OSError as error:
            raise self._refusal(error) from error

    def _read(self, picture: PictureFile) -> Iterator[Symbol]:
        image = to_grey(picture.octets) if picture.fault is None else None
        if image is None:
            yield self._fault(picture.fault or ReadFault.DROPPED, picture.length)
            return
        readings = decode(image, second_stage=self._options.second_reader)
        self._blank_count += not readings
        for reading in readings:
            if len(reading.data) > MAX_SYMBOL_BYTES:
                yield self._fault(ReadFault.OVERLONG, len(reading.data), reading.aim)
            else:
                yield Symbol(reading.data, self._scanner, _now_ms(), reading.aim, Source.CAMERA)

    def _fault(self, fault: ReadFault, length: int, aim: str = "") -> Symbol:
        return Symbol(b"", self._scanner, _now_ms(), aim, Source.CAMERA, fault, length)

    def _refusal(self, error: OSError) -> DeviceError:
        folder = str(self._options.folder)
        if error.errno in _GONE:
            reason = DeviceReason.UNPLUGGED if self._was_listed else DeviceReason.ABSENT
            return DeviceGone(folder, reason, f"the folder is not there ({error.strerror})")
        if error.errno in _FORBIDDEN:
            return DeviceRefused(folder, DeviceReason.NOT_PERMITTED, "our user may not read this folder")
        if error.errno == errno.ENOTDIR:
            return DeviceRefused(folder, DeviceReason.WRONG_KIND, "is no folder")
        return DeviceRefused(folder, DeviceReason.FAILED, f"cannot be listed ({error.strerror})")


def _now_ms() -> int:
    return time.monotonic_ns() // 1_000_000
