"""`yaoma watch`: every scan as a line of JSON, for a program beside the daemon."""

import json as json_text
from typing import Annotated, Any

import typer

from yaoma.cli.asking import asked
from yaoma.cli.command_options import DEFAULT_CONFIG, ConfigOption, SocketOption

__all__ = ["watch"]

_WAIT_S = 5


def watch(
    station: Annotated[str, typer.Argument(help="Only this station's scans; all without it.")] = "",
    *,
    number: Annotated[int, typer.Option(min=0, help="End after so many scans; 0 never ends.")] = 0,
    config: ConfigOption = DEFAULT_CONFIG,
    socket: SocketOption = None,
) -> None:
    """Print each scan as one line of JSON once it is kept; HIS or ERP needs no scanner of its own.

    Example: yaoma watch counter | your-program
    """
    at: dict[str, Any] = asked({"do": "scans"}, config, socket)
    left = number
    while True:
        request = {"do": "scans", "log": at["log"], "after": at["next"], "station": station, "wait_s": _WAIT_S}
        at = asked(request, config, socket)
        for scan in at["scans"]:
            print(json_text.dumps(scan, ensure_ascii=False), flush=True)  # noqa: T201 - the command's answer
            left -= 1
            if not left:
                return
