"""Pictures as cameras send them, and which of them are worth decoding."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from fakes.drawn_camera import Picture, as_bgr, as_jpeg, as_yuyv
from fakes.drawn_codes import blank, code128, on_paper
from yaoma_drivers import decode
from yaoma_drivers.stillness import Look, StillGate
from yaoma_drivers.video_frame import THUMBNAIL_SIZE, VideoFrame

CODE = "81234567890123456789"
SCENE = on_paper((code128(CODE), 200, 200), width=1280, height=720)
EMPTY = blank(1280, 720)


@pytest.mark.parametrize("form", [as_jpeg, as_yuyv, as_bgr, lambda grey: grey, lambda grey: grey[:, :, None]])
def test_grey_when_a_camera_sends_its_form_then_the_code_is_read(form: Callable[[Picture], Picture]) -> None:
    """JPEG, YUYV, colours and grey all give the same picture, whole and small."""
    frame = VideoFrame(form(SCENE), 0)
    grey, thumbnail = frame.grey(), frame.thumbnail()
    assert grey is not None
    assert thumbnail is not None
    assert [reading.data for reading in decode(grey)] == [CODE.encode()]
    assert (grey.shape, thumbnail.shape) == ((720, 1280), THUMBNAIL_SIZE[::-1])
    expected = cv2.resize(SCENE, THUMBNAIL_SIZE, interpolation=cv2.INTER_AREA)
    assert int(cv2.absdiff(thumbnail, np.asarray(expected)).max()) < 12


@pytest.mark.parametrize(
    "octets",
    [as_jpeg(SCENE)[:, :-2], as_jpeg(SCENE)[:, :2000], np.zeros((1, 0), np.uint8), np.full((1, 500), 7, np.uint8)],
    ids=["no end", "cut", "empty", "noise"],
)
def test_thumbnail_when_a_jpeg_is_damaged_then_there_is_none(octets: Picture) -> None:
    """A picture from a bad cable is told, not decoded by half."""
    assert VideoFrame(octets, 0).thumbnail() is None


def test_thumbnail_when_a_jpeg_is_padded_then_it_is_whole() -> None:
    """Some cameras hand out their whole buffer, with zeros behind the picture."""
    padded = np.hstack([as_jpeg(SCENE), np.zeros((1, 5000), np.uint8)])
    assert VideoFrame(padded, 0).thumbnail() is not None


def test_repr_when_a_frame_is_shown_then_no_picture_is_in_it() -> None:
    """An identity card may lie before the camera."""
    assert repr(VideoFrame(SCENE, 5)) == "VideoFrame(mono_ms=5)"


def thumbnail(grey: Picture) -> Picture:
    """Make a thumbnail of a drawn scene."""
    small = VideoFrame(grey, 0).thumbnail()
    assert small is not None
    return small


def test_judge_when_nothing_moves_then_three_tries_and_one_each_second() -> None:
    """An idle camera at 30 pictures a second is decoded about once a second."""
    gate, small = StillGate(), thumbnail(EMPTY)
    looks = [gate.judge(small, index * 33) for index in range(300)]
    assert looks[:4] == [Look.MOVED, Look.AGAIN, Look.AGAIN, Look.SKIP]
    assert looks.count(Look.MOVED) == 1
    assert 8 <= looks.count(Look.AGAIN) - 2 <= 10


def test_judge_when_noise_flicker_or_daylight_change_then_nothing_has_moved() -> None:
    """Noise of the sensor and ten grey levels of flicker are no motion."""
    random = np.random.default_rng(1)
    gate = StillGate()
    gate.judge(thumbnail(SCENE), 0)
    for index in range(1, 30):
        noise = random.normal((index % 2) * -10, 12, SCENE.shape)
        noisy = np.clip(SCENE + noise, 0, 255).astype(np.uint8)
        assert gate.judge(thumbnail(noisy), index * 33) is not Look.MOVED


def test_judge_when_a_small_label_comes_goes_or_is_shifted_then_it_has_moved() -> None:
    """A label a tenth of the picture wide, and its move by its own height, are seen; a slow one adds up."""
    label = cv2.resize(code128(CODE), (128, 64), interpolation=cv2.INTER_AREA)
    here, there = (on_paper((np.asarray(label, np.uint8), 600, top), width=1280, height=720) for top in (300, 364))
    gate = StillGate()
    scenes = [EMPTY, here, there, EMPTY, here]
    assert [gate.judge(thumbnail(scene), index) for index, scene in enumerate(scenes)] == [Look.MOVED] * 5
    slowly = [gate.judge(thumbnail(np.roll(here, step, axis=0)), 10 + step) for step in range(1, 65)]
    assert Look.MOVED in slowly
