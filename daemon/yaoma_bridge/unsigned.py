"""Unsigned tails: records behind the last checkpoint of a log that may never get another one (README.md)."""

from yaoma_bridge.errors import ConfigError
from yaoma_bridge.log_rows import log_by_id
from yaoma_bridge.registry import Registry
from yaoma_bridge.store import Store
from yaoma_bridge.tx import Tx
from yaoma_link.topics import BoxName

__all__ = ["leave_unsigned", "logs_left_unsigned", "note_ended"]

# A checkpoint that can be judged now goes first: what it covers is signed, or the log is broken.
_WAITS = (
    "stored_upto > verified_upto AND stored_upto > unsigned_upto AND state NOT IN ('broken', 'damaged') "
    "AND (grown_ms<=? OR EXISTS (SELECT 1 FROM ended WHERE ended.site=log.site AND ended.box=log.box "
    "AND ended.log=log.log)) "
    "AND NOT EXISTS (SELECT 1 FROM checkpoint WHERE log_id=log.id AND size<=log.stored_upto "
    "AND (checkpoint.state='new' OR checkpoint.state IN ('signed', 'wrong') AND size>log.verified_upto))"
)


def note_ended(tx: Tx, name: BoxName, log: str, previous: str) -> None:
    """Note that a log of a box names another one as the log before it: that one has ended.

    Args:
        tx: The transaction.
        name: The box.
        log: The log that names it.
        previous: The log that is named, known or not; an empty string names none.
    """
    if previous not in ("", log):
        tx.execute(
            "INSERT INTO ended (site, box, log) VALUES (?,?,?) ON CONFLICT DO NOTHING", (name.site, name.box, previous)
        )


def logs_left_unsigned(store: Store, now_ms: int, after_ms: int) -> list[int]:
    """Give the keys of the logs whose tail has waited for a checkpoint long enough.

    Args:
        store: The store.
        now_ms: The time, milliseconds since 1970.
        after_ms: How long a log that has not ended may wait after it last grew.
    """
    with store.reading() as tx:
        rows = tx.execute(f"SELECT id FROM log WHERE {_WAITS} LIMIT 1000", (now_ms - after_ms,))  # noqa: S608 - constant text
        return [row[0] for row in rows]


def leave_unsigned(store: Store, registry: Registry, log_id: int, *, now_ms: int, after_ms: int) -> bool:
    """Let a log's tail be settled without a checkpoint, if its box is registered.

    Args:
        store: The store.
        registry: The boxes' keys; of a box that nobody has registered nothing leaves.
        log_id: The log's key in the store.
        now_ms: The time, milliseconds since 1970.
        after_ms: As for `logs_left_unsigned`.

    Returns:
        Whether it may be settled further now.
    """
    with store.reading() as tx:
        name = log_by_id(tx, log_id).name
    try:
        if registry.verifier(name) is None:
            return False
    except ConfigError:  # said by verification, as for every log of this box
        return False
    with store.writing((name,)) as tx:
        changed = tx.execute(
            f"UPDATE log SET unsigned_upto=stored_upto WHERE id=? AND {_WAITS}",  # noqa: S608 - constant text
            (log_id, now_ms - after_ms),
        )
        return changed.rowcount > 0
