"""The commands `yaoma-bridge enroll` and `fleet`: boxes that join, are commanded, replaced and shut out."""

import json
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from yaoma.core.report_period import clock_text
from yaoma_bridge.command_options import DEFAULT_CONFIG, BoxArgument, ConfigOption, JsonOption
from yaoma_bridge.config import BridgeConfig, read_config, read_signer
from yaoma_bridge.config_tables import FleetTable
from yaoma_bridge.enrolling import answer_request, make_token
from yaoma_bridge.errors import BridgeError, ConfigError
from yaoma_bridge.fleet import put_in_place, retire
from yaoma_bridge.fleet_commands import matching_boxes, queue_command
from yaoma_bridge.registry import Registry
from yaoma_bridge.store import Store
from yaoma_link.authority import AuthorityError, load_authority
from yaoma_link.command import CommandName
from yaoma_link.keyfile import write_public
from yaoma_link.register import Register

__all__ = ["enroll_app", "fleet_app"]

enroll_app = typer.Typer(help="Boxes that join: one-time tokens, certificates, registry.", no_args_is_help=True)
fleet_app = typer.Typer(help="Boxes that are there: commands, replacing, shutting out.", no_args_is_help=True)

_HOUR_MS = 3_600_000


_Boxes = Annotated[str, typer.Argument(metavar="BOXES", help="SITE/BOX, SITE/* or *.")]


