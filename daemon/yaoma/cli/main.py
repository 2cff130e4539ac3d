"""The command line: its verbs, and what its exit codes mean."""

import sys
from typing import Annotated

import typer

from yaoma import __version__
from yaoma.cli import config, doctor, journal, keys, run, scan, status, ticket
from yaoma.cli.report import CommandError

__all__ = ["app", "main"]

app = typer.Typer(
    name="yaoma",
    help="药码：柜台上的药品追溯码盒子。The box at the counter: reads drug trace codes, keeps every scan, delivers it.",
    epilog="Examples: yaoma run --config /etc/yaoma/yaoma.toml · yaoma status · yaoma journal verify",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command("run")(run.run)
app.command("status")(status.status)
app.command("scan")(scan.scan)
app.command("doctor")(doctor.doctor)
app.add_typer(ticket.app, name="ticket")
app.add_typer(config.app, name="config")
app.add_typer(journal.app, name="journal")
app.add_typer(keys.app, name="keys")


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
