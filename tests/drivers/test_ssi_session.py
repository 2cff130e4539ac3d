"""The host's side of SSI: acknowledgments, repetitions in both directions, and what becomes a scan."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yaoma_drivers.framing import Frame
from yaoma_drivers.ssi_code_type import aim_of
from yaoma_drivers.ssi_packet import NakCause, Opcode, SsiPacket
from yaoma_drivers.ssi_session import SsiScan, SsiSession
from yaoma_drivers.symbol import ReadFault
from yaoma_drivers.symbology import symbology_name

CODE = b"81234567890123456789"
ACK = SsiPacket(Opcode.CMD_ACK)
BEEP = SsiPacket(Opcode.BEEP, b"\x00")


def scan(text: bytes = CODE, code_type: int = 0x03, status: int = 0) -> SsiPacket:
    """Make the packet of a scan."""
    return SsiPacket(Opcode.DECODE_DATA, bytes((code_type,)) + text, source=0, status=status)


def nak(cause: NakCause) -> SsiPacket:
    """Make our NAK."""
    return SsiPacket(Opcode.CMD_NAK, bytes((cause,)))


def from_scanner(opcode: Opcode, data: bytes = b"") -> bytes:
    """Make a packet of the scanner."""
    return SsiPacket(opcode, data, source=0).to_bytes()


def sent(session: SsiSession, now_ms: int = 0) -> list[SsiPacket]:
    """What the session writes now."""
    packets = []
    octets = session.outgoing(now_ms)
    while octets:
        length = octets[0]
        packets.append(SsiPacket(octets[1], octets[4:length], octets[2], octets[3]))
        octets = octets[length + 2 :]
    return packets


def texts(scans: list[SsiScan]) -> list[tuple[bytes, str]]:
    """Give what was read and as what."""
    return [(one.frame.data, one.aim) for one in scans]


def test_heard_when_a_scan_comes_then_it_is_acknowledged_and_has_its_symbology() -> None:
    """The code type becomes an AIM identifier; a suffix that the scanner adds is no text."""
    session = SsiSession()
    assert texts(session.heard(scan().to_bytes(), 0)) == [(CODE, "]C0")]
    assert sent(session) == [ACK]
    assert texts(session.heard(scan(b"0106901234567892\r\n", 0xC1).to_bytes(), 0)) == [(b"0106901234567892", "]d2")]
    assert texts(session.heard(scan(b"]C1" + CODE, 0x03).to_bytes(), 0)) == [(CODE, "]C1")]
    assert texts(session.heard(scan(CODE, 0x5A).to_bytes(), 0)) == [(CODE, "")]


def test_heard_when_our_answer_was_lost_then_the_scan_counts_once() -> None:
    """The scanner sends it again with the mark for that; it is acknowledged again and no second scan."""
    session = SsiSession()
    assert len(session.heard(scan().to_bytes(), 0)) == 1
    assert session.heard(scan(status=1).to_bytes(), 2000) == []
    assert sent(session) == [ACK, ACK]
    assert len(session.heard(scan().to_bytes(), 3000)) == 1


def test_heard_when_the_first_transmission_was_damaged_then_the_second_is_the_scan() -> None:
    """A damaged packet is answered with NAK RESEND; what comes again counts, also if it equals the scan before."""
    session = SsiSession()
    assert len(session.heard(scan().to_bytes(), 0)) == 1
    damaged = bytearray(scan().to_bytes())
    damaged[8] ^= 4
    assert session.heard(bytes(damaged), 100) == []
    assert len(session.heard(scan(status=1).to_bytes(), 200)) == 1
    assert session.overdue_ms is None
    assert sent(session) == [ACK, nak(NakCause.RESEND), ACK]


def test_overdue_when_a_damaged_scan_never_comes_again_then_it_is_a_fault() -> None:
    """The operator pulled the trigger and must see something."""
    session = SsiSession()
    session.heard(scan().to_bytes()[:12], 0)
    assert session.is_pending
    assert session.silent(200) == []
    assert sent(session) == [nak(NakCause.RESEND)]
    assert session.overdue(2699) == []
    assert session.overdue_ms == 2700
    assert session.overdue(2700) == [SsiScan(Frame(b"", 12, ReadFault.DROPPED))]
    assert session.overdue(9999) == []


@pytest.mark.parametrize(
    ("packets", "fault"),
    [
        ([scan(b"7" * 200, status=2), scan(b"7" * 200)], ReadFault.OVERLONG),
        ([scan(b"7" * 200, status=2), scan(b"7" * 200, status=2), scan(b"8" * 9)], ReadFault.OVERLONG),
        ([scan(b"7" * 100, status=2), scan(b"8" * 100, code_type=0x1C)], ReadFault.DROPPED),
        ([scan(b"7" * 100, status=2), SsiPacket(Opcode.DECODE_DATA, b"", source=0)], ReadFault.DROPPED),
        ([SsiPacket(Opcode.MULTIPACKET_SEGMENT, bytes(251), source=0)], ReadFault.OVERLONG),
        ([scan(b"")], ReadFault.DROPPED),
        ([SsiPacket(Opcode.DECODE_DATA, b"", source=0)], ReadFault.DROPPED),
        ([scan(b"]C1")], ReadFault.DROPPED),
    ],
)
def test_heard_when_there_is_no_text_for_us_then_a_fault_comes(packets: list[SsiPacket], fault: ReadFault) -> None:
    """Too long for any code, parts that do not belong together, a type without text. Nothing of the text stays."""
    session = SsiSession()
    (found,) = session.heard(b"".join(packet.to_bytes() for packet in packets), 0)
    assert (found.frame.data, found.frame.fault) == (b"", fault)
    assert not session._parts._text
    assert len(sent(session)) == len(packets)
    assert texts(session.heard(scan().to_bytes(), 0)) == [(CODE, "]C0")]


LONG = b"YAOMA1." + b"A" * 249


@pytest.mark.parametrize("sizes", [[250, 6], [100, 100, 56], [1, 255 - 5, 5], [250, 0, 6]])
@pytest.mark.parametrize("step", [1, 7, 10_000])
def test_heard_when_a_scan_has_several_packets_then_they_are_one_text(sizes: list[int], step: int) -> None:
    """Each packet has the code type and its own acknowledgment; one that comes twice counts once; whole or in bits."""
    session, octets, at = SsiSession(), b"", 0
    for size in sizes:
        part, at = LONG[at : at + size], at + size
        more = 0x02 if at < len(LONG) else 0
        end = b"" if more else b"\r\n"[: 250 - size]
        octets += scan(part + end, 0x1C, more).to_bytes() + scan(part + end, 0x1C, more | 0x01).to_bytes()
    found = [one for start in range(0, len(octets), step) for one in session.heard(octets[start : start + step], 0)]
    assert texts(found) == [(LONG, "]Q1")]
    assert sent(session)[-1] == ACK
    assert session.overdue_ms is None
    assert texts(session.heard(scan().to_bytes(), 0)) == [(CODE, "]C0")]


def test_heard_when_the_last_packet_never_comes_then_it_is_a_fault_and_no_beginning_of_the_next() -> None:
    """Half a text in front of the next scan would be a code that stands on no pack."""
    session = SsiSession()
    assert session.heard(scan(b"7" * 30, status=2).to_bytes(), 0) == []
    assert session.overdue_ms == 2500
    assert session.overdue(2499) == []
    assert session.overdue(2500) == [SsiScan(Frame(b"", 30, ReadFault.DROPPED))]
    assert texts(session.heard(scan().to_bytes(), 2600)) == [(CODE, "]C0")]

    assert session.heard(scan(b"7" * 30, status=2).to_bytes(), 3000) == []
    dropped, whole = session.heard(scan().to_bytes(), 5500)
    assert dropped.frame.fault is ReadFault.DROPPED
    assert whole.frame.data == CODE


def test_heard_when_a_packet_in_the_middle_was_damaged_then_its_repetition_goes_on() -> None:
    """The text is put together once the damaged packet has come again."""
    session = SsiSession()
    damaged = bytearray(scan(b"4567", status=2).to_bytes())
    damaged[6] ^= 1
    assert session.heard(scan(b"0123", status=2).to_bytes() + bytes(damaged), 0) == []
    assert sent(session) == [ACK, nak(NakCause.RESEND)]
    assert texts(session.heard(scan(b"4567", status=3).to_bytes() + scan(b"89").to_bytes(), 100)) == [
        (b"0123456789", "]C0")
    ]
    assert session.overdue_ms is None


def test_heard_when_it_is_no_scan_then_it_is_answered_as_what_it_is() -> None:
    """An event is acknowledged, an image is not wanted, an acknowledgment nobody waits for is nothing."""
    session = SsiSession()
    assert session.heard(from_scanner(Opcode.EVENT, b"\x0f") + from_scanner(Opcode.CMD_ACK), 0) == []
    assert session.heard(SsiPacket(0xB1, b"picture", source=0).to_bytes(), 0) == []
    assert sent(session) == [ACK, nak(NakCause.BAD_CONTEXT)]


def test_command_when_it_is_acknowledged_then_the_next_goes_out() -> None:
    """One command is under way at a time."""
    session = SsiSession()
    other = SsiPacket(Opcode.LED_ON, b"\x01")
    session.command([BEEP, other], 1000)
    assert sent(session, 0) == [BEEP]
    assert sent(session, 10) == []
    session.heard(from_scanner(Opcode.CMD_ACK), 20)
    assert sent(session, 20) == [other]
    assert session.is_busy
    session.heard(from_scanner(Opcode.CMD_ACK), 30)
    assert not session.is_busy
    assert session.due_ms is None


def test_command_when_nobody_answers_then_it_is_sent_twice_more_with_the_mark() -> None:
    """After the third time, or when the verdict is worth nothing any more, it is given up."""
    session = SsiSession(response_ms=300)
    session.command([BEEP], 10_000)
    assert sent(session, 0) == [BEEP]
    assert session.due_ms == 300
    assert [sent(session, at_ms) for at_ms in (299, 300, 600, 900)] == [[], [BEEP.resent()], [BEEP.resent()], []]
    assert not session.is_busy

    session.command([BEEP], 1000)
    assert sent(session, 1000) == []
    assert not session.is_busy


def test_command_when_the_scanner_says_nak_then_it_is_sent_again_only_if_that_helps() -> None:
    """RESEND means again at once; DENIED and BAD_CONTEXT mean never."""
    session = SsiSession()
    session.command([BEEP], 10_000)
    sent(session, 0)
    session.heard(from_scanner(Opcode.CMD_NAK, bytes((NakCause.RESEND,))), 10)
    assert sent(session, 10) == [BEEP.resent()]
    session.heard(from_scanner(Opcode.CMD_NAK, bytes((NakCause.DENIED,))), 20)
    assert not session.is_busy
    assert sent(session, 5000) == []


def test_session_when_the_handshake_is_off_then_nothing_is_acknowledged_and_nothing_repeated() -> None:
    """A scanner that sends no ACK would otherwise beep three times."""
    session = SsiSession(handshake=False)
    assert len(session.heard(scan().to_bytes(), 0)) == 1
    session.command([BEEP], 1000)
    assert sent(session, 0) == [BEEP]
    assert not session.is_busy


def test_session_when_a_scan_is_known_again_then_its_text_is_not_kept() -> None:
    """What was scanned may be an identity card: no attribute holds it afterwards."""
    session = SsiSession()
    session.heard(scan(b"110101199001011234").to_bytes(), 0)
    session.heard(scan(b"1101011990", status=2).to_bytes() + scan(b"01011234").to_bytes(), 100)
    kept = [getattr(session, name) for name in vars(session)] + [bytes(session._reader._held)]
    kept += [bytes(session._parts._text), session._parts._type]
    assert not any(b"110101" in one for one in kept if isinstance(one, bytes))


def test_aim_when_a_code_type_is_known_then_its_identifier_has_a_name() -> None:
    """Every identifier of the table is one that symbologies are named by."""
    aims = {aim_of(code_type) for code_type in range(256)}
    assert {"", "]C0", "]C1", "]d2", "]Q3", "]h0", "]E0"} <= aims
    assert "unknown" not in {symbology_name(aim) for aim in aims - {""}}


steps = st.lists(
    st.one_of(
        st.binary(max_size=30),
        st.builds(
            lambda text, status: scan(text, status=status).to_bytes(), st.binary(max_size=250), st.integers(0, 3)
        ),
        st.sampled_from([from_scanner(Opcode.CMD_ACK), from_scanner(Opcode.CMD_NAK, b"\x01")]),
        st.integers(0, 5000),
        st.just("say"),
    ),
    max_size=25,
)


@given(steps)
def test_session_when_anything_comes_then_it_stays_small_and_quiet(played: list[bytes | int | str]) -> None:
    """No bytes, no order and no delay make it fail, hold more than it must, or send without end."""
    session, now_ms = SsiSession(), 0
    for step in played:
        if isinstance(step, bytes):
            session.heard(step, now_ms)
        elif isinstance(step, int):
            now_ms += step
            session.silent(now_ms)
            session.overdue(now_ms)
        else:
            session.command([BEEP], now_ms + 1000)
        assert len(session.outgoing(now_ms)) <= 8 * 7 + 6 * 7
        assert len(session._answers) == 0
    now_ms += 10_000
    session.outgoing(now_ms)
    session.silent(now_ms)
    assert not session.is_busy
    assert not session.is_pending
