"""The session against brokers that do what a real one will not do on command: stay silent, refuse, speak garbage."""

import socket
import struct
import threading
import time
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fakes.broker import (
    CONNACK,
    ScriptedBroker,
    SilentBroker,
    connack,
    disconnect,
    free_port,
    puback,
    publish,
    suback,
)
from fakes.owner import Owner
from yaoma_link.endpoint import Endpoint
from yaoma_link.report import (
    Connected,
    ConnectFailed,
    ConnectFault,
    Disconnected,
    Published,
    Received,
    Retained,
    SessionFailed,
    SubscribeRefused,
)

Own = Callable[..., Owner]

_CONNECT, _PUBLISH, _PUBACK, _SUBSCRIBE, _PINGREQ, _DISCONNECT = 0x10, 0x30, 0x40, 0x80, 0xC0, 0xE0


def _packet_id(body: bytes) -> int:
    """Read the packet id of a QoS 1 PUBLISH."""
    length = struct.unpack_from("!H", body)[0]
    return int(struct.unpack_from("!H", body, 2 + length)[0])


def test_connack_when_it_never_comes_then_the_try_ends_at_its_deadline(silent_broker: SilentBroker, own: Own) -> None:
    """A broker that accepts and says nothing is one failed try after another, not a session that hangs."""
    owner = own(silent_broker.endpoint(connack_timeout_s=0.3), "box")
    owner.start()

    first, second = owner.wait(ConnectFailed), owner.wait(ConnectFailed)

    assert {first.fault, second.fault} == {ConnectFault.NO_ANSWER}
    assert first.hint
    assert silent_broker.accepted >= 2


@pytest.mark.parametrize("code", [0x85, 0x87, 0x97])
def test_connack_when_it_refuses_then_code_and_hint_are_reported(own: Own, code: int) -> None:
    """A refused CONNECT says with which reason code, and what to do."""
    with ScriptedBroker(lambda _first, _body: connack(code)) as scripted:
        owner = own(scripted.endpoint(), "box")
        owner.start()

        failed = owner.wait(ConnectFailed)

        assert failed.fault == ConnectFault.REFUSED
        assert f"0x{code:02X}" in failed.reason
        assert failed.hint
        owner.session.stop()


def test_connack_when_it_has_limits_then_they_are_reported_and_held(own: Own) -> None:
    """The broker's Receive Maximum, Maximum Packet Size and keep-alive are in `Connected`, the window holds."""
    limits = b"\x21" + struct.pack("!H", 2) + b"\x27" + struct.pack("!I", 500) + b"\x13" + struct.pack("!H", 7)

    def answer(first: int, _body: bytes) -> bytes:
        return connack(0, limits) if first & 0xF0 == _CONNECT else b""

    with ScriptedBroker(answer) as scripted:
        owner = own(scripted.endpoint(), "box")
        connected = owner.connect()

        assert (connected.receive_maximum, connected.maximum_packet_size, connected.keep_alive_s) == (2, 500, 7)
        assert [owner.session.publish("t", b"x") is not None for _ in range(3)] == [True, True, False]
        assert owner.session.publish("t", b"x", qos=0) is not None, "QoS 0 has no window"
        owner.session.stop()


def test_connack_when_it_has_no_limits_then_the_standard_ones_hold(own: Own) -> None:
    """A broker that names no Receive Maximum takes 65535 (MQTT 5, 3.2.2.3.3)."""
    with ScriptedBroker(lambda first, _body: CONNACK if first & 0xF0 == _CONNECT else b"") as scripted:
        owner = own(scripted.endpoint(), "box")
        connected = owner.connect()

        assert (connected.receive_maximum, connected.maximum_packet_size) == (65535, None)
        owner.session.stop()


def test_puback_when_it_refuses_then_it_is_no_success(own: Own) -> None:
    """A negative acknowledgement is reported with its code and frees its place in the window."""

    def answer(first: int, body: bytes) -> bytes:
        if first & 0xF0 == _CONNECT:
            return connack(0, b"\x21\x00\x01")
        return puback(_packet_id(body), 0x97) if first & 0xF0 == _PUBLISH else b""

    with ScriptedBroker(answer) as scripted:
        owner = own(scripted.endpoint(), "box")
        owner.connect()
        for _ in range(2):
            packet_id = owner.publish("t", b"x")
            published = owner.wait(Published)
            assert (published.packet_id, published.reason_code) == (packet_id, 0x97)
            assert not published.is_success
            assert not published.no_matching_subscribers
        owner.session.stop()


