"""A disk that refuses at any moment: every record is there or its append said so, and the box goes on afterwards."""

import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import apsw
import pytest

from fakes.faulty_disk import FaultyDisk
from fakes.journals import HandClock, folder, identity, scan
from fakes.tier import times
from yaoma.core.entry import CloseReason
from yaoma.core.merkle import subtree_root
from yaoma.core.record import Kind, Record
from yaoma.shell.database import DatabaseError, DatabaseUnavailableError, open_sqlite
from yaoma.shell.journal import Journal

QUICK = Path("/dev/shm")

#: How far apart the moments of a sweep are; each fault begins at another one. The long tier takes every moment.
STRIDE = times(3, 1)


@pytest.fixture(scope="module")
def fresh() -> Iterator[Path]:
    """A folder with a new journal, to be copied."""
    with TemporaryDirectory(dir=QUICK if QUICK.is_dir() else None) as name:
        path = Path(name)
        folder(path / "fresh").open().close()
        yield path / "fresh"


class Run:
    """A short run: open, six appends, a group, a checkpoint, a succession; it stops at the first refusal."""

    def __init__(self, path: Path, disk: FaultyDisk) -> None:
        self.path = path
        self.kept: list[bytes] = []
        self.asked: list[str] = []
        self.journal: Journal | None = None
        self.refused: DatabaseError | None = None
        journals = folder(path, opener=disk.opener(autocheckpoint_pages=6))
        try:
            with disk.renames():
                self.journal = journals.open()
                for numbers in ([0], [1], [2], [3], [4], [5], [6, 7, 8]):
                    self.asked = [f"cn20:8{number:019d}" for number in numbers]
                    records = self.journal.append([scan(one) for one in numbers], [HandClock()() for _ in numbers])
                    self.kept += [record.body for record in records]
                    self.asked = []
                self.journal.checkpoint()
                self.journal = journals.close_log(self.journal, CloseReason.FORKED)
        except DatabaseError as error:
            self.refused = error


def scans(journal: Journal) -> list[bytes]:
    """The bodies of all scans in the open log, copies looked into."""
    records = [Record.read(body).original() for body in journal.bodies(0, journal.size)]
    return [record.body for record in records if record.kind == Kind.SCAN]


def assert_kept(run: Run, journal: Journal) -> None:
    """Check that what was promised is there, that what was refused is there whole or not, and that the root fits."""
    found = scans(journal)
    tail = [str(Record.read(body).fields["code"]) for body in found[len(run.kept) :]]
    assert run.kept == found[: len(run.kept)]
    assert tail in ([], run.asked)
    assert journal.frontier.root() == subtree_root(journal.leaf_hashes(0, journal.size))
    assert [] == folder(run.path).aside_files(), f"after a refusal: {run.refused}"


def sweep(fresh: Path, *, first: int, **fault: object) -> Iterator[tuple[Run, FaultyDisk]]:
    """Let the disk refuse at one moment of the run after the other, until a run is not refused."""
    for moment in range(1 + first % STRIDE, 500, STRIDE):
        path = fresh.parent / "box"
        shutil.copytree(fresh, path)
        disk = FaultyDisk(Random(moment), fail_at=moment, **fault)  # type: ignore[arg-type]  # by keyword, as given
        try:
            run = Run(path, disk)
            assert (run.refused is not None) or len(run.kept) == 9
            yield run, disk
        except Exception as error:
            error.add_note(f"the disk refused at moment {moment}")
            raise
        finally:
            disk.close()
            shutil.rmtree(path)
        if not disk.failed:
            return
    pytest.fail("the sweep has no end")


#: apsw reports so what SQLite itself passes over: a refusal while a connection is being closed.
QUIET = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

FAULTS = pytest.mark.parametrize(
    "fault",
    [
        {"first": 0, "code": apsw.SQLITE_IOERR_WRITE, "lasting": True},
        {"first": 1, "code": apsw.SQLITE_IOERR_FSYNC, "lasting": False},
        {"first": 2, "code": apsw.SQLITE_FULL, "lasting": True},
        {"first": 0, "code": apsw.SQLITE_FULL, "lasting": False},
    ],
    ids=["errors from then on", "one error", "full from then on", "full once"],
)


@QUIET
@FAULTS
def test_refusal_at_any_moment_is_told_and_the_next_start_has_all_that_was_kept(
    fresh: Path, fault: dict[str, Any]
) -> None:
    """For each write, sync, deletion and rename of a run: the append returned and is there, or it raised."""
    refusals = 0
    for run, disk in sweep(fresh, **fault):
        refusals += run.refused is not None
        if run.journal is not None and run.asked:
            with pytest.raises(DatabaseUnavailableError, match="closed after a failure"):
                run.journal.append([scan(77)], [HandClock()()])
            with pytest.raises(DatabaseUnavailableError, match="closed after a failure"):
                run.journal.bodies(0, 1)
        if run.journal is not None:
            run.journal.close()
        disk.heal()
        journal = folder(run.path).open()
        assert_kept(run, journal)
        journal.append([scan(78)], [HandClock()()], checkpoint=True)
        journal.close()

    assert refusals > 60 // STRIDE


