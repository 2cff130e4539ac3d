"""The camera driver's way with a folder: codes from the pictures that appear in it."""

import errno
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from yaoma_drivers.decoder import symbol_of_reading
from yaoma_drivers.decoding.picture_reader import PictureReader
from yaoma_drivers.driver import IsListed
from yaoma_drivers.errors import DeviceError, DeviceGone, DeviceReason, DeviceRefused
from yaoma_drivers.evidence import Evidence
from yaoma_drivers.picture import to_grey
from yaoma_drivers.picture_folder import PictureFile, PictureFolder
from yaoma_drivers.stop import Stop
from yaoma_drivers.symbol import ReadFault, Source, Symbol

__all__ = ["CameraFolder"]

_GONE = {errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.EIO, errno.ESTALE, errno.ENOTCONN, errno.EHOSTDOWN}
_FORBIDDEN = {errno.EACCES, errno.EPERM}


class CameraFolder:
    """Reads each picture of a folder once, in the order of names.

    Args:
        scanner: The configured name of the scanner.
        folder: Where pictures appear.
        existing: Whether pictures are read that are there when the driver starts.
        poll_ms: How often the folder is looked at, in milliseconds.
        settle_ms: After how long without change a half-written picture is given up, in milliseconds.
        second_reader: Whether zbar looks where zxing-cpp has found nothing.
        evidence: Makes what keeps cut-outs of trace codes, or None.

    Whoever sets `is_listed` is asked about each text; of two at one place the one that is on a list counts.
    """

    def __init__(
        self,
        scanner: str,
        folder: Path,
        *,
        existing: bool,
        poll_ms: int,
        settle_ms: int,
        second_reader: bool,
        evidence: Callable[[], Evidence] | None = None,
    ) -> None:
        self._scanner = scanner
        self._path = folder
        self._existing = existing
        self._poll_ms = poll_ms
        self._second_reader = second_reader
        self._new_evidence = evidence
        self.is_listed: IsListed | None = None
        self._folder = PictureFolder(folder, settle_ms)
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
        with ExitStack() as ends:
            reader = ends.enter_context(PictureReader(second_reader=self._second_reader, is_listed=self.is_listed))
            evidence = ends.enter_context(self._new_evidence()) if self._new_evidence is not None else None
            yield from self._pictures(stop, reader, evidence)

    def _pictures(self, stop: Stop, reader: PictureReader, evidence: Evidence | None) -> Iterator[Symbol]:
        try:
            # At the first opening only: what appeared while the folder was away is new.
            if not self._was_listed and not self._existing:
                self._folder.skip_existing()
                self._was_listed = True
            while not stop.is_set():
                for picture in self._folder.look(_now_ms()):
                    yield from self._read(picture, reader, evidence)
                    if stop.is_set():
                        return
                self._was_listed = True
                stop.wait(self._poll_ms / 1000)
        except OSError as error:
            raise self._refusal(error) from error

    def _read(self, picture: PictureFile, reader: PictureReader, evidence: Evidence | None) -> Iterator[Symbol]:
        image = to_grey(picture.octets) if picture.fault is None else None
        if image is None:
            yield self._fault(picture.fault or ReadFault.DROPPED, picture.length)
            return
        readings = reader.read(image)
        self._blank_count += not readings
        for reading in readings:
            if evidence is not None:
                evidence.keep(image, reading, time.time_ns() // 1_000_000)
            yield symbol_of_reading(reading, self._scanner, _now_ms())

    def _fault(self, fault: ReadFault, length: int) -> Symbol:
        return Symbol(b"", self._scanner, _now_ms(), "", Source.CAMERA, fault, length)

    def _refusal(self, error: OSError) -> DeviceError:
        folder = str(self._path)
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
