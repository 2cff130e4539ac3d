"""HID POS reports: the example of a manual, continued reports, damage, and the beeps that go back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.pos_scanner import ACCESS_IS, BOOT_KEYBOARD, LINUX_UHID, text_report
from yaoma_drivers.framing import Frame
from yaoma_drivers.pos_layout import NotPosError, PosLayout, PosUsage, layout_of
from yaoma_drivers.pos_reports import PosReader, PosScan
from yaoma_drivers.report_descriptor import ReportDescriptorError, ReportKind, parse_descriptor
from yaoma_drivers.symbol import ReadFault

CODE = b"81234567890123456789"


def layout(octets: bytes) -> PosLayout:
    """Give what a descriptor means."""
    return layout_of(parse_descriptor(octets))


def read(*reports: bytes, descriptor: bytes = ACCESS_IS) -> list[PosScan]:
    """Read reports one after the other."""
    reader = PosReader(layout(descriptor))
    return [scan for report in reports for scan in reader.feed(report)]


def test_feed_when_the_manual_has_an_example_then_it_is_one_text() -> None:
    """Sixty bytes in two reports, `]Q0` in front (Access-IS LSR118 manual, B.1.1)."""
    first = b"M1GATHERGOOD/MICHAEL  YABCDEF LHRDURAK 3542 052Y003D23  "
    assert len(first) == 56
    assert read(text_report(first, more=True), text_report(b"1234")) == [PosScan(Frame(first + b"1234", 60), "]Q0")]


@pytest.mark.parametrize("descriptor", [ACCESS_IS, LINUX_UHID])
def test_feed_when_a_code_fits_one_report_then_it_is_whole(descriptor: bytes) -> None:
    """A suffix that the scanner is set to send is no text; the rest of a buffer is no text either."""
    assert read(text_report(CODE, aim=b"]d1"), descriptor=descriptor) == [PosScan(Frame(CODE, 20), "]d1")]
    assert read(text_report(CODE + b"\r\n"), descriptor=descriptor) == [PosScan(Frame(CODE, 20), "]Q0")]
    stale = text_report(CODE)[:25] + b"9" * 36 + text_report(CODE)[61:]
    assert read(stale, descriptor=descriptor) == [PosScan(Frame(CODE, 20), "]Q0")]


def test_feed_when_the_text_holds_gs_or_zeros_then_they_are_kept() -> None:
    """The count says what belongs to the text."""
    assert read(text_report(b"01A\x1d21\0\0")) == [PosScan(Frame(b"01A\x1d21\0\0", 8), "]Q0")]


def test_feed_when_there_is_no_symbology_then_the_identifier_may_stand_in_the_text() -> None:
    """A vendor's own letter in the field is no AIM identifier."""
    assert read(text_report(CODE, aim=b"j\0\0")) == [PosScan(Frame(CODE, 20), "")]
    assert read(text_report(b"]C1" + CODE, aim=bytes(3))) == [PosScan(Frame(CODE, 20), "]C1")]


def test_feed_when_the_device_counts_nothing_then_zeros_end_the_text() -> None:
    """Without a count the buffer is text up to the zeros behind it; without numbers the report begins at once."""
    descriptor = bytes.fromhex("05 8C 09 02 A1 01 09 12 A1 02 15 00 26 FF 00 75 08 95 14 09 FE 82 02 01 C0 C0")
    assert read(CODE, b"8123".ljust(20, b"\0"), descriptor=descriptor) == [
        PosScan(Frame(CODE, 20)),
        PosScan(Frame(b"8123", 4)),
    ]


def test_feed_when_a_report_is_no_scan_then_nothing_comes() -> None:
    """A report of another number, a trigger report for instance, is not ours."""
    assert read(b"\x04\x01", b"\x07" + bytes(63), b"") == []


@pytest.mark.parametrize(
    ("reports", "fault", "length"),
    [
        ((text_report(b""),), ReadFault.DROPPED, 0),
        ((b"\x02\x40" + text_report(CODE)[2:],), ReadFault.DROPPED, 56),  # counts more than fits
        ((text_report(CODE)[:30],), ReadFault.DROPPED, 20),  # cut off
        ((text_report(b"7" * 56, more=True),) * 5 + (text_report(b"8"),), ReadFault.OVERLONG, 281),
    ],
)
def test_feed_when_a_report_is_damaged_then_it_is_a_fault(
    reports: tuple[bytes, ...], fault: ReadFault, length: int
) -> None:
    """No text that may have lost a piece is ever given out, and the next scan is whole."""
    reader = PosReader(layout(ACCESS_IS))
    (scan,) = [scan for report in reports for scan in reader.feed(report)]
    assert (scan.frame.data, scan.frame.fault, scan.frame.length) == (b"", fault, length)
    assert reader.feed(text_report(CODE)) == [PosScan(Frame(CODE, 20), "]Q0")]


