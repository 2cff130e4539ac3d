"""The camera driver on a live camera, which shows drawn pictures in place of OpenCV's capture."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from fakes.drawn_camera import DrawnCamera, Picture, as_bgr, as_jpeg, as_yuyv
from fakes.drawn_codes import blank, code128, gs1_matrix, on_paper, qr
from fakes.listener import Listener
from yaoma_drivers import camera_video, capture
from yaoma_drivers.camera import CameraDriver, CameraOptions
from yaoma_drivers.camera_video import CameraVideo
from yaoma_drivers.capture import CaptureSettings
from yaoma_drivers.decoding.picture_reader import PictureReader
from yaoma_drivers.decoding.reading import Reading
from yaoma_drivers.driver import Driver
from yaoma_drivers.errors import DeviceBusy, DeviceError, DeviceGone, DeviceReason
from yaoma_drivers.stop import Stop
from yaoma_drivers.symbol import ReadFault, Source

DEVICE = Path("/dev/v4l/by-id/usb-Camera-video-index0")
CODES = [f"8123456789012345678{digit}" for digit in range(10)]
EMPTY = as_jpeg(blank(1280, 720))
Listen = Callable[[Driver], Listener]


def scene(*texts: str, left: int = 60) -> Picture:
    """Draw codes below each other as a camera sees them."""
    codes = [(code128(text), left, 40 + 300 * row) for row, text in enumerate(texts)]
    return on_paper(*codes, width=1280, height=720)


class Bench:
    """What is found where the camera should be: cameras and errors in their order, the last again and again."""

    def __init__(self) -> None:
        self.answers: list[DrawnCamera | DeviceError] = []
        self.openings: list[CaptureSettings] = []

    def open(self, settings: CaptureSettings) -> DrawnCamera:
        """Stand in for `open_capture`."""
        self.openings.append(settings)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, DeviceError):
            raise answer
        return answer


@pytest.fixture(autouse=True)
def no_thread_stays() -> Iterator[None]:
    """Wait after the test, when all listeners have ended, until the drivers' threads have ended too."""
    yield
    until_s = time.monotonic() + 20
    while any(thread.name == "camera-cam-1" for thread in threading.enumerate()):
        assert time.monotonic() < until_s
        time.sleep(0.01)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Replace what opens a camera."""
    made = Bench()
    monkeypatch.setattr(capture, "open_capture", made.open)
    return made


def driver(**options: object) -> CameraDriver:
    """Make a driver as the daemon does."""
    return CameraDriver("cam-1", CameraOptions.model_validate({"device": DEVICE, "gone_ms": 500, **options}))


def video_of(reader: CameraDriver) -> CameraVideo:
    """Return the part of the driver that reads a live camera."""
    assert isinstance(reader._source, CameraVideo)
    return reader._source


@pytest.mark.parametrize("form", [as_jpeg, as_yuyv, as_bgr])
def test_symbols_when_a_code_stays_in_view_then_it_is_one_symbol(
    listen: Listen, bench: Bench, form: Callable[[Picture], Picture]
) -> None:
    """Whatever form the camera sends, a pack that lies there is one scan with identifier, source and its time."""
    camera = DrawnCamera(form(scene(CODES[0])))
    bench.answers = [camera]
    before_ms = time.monotonic_ns() // 1_000_000
    listener = listen(driver(gone_ms=60_000, width=1280, height=720, fps=15))
    symbol = listener.next()
    assert (symbol.data, symbol.aim, symbol.source, symbol.scanner) == (
        CODES[0].encode(),
        "]C0",
        Source.CAMERA,
        "cam-1",
    )
    assert before_ms <= symbol.read_mono_ms <= time.monotonic_ns() // 1_000_000
    camera.wait(60)
    assert listener.rest() == []
    assert bench.openings == [CaptureSettings(DEVICE, 1280, 720, 15)]


def test_symbols_when_a_code_goes_and_comes_back_then_it_counts_again(listen: Listen, bench: Bench) -> None:
    """Out of view for longer than gone_ms it is a new scan; moved about in view, or covered for a moment, it is not."""
    camera = DrawnCamera(as_jpeg(scene(CODES[0])))
    bench.answers = [camera]
    listener = listen(driver(gone_ms=2000))
    assert listener.next().data == CODES[0].encode()
    for left in (100, 300, 500):
        camera.show(as_jpeg(scene(CODES[0], left=left)))
    camera.show(EMPTY)
    camera.show(as_jpeg(scene(CODES[0])))
    camera.wait(20)
    assert listener.rest() == []
    camera.show(EMPTY)
    time.sleep(2.3)
    camera.show(as_jpeg(scene(CODES[0])))
    assert listener.next().data == CODES[0].encode()


@pytest.mark.row("S4-15")
def test_symbols_when_another_code_joins_then_it_alone_counts(listen: Listen, bench: Bench) -> None:
    """A second pack beside the first, and a Data Matrix that takes their place."""
    camera = DrawnCamera(as_jpeg(scene(CODES[0])))
    bench.answers = [camera]
    listener = listen(driver(gone_ms=60_000))
    assert listener.next().data == CODES[0].encode()
    camera.show(as_jpeg(scene(CODES[0], CODES[1])))
    assert listener.next().data == CODES[1].encode()
    matrix = gs1_matrix("(01)06901234567892(10)ABC123(21)12345678")
    camera.show(as_jpeg(on_paper((matrix, 100, 100), width=1280, height=720)))
    symbol = listener.next()
    assert (symbol.aim, symbol.data) == ("]d2", b"010690123456789210ABC123\x1d2112345678")
    assert listener.rest() == []


def test_symbols_when_a_code_flashes_by_in_one_picture_then_it_does_not_count(listen: Listen, bench: Bench) -> None:
    """One read is not believed, two are; with confirm_frames = 1 the first one counts."""

    class Flash(DrawnCamera):
        def read(self) -> tuple[bool, Picture | None]:
            is_read, image = super().read()
            time.sleep(0.2)  # so slow that the driver sees each picture
            return is_read, as_jpeg(scene(CODES[0])) if self.reads == 3 else image

    for confirm_frames, expected in ((2, []), (1, [CODES[0].encode()])):
        camera = Flash(EMPTY)
        bench.answers = [camera]
        listener = listen(driver(confirm_frames=confirm_frames))
        camera.wait(6)
        listener.end()
        assert [symbol.data for symbol in listener.rest()] == expected


@pytest.mark.parametrize(("is_listed", "shown", "count"), [(True, 2, 1), (None, 2, 1), (False, 2, 0), (False, 3, 1)])
def test_symbols_when_no_list_knows_the_product_then_one_more_picture_must_agree(
    listen: Listen,
    bench: Bench,
    is_listed: bool | None,  # noqa: FBT001 - parameter
    shown: int,
    count: int,
) -> None:
    """A misread seldom names a product that there is; a pack that the list does not know is seen all the same."""

    class Shown(DrawnCamera):
        def read(self) -> tuple[bool, Picture | None]:
            is_read, image = super().read()
            time.sleep(0.15)  # so slow that the driver sees each picture
            return is_read, as_jpeg(scene(CODES[0])) if 3 <= self.reads < 3 + shown else image

    camera = Shown(EMPTY)
    bench.answers = [camera]
    reader = driver(confirm_frames=2)
    reader.consult(lambda data, aim: is_listed if (data, aim) == (CODES[0].encode(), "]C0") else None)
    listener = listen(reader)
    camera.wait(8)
    listener.end()
    assert [symbol.data for symbol in listener.rest()] == [CODES[0].encode()] * count


def test_symbols_when_nothing_moves_then_pictures_are_not_decoded(listen: Listen, bench: Bench) -> None:
    """An empty counter, and a pack that lies there as one scan, cost three looks and then one a second."""
    for image, expected in ((EMPTY, 0), (as_jpeg(scene(CODES[0])), 1)):
        camera = DrawnCamera(image)
        bench.answers = [camera]
        reader = driver(gone_ms=500)
        listener = listen(reader)
        begun_s = time.monotonic()
        camera.wait(200)
        listener.end()
        assert 1 <= video_of(reader).decoded_count <= 4 + (time.monotonic() - begun_s)
        assert len(listener.rest()) == expected


def test_symbols_when_decoding_is_slow_then_only_the_newest_picture_is_decoded(
    listen: Listen, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pictures that came meanwhile are dropped: what is decoded next is what the camera has just shown."""
    behind = []

    class Numbered(DrawnCamera):
        def read(self) -> tuple[bool, Picture | None]:
            is_read, _ = super().read()
            image = np.full((90, 160), 255 * (self.reads % 2), np.uint8)
            image[0, 0] = self.reads
            return is_read, image

    class Slow(PictureReader):
        def read(self, grey: Picture, *, is_thorough: bool = True) -> list[Reading]:
            behind.append(camera.reads - int(grey[0, 0]))
            time.sleep(0.2)
            return super().read(grey, is_thorough=is_thorough)

    monkeypatch.setattr(camera_video, "PictureReader", Slow)
    camera = Numbered(EMPTY)
    bench.answers = [camera]
    listener = listen(driver())
    camera.wait(100)
    listener.end()
    assert 2 <= len(behind) <= camera.reads // 5
    assert sorted(behind)[len(behind) // 2] <= 2


def test_symbols_when_the_camera_is_pulled_then_device_gone_and_it_comes_back(listen: Listen, bench: Bench) -> None:
    """A failed read is the end; absent it stays gone; plugged in again a code that never left is no new scan."""
    camera = DrawnCamera(as_jpeg(scene(CODES[0])))
    again = DrawnCamera(as_jpeg(scene(CODES[0])))
    absent = DeviceGone(str(DEVICE), DeviceReason.ABSENT, "is not plugged in")
    bench.answers = [camera, absent, again]
    reader = driver(gone_ms=30_000)
    listener = listen(reader)
    assert listener.next().data == CODES[0].encode()
    camera.is_plugged = False
    error = listener.error()
    assert isinstance(error, DeviceGone)
    assert (error.device, error.reason) == (str(DEVICE), DeviceReason.UNPLUGGED)
    assert listen(reader).error() is absent
    listener = listen(reader)
    again.wait(20)
    assert listener.rest() == []
    again.show(as_jpeg(scene(CODES[1])))
    assert listener.next().data == CODES[1].encode()
    listener.end()
    assert (camera.releases, again.releases) == (1, 1)


def test_symbols_when_opencv_raises_then_device_gone(listen: Listen, bench: Bench) -> None:
    """An error of the library is the end of this opening, and the camera is closed."""

    class Failing(DrawnCamera):
        def read(self) -> tuple[bool, Picture | None]:
            if self.reads > 3:
                cv2.imdecode(np.zeros(0, np.uint8), cv2.IMREAD_GRAYSCALE)
            return super().read()

    camera = Failing(EMPTY)
    bench.answers = [camera]
    error = listen(driver()).error()
    assert isinstance(error, DeviceGone)
    assert camera.releases == 1


def test_symbols_when_only_damaged_pictures_come_then_device_gone(
    listen: Listen, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bad cable is counted picture by picture; when nothing whole comes for long the camera is opened anew."""
    monkeypatch.setattr(camera_video, "_SILENT_MS", 300)
    camera = DrawnCamera(as_jpeg(scene(CODES[0])))
    bench.answers = [camera]
    reader = driver()
    listener = listen(reader)
    assert listener.next().data == CODES[0].encode()
    camera.show(as_jpeg(scene(CODES[1]))[:, :-50])
    error = listener.error()
    assert isinstance(error, DeviceGone)
    assert error.reason is DeviceReason.UNPLUGGED
    assert video_of(reader).damaged_count >= 5
    assert listener.rest() == []


def test_symbols_when_the_camera_hangs_then_stop_is_heard_and_it_is_not_opened_twice(
    listen: Listen, bench: Bench
) -> None:
    """OpenCV may wait ten seconds for a dead camera: stop is not held up, and until it lets go the camera is busy."""
    camera = DrawnCamera(EMPTY)
    bench.answers = [camera]
    reader = driver()
    listener = listen(reader)
    camera.wait(3)
    camera.can_read.clear()
    time.sleep(0.05)
    assert listener.end() < 1.0
    error = listen(reader).error()
    assert isinstance(error, DeviceBusy)
    assert (error.reason, len(bench.openings)) == (DeviceReason.IN_USE, 1)
    camera.can_read.set()


def test_symbols_when_stop_is_set_then_they_end_within_a_second(listen: Listen, bench: Bench) -> None:
    """Stop ends a running camera and gives it back; set before, none is opened."""
    camera = DrawnCamera(as_jpeg(scene(CODES[0])))
    bench.answers = [camera]
    listener = listen(driver())
    listener.next()
    assert listener.end() < 1.0
    with Stop() as stop:
        stop.set()
        assert list(driver().symbols(stop)) == []
    assert len(bench.openings) == 1


def test_symbols_when_a_code_is_longer_than_a_symbol_then_it_is_one_fault(listen: Listen, bench: Bench) -> None:
    """A QR code of 300 characters in view is one OVERLONG with its length."""
    image = on_paper((qr("https://example.org/" + "x" * 280), 60, 60), width=1280, height=720)
    camera = DrawnCamera(as_jpeg(image))
    bench.answers = [camera]
    listener = listen(driver(gone_ms=60_000))
    symbol = listener.next()
    assert (symbol.data, symbol.fault, symbol.length) == (b"", ReadFault.OVERLONG, 300)
    camera.wait(30)
    assert listener.rest() == []
