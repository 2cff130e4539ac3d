"""The schema of list.db: which files are in use, what was changed since, what was heard for this site, and floors."""

from sqlite_utils import Database, Migrations

__all__ = ["LIST"]

LIST = Migrations("yaoma-list")

# Codes stand as `yaoma.core.code_key` writes them. `overlay` holds what signed deltas changed since the base; the rest
# is for this site and comes in state messages. Where a table has no rowid its key comes first: SQLite 3.40 takes other
# orders for damage in `quick_check`.
_TABLES = (
    """
    CREATE TABLE release (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        site TEXT NOT NULL, version INTEGER NOT NULL, issued_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE file (
        name TEXT NOT NULL, title TEXT NOT NULL, kind TEXT NOT NULL, digest BLOB NOT NULL, version INTEGER NOT NULL,
        PRIMARY KEY (name, title), CHECK (kind IN ('base', 'products', 'denials', 'policy'))
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE overlay (
        code BLOB PRIMARY KEY, op INTEGER NOT NULL CHECK (op IN (0, 1)), source TEXT, lot TEXT, expiry TEXT
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE TABLE status (code BLOB PRIMARY KEY, letter TEXT NOT NULL, at_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE shipment (id TEXT PRIMARY KEY, body TEXT NOT NULL, n INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    """
    CREATE TABLE shipped (code BLOB NOT NULL, shipment TEXT NOT NULL, PRIMARY KEY (code, shipment))
    STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX shipped_by ON shipped (shipment)",
    """
    CREATE TABLE urgent (
        key TEXT NOT NULL, lot TEXT NOT NULL, kind TEXT NOT NULL, note TEXT NOT NULL, PRIMARY KEY (key, lot)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE TABLE heard (epoch INTEGER PRIMARY KEY, upto INTEGER NOT NULL) STRICT",
    """
    CREATE TABLE merge (
        n INTEGER PRIMARY KEY, code TEXT NOT NULL, operation TEXT NOT NULL, at_ms INTEGER NOT NULL, box TEXT NOT NULL
    ) STRICT
    """,
    "CREATE TABLE floor (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE metadata (role TEXT PRIMARY KEY, version INTEGER NOT NULL, body BLOB NOT NULL) STRICT, WITHOUT ROWID",
)


@LIST()
def m001_first(db: Database) -> None:
    """Create the tables."""
    for table in _TABLES:
        db.execute(table)
