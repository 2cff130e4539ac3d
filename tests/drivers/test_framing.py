"""Framing: any split of the input gives the same frames, and memory stays bounded."""

import random
import re
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yaoma_drivers.framing import Frame, Framer
from yaoma_drivers.symbol import MAX_SYMBOL_BYTES, ReadFault

CODE = b"81234567890123456789"
TERMINATOR_SETS = [
    (b"\r",),
    (b"\r", b"\n"),
    (b"\r\n",),
    (b"\n", b"\r\n"),
    (b"\t",),
    (b"\x03",),
    (b"\r", b"\t", b"\x03"),
]
# Few different bytes, so that terminators and prefixes are frequent and overlap.
streams = st.lists(
    st.one_of(
        st.sampled_from([b"\r", b"\n", b"\r\n", b"\t", b"\x02", b"\x03", b"8", CODE, b"\x1d"]),
        st.binary(max_size=12),
        st.integers(0, 40).map(lambda count: b"9" * count),
    ),
    max_size=40,
).map(b"".join)
terminator_sets = st.sampled_from(TERMINATOR_SETS)
prefixes = st.sampled_from([b"", b"\x02", b"S1"])


@given(octets=streams, terminators=terminator_sets, prefix=prefixes, max_bytes=st.integers(1, 30), data=st.data())
def test_feed_when_the_input_is_split_anywhere_then_the_frames_are_the_same(
    octets: bytes, terminators: tuple[bytes, ...], prefix: bytes, max_bytes: int, data: st.DataObject
) -> None:
    """Whole, byte by byte, and in drawn pieces: the same frames, and the same rest at the end."""
    cuts = sorted(data.draw(st.lists(st.integers(0, len(octets)), max_size=8)))
    pieces = [octets[start:end] for start, end in zip([0, *cuts], [*cuts, len(octets)], strict=True)]
    whole, bytewise, piecewise = (Framer(terminators, prefix=prefix, max_bytes=max_bytes) for _ in range(3))
    expected = whole.feed(octets)
    assert [frame for octet in octets for frame in bytewise.feed(bytes([octet]))] == expected
    assert [frame for piece in pieces for frame in piecewise.feed(piece)] == expected
    assert whole.is_pending == bytewise.is_pending == piecewise.is_pending
    assert whole.flush() == bytewise.flush() == piecewise.flush()
    assert not whole.is_pending


@given(octets=streams, max_bytes=st.integers(1, 30))
def test_feed_when_cr_and_lf_end_symbols_then_the_frames_are_what_stands_between(octets: bytes, max_bytes: int) -> None:
    """Each non-empty piece between line ends is a frame, or one OVERLONG fault with its length."""
    pieces = [piece for piece in re.split(rb"[\r\n]", octets)[:-1] if piece]
    assert Framer((b"\r", b"\n"), max_bytes=max_bytes).feed(octets) == [
        Frame(piece, len(piece)) if len(piece) <= max_bytes else Frame(b"", len(piece), ReadFault.OVERLONG)
        for piece in pieces
    ]


@given(octets=st.binary(max_size=300), terminators=terminator_sets, prefix=prefixes)
def test_feed_when_garbage_comes_then_the_next_code_is_whole(
    octets: bytes, terminators: tuple[bytes, ...], prefix: bytes
) -> None:
    """After any bytes and one terminator the framer is in step again."""
    framer = Framer(terminators, prefix=prefix)
    framer.feed(octets)
    framer.feed(terminators[-1])
    assert framer.feed(prefix + CODE + terminators[-1]) == [Frame(CODE, 20)]


@pytest.mark.parametrize("count", [1_000_000, pytest.param(10_000_000, marks=pytest.mark.slow)])
def test_feed_when_megabytes_come_byte_by_byte_then_little_is_held(count: int) -> None:
    """Random bytes with rare terminators never fill the buffer beyond one symbol and a terminator."""
    framer = Framer((b"\r\n", b"\x03\x03"))
    frames = 0
    most = 0
    for octet in random.Random(10).randbytes(count):
        frames += len(framer.feed(bytes([octet])))
        most = max(most, len(framer._held))
    assert frames > count // 50_000
    assert most <= MAX_SYMBOL_BYTES + 2


