"""Appends records in one way or another and prints what it cost: one process per measurement, maybe with slow syncs."""

import argparse
import json
import os
import queue
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from litequeue import LiteQueue
from persistqueue import SQLiteAckQueue, SQLiteQueue

from bench.loop_disk import sectors_written
from bench.scans import symbol
from bench.shop import Shop
from bench.sync_shim import tally_of_this_process
from yaoma.shell.collector import spare_collector

Append = Callable[[Sequence[str]], object]
"""Makes a group of records durable; our ways take codes, the others the bodies that ours made of them."""

_WARM_UP_GROUPS = 8


@contextmanager
def _recorder(folder: Path, codes: Sequence[str]) -> Iterator[Append]:
    """Judge, record and project on this thread, one commit for each group."""
    shop = Shop(folder, codes)
    shop.open_ticket()
    yield lambda group: shop.serve([symbol(code) for code in group])
    shop.close()


@contextmanager
def _recorder_thread(folder: Path, codes: Sequence[str]) -> Iterator[Append]:
    """Hand each scan to the recorder's thread and wait until it is shown."""
    shop, shown = Shop(folder, codes), queue.SimpleQueue[None]()
    shop.open_ticket()
    shop.on_shown = lambda: shown.put(None)
    shop.start()

    def scan(group: Sequence[str]) -> None:
        for code in group:
            shop.items.put(symbol(code))
        for _ in group:
            shown.get()

    yield scan
    shop.close()


@contextmanager
def _bare(folder: Path, bodies: Sequence[str]) -> Iterator[Append]:
    """The floor: INSERT the same bytes into SQLite, WAL with FULL, and do nothing else."""
    with closing(sqlite3.connect(folder / "bare.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("CREATE TABLE event (id INTEGER PRIMARY KEY, body TEXT NOT NULL)")

        def insert(group: Sequence[str]) -> None:
            connection.execute("BEGIN IMMEDIATE")
            for body in group:
                connection.execute("INSERT INTO event (body) VALUES (?)", (body,))
            connection.execute("COMMIT")

        def insert_one(group: Sequence[str]) -> None:
            connection.execute("INSERT INTO event (body) VALUES (?)", group)

        yield lambda group: insert(group) if len(group) > 1 else insert_one(group)


@contextmanager
def _persist_queue(folder: Path, bodies: Sequence[str]) -> Iterator[Append]:
    with closing(SQLiteQueue(str(folder / "persist"), auto_commit=True)) as store:
        yield lambda group: [store.put(body) for body in group]


@contextmanager
def _persist_ack_queue(folder: Path, bodies: Sequence[str]) -> Iterator[Append]:
    with closing(SQLiteAckQueue(str(folder / "persist"), auto_commit=True)) as store:
        yield lambda group: [store.put(body) for body in group]


@contextmanager
def _litequeue(folder: Path, bodies: Sequence[str]) -> Iterator[Append]:
    """As it comes: it does not sync."""
    with closing(LiteQueue(str(folder / "lite.db"))) as store:
        yield lambda group: [store.put(body) for body in group]


@contextmanager
def _litequeue_full(folder: Path, bodies: Sequence[str]) -> Iterator[Append]:
    """Made as durable as the others."""
    with closing(LiteQueue(str(folder / "lite.db"))) as store:
        store.conn.execute("PRAGMA synchronous=FULL")
        yield lambda group: [store.put(body) for body in group]


WAYS: dict[str, Callable[[Path, Sequence[str]], AbstractContextManager[Append]]] = {
    "recorder": _recorder,
    "recorder_thread": _recorder_thread,
    "bare": _bare,
    "persist_queue": _persist_queue,
    "persist_ack_queue": _persist_ack_queue,
    "litequeue": _litequeue,
    "litequeue_full": _litequeue_full,
}


def main() -> None:
    """Append the lines of a file; print seconds, processor time, syncs and sectors as JSON."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("way", choices=WAYS)
    parser.add_argument("folder", type=Path)
    parser.add_argument("lines", type=Path)
    parser.add_argument("--group", type=int, default=1)
    parser.add_argument("--device", default="")
    options = parser.parse_args()
    lines = options.lines.read_text().splitlines()
    groups = [lines[at : at + options.group] for at in range(0, len(lines), options.group)]
    warm_up, measured = groups[:_WARM_UP_GROUPS], groups[_WARM_UP_GROUPS:]
    with WAYS[options.way](options.folder, lines) as append:
        spare_collector()
        for group in warm_up:
            append(group)
        os.sync()
        sectors, syncs = sectors_written(options.device), tally_of_this_process()
        began_s, began_cpu_s = time.perf_counter(), time.process_time()
        for group in measured:
            append(group)
        seconds, cpu_s = time.perf_counter() - began_s, time.process_time() - began_cpu_s
        synced = tally_of_this_process().since(syncs)
    os.sync()
    found = {
        "records": sum(map(len, measured)),
        "seconds": seconds,
        "cpu_s": cpu_s,
        "syncs": synced.calls,
        "sync_s": synced.nanoseconds / 1e9,
        "bytes": 512 * (sectors_written(options.device) - sectors),
    }
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