def test_suback_when_one_filter_is_denied_then_it_is_named(own: Own, caplog: pytest.LogCaptureFixture) -> None:
    """The denied filter is reported and logged; the granted one is granted."""

    def answer(first: int, body: bytes) -> bytes:
        if first & 0xF0 == _CONNECT:
            return CONNACK
        return suback(struct.unpack_from("!H", body)[0], 1, 0x87) if first & 0xF0 == _SUBSCRIBE else b""

    with ScriptedBroker(answer) as scripted:
        owner = own(scripted.endpoint(), "box", subscriptions=["a/good", "a/bad"])
        owner.start()

        refused = owner.wait(SubscribeRefused)

        assert (refused.topic, refused.reason_code) == ("a/bad", 0x87)
        assert "a/bad" in caplog.text
        owner.session.stop()


def test_disconnect_when_taken_over_then_the_wait_is_longer(own: Own, caplog: pytest.LogCaptureFixture) -> None:
    """0x8E is reported as taken over, names the copied card, and the session does not fight back at once."""

    def answer(first: int, _body: bytes) -> bytes:
        return CONNACK + disconnect(0x8E) if first & 0xF0 == _CONNECT else b""

    with ScriptedBroker(answer) as scripted:
        owner = own(scripted.endpoint(), "box", takeover_wait_s=60)
        owner.start()

        gone = owner.wait(Disconnected)

        assert gone.taken_over
        assert gone.reason_code == 0x8E
        assert owner.drain(Connected, quiet_s=1) == []
        assert scripted.accepted == 1
        assert "copied card" in caplog.text
        assert owner.session.stop()


def test_disconnect_when_for_another_reason_then_it_comes_back_soon(own: Own) -> None:
    """A broker that shuts down is tried again at the usual waits."""
    greetings = iter([CONNACK + disconnect(0x8B), CONNACK])

    def answer(first: int, _body: bytes) -> bytes:
        return next(greetings) if first & 0xF0 == _CONNECT else b""

    with ScriptedBroker(answer) as scripted:
        owner = own(scripted.endpoint(), "box")
        owner.start()

        gone = owner.wait(Disconnected)

        assert (gone.reason_code, gone.taken_over) == (0x8B, False)
        assert owner.wait(Connected).connection == 2
        owner.session.stop()


def test_reconnect_when_publications_were_unanswered_then_paho_sends_none_again(own: Own) -> None:
    """The second connection carries only what is published on it."""
    greetings = iter([CONNACK, CONNACK])

    def answer(first: int, body: bytes) -> bytes | None:
        if first & 0xF0 == _CONNECT:
            return next(greetings)
        return None if b"last" in body else b""

    with ScriptedBroker(answer) as scripted:
        owner = own(scripted.endpoint(), "box")
        owner.connect()
        for number in range(5):
            owner.session.publish("t", b"%d" % number)
        owner.session.publish("t", b"last")
        owner.wait(Disconnected)
        owner.wait(Connected)
        sent_before = len(scripted.packets_of(_PUBLISH))
        owner.session.publish("t", b"anew")
        while len(scripted.packets_of(_PUBLISH)) == sent_before:
            time.sleep(0.01)

        assert [body[-4:] for body in scripted.packets_of(_PUBLISH)[sent_before:]] == [b"anew"]
        owner.session.stop()


def test_inbound_when_not_acknowledged_then_no_puback_goes_out(own: Own) -> None:
    """Only `ack` sends a PUBACK, and then the one asked for."""

    def answer(first: int, _body: bytes) -> bytes:
        return CONNACK + publish("t", b"one", 1) + publish("t", b"two", 2) if first & 0xF0 == _CONNECT else b""

    with ScriptedBroker(answer) as scripted:
        owner = own(scripted.endpoint(), "box")
        owner.start()
        one, _two = owner.wait(Received), owner.wait(Received)
        assert scripted.packets_of(_PUBACK) == []

        owner.session.ack(one)
        while not scripted.packets_of(_PUBACK):
            time.sleep(0.01)

        assert scripted.packets_of(_PUBACK) == [struct.pack("!H", 1)]
        owner.session.stop()


def test_stop_when_connected_then_disconnect_follows_the_farewell(own: Own) -> None:
    """The last packets of a session are its farewell and a DISCONNECT without error."""

    def answer(first: int, body: bytes) -> bytes:
        if first & 0xF0 == _CONNECT:
            return CONNACK
        return puback(_packet_id(body), 0) if first & 0xF0 == _PUBLISH else b""

    with ScriptedBroker(answer) as scripted:
        owner = own(scripted.endpoint(), "box")
        owner.connect()

        assert owner.session.stop(5, last=Retained("s", b"bye"))
        while not scripted.packets_of(_DISCONNECT):
            time.sleep(0.01)

        assert [first & 0xF0 for first, _ in scripted.packets] == [_CONNECT, _PUBLISH, _DISCONNECT]
        assert scripted.packets[1][0] & 0x01, "the farewell is retained"
        assert scripted.packets[2][1] == b""


