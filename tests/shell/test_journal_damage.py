"""A damaged journal: the box always starts, keeps what can be proved, names what is missing, deletes nothing."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest

from fakes.journals import HandClock, Known, folder, scan
from fakes.tier import times
from yaoma.core.record import Entry, Kind, Record
from yaoma.shell.database import DatabaseDamagedError
from yaoma.shell.journal import Journal
from yaoma.shell.journal_folder import KnownElsewhere

QUICK = Path("/dev/shm")
RECORDS = 120
PAGE_BYTES = 1024
ROUNDS = times(80, 200)


class Sound:
    """A journal before it is damaged; its newest records still lie in the WAL.

    Args:
        path: The folder, to be copied.
        journal: The open journal in it.
        groups: The places that were committed together.
    """

    def __init__(self, path: Path, journal: Journal, groups: list[set[int]]) -> None:
        self.path = path
        self.log = journal.log
        self.groups = groups
        self.bodies = dict(enumerate(journal.bodies(0, journal.size)))


@pytest.fixture(scope="module")
def sound() -> Iterator[Sound]:
    """A journal with single records, groups, checkpoints and sealed identities, copied while it was open."""
    with TemporaryDirectory(dir=QUICK if QUICK.is_dir() else None) as name:
        path = Path(name)
        journal = folder(path / "open").open()
        clock, dice, groups = HandClock(), Random(7), list[set[int]]()
        while journal.size < RECORDS:
            group = [
                Entry(Kind.SCAN, dict(scan(number).fields), dice.randbytes(90) if number % 9 == 0 else None)
                for number in range(journal.size, journal.size + dice.choice([1, 1, 1, 4]))
            ]
            records = journal.append(group, [clock() for _ in group], checkpoint=dice.random() < 0.1)
            groups.append({record.seq for record in records})
            if journal.size == 80:
                journal._file._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copytree(path / "open", path / "sound")
        yield Sound(path / "sound", journal, groups)
        journal.close()


def random_bytes(dice: Random, raw: bytearray) -> None:
    """Overwrite 1 to 64 bytes, in one place or all over."""
    start, width = dice.randrange(len(raw)), dice.choice([64, len(raw)])
    for _ in range(dice.randint(1, 64)):
        raw[(start + dice.randrange(width)) % len(raw)] = dice.randrange(256)


def zeroed_page(dice: Random, raw: bytearray) -> None:
    """Zero a page."""
    start = dice.randrange(len(raw) // PAGE_BYTES) * PAGE_BYTES
    raw[start : start + PAGE_BYTES] = bytes(PAGE_BYTES)


def zeroed_block(dice: Random, raw: bytearray) -> None:
    """Zero a block of the file system."""
    start = dice.randrange(len(raw) // 4096 + 1) * 4096
    raw[start : start + 4096] = bytes(len(raw[start : start + 4096]))


def truncated(dice: Random, raw: bytearray) -> None:
    """Lose the end."""
    del raw[dice.randrange(len(raw)) :]


def garbage_behind(dice: Random, raw: bytearray) -> None:
    """Get something behind the end."""
    raw += dice.randbytes(dice.randint(1, 5000))


def swapped_pages(dice: Random, raw: bytearray) -> None:
    """Exchange two pages."""
    one, other = (dice.randrange(len(raw) // PAGE_BYTES) * PAGE_BYTES for _ in range(2))
    first, second = raw[one : one + PAGE_BYTES], raw[other : other + PAGE_BYTES]
    raw[one : one + PAGE_BYTES], raw[other : other + PAGE_BYTES] = second, first


def flipped_bit(dice: Random, raw: bytearray) -> None:
    """Flip one bit."""
    raw[dice.randrange(len(raw))] ^= 1 << dice.randrange(8)


DAMAGES = [random_bytes, random_bytes, zeroed_page, zeroed_block, truncated, garbage_behind, swapped_pages, flipped_bit]


def originals(journal: Journal, log: str, confirmed_upto: int) -> dict[int, bytes]:
    """What the open journal holds of a log, as its own records or as copies: place to original body."""
    found = {}
    for body in journal.bodies(confirmed_upto if journal.log == log else 0, journal.size):
        record = Record.read(body)
        if record.identity[0] == log:
            found[record.identity[1]] = record.original().body
    return found


def started(path: Path, known: Known) -> tuple[Journal, bool]:
    """Start as the daemon does: open, read what is to be sent, append; damage that is met replaces the journal.

    Also tells whether the journal was good from the opening on.
    """
    journals = folder(path, known)
    journal = journals.open()
    for at_once in (True, False):
        try:
            journal.bodies(known(journal.log).confirmed_upto, journal.size)
            journal.append([scan(10**6)], [HandClock()()])
        except DatabaseDamagedError as error:
            journal.close()
            journal = journals.replace_damaged(error.problem)
        else:
            return journal, at_once
    pytest.fail("the new journal is damaged too")


def intact(path: Path, sound: Sound) -> set[int]:
    """The places whose row, body and hash in one piece, still stands in the file or its WAL.

    Pages of the file that the WAL replaces do not count: before the damage they held nothing that is not in the WAL.
    """
    raw, wal = bytearray((path / "journal.db").read_bytes()), (path / "journal.db-wal").read_bytes()
    for frame in range(32, len(wal), 24 + PAGE_BYTES):
        start = (int.from_bytes(wal[frame : frame + 4], "big") - 1) * PAGE_BYTES
        raw[start : start + PAGE_BYTES] = bytes(len(raw[start : start + PAGE_BYTES]))
    everything = bytes(raw) + bytes(64) + wal
    return {seq for seq, body in sound.bodies.items() if body + Record.read(body).leaf in everything}


@pytest.mark.parametrize("target", ["journal.db", "journal.db-wal"])
@pytest.mark.parametrize("confirmed_upto", [0, 60])
def test_damaged_journal_starts_with_all_that_can_be_proved(
    sound: Sound, target: str, confirmed_upto: int, tmp_path: Path
) -> None:
    """Whatever was damaged: no altered record is given out, none that is intact is lost, gaps are named."""
    replaced = 0
    for seed in range(ROUNDS // 2):
        dice = Random(f"{target} {seed}")
        path = sound.path.parent / "damaged"
        shutil.copytree(sound.path, path)
        raw = bytearray((path / target).read_bytes())
        damage = dice.choice(DAMAGES)
        damage(dice, raw)
        (path / target).write_bytes(raw)
        try:
            replaced += assert_recovers(path, sound, confirmed_upto, bytes(raw) if target == "journal.db" else None)
        except BaseException as error:
            error.add_note(f"replay: {damage.__name__}, seed {seed}")
            raise
        finally:
            shutil.rmtree(path)

    assert replaced > ROUNDS // 20


def assert_recovers(path: Path, sound: Sound, confirmed_upto: int, damaged: bytes | None) -> bool:
    """Start on the damaged folder and check what is there; tell whether the log was replaced."""
    known = Known()
    known.logs[sound.log] = KnownElsewhere(confirmed_upto=confirmed_upto, size=len(sound.bodies))
    readable = intact(path, sound)
    journal, at_once = started(path, known)
    found = originals(journal, sound.log, confirmed_upto)
    opening = journal.opening()
    altered = [seq for seq, body in found.items() if sound.bodies.get(seq, body) != body]
    assert [] == altered
    wanted = {seq for seq in readable if seq >= confirmed_upto and seq > 0}
    lost = wanted - set(found)
    # The last commit in a WAL that is cut off looks as if it had not been finished.
    assert not lost or (damaged is None and lost <= sound.groups[-1]), f"lost though intact: {sorted(lost)}"
    if journal.log == sound.log:
        journal.close()
        return False
    previous = opening.fields["previous"]
    assert isinstance(previous, dict)
    aside = folder(path).aside_files()
    if opening.fields["reason"] == "damaged":
        assert previous["log"] in (sound.log, None)
        missing = {seq for first, last in previous["gap"] for seq in range(first, last)}
        if previous["log"] == sound.log:
            assert set(range(max(1, confirmed_upto), len(sound.bodies))) - set(found) <= missing
            assert not missing & set(found)
        assert 1 == len(aside)
        if at_once and damaged is not None:
            assert damaged == aside[0].read_bytes(), "the damaged file was changed"
    else:
        assert "shrunk" == opening.fields["reason"]
        assert set(range(1, previous["size"] - 1)) >= set(range(max(1, confirmed_upto), len(sound.bodies))) & set(found)
    journal.close()
    return True
