"""Uploader: the thread that sends what is pending and applies the bridge's receipts (DESIGN.md 5, steps 7 to 10)."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from yaoma.core.delivery import Limits
from yaoma.core.note import Verifier
from yaoma.service.announcement import Facts
from yaoma.service.command_receiving import CommandReceiving
from yaoma.service.line import Line, OpenLine
from yaoma.service.log_uplink import Logs
from yaoma.service.presence import Presence
from yaoma.service.receiving import Receiving
from yaoma.service.report_box import ReportBox
from yaoma.service.sending import Sending
from yaoma.service.state_receiving import StateReceiving
from yaoma.service.uplink_state import ForkReason, Trouble, UplinkState
from yaoma.shell.outbox import Outbox
from yaoma_link.report import (
    Connected,
    ConnectFailed,
    Disconnected,
    Published,
    Received,
    SessionFailed,
    SessionReport,
    SubscribeRefused,
)
from yaoma_link.topics import BoxName, Channel

__all__ = ["Patience", "Uploader", "UploaderError"]

_log = logging.getLogger("yaoma.uploader")

_TAKEN_OVER_MS = 600_000


class UploaderError(Exception):
    """The uploader can't go on; the supervisor stops all, and systemd starts it again."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Times in milliseconds.

    Args:
        health_ms: Between two health publications.
        puback_ms: How long the broker may leave everything that is in flight without an answer.
        beat_ms: Longest time without a sign of progress to the supervisor.
        drain_ms: How long a stop waits for the answers to what is in flight.
    """

    health_ms: int = 60_000
    puback_ms: int = 120_000
    beat_ms: int = 10_000
    drain_ms: int = 2_000


class Uploader:
    """Owns the MQTT session and everything between journal and receipt.

    Args:
        box: Who we are.
        logs: The box's logs.
        outbox: What the bridge has stored.
        verifiers: The bridge's keys.
        open_line: Makes the MQTT session.
        facts: What the box says of itself.
        on_fork: Called once, on this thread, with a log whose history the bridge knows otherwise; the recorder
            closes the log, opens a new one and copies the tail.
        on_damage: Called once, on this thread, with log and place of a record that does not fit its hash.
        news: Takes the state messages; None if the box takes none.
        commands: Takes the centre's commands; None if the box takes none.
        beat: Called at each sign of progress, at least every `patience.beat_ms`.
        limits: How much may be under way and how long to be patient with broker and bridge.
        patience: Further times.
    """

    def __init__(
        self,
        box: BoxName,
        *,
        logs: Logs,
        outbox: Outbox,
        verifiers: Sequence[Verifier],
        open_line: OpenLine,
        facts: Facts,
        on_fork: Callable[[str, ForkReason], None],
        on_damage: Callable[[str, int], None],
        news: StateReceiving | None = None,
        commands: CommandReceiving | None = None,
        beat: Callable[[], None] = lambda: None,
        limits: Limits | None = None,
        patience: Patience | None = None,
    ) -> None:
        self._box = box
        self._open_line = open_line
        self._facts = facts
        self._news = news
        self._commands = commands
        self._beat = beat
        self._patience = patience or Patience()
        self._sending = Sending(
            box.topic(Channel.RECORDS),
            logs,
            outbox,
            on_fork=on_fork,
            on_damage=on_damage,
            limits=limits or Limits(),
        )
        self._receiving = Receiving(
            box,
            verifiers,
            outbox,
            find=self._sending.find,
            on_wanted=self._sending.adopt,
            on_fork=self._sending.forked,
            on_answer=self._sending.answered,
        )
        self._presence = Presence(
            box,
            facts,
            sending=self._sending,
            receiving=self._receiving,
            news=news,
            health_ms=self._patience.health_ms,
        )
        self._reports = ReportBox()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="uploader", daemon=False)
        self._failure: Exception | None = None
        self._state = UplinkState()

        # from here on our thread's own
        self._line: Line | None = None
        self._online: Connected | None = None
        self._since_ms = 0
        self._taken_over_ms: int | None = None
        self._link_trouble: str | None = None
        self._subscribe_trouble: Trouble | None = None
        self._stop_by_ms: int | None = None

    @property
    def state(self) -> UplinkState:
        """A snapshot; any thread may look."""
        return self._state

    @property
    def failure(self) -> Exception | None:
        """What ended the thread, or None; the supervisor looks at it."""
        return self._failure

    def is_alive(self) -> bool:
        """Tell whether the thread runs."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def wake(self) -> None:
        """Tell that a record or a checkpoint was committed; cheap, any thread."""
        self._reports.ring()

    def stop(self, deadline_s: float = 5.0) -> bool:
        """Send what the broker takes within a moment, say `stopped`, end the session; safe to call again.

        Returns:
            Whether the thread has ended.
        """
        self._stopping.set()
        self._reports.hurry()
        if self._thread.ident is not None:
            self._thread.join(deadline_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._live()
        except Exception as error:  # noqa: BLE001 - the last one on this thread: a silent end would look like a quiet line
            self._failure = error
            _log.critical("uploader ended by a defect: error=%s", type(error).__name__)
        finally:
            if self._line is not None:
                self._line.stop(deadline_s=1.0, last=self._presence.farewell)
            self._state = UplinkState(since_ms=self._since_ms, trouble=self._link_trouble)

    def _live(self) -> None:
        while True:
            self._beat()
            now_ms = _now_ms()
            self._sending.look(now_ms)
            applied = self._receiving.work(now_ms)
            if self._news is not None:
                applied += self._news.work(now_ms)
            for received in applied:
                if self._line is not None:
                    self._line.ack(received)
            self._keep_line(now_ms)
            if self._line is not None and self._online is not None:
                self._sending.send(self._line, self._receiving.mark, now_ms)
                self._presence.tell(self._line, self._online, now_ms)
                self._obey(self._line, self._online)
            self._snapshot(now_ms)
            if self._stopping.is_set() and self._has_drained(now_ms):
                return
            self._wait(now_ms)

    def _has_drained(self, now_ms: int) -> bool:
        if self._stop_by_ms is None:
            self._stop_by_ms = now_ms + self._patience.drain_ms
        return self._online is None or not self._sending.in_flight or now_ms >= self._stop_by_ms

    def _wait(self, now_ms: int) -> None:
        times = [now_ms + self._patience.beat_ms, self._stop_by_ms, self._receiving.wake_at_ms()]
        if self._online is not None:
            times += [] if self._news is None else [self._news.wake_at_ms()]
            times += [self._presence.wake_at_ms(), self._sending.wake_at_ms()]
            if self._sending.in_flight:
                times.append(self._sending.answered_ms + self._patience.puback_ms)
        until_ms = min(one for one in times if one is not None)
        for report in self._reports.take((until_ms - _now_ms()) / 1000):
            self._hear(report, _now_ms())

    def _hear(self, report: SessionReport, now_ms: int) -> None:
        match report:
            case Published():
                self._sending.published(report, now_ms)
            case Received() if report.topic == self._box.topic(Channel.RECEIPTS):
                self._receiving.put(report)
            case Received() if self._news is not None and report.topic == self._box.topic(Channel.STATE):
                self._news.put(report)
            case Received() if self._commands is not None and self._commands.is_command(report.topic):
                self._commands.put(report)
            case Received() if self._line is not None:
                self._line.ack(report)
            case _:
                self._hear_of_line(report, now_ms)

    def _hear_of_line(self, report: SessionReport, now_ms: int) -> None:
        match report:
            case Connected():
                self._on_connected(report, now_ms)
            case Disconnected():
                self._link_trouble = Trouble.TAKEN_OVER if report.taken_over else Trouble.LOST
                self._taken_over_ms = now_ms if report.taken_over else self._taken_over_ms
                self._go_offline(report.reason, now_ms)
            case ConnectFailed():
                self._since_ms = self._since_ms or self._facts.stamp().wall_ms
                self._link_trouble = f"link.{report.fault.value}"
            case SubscribeRefused():
                self._subscribe_trouble = Trouble.SUBSCRIBE_REFUSED
            case SessionFailed():
                raise UploaderError(f"the MQTT session has ended by a defect: {report.error}")
            case _:
                pass

    def _on_connected(self, report: Connected, now_ms: int) -> None:
        self._online = report
        self._since_ms = self._facts.stamp().wall_ms
        self._link_trouble = self._subscribe_trouble = None
        self._presence.connected(now_ms)
        self._receiving.connected(now_ms)
        if self._news is not None:
            self._news.connected()
        self._sending.connected(report, now_ms)
        _log.warning("uplink is up: pending=%d tries=%d", self._sending.pending, report.tries)

    def _go_offline(self, reason: str, now_ms: int) -> None:
        _log.warning("uplink is down: reason=%s pending=%d", reason, self._sending.pending)
        self._online = None
        self._since_ms = self._facts.stamp().wall_ms
        self._receiving.disconnected()
        if self._news is not None:
            self._news.disconnected()
        if self._commands is not None:
            self._commands.disconnected()
        self._sending.disconnected(now_ms)

    def _keep_line(self, now_ms: int) -> None:
        """Keep the birth true, and the session alive and answering."""
        self._presence.renew(now_ms)
        if self._line is None and self._presence.has_birth:
            self._line = self._new_line()
        elif (
            self._line is not None
            and self._sending.in_flight
            and now_ms - self._sending.answered_ms >= self._patience.puback_ms
        ):
            # it still pings but answers no batch: only a new connection can help
            self._replace_line(self._line, now_ms)

    def _new_line(self) -> Line:
        line = self._open_line(
            self._reports.queue,
            subscriptions=self._subscriptions(),
            will=self._presence.last_will,
            birth=self._presence.newest_birth,
        )
        line.start()
        return line

    def _subscriptions(self) -> tuple[str, ...]:
        channels = [Channel.RECEIPTS] if self._news is None else [Channel.RECEIPTS, Channel.STATE]
        commands = () if self._commands is None else (self._commands.topic_filter,)
        return (*(self._box.topic(channel) for channel in channels), *commands)

    def _replace_line(self, line: Line, now_ms: int) -> None:
        if not line.stop(deadline_s=0.2):
            return
        self._reports.clear()
        self._link_trouble = Trouble.BROKER_SILENT
        self._go_offline("the broker answers no batch", now_ms)
        self._line = self._new_line()

    def _obey(self, line: Line, online: Connected) -> None:
        """Do the centre's commands; an answer that the broker does not take is asked for again by the bridge."""
        if self._commands is None:
            return
        for answered in self._commands.work():
            line.publish(answered.topic, answered.payload, connection=online.connection)
            line.ack(answered.received)

    def _snapshot(self, now_ms: int) -> None:
        oldest, current = self._sending.oldest, self._sending.current
        stamp = None
        with self._sending.reading(now_ms):
            stamp = None if oldest is None else oldest.oldest()
        self._state = UplinkState(
            is_connected=self._online is not None,
            since_ms=self._since_ms,
            trouble=self._trouble(),
            pending=self._sending.pending,
            oldest_ms=None if stamp is None else stamp.wall_ms,
            is_taken_over=self._taken_over_ms is not None and now_ms - self._taken_over_ms < _TAKEN_OVER_MS,
            receipts=self._receiving.mark,
            refused_receipts=self._receiving.refused,
            log="" if current is None else current.log,
            stored_upto=0 if current is None else current.stored.upto,
            size=0 if current is None else current.delivery.size,
        )

    def _trouble(self) -> str | None:
        if self._link_trouble is not None:
            return self._link_trouble
        if self._subscribe_trouble is not None:
            return self._subscribe_trouble
        if self._receiving.is_stuck:
            return Trouble.STATE_UNAVAILABLE
        if self._sending.trouble is not None:
            return self._sending.trouble
        return Trouble.RECEIPT_REFUSED if self._receiving.last_was_refused else None


def _now_ms() -> int:
    return time.monotonic_ns() // 1_000_000
