"""Who has a device open, asked of the real /proc."""

import os
import subprocess
import sys
from pathlib import Path

from yaoma_drivers.holders import Holder, holders, spoken


def test_holders_when_another_program_has_it_open_then_it_is_named(tmp_path: Path) -> None:
    """The process id and the kernel's name of a real process come; a file that nobody has open has none."""
    node = tmp_path / "event3"
    node.touch()
    assert holders(node) == ()
    program = "import sys; file = open(sys.argv[1]); print(flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", program, str(node)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        (holder,) = holders(node)
        assert holder.process == other.pid
        assert holder.name == Path(f"/proc/{other.pid}/comm").read_text(encoding="utf-8").strip()
        assert spoken(node) == f"{holder.name} (process {other.pid})"
        other.communicate()
    assert holders(node) == ()


def test_spoken_when_we_have_it_ourselves_then_it_says_so(tmp_path: Path) -> None:
    """Two scanners of one configuration may name the same device."""
    node = tmp_path / "event3"
    node.touch()
    with node.open():
        assert [holder.process for holder in holders(node)] == [os.getpid()]
        assert spoken(node) == "this program itself for another scanner"


def test_spoken_when_nobody_is_seen_then_it_says_how_to_look(tmp_path: Path) -> None:
    """Other users' programs are invisible without root."""
    assert f"fuser -v {tmp_path / 'event3'}" in spoken(tmp_path / "event3")


def test_holders_when_processes_end_or_hide_then_the_rest_is_named(tmp_path: Path) -> None:
    """A process whose descriptors may not be read, one without a name and other entries are passed over."""
    node = tmp_path / "event3"
    for process in ("7", "20", "100", "101", "102"):
        (tmp_path / "proc" / process / "fd").mkdir(parents=True)
        (tmp_path / "proc" / process / "fd" / "3").symlink_to("socket:[1]")
        if process != "7":
            (tmp_path / "proc" / process / "fd" / "5").symlink_to(node)
        if process != "20":
            (tmp_path / "proc" / process / "comm").write_text("till\n", encoding="utf-8")
    (tmp_path / "proc" / "5").mkdir()
    (tmp_path / "proc" / "self").mkdir()
    assert holders(node, tmp_path / "proc") == (Holder(20, "a program"), Holder(100, "till"), Holder(101, "till"))
