"""GS1 symbols: fields, lost separators, brackets, and where reading stops instead of guessing."""

from datetime import date

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from yaoma.core import gs1
from yaoma.core.code import Gs1, Lookalike, LookalikeKind, Meaning, parse
from yaoma_drivers.symbol import Symbol

GTIN = "06901234567892"
FOREIGN = "18901234567897"
AI82 = "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"


def meaning(text: str, aim: str = "") -> Meaning:
    """Parse one symbol."""
    return parse(Symbol(text.encode(), "counter", 0, aim=aim))


def kind(text: str, aim: str = "") -> LookalikeKind:
    """Parse one symbol that has to be a look-alike."""
    found = meaning(text, aim)
    assert isinstance(found, Lookalike), found
    return found.kind


def code(text: str, aim: str = "") -> Gs1:
    """Parse one symbol that has to be a GS1 code."""
    found = meaning(text, aim)
    assert isinstance(found, Gs1), found
    return found


@pytest.mark.parametrize("aim", ["]C1", "]d2", "]Q3", "]e0", "]J1", "", "]d1", "]C0"])
def test_fields_when_separated_then_read_under_every_identifier(aim: str) -> None:
    """The usual four fields are read with or without AIM identifier, also under those that biip refuses."""
    found = code(f"01{GTIN}17270331" + "10A123\x1d21S0001", aim)
    assert (found.gtin, found.serial, found.lot) == (GTIN, "S0001", "A123")
    assert found.key == f"gs1:01{GTIN}21S0001"
    assert found.product_key == f"gs1:01{GTIN}"


def test_fields_when_a_gs_leads_or_trails_then_the_code_is_the_same() -> None:
    """FNC1 delivered as a leading GS, a needless GS and a last GS change nothing."""
    plain = code(f"01{GTIN}17270331" + "10A123\x1d21S0001")
    assert code(f"\x1d01{GTIN}\x1d17270331" + "10A123\x1d\x1d21S0001\x1d") == plain


def test_fields_when_another_field_comes_first_then_read_if_gs1_is_said_or_seen() -> None:
    """GTIN need not come first where an identifier or a separator shows that this is GS1."""
    text = f"21S0001\x1d01{GTIN}11260101"
    assert code(text, "]d2") == Gs1(GTIN, "S0001", produced=date(2026, 1, 1), separators_seen=True)
    assert code(text) == code(text, "]d2")


@pytest.mark.parametrize(
    ("yymmdd", "expected"),
    [
        ("270300", date(2027, 3, 31)),
        ("280200", date(2028, 2, 29)),
        ("280229", date(2028, 2, 29)),
        ("991231", date(2099, 12, 31)),
        ("000229", date(2000, 2, 29)),
    ],
)
def test_expiry_when_day_is_00_then_last_of_the_month_and_century_20(yymmdd: str, expected: date) -> None:
    """Day 00 is the last day of the month; the century is always 20, so the reading never changes with the clock."""
    assert code(f"01{GTIN}17{yymmdd}21S1").expiry == expected


@pytest.mark.parametrize("yymmdd", ["271301", "270230", "270000", "270431", "000000"])
@pytest.mark.parametrize("ai", ["11", "17", "15"])
def test_date_when_impossible_then_stops(ai: str, yymmdd: str) -> None:
    """An impossible date in any date field means that the text was misread."""
    assert kind(f"01{GTIN}{ai}{yymmdd}21S1", "]d2") is LookalikeKind.GS1_BROKEN
    assert kind(f"01{GTIN}{ai}{yymmdd}21S1") is LookalikeKind.GS1_BROKEN


@pytest.mark.parametrize(
    "text",
    [
        "010690123456789321S0001",  # check digit
        "010000000000000021S0001",  # a GTIN of zeros names nothing
        f"01{GTIN}8821S1",  # no such AI
        f"01{GTIN}10A 121S1",  # a blank is not in the character set
        f"01{GTIN}21",  # no serial
        f"01{GTIN}21\x1d10A",
        f"01{GTIN}21S1\x1d21S2",  # two serials
        f"01{GTIN}21S1\x1d17270331" + "17270430",
        "21S0001\x1d10A123",  # the second line of a carton: no GTIN
        "02069012345678923712",
        "S0001",
        "0106901234",
        "https://id.gs1.org/01/06901234567892/21/S1",
        "\x1d",
    ],
)
def test_text_when_gs1_is_claimed_but_wrong_then_stops(text: str) -> None:
    """Under a GS1 identifier a text is a whole GS1 code or it is broken."""
    assert kind(text, "]d2") is LookalikeKind.GS1_BROKEN


