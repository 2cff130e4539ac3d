"""Claims: who works on a log or a destination now, so that two workers don't do the same."""

from yaoma_bridge.contention import CONTENTION
from yaoma_bridge.tx import Tx

__all__ = ["release", "take"]


def take(tx: Tx, name: str, owner: str, now_ms: int, hold_ms: int) -> bool:
    """Take a claim, or hold it longer.

    A claim only saves double work. What must never happen twice is guarded by comparing what was read with what is
    there in the transaction that writes.

    Args:
        tx: The transaction.
        name: What is claimed, such as `log:7` or `destination:file`.
        owner: Who wants it.
        now_ms: The time, milliseconds since 1970.
        hold_ms: After how many milliseconds others may take it if the owner has died.

    Returns:
        Whether the owner has it now.
    """
    if tx.execute("SELECT 1 FROM claim WHERE name=?", (name,)).fetchone() is None:
        tx.execute("INSERT INTO claim (name, owner, until_ms) VALUES (?,?,0) ON CONFLICT DO NOTHING", (name, owner))
    free = tx.execute(
        f"SELECT 1 FROM claim WHERE name=? AND (owner=? OR until_ms<=?){tx.skip_locked}",  # noqa: S608 - constant text
        (name, owner, now_ms),
    ).fetchone()
    if free is None:
        CONTENTION.add(name.partition(":")[0])
        return False
    tx.execute("UPDATE claim SET owner=?, until_ms=? WHERE name=?", (owner, now_ms + hold_ms, name))
    return True


def release(tx: Tx, name: str, owner: str) -> None:
    """Give a claim back, if it is the owner's."""
    tx.execute("DELETE FROM claim WHERE name=? AND owner=?", (name, owner))
