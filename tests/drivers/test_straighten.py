"""The straighten stage and the guards, on labels drawn as a camera sees them."""

import math
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.drawn_labels import LIMITS, Shot, View, clutter, photographed, trace_code
from fakes.drawn_codes import blank, code128, gs1_matrix, on_paper, qr
from yaoma_drivers.decoding import picture_reader
from yaoma_drivers.decoding.arrays import Grey
from yaoma_drivers.decoding.bars import find_bars
from yaoma_drivers.decoding.edges import edges_of
from yaoma_drivers.decoding.guard import guarded
from yaoma_drivers.decoding.picture_reader import PictureReader
from yaoma_drivers.decoding.reading import Reading, separate
from yaoma_drivers.decoding.zxing_reader import read_picture

SIZE = (720, 480)
GOOD = View(module_px=2.2)


def shot(seed: int, view: View) -> Shot:
    """Photograph one label."""
    dice = np.random.default_rng(seed)
    return photographed(dice, [(trace_code(dice), view)], frame=SIZE)


def read(grey: Grey) -> list[bytes]:
    """Read a picture without zbar."""
    with PictureReader(second_reader=False) as reader:
        return [reading.data for reading in reader.read(grey)]


def zxing(grey: Grey) -> list[bytes]:
    """Read a picture with zxing-cpp alone."""
    return [reading.data for reading in read_picture(grey)]


@pytest.mark.parametrize(
    "view",
    [
        replace(GOOD, turn_deg=33),
        replace(GOOD, turn_deg=-62),
        replace(GOOD, turn_deg=135, defocus_px=1.0),
        replace(GOOD, defocus_px=2.2),
        replace(GOOD, motion_px=5.0),
        replace(GOOD, white=25, noise=5),
        replace(GOOD, noise=32),
        replace(GOOD, contrast=0.12),
        replace(GOOD, tilt_deg=58),
        replace(GOOD, jpeg=4, noise=8),
    ],
    ids=["33", "-62", "135", "defocus", "motion", "dim", "noise", "veil", "tilt", "jpeg"],
)
def test_read_when_a_label_is_beyond_zxing_then_it_is_read(view: View) -> None:
    """Turned, blurred, dim, noisy, veiled, tilted: what zxing-cpp does not see is read, in its right text alone."""
    picture = shot(7, view)
    assert zxing(picture.grey) == []
    assert read(picture.grey) == list(picture.texts)


def test_read_when_a_label_is_wound_around_a_bottle_then_it_is_read() -> None:
    """Its ends are a third as wide as its middle."""
    picture = shot(3, replace(GOOD, module_px=2.5, bend_deg=66, turn_deg=25))
    assert read(picture.grey) == list(picture.texts)


def test_read_when_a_label_is_straightened_then_its_outline_is_where_it_lies() -> None:
    """The corners surround the bars, whatever the angle, so that a screen can draw them."""
    for turn in (20, 110, 200, 340):
        picture = shot(turn, replace(GOOD, turn_deg=turn))
        with PictureReader(second_reader=False) as reader:
            (reading,) = reader.read(picture.grey)
        assert (reading.data, reading.aim, reading.is_sure) == (picture.texts[0], "]C0", True)
        corners = np.array(reading.corners, float)
        length = np.linalg.norm(corners[1] - corners[0])
        assert length == pytest.approx(145 * 2.2, rel=0.08)
        along = corners[1] - corners[0]
        assert math.cos(math.atan2(along[1], along[0]) - math.radians(turn)) > 0.99


def test_bars_when_a_label_lies_in_clutter_then_its_field_is_the_strongest() -> None:
    """Words and boxes have edges, too, but not so many side by side."""
    for seed in range(4):
        picture = shot(seed, replace(GOOD, turn_deg=40 * seed))
        edges = edges_of(picture.grey)
        assert edges is not None
        field = find_bars(edges)[0]
        assert field.holds((SIZE[0] / 2, SIZE[1] / 2))
        assert abs(math.sin(field.across_rad - math.radians(40 * seed))) < 0.05


def test_guard_when_the_bars_say_another_text_then_it_is_refused() -> None:
    """A text with a right check character, claimed for the bars of another, is refused; the right one is sure."""
    dice = np.random.default_rng(5)
    for view in (replace(GOOD, defocus_px=1.3), replace(GOOD, bend_deg=40)):
        picture = photographed(dice, [(trace_code(dice), view)], frame=SIZE)
        with PictureReader(second_reader=False) as reader:
            (right,) = reader.read(picture.grey)
        assert right.data == picture.texts[0]
        text = right.data.decode()
        checked = guarded(picture.grey, replace(right, is_sure=False))
        assert checked is not None
        assert checked.is_sure
        for forged in (
            text[:-1] + str((int(text[-1]) + 1) % 10),
            text[:9] + str((int(text[9]) + 5) % 10) + text[10:],
            trace_code(dice),
        ):
            assert guarded(picture.grey, replace(right, data=forged.encode())) is None


