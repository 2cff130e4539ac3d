"""SSI packets of Zebra scanners: made, and found in a stream; pure, any split of the input gives the same packets.

Length, opcode, source, status, data, checksum; the length counts all but the checksum, which is the two's complement of
their sum, high byte first (Simple Serial Interface Programmer's Guide 72E-40451; Symbol SE923 Integration Guide 6-4).
"""

from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Final

__all__ = ["Garbled", "NakCause", "Opcode", "SsiPacket", "SsiReader", "packet_bytes"]

_HEADER_BYTES: Final = 4
_CHECKSUM_BYTES: Final = 2
#: The length is one byte.
_LONGEST: Final = 255
_SLICE_BYTES: Final = 4096

_FROM_DECODER: Final = 0
_FROM_HOST: Final = 4
_RESENT: Final = 0x01
_CONTINUED: Final = 0x02


class Opcode(IntEnum):
    """What a packet is about, as far as we use it."""

    MULTIPACKET_SEGMENT = 0x73
    REQUEST_REVISION = 0xA3
    CMD_ACK = 0xD0
    CMD_NAK = 0xD1
    START_DECODE = 0xE4
    STOP_DECODE = 0xE5
    BEEP = 0xE6
    LED_ON = 0xE7
    LED_OFF = 0xE8
    SCAN_ENABLE = 0xE9
    SCAN_DISABLE = 0xEA
    DECODE_DATA = 0xF3
    EVENT = 0xF6


class NakCause(IntEnum):
    """Why a packet was not taken."""

    RESEND = 1
    BAD_CONTEXT = 2
    DENIED = 6


@dataclass(frozen=True, slots=True)
class SsiPacket:
    """One packet.

    Args:
        opcode: What it is about; any byte.
        data: What follows the status, at most 251 bytes.
        source: 0 from the scanner, 4 from the host.
        status: Its bits: resent, continued, and others that we leave alone.
    """

    opcode: int
    data: bytes = field(default=b"", repr=False)
    source: int = _FROM_HOST
    status: int = 0

    @property
    def is_resent(self) -> bool:
        """Whether it was sent before."""
        return bool(self.status & _RESENT)

    @property
    def is_continued(self) -> bool:
        """Whether the next packet goes on with it."""
        return bool(self.status & _CONTINUED)

    def resent(self) -> "SsiPacket":
        """Return the packet as it is sent once more."""
        return replace(self, status=self.status | _RESENT)

    def to_bytes(self) -> bytes:
        """Return the packet as it goes over the line.

        Raises:
            ValueError: It has more data than its length can say.
        """
        length = _HEADER_BYTES + len(self.data)
        if length > _LONGEST:
            raise ValueError(f"a packet holds at most {_LONGEST - _HEADER_BYTES} bytes of data")
        body = bytes((length, self.opcode, self.source, self.status)) + self.data
        return body + _checksum(body)


@dataclass(frozen=True, slots=True)
class Garbled:
    """Bytes that are no packet.

    Args:
        length: How many; those of one run are told once.
    """

    length: int


def packet_bytes(command: bytes) -> SsiPacket:
    """Return the packet of a command that a profile gives as opcode and data.

    Args:
        command: At least the opcode.
    """
    return SsiPacket(command[0], command[1:])


class SsiReader:
    """Finds packets in what a scanner sends, and finds its way back after damage.

    Packets have no mark at their beginning. Where the checksum does not fit, a whole packet inside is looked for; after
    silence, when nothing more comes, inside everything that waits.
    """

    def __init__(self) -> None:
        self._held = bytearray()
        self._lost = 0
        self._is_told = False

    @property
    def is_pending(self) -> bool:
        """Tell whether bytes wait for more, or were lost without having been told."""
        return bool(self._held) or self._lost > 0

    def feed(self, octets: bytes) -> list[SsiPacket | Garbled]:
        """Take bytes as they come and return what they complete."""
        found: list[SsiPacket | Garbled] = []
        for start in range(0, len(octets), _SLICE_BYTES):
            self._held += octets[start : start + _SLICE_BYTES]
            self._cut(found)
        return found

    def flush(self) -> list[SsiPacket | Garbled]:
        """Give up waiting for the rest of a packet, after silence on the line."""
        found: list[SsiPacket | Garbled] = []
        start = 0
        while (inner := self._inside(start, len(self._held))) is not None:
            start = self._take(inner, found)
        self._lost += len(self._held) - start
        if self._lost and not self._is_told:
            found.append(Garbled(self._lost))
        self._drop(len(self._held))
        self._lost, self._is_told = 0, False
        return found

    def _cut(self, found: list[SsiPacket | Garbled]) -> None:
        start = 0
        while start < len(self._held):
            size = self._size(start)
            if size is None:
                # NUL is what a line says that wakes up; it is not worth an alarm.
                self._lost += self._held[start] != 0
                start += 1
            elif start + size > len(self._held):
                break
            elif (inner := self._inside(start, start + size)) is not None:
                start = self._take(inner, found)
            else:
                self._lost += size
                if not self._is_told:
                    found.append(Garbled(self._lost))
                self._is_told = True
                start += size
        self._drop(start)

    def _take(self, start: int, found: list[SsiPacket | Garbled]) -> int:
        """Add the packet that begins here, and return where it ends."""
        size = self._held[start] + _CHECKSUM_BYTES
        _, opcode, source, status = self._held[start : start + _HEADER_BYTES]
        data = bytes(self._held[start + _HEADER_BYTES : start + size - _CHECKSUM_BYTES])
        found.append(SsiPacket(opcode, data, source, status))
        self._lost, self._is_told = 0, False
        return start + size

    def _inside(self, start: int, end: int) -> int | None:
        """Return where the first whole packet between two places begins; None if there is none."""
        for place in range(start, end):
            size = self._size(place)
            if size is not None and place + size <= end and self._fits(place, size):
                return place
        return None

    def _size(self, start: int) -> int | None:
        """Return how many bytes a packet that begins here has; None if none can begin here."""
        length, source = self._held[start], self._held[start + 2 : start + 3]
        if length < _HEADER_BYTES or (source and source[0] != _FROM_DECODER):
            return None
        return length + _CHECKSUM_BYTES

    def _fits(self, start: int, size: int) -> bool:
        """Tell whether the checksum is that of the bytes before it."""
        body_end = start + size - _CHECKSUM_BYTES
        return self._held[body_end : start + size] == _checksum(self._held[start:body_end])

    def _drop(self, count: int) -> None:
        """Drop the first bytes; deleting alone would leave them in the buffer: an identity card's too."""
        self._held[:count] = bytes(count)
        del self._held[:count]


def _checksum(body: bytes | bytearray) -> bytes:
    return (-sum(body) & 0xFFFF).to_bytes(2, "big")
