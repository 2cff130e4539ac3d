"""SSI packets: the bytes of public manuals, and a reader that finds its way back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yaoma_drivers.ssi_packet import Garbled, NakCause, Opcode, SsiPacket, SsiReader, packet_bytes

CODE = b"81234567890123456789"
SCAN = SsiPacket(Opcode.DECODE_DATA, b"\x03" + CODE, source=0)

packets = st.builds(
    SsiPacket,
    opcode=st.integers(0, 255),
    data=st.binary(max_size=251),
    source=st.just(0),
    status=st.sampled_from([0, 1, 2, 3, 8]),
)


def read(octets: bytes) -> list[SsiPacket | Garbled]:
    """Read everything that there will ever be."""
    reader = SsiReader()
    return reader.feed(octets) + reader.flush()


@pytest.mark.parametrize(
    ("packet", "octets"),
    [
        (SsiPacket(Opcode.CMD_ACK), "04 D0 04 00 FF 28"),
        (SsiPacket(Opcode.BEEP, b"\x00"), "05 E6 04 00 00 FF 11"),
        (SsiPacket(Opcode.CMD_NAK, bytes((NakCause.RESEND,))), "05 D1 04 00 01 FF 25"),
        (SsiPacket(Opcode.START_DECODE).resent(), "04 E4 04 01 FF 13"),
    ],
)
def test_to_bytes_when_a_manual_has_the_packet_then_it_is_that(packet: SsiPacket, octets: str) -> None:
    """Length without checksum, opcode, source, status, data, checksum with its high byte first."""
    assert packet.to_bytes() == bytes.fromhex(octets)


def test_packet_bytes_when_a_profile_gives_a_command_then_its_first_byte_is_the_opcode() -> None:
    """`E6 00` is BEEP with one byte of data."""
    assert packet_bytes(b"\xe6\x00") == SsiPacket(Opcode.BEEP, b"\x00")
    with pytest.raises(ValueError, match="251"):
        SsiPacket(Opcode.BEEP, bytes(252)).to_bytes()


def test_repr_when_a_packet_is_shown_then_its_text_is_not() -> None:
    """What was scanned may be an identity card."""
    assert "8123" not in repr(SCAN)


@given(st.lists(packets, max_size=6))
def test_feed_when_packets_follow_each_other_then_all_are_found(sent: list[SsiPacket]) -> None:
    """Nothing is lost between them, and nothing waits behind the last."""
    reader = SsiReader()
    assert reader.feed(b"".join(packet.to_bytes() for packet in sent)) == sent
    assert not reader.is_pending


@given(st.lists(st.one_of(packets.map(SsiPacket.to_bytes), st.binary(max_size=40)), max_size=6).map(b"".join))
def test_feed_when_bytes_come_one_by_one_then_nothing_changes(octets: bytes) -> None:
    """Any split gives the same packets and the same damage; what is held is bounded."""
    whole, single = SsiReader(), SsiReader()
    found = whole.feed(octets)
    assert [part for octet in octets for part in single.feed(bytes((octet,)))] == found
    assert len(whole._held) <= 257
    assert single.flush() == whole.flush()
    assert not whole.is_pending


@given(st.binary(max_size=600))
def test_feed_when_it_is_noise_then_it_comes_to_an_end(octets: bytes) -> None:
    """No bytes make it fail or hold on to anything after silence, and the next packet is found."""
    reader = SsiReader()
    reader.feed(octets)
    reader.flush()
    assert reader.feed(SCAN.to_bytes()) == [SCAN]


@given(st.integers(0, 26), st.integers(1, 255))
def test_feed_when_one_byte_is_damaged_then_no_wrong_text_comes(place: int, change: int) -> None:
    """A scan with a wrong byte is never taken, and the scan that follows after a silence is."""
    octets = bytearray(SCAN.to_bytes())
    octets[place] ^= change
    reader = SsiReader()
    found = reader.feed(bytes(octets)) + reader.flush()
    assert not any(isinstance(part, SsiPacket) for part in found)
    assert len([part for part in found if isinstance(part, Garbled)]) == 1
    assert reader.feed(SCAN.resent().to_bytes()) == [SCAN.resent()]


def test_feed_when_a_packet_is_damaged_then_it_is_told_at_once_and_the_next_is_found() -> None:
    """The scanner waits for the answer: one NAK for one damaged packet, without waiting for silence."""
    damaged = bytearray(SCAN.to_bytes())
    damaged[10] ^= 1
    reader = SsiReader()
    assert reader.feed(bytes(damaged)) == [Garbled(len(damaged))]
    assert reader.feed(SCAN.resent().to_bytes()) + reader.flush() == [SCAN.resent()]


def test_feed_when_damage_comes_twice_then_it_is_told_twice() -> None:
    """A whole packet in between ends the one run of damage; noise before it is forgiven."""
    damaged = bytearray(SCAN.to_bytes())
    damaged[10] ^= 1
    reader = SsiReader()
    for _ in range(2):
        assert reader.feed(bytes(damaged)) == [Garbled(len(damaged))]
        assert reader.feed(b"\x02" + SCAN.to_bytes()) == [SCAN]
    assert not reader.is_pending


def test_flush_when_a_packet_was_cut_off_then_it_is_told_and_forgotten() -> None:
    """Half a packet is damage with its length; nothing of it is left in memory."""
    reader = SsiReader()
    assert reader.feed(SCAN.to_bytes()[:9]) == []
    assert reader.is_pending
    assert reader.flush() == [Garbled(9)]
    assert not reader.is_pending
    assert not any(reader._held)


def test_read_when_the_scanner_sends_text_without_packets_then_it_is_damage_not_silence() -> None:
    """A scanner that is not set to packets is noticed: the operator gets a fault, not nothing."""
    (found,) = read(CODE + b"\r\n")
    assert isinstance(found, Garbled)


def test_read_when_a_line_wakes_up_with_nul_then_that_is_nothing() -> None:
    """NUL before a packet is dropped without a word."""
    assert read(b"\0\0\0" + SCAN.to_bytes()) == [SCAN]
    assert read(b"\0\0") == []
