"""Reports: the frozen values in which a session tells its owner what happened, in order, through one queue.

Whoever only handles them needs neither paho nor TLS: those are imported with the session.
"""

from dataclasses import dataclass, field
from enum import StrEnum

__all__ = [
    "ConnectFailed",
    "ConnectFault",
    "Connected",
    "Disconnected",
    "PacketTooLargeError",
    "PublishProperties",
    "Published",
    "Received",
    "Retained",
    "SessionFailed",
    "SessionReport",
    "SubscribeRefused",
    "Subscribed",
]


class ConnectFault(StrEnum):
    """Why a connection was not made; stable ids, so that a catalogue can say it in the operator's language."""

    NAME_UNKNOWN = "name_unknown"
    UNREACHABLE = "unreachable"
    TIMED_OUT = "timed_out"
    TLS_FILES = "tls_files"
    BROKER_UNTRUSTED = "broker_untrusted"
    BROKER_OTHER_NAME = "broker_other_name"
    BROKER_EXPIRED = "broker_expired"
    BROKER_NOT_YET_VALID = "broker_not_yet_valid"
    CERTIFICATE_REFUSED = "certificate_refused"
    TLS_OTHER = "tls_other"
    NO_ANSWER = "no_answer"
    REFUSED = "refused"
    CLOSED = "closed"


class PacketTooLargeError(ValueError):
    """The broker would end the connection over this packet; the owner sends less at once.

    Args:
        size: The packet in bytes, rounded up.
        limit: What the broker takes (MQTT 5, 3.2.2.3.6).
    """

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(f"a packet of {size} bytes is over the broker's limit of {limit}")
        self.size = size
        self.limit = limit


@dataclass(frozen=True, slots=True)
class Retained:
    """A retained publication of the session's own: birth, last will, farewell."""

    topic: str
    payload: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class PublishProperties:
    """The MQTT 5 properties of a publication that Yaoma uses.

    Args:
        content_type: What the payload is, or an empty string.
        response_topic: Where an answer belongs, or an empty string.
        correlation: What the answer must carry, or empty.
        expiry_s: After how many seconds the broker may drop it; never set on records (PEERS.md 3).
    """

    content_type: str = ""
    response_topic: str = ""
    correlation: bytes = field(default=b"", repr=False)
    expiry_s: int | None = None


@dataclass(frozen=True, slots=True)
class Connected:
    """The broker has accepted us; the owner feeds its outbox again from here.

    Args:
        connection: Number of this connection, from 1; everything heard on it carries the number.
        session_present: Whether the broker still had our session.
        receive_maximum: How many QoS 1 publications may wait for their PUBACK at once.
        maximum_packet_size: The longest packet in bytes that the broker takes, or None without a limit.
        keep_alive_s: The keep-alive that holds, possibly the broker's.
        tries: How many tries failed before this one.
    """

    connection: int
    session_present: bool
    receive_maximum: int
    maximum_packet_size: int | None
    keep_alive_s: int
    tries: int


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The connection is gone; whatever was in flight on it has no answer and never will have one.

    Args:
        connection: Which one.
        reason_code: The MQTT 5 reason code, or None if the line just broke.
        reason: Its name, or what broke.
        taken_over: Another client uses our identity (reason code 0x8E).
    """

    connection: int
    reason_code: int | None
    reason: str
    taken_over: bool


@dataclass(frozen=True, slots=True)
class ConnectFailed:
    """A try to connect came to nothing; the next one comes by itself.

    Args:
        fault: The kind, stable.
        reason: What was found, for a person.
        hint: What to do next, for a person.
        retry_in_s: How long the session now waits.
    """

    fault: ConnectFault
    reason: str
    hint: str
    retry_in_s: float


@dataclass(frozen=True, slots=True)
class Published:
    """The broker's answer to one QoS 1 publication. PUBACK is not delivery: only receipts are (DESIGN.md 8).

    Args:
        connection: On which connection.
        packet_id: What `publish` gave.
        topic: Where it went.
        reason_code: The PUBACK's reason code.
        reason: Its name.
        is_success: True for 0x00 only.
        no_matching_subscribers: True for 0x10: taken by the broker, heard by nobody.
    """

    connection: int
    packet_id: int
    topic: str
    reason_code: int
    reason: str
    is_success: bool
    no_matching_subscribers: bool


@dataclass(frozen=True, slots=True)
class Received:
    """One inbound publication; the owner gives it to `Session.ack` after its commit.

    Args:
        connection: On which connection; an acknowledgement is good on this one only.
        topic: Where it came in.
        payload: Its bytes, kept out of the repr.
        packet_id: The broker's packet id, 0 for QoS 0.
        qos: 0 or 1.
        retain: Whether it was kept by the broker from before.
        duplicate: Whether the broker says it has sent it before.
        properties: Its MQTT 5 properties.
    """

    connection: int
    topic: str
    payload: bytes = field(repr=False)
    packet_id: int
    qos: int
    retain: bool
    duplicate: bool
    properties: PublishProperties


@dataclass(frozen=True, slots=True)
class Subscribed:
    """The broker granted these filters on this connection."""

    connection: int
    filters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SubscribeRefused:
    """The broker denied one filter; nothing will come in on it until its configuration changes."""

    connection: int
    topic: str
    reason_code: int
    reason: str


@dataclass(frozen=True, slots=True)
class SessionFailed:
    """The session's thread has ended by a defect; the owner stops and lets the supervisor start again."""

    error: str


SessionReport = (
    Connected | Disconnected | ConnectFailed | Published | Received | Subscribed | SubscribeRefused | SessionFailed
)
