"""MQTT box: the least MQTT 5 client that a box needs on the wire, so that one process can be ten thousand of them."""

import asyncio
import struct
from collections.abc import Callable, Sequence

__all__ = ["MqttBox"]

_CONNACK, _PUBLISH, _PUBACK, _SUBACK = 0x20, 0x30, 0x40, 0x90
_REFUSED = 0x80
_NO_SUBSCRIBERS = 0x10
_NO_ACKS = 2
_KEEP_ALIVE_S = 3600
_SESSION_EXPIRY_S = 3600


class MqttBox(asyncio.Protocol):
    """One client: connects with a last will, subscribes, publishes at QoS 1, acknowledges what it gets.

    Args:
        client_id: Who it is.
        will: Topic and payload of its last will, retained.
        filters: What it subscribes to.
        heard: Called with topic and payload of each publication.
    """

    def __init__(
        self, client_id: str, will: tuple[str, bytes], filters: Sequence[str], heard: Callable[[str, bytes], None]
    ) -> None:
        self._client_id, self._will, self._filters, self._heard = client_id, will, filters, heard
        self._held = b""
        self._packet_id = 1
        self._transport: asyncio.Transport | None = None
        self.is_subscribed = asyncio.Event()
        self.unanswered = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say who it is, and subscribe at once: MQTT 5 lets a client send before it is answered (3.1.4)."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        topic, payload = self._will
        properties = b"\x05\x11" + struct.pack("!I", _SESSION_EXPIRY_S)
        # Clean start, and a will that is retained, at QoS 1.
        head = _text("MQTT") + b"\x05" + bytes([0x02 | 0x04 | 0x08 | 0x20]) + struct.pack("!H", _KEEP_ALIVE_S)
        will = b"\x00" + _text(topic) + struct.pack("!H", len(payload)) + payload
        transport.write(_packet(0x10, head + properties + _text(self._client_id) + will))
        wanted = b"".join(_text(one) + b"\x01" for one in self._filters)
        transport.write(_packet(0x82, struct.pack("!HB", self._packet_id, 0) + wanted))

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish at QoS 1."""
        assert self._transport is not None
        self._packet_id = self._packet_id % 0xFFFF + 1
        self.unanswered += 1
        body = _text(topic) + struct.pack("!HB", self._packet_id, 0) + payload
        self._transport.write(_packet(0x32 | retain, body))

    def leave(self) -> None:
        """Say goodbye, so that the will is dropped."""
        if self._transport is not None:
            self._transport.write(b"\xe0\x00")
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Take the packets apart."""
        self._held += data
        at = 0
        while (found := _next_packet(self._held, at)) is not None:
            first, begin, at = found
            self._take(first, self._held[begin:at])
        self._held = self._held[at:]

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell of a line that broke: the bench must not go on as if nothing were."""
        if exc is not None:
            raise ConnectionError(f"{self._client_id}: {exc}")

    def _take(self, first: int, body: bytes) -> None:
        kind = first & 0xF0
        if kind == _PUBLISH:
            self._take_publication(first, body)
        elif kind == _PUBACK:
            self.unanswered -= 1
            if len(body) > _NO_ACKS and body[2] >= _NO_SUBSCRIBERS:
                raise ConnectionError(f"{self._client_id}: the broker refuses a publication: {body[2]:#x}")
        elif kind == _SUBACK:
            if any(code >= _REFUSED for code in body[3:]):
                raise ConnectionError(f"{self._client_id}: the broker refuses a subscription")
            self.is_subscribed.set()
        elif kind == _CONNACK and body[1]:
            raise ConnectionError(f"{self._client_id}: the broker refuses us: {body[1]:#x}")

    def _take_publication(self, first: int, body: bytes) -> None:
        (length,) = struct.unpack_from("!H", body)
        topic, at = body[2 : 2 + length].decode(), 2 + length
        if first & 0x06:
            assert self._transport is not None
            self._transport.write(b"\x40\x02" + body[at : at + 2])
            at += 2
        size, at = _length(body, at) or (0, at)
        self._heard(topic, body[at + size :])


def _text(text: str) -> bytes:
    octets = text.encode()
    return struct.pack("!H", len(octets)) + octets


def _packet(first: int, body: bytes) -> bytes:
    size, head = len(body), bytearray([first])
    while True:
        size, seven = divmod(size, 128)
        head.append(seven | (0x80 if size else 0))
        if not size:
            return bytes(head) + body


def _length(octets: bytes, at: int) -> tuple[int, int] | None:
    """Read a variable byte integer: its value and the place after it, or None if it is not there whole."""
    value, shift = 0, 0
    while at < len(octets):
        value |= (octets[at] & 0x7F) << shift
        at += 1
        if octets[at - 1] < 0x80:
            return value, at
        shift += 7
    return None


def _next_packet(octets: bytes, at: int) -> tuple[int, int, int] | None:
    """Give first byte, begin and end of the body of the packet at a place, or None if it is not there whole."""
    found = _length(octets, at + 1)
    if found is None or found[1] + found[0] > len(octets):
        return None
    size, begin = found
    return octets[at], begin, begin + size
