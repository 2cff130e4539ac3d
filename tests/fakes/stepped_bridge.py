"""SteppedBridge: real store, intake, verification and destination without a broker, stepped by hand."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import psycopg
import pytest

from fakes.box import BoxLog, box_signer, receipt_signer
from fakes.postgres import Postgres
from yaoma_bridge.deliver import Feeder
from yaoma_bridge.destinations.file import FileDestination, FileOptions
from yaoma_bridge.intake import Intake
from yaoma_bridge.postgres_sql import statement
from yaoma_bridge.postgres_sql import values as in_order
from yaoma_bridge.receipts import Outgoing
from yaoma_bridge.registry import Registry
from yaoma_bridge.settle import logs_to_settle, settle_log
from yaoma_bridge.store import Store
from yaoma_bridge.unsigned import leave_unsigned, logs_left_unsigned
from yaoma_bridge.verify import logs_to_verify, verify_log
from yaoma_link.receipt import Receipt
from yaoma_link.report import PublishProperties, Received
from yaoma_link.topics import BoxName, Channel

__all__ = ["SteppedBridge", "register"]

#: The server in which every bridge gets a database of its own; None: each has a file.
POSTGRES: Postgres | None = None


def register(folder: Path, name: BoxName, seed: int = 1) -> None:
    """Register a box's key."""
    folder.mkdir(exist_ok=True)
    (folder / f"{name.site}.{name.box}.vkey").write_text(f"{box_signer(name, seed).verifier()}\n")


class SteppedBridge:
    """One bridge in a folder; a clock that is set by hand."""

    def __init__(self, folder: Path, *, hold_untrusted: bool = True) -> None:
        self.folder = folder
        self.place = folder / "bridge.db" if POSTGRES is None else POSTGRES.database_of(folder)
        self.store = Store.open(self.place)
        self.signer = receipt_signer()
        self.registry = Registry(folder / "boxes")
        self.now_ms = 1_795_100_000_000
        self.hold_untrusted = hold_untrusted
        self.unsigned_after_ms = 600_000
        self.intake = Intake(self.store, self.signer, lambda: self.now_ms)
        self.events_path = folder / "events.jsonl"
        self.feeder = self._feeder()
        self.is_open = True

    def _feeder(self) -> Feeder:
        destination = FileDestination("file", FileOptions(path=self.events_path))
        return Feeder(self.store, destination, signer=self.signer, owner="test", hold_ms=1000)

    @property
    def file(self) -> Path:
        """The store's file; the test is left out where a server has it."""
        if isinstance(self.place, str):
            pytest.skip("of the store's file; a server has its own backups")
        return self.place

    def close(self) -> None:
        """Stop in order; safe to call again."""
        if self.is_open:
            self.is_open = False
            self.feeder.close()
            self.store.close()

    def take(
        self, *payloads: bytes, name: BoxName, channel: Channel = Channel.RECORDS, retain: bool = False
    ) -> list[Receipt]:
        """Take publications as one group and give the receipts they made."""
        arrivals = [
            Received(1, name.topic(channel), payload, 1, 1, retain, False, PublishProperties()) for payload in payloads
        ]
        return self.opened(self.intake.take(arrivals))

    def birth(self, log: BoxLog, *, retain: bool = False, **options: Any) -> list[Receipt]:
        """Take a birth; time enough has passed since the last one."""
        self.now_ms += 10_000
        return self.take(log.birth(**options), name=log.name, channel=Channel.STATUS, retain=retain)

    def opened(self, outgoing: list[Outgoing]) -> list[Receipt]:
        """Read receipts as a box does."""
        return [Receipt.opened(one.payload, [self.signer.verifier()]) for one in outgoing]

    def follow(self) -> list[Receipt]:
        """Verify, settle and deliver until there is nothing more to do."""
        for log_id in logs_to_verify(self.store):
            verify_log(self.store, self.registry, log_id, owner="test", now_ms=self.now_ms, hold_ms=1000)
        for log_id in logs_left_unsigned(self.store, self.now_ms, self.unsigned_after_ms):
            leave_unsigned(self.store, self.registry, log_id, now_ms=self.now_ms, after_ms=self.unsigned_after_ms)
        for log_id in logs_to_settle(self.store):
            while settle_log(self.store, log_id, hold_untrusted=self.hold_untrusted, now_ms=self.now_ms):
                pass
        made: list[Outgoing] = []
        while (more := self.feeder.feed(self.now_ms)) is not None:
            made += more
        return self.opened(made)

    def rows(self, sql: str, *values: object) -> list[Any]:
        """Look into the store."""
        with self.store.reading() as tx:
            return tx.execute(sql, values).fetchall()

    def change(self, sql: str, *values: object) -> None:
        """Plant something in the store, past every check."""
        if isinstance(self.place, str):
            text, order = statement(sql)
            with psycopg.connect(self.place, autocommit=True) as server:
                server.execute(text.encode(), in_order(values, order))
            return
        other = sqlite3.connect(self.place, isolation_level=None)
        other.execute(sql, values)
        other.close()

    def alarms(self) -> set[str]:
        """Give the kinds of the alarms so far."""
        return {row[0] for row in self.rows("SELECT kind FROM alarm")}

    def bodies(self, log: BoxLog) -> dict[int, bytes]:
        """Give what is stored of a log."""
        return dict(
            self.rows(
                "SELECT seq, body FROM record JOIN log ON log.id=log_id WHERE site=? AND box=? AND log=?",
                log.name.site,
                log.name.box,
                log.log,
            )
        )

    def exported(self) -> list[dict[str, Any]]:
        """Give the events in the file, in order."""
        if not self.events_path.exists():
            return []
        return [json.loads(line) for line in self.events_path.read_bytes().splitlines()]

    def ids(self) -> list[str]:
        """Give the ids of the events in the file, in order."""
        return [event["id"] for event in self.exported()]
