"""How commands fail and print: one sentence for people, JSON for programs."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from yaoma.config.load import ConfigError, Loaded, load
from yaoma.config.mistake import lines_of

__all__ = [
    "DEFAULT_CONFIG",
    "EX_CONFIG",
    "CommandError",
    "ConfigOption",
    "JsonOption",
    "loaded",
    "print_json",
    "refused",
]

DEFAULT_CONFIG = Path("/etc/yaoma/yaoma.toml")

#: sysexits.h: the configuration can't be used; restarting does not help.
EX_CONFIG = 78

ConfigOption = Annotated[
    Path, typer.Option("--config", "-c", envvar="YAOMA_CONFIG", help="The configuration file.", show_default=True)
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]


class CommandError(Exception):
    """A command can't do what it was asked; the sentence says what to do.

    Args:
        sentence: For the person at the keyboard.
        exit_code: Of the process.
    """

    def __init__(self, sentence: str, exit_code: int = 1) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code


def loaded(config: Path) -> Loaded:
    """Read the configuration.

    Raises:
        CommandError: With every mistake, if it can't be used.
    """
    try:
        return load(config)
    except ConfigError as error:
        raise refused(error) from None


def refused(error: ConfigError) -> CommandError:
    """Give the error that lists every mistake of a configuration."""
    lines = "\n".join(f"  {line}" for line in lines_of(error.mistakes, ()))
    return CommandError(f"配置有误 / The configuration can't be used: {error.path}\n{lines}", EX_CONFIG)


def print_json(value: Mapping[str, Any] | list[Any]) -> None:
    """Print one JSON value."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))
