"""The camera driver: codes from a live camera, or from the pictures that appear in a folder."""

from collections.abc import Iterator
from typing import ClassVar, Self

from pydantic import BaseModel, Field, model_validator

from yaoma_drivers.appearance import Appearances
from yaoma_drivers.camera_folder import CameraFolder
from yaoma_drivers.camera_video import CameraVideo
from yaoma_drivers.capture import CaptureSettings
from yaoma_drivers.driver import AbsolutePath, DriverOptions
from yaoma_drivers.stop import Stop
from yaoma_drivers.symbol import Symbol

__all__ = ["CameraDriver", "CameraOptions"]

_FOR_FOLDER = {"existing", "poll_ms", "settle_ms"}
_FOR_DEVICE = {"width", "height", "fps", "gone_ms", "confirm_frames"}


class CameraOptions(DriverOptions):
    """Options of the camera driver: exactly one of folder and device, and the options that go with it.

    Args:
        folder: Where pictures (.png, .jpg, .jpeg) appear, an absolute path.
        existing: Whether pictures are read that are there when the driver starts.
        poll_ms: How often the folder is looked at, in milliseconds.
        settle_ms: After how long without change a half-written picture is given up, in milliseconds.
        device: A live camera (V4L2), an absolute path; prefer /dev/v4l/by-id/..., or by-path for one socket.
        width: What is asked of it, in pixels.
        height: What is asked of it, in pixels.
        fps: What is asked of it, in pictures per second.
        gone_ms: After how long out of view a code that comes back is a new scan, in milliseconds.
        confirm_frames: In how many of five pictures a code must be read before it counts.
        second_reader: Whether zbar looks where zxing-cpp has found nothing.
    """

    folder: AbsolutePath | None = None
    existing: bool = False
    poll_ms: int = Field(default=200, ge=10, le=800)
    settle_ms: int = Field(default=2000, ge=0, le=60_000)
    device: AbsolutePath | None = None
    width: int = Field(default=1280, ge=160, le=4096)
    height: int = Field(default=720, ge=120, le=4096)
    fps: int = Field(default=30, ge=1, le=120)
    gone_ms: int = Field(default=1500, ge=500, le=60_000)
    confirm_frames: int = Field(default=2, ge=1, le=5)
    second_reader: bool = True

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.folder is None) == (self.device is None):
            raise ValueError("name exactly one of folder and device")
        if ignored := self.model_fields_set & (_FOR_FOLDER if self.folder is None else _FOR_DEVICE):
            raise ValueError(f"{', '.join(sorted(ignored))}: only with {'folder' if self.folder is None else 'device'}")
        return self

    def source(self, scanner: str) -> CameraFolder | CameraVideo:
        """Return the reader of what is named.

        Args:
            scanner: The configured name of the scanner.
        """
        if self.device is not None:
            settings = CaptureSettings(self.device, self.width, self.height, self.fps)
            appearances = Appearances(self.gone_ms, self.confirm_frames)
            return CameraVideo(scanner, settings, appearances, second_reader=self.second_reader)
        assert self.folder is not None
        return CameraFolder(
            scanner,
            self.folder,
            existing=self.existing,
            poll_ms=self.poll_ms,
            settle_ms=self.settle_ms,
            second_reader=self.second_reader,
        )


class CameraDriver:
    """Reads a live camera, or each picture of a folder once in the order of names.

    Args:
        scanner: The configured name of the scanner.
        options: The camera or folder and how to look at it.
    """

    Options: ClassVar[type[BaseModel]] = CameraOptions

    def __init__(self, scanner: str, options: CameraOptions) -> None:
        self._source = options.source(scanner)

    def symbols(self, stop: Stop) -> Iterator[Symbol]:
        """Yield codes until the camera or folder goes or `stop` is set; a picture begun is finished first.

        Raises:
            DeviceGone: The camera or folder is not there, or not any more.
            DeviceBusy: Another program has the camera.
            DeviceRefused: Our user may not read it, or it is none.
        """
        return self._source.symbols(stop)
