"""The command `yaoma-bridge`: run a worker, look at the store, export events."""

import json
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, BinaryIO

import typer
from rich.console import Console
from rich.table import Table

from yaoma_bridge.config import STORE_VARIABLE, read_config
from yaoma_bridge.destinations.file import event_line
from yaoma_bridge.errors import BridgeError, ConfigError
from yaoma_bridge.events import events_after
from yaoma_bridge.fleet_cli import enroll_app, fleet_app
from yaoma_bridge.registry import Registry
from yaoma_bridge.report_cli import app as report_app
from yaoma_bridge.state_cli import app as state_app
from yaoma_bridge.status import boxes_seen, bridge_status
from yaoma_bridge.store import Store
from yaoma_bridge.upload_cli import explain, hold, retry, revoke, uploads
from yaoma_bridge.worker import Worker
from yaoma_link.log_lines import log_to_journal_or_stderr

__all__ = ["app", "main"]

_DEFAULT_CONFIG = Path("/etc/yaoma/bridge.toml")
_AT_ONCE = 1000
_MS = 1000

app = typer.Typer(
    help="The centre: stores what boxes send, verifies it, uploads it, and answers with receipts.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

app.add_typer(state_app, name="state")
app.add_typer(report_app, name="report")
app.add_typer(enroll_app, name="enroll")
app.add_typer(fleet_app, name="fleet")
app.command(epilog="Example: yaoma-bridge explain 81234560000000010000")(explain)
app.command(epilog="Example: yaoma-bridge uploads --state refused --json")(uploads)
app.command(epilog="Example: yaoma-bridge retry --reason trace_platform_unknown")(retry)
app.command(epilog="Example: yaoma-bridge hold H32132200561/box-1/8f3a/17")(hold)
app.command(epilog="Example: yaoma-bridge revoke 81234560000000010000 --destination nhsa")(revoke)

_Config = Annotated[Path, typer.Option("--config", "-c", help="The configuration.", envvar="YAOMA_BRIDGE_CONFIG")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]


@app.callback()
def _options(
    store: Annotated[
        str,
        typer.Option("--store", help="The store, instead of the file's: a path, or postgresql://USER@HOST/DATABASE."),
    ] = "",
) -> None:
    """Options that come before the command."""
    if store:
        os.environ[STORE_VARIABLE] = store


@app.command(epilog="Example: yaoma-bridge run --config /etc/yaoma/bridge.toml")
def run(config: _Config = _DEFAULT_CONFIG, *, verbose: Annotated[bool, typer.Option(help="Log more.")] = False) -> None:
    """Run one worker until SIGTERM; start as many as the load needs, all with one configuration."""
    log_to_journal_or_stderr("yaoma-bridge", verbose=verbose)
    worker = Worker(read_config(config))
    worker.stop_on_signals()
    worker.run()


@app.command(epilog="Example: yaoma-bridge status --json | jq '.alarms[].kind'")
def status(config: _Config = _DEFAULT_CONFIG, *, as_json: _Json = False) -> None:
    """Show per site lag, rates and refusals; per box what is stored, verified, missing, held; destinations, alarms."""
    now_ms = time.time_ns() // 1_000_000
    with Store.look(read_config(config).store.place) as store, store.reading() as tx:
        shown = bridge_status(tx, now_ms)
    if as_json:
        typer.echo(json.dumps(shown))
        return
    sites = Table(
        "site", "boxes", "online", "waiting there", "oldest s", "lag", "missing", "accepted", "refused", "alarms"
    )
    for site in shown["sites"]:
        said = site["destinations"].items()
        accepted = ", ".join(f"{name} {one['accepted_per_mille'] / 10:.1f} %" for name, one in said)
        refused = ", ".join(f"{name} {why} {count}" for name, one in said for why, count in one["refusals"].items())
        figures = (
            site["boxes"],
            site["online"],
            site["pending"],
            f"{site['oldest_s']} s",
            site["lag"],
            site["missing"],
        )
        sites.add_row(site["site"], *map(str, figures), accepted, refused, str(site["alarms"]))
    logs = Table("box", "log", "state", "stored", "verified", "unsigned", "missing", "conflicts", "held", "last seen")
    for box in shown["boxes"]:
        for log in box["logs"]:
            missing = sum(high - low for low, high in log["missing"])
            held = ", ".join(f"{reason} {count}" for reason, count in log["held"].items())
            seen = f"{_when(box['last_seen_ms'])}{'' if box['online'] else ' (offline)'}"
            counts = (log["stored_upto"], log["verified_upto"], log["unsigned"], missing, log["conflicts"])
            logs.add_row(f"{box['site']}/{box['box']}", log["log"], log["state"], *map(str, counts), held, seen)
    destinations = Table("destination", "delivered", "waiting")
    for one in shown["destinations"]:
        destinations.add_row(one["name"], str(one["upto"]), str(one["lag"]))
    uploads_shown = Table("platform", "records")
    for name, counts in shown["uploads"].items():
        uploads_shown.add_row(name, ", ".join(f"{fate} {number}" for fate, number in counts.items()))
    alarms = Table("alarm", "box", "log", "times", "last", "facts")
    for alarm in shown["alarms"]:
        box_name = f"{alarm['site']}/{alarm['box']}" if alarm["box"] else ""
        facts = json.dumps(alarm["facts"])
        alarms.add_row(alarm["kind"], box_name, alarm["log"], str(alarm["times"]), _when(alarm["last_ms"]), facts)
    console = Console()
    for table in (sites, logs, destinations, uploads_shown, alarms):
        if table.row_count:
            console.print(table)


@app.command(epilog="Example: yaoma-bridge export --to events.jsonl --after 1200")
def export(
    to: Annotated[Path, typer.Option(help="The file to write, or - for standard output.")],
    after: Annotated[int, typer.Option(min=0, help="The feed number that was exported last.")] = 0,
    config: _Config = _DEFAULT_CONFIG,
) -> None:
    """Write events as CloudEvents 1.0 JSON lines; prints the number to go on after next time."""
    with Store.look(read_config(config).store.place) as store:
        if str(to) == "-":
            typer.echo(_write(store, after, sys.stdout.buffer), err=True)
            return
        partial = to.with_name(f"{to.name}.partial")
        with partial.open("wb") as out:
            last = _write(store, after, out)
            out.flush()
            os.fsync(out.fileno())
        partial.replace(to)
    typer.echo(last)


@app.command(epilog="Example: yaoma-bridge boxes --json | jq '.[] | select(.key == \"missing\")'")
def boxes(config: _Config = _DEFAULT_CONFIG, *, as_json: _Json = False) -> None:
    """List the boxes that are registered or were ever seen."""
    settings = read_config(config)
    with Store.look(settings.store.place) as store, store.reading() as tx:
        listed = boxes_seen(tx, Registry(settings.registry.folder))
    if as_json:
        typer.echo(json.dumps(listed))
        return
    table = Table("box", "key", "state", "online", "last seen")
    for one in listed:
        online = "yes" if one["online"] else "no"
        name = f"{one['site']}/{one['box']}"
        table.add_row(name, one["key"], one["state"], online, _when(one["last_seen_ms"]))
    Console().print(table)


def _write(store: Store, after: int, out: BinaryIO) -> int:
    """Write the events behind a number and give the last number of the feed."""
    last = after
    while True:
        with store.reading() as tx:
            feed = events_after(tx, last, _AT_ONCE)
        if not feed:
            return last
        out.writelines(event_line(row.event) for row in feed if row.event is not None)
        last = feed[-1].n


def _when(at_ms: int | None) -> str:
    return "never" if at_ms is None else datetime.fromtimestamp(at_ms / _MS, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def main() -> None:
    """Run the command line; trouble ends it with one sentence and what to do next.

    Exit code 78 (EX_CONFIG) where the configuration or a key can't be used: a new start would not help, and systemd
    makes none (RestartPreventExitStatus= of the unit). Exit code 1 for everything else.
    """
    try:
        app()
    except BridgeError as error:
        typer.echo(f"yaoma-bridge: {error.problem}", err=True)
        if error.hint:
            typer.echo(f"  {error.hint}", err=True)
        sys.exit(os.EX_CONFIG if isinstance(error, ConfigError) else 1)
