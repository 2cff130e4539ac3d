"""The calibration sheet: whatever a scanner does to it, the profile that comes of it reads it right afterwards."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.set_scanner import SetScanner
from fakes.typist import Typist, key
from yaoma_drivers.calibration import Advice, Profile, Speed, evaluate
from yaoma_drivers.calibration_sheet import DIGITS, GS1_TEXT, SIGNS
from yaoma_drivers.frame_symbol import symbol_of
from yaoma_drivers.hid import HidOptions
from yaoma_drivers.key_decoder import KeyDecoder, KeyEvent
from yaoma_drivers.keymap import KEYMAPS
from yaoma_drivers.symbol import Symbol
from yaoma_drivers.typed_scan import TypedScan, spells
from yaoma_drivers.wrapping import key_of

SHEET = [(DIGITS, "]C0"), (SIGNS, "]C0"), (GS1_TEXT, "]d2")]


def options(profile: Profile) -> HidOptions:
    """Give the driver the options that a profile holds."""
    return HidOptions(
        serial="S1",
        layout=profile.layout,
        gap_ends_symbol=profile.gap_ends_symbol,
        prefix=profile.prefix,
        suffix=profile.suffix,
        case=profile.case,
        gs_as=profile.gs_as,
    )


def read(scan: TypedScan, profile: Profile) -> list[Symbol]:
    """Read a scan as the driver does with these options."""
    chosen = options(profile)
    decoder = KeyDecoder(
        KEYMAPS[chosen.layout],
        chosen.terminators,
        chosen.gap_ms * 1000,
        lambda: scan.state,
        gs_key=key_of(chosen.gs_as),
        gap_ends_symbol=chosen.gap_ends_symbol,
    )
    typed = decoder.feed(scan.events) + decoder.expire(10**15)
    return [symbol_of(chosen.wrapping().unwrap(one.frame), "s", 0, strip_aim=True) for one in typed]


settings = st.builds(
    SetScanner,
    layout=st.sampled_from(sorted(KEYMAPS)),
    case=st.sampled_from(["kept", "kept", "swapped"]),
    prefix=st.sampled_from(["", "", "\x02", "A", "no5", "$#"]),
    suffix=st.sampled_from(["", "", "\x03", "Z", ";1"]),
    sends_aim=st.booleans(),
    aim_first=st.booleans(),
    gs=st.sampled_from(["ctrl", "alt", "F8", "F12", "~", "|", "<GS>", "^]", "{GS}", "#"]),
    end=st.sampled_from(["ENTER", "KP_ENTER", "TAB", "CTRL_J", "CTRL_M", ""]),
    keypad=st.booleans(),
    report_us=st.sampled_from([500, 1000, 8000]),
    caps_lock=st.booleans(),
)


def typable(scanner: SetScanner) -> bool:
    """Tell whether its layout has every sign that it would type; a dead ^ has none of its own."""
    signs = f"{scanner.prefix}{scanner.suffix}]" + (
        scanner.gs if scanner.gs not in {"ctrl", "alt", "F8", "F12"} else ""
    )
    return all(sign in scanner.places for sign in signs if sign >= " ")


@given(scanner=settings)
def test_profile_when_a_scanner_is_set_in_any_way_then_it_reads_the_sheet_right(scanner: SetScanner) -> None:
    """Layout, case, prefix, suffix, GS and terminator are found; with them each code is what stands on the sheet."""
    controls = {"\x02": "B", "\x03": "C"}
    for control, letter in controls.items():
        scanner.places.setdefault(control, (scanner.places[letter.lower()][0], "LEFTCTRL"))
    if not typable(scanner):
        return
    calibration = evaluate(scanner.sheet())
    profile = calibration.profile
    assert profile is not None
    assert (profile.sends_aim, profile.sends_gs, profile.types_signs) == (scanner.sends_aim, True, True)
    assert profile.terminator == scanner.end
    for (text, aim), scan in zip(SHEET, scanner.sheet(), strict=True):
        (symbol,) = read(scan, profile)
        assert (symbol.data, symbol.aim) == (text.encode(), aim if scanner.sends_aim else "")
    assert (Advice.NO_TERMINATOR in calibration.advice) == (not scanner.end)
    assert (Advice.AIM_NOT_SENT in calibration.advice) == (not scanner.sends_aim)
    assert (Advice.PREFIX in calibration.advice, Advice.SUFFIX in calibration.advice) == (
        bool(scanner.prefix),
        bool(scanner.suffix),
    )
    # Every fact of the advice is known; nothing else of what was typed is in it.
    assert (Advice.CAPS_LOCK in calibration.advice) == scanner.caps_lock


serials = st.text(st.sampled_from("0123456789ABCXYZabcxyz-_./:;()+=%&"), min_size=1, max_size=20)


@given(scanner=settings.map(lambda one: replace(one, prefix="", suffix="", places={})), serial=serials, lot=serials)
def test_profile_when_it_is_used_then_any_gs1_code_comes_right(scanner: SetScanner, serial: str, lot: str) -> None:
    """What was found on the sheet holds for the packs that follow, whatever their serial number has in it."""
    if not typable(scanner) or scanner.gs == "#" or not all(sign in scanner.places for sign in serial + lot):
        return
    profile = evaluate(scanner.sheet()).profile
    assert profile is not None
    text = f"010690123456789221{serial}\x1d10{lot}"
    (symbol,) = read(scanner.scan(text, "]d2"), profile)
    assert symbol.data == text.encode()


@pytest.mark.parametrize("case", ["upper", "lower"])
@pytest.mark.parametrize("sends_aim", [True, False])
def test_profile_when_the_scanner_converts_case_then_it_says_so_and_gs1_is_still_told(
    case: str,
    sends_aim: bool,  # noqa: FBT001 - parameter
) -> None:
    """Letters that were converted can't be turned back; the identifier can, so a GS1 symbol stays one."""
    scanner = SetScanner(case=case, sends_aim=sends_aim)
    calibration = evaluate(scanner.sheet())
    assert calibration.profile is not None
    assert calibration.profile.case == case
    assert Advice.CASE_CONVERTED in calibration.advice
    first, _, third = (read(scan, calibration.profile)[0] for scan in scanner.sheet())
    assert first.data == DIGITS.encode()
    assert third.aim == ("]d2" if sends_aim else "")
    assert third.data == (GS1_TEXT.upper() if case == "upper" else GS1_TEXT.lower()).encode()


