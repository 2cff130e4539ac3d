"""`yaoma person`: what identities the box holds sealed, and how they are erased."""

from collections import Counter
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Annotated, Any

import typer

from yaoma.cli.command_options import DEFAULT_CONFIG, ConfigOption, JsonOption
from yaoma.cli.report import CommandError, loaded, print_answer, print_json
from yaoma.config.model import Config
from yaoma.core.erasure import EraseReason, Erasure
from yaoma.shell.catalogue import LANGUAGES, load_catalogue
from yaoma.shell.control import ControlError, ask
from yaoma.shell.database import DatabaseError
from yaoma.shell.erasure import ErasePlan, draft_erasure, finish_erasure, held_identities, plan
from yaoma.shell.site_anchor import anchors
from yaoma.shell.state_lock import StateBusyError, StateLock

__all__ = ["app"]

app = typer.Typer(help="Identities that the box holds sealed: how many, and erase them.", no_args_is_help=True)

_CHINA = timezone(timedelta(hours=8))


@app.command("status")
def person_status(*, config: ConfigOption = DEFAULT_CONFIG, json: JsonOption = False) -> None:
    """Say how many sealed identities lie on the box, since when, and to which keys; never whose.

    A key that is named here must be kept by its holder.

    Example: yaoma person status
    """
    folder = loaded(config).config.state.folder
    try:
        held = held_identities(folder)
    except DatabaseError as error:
        raise CommandError(str(error)) from error
    known = [one.kept_ms for one in held if one.kept_ms is not None]
    keys = Counter(key for one in held for key in one.key_ids)
    told: dict[str, Any] = {
        "held": len({one.origin for one in held}),
        "oldest_ms": min(known, default=None),
        "keys": dict(sorted(keys.items())),
    }
    if json:
        print_json(told)
        return
    oldest = _day(told["oldest_ms"]) if known else "-"
    typer.echo(f"密封身份 / sealed identities: {told['held']}, 最早 / oldest: {oldest}")
    for key, number in told["keys"].items():
        typer.echo(f"  {key}: {number}")


@app.command("erase")
def erase(
    *,
    before: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Everything recorded before this day (Chinese time)."),
    ] = None,
    record: Annotated[str | None, typer.Option(metavar="LOG/SEQ", help="One record, as the journal shows it.")] = None,
    operator: Annotated[str, typer.Option(help="Who asks: an id without meaning outside the site.")] = "",
    even_unsent: Annotated[
        bool, typer.Option("--even-unsent", help="Also what the bridge has not stored; it is lost for ever.")
    ] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    json: JsonOption = False,
) -> None:
    """Erase sealed identities; the records stay and stay provable, and the erasure is recorded.

    The bytes go from the journal, its write-ahead log, ended logs and files set aside. A card's own spare blocks can't
    be reached by any program: what was sealed stays sealed there.

    Examples: yaoma person erase --before 2026-05-01 --operator op-7 · yaoma person erase --record abc.../4711
    """
    if (before is None) == (record is None):
        raise CommandError("请给出 --before 或 --record 之一 / name either --before or --record")
    settings = loaded(config).config
    request = {
        "before_ms": int(before.replace(tzinfo=_CHINA).timestamp() * 1000) if before else None,
        "record": list(_place(record)) if record else None,
        "operator": operator,
        "even_unsent": even_unsent,
    }
    try:
        with StateLock(settings.state.folder):
            told = _erase_here(settings, request)
    except StateBusyError:
        told = _ask_daemon(settings.control_socket, request)
    except DatabaseError as error:
        raise CommandError(str(error)) from error
    print_answer(
        told,
        f"已擦除 / erased: {told['erased']}, 未上传而保留 / kept because not delivered: {told['unsent']}",
        json=json,
    )
    if told["left"]:
        raise CommandError(f"请稍后再次执行，这些文件正被读取 / run it again, these files are in use: {told['left']}")


def _place(text: str) -> tuple[str, int]:
    log, _, seq = text.rpartition("/")
    if not log or not seq.isascii() or not seq.isdecimal():
        raise CommandError("--record: LOG/SEQ，例如 / for example abcdefghijkmnpqr/4711")
    return log, int(seq)


def _erase_here(settings: Config, request: dict[str, Any]) -> dict[str, Any]:
    """Erase while no daemon runs, as it would."""
    from yaoma.cli.assemble import box_signer  # noqa: PLC0415 - asking the daemon does not need its imports
    from yaoma.shell.clock import SystemClock  # noqa: PLC0415 - as above
    from yaoma.shell.journal import BoxIdentity, Journal  # noqa: PLC0415 - as above
    from yaoma.shell.last_known import last_known  # noqa: PLC0415 - as above

    folder = settings.state.folder
    stored = {log: frontier.size for log, frontier in anchors(folder / "site.db").items()}
    wanted = request["record"]
    chosen = plan(
        held_identities(folder),
        stored,
        before_ms=request["before_ms"],
        record=(wanted[0], wanted[1]) if wanted else None,
        even_unsent=request["even_unsent"],
    )
    if not chosen.chosen:
        return _told(chosen, ())
    clock = SystemClock(last=last_known(folder / "journal.db").stamp)
    journal = Journal.open(folder / "journal.db", BoxIdentity(settings.site, settings.box, box_signer(settings)))
    try:
        if journal.ended() or stored.get(journal.log, 0) > journal.size:
            raise CommandError("日志须先由守护进程接续 / the journal must first be continued: start the daemon once")
        draft = journal.draft()
        erasure = Erasure(EraseReason.ASKED, request["operator"], request["before_ms"])
        draft_erasure(chosen, erasure, draft, clock)
        journal.commit(draft, checkpoint=True)
        return _told(chosen, finish_erasure(chosen, folder, journal).left)
    finally:
        journal.close()


def _told(chosen: ErasePlan, left: tuple[str, ...]) -> dict[str, Any]:
    return {"erased": len(chosen.records), "unsent": chosen.unsent, "left": list(left)}


def _ask_daemon(socket: Path, request: dict[str, Any]) -> dict[str, Any]:
    try:
        answer = ask(socket, {"do": "person_erase", **request})
    except ControlError as error:
        raise CommandError(str(error)) from error
    if refusal := answer.get("refusal") or answer.get("error"):
        texts = [load_catalogue(language).refusal(str(refusal)) for language in LANGUAGES]
        raise CommandError("\n".join(f"{text.line} {text.todo}".strip() for text in texts))
    return answer


def _day(wall_ms: int) -> str:
    return datetime.fromtimestamp(wall_ms / 1000, UTC).astimezone(_CHINA).date().isoformat()
