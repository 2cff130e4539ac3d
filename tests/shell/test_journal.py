"""The journal on a real file: what it keeps, what it refuses, how one log follows another."""

import shutil
import sqlite3
from pathlib import Path

import pytest

from fakes.journals import SITE, HandClock, Known, folder, identity, scan
from yaoma.core.checkpoint import Checkpoint
from yaoma.core.entry import CloseReason
from yaoma.core.merkle import inclusion_path, root_from_path, subtree_root
from yaoma.core.record import Entry, Kind, Record
from yaoma.shell.database import DatabaseDamagedError, DatabaseUnavailableError, pragma
from yaoma.shell.journal import CHECKPOINT_EVERY, Journal
from yaoma.shell.journal_folder import KnownElsewhere
from yaoma.shell.log_file import LogFile
from yaoma.shell.salvage import salvage


def filled(path: Path, count: int) -> Journal:
    """A journal with an opening record and so many scans, each its own commit."""
    journal = folder(path).open()
    clock = HandClock()
    for number in range(count):
        journal.append([scan(number)], [clock()])
    return journal


def codes(journal: Journal) -> list[str]:
    """The codes of all scans, copies looked into."""
    records = [Record.read(body).original() for body in journal.bodies(0, journal.size)]
    return [str(record.fields["code"]) for record in records if record.kind == Kind.SCAN]


def test_new_folder_gets_a_log_whose_first_record_names_the_box(tmp_path: Path) -> None:
    """The first record is an opening with site, box and no predecessor; it is signed at once."""
    journal = folder(tmp_path / "state").open()
    first = journal.opening()

    assert (Kind.OPEN, 0, SITE, None) == (first.kind, first.seq, first.fields["site"], first.fields["previous"])
    assert journal.checkpointed == journal.size == 1
    journal.close()


def test_journal_is_durable_by_its_settings(tmp_path: Path) -> None:
    """WAL, FULL, pages of 1 KiB, an application id: what a commit promises rests on these."""
    journal = filled(tmp_path, 1)
    connection = journal._file._connection

    assert ("wal", 2) == (pragma(connection, "journal_mode"), pragma(connection, "synchronous"))
    assert (1024, 0x596C6F67) == (pragma(connection, "page_size"), pragma(connection, "application_id"))
    journal.close()


def test_records_can_be_queried_by_what_their_bodies_say(tmp_path: Path) -> None:
    """A view has a column for each field that is asked for; the table holds only place, body and hash."""
    journal = filled(tmp_path, 2)
    connection = journal._file._connection

    rows = list(connection.execute("SELECT seq, kind, code, verdict FROM journal ORDER BY seq"))
    assert [(0, "open", None, None), (1, "scan", f"cn20:8{0:019d}", "PASS")] == rows[:2]
    assert [(column[1]) for column in connection.execute("PRAGMA table_xinfo(record)")] == ["seq", "body", "leaf_hash"]
    journal.close()


def test_reopened_journal_goes_on_at_the_same_place_and_root(tmp_path: Path) -> None:
    """After a clean stop, and after a stop without checkpoint, the next record gets the next place."""
    journal = filled(tmp_path, 5)
    root = journal.frontier.root()
    journal.close()
    again = folder(tmp_path).open()

    assert (6, root) == (again.size, again.frontier.root())
    again.checkpoint()
    again.append([scan(5)], [HandClock()()])
    assert [f"cn20:8{number:019d}" for number in range(6)] == codes(again)
    again.close()


def test_checkpoints_are_signed_along_the_way_and_their_roots_hold(tmp_path: Path) -> None:
    """Every 256 records a checkpoint goes along in the same commit; its root is the tree's at that size."""
    journal = folder(tmp_path).open()
    clock = HandClock()
    for first in range(0, 600, 50):
        journal.append([scan(number) for number in range(first, first + 50)], [clock() for _ in range(50)])
    leaves = journal.leaf_hashes(0, journal.size)
    note = journal.newest_checkpoint()
    assert note is not None
    checkpoint = Checkpoint.opened(note, [identity().signer.verifier()])

    assert checkpoint.size > 2 * CHECKPOINT_EVERY
    assert checkpoint.root == subtree_root(leaves[: checkpoint.size])
    path = inclusion_path(77, checkpoint.size, lambda first, last: leaves[first:last])
    assert checkpoint.root == root_from_path(leaves[77], 77, checkpoint.size, path)
    journal.close()


