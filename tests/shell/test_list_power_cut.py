"""Power cuts while the list changes: what stands afterwards is one version, whole, and never an older one."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest

from fakes.faulty_disk import FaultyDisk, PowerCutError
from fakes.tier import times
from yaoma.shell.list_db import LIST_FLOOR, ListDb
from yaoma.shell.list_release import FileKind, ListFile, OverlayRow, Release, ReleaseChange

CUTS = times(60, 300)
QUICK = Path("/dev/shm")
ROWS = 40


def rows_of(version: int) -> list[OverlayRow]:
    """What the delta to a version says: every code carries the version as its lot."""
    return [OverlayRow(number.to_bytes(9), version % 3 != 0, None, f"V{version}") for number in range(ROWS)]


def change(version: int) -> ReleaseChange:
    """The change to a version: mostly deltas, each fifth a new base."""
    rebase = version % 5 == 0
    return ReleaseChange(
        release=Release("*", version, version, version + 1),
        files=[ListFile(f"base-{version - version % 5}", FileKind.BASE, bytes(32))],
        rows=[] if rebase else rows_of(version),
        is_rebase=rebase,
        metadata={"timestamp": (version, b"%d" % version), "snapshot": (version, b"%d" % version)},
        floors={"role:timestamp": version},
    )


def state(db: ListDb) -> int:
    """Check that list.db holds one version and nothing of another; give it."""
    release = db.release()
    version = 0 if release is None else release.version
    overlay = db.rows("SELECT lot, count(*), min(op), max(op) FROM overlay GROUP BY lot")
    floors = db.floors()
    assert version == floors.get(LIST_FLOOR, 0) == floors.get("role:timestamp", 0)
    if version == 0:
        assert ([], (), {}) == (overlay, db.files(), db.metadata())
        return 0
    op = int(version % 3 != 0)
    assert overlay == ([] if version % 5 == 0 else [(f"V{version}", ROWS, op, op)])
    assert [f"base-{version - version % 5}"] == [file.name for file in db.files()]
    assert {b"%d" % version} == set(db.metadata().values())
    return version


@pytest.fixture(scope="module")
def fresh() -> Iterator[Path]:
    """A folder with an empty list.db, to be copied."""
    with TemporaryDirectory(dir=QUICK if QUICK.is_dir() else None) as name:
        ListDb.open(Path(name) / "list.db").close()
        yield Path(name)


def test_cut_at_any_moment_leaves_one_version_and_never_an_older_one(fresh: Path) -> None:
    """Of 150 cuts none loses a change that was said to be in force, mixes two, or goes back."""
    deaths = 0
    for seed in range(CUTS):
        dice = Random(seed)
        with TemporaryDirectory(dir=fresh.parent) as name:
            path = Path(name) / "list.db"
            shutil.copy(fresh / "list.db", path)
            promised = 0
            for _ in range(3):
                disk = FaultyDisk(dice, cut_at=dice.randrange(1, 120))
                attempted = promised
                try:
                    db = ListDb.open(path, opener=disk.opener())
                    found = state(db)
                    for attempted in range(found + 1, found + 6):
                        db.install(change(attempted))
                        promised = attempted
                except PowerCutError:
                    deaths += 1
                disk.cut()
                db = ListDb.open(path)
                found = state(db)
                db.close()
                assert found in {promised, attempted}, f"seed {seed}"
                promised = found
            assert not (path.parent / "aside").exists()
    assert deaths > CUTS
