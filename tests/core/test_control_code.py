"""Control codes: what a sheet's command looks like, that nothing else is one, and what a damaged one becomes."""

from collections.abc import Sequence
from datetime import date

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from yaoma.core.code import ControlCode, Lookalike, LookalikeKind, Meaning, OtherPattern, as_pack, parse
from yaoma.core.control_code import (
    SIGNED_ACTIONS,
    ControlAction,
    ControlCodeError,
    Sheet,
    folded,
)
from yaoma.core.control_sheet import SheetRefusal, sign, verify
from yaoma.core.note import Signer
from yaoma.shell.operations import load_operations
from yaoma_drivers.symbol import MAX_SYMBOL_BYTES, Symbol

SIGNER = Signer("sheets.example", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
OTHER_SIGNER = Signer("other.example", Ed25519PrivateKey.from_private_bytes(bytes(32)))
LAST_DAY = date(2026, 12, 31)
SHEET = Sheet("H32132200561", "COUNTER-1", "T-0007", LAST_DAY)
TODAY = date(2026, 11, 22)

CN20 = "83003850000000131888"
#: The first GS1 text imports its parser, and the machine may be busy.
UNTIMED = settings(deadline=None)
#: Takes every text that a pattern can take.
GREEDY = OtherPattern("any", r"[A-Za-z][ A-Za-z0-9.\-]{1,250}", "other:any")


def refusal(
    code: ControlCode,
    *signers: Signer,
    site: str = "H32132200561",
    box: str = "counter_1",
    today: date = TODAY,
    revoked: Sequence[str] = (),
) -> SheetRefusal | None:
    """Verify a code on this box."""
    known = [signer.verifier() for signer in signers]
    return verify(code, known, site=site, box=box, today=today, revoked=revoked)


def meaning(text: str | bytes, aim: str = "", patterns: tuple[OtherPattern, ...] = ()) -> Meaning:
    """Parse one symbol."""
    return parse(Symbol(text.encode() if isinstance(text, str) else text, "counter", 1_000, aim=aim), patterns)


def signed(action: ControlAction = ControlAction.CANCEL, argument: str = "", sheet: Sheet = SHEET) -> ControlCode:
    """Make a dangerous code."""
    return sign(action, argument, sheet, SIGNER)


WORDS = st.from_regex(r"[A-Z]([A-Z0-9-]{0,20}[A-Z])?", fullmatch=True).filter(
    lambda word: sum(map(str.isdigit, word)) <= 10
)
OPERATIONS = st.from_regex(r"[a-z0-9]{1,9}(_[a-z0-9]{1,9}){0,2}", fullmatch=True)
SHEETS = st.builds(
    Sheet,
    st.from_regex(r"[A-Z0-9][A-Z0-9-]{0,30}", fullmatch=True),
    st.just("") | st.from_regex(r"[A-Z0-9][A-Z0-9-]{0,30}", fullmatch=True),
    st.from_regex(r"[A-Z0-9]([A-Z0-9-]{0,14}[A-Z0-9])?", fullmatch=True),
    st.dates(),
)
CODES = st.one_of(
    st.builds(ControlCode, st.just(ControlAction.OPEN), OPERATIONS),
    st.builds(ControlCode, st.sampled_from([ControlAction.CLOSE, ControlAction.UNDO, ControlAction.CONFIRM])),
    st.builds(ControlCode, st.just(ControlAction.OPERATOR), WORDS),
    st.builds(signed, st.sampled_from([ControlAction.CANCEL, ControlAction.OVERRIDE]), st.just(""), SHEETS),
    st.builds(signed, st.sampled_from([ControlAction.SUPERVISOR, ControlAction.PAIR]), WORDS, SHEETS),
    st.builds(signed, st.just(ControlAction.TRAINING), st.sampled_from(["on", "off"]), SHEETS),
)
SOME_CODES = [
    ControlCode(ControlAction.OPEN, "return_supplier"),
    ControlCode(ControlAction.CLOSE),
    ControlCode(ControlAction.OPERATOR, "ZHANG-07"),
    signed(),
    signed(ControlAction.TRAINING, "off"),
]


def test_text_when_written_then_it_is_the_published_form() -> None:
    """The text of a control code is frozen: printed sheets hang at counters for years."""
    assert ControlCode(ControlAction.OPEN, "return_supplier").text == "YAOMA1.OPEN.RETURN-SUPPLIER.3343995500"
    assert ControlCode(ControlAction.CLOSE).text == "YAOMA1.CLOSE.2036294682"
    assert signed().text.startswith("YAOMA1.CANCEL.H32132200561.COUNTER-1.T-0007.20261231.")


@UNTIMED
@given(CODES)
def test_code_when_written_then_reads_back(code: ControlCode) -> None:
    """Every control code reads back as itself, also with Caps Lock on, and fits a symbol."""
    assert len(code.text) <= MAX_SYMBOL_BYTES
    assert meaning(code.text) == code
    assert meaning(code.text.lower()) == code
    assert meaning(f"]Q0{code.text}\r\n", patterns=(GREEDY,)) == code


@pytest.mark.parametrize("code", SOME_CODES)
def test_code_when_any_one_character_is_changed_then_it_is_refused(code: ControlCode) -> None:
    """Whatever single character is wrong, missing or doubled: no command, and no pack's code."""
    text = code.text
    for at, right in enumerate(text):
        changed = [text[:at] + wrong + text[at + 1 :] for wrong in map(chr, range(0x20, 0x7F)) if wrong != right]
        for broken in [*changed, text[:at] + text[at + 1 :], text[:at] + right + text[at:]]:
            assert isinstance(meaning(broken), Lookalike), broken


@pytest.mark.parametrize("code", SOME_CODES)
def test_code_when_two_neighbours_change_places_then_it_is_refused(code: ControlCode) -> None:
    """Two swapped characters make no other command."""
    text = code.text
    for at in range(len(text) - 1):
        swapped = text[:at] + text[at + 1] + text[at] + text[at + 2 :]
        assert swapped == text or isinstance(meaning(swapped), Lookalike)


@pytest.mark.parametrize("code", SOME_CODES)
def test_code_when_cut_anywhere_then_it_is_refused(code: ControlCode) -> None:
    """Read byte by byte, no beginning and no end of a control code is a command."""
    text = code.text
    for at in range(1, len(text)):
        assert isinstance(meaning(text[:at]), Lookalike)
        assert isinstance(meaning(text[at:]), Lookalike)


@pytest.mark.parametrize("code", SOME_CODES)
def test_code_when_cut_at_its_end_then_no_pattern_of_the_list_takes_it(code: ControlCode) -> None:
    """A damaged command is no trace code of another standard, however greedy the list's pattern is."""
    start, end = len("YAOMA1."), len(code.text)
    for at in range(start, end):
        cut = meaning(code.text[:at], patterns=(GREEDY,))
        assert cut == Lookalike(LookalikeKind.CONTROL_CODE_BROKEN, at)


@UNTIMED
@given(CODES, CODES, st.sampled_from(["", " ", "\x1d", "\r\n"]))
def test_codes_when_glued_then_refused(first: ControlCode, second: ControlCode, between: str) -> None:
    """Two control codes in one read command nothing."""
    glued = first.text + between + second.text
    assume(len(glued) <= MAX_SYMBOL_BYTES)  # a driver throws longer ones away
    found = meaning(glued)
    assert isinstance(found, Lookalike)
    assert between == "\r\n" or found.kind is LookalikeKind.TWO_CODES


PACKS = [
    CN20,
    "6901234567892",
    "86901234567898",
    "XA01BAA001A001010100001",
    "110101199001011237",
    "0106901234567892211",
    "01069012345678922112345\x1d10A",
    "01069012345678921127110321S1",
    "(01)06901234567892(21)1",
    "https://ma.example/" + CN20,
    "286612345678901234",
]


@pytest.mark.parametrize("pack", PACKS)
@pytest.mark.parametrize("code", SOME_CODES[:3])
def test_code_when_glued_to_what_is_on_a_pack_then_neither_counts(pack: str, code: ControlCode) -> None:
    """A control code run together with a pack's code is a bad read: no command, and no serial that holds its text."""
    for text in (code.text, code.text.lower()):
        for glued in (pack + text, text + pack, f"{pack} {text}", f"{text}\r\n{pack}"):
            assert isinstance(meaning(glued, patterns=(GREEDY,)), Lookalike), glued
        assert meaning(pack + text) == Lookalike(LookalikeKind.TWO_CODES, len(pack + text)) or "\x1d" in pack


@UNTIMED
@given(
    st.one_of(
        st.from_regex(r"8[0-9]{19}", fullmatch=True),
        st.from_regex(r"01[0-9]{14}21[!-~]{1,20}", fullmatch=True),
        st.from_regex(r"[XZ][A-Z][0-9]{2}[A-Z]{3}[0-9]{3}[A-Z][0-9]{12}", fullmatch=True),
        st.from_regex(r"https?://[a-z./0-9?=&%-]{1,60}", fullmatch=True),
        st.from_regex(r"[0-9]{1,40}[Xx]?", fullmatch=True),
        st.text(st.characters(codec="ascii"), max_size=80),
    ),
    st.sampled_from(["", "]C0", "]C1", "]d1", "]d2", "]E0", "]Q1", "]Q3"]),
)
def test_text_when_on_a_pack_then_no_command(text: str, aim: str) -> None:
    """Nothing that packs, invoices, cards and addresses hold is a control code."""
    assert not isinstance(meaning(text, aim, (GREEDY,)), ControlCode)


@UNTIMED
@given(st.text(st.sampled_from("YAOMA1.OPENCLSUD-0123456789"), max_size=60))
@example("")
@example("CLOSE")
@example("CLOSE.")
@example("CLOSE.9999999999")
@example("CANCEL.0000000000")
def test_text_when_it_only_begins_like_a_command_then_a_broken_one(rest: str) -> None:
    """What begins like a control code and is none is told as a broken one, never as a pack's code."""
    assert meaning(f"YAOMA1.{rest}", patterns=(GREEDY,)) in (
        Lookalike(LookalikeKind.CONTROL_CODE_BROKEN, 7 + len(rest)),
        Lookalike(LookalikeKind.TWO_CODES, 7 + len(rest)),
    )


@UNTIMED
@given(CODES)
def test_code_when_the_symbology_says_gs1_then_a_broken_one(code: ControlCode) -> None:
    """No symbol of ours is GS1, so identifier and text come from two different reads."""
    assert meaning(code.text, "]C1") == Lookalike(LookalikeKind.CONTROL_CODE_BROKEN, len(code.text))


def test_open_when_for_any_operation_that_ships_then_writable() -> None:
    """Every operation of the table has its control code."""
    for operation in load_operations():
        code = ControlCode(ControlAction.OPEN, operation)
        assert meaning(code.text) == code


@pytest.mark.parametrize(
    ("action", "argument"),
    [
        (ControlAction.OPEN, ""),
        (ControlAction.OPEN, "Receive"),
        (ControlAction.OPEN, "a-b"),
        (ControlAction.CLOSE, "x"),
        (ControlAction.OPERATOR, ""),
        (ControlAction.OPERATOR, "zhang"),
        (ControlAction.OPERATOR, "张三"),
        (ControlAction.OPERATOR, "A.B"),
        (ControlAction.OPERATOR, "-A"),
        (ControlAction.OPERATOR, "A" * 33),
        (ControlAction.OPERATOR, "110101199001011237"),
        (ControlAction.OPERATOR, "110101-19900101-123X"),
        (ControlAction.OPERATOR, "13812345678"),
    ],
)
def test_code_when_the_argument_does_not_fit_then_it_can_not_be_made(action: ControlAction, argument: str) -> None:
    """What would not read back, and what may be a person's number, gets no control code; the error quotes neither."""
    with pytest.raises(ControlCodeError) as caught:
        ControlCode(action, argument)
    assert not argument or f"{argument!r}" not in str(caught.value)


def test_code_when_dangerous_then_it_needs_a_sheet_and_a_harmless_one_has_none() -> None:
    """Danger and signature go together, so there is one form only of each command."""
    arguments = {
        ControlAction.OPEN: "receive",
        ControlAction.OPERATOR: "X1",
        ControlAction.SUPERVISOR: "X1",
        ControlAction.TRAINING: "on",
        ControlAction.PAIR: "BACK",
    }
    for action in ControlAction:
        argument = arguments.get(action, "")
        with pytest.raises(ControlCodeError):
            ControlCode(action, argument, None if action in SIGNED_ACTIONS else SHEET)


def test_text_when_not_signed_then_there_is_none() -> None:
    """A dangerous code can't be printed before the technician has signed it."""
    with pytest.raises(ControlCodeError, match="not signed"):
        _ = ControlCode(ControlAction.CANCEL, "", SHEET).text


def test_verify_when_everything_fits_then_it_counts_up_to_its_last_day() -> None:
    """A signed code counts on its box until the day that it names is over."""
    found = meaning(signed().text)
    assert isinstance(found, ControlCode)
    assert refusal(found, OTHER_SIGNER, SIGNER) is None
    assert refusal(found, SIGNER, today=LAST_DAY) is None


def test_verify_when_harmless_then_it_counts_without_keys() -> None:
    """Opening and closing a ticket needs no signature."""
    assert refusal(ControlCode(ControlAction.CLOSE)) is None


def test_verify_when_made_for_every_box_then_it_counts_on_any_of_the_site() -> None:
    """A sheet without a box serves the whole site, and no other site."""
    code = signed(sheet=Sheet("H32132200561", "", "T-1", LAST_DAY))
    assert refusal(code, SIGNER, box="back") is None
    assert refusal(code, SIGNER, site="H1") is SheetRefusal.OTHER_SITE


def test_verify_when_it_is_not_for_here_and_now_then_says_why() -> None:
    """A sheet for another place, past its day, or revoked counts no more, and the reason is told."""
    code = signed()
    assert refusal(code, SIGNER, site="H32132200562") is SheetRefusal.OTHER_SITE
    assert refusal(code, SIGNER, box="counter-2") is SheetRefusal.OTHER_BOX
    assert refusal(code, SIGNER, today=date(2027, 1, 1)) is SheetRefusal.EXPIRED
    assert refusal(code, SIGNER, revoked=["x", "t_0007"]) is SheetRefusal.REVOKED


def test_verify_when_no_known_key_has_signed_then_refused() -> None:
    """A sheet that somebody else has signed counts nowhere, and a box without keys trusts none."""
    assert refusal(signed()) is SheetRefusal.NO_KEYS
    assert refusal(signed(), OTHER_SIGNER) is SheetRefusal.BAD_SIGNATURE


@pytest.mark.parametrize(
    "forged",
    [
        (ControlAction.OVERRIDE, "", SHEET),
        (ControlAction.SUPERVISOR, "X1", SHEET),
        (ControlAction.CANCEL, "", Sheet("H2", SHEET.box, SHEET.id, SHEET.expires)),
        (ControlAction.CANCEL, "", Sheet(SHEET.site, "", SHEET.id, SHEET.expires)),
        (ControlAction.CANCEL, "", Sheet(SHEET.site, SHEET.box, "T-0008", SHEET.expires)),
        (ControlAction.CANCEL, "", Sheet(SHEET.site, SHEET.box, SHEET.id, date(2036, 12, 31))),
    ],
)
def test_verify_when_the_tag_of_another_code_is_put_on_then_refused(
    forged: tuple[ControlAction, str, Sheet],
) -> None:
    """The signature covers command, site, box, sheet and day: none can be changed, though the CRC is right."""
    action, argument, sheet = forged
    genuine = signed().sheet
    assert genuine is not None
    code = ControlCode(action, argument, Sheet(sheet.site, sheet.box, sheet.id, sheet.expires, genuine.tag))
    read = meaning(code.text)
    assert read == code
    assert refusal(code, SIGNER) is SheetRefusal.BAD_SIGNATURE


def test_code_when_it_commands_nothing_then_a_look_alike() -> None:
    """Where no station listens, a control code is a fault and leaves no text."""
    found = meaning(ControlCode(ControlAction.CLOSE).text)
    assert as_pack(found, 23) == Lookalike(LookalikeKind.CONTROL_CODE, 23)
    assert as_pack(meaning(CN20), 20) == meaning(CN20)


def test_name_when_folded_then_case_and_underscore_do_not_matter() -> None:
    """Sites, boxes and operators are compared as a symbol can hold them."""
    assert folded("Counter_1") == folded("counter-1") == "COUNTER-1"
