"""The command line as its users meet it: a whole provisioning, exit codes, and help."""

import shlex
import subprocess
import tomllib
from pathlib import Path

import pytest

from fakes import forked
from yaoma.core.note import Verifier
from yaoma.shell.list_file import load_list
from yaoma_bridge.config import BridgeConfig


def _run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return forked.run("yaoma-tools", *arguments, env=forked.PLAIN)


def test_provisioning_when_done_step_by_step_then_every_file_is_there(tmp_path: Path) -> None:
    """Authority, broker, bridge, a box with its own key, and an access list that knows it."""
    ca, box, etc = tmp_path / "ca", tmp_path / "box", tmp_path / "etc"
    steps: list[tuple[object, ...]] = [
        ("ca", "new", ca, "--name", "county"),
        ("ca", "issue-server", ca, etc, "broker.example", "10.3.0.7"),
        ("ca", "issue-bridge", ca, tmp_path / "bridge"),
        ("keys", "new-request", "S1/b1", box),
        ("ca", "issue-box", ca, "S1/b1", box, "--request", box / "request.pem"),
        ("broker", "config", etc, "--ca", ca),
    ]
    for step in steps:
        done = _run(*step)
        assert done.returncode == 0, done.stderr

    assert {file.name for file in box.iterdir()} == {"request.pem", "client.key", "client.pem", "authority.pem"}
    assert {file.name for file in etc.iterdir()} == {"server.pem", "server.key", "authority.pem", "yaoma.conf", "acl"}
    assert "user S1/b1\n" in (etc / "acl").read_text()
    assert _run("ca", "list", ca).stdout == "box S1/b1\nbridge bridge\n"
    assert _run("ca", "revoke", ca, "S1/b1").returncode == 0
    assert _run("ca", "list", ca).stdout == "bridge bridge\n"


def test_readme_when_followed_line_by_line_then_every_command_works(tmp_path: Path) -> None:
    """The county in seven steps is what a centre types; only the folders are others here."""
    text = (Path(__file__).parents[2] / "firmware-tools/README.md").read_text("utf-8")
    block = text.partition("```sh\n")[2].partition("```")[0]
    lines = [line for line in block.split("\n") if line and not line.startswith("#")]

    assert len(lines) >= 7
    for line in lines:
        program, *arguments = shlex.split(
            line.replace(" /media/", f" {tmp_path}/").replace(" /etc/", f" {tmp_path}/etc/")
        )
        done = forked.run(program, *arguments)
        assert done.returncode == 0, f"{line}: {done.stderr}"
    named = BridgeConfig.model_validate(tomllib.loads((Path(__file__).parents[2] / "config/bridge.toml").read_text()))
    assert (tmp_path / "etc/yaoma" / named.keys.signing_key).is_file()
    assert "H32132200561/counter-1" in (tmp_path / "etc/mosquitto/yaoma/acl").read_text()


def test_keys_when_made_then_show_prints_the_same(tmp_path: Path) -> None:
    """The public half is printed at birth and again later, in the C2SP form for signing keys."""
    made = _run("keys", "new-signing", "S1/b1", tmp_path / "k").stdout
    sealed = _run("keys", "new-sealing", "recovery", tmp_path / "s").stdout

    assert Verifier.parse(made).name == "yaoma/v1/S1/b1"
    assert _run("keys", "show", "S1/b1", tmp_path / "k").stdout == made
    assert _run("keys", "show", "--sealing", "recovery", tmp_path / "s").stdout == sealed
    assert sealed.startswith("recovery+")


def test_failure_when_a_file_stands_in_the_way_then_exit_is_1_with_one_sentence(tmp_path: Path) -> None:
    """What can't be done is exit 1 and a sentence with what to do; no traceback."""
    _run("keys", "new-signing", "S1/b1", tmp_path / "k")

    for arguments in (
        ("keys", "new-signing", "S1/b1", tmp_path / "k"),
        ("ca", "list", tmp_path / "none"),
        ("ca", "issue-box", tmp_path / "none", "S1/b1", tmp_path),
        ("keys", "show", "S1/b1", tmp_path / "none"),
        ("keys", "new-signing", "a name with spaces", tmp_path / "n"),
    ):
        done = _run(*arguments)
        assert done.returncode == 1
        assert done.stderr.startswith("yaoma-tools: ")
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("ca", "issue-box", "ca", "no-slash", "out"),
        ("ca", "issue-box", "ca", "S1/a+b", "out"),
        ("ca", "issue-bridge", "ca", "out", "--worker", "a/b"),
        ("ca", "nothing"),
        ("broker", "config", "dir", "--port", "0"),
    ],
)
def test_usage_when_wrong_then_exit_is_2(arguments: tuple[str, ...]) -> None:
    """A wrong call is exit 2, and nothing has been touched."""
    assert _run(*arguments).returncode == 2


@pytest.mark.parametrize(
    "command",
    [
        ("ca", "new"),
        ("ca", "issue-box"),
        ("ca", "issue-bridge"),
        ("ca", "issue-server"),
        ("ca", "revoke"),
        ("ca", "list"),
        ("keys", "new-request"),
        ("keys", "new-signing"),
        ("keys", "new-sealing"),
        ("keys", "show"),
        ("broker", "config"),
    ],
)
def test_help_when_asked_for_then_it_has_an_example(command: tuple[str, str]) -> None:
    """Each command shows how it is called."""
    done = _run(*command, "--help")

    assert done.returncode == 0
    assert f"Example: yaoma-tools {' '.join(command)} " in done.stdout


def test_list_when_signed_from_a_table_then_a_box_takes_it(tmp_path: Path) -> None:
    """`list sign` makes a file that the box's own loader accepts; a table with a fault is refused with its line."""
    key = Verifier.parse(_run("keys", "new-signing", "county", tmp_path / "k").stdout)
    (tmp_path / "codes.csv").write_text("code\n83003850000000131888\n")
    (tmp_path / "bad.csv").write_text("code\n8.3E+19\n")
    arguments = (
        "list",
        "sign",
        tmp_path / "l",
        "--key",
        tmp_path / "k",
        "--name",
        "county",
        "--version",
        "3",
        "--codes",
    )

    done = _run(*arguments, tmp_path / "codes.csv")
    refused = _run(*arguments, tmp_path / "bad.csv")

    assert done.returncode == 0
    assert load_list(tmp_path / "l", [key], "S1").version == 3
    assert (refused.returncode, "8.3E+19" in refused.stderr) == (1, False)
