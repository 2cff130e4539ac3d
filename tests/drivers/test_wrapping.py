"""What a scanner puts around a symbol comes off again, and nothing else does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yaoma_drivers.framing import Frame
from yaoma_drivers.symbol import ReadFault
from yaoma_drivers.wrapping import Wrapping, key_name, key_of, stands_for_gs

DROPPED = ReadFault.DROPPED


def unwrapped(wrapping: Wrapping, data: bytes) -> bytes | ReadFault | None:
    """Return the bytes, or the fault."""
    frame = wrapping.unwrap(Frame(data, len(data)))
    return frame.data or frame.fault


@given(data=st.binary(min_size=1, max_size=60))
def test_unwrap_when_nothing_is_set_then_every_frame_stays(data: bytes) -> None:
    """The default changes nothing, whatever the bytes."""
    assert Wrapping().unwrap(Frame(data, len(data))) == Frame(data, len(data))


@given(
    data=st.binary(min_size=1, max_size=40),
    prefix=st.binary(max_size=16),
    suffix=st.binary(max_size=16),
    aim=st.sampled_from([b"", b"]C1", b"]d2"]),
)
def test_unwrap_when_prefix_and_suffix_are_there_then_they_come_off(
    data: bytes, prefix: bytes, suffix: bytes, aim: bytes
) -> None:
    """Around any bytes, with the identifier behind the prefix."""
    wrapping = Wrapping(prefix, suffix)
    assert unwrapped(wrapping, prefix + aim + data + suffix) == aim + data


@given(
    data=st.binary(max_size=300),
    wrapping=st.builds(
        Wrapping,
        st.binary(max_size=16),
        st.binary(max_size=16),
        st.sampled_from(["kept", "swapped", "upper", "lower"]),
        st.sampled_from([b"", b"~", b"<GS>"]),
    ),
)
def test_unwrap_when_any_bytes_come_then_it_is_a_shorter_text_or_a_fault(data: bytes, wrapping: Wrapping) -> None:
    """Nothing is raised and nothing grows; what is a fault holds no bytes and keeps its length."""
    frame = wrapping.unwrap(Frame(data, len(data)))
    assert len(frame.data) <= len(data)
    assert (frame.data == b"") == (frame.fault is DROPPED)
    assert frame.length == (len(data) if frame.fault else len(frame.data))


@pytest.mark.parametrize("typed", [b"81", b"<81", b"81>", b"<>", b"<", b">", b"]C0", b"x<81>"])
def test_unwrap_when_prefix_or_suffix_is_missing_then_the_symbol_has_lost_a_piece(typed: bytes) -> None:
    """A frame that lacks one of them, or holds nothing else, is DROPPED: its length is told, its bytes are not."""
    frame = Wrapping(b"<", b">").unwrap(Frame(typed, len(typed)))
    assert (frame.data, frame.fault, frame.length) == (b"", DROPPED, len(typed))


@pytest.mark.parametrize(("apart", "meant"), [("]d2", b"01\x1d10"), ("]C0", b"01~10"), ("", b"01\x1d10")])
def test_unwrap_when_the_identifier_came_beside_the_text_then_it_says_what_the_text_is(
    apart: str, meant: bytes
) -> None:
    """In reports and packets it stands in a field of its own, which no change of case touches."""
    wrapping = Wrapping(b"<", b">", "upper", b"~")
    assert wrapping.unwrap(Frame(b"<01~10>", 7), apart) == Frame(meant, len(meant))
    text = b"<]E0A>"
    assert wrapping.unwrap(Frame(text, 6), "]C0").data == b"]E0A"


def test_unwrap_when_the_identifier_stands_first_then_it_is_kept() -> None:
    """Some scanners send the identifier before their own prefix; a faulty frame stays what it is."""
    wrapping = Wrapping(b"<", b">")
    assert unwrapped(wrapping, b"]C0<81>") == b"]C081"
    lost = Frame(b"", 7, ReadFault.UNTERMINATED)
    assert wrapping.unwrap(lost) is lost


@pytest.mark.parametrize(
    ("case", "typed", "meant"),
    [
        ("swapped", b"]c1aB1", b"]C1Ab1"),
        ("upper", b"]D2AB", b"]d2AB"),
        ("upper", b"]C1AB", b"]C1AB"),
        ("upper", b"]E0690", b"690"),
        ("lower", b"]c1ab", b"]C1ab"),
        ("lower", b"]d2ab", b"]d2ab"),
        ("lower", b"]q3ab", b"]Q3ab"),
        ("lower", b"]e0690", b"690"),
        ("kept", b"]c1aB", b"]c1aB"),
    ],
)
def test_unwrap_when_case_was_changed_then_the_identifier_is_mended_if_it_can_be_told(
    case: str, typed: bytes, meant: bytes
) -> None:
    """A swapped case is turned back; of a converted one only identifiers, and none that may mean two symbologies."""
    assert unwrapped(Wrapping(case=case), typed) == meant  # type: ignore[arg-type]  # the names of the test's table


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (b"]d20106901234567892~21A", b"]d20106901234567892\x1d21A"),
        (b"]C1~01~", b"]C1\x1d01\x1d"),
        (b"0106901234567892~21A", b"0106901234567892\x1d21A"),
        (b"~0106901234567892~21A", b"\x1d0106901234567892\x1d21A"),
        (b"]Q1http://x.cn/~a", b"]Q1http://x.cn/~a"),
        (b"http://x.cn/~a", b"http://x.cn/~a"),
        (b"]C001~", b"]C001~"),
    ],
)
def test_unwrap_when_text_stands_for_gs_then_only_in_what_may_be_gs1(typed: bytes, meant: bytes) -> None:
    """The identifier decides; without one, whether it begins with the field of a GTIN."""
    assert unwrapped(Wrapping(gs_text=b"~"), typed) == meant


def test_stand_in_when_named_then_keys_have_the_kernels_numbers_and_codes_are_safe() -> None:
    """F1 to F24 by number and back; letters and digits alone never stand for GS."""
    assert [key_of(name) for name in ("F1", "F8", "F10", "F11", "F12", "F13", "F24")] == [59, 66, 68, 87, 88, 183, 194]
    assert [key_name(code) for code in (59, 66, 68, 87, 88, 183, 194, 28)] == [
        "F1", "F8", "F10", "F11", "F12", "F13", "F24", "",
    ]  # fmt: skip
    assert key_of("~") is None
    assert all(map(stands_for_gs, ("F8", "~", "|", "<GS>", "^]", "{GS}", "\\F")))
    assert not any(map(stands_for_gs, ("", "GS", "029", "F25", " ", "\x1e", "~" * 9, "～")))
