"""SsiSession: the host's side of SSI: what is acknowledged, sent again and taken for a scan; pure."""

import hashlib
import secrets
from collections import deque
from dataclasses import dataclass, field

from yaoma_drivers.framing import Frame
from yaoma_drivers.ssi_code_type import aim_of
from yaoma_drivers.ssi_packet import Garbled, NakCause, Opcode, SsiPacket, SsiReader
from yaoma_drivers.symbol import MAX_SYMBOL_BYTES, ReadFault
from yaoma_drivers.symbology import split_aim

__all__ = ["SsiScan", "SsiSession"]

#: A text may have an AIM identifier in front and a line end behind.
_MOST_TEXT = MAX_SYMBOL_BYTES + 5
#: The first transmission and two more (72E-40451, Retries).
_TRANSMISSIONS = 3
#: A scanner that waits for us has one packet open; more answers than this are owed to nobody.
_MOST_ANSWERS = 8
#: How long a scanner may take to send a damaged packet again, or the next of several: its response time-out, 2 s as
#: delivered.
_LOST_MS = 2500


@dataclass(frozen=True, slots=True)
class SsiScan:
    """One scan.

    Args:
        frame: The text, or why there is none.
        aim: The AIM identifier: the scanner's own if it sends one, else by the code type.
    """

    frame: Frame
    aim: str = ""


@dataclass(slots=True)
class _Command:
    """A command on its way.

    Args:
        packet: What is sent.
        until_ms: When it is worth nothing any more.
        sent: How often it went out.
        again_ms: When it goes out again.
    """

    packet: SsiPacket = field(repr=False)
    until_ms: int
    sent: int = 0
    again_ms: int = 0


class _Parts:
    """What came of a scan that does not fit one packet (status bit 1: the next packet goes on with it).

    Each packet has the code type in front; where one has another, it goes on with something else, and the whole is a
    fault. What is longer than any symbol is not kept, only counted.
    """

    def __init__(self) -> None:
        self.until_ms: int | None = None
        self._type = b""
        self._text = bytearray()
        self._length = 0
        self._is_broken = False

    def add(self, data: bytes, until_ms: int) -> None:
        """Take a packet that is not the last.

        Args:
            data: Code type and text.
            until_ms: By when the next one must have come, CLOCK_MONOTONIC in milliseconds.
        """
        if self.until_ms is None:
            self._type = data[:1]
        self.until_ms = until_ms
        self._is_broken |= not data or data[:1] != self._type
        self._length += len(data[1:])
        if self._length > _MOST_TEXT:
            self._wipe()
        else:
            self._text += data[1:]

    def end(self, data: bytes) -> SsiScan:
        """Take the last packet and give the scan that they make together."""
        self.add(data, 0)
        if self._length > _MOST_TEXT:
            scan = _overlong(self._length)
        elif self._is_broken:
            scan = SsiScan(Frame(b"", self._length, ReadFault.DROPPED))
        else:
            scan = _scan(self._type + bytes(self._text))
        self.give_up()
        return scan

    def give_up(self) -> int:
        """Forget everything, and return how many bytes it was."""
        length, self.until_ms, self._type, self._length, self._is_broken = self._length, None, b"", 0, False
        self._wipe()
        return length

    def _wipe(self) -> None:
        """Drop the text; deleting alone would leave it in the buffer: an identity card's too."""
        self._text[:] = bytes(len(self._text))
        self._text.clear()


