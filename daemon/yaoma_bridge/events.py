"""Events: what leaves the bridge, read from the store and written as CloudEvents 1.0."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from yaoma.core.canonical import Json
from yaoma.core.record import Record
from yaoma_bridge.tx import Tx
from yaoma_link.topics import BoxName

__all__ = ["TRAINING", "Event", "FeedRow", "events_after"]

#: Why a record of practice is not sent, and never will be (S0-07).
TRAINING = "training"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened at a box, counted once.

    Args:
        n: Its number in the feed; grows, with gaps.
        box: Where it happened.
        log: The log whose entry carries it.
        seq: The place of that entry; (box, log, seq) identifies the event.
        record: The original record, as it was judged at the counter.
        shift_ms: What clock records add to the wall time of its boot.
        signed: Whether a checkpoint of its box covered it when it was settled.
    """

    n: int
    box: BoxName
    log: str
    seq: int
    record: Record = field(repr=False)
    shift_ms: int = 0
    signed: bool = True

    @property
    def id(self) -> str:
        """What receivers drop repeats by."""
        return f"{self.box}/{self.log}/{self.seq}"

    @property
    def key(self) -> tuple[str, str, int, str]:
        """What happened, whichever entry carries it: the box, the original place and the leaf hash."""
        return str(self.box), self.record.log, self.record.seq, self.record.leaf.hex()

    @property
    def time(self) -> str:
        """The restated wall time, RFC 3339 in UTC with milliseconds."""
        try:
            at = _EPOCH + timedelta(milliseconds=self.record.stamp.wall_ms + self.shift_ms)
        except OverflowError:
            at = _EPOCH  # no calendar holds it; `data` says what the box wrote
        return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def cloud_event(self) -> dict[str, Json]:
        """Give the structured JSON form of CloudEvents 1.0.

        `type` begins with our own name and no domain: none is ours. `sequence` is the extension of that name;
        `origin` and `leaf` name the original place and its leaf hash; `signed` says whether a checkpoint covers it.
        """
        fields = self.record.fields
        event: dict[str, Json] = {
            "specversion": "1.0",
            "id": self.id,
            "source": f"/yaoma/v1/{self.box}/{self.log}",
            "type": f"yaoma.{self.record.kind}.v{fields['v']}",
            "time": self.time,
            "datacontenttype": "application/json",
            "sequence": f"{self.seq:016d}",
            "origin": f"{self.record.log}/{self.record.seq}",
            "leaf": self.record.leaf.hex(),
            "signed": self.signed,
            "data": dict(fields),
        }
        code = fields.get("code")
        if isinstance(code, str) and code:
            event["subject"] = code
        return event


@dataclass(frozen=True, slots=True)
class FeedRow:
    """One line of the feed: an event, or the news that a record is held.

    Args:
        n: Its number in the feed.
        log_id: The log's key in the store.
        seq: The place.
        held: Why it is not sent, or an empty string.
        event: What is sent; None if it is held.
    """

    n: int
    log_id: int
    seq: int
    held: str
    event: Event | None


def events_after(tx: Tx, n: int, limit: int) -> list[FeedRow]:
    """Read the feed after a number, in order."""
    rows = tx.execute(
        "SELECT event.n, event.log_id, event.seq, event.held, event.shift_ms, event.signed, log.site, log.box, "
        "log.log, record.body "
        "FROM event JOIN log ON log.id=event.log_id "
        "JOIN record ON record.log_id=event.log_id AND record.seq=event.seq "
        "WHERE event.n>? ORDER BY event.n LIMIT ?",
        (n, limit),
    )
    feed = []
    for number, log_id, seq, held, shift_ms, signed, site, box, log, body in rows:
        event, why = None, held
        if not held:
            record = Record.read(body).original()
            if record.fields.get("training") is True:
                why = TRAINING
            else:
                event = Event(number, BoxName(site, box), log, seq, record, shift_ms, bool(signed))
        feed.append(FeedRow(number, log_id, seq, why, event))
    return feed
