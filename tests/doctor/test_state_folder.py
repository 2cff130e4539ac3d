"""The folder that must outlive the power: volatile, full, read-only, slow, or somebody else's; on real file systems."""

import errno
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.ext4 import Ext4, Ext4UnavailableError
from yaoma.config.model import StateConfig
from yaoma.doctor.finding import Finding, Mark
from yaoma.doctor.state_folder import FileSystem, check_disk, check_owner, look, time_fsync

EXT4 = 0xEF53


def ids(findings: list[Finding]) -> list[str]:
    """Give what was found."""
    return [finding.id for finding in findings]


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Path]:
    """Mount a tmpfs, as an overlay root has it under everything."""
    if os.geteuid() != 0:
        pytest.skip("mounting a tmpfs needs root")
    try:
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(tmp_path)], check=True, capture_output=True
        )
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this machine does not let root mount a tmpfs")
    yield tmp_path
    subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


@pytest.fixture
def disk() -> Iterator[Ext4]:
    """Mount a real ext4 of 16 MiB."""
    with tempfile.TemporaryDirectory(prefix="yaoma-disk-") as folder:
        try:
            with Ext4(Path(folder), 16) as mounted:
                yield mounted
        except Ext4UnavailableError as error:
            pytest.skip(str(error))


@pytest.mark.root
def test_folder_when_on_a_tmpfs_then_the_loss_is_named(mounted: Path) -> None:
    """Everything there is gone at power-off, so it is trouble, and tmpfs is named."""
    findings = check_disk(StateConfig(folder=mounted, min_free_mb=1, warn_free_mb=1))

    assert findings[0].id == "doctor.state_volatile"
    assert findings[0].mark is Mark.TROUBLE
    assert findings[0].facts["kind"] == "tmpfs"


@pytest.mark.parametrize(("magic", "found"), [(0x794C7630, "doctor.state_volatile"), (0x4D44, "doctor.state_unfit")])
def test_folder_when_on_an_overlay_or_on_fat_then_it_is_trouble(tmp_path: Path, magic: int, found: str) -> None:
    """An overlay root covers the data too unless told otherwise; FAT has no ordered writes."""
    system = FileSystem(magic, 1 << 40, is_read_only=False)

    assert ids(check_disk(StateConfig(folder=tmp_path), look=lambda _: system)) == [found]


@pytest.mark.root
def test_folder_when_its_disk_is_full_then_the_room_is_named(disk: Ext4) -> None:
    """A disk that was filled to the last block is trouble, with what is left and what is needed."""
    state = StateConfig(folder=disk.path, min_free_mb=2, warn_free_mb=4)
    assert check_disk(state)[0].mark is Mark.OK

    with (disk.path / "filler").open("wb") as filler:
        try:
            while True:
                filler.write(bytes(65536))
                filler.flush()
        except OSError as error:
            assert error.errno == errno.ENOSPC  # noqa: PT017 - the disk being full is what was wanted

    assert ids(check_disk(state)) == ["doctor.disk_full"]


@pytest.mark.root
def test_folder_when_its_disk_is_mounted_read_only_then_that_is_named(disk: Ext4) -> None:
    """A card that the kernel has made read-only is not mistaken for a matter of permissions."""
    subprocess.run(["mount", "-o", "remount,ro", str(disk.path)], check=True)

    assert ids(check_disk(StateConfig(folder=disk.path, min_free_mb=1, warn_free_mb=1))) == ["doctor.state_read_only"]


def test_folder_when_syncing_takes_long_then_the_median_counts(tmp_path: Path) -> None:
    """One slow write is chance; a median above 50 ms is the card."""
    state = StateConfig(folder=tmp_path, min_free_mb=1, warn_free_mb=1)

    slow = check_disk(state, look=lambda _: FileSystem(EXT4, 1 << 40, is_read_only=False), time_fsync=lambda _: [80.0])
    once = check_disk(
        state, look=lambda _: FileSystem(EXT4, 1 << 40, is_read_only=False), time_fsync=lambda _: [900.0, 2.0, 2.0]
    )

    assert ids(slow) == ["doctor.disk_slow"]
    assert slow[0].facts["median_ms"] == 80
    assert ids(once) == ["doctor.disk_sound"]


def test_measuring_when_done_then_it_took_20_rounds_and_left_nothing(tmp_path: Path) -> None:
    """The doctor leaves the state folder as it found it."""
    assert len(time_fsync(tmp_path)) == 20
    assert list(tmp_path.iterdir()) == []
    assert look(tmp_path).magic != 0


@pytest.mark.parametrize(
    ("number", "found"),
    [
        (errno.EIO, "doctor.disk_failing"),
        (errno.EROFS, "doctor.state_read_only"),
        (errno.EACCES, "doctor.state_not_permitted"),
        (errno.ENOSPC, "doctor.disk_full"),
    ],
)
def test_folder_when_writing_fails_then_the_cause_is_told_apart(tmp_path: Path, number: int, found: str) -> None:
    """A dying card, a read-only one, a full one and a missing right have different next steps."""

    def refuse(_: Path) -> list[float]:
        raise OSError(number, os.strerror(number))

    findings = check_disk(
        StateConfig(folder=tmp_path), look=lambda _: FileSystem(EXT4, 1 << 40, is_read_only=False), time_fsync=refuse
    )

    assert ids(findings) == [found]
    assert findings[0].detail == os.strerror(number)


def test_folder_when_not_there_then_the_disk_above_it_is_looked_at(tmp_path: Path) -> None:
    """Before the first start there is no folder; its disk can be judged all the same."""
    folder = tmp_path / "not" / "yet"

    findings = check_disk(StateConfig(folder=folder, min_free_mb=1, warn_free_mb=1))

    assert "doctor.state_absent" in ids(findings)
    assert not folder.exists()


def test_owner_when_the_folder_is_open_to_others_then_it_is_a_warning(tmp_path: Path) -> None:
    """Records concern people; 0700 is what the daemon makes."""
    state = StateConfig(folder=tmp_path)
    tmp_path.chmod(0o700)
    assert ids(check_owner(state)) == ["doctor.state_owned"]

    tmp_path.chmod(0o755)
    assert ids(check_owner(state)) == ["doctor.state_open"]


@pytest.mark.root
def test_owner_when_a_file_was_made_by_root_then_it_is_named(tmp_path: Path) -> None:
    """A daemon started by hand as root leaves files that the service can't open."""
    if os.geteuid() != 0:
        pytest.skip("giving files away needs root")
    tmp_path.chmod(0o700)
    (tmp_path / "journal.db").touch()
    os.chown(tmp_path, 12345, 12345)

    findings = check_owner(StateConfig(folder=tmp_path))

    assert ids(findings) == ["doctor.state_foreign"]
    assert (findings[0].facts["file"], findings[0].facts["owner"]) == ("journal.db", "12345")
