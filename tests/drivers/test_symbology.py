"""AIM identifiers: apart from the text and back, and their names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yaoma_drivers.symbology import split_aim, symbology_name


@pytest.mark.parametrize(
    ("octets", "aim", "rest", "name"),
    [
        (b"]C081234567890123456789", "]C0", b"81234567890123456789", "Code 128"),
        (b"]C10106901234567892", "]C1", b"0106901234567892", "GS1-128"),
        (b"]d2010690123456789221A\x1d10B", "]d2", b"010690123456789221A\x1d10B", "GS1 Data Matrix"),
        (b"]Q30106901234567892", "]Q3", b"0106901234567892", "GS1 QR Code"),
        (b"]Q1https://x.example", "]Q1", b"https://x.example", "QR Code"),
        (b"]E06901234567892", "]E0", b"6901234567892", "EAN-13"),
        (b"]E412345670", "]E4", b"12345670", "EAN-8"),
        (b"]h0\xd2\xa9", "]h0", b"\xd2\xa9", "Han Xin"),
        (b"]J101", "]J1", b"01", "GS1 DotCode"),
        (b"]C0", "]C0", b"", "Code 128"),
        (b"81234567890123456789", "", b"81234567890123456789", "unknown"),
        (b"]", "", b"]", "unknown"),
        (b"]C", "", b"]C", "unknown"),
        (b"]]C0", "", b"]]C0", "unknown"),
        (b"]1x", "", b"]1x", "unknown"),
        (b"8]C0", "", b"8]C0", "unknown"),
        (b"", "", b"", "unknown"),
    ],
)
def test_split_aim_when_bytes_begin_with_one_then_it_stands_apart(
    octets: bytes, aim: str, rest: bytes, name: str
) -> None:
    """Only `]`, a letter and a modifier right at the beginning are an identifier."""
    assert split_aim(octets) == (aim, rest)
    assert symbology_name(aim) == name


@given(st.binary(max_size=40))
def test_split_aim_when_joined_again_then_nothing_is_lost(octets: bytes) -> None:
    """Identifier and rest are the bytes that came in, whatever they were."""
    aim, rest = split_aim(octets)
    assert aim.encode("ascii") + rest == octets
    assert len(aim) in {0, 3}
    assert symbology_name(aim)
