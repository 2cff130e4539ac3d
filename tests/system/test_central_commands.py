"""What the centre may have a box do: restart, update, report, and a policy that the centre has signed."""

import threading
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fakes.box import receipt_signer
from yaoma.cli.central import UPDATE_WANTED, commands_of
from yaoma.config.model import Config
from yaoma.core.command import Append
from yaoma.core.note import Signer
from yaoma.core.record import ClockState, Stamp
from yaoma.service.command_receiving import CommandReceiving
from yaoma.shell.policy_holder import PolicyHolder
from yaoma.shell.resources import config_file
from yaoma_link.command import Command, CommandReply, ReplyState
from yaoma_link.report import PublishProperties, Received
from yaoma_link.topics import BoxName

NAME = BoxName("H1", "counter-1")
CENTRE = Signer("centre", Ed25519PrivateKey.from_private_bytes(b"\x09" * 32))
NOW_MS = 1_795_100_000_000


def _policy(version: int, signer: Signer = CENTRE) -> str:
    text = config_file("policies/fujian.toml").read_text("utf-8")
    lines = [f"version = {version}" if line.startswith("version = ") else line for line in text.splitlines()]
    return signer.sign("\n".join(lines) + "\n")


class Commanded:
    """A box's folder with everything that commands touch."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "policy.signed"
        (folder / "list.vkey").write_text(f"{CENTRE.verifier()}\n")
        self.restart = threading.Event()
        self.recorded: list[Append] = []
        self.policies = PolicyHolder("fujian", None, file=self.file, verifiers=(CENTRE.verifier(),))
        self.number = 0
        self.receiving = self._made()

    def _made(self) -> CommandReceiving:
        config = SimpleNamespace(
            site=NAME.site,
            box=NAME.box,
            state=SimpleNamespace(folder=self.folder),
            keys=SimpleNamespace(list=self.folder / "list.vkey"),
            policy=SimpleNamespace(file=self.file, id="fujian", institution=None),
        )
        return commands_of(
            cast("Config", config),
            (receipt_signer().verifier(),),
            self.policies,
            stamp=lambda: Stamp(NOW_MS, 1000, "0123456789abcdef", ClockState.SYNCED),
            record=self.recorded.append,
            report=lambda: {"disk_low": False},
            restart=self.restart,
        )

    def do(self, name: str, arguments: Mapping[str, str] | None = None) -> CommandReply:
        """Hear a command and give the answer."""
        self.number += 1
        payload = Command(NAME, self.number, name, NOW_MS, NOW_MS + 1000, arguments or {}).signed(receipt_signer())
        self.receiving.put(Received(1, NAME.command(name), payload, 1, 1, False, False, PublishProperties()))
        (answered,) = self.receiving.work()
        return CommandReply.read(answered.payload)


@pytest.fixture
def box(tmp_path: Path) -> Commanded:
    """Give a box."""
    return Commanded(tmp_path)


def test_restart_ends_the_daemon_and_its_number_is_kept_first(box: Commanded) -> None:
    """The daemon is asked to end; a command that comes again after the start is not done again."""
    assert box.do("restart").state is ReplyState.DONE
    assert box.restart.is_set()
    assert (box.folder / "command.json").exists()


def test_update_touches_the_file_that_the_path_unit_watches(box: Commanded) -> None:
    """The daemon may start no unit; systemd sees the file."""
    assert box.do("update").state is ReplyState.DONE
    unit = (Path(__file__).parents[2] / "systemd" / "yaoma-update.path").read_text("utf-8")
    assert f"PathChanged=/var/lib/yaoma/{UPDATE_WANTED}" in unit
    assert (box.folder / UPDATE_WANTED).exists()


def test_report_says_how_the_box_fares(box: Commanded) -> None:
    """The answer holds the version and what the health topic says."""
    reply = box.do("report")
    assert reply.facts["disk_low"] is False
    assert reply.facts["version"]


@pytest.mark.row("S0-16", part="bridge")
def test_a_signed_policy_counts_at_once(box: Commanded) -> None:
    """The box takes it up and says which version counts; many sites get the same rules from one place."""
    reply = box.do("policy", {"policy": _policy(7)})
    assert reply.state is ReplyState.DONE
    assert dict(reply.facts) == {"policy": "fujian", "version": 7}
    assert box.policies.current.version == 7


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        (_policy(9, Signer("centre", Ed25519PrivateKey.from_private_bytes(b"\x08" * 32))), "policy_unsigned"),
        (_policy(6), "policy_not_newer"),
        ("", "policy_unsigned"),
    ],
    ids=["other key", "older", "empty"],
)
def test_a_policy_that_may_not_be_used_changes_nothing(box: Commanded, policy: str, reason: str) -> None:
    """A command of the bridge is not enough: the centre's own key must have signed the policy, and it must be newer."""
    box.do("policy", {"policy": _policy(7)})
    before = box.file.read_bytes()
    reply = box.do("policy", {"policy": policy})
    assert (reply.state, reply.reason) == (ReplyState.REFUSED, reason)
    assert box.file.read_bytes() == before
    assert box.policies.current.version == 7
    assert str(box.recorded[-1].entry.fields["what"]) == f"command_refused.{reason}"
