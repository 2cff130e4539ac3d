"""Platform tables: bills, the parcels that they go in, and what became of each record at each platform.

Plain SQL in all of it, so that another database can hold the same tables.
"""

from typing import Final

__all__ = ["PLATFORM_TABLES"]

PLATFORM_TABLES: Final = (
    # How far in the feed each stage behind it has got: authorisations, bills, bundles.
    "CREATE TABLE progress (name TEXT PRIMARY KEY, upto INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    # Which records belong to a ticket.
    """
    CREATE TABLE ticket_record (
        site TEXT NOT NULL,
        box TEXT NOT NULL,
        ticket TEXT NOT NULL,
        n INTEGER NOT NULL,
        PRIMARY KEY (site, box, ticket, n)
    ) STRICT, WITHOUT ROWID
    """,
    # Closed tickets of which records are lacking: no bill is made of them before these come.
    """
    CREATE TABLE unfinished (
        site TEXT NOT NULL,
        box TEXT NOT NULL,
        ticket TEXT NOT NULL,
        closed_n INTEGER NOT NULL,
        reason TEXT NOT NULL,
        PRIMARY KEY (site, box, ticket)
    ) STRICT, WITHOUT ROWID
    """,
    # A bill, or a later part of one; `destination` is empty if it is for all of them.
    """
    CREATE TABLE bill (
        id INTEGER PRIMARY KEY,
        site TEXT NOT NULL,
        box TEXT NOT NULL,
        ticket TEXT NOT NULL,
        part INTEGER NOT NULL,
        destination TEXT NOT NULL DEFAULT '',
        operation TEXT NOT NULL,
        closed_n INTEGER NOT NULL,
        body BLOB NOT NULL,
        persons TEXT NOT NULL DEFAULT '[]',
        quarantined TEXT NOT NULL DEFAULT '[]',
        made_ms INTEGER NOT NULL,
        UNIQUE (site, box, ticket, part)
    ) STRICT
    """,
    """
    CREATE TABLE bill_code (
        code TEXT NOT NULL,
        bill_id INTEGER NOT NULL REFERENCES bill (id),
        line INTEGER NOT NULL,
        portions INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (code, bill_id)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX bill_code_of ON bill_code (bill_id)",
    # Which lines of a bill a destination wants; its parcels count the lines of this choice.
    """
    CREATE TABLE bundle (
        destination TEXT NOT NULL,
        bill_id INTEGER NOT NULL REFERENCES bill (id),
        lines TEXT NOT NULL,
        PRIMARY KEY (destination, bill_id)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE parcel (
        id INTEGER PRIMARY KEY,
        destination TEXT NOT NULL,
        bill_id INTEGER NOT NULL REFERENCES bill (id),
        site TEXT NOT NULL,
        closed_n INTEGER NOT NULL,
        number TEXT NOT NULL,
        call TEXT NOT NULL,
        lines TEXT NOT NULL,
        codes TEXT NOT NULL,
        follows TEXT NOT NULL,
        facts TEXT NOT NULL,
        fate TEXT NOT NULL,
        reason TEXT NOT NULL DEFAULT '',
        said TEXT NOT NULL DEFAULT '',
        words TEXT NOT NULL DEFAULT '{}',
        tries INTEGER NOT NULL DEFAULT 0,
        asks INTEGER NOT NULL DEFAULT 0,
        due_ms INTEGER NOT NULL,
        since_ms INTEGER NOT NULL,
        owner TEXT NOT NULL DEFAULT '',
        until_ms INTEGER NOT NULL DEFAULT 0,
        sent_ms INTEGER NOT NULL DEFAULT 0,
        version INTEGER NOT NULL DEFAULT 0,
        UNIQUE (destination, number)
    ) STRICT
    """,
    "CREATE INDEX parcel_due ON parcel (destination, due_ms) WHERE fate IN ('bundled', 'processing', 'unknown')",
    "CREATE INDEX parcel_sent ON parcel (destination, until_ms) WHERE fate='sent'",
    "CREATE INDEX parcel_of ON parcel (bill_id, destination)",
    "CREATE INDEX parcel_open ON parcel (destination, site, closed_n) WHERE fate NOT IN ('accepted', 'refused')",
    # What became of each record; `bill_id` and `line` say by which part of its bill.
    """
    CREATE TABLE upload (
        destination TEXT NOT NULL,
        n INTEGER NOT NULL,
        bill_id INTEGER NOT NULL REFERENCES bill (id),
        line INTEGER NOT NULL,
        fate TEXT NOT NULL,
        reason TEXT NOT NULL DEFAULT '',
        changed_ms INTEGER NOT NULL,
        PRIMARY KEY (destination, n)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX upload_stuck ON upload (destination, fate) WHERE fate IN ('held', 'refused', 'unknown')",
    # Packs that a platform refused for what they are, so that a later acceptance lifts what boxes were told.
    """
    CREATE TABLE denied (
        destination TEXT NOT NULL,
        site TEXT NOT NULL,
        code TEXT NOT NULL,
        reason TEXT NOT NULL,
        PRIMARY KEY (destination, site, code)
    ) STRICT, WITHOUT ROWID
    """,
    # Despatch notes that the boxes of a site were told of.
    """
    CREATE TABLE told_note (
        destination TEXT NOT NULL,
        site TEXT NOT NULL,
        note TEXT NOT NULL,
        digest TEXT NOT NULL,
        PRIMARY KEY (destination, site, note)
    ) STRICT, WITHOUT ROWID
    """,
    # Every move of a parcel, for `yaoma-bridge explain`.
    """
    CREATE TABLE parcel_move (
        id INTEGER PRIMARY KEY,
        parcel_id INTEGER NOT NULL REFERENCES parcel (id),
        at_ms INTEGER NOT NULL,
        cause TEXT NOT NULL,
        fate TEXT NOT NULL,
        reason TEXT NOT NULL DEFAULT '',
        said TEXT NOT NULL DEFAULT ''
    ) STRICT
    """,
    "CREATE INDEX parcel_move_of ON parcel_move (parcel_id)",
)
