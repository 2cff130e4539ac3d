"""How commands fail and print: one sentence for people, JSON for programs."""

import json as json_text
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from yaoma.config.mistake import lines_of

if TYPE_CHECKING:
    from yaoma.config.load import ConfigError, Loaded

__all__ = [
    "EX_CONFIG",
    "CommandError",
    "control_socket",
    "loaded",
    "print_answer",
    "print_json",
    "refused",
]

#: sysexits.h: the configuration can't be used; restarting does not help.
EX_CONFIG = 78


class CommandError(Exception):
    """A command can't do what it was asked; the sentence says what to do.

    Args:
        sentence: For the person at the keyboard.
        exit_code: Of the process.
    """

    def __init__(self, sentence: str, exit_code: int = 1) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code


def loaded(config: Path) -> "Loaded":
    """Read the configuration.

    Raises:
        CommandError: With every mistake, if it can't be used.
    """
    from yaoma.config.load import ConfigError, load  # noqa: PLC0415 - what checks it takes half of a short verb's time

    try:
        return load(config)
    except ConfigError as error:
        raise refused(error) from None


def control_socket(config: Path) -> Path:
    """Find the running daemon's socket; it may run on its last good configuration while the file has mistakes.

    Whoever may ask the daemon need not be allowed to read its state folder, where that configuration lies; what the
    file says of the socket, or else the socket's usual place, does then if there is one.

    Raises:
        CommandError: With every mistake, if there is no such socket.
    """
    from yaoma.config.last_good import last_good  # noqa: PLC0415 - as above
    from yaoma.config.load import ConfigError, read  # noqa: PLC0415 - as above
    from yaoma.config.model import Config  # noqa: PLC0415 - as above

    reading = read(config)
    if reading.loaded is not None:
        return reading.loaded.config.control_socket
    kept = last_good(reading)
    if kept is not None and kept.loaded is not None:
        return kept.loaded.config.control_socket
    named = (reading.fields or {}).get("control_socket")
    usual: Path = Config.model_fields["control_socket"].default
    socket = Path(named) if isinstance(named, str) else usual
    if reading.raw and _is_socket(socket):
        return socket
    raise refused(ConfigError(config, reading.mistakes))


def _is_socket(path: Path) -> bool:
    try:
        return path.is_socket()
    except OSError:
        return False


def refused(error: "ConfigError") -> CommandError:
    """Give the error that lists every mistake of a configuration."""
    lines = "\n".join(f"  {line}" for line in lines_of(error.mistakes, ()))
    return CommandError(f"配置有误 / The configuration can't be used: {error.path}\n{lines}", EX_CONFIG)


def print_json(value: Mapping[str, Any] | list[Any]) -> None:
    """Print one JSON value."""
    typer.echo(json_text.dumps(value, ensure_ascii=False, indent=2))


def print_answer(answer: Mapping[str, Any], line: str, *, json: bool) -> None:
    """Print an answer as a program wants it, or as a person does.

    Args:
        answer: The whole of it.
        line: What a person is told.
        json: Whether a program reads it.
    """
    if json:
        print_json(answer)
    else:
        typer.echo(line)
