"""`yaoma list`: what the box may accept, as it stands now."""

from pathlib import Path
from typing import Annotated, Any

import typer

from yaoma.cli.command_options import DEFAULT_CONFIG, ConfigOption, JsonOption
from yaoma.cli.list_files import changing, now_ms, opened, trusted
from yaoma.cli.report import CommandError, loaded, print_json
from yaoma.cli.update import bring_in, update
from yaoma.config.model import Config
from yaoma.core.allowlist import Allowlist
from yaoma.core.code import CodeError, Lookalike, TraceCode, from_key, parse
from yaoma.shell.database import DatabaseError
from yaoma.shell.list_db import ListDb
from yaoma.shell.list_news import ListNews
from yaoma_drivers.symbol import Symbol
from yaoma_link.state import MAX_STATE_BYTES, StateError, StateMark, StateMessage

__all__ = ["app"]

app = typer.Typer(help="What the box may accept: the signed list.", no_args_is_help=True)
app.command("update", help="The same as: yaoma update. Example: yaoma list update --from /media/stick")(update)

#: More files than these are no stick of ours.
_MAX_NOTES = 10_000


@app.command()
def status(*, config: ConfigOption = DEFAULT_CONFIG, json: JsonOption = False) -> None:
    """Show which list is in force, how fresh it is, and what was heard for this site.

    Example: yaoma list status
    """
    found = loaded(config).config
    with opened(found) as store:
        current, db = store.current, store.db
        mark = ListNews(db).mark()
        (shipments,), (statuses,), (urgent,) = (
            db.rows(f"SELECT count(*) FROM {table}")[0]  # noqa: S608 - our own names
            for table in ("shipment", "status", "urgent")
        )
        told: dict[str, Any] = {
            "version": current.version if current else None,
            "problem": store.refusal.hint if store.refusal else "",
            "issued_ms": store.issued_ms,
            "expires_ms": current.expires_ms if current else None,
            "is_stale": current is not None and current.expires_ms <= now_ms(),
            "files": [{"name": file.name, "kind": file.kind.value, "version": file.version} for file in db.files()],
            "changed": db.overlay_size(),
            "shipments": shipments,
            "statuses": statuses,
            "urgent_denials": urgent,
            "state_upto": {"epoch": mark.epoch, "upto": mark.upto},
            "floors": db.floors(),
        }
    if json:
        print_json(told)
        return
    stale = "（已过期 / stale）" if told["is_stale"] else ""
    typer.echo(f"名单 / list        {told['version'] or '无 / none'}{stale}")
    if told["problem"]:
        typer.echo(f"                  {told['problem']}")
    for file in told["files"]:
        typer.echo(f"文件 / file        {file['kind']} {file['name']}")
    typer.echo(f"增量 / changed     {told['changed']}")
    typer.echo(f"发货单 / shipments {shipments}, 状态 / statuses {statuses}, 紧急禁用 / urgent denials {urgent}")
    typer.echo(f"状态消息 / state   {mark.epoch}/{mark.upto}")


@app.command()
def check(
    code: Annotated[str, typer.Argument(metavar="CODE", help="A trace code as it is printed, or its key.")],
    *,
    config: ConfigOption = DEFAULT_CONFIG,
    json: JsonOption = False,
) -> None:
    """Say what the list knows of one pack. Exit code 0 if it may be here, 3 if not.

    Example: yaoma list check 81234560000000010001
    """
    found = loaded(config).config
    with opened(found) as store:
        current = store.current
        if current is None:
            raise CommandError(f"没有名单 / There is no list: {store.refusal.hint if store.refusal else ''}")
        told = _told(current, _code(code, current))
    if json:
        print_json(told)
    else:
        for name, value in told.items():
            typer.echo(f"{name:10} {'-' if value is None else value}")
    if told["source"] is None or told["denial"] is not None or told["damaged"]:
        raise typer.Exit(3)


@app.command("import")
def import_folder(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The stick: a repository, a folder state/, or both.")],
    *,
    config: ConfigOption = DEFAULT_CONFIG,
    json: JsonOption = False,
) -> None:
    """Bring in from a stick: the signed list, and state messages that the bridge has written for this box.

    Example: yaoma list import /media/stick
    """
    found = loaded(config).config
    if not folder.is_dir():
        raise CommandError(f"{folder}: 不是文件夹 / is no folder")
    told: dict[str, Any] = {"list": None, "state": None}
    with changing(found) as db:
        if (folder / "metadata").is_dir():
            told["list"] = bring_in(found, db, folder)
        if (folder / "state").is_dir():
            told["state"] = _bring_news(found, db, folder / "state")
    if told["list"] is None and told["state"] is None:
        raise CommandError(f"{folder}: 没有名单也没有状态消息 / holds neither a repository nor a folder state/")
    if json:
        print_json(told)
        return
    if told["list"] is not None:
        typer.echo(f"名单 / list: {told['list']['version']} ({told['list']['way']})")
        if told["list"]["policy"]:
            typer.echo(f"规则没有换成新的 / The policy stays as it was: {told['list']['policy']}", err=True)
    if told["state"] is not None:
        typer.echo(
            "状态消息 / state: {applied} 条生效 / applied, {known} 条已有 / known, "
            "{waiting} 条缺前一条未生效 / waiting for one before, {refused} 条拒绝 / refused".format(**told["state"])
        )


def _bring_news(config: Config, db: ListDb, folder: Path) -> dict[str, int]:
    """Apply the state messages of a folder in order; the same rules hold as for those that come by the broker."""
    verifiers = trusted(config.keys.bridge)
    messages, refused = [], 0
    for path in sorted(folder.glob("*.note"))[:_MAX_NOTES]:
        try:
            with path.open("rb") as stream:
                message = StateMessage.opened(stream.read(MAX_STATE_BYTES + 1), verifiers)
        except (OSError, StateError):
            refused += 1
            continue
        if (message.site, message.box) == (config.site, config.box):
            messages.append(message)
    messages.sort(key=lambda one: (one.epoch, one.number))
    try:
        applied = sum(ListNews(db).apply(message) for message in messages)
        mark = ListNews(db).mark()
    except DatabaseError as error:
        raise CommandError(f"磁盘拒绝 / The disk refuses: {error}") from error
    # What lies beyond the mark waits for a message that is not on this stick.
    waiting = sum(StateMark(message.epoch, message.number) > mark for message in messages)
    return {"applied": applied, "known": len(messages) - applied - waiting, "waiting": waiting, "refused": refused}


def _code(text: str, allowlist: Allowlist) -> TraceCode:
    try:
        return from_key(text, allowlist.patterns)
    except CodeError:
        pass
    found = parse(Symbol(text.encode(), "typed", 0), allowlist.patterns)
    if isinstance(found, TraceCode):
        return found
    kind = found.kind.value if isinstance(found, Lookalike) else "control code"
    raise CommandError(f"不是追溯码 / This is no trace code: {kind}", 2)


def _told(allowlist: Allowlist, code: TraceCode) -> dict[str, Any]:
    listing = allowlist.listing(code)
    product = allowlist.product(code.product_key)
    denial = allowlist.denial(code, listing.lot)
    return {
        "list": allowlist.version,
        "product": product.name if product else None,
        "source": listing.source.value if listing.source else None,
        "lot": listing.lot,
        "expiry": listing.expiry.isoformat() if listing.expiry else None,
        "status": listing.status.value if listing.status else None,
        "shipment": listing.shipment,
        "denial": f"{denial.kind.value} {denial.note}".strip() if denial else None,
        "damaged": listing.damaged,
    }
