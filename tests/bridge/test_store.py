"""The store's file: made once, checked always, shared by processes."""

import multiprocessing
import sqlite3
from pathlib import Path

import pytest

from yaoma_bridge.errors import StoreDamagedError, StoreUnavailableError
from yaoma_bridge.store import Store


def _count(path: Path, times: int) -> None:
    with Store.open(path) as store:
        for _ in range(times):
            with store.writing() as tx:
                (upto,) = tx.execute("SELECT upto FROM destination").fetchone() or (None,)
                if upto is None:
                    tx.execute("INSERT INTO destination (name, upto) VALUES ('n', 1)")
                else:
                    tx.execute("UPDATE destination SET upto=?", (upto + 1,))


def test_processes_that_make_and_write_one_file_at_once_take_turns(tmp_path: Path) -> None:
    """Four processes read, add and write back: no step is lost, and there is one first epoch."""
    path = tmp_path / "bridge.db"
    spawn = multiprocessing.get_context("spawn")
    workers = [spawn.Process(target=_count, args=(path, 50)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    with Store.look(path) as store, store.reading() as tx:
        assert tx.execute("SELECT upto FROM destination").fetchone() == (200,)
        assert tx.execute("SELECT COUNT(*) FROM epoch").fetchone() == (1,)


def test_a_store_is_written_ahead_with_full_fsync(tmp_path: Path) -> None:
    """WAL and synchronous=FULL are read back on each opening."""
    with Store.open(tmp_path / "bridge.db") as store, store.writing() as tx:
        assert tx.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert tx.execute("PRAGMA synchronous").fetchone() == (2,)


def test_another_programs_file_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    """A database of something else, a newer store or no database at all is never written to."""
    other, newer, text = tmp_path / "other.db", tmp_path / "newer.db", tmp_path / "text.db"
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE t (x)")
    connection.close()
    Store.open(newer).close()
    connection = sqlite3.connect(newer)
    connection.execute("PRAGMA user_version=99")
    connection.close()
    text.write_text("no database at all " * 100)
    for path in (other, newer, text):
        before = path.read_bytes()
        with pytest.raises(StoreDamagedError):
            Store.open(path)
        with pytest.raises(StoreDamagedError):
            Store.look(path)
        assert path.read_bytes() == before


def test_looking_makes_no_file_and_writes_nothing(tmp_path: Path) -> None:
    """A wrong path is an error, not a new store; a store that is looked at refuses to write."""
    with pytest.raises(StoreUnavailableError):
        Store.look(tmp_path / "nowhere.db")
    assert list(tmp_path.iterdir()) == []
    Store.open(tmp_path / "bridge.db").close()
    with Store.look(tmp_path / "bridge.db") as store, pytest.raises(StoreUnavailableError), store.writing():
        pass


def test_a_failed_transaction_leaves_nothing(tmp_path: Path) -> None:
    """An error in the block takes everything in it back, and the next writer gets its turn."""

    def fail(store: Store) -> None:
        with store.writing() as tx:
            tx.execute("INSERT INTO destination (name) VALUES ('n')")
            tx.execute("INSERT INTO nowhere VALUES (1)")

    with Store.open(tmp_path / "bridge.db") as store:
        with pytest.raises(StoreUnavailableError):
            fail(store)
        with store.writing() as tx:
            assert tx.execute("SELECT COUNT(*) FROM destination").fetchone() == (0,)
