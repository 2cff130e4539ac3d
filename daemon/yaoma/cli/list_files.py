"""List files: opens a box's list as its configuration names it, for commands that look or change."""

import fcntl
import os
import pwd
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from yaoma.cli.report import CommandError
from yaoma.config.model import Config
from yaoma.core.note import Verifier
from yaoma.shell.database import DatabaseError
from yaoma.shell.last_known import last_known
from yaoma.shell.list_db import TIME_FLOOR, TRUSTED_TIME_FLOOR, ListDb
from yaoma.shell.list_store import ListStore
from yaoma_link.identity import IdentityError, load_verifiers

__all__ = ["changing", "now_ms", "opened", "trusted"]

_LOCK = "lock"


def now_ms() -> int:
    """Give the time, milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def trusted(path: Path) -> tuple[Verifier, ...]:
    """Read a file of public keys.

    Raises:
        CommandError: If it can't be used.
    """
    try:
        return load_verifiers(path)
    except IdentityError as error:
        raise CommandError(str(error)) from error


@contextmanager
def opened(config: Config) -> Iterator[ListStore]:
    """Open what the daemon judges by, beside the daemon.

    Raises:
        CommandError: If list.db can't be opened.
    """
    with _database(config) as db:
        store = ListStore(db, config.allowlist.file, trusted(config.keys.list), config.site)
        store.refresh(at_once=True)
        try:
            yield store
        finally:
            store.close()


@contextmanager
def changing(config: Config) -> Iterator[ListDb]:
    """Open list.db to change it; only one process at a time, the daemon's news apart.

    Raises:
        CommandError: If list.db can't be opened, or another process is at it.
    """
    with _database(config) as db:
        descriptor = os.open(db.folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise CommandError(
                    "另一个更新正在进行，请稍后再试 / Another update is under way; try again in a moment"
                ) from None
            yield db
        finally:
            os.close(descriptor)


@contextmanager
def _database(config: Config) -> Iterator[ListDb]:
    folder = config.state.folder
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        owner = folder.stat().st_uid
        if os.geteuid() == 0 != owner:
            # what root leaves there the service could not read
            raise CommandError(
                f"请以服务用户运行 / Run it as the service's user: sudo -u {pwd.getpwuid(owner).pw_name} yaoma ..."
            )
        last = last_known(folder / "journal.db")
        db = ListDb.open(folder / "list.db", at_least=last.list_version)
        # What the journal knows to have passed has passed for signatures, too (ALLOWLIST.md 2).
        db.raise_floors({TIME_FLOOR: last.synced_ms, TRUSTED_TIME_FLOOR: last.synced_ms})
    except (DatabaseError, OSError) as error:
        raise CommandError(f"名单库打不开 / list.db can't be opened: {error}") from error
    try:
        yield db
    finally:
        db.close()