@enroll_app.command(epilog="Example: yaoma-bridge enroll token H32132200561/counter-1")
def token(box: BoxArgument, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Make a one-time token for a box and print it; read it out to whoever stands before the box."""
    settings = read_config(config)
    valid_ms = _fleet(settings).token_hours * _HOUR_MS
    with Store.open(settings.store.place) as store:
        typer.echo(make_token(store, box, _now_ms(), valid_ms))


@enroll_app.command(epilog="Example: yaoma-bridge enroll sign counter-1.request counter-1.answer")
def sign(
    request: Annotated[Path, typer.Argument(metavar="REQUEST", help="The file that `yaoma enroll request` wrote.")],
    out: Annotated[Path, typer.Argument(metavar="ANSWER", help="The file for `yaoma enroll finish`.")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Sign a box's request: its certificate is made and its key registered; the token is used up."""
    settings = read_config(config)
    try:
        content = request.read_bytes()
    except OSError as error:
        raise BridgeError(f"{request}: {error.strerror}", "") from None
    with Store.open(settings.store.place) as store:
        name, answer = answer_request(
            store,
            Registry(settings.registry.folder),
            _fleet(settings).authority,
            read_signer(settings.keys).verifier(),
            content=content,
            now_ms=_now_ms(),
        )
    write_public(out, answer, replace=True)
    typer.echo(f"{name}: {out}")


@fleet_app.command(epilog="Example: yaoma-bridge fleet command restart 'H32132200561/*'")
def command(
    name: Annotated[CommandName, typer.Argument(help="What to do.")],
    boxes: _Boxes,
    file: Annotated[Path | None, typer.Option(help="For `policy`: the signed policy.")] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Queue a signed command for one box, a site or all; `fleet commands` shows what became of it."""
    settings = read_config(config)
    if (file is None) is (name is CommandName.POLICY):
        raise BridgeError("policy, and only policy, wants --file", "Sign one: yaoma-tools policy sign")
    try:
        arguments = {} if file is None else {"policy": file.read_text("utf-8")}
    except (OSError, UnicodeDecodeError):
        raise BridgeError(f"{file} can't be read", "") from None
    valid_ms = (settings.fleet.command_hours if settings.fleet is not None else 72) * _HOUR_MS
    signer, now_ms = read_signer(settings.keys), _now_ms()
    with Store.open(settings.store.place) as store, store.writing() as tx:
        for box in matching_boxes(tx, boxes):
            number = queue_command(tx, box, name.value, arguments, signer, now_ms=now_ms, valid_ms=valid_ms)
            typer.echo(f"{box}: {number}")


@fleet_app.command(epilog="Example: yaoma-bridge fleet commands --json | jq '.[] | select(.state == \"refused\")'")
def commands(
    config: ConfigOption = DEFAULT_CONFIG,
    *,
    as_json: JsonOption = False,
) -> None:
    """List the commands with what became of each, newest first."""
    with Store.look(read_config(config).store.place) as store, store.reading() as tx:
        rows = tx.execute(
            "SELECT site, box, n, name, state, reason, answer, made_ms, answered_ms FROM command "
            "ORDER BY made_ms DESC, site, box LIMIT 1000"
        ).fetchall()
    if as_json:
        names = ("site", "box", "number", "name", "state", "reason", "answer", "made_ms", "answered_ms")
        listed = [dict(zip(names, row, strict=True)) for row in rows]
        typer.echo(json.dumps([{**one, "answer": json.loads(one["answer"])} for one in listed]))
        return
    table = Table("box", "command", "state", "reason", "made", "answered")
    for site, box, _, name, state, reason, _, made_ms, answered_ms in rows:
        table.add_row(f"{site}/{box}", name, state, reason, clock_text(made_ms), clock_text(answered_ms or None))
    Console().print(table)


@fleet_app.command(epilog="Example: yaoma-bridge fleet replace H32132200561/counter-1 H32132200561/counter-1b")
def replace(old: BoxArgument, new: BoxArgument, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Let a new box take an old one's place: it is told where each pack of the site stands, and what is on its way.

    The old one stays registered, so that its card may still be read and delivered; shut it out with `fleet revoke`.
    """
    settings = read_config(config)
    with Store.open(settings.store.place) as store, store.writing() as tx:
        packs, messages = put_in_place(tx, old, new, read_signer(settings.keys), _now_ms())
    typer.echo(f"{new}: {packs} packs, {messages} other messages")


@fleet_app.command(epilog="Example: yaoma-bridge fleet revoke H32132200561/counter-1 --reason stolen")
def revoke(
    box: BoxArgument,
    reason: Annotated[str, typer.Option(help="Why, such as stolen.")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Shut a box out: its certificates go on the revocation list, its key is withdrawn, its further records are held.

    Give the broker the new list (`revoked.pem`) and send it SIGHUP; a restart ends connections that stand.
    """
    if not reason.strip() or len(reason) > 100 or not reason.isprintable():  # noqa: PLR2004 - a line of text
        raise BridgeError("the reason is 1 to 100 printable characters", "")
    settings = read_config(config)
    registry = Registry(settings.registry.folder)
    with Store.open(settings.store.place) as store, store.writing() as tx:
        was_registered = retire(tx, registry, box, reason, _now_ms())
    if settings.fleet is None:
        typer.echo(f"{box}: withdrawn; revoke its certificate where the authority is: yaoma-tools ca revoke")
        return
    try:
        authority = load_authority(settings.fleet.authority)
        number = Register(authority).revoke(str(box))
    except AuthorityError as error:
        raise BridgeError(f"{box} is withdrawn here, but {error.problem}", error.hint) from None
    withdrawn = "its key is withdrawn" if was_registered else "it had no key here"
    typer.echo(f"{box}: {number} certificates are revoked, {withdrawn}. The broker needs {authority.revocation_file}")


@fleet_app.command(epilog="Example: yaoma-bridge fleet retired")
def retired(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """List the boxes that were replaced or shut out."""
    with Store.look(read_config(config).store.place) as store, store.reading() as tx:
        for site, box, reason, successor, at_ms in tx.execute(
            "SELECT site, box, reason, successor, at_ms FROM retired ORDER BY at_ms"
        ):
            typer.echo(f"{clock_text(at_ms)}  {site}/{box}  {reason}  {successor}".rstrip())


def _fleet(settings: BridgeConfig) -> FleetTable:
    if settings.fleet is None:
        raise ConfigError("the table [fleet] is missing", "Name the authority's folder there, on this machine only")
    return settings.fleet


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
