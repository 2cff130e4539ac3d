"""Layouts: the kernel's key names against what is printed on the keys."""

import string

import pytest

from fakes.typist import key
from yaoma_drivers.keymap import KEYMAPS, KEYPAD_DIGITS, KEYPAD_SIGNS, LayoutName


@pytest.mark.parametrize(
    ("layout", "expected"),
    [
        ("us", {"Y": "yY", "2": "2@", "APOSTROPHE": "'\"", "BACKSLASH": "\\|", "SLASH": "/?", "GRAVE": "`~"}),
        ("gb", {"2": '2"', "3": "3£", "APOSTROPHE": "'@", "BACKSLASH": "#~", "102ND": "\\|"}),
        ("de", {"Y": "zZ", "Z": "yY", "SLASH": "-_", "7": "7/", "MINUS": "ß?", "RIGHTBRACE": "+*", "102ND": "<>"}),
        ("fr", {"Q": "aA", "W": "zZ", "1": "&1", "0": "à0", "M": ",?", "SEMICOLON": "mM", "DOT": ":/"}),
    ],
)
def test_text_when_a_key_is_pressed_then_it_is_what_the_layout_has_there(
    layout: LayoutName, expected: dict[str, str]
) -> None:
    """Plain and with Shift, keys at the places where layouts differ."""
    keymap = KEYMAPS[layout]
    assert {name: keymap.text(key(name)) + keymap.text(key(name), shift=True) for name in expected} == expected


@pytest.mark.parametrize("layout", list(KEYMAPS))
def test_text_when_all_keys_are_tried_then_all_letters_and_digits_are_there_once(layout: LayoutName) -> None:
    """Each layout can type every ASCII letter and digit, with one key each."""
    keymap = KEYMAPS[layout]
    typed = [keymap.text(code, shift=shift) for code in range(128) for shift in (False, True)]
    for sign in string.ascii_letters + string.digits:
        assert typed.count(sign) == 1, sign


def test_text_when_caps_lock_is_on_then_only_letters_turn() -> None:
    """Caps Lock turns letters and Shift turns them back; digits, signs and letters without a capital stay."""
    us, fr = KEYMAPS["us"], KEYMAPS["fr"]
    assert us.text(key("A"), caps_lock=True) == "A"
    assert us.text(key("A"), caps_lock=True, shift=True) == "a"
    assert us.text(key("1"), caps_lock=True) == "1"
    assert us.text(key("1"), caps_lock=True, shift=True) == "!"
    assert KEYMAPS["de"].text(key("SEMICOLON"), caps_lock=True) == "Ö"
    assert fr.text(key("2"), caps_lock=True) == "é"


def test_text_when_a_key_is_dead_or_unknown_then_it_has_none() -> None:
    """A dead key, a function key and a third level that is not there give nothing."""
    assert KEYMAPS["de"].text(key("GRAVE")) == ""
    assert KEYMAPS["us"].text(key("F8")) == ""
    assert KEYMAPS["us"].text(key("Q"), alt_gr=True) == ""
    assert KEYMAPS["de"].text(key("Q"), alt_gr=True) == "@"


def test_control_when_ctrl_is_held_then_it_is_the_ascii_control_character() -> None:
    """Ctrl+A to Ctrl+Z are 1 to 26 wherever the letter is; brackets are by place; a bracket on AltGr works too."""
    for keymap in KEYMAPS.values():
        made = {keymap.text(code): keymap.control(code) for code in range(128)}
        assert [made[letter] for letter in string.ascii_lowercase] == list(range(1, 27))
        assert keymap.control(key("RIGHTBRACE")) == 0x1D or keymap is KEYMAPS["fr"]
    us = KEYMAPS["us"]
    signs = ("2", "LEFTBRACE", "BACKSLASH", "RIGHTBRACE", "6", "MINUS")
    assert [us.control(key(name)) for name in signs] == [0x00, 0x1B, 0x1C, 0x1D, 0x1E, 0x1F]
    assert KEYMAPS["de"].control(key("9"), alt_gr=True) == 0x1D
    assert us.control(key("F8")) is None
    assert us.control(key("9"), alt_gr=True) is None


def test_keypad_when_its_keys_are_named_then_they_are_the_kernels() -> None:
    """The keypad's numbers are those of the kernel's header."""
    assert KEYPAD_DIGITS == {key(f"KP{digit}"): str(digit) for digit in range(10)}
    assert KEYPAD_SIGNS == {
        key(f"KP{name}"): sign
        for name, sign in zip(("SLASH", "ASTERISK", "MINUS", "PLUS", "DOT", "EQUAL", "COMMA"), "/*-+.=,", strict=True)
    }
