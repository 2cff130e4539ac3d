"""Power cuts on a real ext4 under the real journal: what was acknowledged is there after the next mount."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.ext4 import Ext4, Ext4UnavailableError
from fakes.journals import HandClock, folder, scan
from yaoma.core.record import Kind, Record
from yaoma.shell.journal import Journal

pytestmark = pytest.mark.root

#: Appends scans one by one, as fast as asked, and notes each acknowledged one outside of the file system that is cut.
WRITER = """
import itertools, os, sqlite3, sys, time
from pathlib import Path
from fakes.journals import HandClock, folder, scan
from yaoma.core.entry import CloseReason
from yaoma.shell.database import open_sqlite

path, level, pause_s, note = sys.argv[1:]

class Weakened:
    def __init__(self, connection):
        self.connection = connection
    def execute(self, sql, parameters=()):
        if sql == "PRAGMA synchronous=FULL":
            return self.connection.execute("PRAGMA synchronous=NORMAL")
        return [(2,)] if sql == "PRAGMA synchronous" else self.connection.execute(sql, parameters)
    def close(self):
        self.connection.close()

opener = open_sqlite if level == "FULL" else lambda path: Weakened(open_sqlite(path))
journals = folder(Path(path), opener=opener)
journal, clock = journals.open(), HandClock()
descriptor = os.open(note, os.O_WRONLY | os.O_CREAT)
for number in itertools.count():
    journal.append([scan(number)], [clock()])
    os.pwrite(descriptor, b"%010d" % (number + 1), 0)
    if level == "FULL" and number % 50 == 49:
        journal.checkpoint()
    if level == "FULL" and number % 150 == 149:
        journal = journals.close_log(journal, CloseReason.FORKED)
    time.sleep(float(pause_s))
"""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Ext4]:
    """A mounted ext4."""
    try:
        with Ext4(tmp_path) as mounted:
            yield mounted
    except Ext4UnavailableError as error:
        pytest.skip(str(error))


def cut_while_writing(disk: Ext4, note: Path, level: str, *, pause_s: float, after_s: float) -> int:
    """Let a process write, cut the power, mount again; give how many appends were acknowledged."""
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(disk.path / "state"), level, str(pause_s), str(note)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    )
    try:
        deadline = time.monotonic() + 30
        while not note.exists() or not note.stat().st_size:
            assert writer.poll() is None, "the writer has ended"
            assert time.monotonic() < deadline, "the writer does not write"
            time.sleep(0.01)
        time.sleep(after_s)
        writer.send_signal(signal.SIGSTOP)
        os.waitpid(writer.pid, os.WUNTRACED)
        disk.cut()
    finally:
        writer.kill()
        writer.wait()
    disk.again()
    return int(note.read_text())


def kept(journal: Journal) -> list[str]:
    """The codes of all scans in the open log, copies looked into."""
    records = [Record.read(body).original() for body in journal.bodies(0, journal.size)]
    return [str(record.fields["code"]) for record in records if record.kind == Kind.SCAN]


def assert_nothing_lost(disk: Ext4, tmp_path: Path, cuts: int) -> None:
    """Cut again and again, each time with a new journal, at another moment."""
    for number in range(cuts):
        note = tmp_path / f"note-{number}"
        acknowledged = cut_while_writing(disk, note, "FULL", pause_s=0.001, after_s=0.2 + 0.13 * (number % 7))
        journal = folder(disk.path / "state").open()
        found = kept(journal)
        assert found[:acknowledged] == [f"cn20:8{one:019d}" for one in range(acknowledged)]
        assert len(found) <= acknowledged + 1
        assert [] == folder(disk.path / "state").aside_files()
        journal.append([scan(10**6)], [HandClock()()], checkpoint=True)
        journal.close()
        (disk.path / "state").rename(disk.path / f"done-{number}")


def test_power_cut_on_ext4_loses_no_acknowledged_record(disk: Ext4, tmp_path: Path) -> None:
    """Five cuts of a box that writes as fast as it can, checkpoints and successions among it."""
    assert_nothing_lost(disk, tmp_path, 5)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_fifty_power_cuts_on_ext4_lose_no_acknowledged_record(disk: Ext4, tmp_path: Path) -> None:
    """The same, fifty times."""
    assert_nothing_lost(disk, tmp_path, 50)


def test_normal_on_ext4_loses_records_at_the_rate_of_a_counter(disk: Ext4, tmp_path: Path) -> None:
    """At 20 scans a second NORMAL loses what the kernel has not yet written back (PEERS.md 4.3)."""
    acknowledged = cut_while_writing(disk, tmp_path / "note", "NORMAL", pause_s=0.05, after_s=3)
    journal = folder(disk.path / "state").open()

    assert acknowledged > 20
    assert len(kept(journal)) < acknowledged / 2
    journal.close()
