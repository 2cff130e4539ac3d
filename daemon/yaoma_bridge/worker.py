"""Worker: one process that stores first, acknowledges then, and answers; as many as the load needs (DESIGN.md 9)."""

import logging
import os
import queue
import secrets
import signal
import socket
import threading
import time
from collections import deque

from yaoma_bridge.bridge_metrics import serve_metrics
from yaoma_bridge.config import BridgeConfig, read_signer
from yaoma_bridge.contention import CONTENTION
from yaoma_bridge.destinations.destination import Destination
from yaoma_bridge.destinations.find import make_destination
from yaoma_bridge.errors import BridgeError
from yaoma_bridge.follow_up import FollowUp
from yaoma_bridge.intake import Intake
from yaoma_bridge.platform import Platform
from yaoma_bridge.receipts import Outgoing
from yaoma_bridge.registry import Registry
from yaoma_bridge.store import Store
from yaoma_bridge.turns import Turns
from yaoma_bridge.upload_threads import UploadThreads
from yaoma_bridge.uploading import Upload
from yaoma_link.notify import Notify
from yaoma_link.report import (
    Connected,
    Disconnected,
    PacketTooLargeError,
    Published,
    Received,
    SessionFailed,
    SessionReport,
    SubscribeRefused,
)
from yaoma_link.session import Session
from yaoma_link.topics import (
    Channel,
    bridge_filter,
    command_reply_filter,
    shared_filter,
)

__all__ = ["Worker"]

_log = logging.getLogger("yaoma.bridge.worker")

_WAIT_S = 0.1
_DUE_EVERY_S = 0.5
#: About two thousand records: with larger groups box and bridge would wait for each other in turns.
_MAX_GROUP_BYTES = 1 << 15
#: More than this comes at once from a box that was offline, not from one at which somebody scans.
_BACKLOG_BYTES = 2048
_MAX_PENDING = 10_000
_STALLED_S = 120.0


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _goes_on(follow_up: FollowUp, threads: UploadThreads) -> bool:
    """Say whether the threads behind show progress and none has ended."""
    if follow_up.failure is not None or threads.failure is not None:
        return False
    return time.monotonic() - min(follow_up.beat_s, threads.beat_s) < _STALLED_S