@pytest.mark.parametrize(
    ("scanner", "advice", "gs_as", "sends_gs"),
    [
        (SetScanner(), set(), "", True),
        (SetScanner(gs="F8"), {Advice.GS_AS}, "F8", True),
        (SetScanner(gs="~"), {Advice.GS_AS}, "~", True),
        (SetScanner(gs="<GS>"), {Advice.GS_AS}, "<GS>", True),
        (SetScanner(gs="%"), {Advice.GS_AMBIGUOUS}, "%", True),
        (SetScanner(gs=""), {Advice.GS_NOT_SENT}, "", False),
        (SetScanner(gs="GS"), {Advice.GS_UNUSABLE}, "", False),
        (SetScanner(gs="\x1e", places={"\x1e": ("6", "LEFTCTRL")}), {Advice.GS_UNUSABLE}, "", False),
    ],
    ids=lambda value: value.gs if isinstance(value, SetScanner) else "",
)
def test_advice_when_gs_comes_in_some_form_then_that_form_is_named(
    scanner: SetScanner,
    advice: set[Advice],
    gs_as: str,
    sends_gs: bool,  # noqa: FBT001 - parameter
) -> None:
    """The known substitutes are found; what would eat letters of a code is refused, and so is nothing at all."""
    calibration = evaluate(scanner.sheet())
    assert set(calibration.advice) == advice
    assert calibration.profile is not None
    assert (calibration.profile.gs_as, calibration.profile.sends_gs) == (gs_as, sends_gs)


@pytest.mark.parametrize(("report_us", "speed"), [(8000, Speed.FAST), (20_000, Speed.MEDIUM), (50_000, Speed.SLOW)])
def test_speed_when_reports_come_slower_then_the_class_says_so(report_us: int, speed: Speed) -> None:
    """Twenty digits within 800 ms are fast, within 2 s medium, else slow, and slow is advice."""
    calibration = evaluate(SetScanner(report_us=report_us, sends_aim=False).sheet())
    assert calibration.profile is not None
    assert calibration.profile.speed is speed
    assert calibration.profile.took_ms == 40 * report_us // 1000
    assert (Advice.SLOW in calibration.advice) == (speed is Speed.SLOW)


