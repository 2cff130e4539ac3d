"""The camera driver: codes from a live camera, or from the pictures that appear in a folder."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal, Self

from pydantic import BaseModel, Field, model_validator

from yaoma_drivers.appearance import Appearances
from yaoma_drivers.camera_folder import CameraFolder
from yaoma_drivers.camera_video import CameraVideo
from yaoma_drivers.capture import CaptureSettings
from yaoma_drivers.driver import AbsolutePath, DriverOptions, IsListed
from yaoma_drivers.evidence import Evidence
from yaoma_drivers.stop import Stop
from yaoma_drivers.symbol import Symbol

__all__ = ["CameraDriver", "CameraOptions"]

_FOR_FOLDER = {"existing", "poll_ms", "settle_ms"}
_FOR_LIVE = {"width", "height", "fps", "gone_ms", "confirm_frames", "exposure_us", "gain", "focus"}
_FOR_DEVICE = {"pixel_format"}
_MIB = 1024 * 1024


class CameraOptions(DriverOptions):
    """Options of the camera driver: exactly one of folder, device and csi, and the options that go with it.

    Args:
        folder: Where pictures (.png, .jpg, .jpeg) appear, an absolute path.
        existing: Whether pictures are read that are there when the driver starts.
        poll_ms: How often the folder is looked at, in milliseconds.
        settle_ms: After how long without change a half-written picture is given up, in milliseconds.
        device: A live camera (V4L2), an absolute path; prefer /dev/v4l/by-id/..., or by-path for one socket.
        csi: The number of a camera on the ribbon cable, which Picamera2 opens.
        pixel_format: What is asked of a V4L2 camera: MJPG, YUYV or GREY.
        exposure_us: Fixed exposure in microseconds; the camera's own choice if left out.
        gain: Fixed gain, as the camera's driver counts it; likewise.
        focus: Fixed focus, as the camera's driver counts it, of a CSI camera in thousandths of a dioptre; likewise.
        width: What is asked of it, in pixels.
        height: What is asked of it, in pixels.
        fps: What is asked of it, in pictures per second.
        gone_ms: After how long out of view a code that comes back is a new scan, in milliseconds.
        confirm_frames: In how many of five pictures a code must be read before it counts.
        second_reader: Whether zbar looks where zxing-cpp has found nothing.
        evidence_folder: Where cut-outs of the trace codes that were read are kept; nowhere if left out.
        evidence_days: After how many days each is deleted.
        evidence_mib: When they are larger all together, the oldest are deleted, in MiB.
    """

    folder: AbsolutePath | None = None
    existing: bool = False
    poll_ms: int = Field(default=200, ge=10, le=800)
    settle_ms: int = Field(default=2000, ge=0, le=60_000)
    device: AbsolutePath | None = None
    csi: int | None = Field(default=None, ge=0, le=7)
    pixel_format: Literal["MJPG", "YUYV", "GREY"] = "MJPG"
    exposure_us: int | None = Field(default=None, ge=100, le=1_000_000)
    gain: int | None = Field(default=None, ge=0, le=100_000)
    focus: int | None = Field(default=None, ge=0, le=100_000)
    width: int = Field(default=1280, ge=160, le=4096)
    height: int = Field(default=720, ge=120, le=4096)
    fps: int = Field(default=30, ge=1, le=120)
    gone_ms: int = Field(default=1500, ge=500, le=60_000)
    confirm_frames: int = Field(default=2, ge=1, le=5)
    second_reader: bool = True
    evidence_folder: AbsolutePath | None = None
    evidence_days: int = Field(default=30, ge=1, le=3650)
    evidence_mib: int = Field(default=200, ge=1, le=100_000)

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        given = self.model_fields_set
        sources = [name for name in ("folder", "device", "csi") if getattr(self, name) is not None]
        if len(sources) != 1:
            raise ValueError("name exactly one of folder, device and csi")
        for names, allowed in ((_FOR_FOLDER, {"folder"}), (_FOR_LIVE, {"device", "csi"}), (_FOR_DEVICE, {"device"})):
            if (ignored := given & names) and sources[0] not in allowed:
                raise ValueError(f"{', '.join(sorted(ignored))}: only with {' or '.join(sorted(allowed))}")
        if self.evidence_folder is None and (ignored := given & {"evidence_days", "evidence_mib"}):
            raise ValueError(f"{', '.join(sorted(ignored))}: only with evidence_folder")
        if self.evidence_folder is not None and self.evidence_folder == self.folder:
            raise ValueError("evidence_folder: not the folder whose pictures are read")
        return self

    def source(self, scanner: str) -> CameraFolder | CameraVideo:
        """Return the reader of what is named.

        Args:
            scanner: The configured name of the scanner.
        """
        evidence = self._new_evidence if self.evidence_folder is not None else None
        if self.folder is None:
            settings = CaptureSettings(
                self.device if self.device is not None else Path(f"csi:{self.csi}"),
                self.width,
                self.height,
                self.fps,
                self.pixel_format,
                self.exposure_us,
                self.gain,
                self.focus,
                self.csi,
            )
            appearances = Appearances(self.gone_ms, self.confirm_frames)
            return CameraVideo(scanner, settings, appearances, second_reader=self.second_reader, evidence=evidence)
        return CameraFolder(
            scanner,
            self.folder,
            existing=self.existing,
            poll_ms=self.poll_ms,
            settle_ms=self.settle_ms,
            second_reader=self.second_reader,
            evidence=evidence,
        )

    def _new_evidence(self) -> Evidence:
        assert self.evidence_folder is not None
        return Evidence(self.evidence_folder, self.evidence_days, self.evidence_mib * _MIB)


class CameraDriver:
    """Reads a live camera, or each picture of a folder once in the order of names.

    Args:
        scanner: The configured name of the scanner.
        options: The camera or folder and how to look at it.
    """

    Options: ClassVar[type[BaseModel]] = CameraOptions

    def __init__(self, scanner: str, options: CameraOptions) -> None:
        self._source = options.source(scanner)

    def consult(self, is_listed: IsListed) -> None:
        """Take whom to ask about products: a code whose product no list knows must be read in one more picture."""
        self._source.is_listed = is_listed

    def symbols(self, stop: Stop) -> Iterator[Symbol]:
        """Yield codes until the camera or folder goes or `stop` is set; a picture begun is finished first.

        Raises:
            DeviceGone: The camera or folder is not there, or not any more.
            DeviceBusy: Another program has the camera.
            DeviceRefused: Our user may not read it, or it is none.
        """
        return self._source.symbols(stop)
