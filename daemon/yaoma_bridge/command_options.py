"""Command options: what several commands of `yaoma-bridge` take."""

from pathlib import Path
from typing import Annotated, Final

import typer

from yaoma_link.topics import BoxName

__all__ = ["DEFAULT_CONFIG", "BoxArgument", "ConfigOption", "JsonOption"]

DEFAULT_CONFIG: Final = Path("/etc/yaoma/bridge.toml")

ConfigOption = Annotated[Path, typer.Option("--config", "-c", help="The configuration.", envvar="YAOMA_BRIDGE_CONFIG")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]


def _box(text: str) -> BoxName:
    try:
        return BoxName.parse(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


BoxArgument = Annotated[BoxName, typer.Argument(metavar="SITE/BOX", help="Such as H32132200561/box-1.", parser=_box)]
