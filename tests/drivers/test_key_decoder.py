"""Key events into symbols: whatever a scanner types comes out, and what was lost is said."""

import string
from collections.abc import Collection
from typing import get_args

import pytest
from evdev import ecodes
from hypothesis import given
from hypothesis import strategies as st

from fakes.typist import Typist, key
from yaoma_drivers.framing import Frame
from yaoma_drivers.key_decoder import KeyDecoder, KeyEvent, KeyState, KeyTerminator, TypedFrame
from yaoma_drivers.keymap import KEYMAPS
from yaoma_drivers.symbol import MAX_SYMBOL_BYTES, ReadFault

CODE = "81234567890123456789"
GAP_US = 300_000
ALL: tuple[KeyTerminator, ...] = get_args(KeyTerminator)
ONLY_ENTER: tuple[KeyTerminator, ...] = ("ENTER",)
NOTHING = KeyState(frozenset(), caps_lock=False, mono_us=0)

DROPPED, UNTERMINATED, OVERLONG = ReadFault.DROPPED, ReadFault.UNTERMINATED, ReadFault.OVERLONG


def decoder(
    *states: KeyState,
    terminators: Collection[KeyTerminator] = ALL,
    gs_key: int | None = None,
    gap_ends_symbol: bool = False,
) -> KeyDecoder:
    """Make a decoder that is told one state after the other, the last one again and again."""
    waiting = list(states) or [NOTHING]

    def state() -> KeyState:
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]

    return KeyDecoder(KEYMAPS["us"], terminators, GAP_US, state, gs_key=gs_key, gap_ends_symbol=gap_ends_symbol)


def frames(typed: list[TypedFrame]) -> list[bytes | tuple[ReadFault, int]]:
    """Return the texts, and faults with their length."""
    return [each.frame.data if each.frame.fault is None else (each.frame.fault, each.frame.length) for each in typed]


def read(typist: Typist, terminators: Collection[KeyTerminator] = ALL) -> list[bytes | tuple[ReadFault, int]]:
    """Return what a new decoder makes of everything typed."""
    return frames(decoder(terminators=terminators).feed(typist.events))


def test_feed_when_a_code_is_typed_then_it_is_one_frame_with_the_terminators_time() -> None:
    """Digits and Enter are one frame; its time is that of Enter going down, not of the first digit."""
    typist = Typist()
    typist.text(CODE)
    enter_us = typist.now_us
    typist.tap("ENTER")
    assert decoder().feed(typist.events) == [TypedFrame(Frame(CODE.encode(), 20), enter_us)]


@pytest.mark.parametrize(
    ("names", "terminator"),
    [
        (("ENTER",), "ENTER"),
        (("KPENTER",), "KP_ENTER"),
        (("TAB",), "TAB"),
        (("J", "LEFTCTRL"), "CTRL_J"),
        (("M", "RIGHTCTRL"), "CTRL_M"),
        (("I", "LEFTCTRL"), "TAB"),
    ],
)
def test_feed_when_a_terminator_is_chosen_or_not_then_it_ends_or_is_text(
    names: tuple[str, ...], terminator: KeyTerminator
) -> None:
    """Each terminator ends a symbol; not chosen, its control character is part of the text."""
    typist = Typist()
    typist.text("A")
    typist.tap(*names)
    typist.text("B")
    typist.tap("ENTER" if terminator != "ENTER" else "KPENTER")
    assert read(typist) == [b"A", b"B"]
    byte = {"TAB": b"\t", "CTRL_J": b"\n"}.get(terminator, b"\r")
    others = [each for each in ALL if each != terminator]
    assert read(typist, terminators=others) == [b"A" + byte + b"B"]


def test_feed_when_line_ends_come_in_pairs_then_there_is_no_empty_frame() -> None:
    """Enter and Ctrl+J, Ctrl+M and Ctrl+J, Enter twice: one symbol each; with Enter alone the rest is dropped too."""
    typist = Typist()
    for pair in (("ENTER", "J"), ("M", "J"), ("ENTER", "M")):
        typist.text("A1")
        for name in pair:
            typist.tap(name, *(["LEFTCTRL"] if len(name) == 1 else []))
    assert read(typist) == [b"A1"] * 3
    only_enter = Typist()
    for _ in range(2):
        only_enter.text("A1")
        only_enter.tap("ENTER")
        only_enter.tap("J", "LEFTCTRL")
    assert read(only_enter, ONLY_ENTER) == [b"A1"] * 2


