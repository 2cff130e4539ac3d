"""The journal: the one log that is open for appending, and the only source of truth on the box."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from yaoma.core.checkpoint import Checkpoint, log_origin
from yaoma.core.merkle import Frontier, leaf_hash
from yaoma.core.note import NoteError, Signer
from yaoma.core.record import Entry, Kind, Record, RecordError, Stamp
from yaoma.shell.database import DatabaseDamagedError, Opener, open_sqlite
from yaoma.shell.log_file import LogFile, StoredCheckpoint

__all__ = ["CHECKPOINT_EVERY", "BoxIdentity", "Draft", "Journal", "checked_bodies", "new_log_id"]

#: A checkpoint goes along with every so many records; the recorder adds one each minute with news.
CHECKPOINT_EVERY = 256

_READ_STEP = 4096


def new_log_id() -> str:
    """Draw the id of a new log: 80 random bits as 16 letters of base 32."""
    alphabet = "abcdefghijkmnpqrstuvwxyz23456789"
    return "".join(secrets.choice(alphabet) for _ in range(16))


@dataclass(frozen=True, slots=True)
class BoxIdentity:
    """Who writes the log.

    Args:
        site: The institution's code.
        box: The device id.
        signer: The key that signs checkpoints, named as `box_key_name` says.
    """

    site: str
    box: str
    signer: Signer


class Draft:
    """Records that have their place in a log, but are not kept yet.

    Args:
        log: The log's id.
        size: The place of the first record.
    """

    def __init__(self, log: str, size: int) -> None:
        self._log = log
        self._size = size
        self.records: list[Record] = []
        self.sealed: dict[int, bytes] = {}
        self.erased: set[int] = set()

    def add(self, entry: Entry, stamp: Stamp) -> Record:
        """Give an entry its place."""
        seq = self._size + len(self.records)
        record = Record(self._log, seq, str(entry.kind), stamp, entry.fields, entry.body(self._log, seq, stamp))
        self.records.append(record)
        if entry.sealed is not None:
            self.sealed[seq] = entry.sealed
        return record

    @property
    def log(self) -> str:
        """The log that it is drafted for."""
        return self._log

    def erase(self, seq: int) -> None:
        """Have the sealed identity of a record of this log erased together with what is added, which must say so."""
        self.erased.add(seq)


class Journal:
    """A log that is appended to. Only the recorder's thread appends; every thread may read.

    Args:
        file: The log's file.
        log: The log's id.
        frontier: The tree's edge at the file's end.
        identity: Who writes.
        origin: What its checkpoints call it, if another box began it; the card was moved then.
    """

    def __init__(
        self, file: LogFile, log: str, frontier: Frontier, identity: BoxIdentity, origin: str | None = None
    ) -> None:
        self._file = file
        self.log = log
        self._frontier = frontier
        self._identity = identity
        self._origin = origin or log_origin(identity.site, identity.box, log)
        newest = file.checkpoints()
        self._checkpoint = newest[0] if newest else None

    @classmethod
    def create(
        cls, path: Path, identity: BoxIdentity, entries: Sequence[Entry], stamp: Stamp, log: str | None = None
    ) -> "Journal":
        """Make a file with a new log that holds these entries, the first of them an `open`.

        Raises:
            DatabaseError: If the disk refuses.
        """
        journal = cls(LogFile.create(path), log or new_log_id(), Frontier(), identity)
        journal.append(entries, [stamp] * len(entries), checkpoint=True)
        return journal

    @classmethod
    def open(cls, path: Path, identity: BoxIdentity, opener: Opener = open_sqlite) -> "Journal":
        """Open the log in a file; what came after the last checkpoint of ours is checked record by record.

        Raises:
            DatabaseDamagedError: If a record is missing, or its hash does not fit.
            DatabaseUnavailableError: If the disk refuses.
        """
        file = LogFile.open(path, opener)
        try:
            log, site, box = _opening(file)
            frontier = cls._checked_frontier(file, log_origin(site, box, log), identity)
        except BaseException:
            file.close()
            raise
        return cls(file, log, frontier, identity, log_origin(site, box, log))

    @classmethod
    def look(cls, path: Path, identity: BoxIdentity) -> tuple[str, int]:
        """Check the log in a file as `open` does, without changing a byte of it or its WAL; give its id and size.

        Raises:
            DatabaseDamagedError: If a record is missing, or its hash does not fit.
            DatabaseUnavailableError: If the file can't be read.
        """
        file = LogFile.read_only(path)
        try:
            log, site, box = _opening(file)
            return log, cls._checked_frontier(file, log_origin(site, box, log), identity).size
        finally:
            file.close()

    @staticmethod
    def _checked_frontier(file: LogFile, origin: str, identity: BoxIdentity) -> Frontier:
        size, frontier = file.size(), Frontier()
        for stored in file.checkpoints():
            try:
                checkpoint = Checkpoint.opened(stored.note, [identity.signer.verifier()])
                edge = Frontier.from_bytes(stored.frontier)
            except (NoteError, ValueError):
                # A key that was replaced, or a damaged row: count from the beginning instead.
                continue
            if (checkpoint.origin, checkpoint.size, checkpoint.root) == (origin, edge.size, edge.root()):
                if edge.size > size:
                    raise DatabaseDamagedError(file.path, f"{edge.size} records were signed, {size} are there")
                frontier = edge
        while frontier.size < size:
            rows = file.rows(frontier.size, min(size, frontier.size + _READ_STEP))
            for place, (seq, body, leaf) in enumerate(rows, frontier.size):
                if seq != place or leaf != leaf_hash(body):
                    raise DatabaseDamagedError(file.path, f"record {place} is missing or altered")
            if not rows:
                raise DatabaseDamagedError(file.path, f"record {frontier.size} is missing")
            frontier = frontier.extended(leaf for _, _, leaf in rows)
        return frontier

    @property
    def path(self) -> Path:
        """The log's file."""
        return self._file.path

    @property
    def size(self) -> int:
        """Number of records; the next one gets this place."""
        return self._frontier.size

    @property
    def frontier(self) -> Frontier:
        """The tree's edge."""
        return self._frontier

    @property
    def checkpointed(self) -> int:
        """The size of the newest checkpoint."""
        return self._checkpoint.size if self._checkpoint else 0

    def draft(self) -> Draft:
        """Begin a group of records that will be committed together."""
        return Draft(self.log, self.size)

    def commit(self, draft: Draft, *, checkpoint: bool = False) -> None:
        """Keep the records of a draft, in one commit with fsync; when this returns, they are kept.

        Args:
            draft: Made by `draft` after the last commit.
            checkpoint: Sign a checkpoint behind them in any case.

        Raises:
            DatabaseError: If they may not be kept. The file must be opened anew, and may then hold them all or none.
        """
        if draft.records and (draft.records[0].log, draft.records[0].seq) != (self.log, self.size):
            raise ValueError("the draft was made for another place in the log")
        leaves = [record.leaf for record in draft.records]
        frontier = self._frontier.extended(leaves)
        signed = None
        if checkpoint or frontier.size // CHECKPOINT_EVERY > self._frontier.size // CHECKPOINT_EVERY:
            signed = self._signed(frontier)
        rows = [(record.seq, record.body, leaf) for record, leaf in zip(draft.records, leaves, strict=True)]
        self._file.append(rows, sealed=draft.sealed, erased=draft.erased, checkpoint=signed)
        self._frontier = frontier
        self._checkpoint = signed or self._checkpoint

    def append(self, entries: Sequence[Entry], stamps: Sequence[Stamp], *, checkpoint: bool = False) -> list[Record]:
        """Draft and commit in one step.

        Args:
            entries: What to record, in order.
            stamps: When each of them happened.
            checkpoint: Sign a checkpoint behind them in any case.

        Raises:
            DatabaseError: As for `commit`.
        """
        draft = self.draft()
        for entry, stamp in zip(entries, stamps, strict=True):
            draft.add(entry, stamp)
        self.commit(draft, checkpoint=checkpoint)
        return draft.records

    def checkpoint(self) -> None:
        """Sign a checkpoint at the end of the log, if there is none yet.

        Raises:
            DatabaseError: As for `append`.
        """
        if self.checkpointed < self.size:
            signed = self._signed(self._frontier)
            self._file.append([], checkpoint=signed)
            self._checkpoint = signed

    def _signed(self, frontier: Frontier) -> StoredCheckpoint:
        note = Checkpoint.of(self._origin, frontier).signed(self._identity.signer)
        return StoredCheckpoint(frontier.size, note, frontier.to_bytes())

    def bodies(self, first: int, last: int) -> list[bytes]:
        """Give the bodies of a half-open range, each checked against its hash.

        Raises:
            DatabaseDamagedError: If one is missing or altered.
            DatabaseUnavailableError: If the file can't be read.
        """
        return checked_bodies(self._file, first, min(last, self.size))

    def leaf_hashes(self, first: int, last: int) -> list[bytes]:
        """Give the leaf hashes of a half-open range.

        Raises:
            DatabaseError: If the file can't be read.
        """
        return self._file.leaves(first, last)

    def sealed(self, first: int, last: int) -> dict[int, bytes]:
        """Give the sealed identities of a half-open range, by place.

        Raises:
            DatabaseError: If the file can't be read.
        """
        return self._file.sealed(first, last)

    def empty_wal(self) -> bool:
        """Empty the write-ahead log, so that what was erased is gone from it too; say whether nobody was reading.

        Raises:
            DatabaseError: As for `append`.
        """
        return self._file.empty_wal()

    def newest_checkpoint(self) -> str | None:
        """Give the newest signed checkpoint."""
        return self._checkpoint.note if self._checkpoint else None

    def ended(self) -> Record | None:
        """Give the record that closed the log, or None while it is open.

        Raises:
            DatabaseError: If the file can't be read.
        """
        last = Record.read(self.bodies(self.size - 1, self.size)[0]) if self.size else None
        return last if last is not None and last.kind == Kind.CLOSE else None

    def opening(self) -> Record:
        """Give the record that opened the log.

        Raises:
            DatabaseError: If the file can't be read.
        """
        return Record.read(self.bodies(0, 1)[0])

    def finish(self) -> None:
        """Make the file of a closed log whole in itself, and close it.

        Raises:
            DatabaseError: If somebody still reads it, or the disk refuses.
        """
        self._file.finish()
        self._file.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def checked_bodies(file: LogFile, first: int, last: int) -> list[bytes]:
    """Give the bodies of a half-open range that a log has, each checked against its hash.

    Raises:
        DatabaseDamagedError: If one is missing or altered.
        DatabaseUnavailableError: If the file can't be read.
    """
    rows = file.rows(first, last)
    for place, (seq, body, leaf) in enumerate(rows, first):
        if seq != place or leaf != leaf_hash(body):
            raise DatabaseDamagedError(file.path, f"record {place} is missing or altered")
    if first + len(rows) < last:
        raise DatabaseDamagedError(file.path, f"record {first + len(rows)} is missing")
    return [body for _, body, _ in rows]


def _opening(file: LogFile) -> tuple[str, str, str]:
    rows = file.rows(0, 1)
    try:
        first = Record.read(rows[0][1])
    except (IndexError, RecordError) as error:
        raise DatabaseDamagedError(file.path, "the log's first record is missing or damaged") from error
    site, box = first.fields.get("site"), first.fields.get("box")
    if first.kind != Kind.OPEN or first.leaf != rows[0][2] or not isinstance(site, str) or not isinstance(box, str):
        raise DatabaseDamagedError(file.path, "the log does not begin with its opening record")
    return first.log, site, box
