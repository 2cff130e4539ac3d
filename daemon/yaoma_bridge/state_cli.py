"""The command `yaoma-bridge state`: tell a box about its own stock, and see what it has not confirmed."""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from yaoma_bridge.command_options import DEFAULT_CONFIG, BoxArgument, ConfigOption
from yaoma_bridge.config import read_config, read_signer
from yaoma_bridge.errors import BridgeError
from yaoma_bridge.fleet_commands import matching_boxes
from yaoma_bridge.state import queue_news, waiting_state
from yaoma_bridge.store import Store
from yaoma_bridge.tx import Tx
from yaoma_link.keyfile import write_public
from yaoma_link.state import StateError, StateMessage, read_news
from yaoma_link.topics import BoxName

__all__ = ["app"]

#: More than this is no message, whatever is in it.
_MAX_FILE_BYTES = 4 << 20

app = typer.Typer(help="What boxes are told about their own stock: shipments, code status.", no_args_is_help=True)


@app.command(epilog="Example: yaoma-bridge state add H32132200561/box-1 shipment.json")
def add(
    boxes: Annotated[str, typer.Argument(metavar="BOXES", help="SITE/BOX, or SITE/* for all of a site.")],
    file: Annotated[Path, typer.Argument(metavar="FILE.json", help="A shipment, or shipments, statuses, denials.")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Queue what a file says for boxes; a running worker sends it, and again until each box confirms it."""
    settings = read_config(config)
    news = _read(file)
    signer, now_ms = read_signer(settings.keys), time.time_ns() // 1_000_000
    with Store.open(settings.store.place) as store, store.writing() as tx:
        for box in _named(tx, boxes):
            place = queue_news(tx, box, news, signer, now_ms)
            typer.echo(f"{box}: {place}")


@app.command("list", epilog="Example: yaoma-bridge state list")
def list_waiting(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """List the boxes with the messages that each has not confirmed."""
    table = Table("box", "confirmed", "waiting")
    with Store.look(read_config(config).store.place) as store, store.reading() as tx:
        for site, box, confirmed, waiting in tx.execute(
            "SELECT site, box, confirmed, (SELECT count(*) FROM state WHERE state.site=one.site AND state.box=one.box "
            "AND n>confirmed) FROM state_box AS one ORDER BY site, box"
        ):
            table.add_row(f"{site}/{box}", str(confirmed), str(waiting))
    Console().print(table)


@app.command(epilog="Example: yaoma-bridge state export H32132200561/box-1 /media/stick")
def export(
    box: BoxArgument,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The stick; files come into its folder state/.")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Write what a box has not confirmed onto a stick, for `yaoma list import DIR`."""
    settings = read_config(config)
    with Store.open(settings.store.place) as store, store.writing() as tx:
        waiting = waiting_state(tx, box, read_signer(settings.keys))
    for one in waiting:
        write_public(folder / "state" / f"{box.site}.{box.box}.{one.rseq:08}.note", one.payload, replace=True)
    typer.echo(f"{box}: {len(waiting)}")


def _named(tx: Tx, boxes: str) -> Sequence[BoxName]:
    """Give the boxes that are meant; one that is named whole may be one that was never heard of."""
    if "*" in boxes:
        return matching_boxes(tx, boxes)
    try:
        return [BoxName.parse(boxes)]
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def _read(file: Path) -> StateMessage:
    """Read a file by hand or from a program: the news of a message, or one shipment alone."""
    try:
        if file.stat().st_size > _MAX_FILE_BYTES:
            raise BridgeError(f"{file.name}: at most {_MAX_FILE_BYTES} bytes", "Divide it")
        fields = json.loads(file.read_bytes())
    except OSError as error:
        raise BridgeError(f"{file.name} can't be read: {error.strerror}", "") from None
    except (ValueError, RecursionError):
        raise BridgeError(f"{file.name} is no JSON", "") from None
    if not isinstance(fields, dict):
        raise BridgeError(f"{file.name}: a JSON object was expected", "")
    unknown = fields.keys() - {"shipments", "statuses", "denials", "merges"}
    try:
        return read_news({"shipments": [fields]} if unknown else fields)
    except StateError as error:
        raise BridgeError(f"{file.name}: {error}", "") from None