@pytest.mark.row("S0-08")
@pytest.mark.row("S1-20")
@pytest.mark.row("S4-14")
@pytest.mark.parametrize("statement", ["UPDATE record SET body = '{}' WHERE seq = 1", "DELETE FROM record"])
def test_journal_refuses_to_be_changed(tmp_path: Path, statement: str) -> None:
    """SQLite itself refuses an UPDATE or DELETE of records."""
    journal = filled(tmp_path, 2)
    journal.close()
    connection = sqlite3.connect(tmp_path / "journal.db")

    with pytest.raises(sqlite3.IntegrityError, match="never changed"):
        connection.execute(statement)
    connection.close()


def test_group_is_kept_whole_or_not_at_all(tmp_path: Path) -> None:
    """When one row of a group can't be written, none of the group is there, and the handle is dead."""
    journal = filled(tmp_path, 1)
    huge = Entry(Kind.SCAN, {"code": "x"})
    with pytest.raises(AttributeError):
        journal.append([scan(1), huge, None], [HandClock()()] * 3)  # type: ignore[list-item]
    journal._file._connection.execute("CREATE TEMP TRIGGER no BEFORE INSERT ON record WHEN NEW.seq = 3 "
                                      "BEGIN SELECT RAISE(ABORT, 'planted'); END")  # fmt: skip
    with pytest.raises(DatabaseUnavailableError, match="planted"):
        journal.append([scan(1), scan(2)], [HandClock()()] * 2)
    with pytest.raises(DatabaseUnavailableError, match="failure"):
        journal.append([scan(1)], [HandClock()()])
    journal.close()
    again = folder(tmp_path).open()

    assert 2 == again.size
    again.close()


@pytest.mark.row("S3-18")
@pytest.mark.parametrize("place", [0, 3, 6])
def test_altered_record_behind_the_last_checkpoint_is_found_at_opening(tmp_path: Path, place: int) -> None:
    """A body that was changed in the file is noticed; all the other records are taken over into a new log."""
    journal = filled(tmp_path, 6)
    old = journal.log
    journal.close()
    connection = sqlite3.connect(tmp_path / "journal.db")
    connection.execute("DROP TRIGGER record_no_update")
    connection.execute("UPDATE record SET body = replace(body, 'scan', 'scam') WHERE seq = ?", (place,))
    connection.execute("UPDATE record SET body = replace(body, 'counter-1', 'counter-2') WHERE seq = ?", (place,))
    connection.commit()
    connection.close()
    again = folder(tmp_path).open()

    assert old != again.log
    assert [[place, place + 1]] == again.opening().fields["previous"]["gap"]  # type: ignore[index,call-overload]
    assert [f"cn20:8{number:019d}" for number in range(6) if number + 1 != place] == codes(again)
    assert 1 == len(folder(tmp_path).aside_files())
    again.close()


def test_forked_log_is_closed_and_its_unconfirmed_tail_copied(tmp_path: Path) -> None:
    """The new log names the old one and holds the records that the bridge had not confirmed, with their origin."""
    known = Known()
    journals = folder(tmp_path, known)
    journal = journals.open()
    clock = HandClock()
    for number in range(5):
        journal.append([scan(number)], [clock()])
    old = journal.log
    known.logs[old] = KnownElsewhere(confirmed_upto=4)
    successor = journals.close_log(journal, CloseReason.FORKED)
    records = [Record.read(body) for body in successor.bodies(1, successor.size)]

    assert [(old, 4), (old, 5)] == [record.identity for record in records]
    assert ["cn20:80000000000000000003", "cn20:80000000000000000004"] == codes(successor)
    assert old == successor.opening().fields["previous"]["log"]  # type: ignore[index,call-overload]
    assert [tmp_path / "closed" / f"{old}.db"] == journals.closed_files()
    closed = LogFile.read_only(journals.closed_files()[0])
    assert 7 == closed.size()
    closed.close()
    successor.close()


