"""The commands about uploads: what is stuck, why, and what a person decides about it."""

import json
import time
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from yaoma.core.report_facts import DESPATCH
from yaoma_bridge.command_options import DEFAULT_CONFIG, ConfigOption, JsonOption
from yaoma_bridge.config import BridgeConfig, read_config, read_signer
from yaoma_bridge.destinations.find import make_destination
from yaoma_bridge.errors import BridgeError
from yaoma_bridge.explain import Place, explained, places_of, stuck
from yaoma_bridge.fate import Fate
from yaoma_bridge.platform import Revocable
from yaoma_bridge.rulings import hold as hold_records
from yaoma_bridge.rulings import retry as retry_records
from yaoma_bridge.rulings import revoke as revoke_records
from yaoma_bridge.store import Store
from yaoma_bridge.wording import LANGUAGES, said

__all__ = ["explain", "hold", "retry", "revoke", "uploads"]

_MS = 1000
_DEAD = (Fate.REFUSED, Fate.HELD, Fate.UNKNOWN)

_Wanted = Annotated[
    list[str] | None,
    typer.Argument(metavar="RECORD|CODE...", help="SITE/BOX/LOG/SEQ, a feed number, a code, or a platform's number."),
]
_At = Annotated[str, typer.Option("--destination", "-d", help="At this destination only.")]
_Site = Annotated[str, typer.Option(help="Of this institution only.")]
_Reason = Annotated[str, typer.Option(help="Everything that is held or refused for this reason.")]


def explain(
    wanted: Annotated[str, typer.Argument(metavar="RECORD|CODE", help="As `uploads` prints it, or a code.")],
    config: ConfigOption = DEFAULT_CONFIG,
    *,
    as_json: JsonOption = False,
) -> None:
    """说明一条记录的上传。Tell where a record or a code stands at each platform, how it came there, and what to do."""
    settings = read_config(config)
    names = [*(table.name for table in settings.destination), DESPATCH]
    with Store.look(settings.store.place) as store, store.reading() as tx:
        told = [explained(tx, place, names) for place in places_of(tx, wanted)]
    if not told:
        raise BridgeError("nothing is known of it", "Name SITE/BOX/LOG/SEQ, a feed number or a whole code")
    if as_json:
        typer.echo(json.dumps(told, ensure_ascii=False))
        return
    for one in told:
        _print(one)


def uploads(
    config: ConfigOption = DEFAULT_CONFIG,
    *,
    state: Annotated[list[Fate] | None, typer.Option(help="Which; refused, held and unknown if none is named.")] = None,
    destination: _At = "",
    site: _Site = "",
    as_json: JsonOption = False,
) -> None:
    """列出没有上传成功的记录。List records that are stuck: refused, held back, or unknown."""
    settings = read_config(config)
    fates = [one.value for one in state or _DEAD]
    with Store.look(settings.store.place) as store, store.reading() as tx:
        rows = stuck(tx, fates, destination, site)
    if as_json:
        typer.echo(json.dumps(rows))
        return
    table = Table("record", "destination", "state", "reason", "原因", "since")
    for row in rows:
        reason = said("zh-CN", "outcome", row["reason"])[0] if row["reason"] else ""
        table.add_row(row["record"], row["destination"], row["state"], row["reason"], reason, _when(row["since_ms"]))
    Console().print(table)


def retry(
    wanted: _Wanted = None,
    config: ConfigOption = DEFAULT_CONFIG,
    *,
    destination: _At = "",
    site: _Site = "",
    reason: _Reason = "",
) -> None:
    """改正后重新上传。Send anew what is refused, held or unknown, once what was wrong is put right."""
    settings = read_config(config)
    signer, now_ms, count = read_signer(settings.keys), _now_ms(), 0
    with Store.open(settings.store.place) as store, store.writing() as tx:
        for name in _names(settings, destination):
            numbers = [place.n for text in wanted or () for place in places_of(tx, text)]
            if reason or (site and not wanted):
                fates = [Fate.HELD.value, Fate.REFUSED.value]
                rows = stuck(tx, fates, name, site)
                numbers += [row["n"] for row in rows if not reason or row["reason"] == reason]
            count += retry_records(tx, name, numbers, signer, now_ms)
    typer.echo(count)


