"""The command line: its verbs, and what its exit codes mean."""

import sys
from typing import Annotated

import typer

from yaoma import __version__
from yaoma.cli.report import CommandError
from yaoma.cli.verbs import Verbs

__all__ = ["app", "main"]

app = typer.Typer(
    name="yaoma",
    cls=Verbs,
    help="药码：柜台上的药品追溯码盒子。The box at the counter: reads drug trace codes, keeps every scan, delivers it.",
    epilog="Examples: yaoma run --config /etc/yaoma/yaoma.toml · yaoma status · yaoma journal verify",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _version(value: bool) -> None:  # noqa: FBT001 - typer calls it so
    if value:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _options(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Options that come before the verb."""


def main() -> None:
    """Run the command line; a failure is one sentence on standard error and exit code 1."""
    try:
        app()
    except CommandError as error:
        typer.echo(str(error), err=True)
        sys.exit(error.exit_code)
