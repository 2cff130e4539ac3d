"""Signing a policy for the boxes: never one that a box would refuse."""

import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fakes import forked
from yaoma.core.note import Signer, Verifier
from yaoma.shell.policy_file import PolicyRefusal, PolicyRefusedError, load_signed
from yaoma.shell.resources import config_file
from yaoma_tools.signed_policy import sign_policy

CENTRE = Signer("county/list", Ed25519PrivateKey.from_private_bytes(b"c" * 32))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A province's policy, saved by an editor with a mark at the start, CRLF, and no line end."""
    text = config_file("policies/fujian.toml").read_text("utf-8")
    file = tmp_path / "fujian.toml"
    file.write_bytes(("\ufeff" + text.rstrip("\n").replace("\n", "\r\n")).encode())
    return file


@pytest.mark.row("S0-16")
def test_policy_when_signed_then_a_box_uses_it(source: Path, tmp_path: Path) -> None:
    """What an editor adds is no fault; signing the same again is none either."""
    to = tmp_path / "out" / "policy.signed"
    for _ in range(2):
        sign_policy(source, to, CENTRE)

    assert load_signed(to, [CENTRE.verifier()], "fujian").policy.id == "fujian"


def test_policy_when_the_version_was_not_raised_then_it_is_not_signed(source: Path, tmp_path: Path) -> None:
    """Boxes would refuse it; whoever signs learns it first."""
    to = tmp_path / "policy.signed"
    sign_policy(source, to, CENTRE)
    before = to.read_bytes()
    source.write_bytes(source.read_bytes().replace(b"= 48", b"= 24"))
    with pytest.raises(PolicyRefusedError, match="raise the version") as caught:
        sign_policy(source, to, CENTRE)
    assert caught.value.reason is PolicyRefusal.NOT_NEWER
    assert to.read_bytes() == before

    source.write_bytes(source.read_bytes().replace(b"version = 1", b"version = 2"))
    assert sign_policy(source, to, CENTRE).policy.version == 2


def test_command_when_a_policy_is_good_or_bad_then_it_is_signed_or_every_mistake_is_named(
    source: Path, tmp_path: Path
) -> None:
    """`yaoma-tools policy sign` as it is typed: exit 0 and a file, or exit 1 and sentences."""

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        return forked.run("yaoma-tools", *arguments, env=forked.PLAIN)

    public = run("keys", "new-signing", "county", tmp_path / "k").stdout
    sign = ("policy", "sign", source, "--key", tmp_path / "k", "--name", "county")
    done = run(*sign)
    assert (done.returncode, done.stderr) == (0, "")
    assert load_signed(tmp_path / "fujian.signed", [Verifier.parse(public)], "fujian").policy.version == 1

    source.write_text('type = "yaoma/policy/v1"\nid = "x"\n')
    done = run(*sign)
    assert done.returncode == 1
    for key in ("base", "version", "title"):
        assert f"{key}: " in done.stderr
    assert "Traceback" not in done.stderr
