"""Anchors: how far the bridge has confirmed each log, read from site.db without disturbing the daemon."""

import sqlite3
from pathlib import Path

from yaoma.core.merkle import Frontier

__all__ = ["anchors"]


def anchors(path: Path) -> dict[str, Frontier]:
    """Give the frontier at which box and bridge agreed, by log; empty if there is none or it can't be read.

    Args:
        path: site.db.
    """
    if not path.exists():
        return {}
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
        try:
            rows = connection.execute("SELECT log, frontier FROM stored").fetchall()
        finally:
            connection.close()
        return {log: Frontier.from_bytes(frontier) for log, frontier in rows}
    except (sqlite3.Error, ValueError):
        return {}