def test_log_that_was_closed_but_not_followed_is_followed_at_the_next_start(tmp_path: Path) -> None:
    """A power cut right after the closing record loses nothing: the next start builds the new log from it."""
    known = Known()
    journals = folder(tmp_path, known)
    journal = journals.open()
    journal.append([scan(1), scan(2)], [HandClock()()] * 2)
    copy = tmp_path / "cut"
    real_build = journals._build

    def cut(*_: object) -> None:
        shutil.copytree(tmp_path, copy, ignore=shutil.ignore_patterns("cut"))
        raise KeyboardInterrupt

    journals._build = cut  # type: ignore[method-assign,assignment]
    with pytest.raises(KeyboardInterrupt):
        journals.close_log(journal, CloseReason.FORKED)
    journals._build = real_build  # type: ignore[method-assign]
    journal.close()
    again = folder(copy).open()

    assert ["cn20:80000000000000000001", "cn20:80000000000000000002"] == codes(again)
    assert "forked" == again.opening().fields["reason"]
    again.close()


@pytest.mark.parametrize("moment", ["built", "retired"])
def test_succession_that_was_cut_is_finished_at_the_next_start(tmp_path: Path, moment: str) -> None:
    """Between the renames of a succession, the next start goes on with the finished new log."""
    journals = folder(tmp_path)
    journal = journals.open()
    journal.append([scan(1)], [HandClock()()])
    copy = tmp_path / "cut"

    def cut(*_: object) -> None:
        shutil.copytree(tmp_path, copy, ignore=shutil.ignore_patterns("cut"))
        raise KeyboardInterrupt

    if moment == "built":
        journals._take_over = cut  # type: ignore[method-assign]
    else:
        retire = journals._retire
        journals._retire = lambda: (retire(), cut())[0]  # type: ignore[method-assign,func-returns-value]
    with pytest.raises(KeyboardInterrupt):
        journals.close_log(journal, CloseReason.FORKED)
    journal.close()
    again = folder(copy).open()

    assert ["cn20:80000000000000000001"] == codes(again)
    assert 1 == len(folder(copy).closed_files())
    assert not (copy / "journal.next").exists()
    again.close()


def test_log_that_is_shorter_than_the_site_knows_is_not_gone_on_with(tmp_path: Path) -> None:
    """If the site's state saw more records than are there, places would be given twice: a new log begins."""
    journal = filled(tmp_path, 3)
    journal.close()
    known = Known()
    known.logs[journal.log] = KnownElsewhere(confirmed_upto=2, size=9)
    again = folder(tmp_path, known).open()

    assert ("shrunk", 4) == (again.opening().fields["reason"], again.opening().fields["previous"]["size"] - 1)  # type: ignore[index,call-overload,operator]
    assert ["cn20:80000000000000000001", "cn20:80000000000000000002"] == codes(again)
    again.close()


def test_card_of_another_box_is_not_written_on_as_if_it_were_ours(tmp_path: Path) -> None:
    """A card that moved to another box begins a log of that box and takes the unsent records along."""
    filled(tmp_path, 2).close()
    again = folder(tmp_path, who=identity(box="counter-2", seed=2)).open()

    assert ("identity", "counter-2") == (again.opening().fields["reason"], again.opening().fields["box"])
    assert 2 == len(codes(again))
    again.close()


@pytest.mark.parametrize("content", [b"", b"hello", b"SQLite format 3\0" + bytes(4000)])
def test_foreign_or_empty_file_is_set_aside_not_deleted(tmp_path: Path, content: bytes) -> None:
    """What is no journal is kept under another name, and the box goes on with a new log."""
    (tmp_path / "journal.db").write_bytes(content)
    journal = folder(tmp_path).open()

    assert "damaged" == journal.opening().fields["reason"]
    assert content == folder(tmp_path).aside_files()[0].read_bytes()
    journal.close()


