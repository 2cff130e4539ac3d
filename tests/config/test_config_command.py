"""`yaoma config`, run as its user runs it."""

import json
import subprocess
from pathlib import Path

import pytest

from fakes import forked
from yaoma.config.load import load
from yaoma.config.reference import EXAMPLE, render


def yaoma(*arguments: object, answers: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command."""
    return forked.run("yaoma", "config", *arguments, answers=answers)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The reference, in a place of its own."""
    path = tmp_path / "yaoma.toml"
    path.write_text(render(EXAMPLE))
    return path


def test_check_of_a_good_file_ends_with_0_and_notes_what_is_missing_on_the_disk(file: Path) -> None:
    """Keys and certificates that are not there are named with what to do; they are no mistakes of the file."""
    file.write_text(file.read_text().replace("# signing = ", 'signing = "/nowhere/signing.key" # '))
    done = yaoma("check", file)

    assert 0 == done.returncode
    assert "keys.signing" in done.stdout
    assert "yaoma keys new H32132200561/counter-1 /nowhere" in done.stdout
    assert "可以使用 / can be used" in done.stdout


def test_check_of_a_bad_file_ends_with_78_and_lists_line_and_key(file: Path) -> None:
    """For people in both languages, for programs as JSON."""
    file.write_text(file.read_text().replace("# port = 8883", "port = 0").replace('box = "counter-1"', 'box = "a/b"'))
    line = 1 + file.read_text().split("\n").index("port = 0")
    done, as_json = yaoma("check", file), yaoma("check", file, "--json")

    assert (78, 78) == (done.returncode, as_json.returncode)
    assert f"第 {line} 行 / line {line}  broker.port" in done.stdout
    assert "2 处错误：box、broker.port / 2 mistakes: box, broker.port" in done.stdout
    found = json.loads(as_json.stdout)
    assert not found["ok"]
    assert [("box", "string_pattern_mismatch"), ("broker.port", "greater_than_equal")] == [
        (mistake["key"], mistake["kind"]) for mistake in found["mistakes"]
    ]
    assert (line, "0") == (found["mistakes"][1]["line"], found["mistakes"][1]["found"]["en"])


def test_show_prints_defaults_and_no_secret(file: Path) -> None:
    """Every key with the value that counts."""
    done = yaoma("show", "--config", file)

    assert 0 == done.returncode
    assert "hold_off_ms = 10000  # 默认值 / default" in done.stdout
    assert "H32132200561" == json.loads(yaoma("show", "--config", file, "--json").stdout)["site"]
    assert 78 == yaoma("show", "--config", file.parent / "nowhere").returncode


def test_reference_is_printed_as_it_ships() -> None:
    """Yaoma config reference is how config/yaoma.toml is made."""
    assert render(EXAMPLE) == yaoma("reference").stdout


def test_new_asks_again_after_a_bad_answer_and_writes_a_good_file(tmp_path: Path) -> None:
    """Five questions; a wrong answer is explained in both languages and asked again."""
    path = tmp_path / "new.toml"
    done = yaoma("new", path, answers="H1\nbox/1\nbox-1\nmqtt://b\nb.example\n/dev/ttyACM9\n\nen\n")

    assert 0 == done.returncode, done.stderr
    assert "英文字母" in done.stdout
    assert "without mqtt://" in done.stdout
    config = load(path).config
    assert ("box-1", "b.example", {"gun": "counter"}, "en") == (
        config.box, config.broker.host, config.station_of(), config.language,
    )  # fmt: skip


def test_new_never_overwrites_without_being_forced(file: Path) -> None:
    """An existing file is refused before the first question."""
    before = file.read_bytes()
    script = ("--site", "H9", "--box", "b", "--host", "h", "--scanner", "/dev/x")
    refused = yaoma("new", file, *script)

    assert 1 == refused.returncode
    assert "--force" in refused.stderr
    assert before == file.read_bytes()
    assert 0 == yaoma("new", file, *script, "--force").returncode
    assert "H9" == load(file).config.site


def test_new_takes_answers_from_a_file_and_asks_nothing(tmp_path: Path) -> None:
    """For scripting: a file of answers, with options on top; a bad answer ends it with its reason."""
    answers = tmp_path / "answers.toml"
    answers.write_text('site = "H1"\nbox = "b"\nhost = "h"\nscanner = "/dev/x"\nstation = "till"\n')
    done = yaoma("new", tmp_path / "a.toml", "--answers", answers, "--box", "c")

    assert 0 == done.returncode, done.stderr
    assert ("c", {"gun": "till"}) == (
        load(tmp_path / "a.toml").config.box,
        load(tmp_path / "a.toml").config.station_of(),
    )
    bad = yaoma("new", tmp_path / "b.toml", "--answers", answers, "--host", "mqtt://h")
    assert (78, False) == (bad.returncode, (tmp_path / "b.toml").exists())
    assert "--host: broker.host" in bad.stderr