def test_feed_when_ten_megabytes_come_at_once_then_no_second_copy_is_made() -> None:
    """A chunk of 10 MB of random bytes is cut with less than 200 kB beside it."""
    octets = random.Random(10).randbytes(10_000_000)
    framer = Framer((b"\r\n", b"\x03\x03"))
    tracemalloc.start()
    try:
        frames = framer.feed(octets)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(frames) > 200
    assert peak_bytes < 200_000


def test_feed_when_no_terminator_ever_comes_then_only_the_length_is_kept() -> None:
    """A megabyte without terminator is one OVERLONG fault, at the terminator, with the whole length."""
    framer = Framer((b"\r",))
    assert framer.feed(b"7" * 1_000_000) == []
    assert framer.is_pending
    assert framer.feed(b"\r" + CODE + b"\r") == [Frame(b"", 1_000_000, ReadFault.OVERLONG), Frame(CODE, 20)]


def test_feed_when_a_symbol_is_as_long_as_allowed_then_it_is_whole() -> None:
    """The limit itself is allowed, with and without a prefix; one byte more is a fault."""
    for prefix in (b"", b"\x02"):
        framer = Framer((b"\r",), prefix=prefix)
        assert framer.feed(prefix + b"7" * 256 + b"\r") == [Frame(b"7" * 256, 256)]
        assert [frame.fault for frame in framer.feed(prefix + b"7" * 257 + b"\r")] == [ReadFault.OVERLONG]


def test_feed_when_a_prefix_is_expected_then_it_is_taken_off_and_missed() -> None:
    """STX and ETX are taken off; noise before STX is dropped, an identifier is kept; without STX it is a fault."""
    framer = Framer((b"\x03",), prefix=b"\x02")
    assert framer.feed(b"\x02" + CODE + b"\x03\r\n\x02" + CODE + b"\x03") == [Frame(CODE, 20)] * 2
    assert framer.feed(b"\xff\x00\x02" + CODE + b"\x03") == [Frame(CODE, 20)]
    assert framer.feed(b"\x00]C0\x02" + CODE + b"\x03") == [Frame(b"]C0" + CODE, 23)]
    assert framer.feed(CODE + b"\x03") == [Frame(b"", 20, ReadFault.DROPPED)]
    assert framer.feed(b"\x02\x03") == []


def test_flush_when_the_line_falls_silent_then_the_option_decides() -> None:
    """The same rest is a fault by default and a symbol with idle_ends_symbol; line ends alone are nothing."""
    strict = Framer((b"\r",))
    strict.feed(CODE)
    assert strict.flush() == [Frame(b"", 20, ReadFault.UNTERMINATED)]
    assert strict.feed(b"\n") == strict.flush() == []
    lenient = Framer((), idle_ends_symbol=True)
    lenient.feed(CODE)
    assert lenient.flush() == [Frame(CODE, 20)]
    lenient.feed(b"7" * 300)
    assert lenient.flush() == [Frame(b"", 300, ReadFault.OVERLONG)]


@pytest.mark.parametrize("terminators", [(), (b"",), (b"\r", b"\r\n"), (b"ABC", b"B")])
def test_framer_when_terminators_cannot_work_then_it_refuses(terminators: tuple[bytes, ...]) -> None:
    """None at all, an empty one, and one that begins with or holds another are refused at once."""
    with pytest.raises(ValueError, match="terminator"):
        Framer(terminators)


def test_frame_when_printed_then_its_bytes_do_not_show() -> None:
    """A frame may be an identity card; its repr has the length only."""
    assert "8123" not in repr(Framer((b"\r",)).feed(CODE + b"\r"))
