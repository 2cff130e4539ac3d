"""Reporting: pure translation of what a connection heard into what the owner is told."""

from yaoma_link.connection import Inbound, Puback, Suback
from yaoma_link.report import Published, Received, Subscribed, SubscribeRefused

__all__ = ["published", "received", "subscribed"]

_SUCCESS = 0x00
_NO_MATCHING_SUBSCRIBERS = 0x10
_FAILURE = 0x80


def published(connection: int, topic: str, puback: Puback) -> Published:
    """Judge a PUBACK: 0x00 alone is success, 0x10 was heard by nobody (PEERS.md 3)."""
    return Published(
        connection=connection,
        packet_id=puback.packet_id,
        topic=topic,
        reason_code=puback.reason_code,
        reason=puback.reason,
        is_success=puback.reason_code == _SUCCESS,
        no_matching_subscribers=puback.reason_code == _NO_MATCHING_SUBSCRIBERS,
    )


def received(connection: int, inbound: Inbound) -> Received:
    """Mark an inbound publication with its connection, on which alone it can be acknowledged."""
    return Received(
        connection=connection,
        topic=inbound.topic,
        payload=inbound.payload,
        packet_id=inbound.packet_id,
        qos=inbound.qos,
        retain=inbound.retain,
        duplicate=inbound.duplicate,
        properties=inbound.properties,
    )


def subscribed(
    connection: int, filters: tuple[str, ...], suback: Suback
) -> tuple[list[SubscribeRefused], Subscribed | None]:
    """Tell the refused filters of a SUBACK from the granted ones; its codes are in the order of the filters."""
    refused = []
    granted = []
    for topic, (code, reason) in zip(filters, suback.answers, strict=False):
        if code < _FAILURE:
            granted.append(topic)
        else:
            refused.append(SubscribeRefused(connection, topic, code, reason))
    return refused, Subscribed(connection, tuple(granted)) if granted else None
