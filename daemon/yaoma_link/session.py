"""Session: the one MQTT 5 session of a box or a bridge worker, from the first try to the clean end."""

import logging
import math
import queue
import random
import threading
import time
from collections.abc import Callable, Sequence

from yaoma_link.backoff import Backoff
from yaoma_link.connection import Connack, Connection, Gone, Heard, Inbound, Puback, Suback
from yaoma_link.endpoint import Endpoint
from yaoma_link.outage import Outage, refusal
from yaoma_link.report import (
    Connected,
    ConnectFailed,
    Disconnected,
    PacketTooLargeError,
    PublishProperties,
    Received,
    Retained,
    SessionFailed,
    SessionReport,
)
from yaoma_link.reporting import published, received, subscribed
from yaoma_link.stream import ConnectError, ConnectStoppedError, open_stream
from yaoma_link.wake import Wake

__all__ = ["Session"]

_log = logging.getLogger("yaoma.link")

_FAILURE = 0x80
_TAKEN_OVER = 0x8E

_TICK_S = 1.0
_PUT_TICK_S = 0.1
#: An owner that takes nothing for so long is stuck. Until then the broker waits on the line: mosquitto 2.0.11 sends
#: more retained messages than our Receive Maximum allows once the first are acknowledged.
_FULL_S = 3.0
#: A connection that stood this long was a success.
_SETTLED_S = 10.0
#: Fixed header, topic length, packet id and our few properties, generously.
_PACKET_OVERHEAD_BYTES = 64
_NO_PROPERTIES = PublishProperties()


