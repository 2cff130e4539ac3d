"""`yaoma-tools release`: a repository made and kept by hand, from keys to a box that has the list."""

import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fakes.released import ReleasedBox, code
from yaoma.core.code import from_key
from yaoma.core.denial_table import DenialTable
from yaoma.shell.box_list import open_box_list
from yaoma_link.identity import make_signer
from yaoma_tools.cli import app
from yaoma_tools.release_mistake import RepositoryMistakeError

ROLES = ("root-1", "root-2", "root-3", "targets", "allow", "deny", "config", "online")


class Office:
    """Somebody with a folder and a shell."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for role in ROLES:
            self.key(role)
        roots = "\n".join((folder / f"root-{number}.vkey").read_text() for number in (1, 2, 3))
        (folder / "roots.vkey").write_text(f"# centre, regulator, vendor\n{roots}\n")

    def key(self, name: str) -> None:
        """Make a key and keep its public half beside it."""
        public = make_signer(self.folder / f"{name}.key", name).verifier()
        (self.folder / f"{name}.vkey").write_text(f"{public}\n")

    def keys(self, *names: str) -> list[str]:
        """The options that name private keys."""
        return [part for name in names for part in ("--key", str(self.folder / f"{name}.key"))]

    def run(self, *arguments: str) -> str:
        """Run a command of the group; raise what it fails with."""
        done = CliRunner().invoke(app, ["release", *arguments])
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert 0 == done.exit_code, done.output
        return done.output

    @property
    def repo(self) -> str:
        """The repository."""
        return str(self.folder / "repo")

    def begin(self, *with_keys: str) -> str:
        """Run `init`."""
        named = [
            part
            for name, option in (("roots", "root"), *((role, role) for role in ROLES[3:]))
            for part in (f"--{option}", str(self.folder / f"{name}.vkey"))
        ]
        return self.run("init", self.repo, *named, *self.keys(*with_keys))

    def built(self, numbers: range) -> Path:
        """Build base files with `list build`."""
        table = self.folder / "codes.csv"
        table.write_text("code\n" + "".join(f"{code(number)}\n" for number in numbers))
        out = self.folder / f"built-{numbers.stop}"
        done = CliRunner().invoke(app, ["list", "build", str(out), "--codes", str(table)])
        assert 0 == done.exit_code, done.output
        return out


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """An office with all keys."""
    return Office(tmp_path)


def box_of(office: Office) -> ReleasedBox:
    """A box that was provisioned with the first root; its clock is the machine's."""
    root = (office.folder / "repo" / "metadata" / "1.root.json").read_bytes()
    return ReleasedBox(office.folder / "box", root, now_ms=time.time_ns() // 1_000_000)


def test_release_made_by_commands_comes_into_force_on_a_box(office: Office) -> None:
    """init, sign with a base, sign with a delta, denials and a policy, renew: a box follows each step."""
    assert "1.root.json → /etc/yaoma/root.json" in office.begin(*ROLES[:2], *ROLES[3:])
    old, new = office.built(range(100)), office.built(range(110))
    assert "version: 1\n" == office.run(
        "sign", office.repo, *office.keys("allow", "online"), "--version", "1", "--base", str(old / "cn20.codes")
    )
    box = box_of(office)
    assert "base" == box.update(office.folder / "repo").way

    delta = office.folder / "1-2.delta"
    done = CliRunner().invoke(app, ["list", "delta", str(old), str(new), str(delta), "--from", "1", "--to", "2"])
    assert 0 == done.exit_code, done.output
    denials, policy, products = (office.folder / name for name in ("denials.csv", "policy.signed", "products.csv"))
    denials.write_text("key,kind,note,lot\n8123456,recall,2026-118,A7\n")
    products.write_text("key,name\n8123456,阿莫西林胶囊\n", "utf-8")
    policy.write_text("policy")
    office.run(
        "sign", office.repo, *office.keys("allow", "deny", "config", "online"), "--delta", str(delta),
        "--denials", str(denials), "--products", str(products), "--policy", f"fujian=3={policy}",
    )  # fmt: skip
    outcome = box.update(office.folder / "repo")
    assert (2, "delta", 10) == (outcome.version, outcome.way, outcome.rows)
    db = box.open()
    found = open_box_list(db)
    assert found is not None
    assert "阿莫西林胶囊" == getattr(found.product("cn20:8123456"), "name", None)
    assert found.denial(from_key(f"cn20:{code(5)}"), "A7") is not None
    assert found.denial(from_key(f"cn20:{code(5)}"), "A8") is None
    found.close()
    db.close()

    office.run("renew", office.repo, *office.keys("online", "deny"), "--role", "deny")
    assert "none" == box.update(office.folder / "repo").way


def test_root_is_signed_at_two_places(office: Office) -> None:
    """With one root key the repository waits; the second signature, given elsewhere, makes it hold."""
    assert "more signatures are needed" in office.begin("root-1", *ROLES[3:])
    with pytest.raises(RepositoryMistakeError, match="no root has enough signatures"):
        office.run("keys", office.repo)
    assert (office.folder / "repo" / "pending" / "root.json").exists()

    assert "1.root.json → " in office.run("sign", office.repo, *office.keys("root-3"))


def test_root_key_is_replaced_by_two_of_three(office: Office) -> None:
    """A new vendor: two old keys sign, the new one counts, the old one is gone."""
    office.begin(*ROLES[:2], *ROLES[3:])
    old = next(line for line in office.run("keys", office.repo).splitlines() if line.startswith("root "))
    office.key("root-4")
    said = office.run(
        "add-key", office.repo, "root", str(office.folder / "root-4.vkey"), *office.keys("root-1"),
        "--instead-of", old.split()[1],
    )  # fmt: skip

    assert "more signatures are needed" in said
    office.run("sign", office.repo, *office.keys("root-2", "root-3", "root-4"))
    assert old not in office.run("keys", office.repo)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--denials", "denials"], "deny: 1 of its keys must sign, 0 are here"),
        (["--delta", "noise"], "needs base files"),
        (["--version", "1", "--base", "GOOD", "--delta", "noise"], "noise"),
        (["--version", "1", "--base", "GOOD", "--products", "table"], "line 2"),
        (["--version", "1", "--base", "noise"], "noise"),
        ([], "nothing waits"),
    ],
)
def test_mistake_changes_nothing(office: Office, arguments: list[str], said: str) -> None:
    """A missing key, a file that is none, nothing new: one sentence, and the repository stays as it was."""
    office.begin(*ROLES[:2], *ROLES[3:])
    (office.folder / "noise").write_bytes(b"noise" * 100)
    (office.folder / "table").write_bytes(b'{"patterns":[],"type":"yaoma/products/v1"}\n{}\n')
    (office.folder / "denials").write_bytes(DenialTable(()).encoded())
    before = sorted(path.name for path in (office.folder / "repo" / "metadata").iterdir())
    good = str(office.built(range(10)) / "cn20.codes")
    paths = [
        good if word == "GOOD" else str(office.folder / word) if (office.folder / word).is_file() else word
        for word in arguments
    ]

    with pytest.raises(RepositoryMistakeError, match=said):
        office.run("sign", office.repo, *office.keys("allow", "online"), *paths)
    assert before == sorted(path.name for path in (office.folder / "repo" / "metadata").iterdir())


def test_each_help_names_the_other_way(office: Office) -> None:
    """Who looks for the small list finds it, and the other way round."""
    small = CliRunner().invoke(app, ["list", "sign", "--help"]).output
    assert "release sign" in " ".join(small.split())
    assert "list sign" in " ".join(office.run("sign", "--help").split())