def hold(
    wanted: Annotated[list[str], typer.Argument(metavar="RECORD|CODE...", help="As for `retry`.")],
    config: ConfigOption = DEFAULT_CONFIG,
    *,
    destination: _At = "",
) -> None:
    """暂停还没有发送的上传。Hold back what was not sent yet; `retry` lets it go on."""
    settings = read_config(config)
    signer, count = read_signer(settings.keys), 0
    with Store.open(settings.store.place) as store, store.writing() as tx:
        numbers = [place.n for text in wanted for place in places_of(tx, text)]
        for name in _names(settings, destination):
            count += hold_records(tx, name, numbers, signer, _now_ms())
    typer.echo(count)


def revoke(
    wanted: Annotated[list[str], typer.Argument(metavar="RECORD|CODE...", help="As for `retry`.")],
    destination: Annotated[str, typer.Option("--destination", "-d", help="At which destination.")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """撤回已通过的上传。Take back at a platform what it had accepted, where it allows that (such as 3507)."""
    settings = read_config(config)
    tables = [table for table in settings.destination if table.name == destination]
    if not tables:
        raise BridgeError(f"there is no destination {destination}", "Name one of the configuration")
    platform = make_destination(tables[0].kind, tables[0].name, tables[0].model_extra or {})
    if not isinstance(platform, Revocable):
        raise BridgeError(f"nothing can be taken back at {destination}", "Ask the platform's service")
    signer = read_signer(settings.keys)
    with Store.open(settings.store.place) as store:
        with store.reading() as tx:
            numbers: list[Place] = [place for text in wanted for place in places_of(tx, text)]
        answers = revoke_records(
            store,
            platform,
            [place.n for place in numbers],
            facts=settings.facts(),
            signer=signer,
            now_ms=_now_ms(),
        )
    platform.close()
    for number, answer in answers:
        typer.echo(f"{number}: {answer.state.value} {answer.reason} {answer.said}".rstrip())


def _names(settings: BridgeConfig, destination: str) -> list[str]:
    return [table.name for table in settings.destination if destination in {"", table.name}]


def _print(one: dict[str, Any]) -> None:
    """Print what is known of one record, Chinese and English beside each other."""
    code = f"  {one['code']}" if one["code"] else ""
    ticket = f"  单据 / ticket {one['ticket']}" if one["ticket"] else ""
    typer.echo(f"{one['record']}  ({one['n']}){code}{ticket}")
    if one["state"] != "open":
        _say("  ", "upload", one["state"])
    for upload in one["uploads"]:
        gone = "" if upload["configured"] else "  (不在配置中 / not configured)"
        typer.echo(f"  {upload['destination']}: {upload['state']}  {_when(upload['since_ms'])}{gone}")
        _say("    ", "upload", upload["state"])
        if upload["reason"]:
            typer.echo(f"    {upload['reason']}")
            _say("    ", "outcome", upload["reason"])
        for parcel in upload["parcels"]:
            typer.echo(
                f"    单号 / number {parcel['number']}  {parcel['call']}  {parcel['state']}  tries {parcel['tries']}"
            )
            if parcel["said"]:
                typer.echo(f"      平台原话 / said: {parcel['said']}")
            for step in parcel["moves"]:
                detail = " ".join(text for text in (step["reason"], step["said"]) if text)
                typer.echo(f"      {_when(step['at_ms'])}  {step['cause']} -> {step['state']}  {detail}".rstrip())


def _say(indent: str, section: str, name: str) -> None:
    for language in LANGUAGES:
        line, todo = said(language, section, name)
        typer.echo(f"{indent}{line}{'。' if language == 'zh-CN' else '. '}{todo}".rstrip())


def _when(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / _MS, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
