"""Schema: the tables of the store, and the steps that lead from older ones to them."""

from sqlite_utils import Database, Migrations

__all__ = ["APPLICATION_ID", "MIGRATIONS", "USER_VERSION"]

#: `PRAGMA application_id` of a store: "Ybrg" in ASCII.
APPLICATION_ID = 0x59627267

USER_VERSION = 2

MIGRATIONS = Migrations("bridge")

# `record` has no rowid: its rows lie in the order in which verification and export read them.
_TABLES = (
    """
    CREATE TABLE epoch (
        epoch INTEGER PRIMARY KEY,
        began_ms INTEGER NOT NULL,
        reason TEXT NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE box (
        site TEXT NOT NULL,
        box TEXT NOT NULL,
        online INTEGER NOT NULL DEFAULT 1,
        last_seen_ms INTEGER NOT NULL,
        mark_epoch INTEGER NOT NULL DEFAULT 0,
        mark_upto INTEGER NOT NULL DEFAULT 0,
        epoch INTEGER NOT NULL DEFAULT 0,
        rseq INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (site, box)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE birth (
        site TEXT NOT NULL,
        box TEXT NOT NULL,
        digest BLOB NOT NULL,
        at_ms INTEGER NOT NULL,
        PRIMARY KEY (site, box, digest)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE log (
        id INTEGER PRIMARY KEY,
        site TEXT NOT NULL,
        box TEXT NOT NULL,
        log TEXT NOT NULL,
        state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'closed', 'broken', 'damaged')),
        first_ms INTEGER NOT NULL,
        last_ms INTEGER NOT NULL,
        stored_upto INTEGER NOT NULL DEFAULT 0,
        frontier BLOB NOT NULL,
        seen_upto INTEGER NOT NULL DEFAULT 0,
        verified_upto INTEGER NOT NULL DEFAULT 0,
        verified_frontier BLOB NOT NULL,
        settled_upto INTEGER NOT NULL DEFAULT 0,
        gap_since_ms INTEGER,
        asked_ms INTEGER NOT NULL DEFAULT 0,
        due_ms INTEGER,
        UNIQUE (site, box, log)
    ) STRICT
    """,
    "CREATE INDEX log_due ON log (due_ms) WHERE due_ms IS NOT NULL",
    "CREATE INDEX log_name ON log (log)",
    """
    CREATE TABLE record (
        log_id INTEGER NOT NULL REFERENCES log (id),
        seq INTEGER NOT NULL,
        leaf BLOB NOT NULL,
        body BLOB NOT NULL,
        received_ms INTEGER NOT NULL,
        PRIMARY KEY (log_id, seq)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE conflict (
        log_id INTEGER NOT NULL REFERENCES log (id),
        seq INTEGER NOT NULL,
        leaf BLOB NOT NULL,
        body BLOB NOT NULL,
        sealed BLOB,
        received_ms INTEGER NOT NULL,
        PRIMARY KEY (log_id, seq, leaf)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE sealed (
        log_id INTEGER NOT NULL REFERENCES log (id),
        seq INTEGER NOT NULL,
        blob BLOB NOT NULL,
        PRIMARY KEY (log_id, seq)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE checkpoint (
        log_id INTEGER NOT NULL REFERENCES log (id),
        size INTEGER NOT NULL,
        note TEXT NOT NULL,
        state TEXT NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'signed', 'good', 'wrong')),
        root BLOB,
        frontier BLOB,
        PRIMARY KEY (log_id, size, note)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX checkpoint_new ON checkpoint (log_id) WHERE state IN ('new', 'signed')",
    """
    CREATE TABLE receipt (
        site TEXT NOT NULL,
        box TEXT NOT NULL,
        epoch INTEGER NOT NULL,
        rseq INTEGER NOT NULL,
        payload BLOB NOT NULL,
        made_ms INTEGER NOT NULL,
        PRIMARY KEY (site, box, epoch, rseq)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE event (
        n INTEGER PRIMARY KEY,
        log_id INTEGER NOT NULL REFERENCES log (id),
        seq INTEGER NOT NULL,
        held TEXT NOT NULL DEFAULT '',
        shift_ms INTEGER NOT NULL DEFAULT 0
    ) STRICT
    """,
    """
    CREATE TABLE held (
        log_id INTEGER NOT NULL REFERENCES log (id),
        seq INTEGER NOT NULL,
        reason TEXT NOT NULL,
        site TEXT NOT NULL,
        box TEXT NOT NULL,
        boot TEXT NOT NULL DEFAULT '',
        mono_ms INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (log_id, seq)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX held_boot ON held (site, box, boot)",
    """
    CREATE TABLE restated (
        site TEXT NOT NULL,
        box TEXT NOT NULL,
        boot TEXT NOT NULL,
        mono_ms INTEGER NOT NULL,
        shift_ms INTEGER NOT NULL,
        PRIMARY KEY (site, box, boot, mono_ms)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE carried (
        site TEXT NOT NULL,
        box TEXT NOT NULL,
        log TEXT NOT NULL,
        seq INTEGER NOT NULL,
        leaf BLOB NOT NULL,
        by_log_id INTEGER NOT NULL REFERENCES log (id),
        by_seq INTEGER NOT NULL,
        PRIMARY KEY (site, box, log, seq, leaf)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE destination (
        name TEXT PRIMARY KEY,
        upto INTEGER NOT NULL DEFAULT 0,
        mark TEXT NOT NULL DEFAULT ''
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE claim (
        name TEXT PRIMARY KEY,
        owner TEXT NOT NULL,
        until_ms INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE alarm (
        id INTEGER PRIMARY KEY,
        kind TEXT NOT NULL,
        site TEXT NOT NULL,
        box TEXT NOT NULL,
        log TEXT NOT NULL,
        facts TEXT NOT NULL,
        at_ms INTEGER NOT NULL,
        last_ms INTEGER NOT NULL,
        times INTEGER NOT NULL DEFAULT 1,
        UNIQUE (kind, site, box, log)
    ) STRICT
    """,
)


@MIGRATIONS()
def m001_first(db: Database) -> None:
    """Create the tables, and refuse any change of a record that is stored."""
    for table in _TABLES:
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


# What becomes of a record at a platform. Plain SQL in all of it, so that another database can hold the same tables.
_PLATFORM_TABLES = (
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


@MIGRATIONS()
def m006_platforms(db: Database) -> None:
    """Keep bills, the parcels that they are sent in, and what became of each record at each platform."""
    for table in _PLATFORM_TABLES:
        db.execute(table)


@MIGRATIONS()
def m007_shared_words(db: Database) -> None:
    """Name no column with a word that PostgreSQL keeps for itself."""
    db.execute('ALTER TABLE outcome RENAME COLUMN "end" TO upto')


_FLEET_TABLES = (
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


@MIGRATIONS()
def m008_fleet(db: Database) -> None:
    """Keep what boxes say of themselves, what they are commanded, how they are enrolled and taken out of service."""
    for table in _FLEET_TABLES:
        db.execute(table)


@MIGRATIONS()
def m009_register(db: Database) -> None:
    """Keep who opened the register of persons, when and why; of the persons nothing."""
    db.execute(
        "CREATE TABLE register_opening (id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, reader TEXT NOT NULL, "
        "purpose TEXT NOT NULL, site TEXT NOT NULL, first TEXT NOT NULL, last TEXT NOT NULL, "
        "identities INTEGER NOT NULL) STRICT"
    )
