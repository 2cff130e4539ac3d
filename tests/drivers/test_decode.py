"""Decoding pictures: bytes, identifiers and places of the codes in them."""

import numpy as np
import pytest
import zxingcpp

from fakes.drawn_codes import blank, code128, drawn, ean13, gs1_matrix, on_paper, qr
from yaoma_drivers import decode as module
from yaoma_drivers.decode import Reading, decode

CODE = "81234567890123456789"
GS1 = "(01)06901234567892(10)ABC123(21)12345678"
GS1_BYTES = b"010690123456789210ABC123\x1d2112345678"


def told(readings: list[Reading]) -> list[tuple[bytes, str]]:
    """Return texts and identifiers, in order of text."""
    return sorted((reading.data, reading.aim) for reading in readings)


@pytest.mark.parametrize(
    ("text", "symbology", "gs1", "data", "aim"),
    [
        (CODE, "Code128", False, CODE.encode(), "]C0"),
        (GS1, "Code128", True, GS1_BYTES, "]C1"),
        (GS1, "DataMatrix", True, GS1_BYTES, "]d2"),
        (CODE, "DataMatrix", False, CODE.encode(), "]d1"),
        (GS1, "QRCode", True, GS1_BYTES, "]Q3"),
        ("https://example.org/p/1", "QRCode", False, b"https://example.org/p/1", "]Q1"),
        ("6901234567892", "EAN13", False, b"6901234567892", "]E0"),
        ("12345670", "EAN8", False, b"12345670", "]E4"),
        ("16901234567899", "ITF", False, b"16901234567899", "]I1"),
    ],
)
def test_decode_when_one_code_is_there_then_its_bytes_and_identifier_come(
    text: str, symbology: str, *, gs1: bool, data: bytes, aim: str
) -> None:
    """Each listed symbology is read, FNC1 inside is 0x1D, and GS1 shows in the identifier only."""
    code = drawn(text, zxingcpp.BarcodeFormat[symbology], gs1=gs1)
    assert told(decode(on_paper((code, 200, 300)))) == [(data, aim)]


def test_decode_when_another_symbology_is_there_then_nothing_comes() -> None:
    """Code 39, Codabar and PDF417 are not asked for: they bring false reads, and no trace code is one."""
    for symbology, text in (("Code39", "123456"), ("Codabar", "A123456B"), ("PDF417", "123456")):
        code = drawn(text, zxingcpp.BarcodeFormat[symbology])
        assert decode(on_paper((code, 100, 100))) == []


def test_decode_when_several_codes_are_there_then_all_come_with_their_places() -> None:
    """Trace code, 69 code and Data Matrix on one pack are three readings, each within its drawn box."""
    placed = [(code128(CODE), 100, 100), (ean13("6901234567892"), 900, 500), (gs1_matrix(GS1), 300, 800)]
    readings = decode(on_paper(*placed))
    assert told(readings) == [(GS1_BYTES, "]d2"), (b"6901234567892", "]E0"), (CODE.encode(), "]C0")]
    boxes = {len(CODE): placed[0], 13: placed[1], len(GS1_BYTES): placed[2]}
    for reading in readings:
        code, left, top = boxes[len(reading.data)]
        for x, y in reading.corners:
            assert left <= x <= left + code.shape[1]
            assert top <= y <= top + code.shape[0]


def test_decode_when_a_text_stands_twice_then_it_is_two_readings() -> None:
    """Two packs with equal codes side by side are two readings at two places."""
    code = qr(CODE)
    readings = decode(on_paper((code, 100, 100), (code, 900, 700)))
    assert told(readings) == [(CODE.encode(), "]Q1")] * 2
    assert not readings[0].surrounds(readings[1].centre)


def test_decode_when_a_reader_reports_one_place_twice_then_it_is_one_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    """Equal texts at the same place are one; equal texts elsewhere and other texts at the same place are not."""
    here = ((0, 0), (100, 0), (100, 50), (0, 50))
    nearly = ((2, 1), (101, 0), (99, 52), (0, 49))
    elsewhere = ((200, 0), (300, 0), (300, 50), (200, 50))
    readings = [
        Reading(b"8", "]C0", here),
        Reading(b"8", "", nearly),
        Reading(b"8", "]C0", elsewhere),
        Reading(b"9", "]C0", here),
    ]
    monkeypatch.setattr(module, "_zxing", lambda _: readings)
    assert decode(blank()) == [readings[0], readings[2], readings[3]]


def test_decode_when_zxing_sees_nothing_then_zbar_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Zbar reads Code 128 and QR with no identifier, unless switched off; it is not asked where zxing-cpp has read."""
    sheet = on_paper((code128(CODE), 100, 100), (qr("https://example.org"), 200, 600))
    monkeypatch.setattr(module, "_zxing", lambda _: [])
    assert told(decode(sheet)) == [(CODE.encode(), ""), (b"https://example.org", "")]
    assert decode(sheet, second_stage=False) == []
    monkeypatch.undo()
    monkeypatch.setattr(module, "_zbar", lambda _: pytest.fail("zbar was asked"))
    assert len(decode(sheet)) == 2


def test_decode_when_ink_is_blue_then_both_readers_see_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blue on white is black on white in grey; in the blue channel alone it would be white on white."""
    grey = on_paper((code128(CODE), 100, 100))
    blue = np.dstack([np.full_like(grey, 255), grey, grey])
    assert told(decode(blue)) == [(CODE.encode(), "]C0")]
    monkeypatch.setattr(module, "_zxing", lambda _: [])
    assert told(decode(blue)) == [(CODE.encode(), "")]


def test_decode_when_a_picture_is_turned_or_cut_out_then_it_is_read() -> None:
    """A quarter turn and a slice without a copy are no hindrance."""
    sheet = on_paper((code128(CODE), 100, 100))
    assert told(decode(np.rot90(sheet))) == [(CODE.encode(), "]C0")]
    assert told(decode(sheet[50:400, 50:1400])) == [(CODE.encode(), "]C0")]


def test_decode_when_there_is_no_code_then_nothing_comes() -> None:
    """White, noise, a single pixel and an empty array give no reading."""
    noise = np.random.default_rng(1).integers(0, 256, (480, 640), dtype=np.uint8)
    for picture in (blank(), noise, np.zeros((1, 1), np.uint8), np.zeros((0, 5), np.uint8)):
        assert decode(picture) == []


@pytest.mark.parametrize("shape", [(10,), (10, 10, 4), (10, 10, 1), (2, 10, 10, 3)])
def test_decode_when_the_array_is_no_picture_then_it_is_refused(shape: tuple[int, ...]) -> None:
    """Four channels and the like are a mistake of the caller."""
    with pytest.raises(ValueError, match="grey or BGR"):
        decode(np.zeros(shape, np.uint8))


def test_decode_when_the_array_holds_no_bytes_then_it_is_refused() -> None:
    """Floating point pictures are refused, not rounded."""
    with pytest.raises(ValueError, match="float64"):
        decode(np.zeros((10, 10)))  # type: ignore[arg-type]  # the wrong type is the point


def test_reading_when_printed_then_its_text_does_not_show() -> None:
    """A QR code in a picture may be anybody's payment code."""
    assert "8123" not in repr(decode(on_paper((code128(CODE), 100, 100))))
