"""`yaoma update`: fetches the newest signed list and brings it into force; a process of its own that ends."""

from pathlib import Path
from typing import Annotated

import typer

from yaoma.cli.command_options import DEFAULT_CONFIG, ConfigOption, JsonOption
from yaoma.cli.list_files import changing, now_ms
from yaoma.cli.report import CommandError, loaded, print_json
from yaoma.config.model import Config
from yaoma.shell.clock import is_synced
from yaoma.shell.database import DatabaseError
from yaoma.shell.list_db import ListDb
from yaoma.shell.list_release import FileKind
from yaoma.shell.list_tables import TableRefusedError, read_policy
from yaoma_link.endpoint import TlsFiles
from yaoma_link.identity import IdentityError
from yaoma_link.keyfile import write_public
from yaoma_link.log_lines import log_to_journal_or_stderr
from yaoma_link.tls import client_context

__all__ = ["bring_in", "update"]


def update(
    *,
    source: Annotated[
        Path | None, typer.Option("--from", metavar="DIR", help="A folder, such as a stick, instead of the address.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    json: JsonOption = False,
) -> None:
    """Fetch the newest list that the centre has signed; what is forged, older or expired changes nothing.

    The daemon takes it up within seconds, without a restart. A broker only announces that there is something new; this
    command and its timer fetch it.

    Examples: yaoma update · yaoma update --from /media/stick
    """
    log_to_journal_or_stderr("yaoma-update", verbose=False)
    found = loaded(config).config
    with changing(found) as db:
        told = bring_in(found, db, source)
    policy = str(told["policy"])
    if json:
        print_json(told)
    elif told["way"] == "none" and told["files"]:
        typer.echo(f"名单 / list: {told['version']}，召回、品种或规则已更新 / recalls, products or rules are new")
    elif told["way"] == "none":
        typer.echo(f"已是最新 / up to date: {told['version']}")
    else:
        typer.echo(f"名单 / list: {told['before']} → {told['version']} ({told['way']}, {told['rows']} rows)")
    if policy:
        # The list is in force; a unit that ends so is seen by whoever looks for what failed.
        raise CommandError(
            f"名单已生效，但规则没有换成新的 / The list is in force, the policy stays as it was: {policy}"
        )


def bring_in(config: Config, db: ListDb, folder: Path | None) -> dict[str, int | str]:
    """Run one update.

    Args:
        config: The configuration.
        db: list.db, held by us alone.
        folder: Where the files lie; the configured address if None.

    Raises:
        CommandError: If nothing was brought in; the list in force stays.

    Returns:
        What came of it; `policy` says why the policy that came is not used, and is empty if all is well.
    """
    # tuf takes a quarter of a second to load and is an extra: nothing but this command needs it
    from yaoma.shell.list_fetch import FOLDER_URL, FolderFetcher, WebFetcher  # noqa: PLC0415 - see above
    from yaoma.shell.list_update import update as run_update  # noqa: PLC0415 - see above
    from yaoma.shell.release_source import (  # noqa: PLC0415 - see above
        ReleaseRefusedError,
        ReleaseSource,
        SourceUnreachableError,
    )

    if folder is None and config.allowlist.url is None:
        raise CommandError(
            "没有名单地址 / No address: set [allowlist] url, or name a folder: yaoma update --from DIR", 2
        )
    web = None
    try:
        if folder is not None:
            source = ReleaseSource(
                FolderFetcher(folder, db.folder),
                FOLDER_URL,
                _root(config),
                db.folder,
                now_ms=now_ms,
                is_synced=_is_synced,
            )
        else:
            broker = config.broker
            tls = None if broker.plain else client_context(TlsFiles(broker.authority, broker.certificate, broker.key))
            web = WebFetcher(db.folder, tls)
            source = ReleaseSource(
                web, config.allowlist.url or "", _root(config), db.folder, now_ms=now_ms, is_synced=_is_synced
            )
        try:
            before = {file.name for file in db.files()}
            # Without a file the box uses a policy that ships, and needs none of the release.
            policies = [config.policy.id] if config.policy.file is not None else []
            outcome = run_update(db, source, site=config.site, policies=policies)
        finally:
            source.close()
    except ReleaseRefusedError as error:
        raise CommandError(
            f"更新被拒绝，名单不变 / The update is refused, the list stays as it is: {error}. "
            "请告知中心 / Tell the centre."
        ) from error
    except SourceUnreachableError as error:
        raise CommandError(f"现在取不到，稍后再试 / Not to be had now, try again later: {error}") from error
    except IdentityError as error:
        raise CommandError(str(error)) from error
    except (DatabaseError, OSError) as error:
        raise CommandError(f"磁盘拒绝，名单不变 / The disk refuses, the list stays as it is: {error}") from error
    finally:
        if web is not None:
            web.close()
    files = len({file.name for file in db.files()} - before)
    policy = outcome.policy_problem or _lay_out_policy(config, db)
    return {
        "version": outcome.version,
        "before": outcome.before,
        "way": outcome.way,
        "rows": outcome.rows,
        "files": files,
        "policy": policy,
    }


def _is_synced() -> bool:
    return is_synced(now_ms())


def _root(config: Config) -> bytes:
    try:
        return config.allowlist.root.read_bytes()
    except OSError as error:
        raise CommandError(
            f"{config.allowlist.root}: {error.strerror}. 请从中心取得信任根 / Fetch the root of trust from the centre."
        ) from error


def _lay_out_policy(config: Config, db: ListDb) -> str:
    """Put the policy that the configuration names where it looks for it; it is checked there once more.

    Returns:
        Why it could not be put there; empty if it lies there, or if the release has none.
    """
    place = config.policy.file
    if place is None:
        return ""
    for file in db.files():
        if file.kind is not FileKind.POLICY or file.title != config.policy.id:
            continue
        try:
            content = read_policy(db.folder / file.name, file.digest)
            # Who may only read that file has nothing to do as long as it is the same.
            if not _holds(place, content):
                write_public(place, content, replace=True)
        except TableRefusedError as error:
            return str(error)
        except OSError as error:
            within = config.state.folder / place.name
            return (
                f"{place}: 写不进去 / can't be written: {error.strerror}. "
                f"请把 [policy] file 改为 {within}，或手工放到这里 / "
                f"Set [policy] file to {within}, or put it there by hand: sudo cp {db.folder / file.name} {place}"
            )
    return ""


def _holds(place: Path, content: bytes) -> bool:
    try:
        return place.read_bytes() == content
    except OSError:
        return False
