"""`yaoma-tools list` as its users meet it: a release, the next one, what differs, and what is wrong with a file."""

import subprocess
from pathlib import Path

import pytest

from fakes import forked
from yaoma.core.list_delta import ListDelta


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a command."""
    return forked.run("yaoma-tools", "list", *arguments, env=forked.PLAIN)


@pytest.fixture
def releases(tmp_path: Path) -> Path:
    """Two releases in a folder."""
    for name, serials in (("v7", range(1000)), ("v8", range(100, 1200))):
        rows = "\n".join(f"8123456{n:09}{n * 7919 % 10_000:04},L{n // 500}" for n in serials)
        (tmp_path / f"{name}.csv").write_text(f"code,lot\n{rows}\n")
        done = run("build", tmp_path / name, "--codes", tmp_path / f"{name}.csv")
        assert done.returncode == 0, done.stderr
        assert f"{len(serials)} codes" in done.stdout
        assert "kind runs" in done.stdout
        assert "times the bound" in done.stdout
        assert done.stderr == ""
    return tmp_path


def test_list_when_two_releases_are_compared_then_a_delta_says_what_differs(releases: Path) -> None:
    """`diff` counts and shows, `delta` writes, `inspect` tells what a file is; nothing is overwritten."""
    done = run("diff", releases / "v7", releases / "v8", "--show", "1")
    assert done.stdout.splitlines() == [
        "200 added, 100 removed, 0 with another lot or expiry, 900 the same",
        f"+ 8123456{1000:09}{1000 * 7919 % 10_000:04}",
        f"- 8123456{0:09}0000",
    ]
    delta = releases / "7-8.delta"
    asked = ("delta", releases / "v7", releases / "v8", delta, "--from", 7, "--to", 8)
    assert run(*asked).stdout.startswith(f"{delta}: 200 added or changed, 100 removed")
    read = ListDelta.parse(delta.read_bytes())
    assert (read.from_version, read.to_version, len(read.adds), len(read.removes)) == (7, 8, 200, 100)
    assert run("inspect", delta).stdout == "delta from version 7 to 8: 200 added or changed, 100 removed\n"
    assert run(*asked).returncode == 1
    assert run("build", releases / "v7", "--codes", releases / "v7.csv").returncode == 1


def test_list_when_a_file_is_inspected_then_damage_is_found(releases: Path) -> None:
    """Sound: kind, counts, digest. Damaged page or index, or no list at all: exit 1 and one sentence."""
    file = releases / "v7" / "cn20.codes"
    said = run("inspect", file)
    assert said.returncode == 0
    assert "1000 codes, 2 lots" in said.stdout
    assert "1 products, 2 runs, 0 holes" in said.stdout
    whole = bytearray(file.read_bytes())
    whole[-1] ^= 1
    file.write_bytes(whole)
    assert "page 0 of the list is damaged" in run("inspect", file).stderr
    whole[100] ^= 1
    file.write_bytes(whole)
    assert run("inspect", file).returncode == 1
    file.write_bytes(b"something else")
    done = run("inspect", file)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)


def test_list_when_rows_repeat_or_are_wrong_then_it_is_said_by_line(tmp_path: Path) -> None:
    """Repeats are told and counted once; mistakes end with 1, one line each, without the text of a code."""
    source = tmp_path / "c.csv"
    source.write_text("code\n81234567890123456789\n81234567890123456789\n")
    done = run("build", tmp_path / "a", "--codes", source)
    assert done.returncode == 0
    assert "c.csv, line 3: the code of c.csv, line 2 again" in done.stderr
    source.write_text("code\n8.12E+19\n123\n")
    done = run("build", tmp_path / "b", "--codes", source)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 2
    assert "123" not in done.stderr
