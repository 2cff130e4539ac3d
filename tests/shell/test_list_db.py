"""list.db: one transaction per change, floors that never fall, a damaged file that lets nothing pass."""

import sqlite3
from pathlib import Path

import pytest

from yaoma.shell.database import DatabaseUnavailableError, open_sqlite, pragma
from yaoma.shell.list_db import DAMAGED, LIST_FLOOR, ListDb
from yaoma.shell.list_release import FileKind, FloorError, ListFile, OverlayRow, Release, ReleaseChange


def change(version: int, rows: list[OverlayRow] | None = None, *, rebase: bool = False) -> ReleaseChange:
    """Give a change to a version with one base file."""
    return ReleaseChange(
        release=Release("*", version, 1000 + version, 2000 + version),
        files=[ListFile(f"base-{version}", FileKind.BASE, bytes(32))],
        rows=rows or [],
        is_rebase=rebase,
        metadata={"timestamp": (version, b"signed %d" % version)},
        floors={"role:timestamp": version},
    )


def test_new_file_has_no_release_and_is_durable(tmp_path: Path) -> None:
    """Before the first update there is nothing in force, and every commit is synced."""
    db = ListDb.open(tmp_path / "list.db", at_least=7)

    assert db.release() is None
    assert {LIST_FLOOR: 7} == db.floors()
    assert 2 == pragma(db._connection, "synchronous")
    db.close()


def test_install_brings_release_files_rows_metadata_and_floors_at_once(tmp_path: Path) -> None:
    """After a change all of it is there, also for the next process."""
    db = ListDb.open(tmp_path / "list.db")
    db.install(change(3, [OverlayRow(b"123456789", True, None, "L1", "2027-01-31"), OverlayRow(b"223456789", False)]))
    db.close()

    again = ListDb.open(tmp_path / "list.db")
    assert Release("*", 3, 1003, 2003) == again.release()
    assert ["base-3"] == [file.name for file in again.files()]
    assert {"timestamp": b"signed 3"} == again.metadata()
    assert {"role:timestamp": 3, LIST_FLOOR: 3} == again.floors()
    assert 2 == again.overlay_size()
    again.close()


def test_install_when_older_than_a_floor_changes_nothing(tmp_path: Path) -> None:
    """A version below one that was in force is refused by list.db itself."""
    db = ListDb.open(tmp_path / "list.db")
    db.install(change(5))

    with pytest.raises(FloorError, match="4 is below 5"):
        db.install(change(4, [OverlayRow(b"123456789", True)]))

    assert 0 == db.overlay_size()
    assert db.release() == Release("*", 5, 1005, 2005)
    db.close()


def test_floors_never_fall(tmp_path: Path) -> None:
    """A lower value leaves a floor where it is."""
    db = ListDb.open(tmp_path / "list.db", at_least=9)
    db.raise_floors({LIST_FLOOR: 4, "time_ms": 5})
    db.close()
    again = ListDb.open(tmp_path / "list.db", at_least=2)

    assert {LIST_FLOOR: 9, "time_ms": 5} == again.floors()
    again.close()


def test_rebase_empties_the_overlay(tmp_path: Path) -> None:
    """A new base takes the place of the deltas."""
    db = ListDb.open(tmp_path / "list.db")
    db.install(change(1, [OverlayRow(b"123456789", True)]))
    db.install(change(2, rebase=True))

    assert 0 == db.overlay_size()
    db.close()


def test_failed_change_leaves_the_one_before_whole(tmp_path: Path) -> None:
    """Whatever goes wrong within a change, nothing of it stays."""
    db = ListDb.open(tmp_path / "list.db")
    db.install(change(1))
    broken = ReleaseChange(
        release=Release("*", 2, 1, 2),
        files=[],
        rows=[OverlayRow(b"123456789", True), OverlayRow(None, True)],  # type: ignore[arg-type]  # a fault in the middle
    )

    with pytest.raises(DatabaseUnavailableError):
        db.install(broken)

    assert 1 == (db.release() or Release("", 0, 0, 0)).version
    assert 0 == db.overlay_size()
    db.close()


@pytest.mark.parametrize("content", [b"no database at all, but long enough to be taken for one" * 40, None])
def test_damaged_file_is_set_aside_and_marked_until_a_release_comes(tmp_path: Path, content: bytes | None) -> None:
    """What was in it is not known, so the mark stays over restarts; floors come from the journal."""
    path = tmp_path / "list.db"
    db = ListDb.open(path)
    db.install(change(5))
    db.close()
    if content is None:
        damaged = bytearray(path.read_bytes())
        damaged[100:4096] = bytes(3996)
        content = bytes(damaged)
    path.write_bytes(content)

    for _ in range(2):
        db = ListDb.open(path, at_least=5)
        assert db.release() is None
        assert {DAMAGED: 1, LIST_FLOOR: 5} == db.floors()
        db.close()

    assert [content] == [one.read_bytes() for one in (tmp_path / "aside").iterdir()]
    db = ListDb.open(path)
    db.install(change(6))
    assert DAMAGED not in db.floors()
    db.close()


def test_another_programs_database_is_not_written_into(tmp_path: Path) -> None:
    """A file with another application id is set aside as it is."""
    path = tmp_path / "list.db"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE theirs (x)")
    other.execute("PRAGMA application_id=1")
    other.commit()
    other.close()

    db = ListDb.open(path)
    assert 1 == db.floors()[DAMAGED]
    db.close()
    assert ["list-0.db"] == [one.name for one in (tmp_path / "aside").iterdir()]


def test_every_commit_is_seen_by_the_mark(tmp_path: Path) -> None:
    """The mark changes when something is committed, by whomever, and only then."""
    one, other = ListDb.open(tmp_path / "list.db"), ListDb.open(tmp_path / "list.db")
    before = one.change_mark()
    assert before == one.change_mark()

    other.install(change(1))

    assert before != (after := one.change_mark())
    one.raise_floors({"own": 1})
    assert after != one.change_mark()
    one.close()
    other.close()


def test_disk_that_does_not_take_full_is_refused(tmp_path: Path) -> None:
    """A connection on which FULL does not hold is not used: its commits could be lost."""

    class Stubborn(sqlite3.Connection):
        def execute(self, sql: str, *rest: object) -> sqlite3.Cursor:
            return super().execute("PRAGMA synchronous=OFF" if sql == "PRAGMA synchronous=FULL" else sql, *rest)  # type: ignore[arg-type]  # handed through

    with pytest.raises(DatabaseUnavailableError, match="not durable"):
        ListDb.open(
            tmp_path / "list.db", opener=lambda path: sqlite3.connect(path, isolation_level=None, factory=Stubborn)
        )
    open_sqlite(tmp_path / "list.db").close()
