"""`yaoma ticket`: open, close or cancel the ticket of a station."""

from pathlib import Path
from typing import Annotated

import typer

from yaoma.cli.report import DEFAULT_CONFIG, CommandError, ConfigOption, JsonOption, control_socket, print_json
from yaoma.shell.catalogue import load_catalogue
from yaoma.shell.control import ControlError, ask

__all__ = ["app"]

app = typer.Typer(help="Open, close or cancel the ticket of a station.", no_args_is_help=True)

Station = Annotated[str, typer.Argument(help="The station's name in the configuration.")]
Operator = Annotated[str, typer.Option(help="Who does it: an id without meaning outside the site.")]
Socket = Annotated[Path | None, typer.Option(help="The daemon's control socket, instead of the configuration's.")]


@app.command("open")
def open_ticket(
    station: Station,
    operation: Annotated[str, typer.Argument(help="What is being done: receive, dispense, ...")],
    *,
    person: Annotated[bool, typer.Option("--person", help="The next identity card is sealed to this ticket.")] = False,
    operator: Operator = "",
    config: ConfigOption = DEFAULT_CONFIG,
    socket: Socket = None,
    json: JsonOption = False,
) -> None:
    """Open a ticket; scans of the station's scanners belong to it from now on.

    Example: yaoma ticket open counter dispense
    """
    request = {"action": "open", "station": station, "operation": operation, "person": person, "operator": operator}
    _send(request, config, socket, json=json)


@app.command("close")
def close_ticket(
    station: Station,
    *,
    operator: Operator = "",
    config: ConfigOption = DEFAULT_CONFIG,
    socket: Socket = None,
    json: JsonOption = False,
) -> None:
    """Close the ticket; what was scanned takes effect.

    Example: yaoma ticket close counter
    """
    _send({"action": "close", "station": station, "operator": operator}, config, socket, json=json)


@app.command("cancel")
def cancel_ticket(
    station: Station,
    *,
    operator: Operator = "",
    config: ConfigOption = DEFAULT_CONFIG,
    socket: Socket = None,
    json: JsonOption = False,
) -> None:
    """Cancel the ticket; nothing takes effect.

    Example: yaoma ticket cancel counter
    """
    _send({"action": "cancel", "station": station, "operator": operator}, config, socket, json=json)


def _send(request: dict[str, object], config: Path, socket: Path | None, *, json: bool) -> None:
    path = socket or control_socket(config)
    try:
        answer = ask(path, {"do": "ticket", **request})
    except ControlError as error:
        raise CommandError(str(error)) from error
    if json:
        print_json(answer)
    if refusal := answer.get("refusal") or answer.get("error"):
        texts = [load_catalogue(language).refusal(str(refusal)) for language in ("zh-CN", "en")]
        raise CommandError("\n".join(f"{text.line} {text.todo}".strip() for text in texts))
    if not json:
        typer.echo(f"{answer['ticket']}  {answer['operation']}  {answer['packs']} 盒 / packs")