texts = st.text(st.sampled_from(string.digits + string.ascii_letters + string.punctuation + " \x1d"), max_size=30)


@given(text=texts, caps_lock=st.booleans(), shift=st.sampled_from(["LEFTSHIFT", "RIGHTSHIFT"]))
def test_feed_when_any_text_is_typed_then_it_comes_back(text: str, caps_lock: bool, shift: str) -> None:  # noqa: FBT001 - drawn
    """Every printable sign and GS survive; under Caps Lock, known from the LED at the opening, letters are turned."""
    typist = Typist()
    typist.text(text, shift=shift)
    typist.tap("ENTER")
    expected = text.swapcase() if caps_lock else text
    reader = decoder(KeyState(frozenset(), caps_lock, 0))
    assert frames(reader.feed(typist.events)) == ([expected.encode()] if text else [])


def test_feed_when_shifts_overlap_then_shift_is_a_set_of_held_keys() -> None:
    """With both Shift keys down, releasing one does not end the capitals; a lost release is mended by the next tap."""
    typist = Typist()
    typist.press("LEFTSHIFT")
    typist.tap("A")
    typist.press("RIGHTSHIFT")
    typist.tap("B")
    typist.release("LEFTSHIFT")
    typist.tap("C")
    typist.release("RIGHTSHIFT")
    typist.tap("D")
    typist.press("LEFTSHIFT")
    typist.tap("E", "LEFTSHIFT")
    typist.tap("F")
    typist.tap("ENTER")
    assert read(typist) == [b"ABCdEf"]


def test_feed_when_a_modifier_is_down_at_the_opening_then_it_counts() -> None:
    """A Shift key that was pressed before the device was opened is known from the kernel's state."""
    typist = Typist()
    typist.tap("A")
    typist.release("LEFTSHIFT")
    typist.tap("A")
    typist.tap("ENTER")
    held = KeyState(frozenset({key("LEFTSHIFT")}), caps_lock=False, mono_us=0)
    assert frames(decoder(held).feed(typist.events)) == [b"Aa"]


def test_feed_when_the_led_changes_then_caps_lock_follows_it() -> None:
    """Caps Lock goes by the LED, not by its key: the host decides, and a scanner's key press alone turns nothing."""
    typist = Typist()
    typist.text("a")
    typist.led(caps_lock=True)
    typist.text("a")
    typist.tap("CAPSLOCK")
    typist.text("a1")
    typist.led(caps_lock=False)
    typist.text("a")
    typist.tap("ENTER")
    assert read(typist) == [b"aAA1a"]


def test_feed_when_keys_repeat_then_they_count_once() -> None:
    """The kernel's autorepeat of a key that is held too long adds nothing, of text or Enter."""
    typist = Typist()
    typist.press("1")
    for _ in range(50):
        typist.press("1", value=2)
    typist.release("1")
    typist.press("ENTER")
    typist.press("ENTER", value=2)
    typist.release("ENTER")
    assert read(typist) == [b"1"]


def test_feed_when_keys_overlap_then_the_order_of_presses_counts() -> None:
    """A fast scanner presses the next key before it releases the last one; the same key twice counts twice."""
    typist = Typist()
    typist.press("1")
    typist.press("2")
    typist.release("1")
    typist.press("1")
    typist.press("1")
    typist.press("ENTER")
    assert read(typist) == [b"1211"]


def test_feed_when_the_keypad_is_used_then_its_digits_are_digits() -> None:
    """Keypad digits and signs are text whatever Num Lock and Shift say."""
    typist = Typist()
    for digit in "0123456789":
        typist.tap(f"KP{digit}")
    typist.tap("NUMLOCK")
    typist.tap("KP8", "LEFTSHIFT")
    typist.tap("KPDOT")
    typist.tap("KPENTER")
    assert read(typist) == [b"01234567898."]


@pytest.mark.parametrize("alt", ["LEFTALT", "RIGHTALT"])
@pytest.mark.parametrize(
    ("digits", "octets"),
    [
        ("029", b"\x1d"),
        ("0029", b"\x1d"),
        ("65", b"A"),
        ("0", b"\x00"),
        ("0228", b"\xe4"),
        ("54992", "中".encode("gbk")),
        ("65535", b"\xff\xff"),
    ],
)
def test_feed_when_alt_and_a_number_are_typed_then_it_is_that_character(digits: str, octets: bytes, alt: str) -> None:
    """A number up to 255 is one byte, a larger one two as GBK has them (SCANNERS.md 1.1, row 4)."""
    typist = Typist()
    typist.text("A")
    typist.alt_number(digits, alt=alt)
    typist.text("B")
    typist.tap("ENTER")
    assert read(typist) == [b"A" + octets + b"B"]


