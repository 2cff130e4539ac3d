"""Power cuts at random moments: what `append` returned is kept, whole, in order, and provable (promises 1 to 3)."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest

from fakes.faulty_disk import FaultyDisk, PowerCutError
from fakes.journals import HandClock, folder, identity, scan
from fakes.tier import times
from yaoma.core.checkpoint import Checkpoint
from yaoma.core.entry import CloseReason
from yaoma.core.merkle import subtree_root
from yaoma.core.record import Kind, Record
from yaoma.shell.journal import Journal
from yaoma.shell.log_file import LogFile

CUTS = times(100, 500)
#: In memory where there is such a folder: the faulty disk decides what lasts, not the one below it.
QUICK = Path("/dev/shm")


@pytest.fixture(scope="module")
def fresh() -> Iterator[Path]:
    """A folder with a new journal, to be copied."""
    with TemporaryDirectory(dir=QUICK if QUICK.is_dir() else None) as name:
        path = Path(name)
        folder(path / "fresh").open().close()
        yield path / "fresh"


class Box:
    """A box whose power is cut; it remembers what it was promised.

    Args:
        path: The journal's folder.
        dice: Decides what it does, when the cut comes and what survives.
        level: `synchronous`, in truth.
        lying: The card says it synced, and did not.
    """

    def __init__(self, path: Path, dice: Random, level: str = "FULL", *, lying: bool = False) -> None:
        self.path, self._dice, self._level, self._lying = path, dice, level, lying
        self.kept: dict[str, bytes] = {}
        self.open_question: list[str] = []
        self.signed: dict[str, int] = {}
        self._next = 0

    def live(self, *, successions: bool = True) -> None:
        """Open the journal, work, and lose power at some moment."""
        disk = FaultyDisk(self._dice, cut_at=self._dice.randrange(1, 260), lying=self._lying)
        journal = None
        try:
            with disk.renames():
                journal = folder(self.path, opener=disk.opener(self._level)).open()
                self.answer(journal)
                for _ in range(40):
                    journal = self._work(disk, journal, successions=successions)
        except PowerCutError:
            pass
        disk.cut()

    def _work(self, disk: FaultyDisk, journal: Journal, *, successions: bool) -> Journal:
        what = self._dice.random()
        if what < 0.03 and successions:
            return folder(self.path, opener=disk.opener(self._level)).close_log(journal, CloseReason.FORKED)
        if what < 0.1:
            journal.checkpoint()
            self.signed[journal.log] = journal.size
            return journal
        numbers = range(self._next, self._next + (1 if what < 0.8 else self._dice.randrange(2, 9)))
        self._next = numbers.stop
        self.open_question = [f"cn20:8{number:019d}" for number in numbers]
        clock = HandClock()
        records = journal.append([scan(number) for number in numbers], [clock() for _ in numbers])
        self.kept |= {str(record.fields["code"]): record.body for record in records}
        self.open_question = []
        return journal

    def answer(self, journal: Journal) -> None:
        """See what became of the commit in which the power went: all of it is there, or none."""
        found = self.found(journal)
        there = [code in found for code in self.open_question]
        assert all(there) or not any(there), "a group is half there"
        self.kept |= {code: found[code] for code in self.open_question if code in found}
        self.open_question = []

    def found(self, journal: Journal) -> dict[str, bytes]:
        """The scans in the open log, copies looked into: code to body."""
        records = [Record.read(body).original() for body in journal.bodies(0, journal.size)]
        return {str(record.fields["code"]): record.body for record in records if record.kind == Kind.SCAN}

    def lost(self) -> int:
        """Count the scans that were promised and are not in the open log after a start on the real disk."""
        journal = folder(self.path).open()
        found = self.found(journal)
        journal.close()
        return sum(found.get(code) != body for code, body in self.kept.items())


def assert_sound(box: Box) -> None:
    """Check a folder after the last cut, with the real code on a real disk, and go on writing."""
    journal = folder(box.path).open()
    box.answer(journal)
    assert box.kept == box.found(journal)
    assert list(box.kept) == list(box.found(journal)), "the order has changed"
    assert [] == folder(box.path).aside_files()
    journal.append([scan(10**6)], [HandClock()()], checkpoint=True)
    assert_roots_hold(journal.path, box)
    journal.close()
    for path in folder(box.path).closed_files():
        assert_roots_hold(path, box)
    # A rollback journal that was ended by zeroing its head may stay; SQLite passes over it.
    assert {"journal.db", "closed", "aside"} == {path.name for path in box.path.iterdir()} - {"journal.db-journal"}


def assert_roots_hold(path: Path, box: Box) -> None:
    """Check that every signed checkpoint of a file speaks of the records in it, and that none is missing."""
    file = LogFile.read_only(path)
    leaves = file.leaves(0, file.size())
    checkpoints = [
        Checkpoint.opened(stored.note, [identity().signer.verifier()]) for stored in file.checkpoints(newest_first=999)
    ]
    log = Record.read(file.rows(0, 1)[0][1]).log
    file.close()
    for checkpoint in checkpoints:
        assert checkpoint.root == subtree_root(leaves[: checkpoint.size])
    assert box.signed.get(log, 1) in {checkpoint.size for checkpoint in checkpoints}


def test_power_cut_at_any_moment_loses_nothing_that_was_appended(fresh: Path, request: pytest.FixtureRequest) -> None:
    """Over 200 cuts, in one or two lives: nothing lost, nothing altered, no half group, every signed root holds."""
    for seed in range(CUTS):
        path = fresh.parent / "box"
        shutil.copytree(fresh, path)
        dice = Random(seed)
        box = Box(path, dice)
        try:
            for _ in range(dice.choice([1, 1, 2])):
                box.live()
            assert_sound(box)
        except Exception as error:
            error.add_note(f"replay: seed {seed}")
            raise
        finally:
            shutil.rmtree(path)


def cuts_with_losses(fresh: Path, level: str, *, lying: bool) -> tuple[int, int]:
    """Cut 40 times; give the number of cuts that lost something, and of records lost."""
    cuts = records = 0
    for seed in range(40):
        path = fresh.parent / "box"
        shutil.copytree(fresh, path)
        box = Box(path, Random(seed), level, lying=lying)
        box.live(successions=False)
        lost = box.lost()
        cuts, records = cuts + bool(lost), records + lost
        shutil.rmtree(path)
    return cuts, records


def test_normal_instead_of_full_loses_records(fresh: Path) -> None:
    """The same cuts with `synchronous=NORMAL` lose records in most of them: the harness sees what it should."""
    cuts, records = cuts_with_losses(fresh, "NORMAL", lying=False)

    assert cuts >= 12
    assert records > cuts


def test_card_that_lies_about_sync_loses_records(fresh: Path) -> None:
    """No setting saves a card that ignores flushes; the box still starts, and says what is missing or goes on."""
    cuts, _ = cuts_with_losses(fresh, "FULL", lying=True)

    assert cuts >= 12