@pytest.mark.parametrize(
    "text",
    [
        "010690123456789321S0001",
        "010690123456789317270331",
        "0106901234567893\x1d21S1",
        f"01{GTIN}8821S1",
        f"01{GTIN}ABC",
        "(01)06901234567893(21)S1",
        f"(01){GTIN}(21)S(1",
        f"(01){GTIN}(21)",
        f"(01){GTIN}(99999)1(21)S1",
        f"(01){GTIN}(20)5(21)S1",  # AI 20 takes two digits
        f"(01){GTIN}(210)5",  # no AI 210: must not be read as AI 21, serial 05
        f"(01){GTIN}(21)123456789012345678901",
        "(21)S1",
        "\x1dABC",
    ],
)
def test_text_when_it_begins_like_gs1_but_is_wrong_then_stops(text: str) -> None:
    """Without an identifier, a text that begins like GS1 is GS1 or broken, never something else."""
    assert kind(text) is LookalikeKind.GS1_BROKEN


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0106901234567893", LookalikeKind.UNKNOWN),  # 16 digits with a wrong check digit
        ("0106901234567893445566", LookalikeKind.UNKNOWN),
        ("21S0001", LookalikeKind.UNKNOWN),
        ("(hello)", LookalikeKind.UNKNOWN),
        ("()", LookalikeKind.UNKNOWN),
        ("AB\x1dCD", LookalikeKind.CONTROL_CHARACTERS),
        ("10A123\x1d21S0001", LookalikeKind.CONTROL_CHARACTERS),
        ("83003850000000131888\x1d", LookalikeKind.CONTROL_CHARACTERS),
    ],
)
def test_text_when_it_does_not_begin_like_gs1_then_it_is_judged_elsewhere(text: str, expected: LookalikeKind) -> None:
    """What neither claims to be GS1 nor begins like it is no broken GS1 code."""
    assert kind(text) is expected


@pytest.mark.parametrize(
    "text",
    [
        f"(01){GTIN}(17)270331(10)A123(21)S0001",
        f"(01){GTIN} (17)270331 (10)A123 (21)S0001",
        f"(01){GTIN}(21)S0001(17)270331(10)A123",
    ],
)
def test_brackets_when_well_formed_then_fields_are_certain(text: str) -> None:
    """The human-readable form gives the same code, whose fields can't be glued."""
    assert code(text) == Gs1(GTIN, "S0001", lot="A123", expiry=date(2027, 3, 31))
    assert code(text, "]Q3") == code(text)


def test_brackets_when_the_serial_contains_ai_digits_then_not_suspected() -> None:
    """Brackets mark the borders, so digits that look like an AI raise no suspicion."""
    assert not code(f"(01){GTIN}(21)AB10XY").may_be_glued


@pytest.mark.parametrize(
    ("text", "aim", "kept"),
    [
        (f"01{GTIN}", "", f"01{GTIN}"),
        (f"01{GTIN}17270331" + "10A123", "", f"01{GTIN}"),
        (f"01{GTIN}17270331" + "10A121\x1d", "]d2", f"01{GTIN}"),
        (f"(01){GTIN}(10)AB21C", "", f"01{GTIN}"),
        (f"01{FOREIGN}17270331", "]C1", f"01{FOREIGN}"),
        (f"01{FOREIGN}17270331", "", None),
        (f"(01){FOREIGN}(17)270331", "", None),
        ("0100000069012341", "", "0100000069012341"),
    ],
)
def test_product_when_there_is_no_serial_then_only_a_proven_gtin_is_kept(text: str, aim: str, kept: str | None) -> None:
    """GTIN without serial is a product; AI 01 and GTIN are kept if an identifier or the prefix 690-699 proves it."""
    assert meaning(text, aim) == Lookalike(LookalikeKind.GS1_PRODUCT, len(text), kept)


@pytest.mark.parametrize(
    "text",
    [
        f"01{GTIN}21S0001" + "17270331" + "10A123",
        f"01{GTIN}17270331" + "21S0001" + "10A123",
        f"01{GTIN}21S0001" + "11260101",
        f"01{GTIN}21ABCDEFGHIJKLMNOPQRST" + "17270331",  # ends only because twenty characters are full
        f"01{GTIN}21S1" + "17270331",
    ],
)
def test_serial_when_the_gs_was_lost_then_suspected(text: str) -> None:
    """A serial that may have swallowed the next field is read, but never without suspicion (SCANNERS.md 1.1 no. 5)."""
    assert code(text).may_be_glued
    assert code(text, "]d2").may_be_glued


