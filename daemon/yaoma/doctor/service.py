"""Service: does the daemon run, answer, and keep records."""

import fcntl
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from yaoma import __version__
from yaoma.config.model import Config
from yaoma.config.said import Said
from yaoma.doctor.finding import Finding, Group, ok, trouble, warning
from yaoma.shell.control import ControlError, ask

__all__ = ["check_service", "is_locked", "status_of"]

_SERVICE: Final = Group.SERVICE
_ANSWER_S: Final = 5.0


def status_of(config: Config) -> Mapping[str, Any] | None:
    """Ask the running daemon how it does; None if nobody answers with a status.

    Args:
        config: Names its socket.
    """
    try:
        answer = ask(config.control_socket, {"do": "status"}, _ANSWER_S)
    except ControlError:
        return None
    return answer if "uplink" in answer else None


def is_locked(folder: Path) -> bool:
    """Tell whether a daemon holds the state folder; nothing is made there.

    Args:
        folder: The state folder.
    """
    try:
        descriptor = os.open(folder / "lock", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def check_service(status: Mapping[str, Any] | None, *, locked: bool) -> list[Finding]:
    """Judge it.

    Args:
        status: As `yaoma status --json` has it, or None if nobody answers.
        locked: Whether a daemon holds the state folder.
    """
    if status is None:
        return [trouble(_SERVICE, "doctor.service_silent" if locked else "doctor.service_absent")]
    if cause := status.get("trouble"):
        return [trouble(_SERVICE, f"cause.{cause['cause']}", str(cause.get("problem", "")))]
    findings = []
    if status.get("safe_mode"):
        findings.append(trouble(_SERVICE, "doctor.safe_mode"))
    if refused := status.get("config_refused"):
        why = Said(refused["zh-CN"], refused["en"])
        findings.append(trouble(_SERVICE, "config.last_good", why=why))
    if problem := status.get("metrics_trouble"):
        findings.append(warning(_SERVICE, "doctor.metrics_not_served", str(problem)))
    if status["version"] != __version__:
        # An update is there, but whoever made it has not started the service again.
        findings.append(warning(_SERVICE, "doctor.other_version", runs=str(status["version"]), installed=__version__))
    return findings or [ok(_SERVICE, "doctor.service_works", version=str(status["version"]))]