def test_flush_when_a_text_does_not_go_on_then_it_is_given_up() -> None:
    """A continued report without the next is a fault with its length; nothing of it joins the next scan or stays."""
    reader = PosReader(layout(ACCESS_IS))
    assert reader.feed(text_report(b"7" * 56, more=True)) == []
    assert reader.is_pending
    assert reader.flush() == [PosScan(Frame(b"", 56, ReadFault.UNTERMINATED))]
    assert reader.flush() == []
    assert not any(reader._held)
    assert reader.feed(text_report(CODE)) == [PosScan(Frame(CODE, 20), "]Q0")]


def test_layout_when_a_device_is_no_scanner_then_it_is_refused() -> None:
    """A keyboard has no decoded data; a device whose text is not in bytes cannot be read."""
    with pytest.raises(NotPosError):
        layout(BOOT_KEYBOARD)
    with pytest.raises(NotPosError):
        layout(bytes.fromhex("05 8C 09 02 A1 01 75 07 95 08 09 FE 81 02 C0"))


@pytest.mark.parametrize(
    ("usage", "octets"),
    [
        (PosUsage.SOUND_ERROR_BEEP, "04 01"),
        (PosUsage.SOUND_GOOD_READ_BEEP, "04 02"),
        (PosUsage.SOUND_NOT_ON_FILE_BEEP, "04 04"),
        (PosUsage.PREVENT_READ, "04 08"),
        (PosUsage.INITIATE_READ, "04 10"),
    ],
)
def test_report_for_when_a_beep_has_a_bit_then_it_is_set(usage: PosUsage, octets: str) -> None:
    """The whole report with its number, only this bit set."""
    report = layout(ACCESS_IS).report_for(usage)
    assert report is not None
    assert (report.kind, report.octets) == (ReportKind.OUTPUT, bytes.fromhex(octets))


def test_report_for_when_beeps_are_chosen_by_number_then_it_is_their_place() -> None:
    """A feature report with one byte that names a usage of its list; number 0 in front where reports have none."""
    text = "05 8C 09 02 A1 01 15 00 26 FF 00 75 08 95 14 09 FE 82 02 01"
    chosen = layout(bytes.fromhex(text + "15 01 25 03 75 08 95 01 19 85 29 87 B1 00 C0"))
    report = chosen.report_for(PosUsage.SOUND_GOOD_READ_BEEP)
    assert report is not None
    assert (report.kind, report.octets) == (ReportKind.FEATURE, b"\x00\x02")


def test_report_for_when_the_scanner_has_no_beep_then_there_is_none() -> None:
    """A scanner without output reports can't be told anything."""
    assert layout(LINUX_UHID).report_for(PosUsage.SOUND_GOOD_READ_BEEP) is None


@given(
    st.lists(
        st.one_of(st.binary(max_size=70), st.builds(text_report, st.binary(max_size=56), more=st.booleans())),
        max_size=12,
    )
)
def test_feed_when_anything_comes_then_texts_are_bounded(reports: list[bytes]) -> None:
    """No reports make it fail or hold more than one text."""
    reader = PosReader(layout(ACCESS_IS))
    for report in reports:
        for scan in reader.feed(report):
            assert len(scan.frame.data) <= 256
            assert (scan.frame.fault is None) == bool(scan.frame.data)
        assert len(reader._held) <= 256
    reader.flush()
    assert not reader.is_pending


@given(st.integers(0, len(ACCESS_IS) - 1), st.integers(0, 255), st.binary(max_size=70))
def test_layout_when_a_descriptor_is_damaged_then_reports_are_still_read_safely(
    place: int, octet: int, report: bytes
) -> None:
    """A scanner that describes itself wrongly is refused or read as it says; nothing fails."""
    damaged = bytearray(ACCESS_IS)
    damaged[place] = octet
    try:
        found = layout(bytes(damaged))
    except (ReportDescriptorError, NotPosError):
        return
    for each in PosUsage:
        found.report_for(each)
    reader = PosReader(found)
    reader.feed(text_report(CODE))
    reader.feed(report)