class Worker:
    """One worker: an MQTT session, the store-first loop on this thread, the follow-up on another.

    Args:
        config: The configuration.
        name: The worker's name among all workers, or None for one of its own.
    """

    def __init__(self, config: BridgeConfig, name: str | None = None) -> None:
        self._config = config
        self.name = name or f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
        self._stop = threading.Event()
        self._made: queue.SimpleQueue[Outgoing] = queue.SimpleQueue()
        self._pending: deque[Outgoing] = deque(maxlen=_MAX_PENDING)
        self._in_flight: dict[int, Outgoing] = {}
        self._due_at_s = 0.0
        self._notify = Notify()
        self._turns = Turns()

    def stop(self) -> None:
        """Ask the worker to end after what it is doing; any thread or signal handler may call this."""
        self._stop.set()

    def stop_on_signals(self) -> None:
        """End in order on SIGTERM and SIGINT."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.stop())

    def run(self) -> None:
        """Work until `stop`.

        Raises:
            BridgeError: If something can't be used: configuration, store, or a subscription that the broker refuses.
        """
        config = self._config
        signer = read_signer(config.keys)
        destinations: list[Destination] = []
        uploads: list[Upload] = []
        for table in config.destination:
            made = make_destination(table.kind, table.name, table.model_extra or {})
            if isinstance(made, Platform):
                uploads.append(Upload(made, table.route, table.pace.over(made.pace)))
            else:
                destinations.append(made)
        if uploads or config.institutions is not None:
            config.facts()  # a file that is missing is told now, not by the first bill
        reports: queue.Queue[SessionReport] = queue.Queue(maxsize=4 * config.broker.waiting_batches + 100)
        with Store.open(config.store.place) as store:
            follow_up = FollowUp(
                config.store.place,
                Registry(config.registry.folder),
                destinations,
                signer=signer,
                owner=self.name,
                hold_ms=config.store.claim_s * 1000,
                unsigned_after_ms=config.store.unsigned_after_s * 1000,
                hold_untrusted=config.clock.untrusted == "hold",
                outgoing=self._made,
                now_ms=_now_ms,
                turns=self._turns,
            )
            threads = UploadThreads(
                config.store.place,
                uploads,
                config.facts,
                signer=signer,
                owner=self.name,
                hold_ms=config.store.claim_s * 1000,
                outgoing=self._made,
                now_ms=_now_ms,
                turns=self._turns,
            )
            session = Session(
                config.broker.endpoint(),
                reports,
                client_id=f"yaoma-bridge-{self.name}",
                session_expiry_s=0,
                # What the broker keeps comes to plain subscriptions only (MQTT 5, 4.8.2).
                subscriptions=(
                    shared_filter(Channel.RECORDS, config.broker.group),
                    bridge_filter(Channel.STATUS),
                    bridge_filter(Channel.INFO),
                    shared_filter(Channel.HEALTH, config.broker.group),
                    f"$share/{config.broker.group}/{command_reply_filter()}",
                ),
                inbound_maximum=config.broker.waiting_batches,
            )
            metrics = None
            if config.metrics is not None:
                metrics = serve_metrics(
                    config.metrics.address, config.store.place, lambda: _goes_on(follow_up, threads)
                )
                metrics.start()
            follow_up.start()
            threads.start()
            session.start()
            self._notify.ready(f"worker {self.name}")
            try:
                self._work(Intake(store, signer), session, reports, (follow_up, threads))
            finally:
                self._notify.stopping()
                session.stop()
                threads.stop()
                follow_up.stop()
                if metrics is not None:
                    metrics.stop(deadline_s=1.0)
                met = " ".join(f"{kind}={count}" for kind, count in CONTENTION.counts().items())
                _log.info("worker met others at the same work: met=%s", met or "none=0")

    def _work(
        self,
        intake: Intake,
        session: Session,
        reports: "queue.Queue[SessionReport]",
        behind: tuple[FollowUp, UploadThreads],
    ) -> None:
        follow_up, threads = behind
        while not self._stop.is_set():
            arrivals = self._heard(reports)
            if arrivals:
                if sum(len(arrival.payload) for arrival in arrivals) >= _BACKLOG_BYTES:
                    self._turns.give_way()
                answers = intake.take(arrivals)
                for arrival in arrivals:
                    session.ack(arrival)
                self._pending.extend(answers)
            if time.monotonic() >= self._due_at_s:
                self._due_at_s = time.monotonic() + _DUE_EVERY_S
                self._pending.extend(intake.due())
            while not self._made.empty():
                self._pending.append(self._made.get())
            self._publish(session)
            if follow_up.failure is not None:
                raise BridgeError("the follow-up thread has ended", "Look into the log above this line")
            if threads.failure is not None:
                raise BridgeError("a thread that uploads has ended", "Look into the log above this line")
            if _goes_on(follow_up, threads):
                self._notify.watchdog()

    def _heard(self, reports: "queue.Queue[SessionReport]") -> list[Received]:
        """Wait for a report, then take those that are waiting behind it: one commit serves them all."""
        arrivals: list[Received] = []
        group_bytes = 0
        try:
            report = reports.get(timeout=_WAIT_S)
            while True:
                if isinstance(report, Received):
                    arrivals.append(report)
                    group_bytes += len(report.payload)
                else:
                    self._note(report)
                if group_bytes >= _MAX_GROUP_BYTES or len(arrivals) >= self._config.broker.waiting_batches:
                    return arrivals
                report = reports.get_nowait()
        except queue.Empty:
            return arrivals

    def _note(self, report: SessionReport) -> None:
        match report:
            case Connected():
                _log.info("connected: connection=%d", report.connection)
            case Disconnected():
                # No answer will come to these any more; a box drops those that it has by their number.
                self._pending.extendleft(reversed(self._in_flight.values()))
                self._in_flight.clear()
            case Published():
                self._in_flight.pop(report.packet_id, None)
            case SubscribeRefused():
                raise BridgeError(
                    f"the broker refuses the subscription {report.topic} ({report.reason})",
                    "Give the bridge's identity the rights of the sample access list",
                )
            case SessionFailed():
                raise BridgeError(f"the MQTT session has ended ({report.error})", "Look into the log above this line")
            case _:
                pass

    def _publish(self, session: Session) -> None:
        # As few under way as batches may wait: what the broker says of all of these fits into the queue of reports.
        while self._pending and len(self._in_flight) < self._config.broker.waiting_batches:
            outgoing = self._pending[0]
            try:
                packet_id = session.publish(outgoing.topic, outgoing.payload)
            except PacketTooLargeError as error:
                _log.error("receipt dropped: box=%s rseq=%d problem=%s", outgoing.box, outgoing.rseq, error)
                self._pending.popleft()
                continue
            if packet_id is None:
                return
            self._in_flight[packet_id] = outgoing
            self._pending.popleft()
