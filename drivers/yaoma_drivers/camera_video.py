"""The camera driver's way with a live camera: each code once for each time it comes into view."""

import select
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

from yaoma_drivers.appearance import Appearances
from yaoma_drivers.capture import CaptureSettings
from yaoma_drivers.decoder import symbol_of_reading
from yaoma_drivers.decoding.picture_reader import PictureReader
from yaoma_drivers.driver import IsListed
from yaoma_drivers.errors import DeviceBusy, DeviceGone, DeviceReason
from yaoma_drivers.evidence import Evidence
from yaoma_drivers.newest_frame import NewestFrame
from yaoma_drivers.stillness import Look, StillGate
from yaoma_drivers.stop import Stop
from yaoma_drivers.symbol import Symbol
from yaoma_drivers.video_frame import VideoFrame

__all__ = ["CameraVideo"]

#: A camera that gives no whole picture for so long is taken for gone, so that it is opened anew.
_SILENT_MS = 5000
#: What opening may take on top of that: each setting starts the stream anew.
_OPENING_MS = 10_000
#: The pause after a picture in which nothing has moved: ten thumbnails a second notice a pack soon enough.
_IDLE_S = 0.1


class CameraVideo:
    """Reads one live camera; what is in view is remembered across a short loss of it.

    Args:
        scanner: The configured name of the scanner.
        settings: The camera.
        appearances: What is in view.
        second_reader: Whether zbar looks where zxing-cpp has found nothing.
        evidence: Makes what keeps cut-outs of trace codes, or None.

    Whoever sets `is_listed` is asked about each text; what is on no list needs one more picture.
    """

    def __init__(
        self,
        scanner: str,
        settings: CaptureSettings,
        appearances: Appearances,
        *,
        second_reader: bool,
        evidence: Callable[[], Evidence] | None = None,
    ) -> None:
        self._scanner = scanner
        self._settings = settings
        self._appearances = appearances
        self._second_reader = second_reader
        self._new_evidence = evidence
        self.is_listed: IsListed | None = None
        self._newest: NewestFrame | None = None
        self._decoded_count = 0
        self._damaged_count = 0

    @property
    def decoded_count(self) -> int:
        """How many pictures were searched for codes so far."""
        return self._decoded_count

    @property
    def damaged_count(self) -> int:
        """How many pictures came in damaged so far: a bad cable, or too many cameras on one hub."""
        return self._damaged_count

    def symbols(self, stop: Stop) -> Iterator[Symbol]:
        """Yield codes as they come into view until the camera goes or `stop` is set.

        Raises:
            DeviceGone: The camera is not there, or gives no pictures.
            DeviceBusy: Another program has it, or our last opening has not yet ended.
            DeviceRefused: Our user may not open it, or it is no camera.
        """
        if self._newest is not None and self._newest.is_alive():
            raise DeviceBusy(str(self._settings.device), DeviceReason.IN_USE, "does not let go after its last failure")
        if stop.is_set():
            return
        gate = StillGate()
        with ExitStack() as ends:
            newest = self._newest = ends.enter_context(NewestFrame(self._settings, self._scanner))
            reader = ends.enter_context(PictureReader(second_reader=self._second_reader, is_listed=self.is_listed))
            evidence = ends.enter_context(self._new_evidence()) if self._new_evidence is not None else None
            heard_ms = _now_ms() + _OPENING_MS
            while True:
                select.select([newest.fileno(), stop.fileno()], [], [], 1.0)
                if stop.is_set():
                    return
                frame = newest.take()
                thumbnail = frame.thumbnail() if frame is not None else None
                self._damaged_count += frame is not None and thumbnail is None
                if thumbnail is not None:
                    heard_ms = _now_ms()
                elif _now_ms() - heard_ms >= _SILENT_MS:
                    device = str(self._settings.device)
                    raise DeviceGone(device, DeviceReason.UNPLUGGED, "gives no whole pictures")
                if frame is None or thumbnail is None:
                    continue
                look = gate.judge(thumbnail, frame.mono_ms)
                if look is Look.SKIP:
                    self._appearances.still(frame.mono_ms)
                    stop.wait(_IDLE_S)
                else:
                    yield from self._read(frame, reader, evidence, moved=look is Look.MOVED)
                    # Reading takes its time, and so does whoever takes the symbols: that is no silence of the camera.
                    heard_ms = _now_ms()

    def _read(
        self, frame: VideoFrame, reader: PictureReader, evidence: Evidence | None, *, moved: bool
    ) -> Iterator[Symbol]:
        grey = frame.grey()
        if grey is None:
            self._damaged_count += 1
            return
        self._decoded_count += 1
        # What moves is looked at quickly, since the next picture shows it better; what lies still gets all stages.
        found = reader.read(grey, is_thorough=not moved)
        for reading in self._appearances.look(found, frame.mono_ms, moved=moved):
            if evidence is not None:
                evidence.keep(grey, reading, time.time_ns() // 1_000_000)
            yield symbol_of_reading(reading, self._scanner, frame.mono_ms)


def _now_ms() -> int:
    return time.monotonic_ns() // 1_000_000
