"""Sender tables: who sent what, by the despatch notes that sites were told of, and bills that wait to know it."""

from typing import Final

__all__ = ["SENDER_TABLES"]

SENDER_TABLES: Final = (
    """
    CREATE TABLE note_sender (
        id INTEGER PRIMARY KEY,
        site TEXT NOT NULL,
        note TEXT NOT NULL,
        supplier TEXT NOT NULL,
        supplier_bill TEXT NOT NULL,
        digest TEXT NOT NULL,
        made_ms INTEGER NOT NULL,
        UNIQUE (site, note)
    ) STRICT
    """,
    # Of several notes with one code the newest counts.
    """
    CREATE TABLE note_code (
        site TEXT NOT NULL,
        code TEXT NOT NULL,
        note_id INTEGER NOT NULL,
        PRIMARY KEY (site, code)
    ) STRICT, WITHOUT ROWID
    """,
    # Bills that are to be looked at: a note has come that names their packs, or a platform has asked who sent them.
    "CREATE TABLE late_sender (bill_id INTEGER PRIMARY KEY REFERENCES bill (id)) STRICT",
    # Parcels whose lines go on by later parts of their bill: each is dropped once the part `bill_id` is divided.
    """
    CREATE TABLE superseded (
        parcel_id INTEGER PRIMARY KEY REFERENCES parcel (id),
        bill_id INTEGER NOT NULL REFERENCES bill (id)
    ) STRICT
    """,
)
