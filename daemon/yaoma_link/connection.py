"""Connection: paho-mqtt behind a narrow door, one thread inside, nothing but values out."""

import logging
import select
import ssl
import time
from dataclasses import dataclass

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from yaoma_link.endpoint import Endpoint
from yaoma_link.report import PublishProperties, Retained
from yaoma_link.stream import Stream
from yaoma_link.wake import Wake

__all__ = ["Connack", "Connection", "Gone", "Heard", "Inbound", "Puback", "Suback"]

#: A broker that names no Receive Maximum takes this many (MQTT 5, 3.2.2.3.3).
_RECEIVE_MAXIMUM = 65535


@dataclass(frozen=True, slots=True)
class Connack:
    """The broker's answer to CONNECT."""

    reason_code: int
    reason: str
    session_present: bool
    receive_maximum: int
    maximum_packet_size: int | None
    keep_alive_s: int


@dataclass(frozen=True, slots=True)
class Puback:
    """The broker's answer to a publication."""

    packet_id: int
    reason_code: int
    reason: str


@dataclass(frozen=True, slots=True)
class Suback:
    """The broker's answer to a subscription, one code per filter."""

    packet_id: int
    answers: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Inbound:
    """A publication from the broker."""

    topic: str
    payload: bytes
    packet_id: int
    qos: int
    retain: bool
    duplicate: bool
    properties: PublishProperties


@dataclass(frozen=True, slots=True)
class Gone:
    """The connection has ended; a reason code only if the broker has said DISCONNECT."""

    reason_code: int | None
    reason: str
    tls_error: ssl.SSLError | None = None


Heard = Connack | Puback | Suback | Inbound | Gone


class _Client(Client):
    """paho's client on a stream that was opened elsewhere, so that a stop can interrupt the opening."""

    stream: Stream | None = None

    def _create_socket(self) -> Stream:
        assert self.stream is not None
        return self.stream

    def hang_up(self) -> None:
        """Close the stream at once; paho's public ways to close it all write first, which a dead line blocks."""
        self._sock_close()


