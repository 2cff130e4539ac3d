"""UplinkBox: a real journal, a real outbox and a real uploader on one folder, for tests of the way up."""

import queue
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

from fakes.answering_bridge import BRIDGE_KEY
from fakes.journals import BOX, SITE, folder, scan
from yaoma.core.delivery import Limits
from yaoma.core.record import ClockState, Stamp
from yaoma.service.announcement import Facts
from yaoma.service.box_logs import BoxLogs
from yaoma.service.command_receiving import CommandReceiving
from yaoma.service.line import Line
from yaoma.service.state_receiving import StateReceiving
from yaoma.service.uplink_state import ForkReason
from yaoma.service.uploader import Patience, Uploader
from yaoma.shell.command_shelf import CommandShelf
from yaoma.shell.database import open_sqlite, pragma
from yaoma.shell.journal_folder import KnownElsewhere
from yaoma.shell.list_db import ListDb
from yaoma.shell.list_news import ListNews
from yaoma.shell.outbox import Outbox
from yaoma_link.backoff import Backoff
from yaoma_link.endpoint import Endpoint
from yaoma_link.report import Retained, SessionReport
from yaoma_link.session import Session
from yaoma_link.state import MergeLine
from yaoma_link.topics import BoxName

__all__ = ["NAME", "QUICK", "UplinkBox", "until"]

NAME = BoxName(SITE, BOX)
QUICK = Limits(receipt_ms=400, silent_cap_ms=1600, settle_ms=100, refused_ms=100, refused_cap_ms=400)


def until(holds: Callable[[], bool], what: str = "", *, within_s: float = 30.0) -> None:
    """Wait until something holds."""
    deadline_s = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline_s, f"this never came: {what}"
        time.sleep(0.01)


class UplinkBox:
    """A box without scanners.

    Args:
        path: Its folder; one that was used before goes on where it was.
        endpoint: Where the broker is.
        limits: As in `Uploader`.
        patience: As in `Uploader`.
        takeover_wait_s: As in `Session`.
    """

    def __init__(
        self,
        path: Path,
        endpoint: Endpoint,
        *,
        limits: Limits = QUICK,
        patience: Patience | None = None,
        takeover_wait_s: float = 60.0,
    ) -> None:
        path.mkdir(exist_ok=True)
        self.connection: sqlite3.Connection = open_sqlite(path / "site.db")
        pragma(self.connection, "journal_mode", "WAL")
        self.outbox = Outbox(self.connection, threading.Lock(), path / "site.db")
        self.folder = folder(path / "journal")
        self.folder._known = lambda log: KnownElsewhere(confirmed_upto=self.outbox.load(log).upto)
        self.journal = self.folder.open()
        self.forks: list[tuple[str, ForkReason]] = []
        self.damages: list[tuple[str, int]] = []
        self.sessions: list[Session] = []
        self._endpoint = endpoint
        self._takeover_wait_s = takeover_wait_s
        self._number = 0
        self.list_db = ListDb.open(path / "list.db")
        self.merged: list[MergeLine] = []
        self.news = StateReceiving(NAME, [BRIDGE_KEY.verifier()], ListNews(self.list_db), on_merge=self._keep_merged)
        self.logs = BoxLogs(lambda: self.journal, self.folder)
        self.uploader = Uploader(
            NAME,
            logs=self.logs,
            outbox=self.outbox,
            verifiers=[BRIDGE_KEY.verifier()],
            open_line=self._open_line,
            facts=Facts(
                version="0.1.0",
                stamp=lambda: Stamp(1_795_000_900_000, 900_000, "0123456789abcdef", ClockState.SYNCED),
                info=lambda: {"model": "test", "scanners": ["gun"]},
                health=lambda: {"disk_free_bytes": 1 << 30, "rates": {"scans_per_hour": 60}},
            ),
            on_fork=lambda log, reason: self.forks.append((log, reason)),
            on_damage=lambda log, seq: self.damages.append((log, seq)),
            news=self.news,
            commands=CommandReceiving(
                NAME,
                (BRIDGE_KEY.verifier(),),
                CommandShelf(path),
                {"report": lambda _: {"pending": 0}},
                stamp=lambda: Stamp(1_795_000_900_000, 900_000, "0123456789abcdef", ClockState.SYNCED),
                record=lambda _: None,
            ),
            limits=limits,
            patience=patience,
        )

    def __enter__(self) -> Self:
        self.uploader.start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self.uploader.stop(15), "the uploader did not end"
        assert self.uploader.failure is None, f"the uploader failed: {self.uploader.failure!r}"
        self.logs.close()
        self.journal.close()
        self.connection.close()
        self.list_db.close()

    @property
    def log(self) -> str:
        """The open log."""
        return self.journal.log

    def scan(self, count: int = 1, *, sealed: bytes | None = None) -> None:
        """Record scans in one commit and ring the uploader."""
        entries = [replace(scan(self._number + number), sealed=sealed) for number in range(count)]
        self._number += count
        stamp = Stamp(1_795_000_000_000 + self._number, self._number, "0123456789abcdef", ClockState.SYNCED)
        self.journal.append(entries, [stamp] * count)
        self.uploader.wake()

    def cut(self) -> None:
        """Break the line without a word to the broker, as a pulled cable would."""
        stream = self.sessions[-1]._link._client.socket()
        assert isinstance(stream, socket.socket)
        stream.shutdown(socket.SHUT_RDWR)

    def _keep_merged(self, lines: Sequence[MergeLine]) -> bool:
        self.merged += lines
        return True

    def is_stored(self) -> bool:
        """Tell whether every record is confirmed, on disk."""
        return self.outbox.load(self.log).upto == self.journal.size

    def wait_stored(self) -> None:
        """Wait until every record is confirmed, on disk."""
        until(self.is_stored, "all records confirmed")

    def wait_online(self) -> None:
        """Wait until the broker has accepted us."""
        until(lambda: self.uploader.state.is_connected, "connected")

    def _open_line(
        self,
        reports: "queue.Queue[SessionReport]",
        *,
        subscriptions: Sequence[str],
        will: Retained,
        birth: Callable[[], Retained],
    ) -> Line:
        session = Session(
            self._endpoint,
            reports,
            client_id=str(NAME),
            session_expiry_s=3600,
            subscriptions=subscriptions,
            will=will,
            birth=birth,
            backoff=Backoff(random=lambda: 0.5, base_s=0.05, cap_s=0.2),
            takeover_wait_s=self._takeover_wait_s,
        )
        self.sessions.append(session)
        return session
