"""The commands that look at the store: `yaoma-bridge status`, `boxes` and `export`."""

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

from yaoma_bridge.command_options import DEFAULT_CONFIG, ConfigOption, JsonOption
from yaoma_bridge.config import read_config
from yaoma_bridge.destinations.file import event_line
from yaoma_bridge.events import events_after
from yaoma_bridge.registry import Registry
from yaoma_bridge.status import boxes_seen, bridge_status
from yaoma_bridge.store import Store

__all__ = ["boxes", "export", "status"]

_AT_ONCE = 1000
_MS = 1000


def status(config: ConfigOption = DEFAULT_CONFIG, *, as_json: JsonOption = False) -> None:
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


def export(
    to: Annotated[Path, typer.Option(help="The file to write, or - for standard output.")],
    after: Annotated[int, typer.Option(min=0, help="The feed number that was exported last.")] = 0,
    config: ConfigOption = DEFAULT_CONFIG,
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


def boxes(config: ConfigOption = DEFAULT_CONFIG, *, as_json: JsonOption = False) -> None:
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