@QUIET
@pytest.mark.parametrize(
    "fault",
    [
        {"first": 2, "code": apsw.SQLITE_IOERR_FSYNC, "lasting": True},
        {"first": 1, "code": apsw.SQLITE_IOERR_FSYNC, "lasting": False},
    ],
    ids=["errors from then on", "one error"],
)
def test_power_cut_after_a_refusal_and_a_reopening_loses_nothing(fresh: Path, fault: dict[str, Any]) -> None:
    """A sync that failed leaves pages that look clean and are not on the disk; what is appended later is safe.

    After the refusal the journal is opened again, goes on, and then the power is cut.
    """
    for run, disk in sweep(fresh, **fault):
        if run.journal is not None:
            run.journal.close()
        disk.heal()
        with disk.renames():
            journal = folder(run.path, opener=disk.opener(autocheckpoint_pages=1000)).open()
            later = journal.append([scan(79)], [HandClock()()])
            later += journal.append([scan(80)], [HandClock()()])
        disk.cut()
        again = folder(run.path).open()
        found = scans(again)
        assert run.kept == found[: len(run.kept)]
        assert [record.body for record in later] == found[-2:]
        assert [] == folder(run.path).aside_files(), "the WAL had a hole"
        again.close()


def test_locked_journal_is_unavailable_not_damaged(tmp_path: Path) -> None:
    """Another program that holds the write lock is no damage: nothing is set aside, and later it works again."""
    journal = folder(tmp_path).open()
    journal.append([scan(1)], [HandClock()()])
    other = sqlite3.connect(tmp_path / "journal.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    journal._file._connection.execute("PRAGMA busy_timeout=50")
    with pytest.raises(DatabaseUnavailableError, match="locked"):
        journal.append([scan(2)], [HandClock()()])
    other.execute("COMMIT")
    other.execute("PRAGMA locking_mode=EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")

    def impatient(path: Path) -> sqlite3.Connection:
        connection = open_sqlite(path)
        connection.execute("PRAGMA busy_timeout=50")
        return connection

    with pytest.raises(DatabaseUnavailableError, match="locked"):
        folder(tmp_path, opener=impatient).open()
    other.close()
    again = folder(tmp_path).open()

    assert journal.log == again.log
    assert 2 == again.size
    assert [] == folder(tmp_path).aside_files()
    again.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A mounted file system of 512 KiB in memory."""
    mount = tmp_path / "small"
    mount.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(mount)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a small file system needs root")
    try:
        yield mount
    finally:
        subprocess.run(["umount", "-l", str(mount)], check=True)


@pytest.mark.root
def test_really_full_disk_is_told_and_with_room_again_the_journal_goes_on(small_disk: Path) -> None:
    """On a full file system an append raises; nothing kept is lost; room made, the box goes on in the same log."""
    journal = folder(small_disk / "state").open()
    ballast = small_disk / "ballast"
    kept, clock = [], HandClock()
    for number in range(20):
        kept += [record.body for record in journal.append([scan(number)], [clock()])]
    fill(ballast)

    def until_refused() -> None:
        for number in range(20, 5000):
            kept.extend(record.body for record in journal.append([scan(number)], [clock()]))

    with pytest.raises(DatabaseUnavailableError):
        until_refused()
    with pytest.raises(DatabaseUnavailableError):
        journal.append([scan(9999)], [clock()])
    ballast.unlink()
    again = folder(small_disk / "state").open()

    assert journal.log == again.log
    assert kept == scans(again)[: len(kept)]
    again.append([scan(10_000)], [clock()])
    again.close()


@pytest.mark.root
def test_full_disk_at_the_first_start_is_unavailable_and_later_works(small_disk: Path) -> None:
    """A box whose disk is full when it has no journal yet can't start; with room it starts as if nothing had been."""
    fill(small_disk / "ballast")
    for _ in range(2):
        with pytest.raises(DatabaseUnavailableError):
            folder(small_disk / "state").open()
    (small_disk / "ballast").unlink()
    journal = folder(small_disk / "state").open()

    assert "new" == journal.opening().fields["reason"]
    journal.close()


@pytest.mark.root
def test_disk_that_became_read_only_is_unavailable_and_loses_nothing(small_disk: Path) -> None:
    """With the file system mounted read-only the journal can't be opened; writable again, it goes on."""
    journal = folder(small_disk / "state").open()
    kept = journal.append([scan(1)], [HandClock()()])
    journal.close()
    (small_disk / "state" / "journal.building").write_bytes(b"left behind")
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    for _ in range(2):
        with pytest.raises(DatabaseUnavailableError):
            folder(small_disk / "state").open()
    with pytest.raises(DatabaseUnavailableError):
        folder(small_disk / "elsewhere").open()
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    again = folder(small_disk / "state").open()

    assert [record.body for record in kept] == scans(again)
    assert identity().site == again.opening().fields["site"]
    again.close()


def fill(ballast: Path) -> None:
    """Take all the room there is."""
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return
