"""site.db as it is opened: what is damaged is set aside and made anew."""

import sqlite3
from pathlib import Path

import pytest

from yaoma.shell.outbox import Outbox
from yaoma.shell.site_file import open_site
from yaoma.shell.site_ledger import SiteLedger


def _made(path: Path) -> tuple[bool, set[str]]:
    """Open it with all its owners; tell whether it was made anew, and its columns."""
    site = open_site(path)
    SiteLedger(site)
    Outbox(site.connection, site.lock, site.path)
    columns = {
        f"{table}.{column}"
        for (table,) in list(site.connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'"))
        for _, column, *_ in list(site.connection.execute(f"PRAGMA table_info({table})"))
    }
    site.connection.close()
    return site.fresh, columns


@pytest.mark.parametrize("column", ["effect_ms", "wants_person", "frontier", "done_ms", "upto", "number"])
def test_site_when_a_column_has_lost_its_name_then_the_file_is_made_anew(tmp_path: Path, column: str) -> None:
    """SQLite finds nothing wrong with a column of another name; a box that kept the file could never start again."""
    path = tmp_path / "site.db"
    fresh, columns = _made(path)
    assert fresh
    assert _made(path) == (False, columns)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.execute("PRAGMA journal_mode=DELETE")
    connection.close()
    damaged = path.read_bytes().replace(column.encode(), b"x" * len(column))
    path.write_bytes(damaged)

    assert _made(path) == (True, columns)
    assert [one.read_bytes() for one in (tmp_path / "aside").glob("site-*.db")] == [damaged]
