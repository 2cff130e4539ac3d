"""Code 128 and GS1 as numbers: patterns, spellings and grammar, held against zxing-cpp's writer and biip."""

import numpy as np
import pytest
import zxingcpp
from biip.gs1_messages import GS1Message
from hypothesis import given
from hypothesis import strategies as st

from yaoma_drivers.decoding import code128
from yaoma_drivers.decoding.gs1 import elements
from yaoma_drivers.decoding.spelling import spellings

digits20 = st.integers(0, 10**19 - 1).map(lambda number: f"8{number:019}")


def written(text: str, *, gs1: bool = False) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Draw a Code 128 by zxing-cpp's writer, one module a pixel."""
    made = zxingcpp.BarcodeFormat.Code128
    code = zxingcpp.create_barcode(text, made, gs1=True) if gs1 else zxingcpp.create_barcode(text, made)
    return np.asarray(np.array(code.to_image(scale=1, add_quiet_zones=False))[0] == 0)


def test_pattern_when_all_are_drawn_then_each_is_its_own_and_eleven_modules_wide() -> None:
    """107 characters; the stop alone has thirteen modules; each begins with ink and ends with paper but the stop."""
    patterns = [code128.pattern(value) for value in range(code128.CHARACTERS)]
    assert len(set(patterns)) == 107
    assert [len(one) for one in patterns] == [11] * 106 + [13]
    assert all(one[0] == 1 for one in patterns)
    assert all(one[-1] == 0 for one in patterns[:-1])


@given(digits=digits20)
def test_trace_when_drawn_then_it_is_what_the_writer_draws(digits: str) -> None:
    """20 digits in set C, with their check character, are 145 modules, those of zxing-cpp."""
    values = code128.trace_characters(digits)
    assert np.array_equal(code128.ink(values) > 0, written(digits))
    assert len(code128.ink(values)) == code128.TRACE_MODULES
    assert code128.digits_of(values[1:-2]) == digits
    assert spellings(digits.encode(), is_gs1=False)[0] == values


@given(text=st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=24))
def test_spellings_when_any_printable_text_is_spelt_then_each_has_its_right_check_and_means_the_text(text: str) -> None:
    """Every spelling is read back to its text by a reader that knows the sets."""
    for values in spellings(text.encode(), is_gs1=False):
        assert values[-2] == code128.check_character(values[:-2])
        assert values[-1] == code128.STOP
        assert meant(values) == text


def meant(values: tuple[int, ...]) -> str:
    """Read characters of sets B and C."""
    in_c, text = values[0] == code128.START_C, ""
    for value in values[1:-2]:
        if in_c and value == 100:
            in_c = False
        elif not in_c and value == 99:
            in_c = True
        else:
            text += f"{value:02}" if in_c else chr(value + 0x20)
    return text


@pytest.mark.parametrize(
    "text", ["ABC123456", "12345678", "1234567", "AB12", "Abc-1234567x", "12", "7", "LOT-2026-11-22"]
)
def test_spellings_when_the_writer_draws_a_text_then_its_spelling_is_among_them(text: str) -> None:
    """Runs of digits in set C, the odd one before or behind."""
    drawn = written(text)
    assert any(np.array_equal(code128.ink(one) > 0, drawn) for one in spellings(text.encode(), is_gs1=False))


def test_spellings_when_it_is_gs1_then_fnc1_stands_where_it_must() -> None:
    """After the start, and for each separator."""
    drawn = written("(00)123456789012345675", gs1=True)
    assert any(np.array_equal(code128.ink(one) > 0, drawn) for one in spellings(b"00123456789012345675", is_gs1=True))
    for values in spellings(b"10AB\x1d21CD", is_gs1=True):
        assert values[1] == 102
        assert values.count(102) == 2


def test_spellings_when_a_text_has_control_characters_then_there_are_none() -> None:
    """Set A is not spelt; an empty text has no bars."""
    assert spellings(b"A\x02", is_gs1=False) == spellings(b"", is_gs1=False) == spellings(b"A\x1d", is_gs1=False) == []


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"010690123456789210ABC\x1d21S1", {b"01": b"06901234567892", b"10": b"ABC", b"21": b"S1"}),
        (b"01069012345678921727123121S1", {b"01": b"06901234567892", b"17": b"271231", b"21": b"S1"}),
        (b"21S1\x1d", {b"21": b"S1"}),
        (b"240X\x1d7102", {b"240": b"X", b"710": b"2"}),
        (b"", None),
        (b"0106901234567891", None),  # check digit
        (b"010690123456789", None),  # cut off
        (b"01069012345678922", None),
        (b"99X", None),  # not known here
        (b"10\x1d21S", None),  # empty
        (b"10" + b"X" * 21, None),  # too long
        (b"21A\x1d21B", None),  # twice
        (b"1727123A", None),
    ],
)
def test_elements_when_a_string_is_taken_apart_then_its_values_come_or_nothing(
    data: bytes, found: dict[bytes, bytes] | None
) -> None:
    """Fixed lengths need no separator; what breaks the grammar is nothing."""
    assert elements(data) == found


@given(
    gtin=st.integers(0, 10**13 - 1),
    lot=st.from_regex(r"[0-9A-Z]{1,20}", fullmatch=True),
    serial=st.from_regex(r"[0-9A-Z]{1,20}", fullmatch=True),
)
def test_elements_when_biip_understands_a_pack_then_the_values_are_the_same(gtin: int, lot: str, serial: str) -> None:
    """The library of the core and the guard of the camera agree."""
    body = f"{gtin:013}"
    check = -sum(int(digit) * (1 if place % 2 else 3) for place, digit in enumerate(body)) % 10
    text = f"01{body}{check}10{lot}\x1d21{serial}"
    parsed = GS1Message.parse(text)
    assert elements(text.encode()) == {one.ai.ai.encode(): one.value.encode() for one in parsed.element_strings}


@given(data=st.binary(max_size=64))
def test_elements_when_bytes_are_random_then_nothing_is_raised(data: bytes) -> None:
    """Whatever a reader says."""
    found = elements(data)
    assert found is None or all(found.values())
