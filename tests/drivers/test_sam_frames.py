"""Frames of identity card readers: cut out of any bytes, and of a card nothing but a number that checks."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.card_reader import CARD_NUMBER, base_information
from yaoma_drivers.sam_frames import Ask, SamAnswer, SamFramer, card_number, frame, request

_READ = frame(b"\0\0\x90" + base_information())


@pytest.mark.parametrize(
    ("ask", "octets"),
    [
        (Ask.STATUS, "AAAAAA96690003 11FF ED"),
        (Ask.FIND, "AAAAAA96690003 2001 22"),
        (Ask.SELECT, "AAAAAA96690003 2002 21"),
        (Ask.READ, "AAAAAA96690003 3001 32"),
    ],
)
def test_request_when_framed_then_it_is_what_others_programs_send(ask: Ask, octets: str) -> None:
    """Byte for byte what several public programs send, which do not know of each other."""
    assert bytes.fromhex(octets) == request(ask)


@pytest.mark.parametrize(
    ("octets", "answer"),
    [
        ("AAAAAA96690008 00009F 00000000 97", SamAnswer(0x9F, bytes(4))),
        ("AAAAAA9669000C 000090 0000000000000000 9C", SamAnswer(0x90, bytes(8))),
        ("AAAAAA96690004 000080 84", SamAnswer(0x80)),
        ("AAAAAA96690004 000081 85", SamAnswer(0x81)),
        ("AAAAAA96690004 000041 45", SamAnswer(0x41)),
    ],
)
def test_answer_when_it_stands_in_others_programs_then_it_is_understood(octets: str, answer: SamAnswer) -> None:
    """Answers as several public programs expect them: card found, chosen, none there, not chosen, not read."""
    assert [answer] == SamFramer().feed(bytes.fromhex(octets))


def test_base_information_when_framed_then_it_has_the_length_that_everybody_expects() -> None:
    """A whole answer has 1295 bytes and counts 0x0508."""
    assert (1295, "0508") == (len(_READ), _READ[5:7].hex())


@given(st.binary(max_size=3000), st.lists(st.integers(0, 3000), max_size=8))
def test_framer_when_it_gets_any_bytes_in_any_pieces_then_it_gives_the_same(octets: bytes, cuts: list[int]) -> None:
    """Whole or in pieces, noise is skipped the same way, and no more than one frame is ever kept."""
    whole = SamFramer().feed(octets)
    framer, pieces = SamFramer(), []
    edges = [0, *sorted(cuts), len(octets)]
    for start, end in pairwise(edges):
        pieces += framer.feed(octets[start:end])
        assert len(framer._waiting) <= 2400
    assert whole == pieces


@given(
    st.lists(st.one_of(st.binary(max_size=40), st.just(b"\xaa"), st.just(b"\xaa\xaa\xaa\x96\x69")), max_size=4),
    st.lists(st.binary(max_size=60), min_size=1, max_size=4),
)
def test_framer_when_noise_is_before_answers_then_answers_that_begin_clean_are_found(
    noise: list[bytes], contents: list[bytes]
) -> None:
    """After a whole answer the next is found; noise may cost those that it runs into, and never makes one up."""
    sent = [SamAnswer(0x90, content) for content in contents]
    octets = b"".join(noise) + b"".join(frame(b"\0\0\x90" + content) for content in contents)
    # What looks like a long frame in the noise is given up only once so many bytes have come.
    found = SamFramer().feed(octets + bytes(2400))
    assert [answer for answer in found if answer in sent][-len(sent) :] == sent


@given(st.integers(0, len(_READ) - 1), st.integers(1, 255))
def test_framer_when_one_byte_is_wrong_then_there_is_no_card(at: int, change: int) -> None:
    """No single wrong byte of an answer passes: preamble, length, status, text and check are all covered."""
    broken = _READ[:at] + bytes([_READ[at] ^ change]) + _READ[at + 1 :]
    assert [] == [answer for answer in SamFramer().feed(broken + bytes(2400)) if card_number(answer.data)]


def test_card_when_it_is_read_then_its_number_is_given_and_nothing_else_can_be() -> None:
    """Of name, address and photograph there is no trace in what is given, nor in the answer's repr."""
    (answer,) = SamFramer().feed(_READ)
    assert CARD_NUMBER == card_number(answer.data)
    assert CARD_NUMBER not in repr(answer)
    assert "张" not in repr(answer)


@pytest.mark.parametrize(
    "number",
    [
        "",
        "11010519491231002",
        "110105194912310021",
        "11010519491231003X",
        "BRA123456789012",
        "01010519491231002X",
        "x" * 18,
    ],
)
def test_card_when_its_number_does_not_check_then_there_is_none(number: str) -> None:
    """A wrong check digit, another length or letters are no number: nobody is taken for somebody else."""
    assert card_number(base_information(number)) is None


@given(st.binary(max_size=1400))
def test_card_when_it_says_anything_then_what_is_given_is_a_number_or_nothing(data: bytes) -> None:
    """Any bytes are either 18 characters that check, or no number."""
    number = card_number(data)
    assert number is None or (len(number) == 18 and number[:17].isdecimal())


@given(st.binary(min_size=36, max_size=36))
def test_card_when_its_number_field_holds_anything_then_it_is_a_number_or_nothing(octets: bytes) -> None:
    """The field itself may hold half characters, surrogates and digits of other scripts."""
    data = bytearray(base_information())
    data[126:162] = octets
    number = card_number(bytes(data))
    assert number is None or number.isascii()
