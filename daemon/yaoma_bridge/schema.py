"""Schema: the steps that make the tables of the store, and that lead from older ones to them; none is ever changed."""

from sqlite_utils import Database, Migrations

from yaoma_bridge.despatch_tables import CLEARED_TABLE, DESPATCH_TABLES
from yaoma_bridge.fleet_tables import FLEET_TABLES
from yaoma_bridge.log_tables import LOG_TABLES
from yaoma_bridge.platform_tables import PLATFORM_TABLES
from yaoma_bridge.sender_tables import SENDER_TABLES

__all__ = ["APPLICATION_ID", "MIGRATIONS", "USER_VERSION"]

#: `PRAGMA application_id` of a store: "Ybrg" in ASCII.
APPLICATION_ID = 0x59627267

USER_VERSION = 2

MIGRATIONS = Migrations("bridge")


@MIGRATIONS()
def m001_first(db: Database) -> None:
    """Create the tables, and refuse any change of a record that is stored."""
    for table in LOG_TABLES:
        db.execute(table)
    for change in ("UPDATE", "DELETE"):
        db.execute(
            f"CREATE TRIGGER record_no_{change.lower()} BEFORE {change} ON record "
            "BEGIN SELECT RAISE(ABORT, 'a stored record is never changed'); END"
        )


@MIGRATIONS()
def m002_clock_moves(db: Database) -> None:
    """Keep clock records after which the clock is still not trusted: their shifts add up with the later ones."""
    db.execute("ALTER TABLE restated ADD COLUMN trusted INTEGER NOT NULL DEFAULT 1")


@MIGRATIONS()
def m003_unsigned_tails(db: Database) -> None:
    """Note which logs have ended and when each grew; settle without a checkpoint what will never get one."""
    db.execute("ALTER TABLE log ADD COLUMN grown_ms INTEGER NOT NULL DEFAULT 0")
    db.execute("ALTER TABLE log ADD COLUMN unsigned_upto INTEGER NOT NULL DEFAULT 0")
    db.execute("ALTER TABLE event ADD COLUMN signed INTEGER NOT NULL DEFAULT 1")
    db.execute("UPDATE log SET grown_ms=last_ms")
    db.execute("CREATE INDEX event_unsigned ON event (log_id) WHERE signed=0")
    db.execute(
        "CREATE TABLE ended (site TEXT NOT NULL, box TEXT NOT NULL, log TEXT NOT NULL, PRIMARY KEY (site, box, log)) "
        "STRICT, WITHOUT ROWID"
    )


@MIGRATIONS()
def m004_outcomes(db: Database) -> None:
    """Keep outcomes as runs, and in which epoch a log was told whole; the only destination so far accepted all."""
    db.execute("ALTER TABLE log ADD COLUMN told_epoch INTEGER NOT NULL DEFAULT 0")
    db.execute("UPDATE log SET told_epoch=COALESCE((SELECT MAX(epoch) FROM epoch), 0)")
    db.execute("ALTER TABLE box ADD COLUMN epoch_ms INTEGER NOT NULL DEFAULT 0")
    db.execute("ALTER TABLE box ADD COLUMN low_mark_ms INTEGER")
    db.execute(
        "CREATE TABLE outcome (log_id INTEGER NOT NULL REFERENCES log (id), destination TEXT NOT NULL, "
        'first INTEGER NOT NULL, "end" INTEGER NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL, '
        "PRIMARY KEY (log_id, destination, first)) STRICT, WITHOUT ROWID"
    )
    db.execute(
        "INSERT INTO outcome SELECT log_id, name, MIN(seq), MAX(seq) + 1, "
        "CASE held WHEN '' THEN 'accepted' ELSE 'held' END, held FROM "
        "(SELECT *, seq - ROW_NUMBER() OVER (PARTITION BY name, log_id, held ORDER BY seq) AS island FROM "
        "(SELECT name, log_id, seq, held, MAX(n) FROM destination JOIN event ON n<=upto GROUP BY name, log_id, seq)) "
        "GROUP BY name, log_id, held, island"
    )


@MIGRATIONS()
def m005_state(db: Database) -> None:
    """Keep what boxes are told about their own stock until they have confirmed it."""
    db.execute(
        "CREATE TABLE state_box (site TEXT NOT NULL, box TEXT NOT NULL, epoch INTEGER NOT NULL, "
        "base INTEGER NOT NULL DEFAULT 0, confirmed INTEGER NOT NULL DEFAULT 0, "
        "speaks_state INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (site, box)) STRICT, WITHOUT ROWID"
    )
    db.execute(
        "CREATE TABLE state (site TEXT NOT NULL, box TEXT NOT NULL, n INTEGER NOT NULL, news BLOB NOT NULL, "
        "made_ms INTEGER NOT NULL, tries INTEGER NOT NULL DEFAULT 0, due_ms INTEGER NOT NULL DEFAULT 0, "
        "PRIMARY KEY (site, box, n)) STRICT, WITHOUT ROWID"
    )


@MIGRATIONS()
def m006_platforms(db: Database) -> None:
    """Keep bills, the parcels that they are sent in, and what became of each record at each platform."""
    for table in PLATFORM_TABLES:
        db.execute(table)


@MIGRATIONS()
def m007_shared_words(db: Database) -> None:
    """Name no column with a word that PostgreSQL keeps for itself."""
    db.execute('ALTER TABLE outcome RENAME COLUMN "end" TO upto')


@MIGRATIONS()
def m008_fleet(db: Database) -> None:
    """Keep what boxes say of themselves, what they are commanded, how they are enrolled and taken out of service."""
    for table in FLEET_TABLES:
        db.execute(table)


@MIGRATIONS()
def m009_register(db: Database) -> None:
    """Keep who opened the register of persons, when and why; of the persons nothing."""
    db.execute(
        "CREATE TABLE register_opening (id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, reader TEXT NOT NULL, "
        "purpose TEXT NOT NULL, site TEXT NOT NULL, first TEXT NOT NULL, last TEXT NOT NULL, "
        "identities INTEGER NOT NULL) STRICT"
    )


@MIGRATIONS()
def m010_despatches(db: Database) -> None:
    """Keep the notes that were made of what sites sent, and what their receivers answered."""
    for table in DESPATCH_TABLES:
        db.execute(table)


@MIGRATIONS()
def m011_senders(db: Database) -> None:
    """Keep who sent what, by the notes that sites are told of from now on."""
    for table in SENDER_TABLES:
        db.execute(table)


@MIGRATIONS()
def m012_cleared(db: Database) -> None:
    """Keep what senders found out about differences in what they sent."""
    db.execute(CLEARED_TABLE)
    db.execute("CREATE INDEX despatch_bill ON despatch (bill_id)")
