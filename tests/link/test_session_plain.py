"""The session against a real mosquitto without TLS: publishing, outages, redelivery, birth and will."""

import logging
import threading
import time
from collections.abc import Callable

import pytest

from fakes.broker import Broker
from fakes.owner import Owner
from fakes.program import wait_for
from yaoma_link.report import (
    Connected,
    ConnectFailed,
    ConnectFault,
    Disconnected,
    PacketTooLargeError,
    Published,
    Received,
    Retained,
)

pytestmark = pytest.mark.broker

Own = Callable[..., Owner]


def test_publish_when_a_subscriber_listens_then_success_is_reported(broker: Broker, own: Own) -> None:
    """A publication that somebody hears is a success and arrives with its payload."""
    listener = own(broker.endpoint(), "listener", subscriptions=["t/#"])
    listener.connect()
    owner = own(broker.endpoint(), "box")
    owner.connect()

    packet_id = owner.session.publish("t/1", b"payload")

    published = owner.wait(Published)
    assert (published.packet_id, published.topic, published.is_success) == (packet_id, "t/1", True)
    received = listener.wait(Received)
    assert (received.topic, received.payload, received.qos, received.retain) == ("t/1", b"payload", 1, False)


def test_publish_when_nobody_listens_then_it_is_no_success(broker: Broker, own: Own) -> None:
    """Reason code 0x10 is reported as taken but unheard, not as a success."""
    owner = own(broker.endpoint(), "box")
    owner.connect()

    owner.session.publish("t/nobody", b"x")

    published = owner.wait(Published)
    assert published.reason_code == 0x10
    assert published.no_matching_subscribers
    assert not published.is_success


def test_publish_when_the_thread_waits_then_it_is_woken(broker: Broker, own: Own) -> None:
    """A publish from another thread wakes the session's wait: fifty round trips take far less than fifty waits."""
    owner = own(broker.endpoint(), "box")
    owner.connect()
    begun_s = time.monotonic()

    for number in range(50):
        owner.session.publish("t/wake", str(number).encode())
        owner.wait(Published)

    assert time.monotonic() - begun_s < 10


def test_publish_when_many_threads_do_it_then_every_packet_is_whole(broker: Broker, own: Own) -> None:
    """Four threads that publish at once never mix their bytes: every payload arrives once."""
    listener = own(broker.endpoint(), "listener", subscriptions=["t/#"], inbound_maximum=500)
    listener.connect()
    owner = own(broker.endpoint(), "box")
    owner.connect()

    def feed(letter: str) -> None:
        for number in range(50):
            owner.publish(f"t/{letter}", f"{letter}{number}:".encode() + b"x" * 3000)

    threads = [threading.Thread(target=feed, args=(letter,)) for letter in "abcd"]
    for thread in threads:
        thread.start()
    payloads: list[bytes] = []
    while len(payloads) < 200:
        received = listener.wait(Received)
        listener.session.ack(received)
        payloads.append(received.payload)
    for thread in threads:
        thread.join()

    expected = {f"{letter}{number}:".encode() + b"x" * 3000 for letter in "abcd" for number in range(50)}
    assert set(payloads) == expected
    assert owner.drain(Disconnected) == []