@pytest.mark.parametrize(
    "text",
    [
        f"01{GTIN}21S0001",
        f"01{GTIN}17270331" + "21S0001",
        f"01{GTIN}17270331" + "10A1\x1d21S10A21B",  # the scanner delivers GS
        f"01{GTIN}21S0001\x1d17270331" + "10A1",
        f"01{GTIN}21S10",  # nothing after the 10
        f"01{GTIN}2110A",  # begins with 10: the first character is its own
        f"01{GTIN}21S17999999",  # no date after 17
        f"01{GTIN}21S0021X",  # 21 is there already
        f"01{GTIN}21S0001\x1d3100000500",
    ],
)
def test_serial_when_nothing_can_be_swallowed_then_not_suspected(text: str) -> None:
    """A serial that can hold no further field, or a scanner that delivers GS, raises no suspicion."""
    assert not code(text, "]d2").may_be_glued


def test_serial_when_the_lot_may_have_swallowed_it_then_stops() -> None:
    """A lot that may contain the serial is broken, not a product without serial."""
    assert kind(f"01{GTIN}17270331" + "10A12321S0001", "]d2") is LookalikeKind.GS1_BROKEN
    assert kind(f"01{GTIN}17270331" + "10A12321\x1d", "]d2") is LookalikeKind.GS1_PRODUCT


@pytest.mark.parametrize(
    "text",
    [
        "00069012345600000015" + "0206901234567892" + "3712",
        "(00)069012345600000015",
    ],
)
def test_sscc_when_ai_00_then_it_is_a_logistics_label(text: str) -> None:
    """AI 00 names a pallet or carton, whatever else the label says."""
    assert kind(text, "]C1") is LookalikeKind.SSCC


@pytest.mark.parametrize(
    "text",
    [
        "83003850000000131888" + f"01{GTIN}17270331",
        f"83003850000000131888\x1d01{GTIN}21S1",
        f"83003850000000131888(01){GTIN}(21)S1",
        f"01{GTIN}17270331" + "10A123\x1d21S0001" + "83003850000000131888",
        f"01{GTIN}17270331" + "10A123\x1d21S0001\x1d83003850000000131888",
        f"01{GTIN}21S01" + "83003850000000101088",  # the rest after twenty characters reads as a lot
        f"01{GTIN}21S1\x1d01{FOREIGN}21S2",
    ],
)
def test_two_codes_when_gs1_and_another_run_together_then_told(text: str) -> None:
    """A GS1 code glued to a Chinese or another GS1 code is two codes, never a longer serial."""
    assert kind(text) is LookalikeKind.TWO_CODES


def test_ends_in_cn20_when_the_head_is_no_whole_code_then_only_broken() -> None:
    """Twenty digits at the end make two codes only behind a whole GS1 code with serial."""
    assert kind(f"01{GTIN}\x1d83003850000000131888") is LookalikeKind.GS1_BROKEN
    assert kind("ABC\x1d83003850000000131888", "]d2") is LookalikeKind.GS1_BROKEN


def test_read_when_longer_than_256_characters_then_biip_is_not_asked() -> None:
    """A text that no symbol can hold is broken at once."""
    text = f"01{GTIN}21S1" + "\x1d91A" * 100
    assert gs1.read(text, aim="]d2", length=len(text)) == Lookalike(LookalikeKind.GS1_BROKEN, len(text))


def test_read_when_a_repeated_field_agrees_then_the_code_holds() -> None:
    """GS1 allows a field twice if both say the same."""
    assert code(f"01{GTIN}21S1\x1d21S1", "]d2").serial == "S1"


serials = st.text(AI82, min_size=1, max_size=20)


@given(serials, serials, st.dates(date(2000, 1, 1), date(2099, 12, 31)), st.permutations(["17", "10", "21"]))
def test_fields_when_separated_in_any_order_then_they_come_back(
    serial: str, lot: str, expiry: date, order: list[str]
) -> None:
    """Whatever lot and serial contain, with separators they come back exactly and unsuspected."""
    values = {"17": expiry.strftime("%y%m%d"), "10": lot, "21": serial}
    text = "]d2" + f"01{GTIN}" + "\x1d".join(ai + values[ai] for ai in order)
    assert meaning(text) == Gs1(GTIN, serial, lot=lot, expiry=expiry, separators_seen=True)


@given(serials, serials, st.dates(date(2000, 1, 1), date(2099, 12, 31)), st.permutations(["17", "10", "21"]))
def test_fields_when_all_separators_are_lost_then_never_wrong_unsuspected(
    serial: str, lot: str, expiry: date, order: list[str]
) -> None:
    """Without any separator the right serial is found, or suspicion is raised, or reading stops."""
    values = {"17": expiry.strftime("%y%m%d"), "10": lot, "21": serial}
    found = meaning("]d2" + f"01{GTIN}" + "".join(ai + values[ai] for ai in order))
    assume(isinstance(found, Gs1))
    assert isinstance(found, Gs1)
    assert found.may_be_glued or (found.serial, found.lot, found.expiry) == (serial, lot, expiry)
