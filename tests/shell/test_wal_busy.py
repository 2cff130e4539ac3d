"""A write-ahead log that can't begin anew because somebody reads: it is told, never passed over."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from yaoma.core.merkle import leaf_hash
from yaoma.shell.database import DatabaseUnavailableError
from yaoma.shell.log_file import LogFile, Row

BLOB = b"sealed-marker-7781" * 3


def row(seq: int) -> Row:
    """A row that fits its hash."""
    body = f'{{"seq":{seq}}}'.encode()
    return seq, body, leaf_hash(body)


def impatient(path: Path) -> sqlite3.Connection:
    """Open as the box does, but wait for others a moment only."""
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=0.05)


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    """A log whose file is used by a box, with a sealed identity in its write-ahead log."""
    path = tmp_path / "journal.db"
    with closing(LogFile.create(path)) as file:
        file.append([row(0)], sealed={0: BLOB})
        yield path


@pytest.fixture
def reader(path: Path) -> Iterator[sqlite3.Connection]:
    """Somebody who is in the middle of reading it, such as a verification of years."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM record").fetchall()
        yield connection


def test_log_when_somebody_reads_while_it_is_recovered_then_it_is_not_appended_to(
    path: Path, reader: sqlite3.Connection
) -> None:
    """Behind pages that may never have reached the disk no commit is called kept; when the reader is gone it is."""
    with pytest.raises(DatabaseUnavailableError, match="reads"):
        LogFile.open(path, impatient)

    reader.execute("COMMIT")
    with closing(LogFile.open(path, impatient)) as file:
        file.append([row(1)])
        assert file.size() == 2


def test_identity_when_somebody_reads_while_it_is_erased_then_it_is_not_called_erased(path: Path) -> None:
    """The write-ahead log still has the bytes; once it began anew they are gone."""
    with closing(LogFile.open(path, impatient)) as file, closing(sqlite3.connect(path, isolation_level=None)) as reader:
        file.append([row(1)], sealed={1: BLOB})
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM record").fetchall()
        with pytest.raises(DatabaseUnavailableError, match="reads"):
            file.erase_sealed(1)
        reader.execute("COMMIT")

    with closing(LogFile.open(path, impatient)) as file:
        file.erase_sealed(0)
        assert file.sealed(0, 9) == {}
    assert not any(BLOB in one.read_bytes() for one in path.parent.glob("journal.db*"))
