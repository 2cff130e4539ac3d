"""The command `yaoma-bridge despatch`: what sites sent to whom, what was found there, and notes that name nobody."""

import json
import time
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from yaoma_bridge.command_options import DEFAULT_CONFIG, ConfigOption, JsonOption
from yaoma_bridge.config import read_config, read_signer
from yaoma_bridge.despatch_clearing import words_of_sender
from yaoma_bridge.despatch_rows import DespatchState, answered, despatches
from yaoma_bridge.despatching import Despatcher
from yaoma_bridge.errors import BridgeError
from yaoma_bridge.store import Store

__all__ = ["app"]

app = typer.Typer(help="发货与收货反馈。What sites sent, and what their receivers found.", no_args_is_help=True)

#: The states in both languages.
_STATES = {
    DespatchState.UNNAMED: "未写收货方 / nobody is named",
    DespatchState.OUTSIDE: "收货方不在本中心 / partner without a box here",
    DespatchState.TOLD: "已通知，未收货 / told, not received yet",
    DespatchState.RECEIVED: "已收，一致 / received as said",
    DespatchState.DIFFERS: "已收，有差异 / received, differs",
    DespatchState.CLEARED: "有差异，已查明 / differed, cleared up",
}


@app.command("list", epilog="Example: yaoma-bridge despatch list --state differs")
def list_notes(
    config: ConfigOption = DEFAULT_CONFIG,
    *,
    site: Annotated[str, typer.Option(help="Sent by this site, or for it.")] = "",
    state: Annotated[list[DespatchState] | None, typer.Option(help="Only these.")] = None,
    as_json: JsonOption = False,
) -> None:
    """列出发货单和收货结果。List despatch notes and what became of them."""
    with Store.look(read_config(config).store.place) as store, store.reading() as tx:
        rows = despatches(tx, site, state or ())
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in rows], ensure_ascii=False))
        return
    for one in rows:
        receiver = one.receiver or one.partner or "-"
        typer.echo(f"{_when(one.made_ms)}  {one.note}  {one.site} -> {receiver}  {one.packs} 盒 / packs")
        found = f"  缺 missing {one.missing}, 多 extra {one.extra}, 存疑 in doubt {one.doubtful}"
        typer.echo(f"  {_STATES[one.state]}{found if one.missing + one.extra + one.doubtful else ''}")


@app.command(epilog="Example: yaoma-bridge despatch show yaoma:H32132200561:ABCDEFGHIJKLMNOPQRST")
def show(
    note: Annotated[str, typer.Argument(help="As `list` prints it.")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """显示收货方发现的差异。Show, as JSON, a note with the codes at fault, and what its sender found out."""
    with Store.look(read_config(config).store.place) as store, store.reading() as tx:
        found = answered(tx, note)
        words = [] if found is None else words_of_sender(tx, found[0])
    if found is None:
        raise BridgeError("there is no such note", "`yaoma-bridge despatch list` shows them")
    one, said = found
    fields = {**asdict(one), "missing_codes": sorted(said.missing), "extra_codes": sorted(said.extra)}
    found_out = [asdict(word) for word in words]
    told = {**fields, "doubtful_codes": dict(said.doubtful), "cleared": found_out}
    typer.echo(json.dumps(told, ensure_ascii=False, indent=1))


@app.command(epilog="Example: yaoma-bridge despatch send yaoma:H32132200561:ABCDEFGHIJKLMNOPQRST H32132200562")
def send(
    note: Annotated[str, typer.Argument(help="As `list` prints it.")],
    site: Annotated[str, typer.Argument(help="Who gets the goods: a site's code, or its registered name.")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """指定收货方并发送。Send a note to the boxes of a site that its ticket did not name."""
    settings = read_config(config)
    despatcher = Despatcher(settings.facts(), read_signer(settings.keys))
    with Store.open(settings.store.place) as store, store.writing() as tx:
        boxes = despatcher.send_to(tx, note, site, time.time_ns() // 1_000_000)
    typer.echo(f"{boxes} 台盒子 / boxes")


def _when(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