class _LastSocketError(logging.Handler):
    """Catches the exception that paho logs and then forgets, where a TLS alert is the only explanation."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.error: OSError | None = None

    def emit(self, record: logging.LogRecord) -> None:
        for argument in record.args or ():
            if isinstance(argument, OSError):
                self.error = argument


class Connection:
    """Speaks MQTT 5 over one stream at a time.

    `begin`, `step` and `close` belong to one thread. `publish` and `ack` may be called by any thread: they only
    append to paho's list of packets and never write, because two writers would interleave their bytes.

    Args:
        client_id: Who we are to the broker.
        session_expiry_s: How long the broker keeps our session after the connection ends.
        receive_maximum: How many QoS 1 publications the broker may send us without acknowledgement.
        will: What the broker publishes when we vanish, or None.
        wake: Set by other threads to end a wait in `step`.
    """

    def __init__(
        self,
        *,
        client_id: str,
        session_expiry_s: int,
        receive_maximum: int,
        will: Retained | None,
        wake: Wake,
    ) -> None:
        self._wake = wake
        self._heard: list[Heard] = []
        self._last_heard_s = 0.0
        self._keep_alive_s = 0
        self._socket_error = _LastSocketError()
        # one per connection and outside logging's tree: it carries exceptions to `_on_disconnect`, not lines
        logger = logging.Logger("yaoma.link.paho", logging.ERROR)  # noqa: LOG001 - a registered one is shared
        logger.addHandler(self._socket_error)

        self._connect_properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho's is untyped
        self._connect_properties.SessionExpiryInterval = session_expiry_s
        self._connect_properties.ReceiveMaximum = receive_maximum

        self._client = _Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        # our own window holds; paho's costs a scan of everything in flight per PUBACK (PEERS.md 3)
        self._client.max_inflight_messages_set(0)
        self._client.enable_logger(logger)
        if will is not None:
            self._client.will_set(will.topic, will.payload, qos=1, retain=True)
        self._client.on_connect = self._on_connect
        self._client.on_publish = self._on_publish
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message
        self._client.on_disconnect = self._on_disconnect
        # with this set paho leaves the writing to `step`; without, `publish` would write from any thread
        self._client.on_socket_register_write = _leave_writing

    def begin(self, stream: Stream, endpoint: Endpoint) -> None:
        """Send CONNECT on a fresh stream, with nothing left over from the connection before."""
        self._heard.clear()
        self._socket_error.error = None
        # paho would send these again beside what the owner feeds again: each record twice (PEERS.md 3)
        self._client.drop_out_messages()
        self._client.stream = stream
        self._client.connect_async(
            endpoint.host,
            endpoint.port,
            endpoint.keep_alive_s,
            clean_start=False,
            properties=self._connect_properties,
        )
        self._keep_alive_s = endpoint.keep_alive_s
        self._last_heard_s = time.monotonic()
        self._client.reconnect()

    def step(self, timeout_s: float) -> list[Heard]:
        """Wait for the line or another thread, read and write what is there, and give what was heard.

        Args:
            timeout_s: Longest wait; a shorter one is chosen where the keep-alive needs it.
        """
        stream = self._client.socket()
        if stream is None:
            return self._take_heard() or [Gone(None, "the connection broke")]
        readable = isinstance(stream, ssl.SSLSocket) and stream.pending() > 0
        events = select.POLLIN | (select.POLLOUT if self._client.want_write() else 0)
        poll = select.poll()
        poll.register(self._wake, select.POLLIN)
        poll.register(stream.fileno(), events)
        wait_s = 0.0 if readable else min(timeout_s, self._keep_alive_s / 8)
        for descriptor, ready in poll.poll(wait_s * 1000):
            if descriptor == self._wake.fileno():
                self._wake.clear()
            else:
                readable = readable or bool(ready & ~select.POLLOUT)
        if readable:
            self._last_heard_s = time.monotonic()
            self._client.loop_read()
        if self._client.want_write():
            self._client.loop_write()
        self._client.loop_misc()
        if time.monotonic() - self._last_heard_s >= 1.5 * self._keep_alive_s:
            self.close()
            self._heard.append(Gone(None, f"the broker said nothing for {1.5 * self._keep_alive_s:g} s"))
        return self._take_heard()

    def publish(
        self, topic: str, payload: bytes, *, retain: bool, qos: int, properties: PublishProperties
    ) -> int | None:
        """Queue one publication; None if paho did not take it."""
        info = self._client.publish(topic, payload, qos=qos, retain=retain, properties=_to_paho(properties))
        return info.mid if info.rc == MQTTErrorCode.MQTT_ERR_SUCCESS else None

    def ack(self, packet_id: int) -> None:
        """Queue the PUBACK of one inbound QoS 1 publication."""
        self._client.ack(packet_id, 1)

    def subscribe(self, filters: tuple[str, ...]) -> int | None:
        """Ask for filters at QoS 1; None if the line is gone already."""
        # without it the flag tells what the broker had kept from what is new
        options = SubscribeOptions(qos=1, retainAsPublished=False)
        _, packet_id = self._client.subscribe([(one, options) for one in filters])
        return packet_id

    def disconnect(self) -> None:
        """Queue a DISCONNECT; the broker then drops the last will."""
        self._client.disconnect()

    def close(self) -> None:
        """End the connection at once, without a word to the broker."""
        self._client.hang_up()
        self._client.stream = None

    def _take_heard(self) -> list[Heard]:
        heard, self._heard = self._heard, []
        return heard

    def _on_connect(
        self, _client: Client, _: object, flags: ConnectFlags, code: ReasonCode, properties: Properties | None
    ) -> None:
        self._keep_alive_s = int(getattr(properties, "ServerKeepAlive", self._keep_alive_s)) or self._keep_alive_s
        self._heard.append(
            Connack(
                reason_code=code.value,
                reason=str(code),
                session_present=flags.session_present,
                receive_maximum=int(getattr(properties, "ReceiveMaximum", _RECEIVE_MAXIMUM)),
                maximum_packet_size=getattr(properties, "MaximumPacketSize", None),
                keep_alive_s=self._keep_alive_s,
            )
        )

    def _on_publish(
        self, _client: Client, _: object, packet_id: int, code: ReasonCode, _properties: Properties
    ) -> None:
        self._heard.append(Puback(packet_id, code.value, str(code)))

    def _on_subscribe(
        self, _client: Client, _: object, packet_id: int, codes: list[ReasonCode], _properties: Properties
    ) -> None:
        self._heard.append(Suback(packet_id, tuple((code.value, str(code)) for code in codes)))

    def _on_message(self, _client: Client, _: object, packet: MQTTMessage) -> None:
        try:
            topic = packet.topic
        except UnicodeDecodeError:
            self._heard.append(Gone(None, "the broker sent a topic that is no UTF-8"))
            return
        properties = packet.properties
        self._heard.append(
            Inbound(
                topic=topic,
                payload=bytes(packet.payload),
                packet_id=packet.mid,
                qos=packet.qos,
                retain=packet.retain,
                duplicate=packet.dup,
                properties=PublishProperties(
                    content_type=getattr(properties, "ContentType", ""),
                    response_topic=getattr(properties, "ResponseTopic", ""),
                    correlation=bytes(getattr(properties, "CorrelationData", b"")),
                    expiry_s=getattr(properties, "MessageExpiryInterval", None),
                ),
            )
        )

    def _on_disconnect(
        self, _client: Client, _: object, flags: DisconnectFlags, code: ReasonCode, _properties: Properties | None
    ) -> None:
        if flags.is_disconnect_packet_from_server:
            self._heard.append(Gone(code.value, str(code)))
            return
        error = self._socket_error.error
        if isinstance(error, ssl.SSLError):
            self._heard.append(Gone(None, f"TLS: {error.reason or type(error).__name__}", error))
        elif error is not None:
            self._heard.append(Gone(None, error.strerror or type(error).__name__))
        else:
            # paho makes up a reason code where the broker has given none; only its name is of use
            self._heard.append(Gone(None, _LOCAL_REASONS.get(code.value, str(code))))


#: What paho's made-up reason codes stand for, in words that do not blame the broker for a broken line.
_LOCAL_REASONS = {0: "closed by us", 128: "the connection broke", 141: "the broker stopped answering"}


def _leave_writing(_client: Client, _: object, _stream: object) -> None:
    """Do nothing: being set is what keeps paho from writing on the caller's thread."""


def _to_paho(properties: PublishProperties) -> Properties:
    packed = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # paho's is untyped
    if properties.content_type:
        packed.ContentType = properties.content_type
    if properties.response_topic:
        packed.ResponseTopic = properties.response_topic
    if properties.correlation:
        packed.CorrelationData = properties.correlation
    if properties.expiry_s is not None:
        packed.MessageExpiryInterval = properties.expiry_s
    return packed
