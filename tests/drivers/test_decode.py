"""Decoding a picture: bytes, identifiers and places of the codes in it, by the function that the package offers."""

import subprocess
import sys
import threading

import numpy as np
import pytest
import zxingcpp

from fakes.drawn_codes import blank, code128, drawn, ean13, gs1_matrix, on_paper, qr
from yaoma_drivers import decode
from yaoma_drivers.decoding.reading import Reading
from yaoma_drivers.symbol import ReadFault, Source, Symbol

CODE = "81234567890123456789"
GS1 = "(01)06901234567892(10)ABC123(21)12345678"
GS1_BYTES = b"010690123456789210ABC123\x1d2112345678"


def told(symbols: list[Symbol]) -> list[tuple[bytes, str]]:
    """Return texts and identifiers, in order of text."""
    return sorted((symbol.data, symbol.aim) for symbol in symbols)


@pytest.mark.parametrize(
    ("text", "symbology", "gs1", "data", "aim"),
    [
        (CODE, "Code128", False, CODE.encode(), "]C0"),
        ("ABC-123456", "Code128", False, b"ABC-123456", "]C0"),
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
    """Code 39, Codabar, PDF417 and short ITF are not asked for: they bring false reads, and no pack is known by one."""
    for symbology, text in (
        ("Code39", "123456"),
        ("Codabar", "A123456B"),
        ("PDF417", "123456"),
        ("ITF", "405562"),
        ("ITF", "16901234567890"),
    ):
        code = drawn(text, zxingcpp.BarcodeFormat[symbology])
        assert decode(on_paper((code, 100, 100))) == []


def test_decode_when_several_codes_are_there_then_all_come_with_their_places() -> None:
    """Trace code, 69 code and Data Matrix on one pack are three symbols, each within its drawn box."""
    placed = [(code128(CODE), 100, 100), (ean13("6901234567892"), 900, 500), (gs1_matrix(GS1), 300, 800)]
    symbols = decode(on_paper(*placed))
    assert told(symbols) == [(GS1_BYTES, "]d2"), (b"6901234567892", "]E0"), (CODE.encode(), "]C0")]
    boxes = {len(CODE): placed[0], 13: placed[1], len(GS1_BYTES): placed[2]}
    for symbol in symbols:
        code, left, top = boxes[len(symbol.data)]
        assert (symbol.source, symbol.scanner, len(symbol.corners)) == (Source.CAMERA, "picture", 4)
        for x, y in symbol.corners:
            assert left <= x <= left + code.shape[1]
            assert top <= y <= top + code.shape[0]


@pytest.mark.parametrize("places", [((100, 100), (900, 700)), ((100, 100), (100, 500)), ((100, 100), (100, 360))])
@pytest.mark.parametrize("make", [qr, code128])
def test_decode_when_a_text_stands_twice_then_it_is_two_symbols(
    make: object, places: tuple[tuple[int, int], tuple[int, int]]
) -> None:
    """Two packs with equal codes are two symbols at two places, also where one lies right above the other."""
    assert callable(make)
    code = make(CODE)
    symbols = decode(on_paper(*((code, left, top) for left, top in places)))
    assert [symbol.data for symbol in symbols] == [CODE.encode()] * 2
    centres = sorted(sum(y for _, y in symbol.corners) / 4 for symbol in symbols)
    assert centres[1] - centres[0] == pytest.approx(places[1][1] - places[0][1], abs=20)


def test_decode_when_packs_lie_in_a_grid_then_all_are_read() -> None:
    """Nine codes in one picture are nine symbols."""
    codes = [f"8123456789012345{number:04}" for number in range(9)]
    placed = [(code128(text), 20 + 750 * (number % 3), 30 + 350 * (number // 3)) for number, text in enumerate(codes)]
    assert told(decode(on_paper(*placed, width=2300))) == [(text.encode(), "]C0") for text in codes]


def test_decode_when_ink_is_blue_then_it_is_seen() -> None:
    """Blue on white is black on white in grey; in the blue channel alone it would be white on white."""
    grey = on_paper((code128(CODE), 100, 100))
    assert told(decode(np.dstack([np.full_like(grey, 255), grey, grey]))) == [(CODE.encode(), "]C0")]


def test_decode_when_a_picture_is_turned_or_cut_out_then_it_is_read() -> None:
    """A quarter turn, a slice without a copy and a picture upside down are no hindrance."""
    sheet = on_paper((code128(CODE), 100, 100))
    for picture in (np.rot90(sheet), sheet[50:400, 50:1400], sheet[::-1, ::-1]):
        assert told(decode(picture)) == [(CODE.encode(), "]C0")]


def test_decode_when_there_is_no_code_then_nothing_comes() -> None:
    """White, noise and a single pixel give no symbol."""
    noise = np.random.default_rng(1).integers(0, 256, (480, 640), dtype=np.uint8)
    for picture in (blank(), noise, np.zeros((1, 1), np.uint8), np.zeros((1, 3000), np.uint8)):
        assert decode(picture) == []


@pytest.mark.parametrize("shape", [(10,), (10, 10, 4), (10, 10, 1), (2, 10, 10, 3), (0, 5), (5, 0, 3), ()])
def test_decode_when_the_array_is_no_picture_then_it_is_refused(shape: tuple[int, ...]) -> None:
    """Four channels, no pixels and the like are a mistake of the caller, and the error says the shape."""
    with pytest.raises(ValueError, match="shape"):
        decode(np.zeros(shape, np.uint8))


def test_decode_when_the_picture_is_huge_then_it_is_refused() -> None:
    """A view of a thousand million pixels that takes no memory itself is refused before anything is copied."""
    with pytest.raises(ValueError, match="100000000"):
        decode(np.broadcast_to(np.zeros((1, 1), np.uint8), (40_000, 40_000)))


@pytest.mark.parametrize("image", [np.zeros((10, 10)), np.zeros((10, 10), np.int8), [[0, 1]], None, b"png", "a.png"])
def test_decode_when_it_is_no_array_of_bytes_then_it_is_refused(image: object) -> None:
    """Floating point pictures are refused, not rounded; lists, files and names are not guessed at."""
    with pytest.raises(TypeError, match="uint8"):
        decode(image)  # type: ignore[arg-type]  # the wrong type is the point


def test_decode_when_a_code_is_too_long_then_it_is_a_fault_without_text() -> None:
    """A QR code of 300 characters comes as OVERLONG, with its length and its place."""
    (symbol,) = decode(on_paper((qr("https://example.org/" + "x" * 280), 60, 60)))
    assert (symbol.data, symbol.fault, symbol.length, len(symbol.corners)) == (b"", ReadFault.OVERLONG, 300, 4)


def test_decode_when_threads_call_it_at_once_then_each_gets_its_own() -> None:
    """Calls take turns."""
    found: dict[int, list[Symbol]] = {}

    def read(number: int) -> None:
        found[number] = decode(on_paper((code128(f"8123456789012345678{number}"), 100, 100)))

    threads = [threading.Thread(target=read, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(found[number][0].data == f"8123456789012345678{number}".encode() for number in range(4))


def test_package_when_imported_then_numpy_and_opencv_are_not() -> None:
    """A box without a camera has neither; `decode` brings them when it is asked for."""
    program = """
import sys, yaoma_drivers
assert not {"numpy", "cv2", "zxingcpp"} & set(sys.modules)
from yaoma_drivers import decode
assert callable(decode) and callable(yaoma_drivers.decode) and "numpy" in sys.modules
try:
    yaoma_drivers.encode
except AttributeError as error:
    assert "encode" in str(error)
else:
    raise SystemExit(1)
"""
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True)


def test_reading_when_printed_then_its_text_does_not_show() -> None:
    """A QR code in a picture may be anybody's payment code."""
    assert "8123" not in repr(decode(on_paper((code128(CODE), 100, 100))))
    assert "8123" not in repr(Reading(CODE.encode(), "]C0", ((0, 0), (1, 0), (1, 1), (0, 1))))
