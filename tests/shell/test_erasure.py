"""Erasure: the sealed bytes are gone from every file of the box, the records stay provable, and it is recorded."""

import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from fakes.journals import BOX, SITE, HandClock, Known, folder, identity
from yaoma.core.entry import CloseReason
from yaoma.core.erasure import EraseReason, Erasure, erased_entries
from yaoma.core.record import ClockState, Entry, Kind, Stamp
from yaoma.core.sealed import SealKey, person_context
from yaoma.shell.database import open_sqlite
from yaoma.shell.erasure import EraseOutcome, ErasePlan, draft_erasure, finish_erasure, held_identities, plan
from yaoma.shell.journal import Journal
from yaoma.shell.journal_folder import JournalFolder, KnownElsewhere
from yaoma.shell.proof import verify_log
from yaoma.shell.sealing import Sealer

DAY_MS = 24 * 3600 * 1000
START_MS = 1_795_000_000_000
_KEYS = [SealKey.of(name, X25519PrivateKey.from_private_bytes(bytes([n]) * 32)) for n, name in enumerate("ab", 1)]
_SEALER = Sealer(_KEYS, bytes(range(32)))
ASKED = Erasure(EraseReason.ASKED, "op-7")


class Clock(HandClock):
    """A clock that is set to a day."""

    def __init__(self) -> None:
        super().__init__()
        self.day = 0
        self.state = ClockState.SYNCED

    def __call__(self) -> Stamp:
        stamp = super().__call__()
        return replace(stamp, wall_ms=stamp.wall_ms + self.day * DAY_MS, clock=self.state)


