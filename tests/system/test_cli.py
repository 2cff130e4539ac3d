"""The commands as users type them: answers, mistakes and exit codes."""

import json
import os
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fakes import forked
from fakes.burst import pack_codes
from fakes.county import BoxProcess, County, wait_for
from fakes.tally import shown_packs
from yaoma.cli.main import app as box_app
from yaoma_bridge.cli import app as bridge_app
from yaoma_tools.cli import app as tools_app

pytestmark = [pytest.mark.xdist_group("system-cli")]

Done = subprocess.CompletedProcess[str]

_APPS = {"yaoma": box_app, "yaoma-bridge": bridge_app, "yaoma-tools": tools_app}


def _run(*arguments: str, **environment: str) -> Done:
    """Run a command without any configuration of this machine."""
    return forked.run(*arguments, env={**os.environ, "COLUMNS": "200", **environment})


def _helps(*words: str) -> Iterator[tuple[str, str]]:
    """Walk through all commands, as the helps name them; give each with its help."""
    # In this process: there are many of them, and a help does nothing.
    done = CliRunner().invoke(_APPS[words[0]], [*words[1:], "--help"], prog_name=words[0], env={"COLUMNS": "200"})
    if done.exit_code != 0:
        return
    lines = [line.strip(" │") for line in done.stdout.partition("Commands")[2].splitlines()[1:]]
    # A continued description is indented further than a name.
    names = [line.split()[0] for line in lines if re.match(r"[a-z][a-z-]* {2,}\S", line)]
    if not names:
        yield " ".join(words), " ".join(done.stdout.split())
    for name in names:
        yield from _helps(*words, name)


@pytest.mark.parametrize(("program", "at_least"), [("yaoma", 13), ("yaoma-bridge", 4), ("yaoma-tools", 8)])
def test_every_command_has_a_help_with_an_example(program: str, at_least: int) -> None:
    """Whoever asks a command for help is shown how it is typed."""
    helps = dict(_helps(program))
    assert len(helps) >= at_least, list(helps)
    for command, text in helps.items():
        assert "Example" in text, f"{command} shows no example"
        assert command in text.partition("Example")[2], f"the example of {command} is another's"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["yaoma"], 2),
        (["yaoma", "sing"], 2),
        (["yaoma", "journal", "prove"], 2),
        (["yaoma", "journal", "prove", "seven"], 2),
        (["yaoma", "ticket", "open", "counter"], 2),
        (["yaoma", "scan"], 2),
        (["yaoma", "run", "--config", "/nowhere.toml"], 78),
        (["yaoma", "status", "--config", "/nowhere.toml"], 78),
        (["yaoma", "status", "--socket", "/nowhere.sock"], 1),
        (["yaoma", "journal", "verify", "--state", "/nowhere"], 1),
        (["yaoma", "journal", "check", "/nowhere.proof", "--key", "no-key"], 1),
        (["yaoma", "keys", "new", "no-name", "/nowhere"], 1),
        (["yaoma", "scan", "83003850000000131888", "--config", "/nowhere.toml"], 1),
        (["yaoma-bridge", "sing"], 2),
        (["yaoma-bridge", "run", "--config", "/nowhere.toml"], 78),
        (["yaoma-bridge", "export", "--config", "/nowhere.toml"], 2),
        (["yaoma-tools", "ca", "revoke"], 2),
        (["yaoma-tools", "ca", "list", "/nowhere"], 1),
        (["yaoma-tools", "ca", "issue-box", "/nowhere", "no-name", "/nowhere"], 2),
    ],
)
def test_a_wrong_call_ends_with_its_exit_code_and_a_sentence(arguments: list[str], code: int) -> None:
    """1 failed, 2 called wrongly, 78 the configuration: each with a sentence and without a traceback."""
    done = _run(*arguments)
    assert done.returncode == code, f"{done.stdout}{done.stderr}"
    assert done.stderr.strip() or done.stdout.strip()
    assert "Traceback" not in done.stderr