def test_new_file_where_logs_were_closed_names_the_newest_of_them(tmp_path: Path) -> None:
    """If `journal.db` is gone, the new log still names the log before it."""
    journals = folder(tmp_path)
    journal = journals.close_log(journals.open(), CloseReason.FORKED)
    first = journals.closed_files()[0].stem
    journal.close()
    (tmp_path / "journal.db").unlink()
    again = folder(tmp_path).open()

    assert first == again.opening().fields["previous"]["log"]  # type: ignore[index,call-overload]
    again.close()


def test_replaced_signing_key_does_not_lose_the_log(tmp_path: Path) -> None:
    """Checkpoints of an earlier key are not believed, so the tree is counted from the first record."""
    journal = filled(tmp_path, 3)
    journal.checkpoint()
    root = journal.frontier.root()
    journal.close()
    again = folder(tmp_path, who=identity(seed=9)).open()

    assert (journal.log, root) == (again.log, again.frontier.root())
    again.close()


def test_erased_identity_leaves_the_record_and_no_bytes_in_the_file(tmp_path: Path) -> None:
    """The blob can be erased; body, hash and proof stay, and the bytes are gone from file and WAL."""
    marker = b"sealed-marker-7781" * 3
    journal = folder(tmp_path).open()
    journal.append([Entry(Kind.SCAN, {"person": {"hash": "00"}}, marker)], [HandClock()()])
    assert {1: marker} == journal.sealed(0, 9)
    journal._file.erase_sealed(1)

    assert {} == journal.sealed(0, 9)
    assert 1 == len(journal.bodies(1, 2))
    assert not any(marker in path.read_bytes() for path in tmp_path.glob("journal.db*"))
    journal.close()


def test_read_finds_an_altered_record(tmp_path: Path) -> None:
    """Rows are checked against their hashes whenever they are read for the uploader."""
    journal = filled(tmp_path, 3)
    journal._file._connection.execute("DROP TRIGGER record_no_update")
    journal._file._connection.execute("UPDATE record SET leaf_hash = zeroblob(32) WHERE seq = 2")

    with pytest.raises(DatabaseDamagedError, match="record 2"):
        journal.bodies(0, 4)
    journal.close()


def test_salvage_finds_records_that_sqlite_can_no_longer_reach(tmp_path: Path) -> None:
    """With the first page destroyed SQLite opens nothing; the records are found in the raw bytes all the same."""
    journal = filled(tmp_path, 40)
    journal._file.finish()
    journal.close()
    raw = bytearray((tmp_path / "journal.db").read_bytes())
    raw[:1024] = bytes(1024)
    (tmp_path / "journal.db").write_bytes(raw)
    found = salvage(tmp_path / "journal.db")

    assert (journal.log, 41, []) == (found.log, found.size, found.gap(41))


def test_file_that_is_set_aside_never_overwrites_an_earlier_one(tmp_path: Path) -> None:
    """Also when a technician has taken one of them away meanwhile."""
    for content in (b"first", b"second"):
        (tmp_path / "journal.db").write_bytes(content)
        folder(tmp_path).open().close()
        for companion in tmp_path.glob("journal.db*"):
            companion.unlink()
    (tmp_path / "aside" / "journal-0.db").unlink()
    (tmp_path / "journal.db").write_bytes(b"third")
    folder(tmp_path).open().close()

    assert [b"second", b"third"] == [path.read_bytes() for path in folder(tmp_path).aside_files()]


def test_damaged_closed_log_does_not_keep_the_box_from_starting(tmp_path: Path) -> None:
    """With `journal.db` gone and a closed file unreadable, a new log begins all the same."""
    journals = folder(tmp_path)
    journals.close_log(journals.open(), CloseReason.FORKED).close()
    journals.closed_files()[0].write_bytes(b"no database")
    (tmp_path / "journal.db").unlink()
    again = folder(tmp_path).open()

    assert again.opening().fields["previous"] is None
    again.close()
