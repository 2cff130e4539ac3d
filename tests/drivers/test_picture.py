"""Pictures as files: whole, cut off or damaged, told without decoding."""

import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.drawn_codes import blank, code128, jpeg, png
from yaoma_drivers.picture import PictureState, inspect, to_grey

DRAWN = code128("81234567890123456789")
FILES = {"png": png(DRAWN), "jpeg": jpeg(DRAWN), "blank png": png(blank()), "blank jpeg": jpeg(blank())}
kinds = st.sampled_from(sorted(FILES))


@pytest.mark.parametrize("kind", sorted(FILES))
def test_inspect_when_a_file_is_whole_then_its_size_is_known(kind: str) -> None:
    """Whole files are called whole, also with bytes behind their end, and the pixels are counted."""
    grey = to_grey(FILES[kind])
    assert grey is not None
    for trailer in (b"", b"\0" * 1000, b"maker's notes"):
        found = inspect(FILES[kind] + trailer)
        assert (found.state, found.pixels) == (PictureState.WHOLE, grey.size)


@given(kind=kinds, share=st.floats(0, 1, exclude_max=True))
def test_inspect_when_a_file_is_cut_off_then_it_is_never_called_whole(kind: str, share: float) -> None:
    """Any beginning of a file is cut off, neither whole nor damaged."""
    octets = FILES[kind]
    assert inspect(octets[: int(share * len(octets))]).state is PictureState.CUT_OFF


@given(at=st.integers(8, len(FILES["png"]) - 1), flip=st.integers(1, 255))
def test_inspect_when_a_png_has_a_wrong_byte_then_it_is_not_called_whole(at: int, flip: int) -> None:
    """Each chunk's checksum is looked at, so no changed byte passes."""
    octets = bytearray(FILES["png"])
    octets[at] ^= flip
    assert inspect(bytes(octets)).state is not PictureState.WHOLE


@given(octets=st.binary(max_size=400), start=st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8", b"\xff\xd8\xff"]))
def test_inspect_when_bytes_are_random_then_it_answers(octets: bytes, start: bytes) -> None:
    """Garbage behind any beginning gives a state, and no error."""
    assert inspect(start + octets).state in PictureState


def test_inspect_when_it_is_no_picture_then_it_is_damaged() -> None:
    """Text, a GIF and zeros are no picture, however long one waits."""
    for octets in (b"hello", b"GIF89a" + bytes(100), bytes(100)):
        assert inspect(octets).state is PictureState.DAMAGED


def test_inspect_when_a_small_file_claims_to_be_huge_then_its_pixels_tell() -> None:
    """The size is read from the header, before anything is unpacked."""
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    chunk = struct.pack(">I", len(header)) + b"IHDR" + header + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    assert inspect(b"\x89PNG\r\n\x1a\n" + chunk).pixels == 3_600_000_000


def test_to_grey_when_a_file_has_colour_then_it_becomes_grey() -> None:
    """Three channels become one; what cannot be decoded, and nothing at all, are None."""
    grey = to_grey(png(np.dstack([DRAWN, DRAWN, DRAWN])))
    assert grey is not None
    assert grey.shape == DRAWN.shape
    assert grey.dtype == np.uint8
    assert to_grey(b"") is None
    assert to_grey(b"\xff\xd8\xff\xd9") is None
