"""One log on its way up: reads what shall be sent, and proves what the bridge says it has."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from yaoma.core.canonical import Json
from yaoma.core.delivery import Delivery, Limits
from yaoma.core.entry import CloseReason
from yaoma.core.merkle import Frontier
from yaoma.core.record import Kind, Record, RecordError, Stamp
from yaoma.core.spans import Span
from yaoma.service.uplink_state import ForkReason
from yaoma.shell.database import DatabaseDamagedError
from yaoma.shell.outbox import Stored
from yaoma_link.batch import Batch, ReceiptMark
from yaoma_link.receipt import Receipt

__all__ = ["ForkError", "LogReader", "LogUplink", "Logs", "Parcel"]

#: Up to so many records or bytes of bodies go into one batch: beyond that compression gains nothing (PEERS.md 4.2).
BATCH_RECORDS = 256
BATCH_BYTES = 128_000

_HASH_STEP = 4096

#: After such an end the bridge may hold other records at the log's last places.
_PARTED = frozenset({CloseReason.FORKED.value, CloseReason.SHRUNK.value})


class LogReader(Protocol):
    """Reads one log, open or closed."""

    log: str

    @property
    def size(self) -> int:
        """Number of records."""
        ...

    def bodies(self, first: int, last: int) -> list[bytes]:
        """Give the bodies of a half-open range.

        Raises:
            DatabaseDamagedError: If one is missing, or does not fit its hash.
        """
        ...

    def leaf_hashes(self, first: int, last: int) -> list[bytes]:
        """Give the leaf hashes of a half-open range."""
        ...

    def sealed(self, first: int, last: int) -> dict[int, bytes]:
        """Give the sealed identities of a half-open range, by place."""
        ...

    def newest_checkpoint(self) -> str | None:
        """Give the newest signed checkpoint."""
        ...


class Logs(Protocol):
    """Finds the logs of this box."""

    def deliverable(self) -> Sequence[LogReader]:
        """Give the closed logs with records that the bridge has not confirmed, oldest first, then the current one."""
        ...

    def find(self, log: str) -> LogReader | None:
        """Give any log that still lies on this box: a restored bridge may want records of one that was confirmed."""
        ...

    def ended(self) -> Sequence[str]:
        """Name the logs that have ended and still lie on this box."""
        ...


class ForkError(Exception):
    """The bridge knows another history of the log: close it, open a new one, copy the tail (DESIGN.md 6).

    Args:
        log: The log.
        reason: How the histories differ.
    """

    def __init__(self, log: str, reason: ForkReason) -> None:
        super().__init__(f"the bridge knows another history of log {log}: {reason}")
        self.log = log
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Parcel:
    """A batch that is ready to be handed over."""

    span: Span
    payload: bytes = field(repr=False)
    checkpoint: str | None = field(repr=False)


class LogUplink:
    """One log, what is known of its delivery, and its two frontiers: at `stored_upto` and at the end.

    Args:
        reader: Reads the log.
        stored: What the bridge has of it.
        on_damage: Called once with log and place of each record that can't be read or does not fit its hash.
        random: Gives a number of 0.0 <= x < 1.0.
        limits: How much may be under way and how long to be patient.

    Raises:
        ForkError: If the bridge has more of the log than there is.
    """

    def __init__(
        self,
        reader: LogReader,
        stored: Stored,
        *,
        on_damage: Callable[[str, int], None],
        random: Callable[[], float],
        limits: Limits,
    ) -> None:
        size = reader.size
        if stored.upto > size:
            raise ForkError(reader.log, ForkReason.LONGER)
        self.reader = reader
        self.stored = stored
        self.delivery = Delivery(stored_upto=stored.upto, size=size, random=random, limits=limits)
        self._on_damage = on_damage
        self._damaged: set[int] = set()
        self._head = stored.frontier
        self._sent_upto = stored.upto
        self._checkpoint_sent: str | None = None
        self._most_records = BATCH_RECORDS
        self._oldest: tuple[int, Stamp | None] | None = None
        self._previous: str | None = None

    @property
    def log(self) -> str:
        """The log's id."""
        return self.reader.log

    @property
    def checkpoint_due(self) -> str | None:
        """The newest checkpoint, if the broker has not taken it on this connection, else None."""
        newest = self.reader.newest_checkpoint()
        return newest if newest != self._checkpoint_sent else None

    def grown(self, reader: LogReader) -> None:
        """Take notice of new records; a journal that was opened anew has a new reader."""
        self.reader = reader
        self.delivery.grown(reader.size)

    def disconnected(self, now_ms: int) -> None:
        """Take everything back that has no receipt."""
        self.delivery.disconnected(now_ms)
        self._checkpoint_sent = None
        self._most_records = BATCH_RECORDS

    def previous(self) -> str:
        """Give the id of the log before this one, or an empty string.

        Raises:
            DatabaseUnavailableError: If the log can't be read.
        """
        if self._previous is None:
            self._previous = _named_before(self._first_record())
        return self._previous

    def own_end(self) -> int:
        """Give the place up to which an ended log was delivered under its own id; its successor holds the rest.

        Raises:
            DatabaseUnavailableError: If the log can't be read.
        """
        return self._ending()[0]

    def head(self) -> Frontier:
        """Give the frontier at the log's end, or at its first damaged record.

        Raises:
            DatabaseUnavailableError: If the log can't be read.
        """
        self._head = self._extended(self._head, self.delivery.size)
        return self._head

    def oldest(self) -> Stamp | None:
        """Tell when the oldest record was made that the bridge has not confirmed; None if all are, or it is damaged.

        Raises:
            DatabaseUnavailableError: If the log can't be read.
        """
        at = self.stored.upto
        if not self.delivery.pending:
            return None
        if self._oldest is None or self._oldest[0] != at:
            bodies, _ = self._readable((at, at + 1))
            try:
                self._oldest = at, Record.read(bodies[0]).stamp if bodies else None
            except RecordError:
                self._oldest = at, None
        return self._oldest[1]

    def next_parcel(self, now_ms: int, mark: ReceiptMark) -> Parcel | None:
        """Give what to hand over next, or None if there is nothing now.

        Args:
            now_ms: Milliseconds that never go back.
            mark: How far the receipts were followed; it travels along.

        Raises:
            DatabaseUnavailableError: If the log can't be read.
        """
        while (span := self.delivery.next_span(now_ms, self._most_records)) is not None:
            bodies, sealed = self._readable(span)
            if bodies:
                # a batch that goes again may have been lost together with its checkpoint
                again = span[0] < self._sent_upto
                checkpoint = self.reader.newest_checkpoint() if again else self.checkpoint_due
                return self._parcel(span[0], _fitting(span[0], bodies, sealed), sealed, checkpoint, mark)
        return None

    def anchor(self, mark: ReceiptMark) -> Parcel | None:
        """Give a parcel that carries a new checkpoint with the last record once more, or None if none is due.

        Without it a quiet night would begin with a log whose end no checkpoint at the bridge covers.

        Raises:
            DatabaseUnavailableError: If the log can't be read.
        """
        size = self.delivery.size
        if self.delivery.in_flight or not size or self.checkpoint_due is None:
            return None
        bodies, sealed = self._readable((size - 1, size))
        return self._parcel(size - 1, bodies, sealed, self.checkpoint_due, mark) if bodies else None

    def offer(self, mark: ReceiptMark) -> Parcel | None:
        """Give one record of an ended log that tells a restored bridge how far the log goes, or None if it has none.

        It is the closing record with the last checkpoint, if these are all that the bridge can lack. Where histories
        have parted, or the end was copied into the next log, it is the last record that was delivered under this id.

        Raises:
            DatabaseUnavailableError: If the log can't be read.
        """
        size = self.delivery.size
        tail, reason = self._ending()
        if not 0 < tail < size:
            return None
        is_whole = tail == size - 1 and reason not in _PARTED
        seq = size - 1 if is_whole else tail - 1
        bodies, sealed = self._readable((seq, seq + 1))
        checkpoint = self.reader.newest_checkpoint() if is_whole else None
        return self._parcel(seq, bodies, sealed, checkpoint, mark) if bodies else None

    def handed(self, packet_id: int, parcel: Parcel, now_ms: int) -> None:
        """Note that a parcel of `next_parcel` was given to the session."""
        self.delivery.handed(packet_id, parcel.span, now_ms)
        self._sent_upto = max(self._sent_upto, parcel.span[1])
        self.checkpoint_went(parcel)

    def checkpoint_went(self, parcel: Parcel) -> None:
        """Note that the checkpoint of a parcel is on its way."""
        self._checkpoint_sent = parcel.checkpoint or self._checkpoint_sent

    def checkpoint_failed(self) -> None:
        """Note that the broker has refused what carried a checkpoint."""
        self._checkpoint_sent = None

    def too_large(self, parcel: Parcel) -> bool:
        """Send less at once on this connection; tell whether that helps, or a record was set aside for good."""
        records = parcel.span[1] - parcel.span[0]
        if records > 1:
            self._most_records = records // 2
            return True
        self.delivery.set_aside(parcel.span[0])
        return False

    def believed(self, receipt: Receipt) -> Stored | None:
        """Prove what a receipt says is stored; None if it is older than what is known, or damage hides the proof.

        A lower `stored_upto` is believed in a higher epoch only: a bridge that was restored (DESIGN.md 8).

        Raises:
            ForkError: If the bridge knows another history of this log.
            DatabaseUnavailableError: If the log can't be read.
        """
        if receipt.epoch < self.stored.epoch:
            return None
        if receipt.epoch == self.stored.epoch and receipt.stored_upto < self.stored.upto:
            return None
        size = self.delivery.size
        if receipt.stored_upto > size:
            raise ForkError(self.log, ForkReason.LONGER)
        is_restored = receipt.stored_upto < self.stored.upto
        frontier = self._extended(Frontier() if is_restored else self.stored.frontier, receipt.stored_upto)
        if frontier.size < receipt.stored_upto:
            return None
        if frontier.root() != receipt.root:
            raise ForkError(self.log, ForkReason.ROOT_DIFFERS)
        if any(place < size for place in receipt.conflicts):
            raise ForkError(self.log, ForkReason.CONFLICT)
        return Stored(receipt.stored_upto, receipt.epoch, frontier)

    def take(self, stored: Stored, missing: Sequence[Span], now_ms: int) -> None:
        """Go on from what was proved."""
        self.stored = stored
        if self._head.size < stored.upto:
            self._head = stored.frontier
        self.delivery.receipt(stored.upto, missing, now_ms)

    def _first_record(self) -> Record | None:
        try:
            return Record.read(self.reader.bodies(0, 1)[0])
        except (DatabaseDamagedError, RecordError, IndexError):
            return None

    def _ending(self) -> tuple[int, str]:
        """Give tail and reason of the closing record; 0 if there is none, or it is damaged."""
        size = self.delivery.size
        try:
            last = Record.read(self.reader.bodies(size - 1, size)[0])
        except (DatabaseDamagedError, RecordError, IndexError):
            return 0, ""
        tail = last.fields.get("tail")
        return (tail, str(last.fields.get("reason"))) if last.kind == Kind.CLOSE and isinstance(tail, int) else (0, "")

    def _extended(self, frontier: Frontier, upto: int) -> Frontier:
        while frontier.size < upto:
            try:
                leaves = self.reader.leaf_hashes(frontier.size, min(upto, frontier.size + _HASH_STEP))
            except DatabaseDamagedError:
                leaves = []
            if not leaves:
                self._tell_damage(frontier.size)
                break
            frontier = frontier.extended(leaves)
        return frontier

    def _readable(self, span: Span) -> tuple[list[bytes], dict[int, bytes]]:
        """Read the longest sound beginning of a run; a damaged first record is told and set aside."""
        first, last = span
        while last > first:
            try:
                return self.reader.bodies(first, last), self.reader.sealed(first, last)
            except DatabaseDamagedError:
                last = first + (last - first) // 2
        self.delivery.set_aside(first)
        self._tell_damage(first)
        return [], {}

    def _tell_damage(self, seq: int) -> None:
        if seq not in self._damaged:
            self._damaged.add(seq)
            self._on_damage(self.log, seq)

    def _parcel(
        self,
        first: int,
        bodies: Sequence[bytes],
        sealed: dict[int, bytes],
        checkpoint: str | None,
        mark: ReceiptMark,
    ) -> Parcel:
        span = first, first + len(bodies)
        kept = {seq: blob for seq, blob in sealed.items() if span[0] <= seq < span[1]}
        return Parcel(span, Batch(self.log, first, bodies, checkpoint, mark, kept).packed(), checkpoint)


def _fitting(first: int, bodies: Sequence[bytes], sealed: dict[int, bytes]) -> Sequence[bytes]:
    """Cut where a batch would grow too large; one record always fits."""
    total = 0
    for index, body in enumerate(bodies):
        total += len(body) + len(sealed.get(first + index, b""))
        if total > BATCH_BYTES and index:
            return bodies[:index]
    return bodies


def _named_before(first: Record | None) -> str:
    previous: Json = first.fields.get("previous") if first is not None and first.kind == Kind.OPEN else None
    log = previous.get("log") if isinstance(previous, dict) else None
    return log if isinstance(log, str) else ""
