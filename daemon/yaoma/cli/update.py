"""`yaoma update`: fetches the newest signed list and brings it into force; a process of its own that ends."""

from pathlib import Path
from typing import Annotated

import typer

from yaoma.cli.list_files import changing, now_ms
from yaoma.cli.report import DEFAULT_CONFIG, CommandError, ConfigOption, JsonOption, loaded, print_json
from yaoma.config.model import Config
from yaoma.shell.database import DatabaseError
from yaoma.shell.list_db import FileKind, ListDb
from yaoma.shell.list_tables import read_policy
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
    if json:
        print_json(told)
    elif told["way"] == "none" and told["files"]:
        typer.echo(f"名单 / list: {told['version']}，召回、品种或规则已更新 / recalls, products or rules are new")
    elif told["way"] == "none":
        typer.echo(f"已是最新 / up to date: {told['version']}")
    else:
        typer.echo(f"名单 / list: {told['before']} → {told['version']} ({told['way']}, {told['rows']} rows)")


def bring_in(config: Config, db: ListDb, folder: Path | None) -> dict[str, int | str]:
    """Run one update.

    Args:
        config: The configuration.
        db: list.db, held by us alone.
        folder: Where the files lie; the configured address if None.

    Raises:
        CommandError: If nothing was brought in; the list in force stays.
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
                FolderFetcher(folder, db.folder), FOLDER_URL, _root(config), db.folder, now_ms=now_ms
            )
        else:
            broker = config.broker
            tls = None if broker.plain else client_context(TlsFiles(broker.authority, broker.certificate, broker.key))
            web = WebFetcher(db.folder, tls)
            source = ReleaseSource(web, config.allowlist.url or "", _root(config), db.folder, now_ms=now_ms)
        try:
            before = {file.name for file in db.files()}
            outcome = run_update(db, source, site=config.site)
        finally:
            source.close()
        _lay_out_policy(config, db)
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
    return {
        "version": outcome.version,
        "before": outcome.before,
        "way": outcome.way,
        "rows": outcome.rows,
        "files": files,
    }


def _root(config: Config) -> bytes:
    try:
        return config.allowlist.root.read_bytes()
    except OSError as error:
        raise CommandError(
            f"{config.allowlist.root}: {error.strerror}. 请从中心取得信任根 / Fetch the root of trust from the centre."
        ) from error


def _lay_out_policy(config: Config, db: ListDb) -> None:
    """Put the policy that the configuration names where it looks for it; it is checked there once more."""
    if config.policy.file is None:
        return
    for file in db.files():
        if file.kind is FileKind.POLICY and file.title == config.policy.id:
            write_public(config.policy.file, read_policy(db.folder / file.name, file.digest), replace=True)
