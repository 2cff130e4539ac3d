"""The schemas of our files, as migrations of sqlite-utils: each step in one transaction with its own mark."""

from sqlite_utils import Database, Migrations

from yaoma.shell.list_schema import LIST

__all__ = ["SETS"]

_LOG = Migrations("yaoma-log")
_SITE = Migrations("yaoma-site")

SETS = {"log": _LOG, "site": _SITE, "list": LIST}


@_LOG()
def m001_record_sealed_checkpoint(db: Database) -> None:
    """Create the tables; no second index and no AUTOINCREMENT: each would cost a page per commit (PEERS.md 5.1).

    The columns for queries stand in a view: SQLite computes generated columns at every INSERT, virtual ones that nobody
    asks for too, which took a fifth of the processor time of a commit.
    """
    db.execute("CREATE TABLE record (seq INTEGER PRIMARY KEY, body TEXT NOT NULL, leaf_hash BLOB NOT NULL) STRICT")
    db.execute(
        """
        CREATE VIEW journal AS SELECT
            seq,
            json_extract(body, '$.kind') AS kind,
            json_extract(body, '$.code') AS code,
            json_extract(body, '$.verdict') AS verdict,
            json_extract(body, '$.ticket') AS ticket,
            json_extract(body, '$.wall_ms') AS wall_ms,
            body,
            leaf_hash
        FROM record
        """
    )
    db.execute("CREATE TABLE checkpoint (size INTEGER PRIMARY KEY, note TEXT NOT NULL, frontier BLOB NOT NULL) STRICT")
    db.execute("CREATE TABLE sealed (seq INTEGER PRIMARY KEY, blob BLOB NOT NULL) STRICT")
    for table in ("record", "checkpoint"):
        for change in ("UPDATE", "DELETE"):
            db.execute(
                f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, 'a log is never changed: append a correction'); END"
            )


@_SITE()
def m001_ledger(db: Database) -> None:
    """Create the tables of the projection."""
    db.execute(
        """
        CREATE TABLE seen (
            key TEXT PRIMARY KEY, log TEXT NOT NULL, seq INTEGER NOT NULL, station TEXT NOT NULL, ticket TEXT,
            verdict TEXT NOT NULL, wall_ms INTEGER NOT NULL, mono_ms INTEGER NOT NULL, boot TEXT NOT NULL,
            clock TEXT NOT NULL, place INTEGER NOT NULL, effect TEXT NOT NULL, effect_ms INTEGER NOT NULL,
            state TEXT NOT NULL, portions INTEGER NOT NULL, takes TEXT NOT NULL, opens INTEGER NOT NULL,
            product TEXT NOT NULL, lot TEXT NOT NULL, elsewhere TEXT NOT NULL,
            is_cleared INTEGER NOT NULL, reason TEXT NOT NULL, is_opened INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute("CREATE INDEX seen_ticket ON seen (ticket) WHERE ticket IS NOT NULL")
    db.execute(
        """
        CREATE TABLE ticket (
            station TEXT PRIMARY KEY, id TEXT NOT NULL, operation TEXT NOT NULL, opened INTEGER NOT NULL,
            packs INTEGER NOT NULL, wants_person INTEGER NOT NULL, has_person INTEGER NOT NULL, lines TEXT NOT NULL,
            shipment TEXT NOT NULL, payer TEXT NOT NULL, operator TEXT NOT NULL, is_training INTEGER NOT NULL,
            is_opening INTEGER NOT NULL, place INTEGER NOT NULL, uncoded TEXT NOT NULL
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute(
        """
        CREATE TABLE store (
            drug TEXT NOT NULL, lot TEXT NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (drug, lot)
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute(
        """
        CREATE TABLE duty (
            id TEXT PRIMARY KEY, kind TEXT NOT NULL, code TEXT NOT NULL, made_ms INTEGER NOT NULL,
            due_ms INTEGER NOT NULL, note TEXT NOT NULL, log TEXT NOT NULL, seq INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute("CREATE TABLE known (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID")
    db.execute(
        """
        CREATE TABLE tally (
            day INTEGER, station TEXT, operation TEXT, verdict TEXT, reason TEXT, number INTEGER NOT NULL,
            PRIMARY KEY (day, station, operation, verdict, reason)
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute("CREATE TABLE watermark (log TEXT PRIMARY KEY, upto INTEGER NOT NULL) STRICT, WITHOUT ROWID")