def test_publish_when_called_then_only_the_sessions_thread_writes(
    broker: Broker, own: Own, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The caller's thread never touches the socket: two writers would interleave their packets."""
    owner = own(broker.endpoint(), "box")
    owner.connect()
    client = owner.session._link._client
    send, writers = client._sock_send, set()

    def watched(buffer: bytes | bytearray) -> int:
        writers.add(threading.current_thread().name)
        return send(buffer)

    monkeypatch.setattr(client, "_sock_send", watched)
    for _ in range(20):
        owner.publish("t/1", b"x")

    assert len(owner.drain(Published)) == 20
    assert writers == {"mqtt-box"}


def test_publish_when_the_window_is_full_then_nothing_is_taken(broker: Broker, own: Own) -> None:
    """No more is handed over than the broker's Receive Maximum, and the refusal keeps nothing."""
    owner = own(broker.endpoint(), "box")
    connected = owner.connect()
    assert connected.receive_maximum == 20  # mosquitto's default

    broker.freeze()
    given = [owner.session.publish("t/w", b"x") for _ in range(25)]
    broker.thaw()

    assert sum(packet_id is not None for packet_id in given) == 20
    assert len(owner.drain(Published)) == 20


def test_publish_when_not_connected_then_nothing_is_kept(broker: Broker, own: Own) -> None:
    """What is refused before the connection never reaches the broker, also not after it."""
    listener = own(broker.endpoint(), "listener", subscriptions=["t/#"])
    listener.connect()
    owner = own(broker.endpoint(), "box")

    assert owner.session.publish("t/early", b"x") is None
    owner.connect()

    assert listener.drain(Received) == []


def test_publish_when_meant_for_an_earlier_connection_then_it_is_refused(broker: Broker, own: Own) -> None:
    """An owner that still believes in the old connection hands nothing over on the new one."""
    owner = own(broker.endpoint(), "box")
    first = owner.connect()
    broker.restart()
    second = owner.wait(Connected)

    assert second.connection == first.connection + 1
    assert owner.session.publish("t", b"x", connection=first.connection) is None
    assert owner.session.publish("t", b"x", connection=second.connection) is not None


def test_outage_when_the_broker_is_killed_then_only_the_fed_is_sent(broker: Broker, own: Own) -> None:
    """With the broker killed in the middle of 100, each arrives as often as its owner has handed it over."""
    owner = own(broker.endpoint(), "box")
    connection = owner.connect().connection
    handed: dict[int, int] = {}
    waiting: dict[int, int] = {}
    todo = list(range(100))
    confirmed: set[int] = set()
    listener = own(broker.endpoint(), "listener", subscriptions=["t/#"], inbound_maximum=1000)
    listener.connect()
    killed = False
    while len(confirmed) < 100:
        while todo and (packet_id := owner.session.publish("t/r", b"%d" % todo[0], connection=connection)):
            number = todo.pop(0)
            waiting[packet_id] = number
            handed[number] = handed.get(number, 0) + 1
        if len(confirmed) >= 40 and not killed:
            killed = True
            broker.restart()
        match owner.wait(object):
            case Published(packet_id=packet_id, is_success=success, no_matching_subscribers=unheard):
                number = waiting.pop(packet_id)
                # the listener may still be on its way back
                (confirmed.add if success or unheard else todo.append)(number)
            case Disconnected():
                todo = sorted([*waiting.values(), *todo])
                waiting.clear()
            case Connected(connection=connection):
                pass

    heard = [int(received.payload) for received in listener.drain(Received)]
    assert killed
    assert sum(handed.values()) > 0
    assert all(heard.count(number) <= handed[number] for number in range(100))
    assert owner.session.publish("t/r", b"end") is not None
    assert len(owner.drain(Published)) == 1


def test_outage_when_publications_are_in_flight_then_none_is_sent_by_itself(broker: Broker, own: Own) -> None:
    """What was in flight at the break is dropped: after the reconnect the broker hears only what comes anew."""
    owner = own(broker.endpoint(), "box")
    owner.connect()
    broker.freeze()
    for number in range(10):
        assert owner.session.publish("t/lost", b"%d" % number) is not None
    broker.kill()
    owner.wait(Disconnected)
    broker.start()
    listener = own(broker.endpoint(), "listener", subscriptions=["t/#"])
    listener.connect()
    owner.wait(Connected)

    owner.publish("t/anew", b"x")

    assert [received.topic for received in listener.drain(Received)] in (["t/anew"], [])
    assert "t/lost" not in broker.log()


def test_outage_when_it_lasts_then_the_log_has_two_lines(
    broker: Broker, own: Own, caplog: pytest.LogCaptureFixture
) -> None:
    """An outage is one line when it begins and one when it ends, with the number of tries, and no payload."""
    with caplog.at_level(logging.DEBUG, "yaoma.link"):
        owner = own(broker.endpoint(), "box")
        owner.connect()
        owner.session.publish("t", b"SECRET")
        broker.kill()
        owner.wait(Disconnected)
        for _ in range(4):
            assert owner.wait(ConnectFailed).fault == ConnectFault.UNREACHABLE
        broker.start()
        owner.wait(Connected)

    lines = [record.getMessage() for record in caplog.records if record.name.startswith("yaoma.link")]
    assert [line.split(":")[0] for line in lines] == ["broker away", "broker back"]
    assert int(lines[1].split("tries=")[1].split()[0]) >= 5
    assert "SECRET" not in caplog.text


def test_outage_when_the_broker_freezes_then_it_is_dropped_at_one_and_a_half_keep_alives(
    broker: Broker, own: Own
) -> None:
    """A broker that holds the line and says nothing is given up, and the session comes back by itself."""
    owner = own(broker.endpoint(keep_alive_s=1), "box")
    owner.connect()
    broker.freeze()

    gone = owner.wait(Disconnected, within_s=5)
    broker.thaw()

    assert gone.reason_code is None
    assert "1.5 s" in gone.reason
    owner.wait(Connected)


def test_idle_line_when_the_broker_answers_pings_then_it_stands(broker: Broker, own: Own) -> None:
    """Silence of several keep-alives is no outage as long as pings are answered."""
    owner = own(broker.endpoint(keep_alive_s=1), "box")
    owner.connect()

    assert owner.drain(Disconnected, quiet_s=4) == []
    assert owner.session.is_online


def test_ack_when_it_never_came_then_the_broker_sends_again(broker: Broker, own: Own) -> None:
    """An inbound publication that was not acknowledged before a break comes again; an acknowledged one does not."""
    owner = own(broker.endpoint(), "box", subscriptions=["t/#"])
    owner.connect()
    sender = own(broker.endpoint(), "sender")
    sender.connect()
    sender.publish("t/1", b"one")
    sender.publish("t/2", b"two")
    one, two = owner.wait(Received), owner.wait(Received)
    assert owner.session.ack(one)
    sender.publish("t/3", b"three")
    owner.wait(Received)
    owner.cut()
    assert owner.wait(Connected).session_present
    first, second = owner.wait(Received), owner.wait(Received)

    assert [first.payload, second.payload] == [b"two", b"three"]
    assert first.duplicate
    assert not owner.session.ack(two), "an acknowledgement of the old connection is not good on the new one"
    assert owner.session.ack(first)


def test_birth_when_connected_then_it_is_retained_with_the_numbers_of_now(broker: Broker, own: Own) -> None:
    """The birth is made anew at each connect and kept by the broker."""
    born = iter([b"first", b"second", b"third"])
    owner = own(broker.endpoint(), "box", birth=lambda: Retained("s/status", next(born)))
    owner.connect()
    assert owner.wait(Published).topic == "s/status"
    broker.stop()
    broker.start()
    owner.wait(Connected)
    owner.wait(Published)

    reader = own(broker.endpoint(), "reader", subscriptions=["s/#"])
    reader.start()

    received = reader.wait(Received)
    assert (received.payload, received.retain) == (b"second", True)


def test_birth_when_there_are_subscriptions_then_an_answer_to_it_is_heard(broker: Broker, own: Own) -> None:
    """The subscriptions stand before the birth goes out: whoever answers it at once is heard."""
    owner = own(broker.endpoint(), "box", subscriptions=["s/status"], birth=lambda: Retained("s/status", b"on"))
    owner.start()

    received = owner.wait(Received)

    assert (received.payload, received.retain) == (b"on", False)


def test_will_when_the_line_breaks_then_the_broker_publishes_it(broker: Broker, own: Own) -> None:
    """A session that vanishes leaves its last will as the retained status."""
    watcher = own(broker.endpoint(), "watcher", subscriptions=["s/#"])
    watcher.connect()
    owner = own(broker.endpoint(), "box", will=Retained("s/status", b"offline"))
    owner.connect()

    owner.cut()

    assert watcher.wait(Received).payload == b"offline"


def test_stop_when_connected_then_the_farewell_is_kept_and_the_will_is_not_sent(broker: Broker, own: Own) -> None:
    """A clean stop publishes the last status and drops the will."""
    watcher = own(broker.endpoint(), "watcher", subscriptions=["s/#"])
    watcher.connect()
    owner = own(broker.endpoint(), "box", will=Retained("s/status", b"will"))
    owner.connect()

    assert owner.session.stop(5.0, last=Retained("s/status", b"stopped"))

    assert [received.payload for received in watcher.drain(Received)] == [b"stopped"]
    assert not owner.session.is_alive()
    assert owner.session.publish("t", b"x") is None


def test_takeover_when_a_second_client_has_the_id_then_the_first_is_out(broker: Broker, own: Own) -> None:
    """Two sessions with one id are never both connected; mosquitto says 0x8E from 2.0.15 on (mosquitto#2607)."""
    owner = own(broker.endpoint(), "box")
    owner.connect()
    rival = own(broker.endpoint(), "box")
    rival.connect()

    gone = owner.wait(Disconnected)

    assert gone.reason_code in {None, 0x8E}
    assert gone.taken_over == (gone.reason_code == 0x8E)


def test_queue_when_full_then_the_session_hangs_up_and_the_rest_comes_again(broker: Broker, own: Own) -> None:
    """An owner that does not read loses the line, not a publication."""
    sender = own(broker.endpoint(), "sender")
    sender.connect()
    owner = own(broker.endpoint(), "box", subscriptions=["t/#"], reports=5, inbound_maximum=20)
    owner.connect()
    for number in range(12):
        sender.publish("t/q", b"%d" % number)
    wait_for(lambda: not owner.session.is_online, "it reads on", 10)

    payloads: set[bytes] = set()
    reasons: list[str] = []
    while len(payloads) < 12:
        match owner.wait(object):
            case Received() as received:
                if owner.session.ack(received):
                    payloads.add(received.payload)
            case Disconnected(reason=reason):
                reasons.append(reason)

    assert reasons
    assert set(reasons) == {"the owner's queue is full"}


def test_queue_when_full_for_a_moment_then_the_line_holds_and_nothing_is_lost(broker: Broker, own: Own) -> None:
    """An owner that is only slow keeps its line, also when mosquitto sends more than the Receive Maximum allows.

    2.0.11 does so with retained messages, once the first are acknowledged.
    """
    sender = own(broker.endpoint(), "sender")
    sender.connect()
    for number in range(300):
        sender.publish(f"t/{number}", b"%d" % number, retain=True)
    owner = own(broker.endpoint(), "box", subscriptions=["t/#"], reports=20, inbound_maximum=5)
    owner.start()

    payloads: set[bytes] = set()
    while len(payloads) < 300:
        match owner.wait(object):
            case Received() as received:
                assert owner.session.ack(received)
                payloads.add(received.payload)
                time.sleep(0.002)
            case Disconnected(reason=reason):
                pytest.fail(reason)


def test_large_packet_when_the_broker_has_a_limit_then_the_owner_is_told(
    mosquitto: str, tmp_path_factory: pytest.TempPathFactory, own: Own
) -> None:
    """A packet over the broker's limit raises with both sizes and the line stands."""
    with Broker(tmp_path_factory.mktemp("b"), conf=["max_packet_size 2000"]) as limited:
        owner = own(limited.endpoint(), "box")
        assert owner.connect().maximum_packet_size == 2000
        with pytest.raises(PacketTooLargeError) as caught:
            owner.session.publish("t", b"x" * 2001)
        assert caught.value.limit == 2000
        owner.session.publish("t", b"x" * 1500)
        assert owner.wait(Published).topic == "t"
        owner.session.stop()
