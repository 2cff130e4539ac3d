"""Logs as the store knows them: one row per (site, box, log), its frontier, its holes."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from yaoma.core.merkle import Frontier
from yaoma_bridge.boxes import epoch_of
from yaoma_bridge.tx import Tx
from yaoma_link.receipt import Span
from yaoma_link.topics import BoxName

__all__ = ["LogRow", "advanced", "find_log", "leaves", "log_by_id", "logs_of", "missing_spans", "obtain_log"]

_COLUMNS = (
    "id, site, box, log, state, stored_upto, frontier, seen_upto, verified_upto, verified_frontier, settled_upto, "
    "gap_since_ms, asked_ms, unsigned_upto, told_epoch"
)

#: More holes than this are told once these are filled.
_MAX_SPANS = 64


@dataclass(frozen=True, slots=True)
class LogRow:
    """One log of one box.

    Args:
        id: Its key in the store.
        name: The box.
        log: Its id.
        state: `open`, `closed` (its last record says so), `broken` (a signed checkpoint contradicts what is stored)
            or `damaged` (a stored body no longer fits its leaf hash).
        stored: The frontier of the records without a hole before them.
        seen_upto: The place after the highest record.
        verified: The frontier at the last good checkpoint.
        settled_upto: Up to where it was decided what counts as an event.
        gap_since_ms: Since when the first hole is there, or None.
        asked_ms: When the box was last asked for a hole.
        unsigned_upto: Up to where records are settled though no checkpoint covers them.
        told_epoch: The epoch in which the box was told all about it.
    """

    id: int
    name: BoxName
    log: str
    state: str
    stored: Frontier
    seen_upto: int
    verified: Frontier
    settled_upto: int
    gap_since_ms: int | None
    asked_ms: int
    unsigned_upto: int
    told_epoch: int

    @property
    def stored_upto(self) -> int:
        """All places below are stored."""
        return self.stored.size

    @property
    def to_settle_upto(self) -> int:
        """Up to where it may be decided what counts as an event."""
        if self.state in {"broken", "damaged"}:
            return self.verified.size
        return max(self.verified.size, self.unsigned_upto)


def _row(found: tuple[object, ...]) -> LogRow:
    key, site, box, log, state, _, frontier, seen, _, verified, settled, gap, asked, unsigned, told = found
    assert isinstance(frontier, bytes)
    assert isinstance(verified, bytes)
    return LogRow(
        int(str(key)),
        BoxName(str(site), str(box)),
        str(log),
        str(state),
        Frontier.from_bytes(frontier),
        int(str(seen)),
        Frontier.from_bytes(verified),
        int(str(settled)),
        None if gap is None else int(str(gap)),
        int(str(asked)),
        int(str(unsigned)),
        int(str(told)),
    )


def find_log(tx: Tx, name: BoxName, log: str) -> LogRow | None:
    """Give a log, or None if nothing of it was ever stored."""
    found = tx.execute(
        f"SELECT {_COLUMNS} FROM log WHERE site=? AND box=? AND log=?",  # noqa: S608 - constant column names
        (name.site, name.box, log),
    ).fetchone()
    return None if found is None else _row(found)


def log_by_id(tx: Tx, log_id: int) -> LogRow:
    """Give the log with this key."""
    return _row(tx.execute(f"SELECT {_COLUMNS} FROM log WHERE id=?", (log_id,)).fetchone())  # noqa: S608 - as above


def logs_of(tx: Tx, name: BoxName) -> list[LogRow]:
    """Give every log of a box, the oldest first."""
    rows = tx.execute(
        f"SELECT {_COLUMNS} FROM log WHERE site=? AND box=? ORDER BY id",  # noqa: S608 - as above
        (name.site, name.box),
    )
    return [_row(found) for found in rows]


def obtain_log(tx: Tx, name: BoxName, log: str, now_ms: int) -> LogRow:
    """Give a log, and begin it if it is new."""
    found = find_log(tx, name, log)
    if found is not None:
        return found
    empty = Frontier().to_bytes()
    tx.execute(
        "INSERT INTO log (site, box, log, first_ms, last_ms, grown_ms, frontier, verified_frontier, told_epoch) "
        "VALUES (?,?,?,?,?,?,?,?,?)",
        (name.site, name.box, log, now_ms, now_ms, now_ms, empty, empty, epoch_of(tx, name)),
    )
    begun = find_log(tx, name, log)
    assert begun is not None
    return begun


def leaves(tx: Tx, log_id: int, first: int, end: int) -> Iterator[bytes]:
    """Give the leaf hashes from one place up to the first hole, or to the end of the run."""
    rows = tx.execute(
        "SELECT seq, leaf FROM record WHERE log_id=? AND seq>=? AND seq<? ORDER BY seq", (log_id, first, end)
    )
    for at, (seq, leaf) in enumerate(rows, first):
        if seq != at:
            return
        yield leaf


def advanced(tx: Tx, row: LogRow, end: int, now_ms: int, grace_ms: int) -> LogRow:
    """Move `stored_upto` over what has come in, and note since when there is a hole.

    Args:
        tx: The transaction.
        row: The log as it was.
        end: The place after the highest record that has just been stored.
        now_ms: The time, milliseconds since 1970.
        grace_ms: How long a hole may be a batch that is still on its way.

    Returns:
        The log as it is now.
    """
    seen = max(row.seen_upto, end)
    stored = row.stored.extended(leaves(tx, row.id, row.stored.size, seen))
    if stored.size == seen:
        gap, due = None, None
    elif row.gap_since_ms is None or stored.size != row.stored.size:
        gap, due = now_ms, now_ms + grace_ms
    else:
        gap, due = row.gap_since_ms, max(row.gap_since_ms, row.asked_ms) + grace_ms
    tx.execute(
        "UPDATE log SET stored_upto=?1, frontier=?2, seen_upto=?3, gap_since_ms=?4, due_ms=?5, last_ms=?6, "
        "grown_ms=CASE WHEN stored_upto=?1 THEN grown_ms ELSE ?6 END WHERE id=?7",
        (stored.size, stored.to_bytes(), seen, gap, due, now_ms, row.id),
    )
    return replace(row, stored=stored, seen_upto=seen, gap_since_ms=gap)


def missing_spans(tx: Tx, row: LogRow) -> tuple[Span, ...]:
    """Give the holes below the highest record, the lowest first, at most 64."""
    if row.stored_upto >= row.seen_upto:
        return ()
    first = tx.execute("SELECT MIN(seq) FROM record WHERE log_id=? AND seq>=?", (row.id, row.stored_upto)).fetchone()[0]
    rows = tx.execute(
        "SELECT seq + 1, next FROM (SELECT seq, LEAD(seq) OVER (ORDER BY seq) AS next FROM record "
        "WHERE log_id=? AND seq>=?) AS pair WHERE next > seq + 1 LIMIT ?",
        (row.id, row.stored_upto, _MAX_SPANS - 1),
    )
    return ((row.stored_upto, first), *((low, high) for low, high in rows))