def test_feed_when_alt_is_typed_in_one_report_then_the_order_inside_it_counts() -> None:
    """Alt, its keypad keys and the release may all stand in one report, in their order."""
    typist = Typist()
    typist.text("A")
    for name, value in (
        ("LEFTALT", 1),
        ("KP0", 1),
        ("KP2", 1),
        ("KP0", 0),
        ("KP9", 1),
        ("LEFTALT", 0),
        ("KP2", 0),
        ("KP9", 0),
    ):
        typist.say(ecodes.EV_KEY, key(name), value)
    typist.report()
    typist.text("B")
    typist.tap("ENTER")
    assert read(typist) == [b"A\x1dB"]


def test_feed_when_alt_013_is_typed_then_it_ends_a_symbol() -> None:
    """A line end typed as a number is a line end."""
    typist = Typist()
    typist.text("A1")
    typist.alt_number("013")
    assert read(typist) == [b"A1"]
    assert read(typist, ONLY_ENTER) == []


@pytest.mark.parametrize("digits", ["65536", "99999", "0000029", "123456789"])
def test_feed_when_alt_and_no_character_are_typed_then_the_symbol_is_dropped(digits: str) -> None:
    """A number that is no character leaves a piece missing; that is said, and the next symbol is whole."""
    typist = Typist()
    typist.text("A")
    typist.alt_number(digits)
    typist.text("B")
    typist.tap("ENTER")
    typist.text(CODE)
    typist.tap("ENTER")
    assert read(typist) == [(DROPPED, 2), CODE.encode()]


def test_feed_when_alt_is_still_held_at_the_terminator_then_the_symbol_is_dropped() -> None:
    """A number that never got its end is a missing piece."""
    typist = Typist()
    typist.text("A")
    typist.press("LEFTALT")
    typist.tap("KP2")
    typist.press("ENTER")
    assert read(typist) == [(DROPPED, 1)]


@pytest.mark.parametrize("hole", [("F8",), ("A", "LEFTALT"), ("R", "LEFTMETA"), ("F4", "LEFTCTRL"), ("LEFT",)])
def test_feed_when_a_key_without_text_is_pressed_then_only_inside_a_symbol_it_matters(hole: tuple[str, ...]) -> None:
    """F8 for GS, or a hot key: before and behind a symbol it is nothing, inside it the symbol has a piece missing."""
    around = Typist()
    around.tap(*hole)
    around.text("A1")
    around.tap(*hole)
    around.tap("ENTER")
    assert read(around) == [b"A1"]
    inside = Typist()
    inside.text("A")
    inside.tap(*hole)
    inside.text("1")
    inside.tap("ENTER")
    inside.text(CODE)
    inside.tap("ENTER")
    assert read(inside) == [(DROPPED, 2), CODE.encode()]


@pytest.mark.parametrize(
    "hotkey",
    [("DELETE", "LEFTCTRL", "LEFTALT"), ("F4", "LEFTALT"), ("F2", "LEFTCTRL", "LEFTALT"), ("SYSRQ", "LEFTALT")],
    ids=lambda keys: "+".join(reversed(keys)),
)
def test_feed_when_a_hot_key_is_typed_then_nothing_comes_of_it(hotkey: tuple[str, ...]) -> None:
    """Ctrl+Alt+Del and others of a crafted bar code are no text; inside a code they make it a fault (BadBarcode)."""
    typist = Typist()
    typist.tap(*hotkey)
    typist.text(CODE)
    typist.tap("ENTER")
    typist.text(CODE[:7])
    typist.tap(*hotkey)
    typist.text(CODE[7:])
    typist.tap("ENTER")
    assert read(typist) == [CODE.encode(), (DROPPED, 20)]


def test_feed_when_a_key_stands_for_gs_then_it_is_gs_and_no_hole() -> None:
    """F8 inside a code is GS for a scanner that is known to type it so; another function key stays a hole."""
    typist = Typist()
    typist.text("01")
    typist.tap("F8")
    typist.text("21")
    typist.tap("ENTER")
    typist.text("01")
    typist.tap("F9")
    typist.text("21")
    typist.tap("ENTER")
    reader = KeyDecoder(KEYMAPS["us"], ALL, GAP_US, lambda: NOTHING, gs_key=key("F8"))
    assert frames(reader.feed(typist.events)) == [b"01\x1d21", (DROPPED, 4)]