class Session:
    """Keeps one MQTT 5 session alive and hands everything over as values (PEERS.md 3, DESIGN.md 8).

    A thread of its own connects, reconnects with full jitter, drives the line and puts reports into the owner's
    queue. Nothing is handed over while disconnected, and nothing is kept across a reconnect: on `Disconnected` the
    owner takes back what it had in flight, on `Connected` it feeds it again. While the queue is full the session reads
    no more; if it stays full, the session hangs up rather than lose a report: what was unanswered then comes again.

    Args:
        endpoint: Where the broker is.
        reports: The owner's queue, bounded; the session is its only writer.
        client_id: Who we are to the broker; two sessions with one id throw each other out.
        session_expiry_s: How long the broker keeps what is meant for us while we are away, in seconds; 0 for the
            bridge's shared subscriptions (DESIGN.md 9).
        subscriptions: Filters, asked for at QoS 1 on every connection.
        will: What the broker publishes, retained, when we vanish.
        birth: Called on the session's thread at each connect; published retained after the subscriptions.
        inbound_maximum: How many inbound publications may wait for `ack`; keep it well under the queue's size.
        backoff: The waits between tries.
        takeover_wait_s: Least wait after another client took our session over.
        name: Name of the thread.

    Raises:
        ValueError: If the queue has no limit.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        reports: "queue.Queue[SessionReport]",
        *,
        client_id: str,
        session_expiry_s: int,
        subscriptions: Sequence[str] = (),
        will: Retained | None = None,
        birth: Callable[[], Retained] | None = None,
        inbound_maximum: int = 20,
        backoff: Backoff | None = None,
        takeover_wait_s: float = 60.0,
        name: str = "mqtt",
    ) -> None:
        if reports.maxsize <= 0:
            raise ValueError("reports: a queue without a limit hides an owner that has stopped reading")
        self._endpoint = endpoint
        self._reports = reports
        self._subscriptions = tuple(subscriptions)
        self._birth = birth
        self._backoff = backoff or Backoff(random=random.random)
        self._takeover_wait_s = takeover_wait_s
        self._wake = Wake()
        self._link = Connection(
            client_id=client_id,
            session_expiry_s=session_expiry_s,
            receive_maximum=inbound_maximum,
            will=will,
            wake=self._wake,
        )
        self._thread = threading.Thread(target=self._run, name=name, daemon=False)

        self._lock = threading.Lock()  # guards the four below, between owners and our thread
        self._online: Connected | None = None
        self._in_flight: dict[int, str] = {}
        self._farewell: Retained | None = None
        self._stop_deadline_s = 0.0

        self._stopping = threading.Event()
        self._failure: Exception | None = None

        # from here on our thread's own
        self._connection = 0
        self._subscribing: dict[int, tuple[str, ...]] = {}
        self._outage = Outage(endpoint)

    @property
    def is_online(self) -> bool:
        """Whether the broker has accepted us and the line stands, as far as anybody knows."""
        return self._online is not None

    @property
    def failure(self) -> Exception | None:
        """What ended the thread, or None; a supervisor looks at it."""
        return self._failure

    def is_alive(self) -> bool:
        """Tell whether the thread runs."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Begin to connect; returns at once."""
        self._thread.start()

    def stop(self, deadline_s: float = 1.0, last: Retained | None = None) -> bool:
        """Say goodbye and end the thread; safe to call again.

        Args:
            deadline_s: How long the broker may take to confirm the farewell, in seconds. Without a connection
                the stop does not wait for it.
            last: A last retained publication, such as the status `offline`, sent before DISCONNECT drops the will.

        Returns:
            Whether the thread has ended; it has not if the system's resolver holds it up.
        """
        with self._lock:
            if not self._stopping.is_set():
                self._farewell = last
                self._stop_deadline_s = time.monotonic() + deadline_s
                self._stopping.set()
                self._wake.set()
        if self._thread.ident is not None:
            self._thread.join(deadline_s + _TICK_S)
        if self._thread.is_alive():
            return False
        with self._lock:
            self._wake.close()
        return True

    def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        retain: bool = False,
        qos: int = 1,
        properties: PublishProperties = _NO_PROPERTIES,
        connection: int | None = None,
    ) -> int | None:
        """Hand one publication to the broker's line; any thread may call this.

        Args:
            topic: Where to.
            payload: The bytes.
            retain: Whether the broker keeps it; never for records.
            qos: 0 or 1.
            properties: MQTT 5 properties.
            connection: Publish on this connection only. An owner that has not read its queue up to a reconnect
                would otherwise hand over what it must feed again a moment later.

        Returns:
            The packet id that `Published` will carry, or None: not connected, or as much in flight as the broker
            takes. Then nothing was kept.

        Raises:
            PacketTooLargeError: If the broker has said that it takes no packet of this size.
        """
        with self._lock:
            online = self._online
            if online is None or connection not in {None, online.connection}:
                return None
            if qos and len(self._in_flight) >= online.receive_maximum:
                return None
            size = len(payload) + len(topic.encode()) + _PACKET_OVERHEAD_BYTES
            if online.maximum_packet_size is not None and size > online.maximum_packet_size:
                raise PacketTooLargeError(size, online.maximum_packet_size)
            packet_id = self._hand_over(topic, payload, retain=retain, qos=qos, properties=properties)
            self._wake.set()
            return packet_id

    def ack(self, received: Received) -> bool:
        """Acknowledge an inbound publication after the commit that makes it ours, in the order of arrival.

        Args:
            received: What came in. One from an earlier connection is left alone: the broker sends it again.

        Returns:
            Whether the acknowledgement was handed over.
        """
        with self._lock:
            if self._online is None or self._online.connection != received.connection or not received.qos:
                return False
            self._link.ack(received.packet_id)
            self._wake.set()
            return True

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self._stopping.wait(self._live_once())
        except Exception as error:  # noqa: BLE001 - the last one on this thread: a silent end would look like a quiet line
            self._failure = error
            self._leave()
            _log.critical("session ended by a defect: error=%s", type(error).__name__)
            self._put(SessionFailed(type(error).__name__))
        finally:
            self._link.close()

    def _live_once(self) -> float:
        """Connect, serve the line until it ends, and give the wait before the next try in seconds."""
        try:
            stream = open_stream(self._endpoint, wake=self._wake, is_stopping=self._stopping.is_set)
        except ConnectStoppedError:
            return 0.0
        except ConnectError as error:
            return self._not_connected(error)
        self._link.begin(stream, self._endpoint)
        connack, gone = self._await_connack()
        if connack is None:
            self._link.close()
            if self._stopping.is_set():
                return 0.0
            return self._not_connected(refusal(gone, self._endpoint))
        self._enter(connack)
        begun_s = time.monotonic()
        gone = self._serve()
        self._leave()
        if self._stopping.is_set():
            return 0.0
        # a broker that accepts and soon hangs up is still failing: the waits go on growing
        if time.monotonic() - begun_s >= _SETTLED_S:
            self._backoff.reset()
        return self._lost(gone)

    def _await_connack(self) -> tuple[Connack | None, Gone | None]:
        deadline_s = time.monotonic() + self._endpoint.connack_timeout_s
        while not self._stopping.is_set():
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                break
            for heard in self._link.step(min(left_s, _TICK_S)):
                match heard:
                    case Connack(reason_code=code) if code < _FAILURE:
                        return heard, None
                    case Connack():
                        return None, Gone(heard.reason_code, heard.reason)
                    case Gone():
                        return None, heard
                    case _:
                        return None, Gone(None, "the broker spoke before it had accepted us")
        return None, None

    def _enter(self, connack: Connack) -> None:
        """Begin a connection: report, subscribe, birth, and only then let the owners in."""
        self._connection += 1
        online = Connected(
            connection=self._connection,
            session_present=connack.session_present,
            receive_maximum=connack.receive_maximum,
            maximum_packet_size=connack.maximum_packet_size,
            keep_alive_s=connack.keep_alive_s,
            tries=self._outage.ended(),
        )
        birth = None if self._birth is None else self._birth()
        self._put(online)
        self._subscribing.clear()
        if self._subscriptions:
            packet_id = self._link.subscribe(self._subscriptions)
            if packet_id is not None:
                self._subscribing[packet_id] = self._subscriptions
        with self._lock:
            self._in_flight.clear()
            # the birth follows the subscriptions on the same line, so an answer to it can't be missed
            if birth is not None:
                self._hand_over(birth.topic, birth.payload, retain=True, qos=1, properties=_NO_PROPERTIES)
            self._online = online

    def _serve(self) -> Gone:
        """Drive the line until it ends or the owner stops."""
        while not self._stopping.is_set():
            gone = self._deliver(self._link.step(_TICK_S))
            if gone is not None:
                return gone
        return self._say_goodbye()

    def _say_goodbye(self) -> Gone:
        with self._lock:
            self._online = None
            farewell = self._farewell
            packet_id = None
            if farewell is not None:
                packet_id = self._hand_over(
                    farewell.topic, farewell.payload, retain=True, qos=1, properties=_NO_PROPERTIES
                )
        while packet_id in self._in_flight and time.monotonic() < self._stop_deadline_s:
            gone = self._deliver(self._link.step(self._left_s()))
            if gone is not None:
                return gone
        self._link.disconnect()
        while time.monotonic() < self._stop_deadline_s:
            gone = self._deliver(self._link.step(self._left_s()))
            if gone is not None:
                return gone
        return Gone(None, "stopped before the broker had read our DISCONNECT")

    def _left_s(self) -> float:
        return max(0.0, self._stop_deadline_s - time.monotonic())

    def _deliver(self, heard: list[Heard]) -> Gone | None:
        """Turn what was heard into reports; give the end of the connection, if it was among it."""
        for one in heard:
            if isinstance(one, Gone):
                return one
            for report in self._reports_of(one):
                if not self._put(report, within_s=_FULL_S):
                    return Gone(None, "the owner's queue is full")
        return None

    def _reports_of(self, heard: Heard) -> Sequence[SessionReport]:
        match heard:
            case Puback(packet_id):
                with self._lock:
                    topic = self._in_flight.pop(packet_id, None)
                # paho reports the writing of a QoS 0 publication in the same way
                return [] if topic is None else [published(self._connection, topic, heard)]
            case Suback(packet_id):
                filters = self._subscribing.pop(packet_id, ())
                refused, granted = subscribed(self._connection, filters, heard)
                for one in refused:
                    _log.warning("subscription refused: filter=%s reason=%s", one.topic, one.reason)
                return [*refused, *([granted] if granted else [])]
            case Inbound():
                return [received(self._connection, heard)]
            case _:
                return []

    def _hand_over(
        self, topic: str, payload: bytes, *, retain: bool, qos: int, properties: PublishProperties
    ) -> int | None:
        """Give one publication to paho and note it as in flight; the lock is held."""
        packet_id = self._link.publish(topic, payload, retain=retain, qos=qos, properties=properties)
        if packet_id is not None and qos:
            self._in_flight[packet_id] = topic
        return packet_id

    def _leave(self) -> None:
        with self._lock:
            self._online = None
            self._in_flight.clear()
        self._link.close()

    def _lost(self, gone: Gone) -> float:
        taken_over = gone.reason_code == _TAKEN_OVER
        # two boxes with one identity would otherwise throw each other out several times a second
        wait_s = self._backoff.next_wait_s(least_s=self._takeover_wait_s if taken_over else 0.0)
        hint = "Another box uses this identity: find the copied card." if taken_over else ""
        self._outage.failed("taken_over" if taken_over else "lost", gone.reason, hint)
        self._put(Disconnected(self._connection, gone.reason_code, gone.reason, taken_over))
        return wait_s

    def _not_connected(self, error: ConnectError) -> float:
        wait_s = self._backoff.next_wait_s()
        self._outage.failed(error.fault, error.reason, error.hint)
        self._put(ConnectFailed(error.fault, error.reason, error.hint, wait_s))
        return wait_s

    def _put(self, report: SessionReport, within_s: float = math.inf) -> bool:
        """Put a report, waiting for an owner that does not read until the session stops; say whether it was taken."""
        until_s = time.monotonic() + within_s
        while True:
            try:
                self._reports.put(report, timeout=_PUT_TICK_S)
            except queue.Full:
                if self._stopping.is_set() or time.monotonic() >= until_s:
                    return False
            else:
                return True
