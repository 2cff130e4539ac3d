"""The calibration sheet over a line or in frames: whatever a scanner does to it, what comes of it reads it right."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.sent_scanner import SentScanner
from fakes.ssi_scanner import packet
from yaoma_drivers.calibration import Advice, Calibration, Profile
from yaoma_drivers.calibration_sent import evaluate_sent
from yaoma_drivers.calibration_sheet import DIGITS, GS1_TEXT, SIGNS
from yaoma_drivers.frame_symbol import symbol_of
from yaoma_drivers.framing import Frame, Framer
from yaoma_drivers.hid_pos import HidPosOptions
from yaoma_drivers.serial_line import SerialLineOptions
from yaoma_drivers.symbol import ReadFault, Symbol
from yaoma_drivers.zebra_ssi import ZebraSsiOptions

SHEET = [(DIGITS, "]C0"), (SIGNS, "]C0"), (GS1_TEXT, "]d2")]
GS_FORMS = ["\x1d", "\x1d", "~", "|", "<GS>", "^]", "{GS}"]


def captured(bursts: list[bytes], step: int = 1000) -> list[Symbol]:
    """Take bursts as the driver does for a calibration, in pieces."""
    options = SerialLineOptions.model_validate({"device": "/dev/gun", "prefix": "02", "case": "upper"}).as_sent()
    framer, symbols = options.framer(), []
    for burst in bursts:
        for start in range(0, len(burst), step):
            assert framer.feed(burst[start : start + step]) == []
        symbols += [
            symbol_of(options.wrapping().unwrap(frame), "gun", 0, strip_aim=options.strip_aim)
            for frame in framer.flush()
        ]
    return symbols


def evaluated(scanner: SentScanner, step: int = 1000) -> Calibration:
    """Evaluate the sheet as a scanner on a line sends it."""
    return evaluate_sent(captured(scanner.sheet(), step), needs_terminator=True)


def options_of(profile: Profile) -> SerialLineOptions:
    """Give the driver the options that a profile holds."""
    given_: dict[str, Any] = {
        "prefix": profile.prefix,
        "suffix": profile.suffix,
        "case": profile.case,
        "gs_as": profile.gs_as,
        "terminators": profile.terminators,
        "idle_ends_symbol": profile.idle_ends_symbol,
        "data_bits": profile.data_bits,
        "parity": profile.parity,
    }
    return SerialLineOptions.model_validate({"device": "/dev/gun", **given_})


def read(octets: bytes, options: SerialLineOptions) -> list[Symbol]:
    """Read a burst as the driver does with these options; a line with seven bits leaves the highest out."""
    framer = options.framer()
    if options.data_bits == 7:
        octets = bytes(one & 0x7F for one in octets)
    frames = framer.feed(octets)
    frames += framer.flush() if options.idle_ends_symbol else []
    return [symbol_of(options.wrapping().unwrap(frame), "gun", 0, strip_aim=True) for frame in frames]


scanners = st.builds(
    SentScanner,
    prefix=st.sampled_from(["", "", "\x02", "\x02N", "A", "no5", "$#"]),
    suffix=st.sampled_from(["", "", "\x03", "Z", ";1"]),
    case=st.sampled_from(["kept", "kept", "swapped"]),
    sends_aim=st.booleans(),
    aim_first=st.booleans(),
    gs=st.sampled_from(GS_FORMS),
    end=st.sampled_from(["\r", "\n", "\r\n", "\t", "\x03", ""]),
    parity=st.sampled_from(["none", "none", "even", "odd", "mark", "space"]),
)


@given(scanner=scanners, step=st.sampled_from([1, 3, 1000]))
def test_profile_when_a_scanner_on_a_line_is_set_in_any_way_then_it_reads_the_sheet_right(
    scanner: SentScanner, step: int
) -> None:
    """Prefix, suffix, terminator, identifier, GS, case and the line itself are found, whole or byte by byte."""
    calibration = evaluated(scanner, step)
    profile = calibration.profile
    assert profile is not None
    options = options_of(profile)
    for (text, aim), burst in zip(SHEET, scanner.sheet(), strict=True):
        (symbol,) = read(burst, options)
        assert (symbol.data, symbol.aim) == (text.encode(), aim if scanner.sends_aim else "")
    assert (profile.sends_aim, profile.sends_gs, profile.types_signs) == (scanner.sends_aim, True, True)
    advice = calibration.advice
    assert (Advice.AIM_NOT_SENT in advice) == (not scanner.sends_aim)
    assert (Advice.GS_AS in advice) == (scanner.gs != "\x1d")
    assert (Advice.CASE_SWAPPED in advice) == (scanner.case == "swapped")
    assert (Advice.PREFIX in advice) == bool(scanner.prefix)
    assert (Advice.LINE_SETTINGS in advice) == (scanner.parity not in {"none", "space"})
    assert (Advice.NO_TERMINATOR in advice) == (not scanner.end and scanner.suffix != "\x03")
    assert list(advice) == [one for one in Advice if one in advice]


frames = st.builds(
    SentScanner,
    prefix=st.sampled_from(["", "\x02", "no5"]),
    suffix=st.sampled_from(["", "\x03", ";1"]),
    case=st.sampled_from(["kept", "swapped"]),
    sends_aim=st.just(value=False),
    gs=st.sampled_from(GS_FORMS),
    end=st.just(""),
)


@given(scanner=frames, has_aims=st.booleans())
@pytest.mark.parametrize("kind", [HidPosOptions, ZebraSsiOptions])
def test_profile_when_a_scanner_sends_frames_then_what_is_inside_is_found_likewise(
    kind: type[HidPosOptions] | type[ZebraSsiOptions],
    scanner: SentScanner,
    has_aims: bool,  # noqa: FBT001 - parameter
) -> None:
    """Packets and reports need no terminator; the identifier stands in a field of its own, or nowhere."""
    sheet = [(text, aim if has_aims else "", data) for (text, aim), data in zip(SHEET, scanner.sheet(), strict=True)]
    calibration = evaluate_sent([Symbol(data, "gun", 0, aim) for _, aim, data in sheet], needs_terminator=False)
    profile = calibration.profile
    assert profile is not None
    assert (profile.sends_aim, profile.idle_ends_symbol, profile.terminators) == (has_aims, False, ())
    assert (Advice.AIM_NOT_SENT in calibration.advice) == (not has_aims)
    chosen = {name: getattr(profile, name) for name in ("prefix", "suffix", "case", "gs_as")}
    options = kind.model_validate({"device": "/dev/yaoma/by-path/gun", **chosen})
    for text, aim, data in sheet:
        assert options.wrapping().unwrap(Frame(data, len(data)), aim).data == text.encode()


@pytest.mark.parametrize(
    ("bursts", "advice"),
    [
        ([], Advice.SCAN_DAMAGED),
        ([b"81234567890123456789\r"], Advice.NOT_THE_SHEET),
        ([b"110101199003074477"], Advice.NOT_THE_SHEET),
        ([bytes(range(128, 160))], Advice.LINE_GARBLED),
        ([b"\xf8\x00\xe0\x1c" * 9], Advice.LINE_GARBLED),
        ([packet(0xF3, b"\x03" + DIGITS.encode()) * 3], Advice.SSI_PACKETS),
        ([packet(0xF3, b"\x03" + b"7" * 20) + b"\r"], Advice.SSI_PACKETS),
        ([b"7" * 300], Advice.SCAN_DAMAGED),
    ],
)
def test_evaluate_when_it_is_not_the_sheet_then_no_profile_comes_and_the_reason_is_named(
    bursts: list[bytes], advice: Advice
) -> None:
    """Another code, another speed of the line, packets of another mode: three things to do."""
    calibration = evaluate_sent(captured(bursts), needs_terminator=True)
    assert (calibration.profile, dict(calibration.advice)) == (None, {advice: {}})


def test_advice_when_signs_arrive_changed_then_it_says_how_many() -> None:
    """A line knows no keyboard country: what was changed is the scanner's formatting of texts."""
    good = SentScanner().sheet()
    scans = [good[0], good[1].replace(b"#", b"$").replace(b"@", b"$"), good[2]]
    calibration = evaluate_sent(captured(scans), needs_terminator=True)
    assert dict(calibration.advice) == {Advice.SIGNS_CHANGED: {"number": 2}}
    short = [good[0], good[1].replace(b"#", b"")]
    found = evaluate_sent(captured(short), needs_terminator=True).advice
    assert set(found) == {Advice.SIGNS_CHANGED, Advice.NOT_SCANNED}