def test_feed_when_the_gap_ends_symbols_then_what_is_damaged_is_a_fault_all_the_same() -> None:
    """A scanner without terminator: silence ends a code, but not one with a hole, a lost key or an open number."""
    typist = Typist()
    typist.text(CODE)
    typist.pause(301)
    typist.text("8")
    typist.tap("F9")
    typist.text("1")
    typist.pause(301)
    typist.text("8")
    typist.press("LEFTALT")
    typist.tap("KP2")
    typist.pause(301)
    typist.release("LEFTALT")
    typist.text("8")
    typist.lose()
    typist.report()
    typist.pause(301)
    typist.text(CODE)
    reader = KeyDecoder(KEYMAPS["us"], ALL, GAP_US, lambda: NOTHING, gap_ends_symbol=True)
    typed = reader.feed(typist.events) + reader.expire(typist.now_us + GAP_US)
    assert frames(typed) == [CODE.encode(), (DROPPED, 2), (DROPPED, 1), (DROPPED, 1), CODE.encode()]
    assert [(one.end, one.began_us > 0) for one in typed[:1]] == [("", True)]


def test_feed_when_the_terminator_never_comes_then_a_fault_comes_after_the_gap() -> None:
    """The gap runs from the last key; the next symbol is whole; a pause shorter than the gap splits nothing."""
    typist = Typist()
    typist.text(CODE[:10])
    typist.pause(298)
    typist.text(CODE[10:])
    last_us = typist.events[-2].mono_us
    typist.pause(299)
    typist.text(CODE)
    typist.tap("ENTER")
    typed = decoder().feed(typist.events)
    assert frames(typed) == [(UNTERMINATED, 20), CODE.encode()]
    assert typed[0].mono_us == last_us + GAP_US


def test_feed_when_a_key_is_stuck_then_its_repeats_hold_up_no_gap() -> None:
    """A key that is never released repeats for ever; the symbol before it is given up all the same."""
    typist = Typist()
    typist.press("1")
    deadline_us = typist.events[1].mono_us + GAP_US
    for _ in range(400):
        typist.press("1", value=2)
    assert decoder().feed(typist.events) == [TypedFrame(Frame(b"", 1, UNTERMINATED), deadline_us)]


def test_expire_when_time_passes_then_it_says_what_feed_would() -> None:
    """The deadline is there while something waits; asked before it nothing comes, asked at it the fault comes."""
    reader = decoder()
    assert reader.deadline_us is None
    typist = Typist()
    typist.text("81")
    reader.feed(typist.events)
    deadline_us = reader.deadline_us
    assert deadline_us == typist.events[-1].mono_us + GAP_US
    assert reader.expire(deadline_us - 1) == []
    assert reader.expire(deadline_us) == [TypedFrame(Frame(b"", 2, UNTERMINATED), deadline_us)]
    assert reader.deadline_us is None


@pytest.mark.parametrize("is_ended", [True, False])
def test_feed_when_a_symbol_is_overlong_then_one_fault_has_its_length(is_ended: bool) -> None:  # noqa: FBT001 - parameter
    """256 bytes are a symbol; 257 are OVERLONG, with or without terminator, and little of it is held."""
    typist = Typist()
    typist.text("8" * MAX_SYMBOL_BYTES)
    typist.tap("ENTER")
    typist.text("8" * 1000)
    if is_ended:
        typist.tap("ENTER")
    typist.pause(1000)
    typist.text(CODE)
    typist.tap("ENTER")
    assert read(typist) == [b"8" * MAX_SYMBOL_BYTES, (OVERLONG, 1000), CODE.encode()]


def test_feed_when_events_are_lost_then_the_scan_is_one_fault_and_the_next_is_whole() -> None:
    """SYN_DROPPED: the rest of its report is ignored, the scan's tail is no symbol, one DROPPED says so at its end."""
    typist = Typist()
    typist.text(CODE[:8])
    typist.lose()
    typist.press("9")  # stands before the SYN_REPORT
    after_us = typist.now_us
    typist.text(CODE[12:])
    typist.tap("ENTER")
    typist.text(CODE)
    typist.tap("ENTER")
    reader = decoder(NOTHING, KeyState(frozenset(), caps_lock=False, mono_us=after_us - 1))
    typed = reader.feed(typist.events)
    assert frames(typed) == [(DROPPED, 16), CODE.encode()]


