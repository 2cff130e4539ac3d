"""The running daemon as `yaoma scanners` meets it: there or not, what it says of its scanners, a scanner it lends."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from yaoma.cli.asking import asked
from yaoma.cli.report import CommandError, control_socket
from yaoma.shell.control import ControlError, ask

__all__ = ["Daemon", "ask_daemon", "daemon_at", "lent", "running_states"]

#: The path of its control socket.
Daemon = Path


def daemon_at(config: Path, socket: Path | None) -> Daemon | None:
    """Find the running daemon; None if nobody answers.

    Args:
        config: The configuration file, for the socket's path.
        socket: The socket's path, if it is not the configuration's.
    """
    try:
        path = socket or control_socket(config)
        ask(path, {"do": "status"})
    except (CommandError, ControlError):
        return None
    return path


def ask_daemon(daemon: Daemon, request: Mapping[str, Any]) -> dict[str, Any]:
    """Ask it.

    Raises:
        CommandError: If nobody answers, or it refuses.
    """
    return asked(request, Path(), daemon)


def running_states(daemon: Daemon | None) -> dict[str, dict[str, Any]]:
    """Give what it says of each scanner, by name; nothing if it does not run."""
    if daemon is None:
        return {}
    return {str(one.get("scanner")): one for one in ask_daemon(daemon, {"do": "status"}).get("scanners", [])}


@contextmanager
def lent(daemon: Daemon | None, scanner: str, lent_s: float) -> Iterator[None]:
    """Have the daemon let go of a scanner as long as the context lasts; without a daemon nothing is to be done.

    Raises:
        CommandError: If it refuses.
    """
    if daemon is None:
        yield
        return
    ask_daemon(daemon, {"do": "scanner_lend", "scanner": scanner, "seconds": lent_s})
    try:
        yield
    finally:
        ask_daemon(daemon, {"do": "scanner_take_back", "scanner": scanner})
