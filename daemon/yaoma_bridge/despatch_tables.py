"""Despatch tables: the notes that were made of what sites sent, and what their receivers answered."""

from typing import Final

__all__ = ["CLEARED_TABLE", "DESPATCH_TABLES"]

DESPATCH_TABLES: Final = (
    # One note, or one part of a very long one. `receiver` is a site of ours, or empty: then a file is for the partner.
    """
    CREATE TABLE despatch (
        note TEXT PRIMARY KEY,
        bill_id INTEGER NOT NULL REFERENCES bill (id),
        site TEXT NOT NULL,
        partner TEXT NOT NULL,
        receiver TEXT NOT NULL,
        packs INTEGER NOT NULL,
        state TEXT NOT NULL,
        missing INTEGER NOT NULL DEFAULT 0,
        extra INTEGER NOT NULL DEFAULT 0,
        doubtful INTEGER NOT NULL DEFAULT 0,
        made_ms INTEGER NOT NULL,
        changed_ms INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX despatch_of ON despatch (site, made_ms)",
    # What a delivery of the receiver found; `n` is the record that says so.
    """
    CREATE TABLE despatch_answer (
        n INTEGER PRIMARY KEY,
        note TEXT NOT NULL,
        site TEXT NOT NULL,
        found TEXT NOT NULL,
        told INTEGER NOT NULL DEFAULT 0
    ) STRICT
    """,
    "CREATE INDEX despatch_answer_of ON despatch_answer (note)",
    "CREATE INDEX despatch_answer_new ON despatch_answer (note) WHERE told=0",
)

#: What the sender found out about a difference: which task of which record was settled there, and how.
CLEARED_TABLE: Final = """
    CREATE TABLE despatch_cleared (
        site TEXT NOT NULL,
        log TEXT NOT NULL,
        seq INTEGER NOT NULL,
        how TEXT NOT NULL,
        at_ms INTEGER NOT NULL,
        told INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (site, log, seq)
    ) STRICT, WITHOUT ROWID
"""
