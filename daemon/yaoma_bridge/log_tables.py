"""Log tables: what boxes send, what of it is verified, what is known of it, and what was answered.

As the first step of the schema makes them; `yaoma_bridge.schema` shows which columns of `box`, `log`, `event` and
`restated` came later.
"""

from typing import Final

__all__ = ["LOG_TABLES"]

LOG_TABLES: Final = (
    # When the store began, and each time that it was put back from an older copy: receipts name their epoch.
    """
    CREATE TABLE epoch (
        epoch INTEGER PRIMARY KEY,
        began_ms INTEGER NOT NULL,
        reason TEXT NOT NULL
    ) STRICT
    """,
    # Each box that was ever seen: whether it is there, and how far it has got in the receipts.
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
    # The newest births of each box by their bytes: every worker hears each of them, and one answers.
    """
    CREATE TABLE birth (
        site TEXT NOT NULL,
        box TEXT NOT NULL,
        digest BLOB NOT NULL,
        at_ms INTEGER NOT NULL,
        PRIMARY KEY (site, box, digest)
    ) STRICT, WITHOUT ROWID
    """,
    # Each log of a box: how far it is stored, verified and settled, with the frontiers that go with it.
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
    # Records as they came. Without rowid: its rows lie in the order in which verification and export read them.
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
    # What came for a place that holds another record; kept, and never stored there.
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
    # Sealed identities, apart from their records so that they can be erased.
    """
    CREATE TABLE sealed (
        log_id INTEGER NOT NULL REFERENCES log (id),
        seq INTEGER NOT NULL,
        blob BLOB NOT NULL,
        PRIMARY KEY (log_id, seq)
    ) STRICT, WITHOUT ROWID
    """,
    # Checkpoints of boxes, read once a key and the records up to there are at hand.
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
    # Receipts that a box may still ask for.
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
    # The feed: settled records in the order in which destinations and bills take them.
    """
    CREATE TABLE event (
        n INTEGER PRIMARY KEY,
        log_id INTEGER NOT NULL REFERENCES log (id),
        seq INTEGER NOT NULL,
        held TEXT NOT NULL DEFAULT '',
        shift_ms INTEGER NOT NULL DEFAULT 0
    ) STRICT
    """,
    # Records that are held back, and why.
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
    # By how much the times of a boot are off, known once its clock was set.
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
    # Records that a later log brought along from an earlier one, so that they count once.
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
    # How far in the feed each destination of events has got.
    """
    CREATE TABLE destination (
        name TEXT PRIMARY KEY,
        upto INTEGER NOT NULL DEFAULT 0,
        mark TEXT NOT NULL DEFAULT ''
    ) STRICT, WITHOUT ROWID
    """,
    # Which worker does something that only one may do at a time, and until when.
    """
    CREATE TABLE claim (
        name TEXT PRIMARY KEY,
        owner TEXT NOT NULL,
        until_ms INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    # What somebody must look at.
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