class Box:
    """A box's journal, its clock, and what was sealed on it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.clock = Clock()
        self.known = Known()
        self.folder = JournalFolder(path, identity(), version="0.1.0", stamp=self.clock, known=self.known)
        self.journal = self.folder.open()
        self.blobs: list[bytes] = []

    def sell(self, day: int) -> None:
        """Record a sale with an identity, and one without."""
        self.clock.day = day
        number = f"11010519491231{len(self.blobs):04d}".encode()
        sealed = _SEALER.seal(number, person_context(SITE, BOX, self.journal.log))
        self.blobs.append(sealed.blob)
        entries = [Entry(Kind.SCAN, {"person": sealed.fields}, sealed.blob), Entry(Kind.SCAN, {"code": "x"})]
        self.journal.append(entries, [self.clock(), self.clock()])

    def erase(self, chosen: ErasePlan, erasure: Erasure = ASKED) -> EraseOutcome:
        """Carry a plan out, as the recorder does."""
        draft = self.journal.draft()
        draft_erasure(chosen, erasure, draft, self.clock)
        self.journal.commit(draft)
        return finish_erasure(chosen, self.path, self.journal)

    def lying_about(self) -> set[int]:
        """Which of the sealed identities are found in the raw bytes of any file of the state folder."""
        raw = [path.read_bytes() for path in self.path.rglob("*") if path.is_file()]
        # A piece from the middle of the first ciphertext: half a blob would count too.
        return {number for number, blob in enumerate(self.blobs) if any(blob[120:150] in one for one in raw)}

    def problems(self) -> list[str]:
        """What verifying every log complains of."""
        verifiers = [identity().signer.verifier()]
        paths = [*self.folder.closed_files(), self.path / "journal.db"]
        return [problem for path in paths for problem in verify_log(path, verifiers, {}).problems]


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    """A box that sold on the days 0, 1, 2, 10, 11."""
    made = Box(tmp_path)
    for day in (0, 1, 2, 10, 11):
        made.sell(day)
    yield made
    made.journal.close()


def _everything(box: Box) -> dict[str, int]:
    return {box.journal.log: box.journal.size}


def test_erase_when_a_time_is_named_then_what_is_older_is_gone_and_provable(box: Box) -> None:
    """The bytes are in no file any more, later identities still are, every record verifies, and it is recorded."""
    assert box.lying_about() == {0, 1, 2, 3, 4}, "the search would find nothing that is there"
    before_ms = START_MS + 5 * DAY_MS
    chosen = plan(held_identities(box.path), _everything(box), before_ms=before_ms)

    outcome = box.erase(chosen, Erasure(EraseReason.POLICY, before_ms=before_ms))

    assert outcome == EraseOutcome()
    assert box.lying_about() == {3, 4}
    assert set(box.journal.sealed(0, 99)) == {7, 9}
    last = box.journal.bodies(box.journal.size - 1, box.journal.size)[0]
    assert b'"kind":"erased"' in last
    assert b'"count":3,' in last
    assert b'"places":[[1,2],[3,4],[5,6]],"reason":"policy"' in last
    box.journal.checkpoint()
    assert box.problems() == []


def test_erase_when_one_record_is_named_then_only_that_goes(box: Box) -> None:
    """A person who asks for it is erased alone."""
    chosen = plan(held_identities(box.path), _everything(box), record=(box.journal.log, 3))

    box.erase(chosen)

    assert box.lying_about() == {0, 2, 3, 4}
    assert plan(held_identities(box.path), _everything(box), record=(box.journal.log, 3)).chosen == ()


def test_plan_when_the_bridge_has_not_stored_it_then_it_stays(box: Box) -> None:
    """What was never delivered would be lost for ever; it is counted, and goes only if that is asked for."""
    held = held_identities(box.path)
    cautious = plan(held, {box.journal.log: 4}, before_ms=START_MS + 5 * DAY_MS)
    bold = plan(held, {}, before_ms=START_MS + 5 * DAY_MS, even_unsent=True)

    assert ([one.seq for one in cautious.chosen], cautious.unsent) == ([1, 3], 1)
    assert ([one.seq for one in bold.chosen], bold.unsent) == ([1, 3, 5], 0)


def test_plan_when_the_clock_was_wrong_then_a_sale_is_no_older_than_what_followed(tmp_path: Path) -> None:
    """A box that woke up in 1970 does not erase the sale of this morning; later, when the time is known, it does."""
    box = Box(tmp_path)
    box.clock.state = ClockState.UNTRUSTED
    box.sell(-20_000)
    box.sell(-20_000)
    never = held_identities(tmp_path)
    box.clock.state = ClockState.SYNCED
    box.sell(10)
    held = held_identities(tmp_path)

    assert [one.kept_ms for one in never] == [None, None]
    assert not plan(never, {}, before_ms=START_MS + 99 * DAY_MS, even_unsent=True).chosen
    assert not plan(held, {}, before_ms=START_MS + 5 * DAY_MS, even_unsent=True).chosen
    assert len(plan(held, {}, before_ms=START_MS + 11 * DAY_MS, even_unsent=True).chosen) == 3
    box.journal.close()


def test_erase_when_the_log_was_copied_then_original_and_copy_go(box: Box) -> None:
    """After a fork the same identity lies in the ended log and in the open one; both files lose it."""
    old = box.journal.log
    box.known.logs[old] = KnownElsewhere(confirmed_upto=4)
    box.journal = box.folder.close_log(box.journal, CloseReason.FORKED)
    held = held_identities(box.path)
    assert {one.origin for one in held} == {(old, seq) for seq in (1, 3, 5, 7, 9)}
    assert len(held) == 8
    stored = {old: 4, box.journal.log: box.journal.size}
    chosen = plan(held, stored, before_ms=START_MS + 5 * DAY_MS)
    assert chosen.records == {(old, 1), (old, 3), (old, 5)}

    outcome = box.erase(chosen)

    assert outcome == EraseOutcome()
    assert box.lying_about() == {3, 4}
    assert [path.name for path in (box.path / "closed").iterdir()] == [f"{old}.db"]
    box.journal.checkpoint()
    assert box.problems() == []


def _damage(box: Box) -> None:
    """Have the journal set aside as damaged, with its write-ahead log, as after a bad card."""
    box.journal.close()
    with closing(open_sqlite(box.path / "journal.db")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    box.journal = box.folder.replace_damaged("a test says so")


def test_erase_when_a_damaged_file_was_set_aside_then_it_loses_the_bytes_too(box: Box) -> None:
    """What was carried over from a damaged file is overwritten in it; everything else of the file stays."""
    _damage(box)
    (aside,) = (box.path / "aside").glob("journal-*.db")
    size = aside.stat().st_size
    assert len(held_identities(box.path)) == 5
    chosen = plan(held_identities(box.path), _everything(box), before_ms=START_MS + 5 * DAY_MS)

    outcome = box.erase(replace(chosen, before_ms=None))

    assert outcome.aside == 3
    assert box.lying_about() == {3, 4}
    assert aside.stat().st_size == size


def test_erase_when_the_file_aside_is_older_then_all_of_it_goes(box: Box) -> None:
    """Of a file last written before the time nobody knows every record; all ciphertext in it goes, also torn ones."""
    _damage(box)
    (aside,) = (box.path / "aside").glob("journal-*.db")
    raw = aside.read_bytes()
    at = raw.index(box.blobs[4])
    aside.write_bytes(raw[:at] + b"?" * 60 + raw[at + 60 :])
    os.utime(aside, (START_MS // 1000, START_MS // 1000))
    chosen = plan(held_identities(box.path), _everything(box), before_ms=START_MS + 60 * DAY_MS)

    outcome = box.erase(chosen)

    assert outcome.aside >= 5
    assert box.lying_about() == set()
    assert aside.stat().st_mtime == START_MS // 1000


def test_erase_when_somebody_reads_then_it_is_told_and_done_again_later(box: Box) -> None:
    """A verification that runs holds the write-ahead log; the box goes on at once and names the file."""
    # The pages with the identities have to lie in the file already, or the reader would hold nothing.
    assert box.journal.empty_wal()
    with closing(open_sqlite(box.path / "journal.db")) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM record").fetchall()
        chosen = plan(held_identities(box.path), _everything(box), record=(box.journal.log, 3))
        outcome = box.erase(chosen)
        box.sell(12)
        assert outcome.left == ("journal.db-wal",)
        reader.execute("COMMIT")

    assert finish_erasure(chosen, box.path, box.journal) == EraseOutcome()
    assert 1 not in box.lying_about()


def test_erase_when_the_power_goes_before_the_end_then_it_is_recorded_and_can_be_asked_again(box: Box) -> None:
    """Record and erasure are one commit; what the write-ahead log still holds goes when the journal opens again."""
    chosen = plan(held_identities(box.path), _everything(box), before_ms=START_MS + 5 * DAY_MS)
    draft = box.journal.draft()
    draft_erasure(chosen, ASKED, draft, box.clock)
    box.journal.commit(draft)
    box.journal.close()
    box.journal = folder(box.path).open()

    assert box.lying_about() == {3, 4}
    assert b'"operator":"op-7"' in box.journal.bodies(box.journal.size - 1, box.journal.size)[0]


def test_entries_when_there_are_very_many_then_no_record_is_too_long() -> None:
    """Years of single sales are told in several records."""
    entries = erased_entries(ASKED, [("log", seq) for seq in range(0, 5000, 2)])
    stamp = Clock()()

    assert [entry.fields["count"] for entry in entries] == [1000, 1000, 500]
    assert all(len(entry.body("log", 0, stamp)) < 64 * 1024 for entry in entries)
    assert [entry.fields["places"] for entry in erased_entries(ASKED, [("b", 2), ("a", 1), ("b", 1), ("b", 1)])] == [
        [[1, 2]],
        [[1, 3]],
    ]


def test_held_when_an_ended_log_is_damaged_then_the_others_are_still_found(box: Box) -> None:
    """One bad file does not keep the others from being erased."""
    (box.path / "closed" / "broken.db").write_bytes(b"SQLite format 3\0" + bytes(2000))

    assert len(held_identities(box.path)) == 5


def test_journal_when_nothing_is_erased_then_an_append_is_still_one_insert(box: Box) -> None:
    """Erasing costs the ordinary append nothing."""
    statements: list[str] = []
    journal: Journal = box.journal
    connection = journal._file._connection
    connection.set_trace_callback(statements.append)  # type: ignore[attr-defined]  # it is the standard library's
    journal.append([Entry(Kind.SCAN, {"code": "y"})], [box.clock()])

    assert [one.split()[0] for one in statements] == ["INSERT"]
