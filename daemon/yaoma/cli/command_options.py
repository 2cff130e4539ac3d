"""Command options: what many commands of `yaoma` take."""

from pathlib import Path
from typing import Annotated, Final

import typer

__all__ = ["DEFAULT_CONFIG", "ConfigOption", "JsonOption", "OperatorOption", "SocketOption"]

DEFAULT_CONFIG: Final = Path("/etc/yaoma/yaoma.toml")

ConfigOption = Annotated[
    Path, typer.Option("--config", "-c", envvar="YAOMA_CONFIG", help="The configuration file.", show_default=True)
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]
OperatorOption = Annotated[str, typer.Option("--operator", help="Who does it: an id without meaning outside the site.")]
SocketOption = Annotated[
    Path | None, typer.Option("--socket", help="The daemon's control socket, instead of the configuration's.")
]