def test_read_when_a_reader_claims_a_wrong_text_then_the_bars_are_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A misread of zxing-cpp, planted, never comes out: the place is read again from its bars."""
    picture = shot(11, GOOD)
    text = picture.texts[0].decode()
    forged = (text[:12] + str((int(text[12]) + 3) % 10) + text[13:]).encode()

    def misread(grey: Grey) -> list[Reading]:
        return [replace(reading, data=forged) for reading in read_picture(grey)]

    assert zxing(picture.grey) == list(picture.texts)
    monkeypatch.setattr(picture_reader, "read_picture", misread)
    assert read(picture.grey) == list(picture.texts)


def test_guard_when_a_text_is_no_trace_code_then_it_stays_and_is_sure_only_if_its_bars_agree() -> None:
    """Letters are drawn again in the usual spellings; a text that does not agree is kept, and needs more pictures."""
    for text in ("ABC-1234567", "1234567"):
        sheet = on_paper((code128(text), 200, 200), width=1200, height=600)
        (reading,) = read_picture(sheet)
        assert not reading.is_sure
        checked = guarded(sheet, reading)
        assert checked is not None
        assert checked.is_sure
        other = guarded(sheet, replace(reading, data=b"ZZ" + reading.data[2:]))
        assert other is not None
        assert not other.is_sure


@pytest.mark.parametrize(("answer", "is_sure"), [(True, True), (None, True), (False, False)])
def test_read_when_no_list_knows_the_product_then_it_is_read_and_not_sure(
    answer: bool | None,  # noqa: FBT001 - parameter
    is_sure: bool,  # noqa: FBT001 - parameter
) -> None:
    """Whoever knows more than the bars is asked about each text and its identifier; who can't tell changes nothing."""
    asked = []

    def is_listed(data: bytes, aim: str) -> bool | None:
        asked.append((data, aim))
        return answer

    sheet = on_paper((code128("81234567890123456789"), 100, 100))
    with PictureReader(second_reader=False, is_listed=is_listed) as reader:
        (reading,) = reader.read(sheet)
    assert (reading.data, reading.is_sure) == (b"81234567890123456789", is_sure)
    assert asked == [(b"81234567890123456789", "]C0")]