def test_feed_when_events_are_lost_between_scans_then_that_is_a_fault_too() -> None:
    """Nothing was pending, but what was lost may have been a scan: the gap ends it with one fault."""
    typist = Typist()
    typist.lose()
    typist.report()
    typist.pause(301)
    typist.text(CODE)
    typist.tap("ENTER")
    assert read(typist) == [(DROPPED, 0), CODE.encode()]


def test_feed_when_shift_was_released_in_what_was_lost_then_the_state_says_so() -> None:
    """Held keys and the LED are asked again, both ways: a Shift is let go, another one is found down."""
    typist = Typist()
    typist.press("LEFTSHIFT")
    typist.lose()
    typist.report()
    typist.tap("ENTER")
    typist.text("a")
    typist.tap("ENTER")
    up = KeyState(frozenset({key("A")}), caps_lock=False, mono_us=typist.events[0].mono_us)
    down = KeyState(frozenset({key("RIGHTSHIFT")}), caps_lock=False, mono_us=typist.events[0].mono_us)
    caps = KeyState(frozenset(), caps_lock=True, mono_us=typist.events[0].mono_us)
    for state, text in ((up, b"a"), (down, b"A"), (caps, b"A")):
        assert frames(decoder(NOTHING, state).feed(typist.events)) == [(DROPPED, 0), text]


def test_feed_when_the_state_is_newer_than_waiting_events_then_they_cannot_undo_it() -> None:
    """Asking for held keys empties the kernel's queue: a Shift press already fetched must not outlive its release."""
    typist = Typist()
    typist.lose()
    typist.report()
    typist.press("LEFTSHIFT")  # its release was in the queue that asking has emptied
    asked_us = typist.now_us
    typist.pause(10)
    typist.tap("ENTER")
    typist.text("1")
    typist.tap("ENTER")
    state = KeyState(frozenset(), caps_lock=False, mono_us=asked_us)
    assert frames(decoder(NOTHING, state).feed(typist.events)) == [(DROPPED, 0), b"1"]


def test_feed_when_the_queue_was_emptied_long_after_the_last_event_then_the_tail_is_no_symbol() -> None:
    """A reader that slept loses keys up to when it asked: what follows at once is still the same loss."""
    typist = Typist()
    typist.lose()
    typist.report()
    typist.pause(2000)
    asked_us = typist.now_us
    typist.pause(1)
    typist.text(CODE[5:])
    typist.tap("ENTER")
    typist.text(CODE)
    typist.tap("ENTER")
    state = KeyState(frozenset(), caps_lock=False, mono_us=asked_us)
    assert frames(decoder(NOTHING, state).feed(typist.events)) == [(DROPPED, 15), CODE.encode()]


def test_lose_when_the_device_was_opened_inside_a_scan_then_its_rest_is_no_symbol() -> None:
    """What comes up to the next terminator is one DROPPED fault."""
    reader = decoder()
    typist = Typist()
    reader.lose(typist.now_us)
    typist.text(CODE[5:])
    typist.tap("ENTER")
    typist.text(CODE)
    typist.tap("ENTER")
    assert frames(reader.feed(typist.events)) == [(DROPPED, 15), CODE.encode()]


def test_repr_when_an_event_or_state_is_shown_then_no_text_is_in_it() -> None:
    """Keys spell out identity cards: neither events nor frames show them."""
    state = repr(KeyState(frozenset({key("Q")}), caps_lock=False, mono_us=5))
    event = repr(KeyEvent(1, key("Q"), 1, 5))
    assert event == "KeyEvent(kind=1, mono_us=5)"
    assert state == "KeyState(caps_lock=False, mono_us=5)"
    assert "secret" not in repr(TypedFrame(Frame(b"secret", 6), 5))


keys = st.sampled_from(
    [key(name) for name in ("1", "A", "LEFTSHIFT", "RIGHTSHIFT", "LEFTCTRL", "J", "ENTER", "TAB", "LEFTALT", "KP2")]
    + [key(name) for name in ("KP9", "RIGHTALT", "F8", "CAPSLOCK", "LEFTMETA", "RIGHTBRACE")]
)
steps = st.one_of(
    st.tuples(st.just(ecodes.EV_KEY), keys, st.sampled_from([0, 1, 1, 2])),
    st.tuples(st.just(ecodes.EV_KEY), st.integers(0, 767), st.integers(0, 2)),
    st.tuples(st.just(ecodes.EV_SYN), st.sampled_from([0, 0, 0, 3]), st.just(0)),
    st.tuples(st.just(ecodes.EV_LED), st.integers(0, 2), st.integers(0, 1)),
    st.tuples(st.just(ecodes.EV_MSC), st.just(4), st.integers(0, 9)),
)
streams = st.lists(st.tuples(steps, st.sampled_from([0, 0, 1, 900, 150_000, 299_999, 300_000, 700_000])), max_size=80)


