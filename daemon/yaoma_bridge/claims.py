"""Claims: who works on a log or a destination now, so that two workers don't do the same."""

import sqlite3

__all__ = ["release", "take"]


def take(tx: sqlite3.Connection, name: str, owner: str, now_ms: int, hold_ms: int) -> bool:
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
    tx.execute(
        "INSERT INTO claim (name, owner, until_ms) VALUES (?1, ?2, ?3) ON CONFLICT (name) DO UPDATE "
        "SET owner=?2, until_ms=?3 WHERE owner=?2 OR until_ms<=?4",
        (name, owner, now_ms + hold_ms, now_ms),
    )
    found = tx.execute("SELECT owner FROM claim WHERE name=?", (name,)).fetchone()
    return bool(found[0] == owner)


def release(tx: sqlite3.Connection, name: str, owner: str) -> None:
    """Give a claim back, if it is the owner's."""
    tx.execute("DELETE FROM claim WHERE name=? AND owner=?", (name, owner))