def test_read_when_gs1_in_bars_breaks_its_grammar_then_only_agreeing_bars_make_it_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A GTIN with a wrong check digit that nothing vouches for is dropped; one that is sure is what is printed."""
    place = ((0, 0), (50, 0), (50, 50), (0, 50))
    data = b"010690123456789321ABC"
    for is_sure in (False, True):
        found = [Reading(data, "]d2", place, is_sure=is_sure)]
        monkeypatch.setattr(picture_reader, "read_picture", lambda _, found=found: found)
        assert read(blank()) == [data] * is_sure


def test_separate_when_a_large_outline_covers_two_then_it_counts_once_and_only_undisputed() -> None:
    """However many weak readings it replaces it stays one; against a sure one of another text nobody is believed."""

    def read(data: bytes, begin: int, end: int, *, is_sure: bool) -> Reading:
        return Reading(data, "]C0", ((begin, 0), (end, 0), (end, 10), (begin, 10)), is_sure=is_sure)

    weak, weaker = read(b"a", 0, 40, is_sure=False), read(b"b", 60, 100, is_sure=False)
    whole = read(b"c", 0, 100, is_sure=True)
    assert separate([weak, weaker, whole]) == [whole]
    assert separate([weak, read(b"c", 60, 100, is_sure=True), whole]) == [read(b"c", 60, 100, is_sure=True)]
    assert separate([weak, read(b"b", 60, 100, is_sure=True), whole]) == []


def test_separate_when_two_texts_claim_one_place_then_the_sure_one_stays_or_none() -> None:
    """Equal texts at one place are one, elsewhere two; of two that differ nobody guesses."""
    here = ((0, 0), (100, 0), (100, 50), (0, 50))
    nearly = ((2, 1), (101, 0), (99, 52), (0, 49))
    elsewhere = ((200, 0), (300, 0), (300, 50), (200, 50))
    one, again, other = Reading(b"8", "]C0", here), Reading(b"8", "", nearly), Reading(b"8", "]C0", elsewhere)
    rival, weak = Reading(b"9", "]C0", nearly), Reading(b"9", "]C0", nearly, is_sure=False)
    assert separate([one, again, other]) == [one, other]
    assert separate([one, rival, other]) == [other]
    assert separate([one, rival, one]) == []
    assert separate([one, weak]) == separate([weak, one]) == [one]


def test_read_when_matrix_codes_are_small_then_the_enlarged_look_reads_them() -> None:
    """A Data Matrix of less than two pixels a module, which zxing-cpp does not see at once."""
    drawn = gs1_matrix("(01)06901234567892(17)271231(10)ABC123(21)12345678")
    small = cv2.resize(drawn, None, fx=1.4 / 4, fy=1.4 / 4, interpolation=cv2.INTER_AREA)
    sheet = on_paper((np.asarray(small, np.uint8), 300, 200), width=900, height=600)
    seen = np.asarray(cv2.GaussianBlur(sheet, (0, 0), 0.5), np.uint8)
    assert zxing(seen) == []
    with PictureReader(second_reader=False) as reader:
        assert reader.read(seen, is_thorough=False) == []
        (reading,) = reader.read(seen)
    assert reading.data.startswith(b"010690123456789217271231")
    assert reading.surrounds((300 + small.shape[1] / 2, 200 + small.shape[0] / 2))


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.tuples(st.integers(1, 200), st.integers(1, 300)),
    kind=st.sampled_from(["noise", "stripes", "blocks", "flat"]),
)
def test_read_when_a_picture_is_random_then_nothing_is_read_and_nothing_raised(
    seed: int, size: tuple[int, int], kind: str
) -> None:
    """Noise, stripes at random widths and blocks are no codes."""
    dice = np.random.default_rng(seed)
    grey: np.ndarray[tuple[int, ...], np.dtype[Any]]
    if kind == "noise":
        grey = dice.integers(0, 256, size)
    elif kind == "stripes":
        grey = np.repeat(np.repeat(dice.integers(0, 2, (1, size[1] // 3 + 1)) * 255, 3, 1)[:, : size[1]], size[0], 0)
    elif kind == "blocks":
        grey = np.kron(dice.integers(0, 2, (size[0] // 4 + 1, size[1] // 4 + 1)) * 255, np.ones((4, 4)))
    else:
        grey = np.full(size, dice.integers(0, 256))
    assert read(grey.astype(np.uint8)) == []


def test_read_when_a_counter_is_empty_then_nothing_is_read() -> None:
    """Boxes, print and grain give no code."""
    for seed in range(3):
        assert read(clutter(np.random.default_rng(seed))) == []


def test_read_when_a_code_is_cut_off_then_it_is_not_read() -> None:
    """A label of which a part is missing at either end has no text."""
    picture = on_paper((code128("81234567890123456789"), 100, 100))
    for begin, end in ((160, 1600), (0, 640)):
        cut = picture.copy()
        cut[:, :begin] = 255
        cut[:, end:] = 255
        assert read(cut) == []


@pytest.mark.slow
def test_read_when_labels_are_at_the_limit_then_twice_as_many_are_read_and_none_wrong() -> None:
    """Of 240 labels of all kinds at least twice as many as by zxing-cpp, and no text that is not there."""
    right = by_zxing = 0
    for number, view in enumerate(LIMITS.values()):
        dice = np.random.default_rng([77, number])
        for _ in range(20):
            picture = photographed(dice, [(trace_code(dice), view(dice))])
            found = read(picture.grey)
            assert set(found) <= set(picture.texts)
            right += len(found)
            by_zxing += zxing(picture.grey) == list(picture.texts)
    assert right >= 2 * by_zxing


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_read_when_other_codes_are_at_the_limit_then_no_wrong_text_comes(seed: int) -> None:
    """QR, Data Matrix, EAN-13 and Code 128 of other lengths, seen badly, are read right or not at all."""
    dice = np.random.default_rng(seed)
    kind, text = (
        ("QRCode", "https://example.org/7"),
        ("DataMatrix", "ABC-12345"),
        ("EAN13", "6901234567892"),
        ("Code128", "00123456789012345675"),
        ("Code128", "LOT-2026-11-22"),
    )[int(dice.integers(5))]
    view = list(LIMITS.values())[int(dice.integers(len(LIMITS)))](dice)
    picture = photographed(dice, [(text, view)], kind=kind, frame=SIZE)
    assert set(read(picture.grey)) <= {text.encode()}


def test_qr_when_zxing_reads_it_then_zbar_is_not_needed() -> None:
    """A clean QR code comes from the first stage, with its identifier."""
    with PictureReader(second_reader=True) as reader:
        (reading,) = reader.read(on_paper((qr("https://example.org"), 100, 100)))
        assert (reading.aim, reading.is_sure) == ("]Q1", True)
        assert reader._zbar is not None
        assert reader._zbar._child is None
