"""Central: what the centre may have this box do, put together from the configuration."""

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from yaoma import __version__
from yaoma.config.model import Config
from yaoma.core.canonical import Json
from yaoma.core.command import Append
from yaoma.core.note import Verifier
from yaoma.core.record import Stamp
from yaoma.service.command_receiving import Action, CommandReceiving, FailedError
from yaoma.shell.command_shelf import CommandShelf
from yaoma.shell.policy_file import PolicyRefusedError, load_signed
from yaoma.shell.policy_holder import PolicyHolder
from yaoma_link.command import CommandName
from yaoma_link.identity import load_verifiers
from yaoma_link.keyfile import write_public
from yaoma_link.topics import BoxName

__all__ = ["UPDATE_WANTED", "commands_of"]

#: Below the state folder; `yaoma-update.path` starts the update when it changes.
UPDATE_WANTED: Final = "update.wanted"

Report = Callable[[], Mapping[str, Json]]


def commands_of(
    config: Config,
    verifiers: tuple[Verifier, ...],
    policies: PolicyHolder,
    *,
    stamp: Callable[[], Stamp],
    record: Callable[[Append], None],
    report: Report,
    restart: threading.Event,
) -> CommandReceiving:
    """Make what receives commands.

    Args:
        config: The configuration.
        verifiers: The bridge's keys.
        policies: The policy in use.
        stamp: The time, and how far it can be trusted.
        record: Has an entry recorded.
        report: Gives how the box fares.
        restart: Is set when the daemon is to end and start anew.
    """

    def start_anew(_: Mapping[str, str]) -> Mapping[str, Json]:
        restart.set()
        return {}

    def update(_: Mapping[str, str]) -> Mapping[str, Json]:
        write_public(config.state.folder / UPDATE_WANTED, f"{stamp().wall_ms}\n".encode(), replace=True)
        return {}

    actions: dict[str, Action] = {
        CommandName.RESTART: start_anew,
        CommandName.REPORT: lambda _: {"version": __version__, **report()},
        CommandName.UPDATE: update,
        CommandName.POLICY: lambda arguments: _take_policy(config, policies, arguments.get("policy", "")),
    }
    name = BoxName(config.site, config.box)
    return CommandReceiving(name, verifiers, CommandShelf(config.state.folder), actions, stamp=stamp, record=record)


def _take_policy(config: Config, policies: PolicyHolder, signed: str) -> Mapping[str, Json]:
    """Put a policy into the place of the old one, if it may be used."""
    file = config.policy.file
    if file is None:
        raise FailedError("no_policy_file")
    trial = config.state.folder / "policy.trial"
    try:
        write_public(trial, signed.encode(), replace=True)
        load_signed(trial, load_verifiers(config.keys.list), config.policy.id, config.policy.institution)
        return _put(file, signed, policies)
    except PolicyRefusedError as refusal:
        raise FailedError(f"policy_{refusal.reason.value}") from None
    finally:
        trial.unlink(missing_ok=True)


def _put(file: Path, signed: str, policies: PolicyHolder) -> Mapping[str, Json]:
    before = file.read_bytes() if file.exists() else None
    write_public(file, signed.encode(), replace=True)
    policies.refresh(at_once=True)
    if policies.refusal is not None:
        # An older one than is in use: the file goes on saying what counts.
        if before is not None:
            write_public(file, before, replace=True)
        raise FailedError(f"policy_{policies.refusal.reason.value}")
    return {"policy": policies.current.id, "version": policies.current.version}