def test_scan_without_daemon_and_configuration_judges_the_form() -> None:
    """A code can be tried on any machine; what a verdict lacks there is said."""
    environment = {"YAOMA_CONFIG": "/etc/yaoma/yaoma.toml"}
    done = _run("yaoma", "scan", "83003850000000131888", "--json", **environment)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["verdict"], told["code"]) == ("REVIEW", "cn20:83003850000000131888")
    done = _run("yaoma", "scan", "6901234567892", "--json", **environment)
    told = json.loads(done.stdout)
    assert (told["verdict"], told["lookalike"], told["code"]) == ("FAULT", "ean13", None)
    done = _run("yaoma", "scan", "83003850000000131888", **environment)
    assert "83003" in done.stdout


def test_all_mistakes_of_a_configuration_are_listed_at_once(new_county: Callable[..., County]) -> None:
    """A technician with three mistakes in the file hears of three, each with its key."""
    county = new_county()
    box = county.add_box()
    text = box.config.read_text()
    text = text.replace("warn_free_mb = 2", 'warn_free_mb = "much"').replace("hold_off_ms = 500", "hold_off_ms = -1")
    box.config.write_text(text.replace("[policy]", "[policy]\ncolour = true"))
    done = box.command("status")
    assert done.returncode == 78
    for key in ("state.warn_free_mb", "policy.hold_off_ms", "policy.colour"):
        assert key in done.stderr, f"{key} is not named: {done.stderr}"


@pytest.fixture
def box(new_county: Callable[..., County], mosquitto: str) -> BoxProcess:
    """Give a box that runs without broker and has kept some scans."""
    county = new_county(codes=[code for code, _ in zip(pack_codes(), range(20), strict=False)])
    box = county.add_box(verbose=True)
    box.start()
    assert box.command("ticket", "open", "counter", "dispense").returncode == 0
    for code, _ in zip(pack_codes(), range(6), strict=False):
        box.scan(code)
        wait_for(lambda code=code: code in {one.code for one in shown_packs(box)}, "nothing is shown")  # type: ignore[misc]  # mypy can't infer a lambda with a default
    wait_for(lambda: box.ask()["journal"]["signed_upto"] == box.ask()["journal"]["size"], "no checkpoint was signed")
    return box


#: What such a box has kept: its log and start, what came into force by then, the ticket and what was scanned for it.
KEPT = ["open", "start", "applied", "applied", "ticket", *["scan"] * 6]


def _second_scan(box: BoxProcess) -> int:
    """Give the place of the second pack's scan."""
    return next(one.seq for one in box.records() if one.fields.get("code") == "cn20:81000000000000000002")


@pytest.mark.row("S1-08")
@pytest.mark.row("S4-17")
def test_status_and_tickets_answer_people_and_programs(box: BoxProcess) -> None:
    """Status in words and JSON; a ticket is opened once, refused with what to do, closed."""
    told = json.loads(box.command("status", "--json").stdout)
    assert [record.kind for record in box.records()] == KEPT
    assert (told["box"], told["journal"]["size"], told["uplink"]["is_connected"]) == ("b1", len(KEPT), False)
    words = box.command("status").stdout
    assert "offline" in words
    assert "销售/使用 / Dispense" in words
    for arguments in (
        ["open", "counter", "dispense"],
        ["open", "cellar", "dispense"],
        ["open", "counter", "sing"],
    ):
        refused = box.command("ticket", *arguments)
        assert refused.returncode == 1, arguments
        assert refused.stderr.strip(), arguments
    assert box.command("ticket", "close", "counter").returncode == 0
    assert box.command("ticket", "close", "counter").returncode == 1


def test_journal_shows_exports_and_verifies_beside_the_running_daemon(box: BoxProcess, tmp_path: Path) -> None:
    """What is exported is every record byte for byte; show names one record; verify has nothing to say against it."""
    out = tmp_path / "journal.jsonl"
    assert box.command("journal", "export", "--to", str(out)).returncode == 0
    assert [line.encode() for line in out.read_text().splitlines()] == [record.body for record in box.entries()]
    shown = json.loads(box.command("journal", "show", "3", "--json").stdout)
    assert [one["seq"] for one in shown] == [3]
    assert box.command("journal", "show", "4711").returncode == 1
    (report,) = json.loads(box.command("journal", "verify", "--json").stdout)
    assert (report["size"], report["problems"]) == (len(KEPT), [])


