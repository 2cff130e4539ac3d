"""The report-descriptor parser: real descriptors, every item that matters, and anything at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.pos_scanner import ACCESS_IS, BOOT_KEYBOARD, LINUX_UHID
from yaoma_drivers.report_descriptor import (
    ReportDescriptorError,
    ReportField,
    ReportKind,
    parse_descriptor,
    usage,
)


def parsed(text: str) -> tuple[ReportField, ...]:
    """Parse what is written in hex."""
    return parse_descriptor(bytes.fromhex(text))


def test_parse_when_it_is_a_boot_keyboard_then_its_reports_are_known() -> None:
    """Modifiers, padding, LEDs and keys of HID 1.11, appendix B.1."""
    modifiers, padding, leds, led_padding, keys = parse_descriptor(BOOT_KEYBOARD)
    assert (modifiers.kind, modifiers.offset_bits, modifiers.size_bits, modifiers.count) == (ReportKind.INPUT, 0, 1, 8)
    assert modifiers.usages == tuple(usage(7, key) for key in range(0xE0, 0xE8))
    assert modifiers.collections == (usage(1, 6),)
    assert (padding.is_constant, padding.offset_bits, padding.end_bits) == (True, 8, 16)
    assert (leds.kind, leds.offset_bits, leds.count) == (ReportKind.OUTPUT, 0, 5)
    assert (led_padding.kind, led_padding.end_bits) == (ReportKind.OUTPUT, 8)
    assert (keys.is_variable, keys.offset_bits, keys.end_bits, len(keys.usages)) == (False, 16, 64, 256)
    assert (keys.logical_minimum, keys.logical_maximum) == (0, 255)


def test_parse_when_it_is_a_scanner_then_its_fields_follow_each_other() -> None:
    """A report of 63 bytes behind its number; the buffered text has one usage for all its bytes."""
    count, symbology, data, vendor, continued, padding, beeps, trigger, rest = parse_descriptor(ACCESS_IS)
    assert {each.report_id for each in (count, symbology, data, vendor, continued, padding)} == {2}
    assert (data.offset_bits, data.size_bits, data.count, data.is_buffered) == (32, 8, 56, True)
    assert data.usage_of(0) == data.usage_of(55) == usage(0x8C, 0xFE)
    assert padding.end_bits == 63 * 8
    assert (beeps.kind, beeps.report_id, beeps.offset_bits) == (ReportKind.OUTPUT, 4, 0)
    assert (trigger.offset_bits, rest.end_bits) == (3, 8)
    assert continued.logical_maximum == 1
    assert len(parse_descriptor(LINUX_UHID)) == 6


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("05 8C 09 FE 75 08 95 01 A4 75 10 81 02 B4 81 02", [(0, 16), (16, 8)]),  # push keeps the size, pop brings it
        ("75 08 95 01 FE 02 00 AA BB 81 02", [(0, 8)]),  # a long item is skipped
        ("75 08 95 01 85 01 81 02 85 02 81 02 85 01 81 02", [(0, 8), (0, 8), (8, 8)]),  # each report counts for itself
        ("75 08 95 01 81 02 91 02 B1 02", [(0, 8), (0, 8), (0, 8)]),  # and so does each direction
        ("75 08 95 00 81 02 95 01 75 00 81 02", []),  # no values, or no bits
    ],
)
def test_parse_when_items_change_the_state_then_offsets_follow(text: str, fact: list[tuple[int, int]]) -> None:
    """Global items go on, are kept and brought back; what is in no report is none."""
    assert [(each.offset_bits, each.size_bits * each.count) for each in parsed(text)] == fact


def test_parse_when_a_usage_has_four_bytes_then_it_names_its_page() -> None:
    """Two bytes take the page of the main item, four bring their own, a range takes all between."""
    (one,) = parsed("05 01 09 30 0B FE 00 8C 00 05 8C 19 85 29 87 75 01 95 05 81 02")
    assert one.usages == (usage(0x8C, 0x30), usage(0x8C, 0xFE), *(usage(0x8C, each) for each in (0x85, 0x86, 0x87)))


def test_parse_when_limits_are_signed_then_the_maximum_goes_by_the_minimum() -> None:
    """FF is 255 behind 0 and -1 behind a negative minimum."""
    plain, signed = parsed("75 08 95 01 15 00 25 FF 81 02 15 80 25 FF 81 02")
    assert (plain.logical_minimum, plain.logical_maximum) == (0, 255)
    assert (signed.logical_minimum, signed.logical_maximum) == (-128, -1)


@pytest.mark.parametrize(
    "text",
    [
        "26 FF",  # ends inside an item
        "FE 05 00 AA",  # ends inside a long item
        "FE",
        "A1 01",  # ends inside a collection
        "C0",  # ends what was not begun
        "B4",  # pops what was not pushed
        "A4" * 65,
        "A1 00" * 65,
        "85 00",  # no report has this number
        "75 08 97 FF FF FF 7F 81 02",  # longer than any report
        "77 FF FF FF 7F 95 01 81 02",
        "1B 00 00 00 00 2B FF FF FF FF 81 02",  # four thousand million usages
        "19 00 2A FF 2F 75 01 95 01 81 02 19 00 2A FF 2F 81 02",
        "09 01" * 2049,  # longer than the kernel takes
    ],
)
def test_parse_when_it_is_no_descriptor_then_it_is_refused(text: str) -> None:
    """What is cut off, unbalanced or without measure is no descriptor."""
    with pytest.raises(ReportDescriptorError):
        parsed(text)


items = st.one_of(
    st.binary(max_size=6),
    st.sampled_from([bytes.fromhex(one) for one in ("A4", "B4", "C0", "A101", "8102", "9102", "B102", "0581")]),
    st.builds(
        lambda prefix, data: bytes((prefix | 1, data)),
        st.sampled_from([4, 8, 0x14, 0x24, 0x74, 0x84, 0x94]),
        st.integers(0, 255),
    ),
)


@given(st.lists(items, max_size=60).map(b"".join))
def test_parse_when_anything_comes_then_it_is_refused_or_bounded(octets: bytes) -> None:
    """Whatever a device says, the parser comes to an end, and no field lies outside of a possible report."""
    try:
        fields = parse_descriptor(octets)
    except ReportDescriptorError:
        return
    for each in fields:
        assert 0 <= each.offset_bits < each.end_bits <= 16384 * 8
        assert each.count > 0
    assert sum(len(each.usages) for each in fields) <= 12288


@given(st.integers(0, len(ACCESS_IS) - 1), st.integers(0, 255))
def test_parse_when_one_byte_of_a_scanner_is_wrong_then_it_does_not_fail(place: int, octet: int) -> None:
    """A damaged descriptor is refused, or read as what it now says."""
    damaged = bytearray(ACCESS_IS)
    damaged[place] = octet
    try:
        parse_descriptor(bytes(damaged))
    except ReportDescriptorError:
        return
