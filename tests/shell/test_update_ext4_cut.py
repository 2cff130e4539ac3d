"""Power cuts on a real ext4 in the middle of updates: one version stands, whole, with every page of its base."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.ext4 import Ext4, Ext4UnavailableError
from fakes.released import Centre, ReleasedBox
from yaoma.shell.box_list import open_box_list

pytestmark = pytest.mark.root

VERSIONS = 8
#: Updates from one repository after the other, and notes each version that is in force outside of what is cut.
WRITER = """
import os, sys, time
from pathlib import Path
from fakes.released import ReleasedBox

state, repositories, root, note = map(Path, sys.argv[1:])
box = ReleasedBox(state, root.read_bytes())
descriptor = os.open(note, os.O_WRONLY | os.O_CREAT)
for repository in sorted(repositories.iterdir()):
    outcome = box.update(repository)
    os.pwrite(descriptor, b"%010d" % outcome.version, 0)
time.sleep(60)
"""


@pytest.fixture(scope="module")
def repositories(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository at each version: deltas, and a new base at each third."""
    folder = tmp_path_factory.mktemp("centre")
    centre = Centre(folder / "centre")
    centre.begin()
    for version in range(1, VERSIONS + 1):
        if version % 3 == 1:
            centre.base(range(version * 1000, version * 1000 + 40_000))
        else:
            centre.delta(adds=range(100_000 * version, 100_000 * version + 2_000))
        shutil.copytree(centre.path, folder / "all" / f"{version:02}")
    (folder / "root.json").write_bytes(centre.root)
    return folder


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Ext4]:
    """A mounted ext4 with room for what an update leaves free."""
    try:
        with Ext4(tmp_path, 384) as mounted:
            yield mounted
    except Ext4UnavailableError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("after_s", [0.01, 0.06, 0.15, 0.3, 0.5])
def test_cut_during_updates_leaves_a_whole_version(
    disk: Ext4, repositories: Path, tmp_path: Path, after_s: float
) -> None:
    """What was in force is in force or something newer is, every page of it is sound, and the next update goes on."""
    note = tmp_path / "note"
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, disk.path / "state", repositories / "all", repositories / "root.json", note],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), *filter(None, sys.path)])},
    )
    try:
        deadline_s = time.monotonic() + 60
        while not note.exists() or not note.stat().st_size:
            assert writer.poll() is None, "the writer has ended"
            assert time.monotonic() < deadline_s, "the writer does not write"
            time.sleep(0.005)
        time.sleep(after_s)
        writer.send_signal(signal.SIGSTOP)
        os.waitpid(writer.pid, os.WUNTRACED)
        disk.cut()
    finally:
        writer.kill()
        writer.wait()
    disk.again()
    acknowledged = int(note.read_text())

    box = ReleasedBox(disk.path / "state", (repositories / "root.json").read_bytes())
    found = box.version()
    assert acknowledged <= found <= VERSIONS
    db = box.open()
    picture = open_box_list(db)
    db.close()
    assert picture is not None
    assert 0 == picture.scrub()
    picture.close()
    assert VERSIONS == box.update(repositories / "all" / f"{VERSIONS:02}").version
