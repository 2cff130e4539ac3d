"""Brings a file's schema up to date; the library that does it is loaded only when there is something to do."""

import sqlite3
from typing import Final, Literal

from yaoma.shell.database import Connection

__all__ = ["STEPS", "migrate"]

#: How many steps `yaoma.shell.schema` has for each kind of file; a test keeps the two together.
STEPS: Final[dict[str, int]] = {"log": 1, "site": 1, "list": 1}


def migrate(connection: Connection, kind: Literal["log", "site", "list"]) -> None:
    """Apply the steps that a file lacks, each in a transaction of its own.

    Importing sqlite-utils takes a quarter of a second and 20 MB where numpy is installed, which is the case on a box
    with a camera; a daemon that starts on existing files does without.

    Args:
        connection: To the file, in autocommit mode.
        kind: Which schema.

    Raises:
        sqlite3.Error: If the file can't be read or written.
    """
    if _applied(connection, kind) >= STEPS[kind]:
        return
    from sqlite_utils import Database  # noqa: PLC0415 - see above

    from yaoma.shell.schema import SETS  # noqa: PLC0415 - see above

    if not isinstance(connection, sqlite3.Connection):
        raise TypeError("migrations run on the standard library's connection")
    SETS[kind].apply(Database(connection))


def _applied(connection: Connection, kind: str) -> int:
    for _ in connection.execute("SELECT 1 FROM sqlite_master WHERE name = '_sqlite_migrations'"):
        for (count,) in connection.execute(
            "SELECT count(*) FROM _sqlite_migrations WHERE migration_set = ?", (f"yaoma-{kind}",)
        ):
            return int(count)
    return 0
