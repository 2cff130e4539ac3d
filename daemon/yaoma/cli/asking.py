"""How commands ask the running daemon: one request through the control socket, refusals in both languages."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from yaoma.cli.report import CommandError, control_socket
from yaoma.shell.catalogue import load_catalogue
from yaoma.shell.control import ControlError, ask

__all__ = ["asked"]


def asked(request: Mapping[str, Any], config: Path, socket: Path | None) -> dict[str, Any]:
    """Ask the daemon, and give its answer.

    Args:
        request: What is asked.
        config: The configuration file, for the socket's path.
        socket: The socket's path, if it is not the configuration's.

    Raises:
        CommandError: If nobody answers, or what was asked is refused.
    """
    path = socket or control_socket(config)
    try:
        answer = ask(path, request)
    except ControlError as error:
        raise CommandError(str(error)) from error
    if refusal := answer.get("refusal") or answer.get("error"):
        texts = [load_catalogue(language).refusal(str(refusal)) for language in ("zh-CN", "en")]
        raise CommandError("\n".join(" → ".join(part for part in (text.line, text.todo) if part) for text in texts))
    return answer
