"""Keystrokes: whatever is typed reads back as the same text at the till, or is refused whole."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from fakes.pty_till import typed
from yaoma_drivers.hid_gadget import reports_of
from yaoma_drivers.keystroke import KeyboardOptions, Stroke, UntypableError, strokes_of

CODE = b"81000000000000000001"
PRINTABLE = string.ascii_letters + string.digits + string.punctuation + " "


def at_the_till(data: bytes, *, caps_lock: bool = False, **options: object) -> str:
    """What a till with a US layout reads."""
    strokes = strokes_of(data, KeyboardOptions.model_validate(options), caps_lock=caps_lock)
    return typed(b"".join(reports_of(strokes)), caps_lock=caps_lock)


@given(st.text(PRINTABLE, max_size=40), st.booleans())
def test_typed_when_printable_then_the_till_reads_the_same(text: str, caps_lock: bool) -> None:  # noqa: FBT001 - hypothesis
    """All of printable ASCII, twice the same letter too, Caps Lock on or off."""
    assert text + "\n" == at_the_till(text.encode(), caps_lock=caps_lock)


@pytest.mark.parametrize(("terminator", "end"), [("ENTER", "\n"), ("KP_ENTER", "\r"), ("TAB", "\t"), ("NONE", "")])
def test_typed_when_framed_then_prefix_and_terminator_stand_around_it(terminator: str, end: str) -> None:
    """As the till's window expects it."""
    assert f"*{CODE.decode()}{end}" == at_the_till(CODE, terminator=terminator, prefix="*")


@pytest.mark.parametrize(
    ("gs_as", "read"),
    [
        ("CTRL_RIGHT_BRACKET", "<Ctrl+]>"),
        ("ALT_029", "<Alt+029>"),
        ("F8", "<F8>"),
        ("NONE", ""),
        ("~", "~"),
        ("|", "|"),
    ],
)
def test_typed_when_a_separator_is_in_it_then_it_is_typed_as_configured(gs_as: str, read: str) -> None:
    """Each till's software wants its own (SCANNERS.md 1.1, 6)."""
    assert f"21AB{read}10L\n" == at_the_till(b"21AB\x1d10L", gs_as=gs_as)


def test_typed_when_no_key_is_agreed_for_the_separator_then_nothing_is_typed() -> None:
    """A serial number that runs into the lot would be another serial number."""
    with pytest.raises(UntypableError):
        at_the_till(b"21AB\x1d10L")


@given(st.binary(min_size=1, max_size=40))
def test_typed_when_any_bytes_come_then_they_are_typed_exactly_or_refused(data: bytes) -> None:
    """No control character becomes a key, none is left out: nobody presses Ctrl+Alt+Del with a barcode."""
    try:
        read = at_the_till(data, terminator="NONE")
    except UntypableError:
        assert not all(chr(octet) in PRINTABLE for octet in data)
    else:
        assert data.decode("ascii") == read


def test_typed_when_only_digits_are_safe_then_anything_else_is_refused() -> None:
    """An input method turns letters into words, another layout turns signs into others; digits stay digits."""
    assert f"{CODE.decode()}\n" == at_the_till(CODE, layout="digits")
    for other in (b"A", b"1-2", b" "):
        with pytest.raises(UntypableError) as refused:
            at_the_till(other, layout="digits")
        assert other.decode() not in str(refused.value).replace("a character has no key", "")


def test_stroke_when_printed_then_its_keys_are_not_shown() -> None:
    """A payment code is typed by it."""
    assert "Stroke(***)" == repr(Stroke((30,)))


@pytest.mark.parametrize(
    "options", [{"gs_as": "BELL"}, {"gs_as": "\x1d"}, {"prefix": "é"}, {"terminator": "CR"}, {"reports_per_s": 5000}]
)
def test_options_when_they_make_no_sense_then_they_are_refused(options: dict[str, object]) -> None:
    """A word that the port does not know is not passed over."""
    with pytest.raises(ValidationError):
        KeyboardOptions.model_validate(options)
