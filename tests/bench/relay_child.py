"""Relay: the least that a box can do: read a line, hand it to a thread that commits it, and to one that prints it.

The same three threads, queues and disk as the box has, with nothing judged: what it takes is the machine's own.
"""

import os
import queue
import select
import sqlite3
import sys
import threading
import tty


def main() -> None:
    """Relay what a serial line sends, until it ends; arguments: the line, the database."""
    line, path = os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY), sys.argv[2]
    tty.setraw(line)
    read, kept = queue.Queue[bytes](), queue.Queue[bytes]()

    def keep() -> None:
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("CREATE TABLE IF NOT EXISTS event (id INTEGER PRIMARY KEY, body TEXT NOT NULL)")
        while True:
            body = read.get()
            connection.execute("INSERT INTO event (body) VALUES (?)", (body.decode() * 18,))
            kept.put(body)

    def show() -> None:
        while True:
            os.write(1, kept.get())

    for work in (keep, show):
        threading.Thread(target=work, daemon=True).start()
    os.write(2, b"ready\n")
    held = b""
    while True:
        select.select([line], [], [])
        held += os.read(line, 4096)
        while b"\r" in held:
            one, held = held.split(b"\r", 1)
            read.put(one)


if __name__ == "__main__":
    main()
