"""Site events: the settled records of a box as reports see them, with what became of each."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from typing import Final

from yaoma.core.record import ClockState, Kind, Record
from yaoma.core.report_facts import STORED, Arrival, Event
from yaoma_bridge.log_rows import LogRow, logs_of
from yaoma_bridge.settle import restated_by
from yaoma_bridge.tx import Tx
from yaoma_link.topics import BoxName

__all__ = ["SiteOutcomes", "box_events"]

#: A box whose clock ran ahead wrote a time behind that of the centre.
_CLOCK_SLACK_MS: Final = 24 * 3600 * 1000


class SiteOutcomes:
    """What became of the records of one box; filled while `box_events` goes through them.

    When a destination said so is not known here for each record: delays are those to the centre.
    """

    def __init__(self) -> None:
        self._runs: dict[str, dict[str, tuple[list[int], list[tuple[int, str, str]]]]] = {}
        self._received: dict[tuple[str, int], int] = {}

    def read(self, tx: Tx, row: LogRow) -> None:
        """Take what is known of a log."""
        runs: dict[str, tuple[list[int], list[tuple[int, str, str]]]] = {}
        for destination, first, upto, state, reason in tx.execute(
            "SELECT destination, first, upto, state, reason FROM outcome WHERE log_id=? ORDER BY destination, first",
            (row.id,),
        ):
            firsts, rest = runs.setdefault(destination, ([], []))
            firsts.append(first)
            rest.append((upto, state, reason))
        self._runs[row.log] = runs

    def note(self, log: str, seq: int, received_ms: int) -> None:
        """Take in when a record came."""
        self._received[log, seq] = received_ms

    def arrivals(self, event: Event) -> Mapping[str, Arrival]:
        """Give what each destination said of a record; it is at the centre, else it would not be here."""
        place = event.log, event.seq
        found = {STORED: Arrival("stored", "", self._received.get(place))}
        for destination, (firsts, rest) in self._runs.get(event.log, {}).items():
            number = bisect_right(firsts, event.seq) - 1
            if number >= 0 and event.seq < rest[number][0]:
                _, state, reason = rest[number]
                found[destination] = Arrival(state, reason, None)
        return found


def box_events(tx: Tx, name: BoxName, from_ms: int, outcomes: SiteOutcomes) -> Iterator[Event]:
    """Give the settled records of a box that may lie in a time, each event once, in the order of its logs.

    Args:
        tx: One picture of the store.
        name: The box.
        from_ms: Records that came a day earlier than this and more are passed over, milliseconds since 1970.
        outcomes: Is filled with what became of them.
    """
    carriers = {
        (log, seq, leaf): (by_log_id, by_seq)
        for log, seq, leaf, by_log_id, by_seq in tx.execute(
            "SELECT log, seq, leaf, by_log_id, by_seq FROM carried WHERE site=? AND box=?", (name.site, name.box)
        )
    }
    for row in logs_of(tx, name):
        outcomes.read(tx, row)
        held = {seq for (seq,) in tx.execute("SELECT seq FROM held WHERE log_id=?", (row.id,))}
        rows = tx.execute(
            "SELECT seq, leaf, body, received_ms FROM record WHERE log_id=? AND seq<? AND received_ms>=? ORDER BY seq",
            (row.id, row.settled_upto, from_ms - _CLOCK_SLACK_MS),
        )
        for seq, leaf, body, received_ms in rows:
            if seq in held:
                continue
            record = Record.read(body)
            original = record.original()
            if record.kind == Kind.COPY:
                if carriers.get((original.log, original.seq, original.leaf)) != (row.id, seq):
                    continue
            elif (row.log, seq, leaf) in carriers:
                continue
            outcomes.note(row.log, seq, received_ms)
            yield _event(tx, row, seq, original)


def _event(tx: Tx, row: LogRow, seq: int, original: Record) -> Event:
    stamp, shift_ms = original.stamp, 0
    if stamp.clock == ClockState.UNTRUSTED:
        found = restated_by(tx, row.name, original)
        is_timed, shift_ms = found is not None, found or 0
    else:
        is_timed = True
    return Event(
        log=row.log,
        seq=seq,
        kind=str(original.kind),
        at_ms=stamp.wall_ms + shift_ms,
        is_timed=is_timed,
        fields=original.fields,
        origin=(original.log, original.seq),
    )
