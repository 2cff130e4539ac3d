"""Fleet tables: what boxes say of themselves, how they are commanded, enrolled and taken out of service."""

from typing import Final

__all__ = ["FLEET_TABLES"]

FLEET_TABLES: Final = (
    # The newest info and health of each box, as it sent them.
    """
    CREATE TABLE box_said (
        site TEXT NOT NULL,
        box TEXT NOT NULL,
        channel TEXT NOT NULL,
        said TEXT NOT NULL,
        at_ms INTEGER NOT NULL,
        PRIMARY KEY (site, box, channel)
    ) STRICT, WITHOUT ROWID
    """,
    # Signed commands; `n` is the counter that a box compares.
    """
    CREATE TABLE command (
        site TEXT NOT NULL,
        box TEXT NOT NULL,
        n INTEGER NOT NULL,
        name TEXT NOT NULL,
        payload BLOB NOT NULL,
        made_ms INTEGER NOT NULL,
        until_ms INTEGER NOT NULL,
        state TEXT NOT NULL DEFAULT 'waiting',
        reason TEXT NOT NULL DEFAULT '',
        answer TEXT NOT NULL DEFAULT '{}',
        answered_ms INTEGER NOT NULL DEFAULT 0,
        tries INTEGER NOT NULL DEFAULT 0,
        due_ms INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (site, box, n)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX command_due ON command (due_ms) WHERE state='waiting'",
    # One-time tokens by which boxes are enrolled; only their digests are kept.
    """
    CREATE TABLE enrolment (
        digest TEXT PRIMARY KEY,
        site TEXT NOT NULL,
        box TEXT NOT NULL,
        made_ms INTEGER NOT NULL,
        until_ms INTEGER NOT NULL,
        used_ms INTEGER NOT NULL DEFAULT 0,
        request TEXT NOT NULL DEFAULT '',
        answer BLOB
    ) STRICT, WITHOUT ROWID
    """,
    # Boxes that were taken out of service: stolen, or replaced by another one.
    """
    CREATE TABLE retired (
        site TEXT NOT NULL,
        box TEXT NOT NULL,
        reason TEXT NOT NULL,
        successor TEXT NOT NULL DEFAULT '',
        at_ms INTEGER NOT NULL,
        PRIMARY KEY (site, box)
    ) STRICT, WITHOUT ROWID
    """,
)