class SsiSession:
    """Talks to one scanner, from its opening on.

    Args:
        handshake: Whether packets are acknowledged, as scanners are delivered.
        response_ms: How long the scanner has to acknowledge a command before it is sent again, in milliseconds.
    """

    def __init__(self, *, handshake: bool = True, response_ms: int = 300) -> None:
        self._handshake = handshake
        self._response_ms = response_ms
        self._reader = SsiReader()
        self._answers: deque[SsiPacket] = deque(maxlen=_MOST_ANSWERS)
        self._commands: deque[_Command] = deque()
        self._parts = _Parts()
        # Not the text itself, which may be an identity card's: enough to know a packet that comes a second time.
        self._salt = secrets.token_bytes(16)
        self._last = b""
        self._lost: tuple[int, int] | None = None

    @property
    def is_pending(self) -> bool:
        """Tell whether silence on the line would mean something."""
        return self._reader.is_pending

    def heard(self, octets: bytes, now_ms: int) -> list[SsiScan]:
        """Take bytes from the scanner and return the scans that they complete.

        Args:
            octets: As they came.
            now_ms: CLOCK_MONOTONIC in milliseconds.
        """
        return self._taken(self._reader.feed(octets), now_ms)

    def silent(self, now_ms: int) -> list[SsiScan]:
        """Give up a packet that was begun, after silence on the line, and have it sent again."""
        return self._taken(self._reader.flush(), now_ms)

    def overdue(self, now_ms: int) -> list[SsiScan]:
        """Return the scan of which a part was damaged or left out: the operator waits for something to happen."""
        due_ms = self.overdue_ms
        if due_ms is None or now_ms < due_ms:
            return []
        length, self._lost = self._parts.give_up() + (self._lost[0] if self._lost else 0), None
        return [SsiScan(Frame(b"", length, ReadFault.DROPPED))]

    @property
    def overdue_ms(self) -> int | None:
        """When to ask for `overdue`; None if nothing was lost."""
        dues_ms = [self._lost[1] if self._lost else None, self._parts.until_ms]
        return min((due_ms for due_ms in dues_ms if due_ms is not None), default=None)

    def command(self, packets: list[SsiPacket], until_ms: int) -> None:
        """Send commands one after the other.

        Args:
            packets: What to send.
            until_ms: When they are worth nothing any more, CLOCK_MONOTONIC in milliseconds.
        """
        self._commands.extend(_Command(packet, until_ms) for packet in packets)

    @property
    def is_busy(self) -> bool:
        """Tell whether a command still waits to be sent or acknowledged."""
        return bool(self._commands)

    def outgoing(self, now_ms: int) -> bytes:
        """Return what is to be written now; what is returned counts as sent."""
        out = b"".join(answer.to_bytes() for answer in self._answers)
        self._answers.clear()
        while self._commands:
            command = self._commands[0]
            if command.sent and now_ms < command.again_ms:
                break
            if now_ms >= command.until_ms or command.sent >= _TRANSMISSIONS:
                self._commands.popleft()
                continue
            out += (command.packet.resent() if command.sent else command.packet).to_bytes()
            command.sent += 1
            command.again_ms = now_ms + self._response_ms
            if not self._handshake:
                self._commands.popleft()
        return out

    @property
    def due_ms(self) -> int | None:
        """When there is something to be written again; None if nothing waits."""
        return self._commands[0].again_ms if self._commands else None

    def _taken(self, found: list[SsiPacket | Garbled], now_ms: int) -> list[SsiScan]:
        scans = []
        while found:
            part = found.pop(0)
            if isinstance(part, Garbled):
                self._nak(NakCause.RESEND)
                self._lost = (part.length, now_ms + _LOST_MS)
            elif part.opcode in {Opcode.CMD_ACK, Opcode.CMD_NAK}:
                self._acknowledged(part, now_ms)
            elif part.opcode == Opcode.DECODE_DATA:
                # Parts whose last one never came are no beginning of the scan that comes now.
                scans += self.overdue(now_ms) if self._lost is None else []
                scans += self._decoded(part, now_ms)
            elif part.opcode == Opcode.EVENT:
                self._ack()
            elif part.opcode == Opcode.MULTIPACKET_SEGMENT:
                # A form of some cordless models for what does not fit one packet; its text is longer than any code.
                self._nak(NakCause.DENIED)
                scans += [] if part.is_resent else [_overlong(len(part.data))]
            else:
                self._nak(NakCause.BAD_CONTEXT)
        return scans

    def _decoded(self, packet: SsiPacket, now_ms: int) -> list[SsiScan]:
        """Acknowledge a part of a scan; a part that was sent again because our answer was lost counts once."""
        self._ack()
        known = hashlib.blake2b(packet.data, key=self._salt).digest()
        is_repeated = packet.is_resent and known == self._last and self._lost is None
        self._last, self._lost = known, None
        if is_repeated:
            return []
        if packet.is_continued:
            self._parts.add(packet.data, now_ms + _LOST_MS)
            return []
        return [self._parts.end(packet.data) if self._parts.until_ms is not None else _scan(packet.data)]

    def _acknowledged(self, answer: SsiPacket, now_ms: int) -> None:
        """Go on after the scanner's answer to the command that is under way, if there is one."""
        if not self._commands or not self._commands[0].sent:
            return
        if answer.opcode == Opcode.CMD_NAK and answer.data[:1] == bytes((NakCause.RESEND,)):
            self._commands[0].again_ms = now_ms
            return
        self._commands.popleft()

    def _ack(self) -> None:
        if self._handshake:
            self._answers.append(SsiPacket(Opcode.CMD_ACK))

    def _nak(self, cause: NakCause) -> None:
        if self._handshake:
            self._answers.append(SsiPacket(Opcode.CMD_NAK, bytes((cause,))))


def _scan(data: bytes) -> SsiScan:
    """Make a scan of a code type and a text; the text may have an AIM identifier in front and a suffix behind."""
    aim, text = split_aim(data[1:])
    text = text.rstrip(b"\r\n")
    if not text:
        return SsiScan(Frame(b"", len(data), ReadFault.DROPPED))
    if len(text) > MAX_SYMBOL_BYTES:
        return _overlong(len(text))
    return SsiScan(Frame(text, len(text)), aim or aim_of(data[0]))


def _overlong(length: int) -> SsiScan:
    return SsiScan(Frame(b"", length, ReadFault.OVERLONG))