def events_of(stream: list[tuple[tuple[int, int, int], int]]) -> list[KeyEvent]:
    """Put times to drawn events."""
    now_us = 1_000_000
    events = []
    for (kind, code, value), pause_us in stream:
        now_us += pause_us
        events.append(KeyEvent(kind, code, value, now_us))
    return events


@given(
    stream=streams,
    held=st.frozensets(keys, max_size=3),
    late_us=st.integers(0, 400_000),
    set_as=st.tuples(st.sampled_from([None, key("F8")]), st.booleans()),
    data=st.data(),
)
def test_feed_when_the_events_are_split_anywhere_then_the_frames_are_the_same(
    stream: list[tuple[tuple[int, int, int], int]],
    held: frozenset[int],
    late_us: int,
    set_as: tuple[int | None, bool],
    data: st.DataObject,
) -> None:
    """Whole, one by one, in drawn pieces, and with clocks that look in between: the same frames at the same times."""
    events = events_of(stream)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(events)), max_size=6)))
    pieces = [events[start:end] for start, end in zip([0, *cuts], [*cuts, len(events)], strict=True)]
    states = (NOTHING, KeyState(held, caps_lock=True, mono_us=1_000_000 + late_us))
    whole, single, piecewise, watched = (
        decoder(*states, gs_key=set_as[0], gap_ends_symbol=set_as[1]) for _ in range(4)
    )
    expected = whole.feed(events)
    assert [frame for event in events for frame in single.feed([event])] == expected
    assert [frame for piece in pieces for frame in piecewise.feed(piece)] == expected
    seen = []
    for event in events:
        seen += watched.expire(event.mono_us)
        seen += watched.feed([event])
    assert seen == expected
    end_us = 10**12
    assert whole.expire(end_us) == single.expire(end_us) == piecewise.expire(end_us) == watched.expire(end_us)
    assert whole.deadline_us is None


@given(stream=streams)
def test_feed_when_garbage_was_typed_then_the_next_code_is_whole(
    stream: list[tuple[tuple[int, int, int], int]],
) -> None:
    """After any events, once the modifiers are up, reports are whole and the gap has passed, a code is read."""
    reader = decoder(KeyState(frozenset(), caps_lock=False, mono_us=0))
    events = events_of(stream)
    for typed in reader.feed(events):
        assert len(typed.frame.data) <= MAX_SYMBOL_BYTES
        assert bool(typed.frame.data) == (typed.frame.fault is None)
    typist = Typist(2_000_000 + (events[-1].mono_us if events else 0))
    typist.report()
    for name in ("LEFTSHIFT", "RIGHTSHIFT", "LEFTCTRL", "RIGHTCTRL", "LEFTALT", "RIGHTALT", "LEFTMETA", "RIGHTMETA"):
        typist.release(name)
    typist.pause(301)
    typist.text(CODE)
    typist.tap("ENTER")
    assert frames(reader.feed(typist.events))[-1:] == [CODE.encode()]


@given(
    stream=st.lists(st.sampled_from([*"0123456789", "ENTER", "LOSE", "PAUSE"]), max_size=80),
)
def test_feed_when_scans_and_losses_follow_each_other_then_no_code_is_half(stream: list[str]) -> None:
    """Against a model on strings: a scan with a loss in it is a fault, every other one comes whole."""
    expected: list[ReadFault | bytes] = []
    typist, text, is_lost = Typist(), "", False
    for step in [*stream, "PAUSE", "0"]:
        if step == "LOSE":
            typist.lose()
            typist.report()
            is_lost = True
        elif step in {"ENTER", "PAUSE"}:
            if step == "PAUSE":
                typist.pause(400)
            else:
                typist.tap("ENTER")
            if is_lost:
                expected.append(DROPPED)
            elif text:
                expected.append(UNTERMINATED if step == "PAUSE" else text.encode())
            text, is_lost = "", False
        else:
            typist.tap(step)
            text += step
    seen = [frame.frame.fault or frame.frame.data for frame in decoder().feed(typist.events)]
    assert seen == expected