def test_evaluate_when_a_part_of_a_scan_was_lost_then_the_sheet_is_scanned_again() -> None:
    """A report that was cut off says nothing about settings."""
    lost = Symbol(b"", "gun", 0, fault=ReadFault.DROPPED, length=30)
    calibration = evaluate_sent([lost], needs_terminator=False)
    assert (calibration.profile, set(calibration.advice)) == (None, {Advice.SCAN_DAMAGED})


@given(data=st.lists(st.binary(max_size=80), max_size=3), needs_terminator=st.booleans())
def test_evaluate_when_anything_comes_then_it_ends_in_advice_and_no_text_is_told(
    data: list[bytes],
    needs_terminator: bool,  # noqa: FBT001 - parameter
) -> None:
    """Whatever bytes come in place of the sheet, nothing is raised, and nothing of them stands in any field."""
    calibration = evaluate_sent([Symbol(one, "gun", 0) for one in data], needs_terminator=needs_terminator)
    assert calibration.profile is None
    assert all(facts == {} for facts in calibration.advice.values())


def test_framer_when_a_calibration_listens_then_it_holds_no_more_than_a_symbol() -> None:
    """A line that never falls silent does not fill the memory."""
    framer: Framer = SerialLineOptions.model_validate({"device": "/dev/gun"}).as_sent().framer()
    for _ in range(1000):
        framer.feed(b"x" * 1000)
    assert len(framer._held) <= 512
    (frame,) = framer.flush()
    assert frame.fault is ReadFault.OVERLONG