def test_stop_when_the_broker_is_silent_then_it_ends_at_its_deadline(own: Own) -> None:
    """A broker that does not confirm the farewell holds the stop up no longer than was allowed."""
    with ScriptedBroker(lambda first, _body: CONNACK if first & 0xF0 == _CONNECT else b"") as scripted:
        owner = own(scripted.endpoint(), "box")
        owner.connect()
        begun_s = time.monotonic()

        assert owner.session.stop(0.5, last=Retained("s", b"bye"))

        assert time.monotonic() - begun_s < 5


@pytest.mark.parametrize("stage", ["backing_off", "connecting", "handshake", "connack", "queue_full"])
def test_stop_when_not_connected_then_it_is_quick(own: Own, stage: str, silent_broker: SilentBroker) -> None:
    """A stop is heard within a second at every stage on the way to a connection."""
    backlog = socket.create_server(("127.0.0.1", 0), backlog=0)
    fillers = [socket.socket() for _ in range(4)]
    for filler in fillers:  # a full backlog swallows SYNs, as a router without an uplink does
        filler.setblocking(False)
        filler.connect_ex(backlog.getsockname())
    time.sleep(0.1)
    ports = {"backing_off": free_port(), "connecting": backlog.getsockname()[1], "queue_full": free_port()}
    owner = own(
        Endpoint("127.0.0.1", ports.get(stage, silent_broker.port), connect_timeout_s=60, connack_timeout_s=60),
        "box",
        reports=1 if stage == "queue_full" else 100,
    )
    owner.start()
    time.sleep(0.5)
    begun_s = time.monotonic()

    assert owner.session.stop(0.5)

    assert time.monotonic() - begun_s < 1
    for filler in [*fillers, backlog]:
        filler.close()


def test_stop_when_never_started_then_it_returns(own: Own) -> None:
    """A session that was made and not started can be stopped, twice."""
    owner = own(Endpoint("127.0.0.1", 1), "box")

    assert owner.session.stop()
    assert owner.session.stop()


def test_birth_when_it_raises_then_the_owner_is_told(own: Own) -> None:
    """A defect in the owner's birth ends the thread visibly, not silently."""

    def birth() -> Retained:
        raise LookupError("numbers")

    with ScriptedBroker(lambda first, _body: CONNACK if first & 0xF0 == _CONNECT else b"") as scripted:
        owner = own(scripted.endpoint(), "box", birth=birth)
        owner.start()

        assert owner.wait(SessionFailed).error == "LookupError"
        assert isinstance(owner.session.failure, LookupError)
        assert not owner.session.is_online
        owner.session._failure = None  # seen; the fixture need not object


def test_queue_when_it_has_no_limit_then_it_is_refused(own: Own) -> None:
    """An unbounded queue is refused at once."""
    with pytest.raises(ValueError, match="limit"):
        own(Endpoint("127.0.0.1", 1), "box", reports=0)


def test_reports_when_shown_then_no_payload_is_in_them(own: Own) -> None:
    """The repr of a report has no payload: it may end in a log."""

    def answer(first: int, _body: bytes) -> bytes:
        return CONNACK + publish("t", b"SECRET", 1) if first & 0xF0 == _CONNECT else b""

    with ScriptedBroker(answer) as scripted:
        owner = own(scripted.endpoint(), "box")
        owner.start()
        assert "SECRET" not in repr(owner.wait(Received))
        assert "SECRET" not in repr(Retained("t", b"SECRET"))
        owner.session.stop()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(garbage=st.binary(min_size=1, max_size=40), accepted=st.booleans())
def test_garbage_when_the_broker_sends_it_then_the_session_lives(own: Own, garbage: bytes, *, accepted: bool) -> None:
    """Whatever bytes a broker sends, before or after CONNACK, the session's thread goes on and can be stopped."""
    served = threading.Event()

    def answer(first: int, _body: bytes) -> bytes | None:
        if first & 0xF0 == _CONNECT and not served.is_set():
            served.set()
            return (CONNACK if accepted else b"") + garbage + disconnect(0x8B)
        return CONNACK if first & 0xF0 == _CONNECT else b""

    with ScriptedBroker(answer) as scripted:
        owner = own(scripted.endpoint(connack_timeout_s=0.2, keep_alive_s=1), "box")
        owner.start()
        assert served.wait(10)
        time.sleep(0.02)
        assert owner.session.failure is None
        assert owner.session.stop()
        assert owner.session.failure is None