def test_evaluate_when_only_the_first_code_is_scanned_then_the_rest_is_not_tried() -> None:
    """A scanner that reads bars only leaves the third code out: what it would show is unknown, never assumed."""
    for layout in KEYMAPS:
        scanner = SetScanner(layout=layout)
        one, two = evaluate(scanner.sheet()[:1]), evaluate(scanner.sheet()[:2])
        assert one.profile is not None
        assert two.profile is not None
        assert (one.profile.types_signs, one.profile.sends_gs) == (None, None)
        assert (two.profile.types_signs, two.profile.sends_gs) == (True, None)
        assert one.advice[Advice.NOT_SCANNED] == {"number": 2}
        assert two.profile.layout == layout
        (symbol,) = read(scanner.scan(DIGITS), one.profile)
        assert symbol.data == DIGITS.encode()


def test_evaluate_when_keys_were_lost_or_there_is_nothing_then_no_profile_comes() -> None:
    """A scan with a hole says nothing about settings, and neither does another bar code."""
    good = SetScanner().sheet()
    lost = TypedScan((KeyEvent(0, 3, 0, 5), *good[0].events), good[0].state)
    assert evaluate([lost, *good[1:]]) == evaluate([])
    assert set(evaluate([lost]).advice) == {Advice.KEYS_LOST}
    other = evaluate([SetScanner().scan("83003850000000131888")])
    assert (other.profile, set(other.advice)) == (None, {Advice.UNREADABLE})


def test_advice_when_a_layout_is_unknown_then_digits_are_read_all_the_same() -> None:
    """Letters that no known layout explains, dead keys and missing signs are three different sentences."""
    good = SetScanner()
    swapped = SetScanner(places={})
    swapped.places["q"], swapped.places["w"] = swapped.places["w"], swapped.places["q"]
    dead = SetScanner(places={})
    dead.places["#"] = ("102ND",)
    dead.places["@"] = ("KATAKANA",)
    missing = [good.scan(DIGITS), good.scan(SIGNS.replace("@", "")), good.sheet()[2]]
    found = {
        Advice.LAYOUT_UNKNOWN: evaluate(swapped.sheet()),
        Advice.DEAD_KEYS: evaluate(dead.sheet()),
        Advice.SIGNS_MISSING: evaluate(missing),
    }
    for advice, calibration in found.items():
        assert set(calibration.advice) == {advice}
        assert calibration.profile is not None
        assert calibration.profile.types_signs is False
    assert found[Advice.LAYOUT_UNKNOWN].advice[Advice.LAYOUT_UNKNOWN] == {"number": 2}


def test_advice_when_the_wrapping_is_too_long_then_it_must_be_switched_off() -> None:
    """A prefix of more than 16 characters is no option of the driver."""
    calibration = evaluate(SetScanner(prefix="x" * 17).sheet())
    assert Advice.WRAP_UNUSABLE in calibration.advice
    assert calibration.profile is not None
    assert calibration.profile.prefix == b""


@given(
    events=st.lists(
        st.builds(
            KeyEvent,
            st.sampled_from([0, 1, 1, 1, 4, 17]),
            st.one_of(st.integers(0, 3), st.integers(0, 767), st.sampled_from([key("LEFTALT"), key("KP5"), key("Q")])),
            st.integers(-1, 2),
            st.integers(0, 10**9),
        ),
        max_size=60,
    ),
    scans=st.integers(1, 3),
)
def test_evaluate_when_anything_is_typed_then_it_ends_in_advice_and_no_text_is_told(
    events: list[KeyEvent], scans: int
) -> None:
    """Whatever keys come, nothing is raised, and what was typed in place of the sheet stands in no field."""
    calibration = evaluate([TypedScan(tuple(events), SetScanner().sheet()[0].state)] * scans)
    assert calibration.profile is None
    assert set(calibration.advice) <= {Advice.KEYS_LOST, Advice.UNREADABLE}


def test_spells_when_a_scanner_of_any_layout_types_the_digits_then_it_is_recognised() -> None:
    """Pairing goes by the first code of the sheet, whatever the scanner's country, case or way of typing."""
    for layout in KEYMAPS:
        for by_alt in (False, True):
            scan = SetScanner(layout=layout, by_alt=by_alt, prefix="A").scan(DIGITS)
            assert spells(scan, DIGITS)
    typist = Typist()
    typist.text("8300385000000013188")
    assert not spells(TypedScan(tuple(typist.events), scan.state), DIGITS)
