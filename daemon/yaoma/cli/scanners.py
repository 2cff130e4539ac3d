"""`yaoma scanners`: what is plugged in, pair a new one, test, watch, calibrate; with and without the running daemon."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from yaoma.cli.command_options import DEFAULT_CONFIG, ConfigOption, JsonOption, SocketOption
from yaoma.cli.report import print_json
from yaoma.cli.scanners_calibrate import calibrate
from yaoma.cli.scanners_daemon import daemon_at, running_states
from yaoma.cli.scanners_pair import pair
from yaoma.cli.scanners_read import direct_reads, read_lines, running_reads
from yaoma.config.inventory import Item, inventory
from yaoma.config.load import Loaded, read

__all__ = ["app"]

app = typer.Typer(help="Scanners: what is plugged in, pair a new one, test, watch, calibrate.", no_args_is_help=True)
app.command("pair")(pair)
app.command("calibrate")(calibrate)

Scanner = Annotated[str, typer.Argument(metavar="SCANNER", help="The scanner's configured name.")]

_STATES: Final = {
    "works": "正常 / works",
    "asleep": "休眠 / asleep",
    "lent": "调试中 / lent to a technician",
    "absent": "没有接上 / not plugged in",
    "not configured": "未配置 / not configured",
    "plugged in": "已接上 / plugged in",
}


@app.command("list")
def list_(*, config: ConfigOption = DEFAULT_CONFIG, socket: SocketOption = None, json: JsonOption = False) -> None:
    """List the scanners: driver, what each is known by, its station, and who has it open (all of it only as root).

    Nothing is opened. A keyboard is listed too: nothing tells it from a scanner but you.

    Examples: yaoma scanners list · sudo yaoma scanners list --json
    """
    loaded = _loaded(config)
    states = running_states(daemon_at(config, socket))
    rows = [_row(item, states) for item in inventory(loaded)]
    if json:
        print_json(rows)
        return
    for row in rows:
        for line in _lines(row):
            typer.echo(line)
    if not rows:
        typer.echo("没有找到扫码枪 / no scanner was found")


@app.command("test")
def one_scan(
    scanner: Scanner,
    *,
    config: ConfigOption = DEFAULT_CONFIG,
    socket: SocketOption = None,
    wait: Annotated[float, typer.Option("--wait", min=1, max=600, help="How long to wait for it, in seconds.")] = 30.0,
    json: JsonOption = False,
) -> None:
    """Show one scan: class, length, identifier, terminator, speed. Text is shown of trace and product codes only.

    While the daemon runs, the scan is judged and recorded as ever, and this looks on. Otherwise nothing is recorded.

    Exit codes: 0 something was read; 1 nothing came in time.

    Example: yaoma scanners test gun
    """
    _show(scanner, config, socket, wait_s=wait, number=1, json=json)


@app.command("watch")
def watch(
    scanner: Scanner,
    *,
    config: ConfigOption = DEFAULT_CONFIG,
    socket: SocketOption = None,
    number: Annotated[int, typer.Option(min=0, help="End after so many scans; 0 goes on until Ctrl+C.")] = 0,
    json: JsonOption = False,
) -> None:
    """Show each scan as it comes, like `test`.

    Example: yaoma scanners watch gun
    """
    _show(scanner, config, socket, wait_s=None, number=number, json=json)


def _show(scanner: str, config: Path, socket: Path | None, *, wait_s: float | None, number: int, json: bool) -> None:
    daemon = daemon_at(config, socket)
    reads = running_reads(daemon, scanner, wait_s) if daemon else direct_reads(config, scanner, wait_s)
    typer.echo("请扫码 / scan now", err=True)
    shown = 0
    for told in reads:
        if json:
            print_json(told)
        else:
            for line in read_lines(told):
                typer.echo(line)
        shown += 1
        if shown == number:
            return
    if not shown:
        typer.echo("没有收到扫码 / nothing was scanned", err=True)
        raise typer.Exit(1)


def _loaded(config: Path) -> Loaded | None:
    reading = read(config)
    if reading.loaded is None and reading.raw:
        typer.echo(f"{config}: 配置有误，请先运行 yaoma config check / has mistakes: yaoma config check", err=True)
    return reading.loaded


def _row(item: Item, states: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    told = states.get(item.scanner) if item.scanner else None
    if told is not None:
        state = "works" if told.get("working") else str(told.get("reason"))
    elif item.absent:
        state = item.absent
    else:
        state = "plugged in" if item.scanner else "not configured"
    fields = {name: value for name, value in asdict(item).items() if name not in {"absent", "held_by"}}
    return {**fields, "state": state, "held_by": [{"process": one.process, "name": one.name} for one in item.held_by]}


def _lines(row: Mapping[str, Any]) -> list[str]:
    where = f" @ {row['station']}" if row["station"] else ""
    head = f"{row['scanner'] or '-'}{where}  {row['driver']}  {_STATES.get(row['state'], row['state'])}"
    known = [f"{name} {row[name]}" for name in ("model", "serial", "port", "path") if row[name]]
    held = ", ".join(f"{one['name']} ({one['process']})" for one in row["held_by"])
    return [head, *(f"    {one}" for one in known), *([f"    占用 / held by {held}"] if held else [])]
