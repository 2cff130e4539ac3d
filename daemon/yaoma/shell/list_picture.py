"""List picture: list.db as it stood at one moment, whatever is committed later, and the news that stand in it."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from yaoma.core.allowlist import Denial
from yaoma.shell.database import SQLITE_FAILURES, classified
from yaoma.shell.list_news import read_urgent

__all__ = ["News", "open_picture", "read_news"]


@dataclass(frozen=True, slots=True)
class News:
    """What a picture of list.db says besides the codes of a release.

    Args:
        urgent: Denials that came in state messages, by key and lot.
        is_local: Whether overlay, status or shipments hold anything at all.
    """

    urgent: Mapping[tuple[str, str], Denial]
    is_local: bool


def open_picture(path: Path) -> sqlite3.Connection:
    """Open list.db so that it shows what stands there now, whatever is committed later.

    Raises:
        DatabaseError: If it can't be read.
    """
    try:
        picture = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
        )
    except SQLITE_FAILURES as error:
        raise classified(path, error) from error
    try:
        picture.execute("PRAGMA cell_size_check=1")
        # Reading is what takes the picture; BEGIN alone does not.
        picture.execute("BEGIN")
        picture.execute("SELECT 1 FROM release").fetchone()
    except SQLITE_FAILURES as error:
        picture.close()
        raise classified(path, error) from error
    return picture


def read_news(path: Path, picture: sqlite3.Connection) -> News:
    """Read what a picture of list.db says besides the codes of a release.

    Args:
        path: Where list.db lies.
        picture: Made by `open_picture`.

    Raises:
        DatabaseError: If it can't be read.
        ValueError: If a row is damaged.
    """
    try:
        urgent = picture.execute("SELECT key, lot, kind, note FROM urgent").fetchall()
        (is_local,) = picture.execute(
            "SELECT EXISTS (SELECT 1 FROM overlay) OR EXISTS (SELECT 1 FROM status) OR EXISTS (SELECT 1 FROM shipped)"
        ).fetchone()
    except SQLITE_FAILURES as error:
        raise classified(path, error) from error
    return News(read_urgent(urgent), bool(is_local))