def test_a_proof_holds_without_the_journal_and_not_after_a_change(box: BoxProcess, tmp_path: Path) -> None:
    """One sale is proved to somebody who has the box's public key and nothing else."""
    key = box.command("keys", "show").stdout.strip()
    proof = tmp_path / "sale.proof"
    place = _second_scan(box)
    proof.write_text(box.command("journal", "prove", str(place)).stdout)
    good = _run("yaoma", "journal", "check", str(proof), "--key", key)
    assert good.returncode == 0, good.stderr
    assert "81000000000000000002" in good.stdout
    text = proof.read_text()
    for old, new in (
        ("81000000000000000002", "81000000000000000003"),
        (f'"seq":{place}', f'"seq":{place + 1}'),
        ("PASS", "STOP"),
        ("/b1/", "/b2/"),
    ):
        assert old in text
        proof.write_text(text.replace(old, new))
        bad = _run("yaoma", "journal", "check", str(proof), "--key", key)
        assert (bad.returncode, "Traceback" in bad.stderr) == (1, False), f"{old} -> {new} was believed"
    proof.write_text(text)
    other = key.partition("+")[0] + "+0badc0de+" + key.rpartition("+")[2]
    assert _run("yaoma", "journal", "check", str(proof), "--key", other).returncode == 1


#: What somebody with the file and SQLite at hand may do, and what `yaoma journal verify` says to it.
CHANGES = (
    ("UPDATE record SET body=replace(body, 'PASS', 'STOP') WHERE seq={scan}", "record {scan} was altered"),
    ("DELETE FROM record WHERE seq={scan}", "record {scan} is missing"),
    (
        """UPDATE record SET seq=-seq WHERE seq IN ({scan}, {scan}+1);
        UPDATE record SET seq=2*{scan}+1+seq WHERE seq < 0""",
        "record {scan} belongs to another place",
    ),
    ("DELETE FROM record WHERE seq={size}-1", "{size} records were signed, {fewer} are there"),
)


def test_verify_finds_what_was_altered_is_missing_stands_elsewhere_or_is_cut_off(
    box: BoxProcess, tmp_path: Path
) -> None:
    """Somebody with the file and SQLite at hand can't change it unseen."""
    places = {"scan": _second_scan(box), "size": len(KEPT), "fewer": len(KEPT) - 1}
    box.program.stop()
    for number, (change, sentence) in enumerate(CHANGES):
        copy = tmp_path / f"state-{number}"
        shutil.copytree(box.state, copy)
        forger = sqlite3.connect(copy / "journal.db")
        for (name,) in forger.execute("SELECT name FROM sqlite_master WHERE type='trigger'").fetchall():
            forger.execute(f"DROP TRIGGER {name}")
        forger.executescript(change.format(**places))
        forger.close()
        done = box.command("journal", "verify", "--state", str(copy))
        assert (done.returncode, sentence.format(**places) in done.stdout) == (1, True), done.stdout
    assert box.command("journal", "verify").returncode == 0


def test_nobody_else_gets_the_state_folder_while_the_daemon_runs(box: BoxProcess) -> None:
    """A second daemon and a rebuild are refused with what to do, and disturb nothing."""
    second = subprocess.run(box.program.arguments, capture_output=True, text=True, check=False, timeout=60)
    assert (second.returncode, "Traceback" in second.stderr) == (1, False), second.stderr
    assert str(box.state) in second.stderr
    rebuilt = box.command("journal", "rebuild")
    assert rebuilt.returncode == 1
    assert "stop the daemon" in rebuilt.stderr
    assert box.ask()["journal"]["size"] == len(KEPT)
    assert box.program.stop() == 0
    done = box.command("journal", "rebuild")
    assert (done.returncode, str(len(KEPT)) in done.stdout) == (0, True), done.stderr
