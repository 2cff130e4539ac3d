"""Sending: the logs that have something to send, and the window of batches that they share."""

import contextlib
import logging
import random
from collections.abc import Callable, Iterator

from yaoma.core.delivery import Limits
from yaoma.service.line import Line
from yaoma.service.log_uplink import ForkError, LogReader, Logs, LogUplink, Parcel
from yaoma.service.offers import Offers
from yaoma.service.uplink_state import ForkReason, Trouble
from yaoma.shell.database import DatabaseError, DatabaseUnavailableError
from yaoma.shell.outbox import Outbox
from yaoma_link.batch import ReceiptMark
from yaoma_link.report import Connected, PacketTooLargeError, Published

__all__ = ["Sending"]

_log = logging.getLogger("yaoma.uploader")

_RETRY_MS = 5_000


class Sending:
    """Hands batches over to the session and matches its answers.

    Args:
        topic: Where records are published.
        logs: The box's logs.
        outbox: What the bridge has of them.
        on_fork: Called once with a log whose history the bridge knows otherwise.
        on_damage: Called once with log and place of each record that can't be read or does not fit its hash.
        limits: How much may be under way and how long to be patient.
    """

    def __init__(
        self,
        topic: str,
        logs: Logs,
        outbox: Outbox,
        *,
        on_fork: Callable[[str, ForkReason], None],
        on_damage: Callable[[str, int], None],
        limits: Limits,
    ) -> None:
        self._topic = topic
        self._logs = logs
        self._outbox = outbox
        self._tell_fork = on_fork
        self._on_damage = on_damage
        self._limits = limits
        self._uplinks: dict[str, LogUplink] = {}
        self._adopted: dict[str, LogUplink] = {}
        self._forked: set[str] = set()
        self._anchors: dict[int, LogUplink] = {}
        self._offers = Offers(outbox, limits)
        self._offer_again_ms = 0
        self._online: Connected | None = None
        self._read_again_ms: int | None = None
        self._answered_ms = 0
        self._is_blocked = False
        self._refusal: Trouble | None = None
        self._is_record_too_large = False
        self.current: LogUplink | None = None
        self._recall()

    @property
    def pending(self) -> int:
        """How many records the bridge has not confirmed."""
        return sum(one.delivery.pending for one in self._uplinks.values())

    @property
    def in_flight(self) -> int:
        """How many batches have no PUBACK yet."""
        return len(self._anchors) + sum(one.delivery.in_flight for one in self._uplinks.values())

    @property
    def oldest(self) -> LogUplink | None:
        """The log with the oldest record that is not confirmed, or None."""
        return next((one for one in self._uplinks.values() if one.delivery.pending), None)

    @property
    def answered_ms(self) -> int:
        """When the broker last answered, or was last asked with nothing in flight before."""
        return self._answered_ms

    @property
    def trouble(self) -> Trouble | None:
        """What stands in the way of records, or None."""
        if self._forked and self.current is None:
            return Trouble.FORKED
        if self._refusal is not None:
            return self._refusal
        if self._read_again_ms is not None:
            return Trouble.JOURNAL_UNAVAILABLE
        if any(one.delivery.is_unanswered for one in self._uplinks.values()):
            return Trouble.BRIDGE_SILENT
        return Trouble.RECORD_TOO_LARGE if self._is_record_too_large else None

    def look(self, now_ms: int) -> None:
        """Take notice of new records, new logs, and logs that are wholly confirmed."""
        self._adopted = {log: one for log, one in self._adopted.items() if one.delivery.pending}
        uplinks = {log: one for log, one in self._adopted.items() if log not in self._forked}
        readers = self._logs.deliverable()
        for reader in readers:
            if reader.log in self._forked:
                continue
            uplink = self._uplinks.get(reader.log) or self._uplink(reader)
            if uplink is not None:
                uplink.grown(reader)
                uplinks[reader.log] = uplink
        for log, uplink in uplinks.items():
            if log not in self._uplinks and self._online is not None:
                uplink.delivery.connected(self._online.receive_maximum, now_ms)
        self._uplinks = uplinks
        self.current = uplinks.get(readers[-1].log) if readers else None

    def find(self, log: str) -> LogUplink | None:
        """Give a log of this box as it is now, or None if it is gone or has forked."""
        uplink = self._uplinks.get(log)
        reader = self._logs.find(log)
        if reader is None:
            return uplink
        if uplink is None:
            return self._uplink(reader)
        uplink.grown(reader)
        return uplink

    def adopt(self, uplink: LogUplink) -> None:
        """Send an ended log to its end once more: the bridge lacks some of it."""
        if uplink.log not in self._uplinks:
            _log.warning(
                "the bridge lacks records of an ended log: log=%s pending=%d", uplink.log, uplink.delivery.pending
            )
            self._adopted[uplink.log] = uplink

    def forked(self, error: ForkError) -> None:
        """Stop sending a log whose history the bridge knows otherwise, and tell so once if it has not ended."""
        if error.log in self._forked:
            return
        self._forked.add(error.log)
        uplink = self._uplinks.pop(error.log, None)
        if uplink is not None and uplink is self.current:
            self.current = None
        _log.error("the bridge knows another history: log=%s reason=%s", error.log, error.reason.value)
        if error.log not in self._logs.ended():
            self._tell_fork(error.log, error.reason)

    def answered(self, log: str, uplink: LogUplink | None) -> None:
        """Take notice that the bridge has spoken of a log in its newest epoch.

        Args:
            log: The log.
            uplink: The log as it is now, if what the bridge said of it is proved.

        Raises:
            DatabaseUnavailableError: If the log can't be read.
        """
        self._offers.done(log)
        if uplink is not None and log not in self._uplinks and uplink.stored.upto < uplink.own_end():
            self.adopt(uplink)

    def connected(self, online: Connected, now_ms: int) -> None:
        """Begin to hand over on a new connection."""
        self._online = online
        self._offers.connected()
        self._is_blocked = False
        self._answered_ms = now_ms
        for uplink in self._uplinks.values():
            uplink.delivery.connected(online.receive_maximum, now_ms)

    def disconnected(self, now_ms: int) -> None:
        """Take everything back that has no receipt."""
        self._online = None
        self._anchors.clear()
        for uplink in self._uplinks.values():
            uplink.disconnected(now_ms)

    def published(self, report: Published, now_ms: int) -> None:
        """Take the broker's answer to a publication."""
        self._is_blocked = False
        if self._online is None or report.connection != self._online.connection or report.topic != self._topic:
            return
        self._answered_ms = now_ms
        if not report.is_success and self._refusal is None:
            _log.warning("the broker does not take our records: reason=%s", report.reason)
        if report.is_success:
            self._refusal = None
        else:
            self._refusal = Trouble.NOBODY_LISTENS if report.no_matching_subscribers else Trouble.REFUSED
        anchored = self._anchors.pop(report.packet_id, None)
        for uplink in self._uplinks.values():
            uplink.delivery.acked(report.packet_id, is_success=report.is_success, now_ms=now_ms)
            if not report.is_success and anchored in {None, uplink}:
                uplink.checkpoint_failed()

    def send(self, line: Line, mark: ReceiptMark, now_ms: int) -> None:
        """Hand over what may go now: the oldest log first, within the one window of the connection."""
        if self._read_again_ms is not None and now_ms < self._read_again_ms:
            return
        with self.reading(now_ms):
            for uplink in self._uplinks.values():
                while not self._is_full and (parcel := uplink.next_parcel(now_ms, mark)) is not None:
                    packet_id = self._publish(line, uplink, parcel, now_ms)
                    if packet_id is not None:
                        uplink.handed(packet_id, parcel, now_ms)
                if not self._is_full and not uplink.delivery.is_refused:
                    parcel = uplink.anchor(mark)
                    packet_id = None if parcel is None else self._publish(line, uplink, parcel, now_ms)
                    if parcel is not None and packet_id is not None:
                        self._anchors[packet_id] = uplink
                        uplink.checkpoint_went(parcel)
            self._read_again_ms = None
        self._offer(line, mark, now_ms)

    @contextlib.contextmanager
    def reading(self, now_ms: int) -> Iterator[None]:
        """Read logs; where the disk refuses, the recorder recovers, and here it is only tried again."""
        try:
            yield
        except DatabaseError as error:
            if self._read_again_ms is None:
                _log.error("records can't be read, it will be tried again: problem=%s", error)
            self._read_again_ms = now_ms + _RETRY_MS

    def wake_at_ms(self) -> int | None:
        """Give the time at which `send` must be called though nothing has happened, or None."""
        if self._online is None or self._is_full:
            return None
        if self._read_again_ms is not None:
            return self._read_again_ms
        times = [one.delivery.wake_at_ms() for one in self._uplinks.values()]
        offer_ms = None if self.current is None else self._offers.wake_at_ms()
        times.append(None if offer_ms is None else max(offer_ms, self._offer_again_ms))
        return min((one for one in times if one is not None), default=None)

    @property
    def _is_full(self) -> bool:
        if self._online is None or self._is_blocked:
            return True
        return self.in_flight >= min(self._online.receive_maximum, self._limits.batches)

    def _offer(self, line: Line, mark: ReceiptMark, now_ms: int) -> None:
        """Tell a bridge that began a new epoch of the next ended log: it may not even know that there is one."""
        if self._is_full or self.current is None or now_ms < self._offer_again_ms:
            return
        try:
            if not self._offers.knows(mark.epoch, self.current.log):
                self._offers.begin(mark.epoch, self.current.log, sorted({*self._outbox.logs(), *self._logs.ended()}))
            log = self._offers.next(now_ms)
            uplink = None if log is None or log in self._uplinks or log in self._forked else self.find(log)
            parcel = None if uplink is None else uplink.offer(mark)
        except DatabaseUnavailableError as error:
            _log.error("an ended log can't be offered, it will be tried again: problem=%s", error)
            self._offer_again_ms = now_ms + _RETRY_MS
            return
        if log is None:
            return
        if uplink is None or parcel is None:
            self._offers.done(log)
            return
        packet_id = self._publish(line, uplink, parcel, now_ms)
        if packet_id is not None:
            self._anchors[packet_id] = uplink
            self._offers.made(now_ms)
        elif not self._is_blocked:
            self._offers.done(log)

    def _publish(self, line: Line, uplink: LogUplink, parcel: Parcel, now_ms: int) -> int | None:
        """Give a parcel to the session; None if it was not taken."""
        if not self.in_flight:
            self._answered_ms = now_ms
        assert self._online is not None
        try:
            packet_id = line.publish(self._topic, parcel.payload, connection=self._online.connection)
        except PacketTooLargeError as error:
            if not uplink.too_large(parcel):
                self._is_record_too_large = True
                _log.error("a record is longer than the broker's packets: size=%d limit=%d", error.size, error.limit)
            return None
        if packet_id is None:
            # gone, or full with publications of others: the next report tells
            self._is_blocked = True
        return packet_id

    def _recall(self) -> None:
        """Go on with ended logs that a restored bridge had asked for before the restart."""
        known = {reader.log for reader in self._logs.deliverable()}
        for log in self._outbox.logs():
            reader = None if log in known else self._logs.find(log)
            uplink = None if reader is None else self._uplink(reader)
            if uplink is not None and uplink.stored.upto < uplink.own_end():
                self._adopted[log] = uplink

    def _uplink(self, reader: LogReader) -> LogUplink | None:
        try:
            stored = self._outbox.load(reader.log)
            return LogUplink(reader, stored, on_damage=self._on_damage, random=random.random, limits=self._limits)
        except ForkError as error:
            self.forked(error)
            return None
