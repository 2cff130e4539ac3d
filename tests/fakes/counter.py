"""A recorder on real files with everything around it made to order."""

import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from fakes.journals import HandClock, folder
from yaoma.core.allowlist import Denial, DenialKind, MemoryAllowlist, Product
from yaoma.core.command import Command
from yaoma.core.identity import Identity
from yaoma.core.policy import Policy
from yaoma.core.record import Entry, Record, Stamp
from yaoma.core.scan import Person
from yaoma.core.ticket import Action, TicketCommand
from yaoma.core.verdict import Verdict
from yaoma.service.control_desk import ControlDesk
from yaoma.service.counter import Counter
from yaoma.service.post import Post
from yaoma.service.recorder import Recorder, RecorderParts
from yaoma.service.work import Answer, Item, Request
from yaoma.shell.clock import TimeFloor
from yaoma.shell.database import Opener, open_sqlite
from yaoma.shell.disk import DiskGauge
from yaoma.shell.journal_folder import KnownElsewhere
from yaoma.shell.operations import load_operations
from yaoma.shell.site_file import SiteFile, open_site
from yaoma.shell.site_ledger import SiteLedger
from yaoma_drivers.symbol import Symbol

LISTED = "83003850000000131888"
RECALLED = "88298420000560224025"

LIST = MemoryAllowlist(
    version=7,
    expires_ms=4_000_000_000_000,
    products={"cn20:8300385": Product("cn20:8300385", "阿莫西林胶囊")},
    codes=frozenset({f"cn20:{LISTED}", *(f"cn20:83003850{number:012d}" for number in range(1000))}),
    denials={f"cn20:{RECALLED}": Denial(DenialKind.RECALL, "2026-11")},
)


@dataclass
class Shown:
    """What an operator saw, in order."""

    verdicts: list[tuple[Symbol, Verdict, Record]] = field(default_factory=list)
    refused: list[tuple[Symbol, str]] = field(default_factory=list)

    def show(self, symbol: Symbol, verdict: Verdict, record: Record) -> None:
        """Keep it."""
        self.verdicts.append((symbol, verdict, record))

    def out_of_service(self, symbol: Symbol, cause: str) -> None:
        """Keep it."""
        self.refused.append((symbol, cause))


class SafeClock(HandClock):
    """The hand clock, usable from the recorder's thread and the test's."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()

    def __call__(self) -> Stamp:
        """Give the next second."""
        with self._lock:
            return super().__call__()


class FaultyConnection(sqlite3.Connection):
    """A real connection that fails when it is told to, at the point that SQLite itself would."""

    fail: Callable[[str], sqlite3.Error | None] = staticmethod(lambda _: None)

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        """Fail or execute."""
        error = type(self).fail(sql)
        if error is not None:
            raise error
        return super().execute(sql, parameters)


class CounterBench:
    """A recorder that runs on a folder.

    Args:
        path: The state folder.
        policy: The rules.
        opener: Opens journal.db.
        seal: Seals identities, or None.
        allowlist: The list, or None.
    """

    def __init__(
        self,
        path: Path,
        *,
        policy: Policy | None = None,
        opener: Opener = open_sqlite,
        seal: Callable[[Identity, str], Person] | None = None,
        allowlist: MemoryAllowlist | None = LIST,
        disk: DiskGauge | None = None,
        queue_size: int = 1024,
        first_entries: tuple[Entry, ...] = (),
        last: Stamp | None = None,
        control: Callable[[Mapping[str, Post]], ControlDesk] | None = None,
        look_for_idle_s: float = 10.0,
    ) -> None:
        self.path = path
        self.allowlist = allowlist
        self.policy = policy or Policy(hold_off_ms=0)
        self.posts = {"counter": Post(), "store": Post()}
        self.path.mkdir(exist_ok=True)
        self.shown = Shown()
        self.clock = SafeClock()
        self.site: SiteFile = open_site(path / "site.db")
        self.ledger = SiteLedger(self.site)
        self.items: queue.Queue[Item] = queue.Queue(queue_size)
        self.confirmed: dict[str, int] = {}
        self.kept = threading.Event()
        journals = folder(path, opener=opener)
        journals._stamp = self.clock
        journals._known = lambda log: KnownElsewhere(self.confirmed.get(log, 0), self.ledger.applied(log))
        ids = iter(range(10**9))
        self.parts = RecorderParts(
            journals=journals,
            counter=Counter(
                ledger=self.ledger,
                allowlist=lambda: self.allowlist,
                policy=lambda: self.policy,
                stations={"gun": "counter", "camera": "counter", "gun-2": "store"},
                operations=load_operations(),
                floor=TimeFloor(),
                new_id=lambda: f"t{next(ids)}",
                seal=seal,
                view=self.shown,
                control=control(self.posts) if control else None,
                posts=self.posts,
            ),
            clock=self.clock,
            clock_moved=lambda before, now: before.clock != now.clock,
            disk=disk or DiskGauge(path, low_bytes=0, full_bytes=0),
            kept=self.kept.set,
            first_entries=first_entries,
            last=last,
            look_for_idle_s=look_for_idle_s,
        )
        self.recorder = Recorder(self.parts, self.items)
        self.recorder.start()

    def scan(self, data: str | bytes, scanner: str = "gun") -> None:
        """Put a symbol into the queue."""
        raw = data if isinstance(data, bytes) else data.encode()
        # The hand clock goes a second per look, which would make every scan a late one: it was read "just now".
        self.items.put(Symbol(raw, scanner, self.clock().mono_ms + 3_600_000))

    def ticket(self, action: Action, operation: str = "dispense", **more: Any) -> Answer:
        """Send a ticket command and wait for its answer."""
        return self.ask(replace(TicketCommand(action, "counter", operation), **more))

    def ask(self, command: Command) -> Answer:
        """Send a command and wait for its answer."""
        answers: queue.Queue[Answer] = queue.Queue()
        self.items.put(Request(command, answers.put))
        return answers.get(timeout=10)

    def said(self, *codes: str, scanner: str = "gun") -> list[tuple[str, str]]:
        """Scan one code after the other and give class and reason of each."""
        before = len(self.shown.verdicts)
        for code in codes:
            self.scan(code.removeprefix("cn20:"), scanner)
        self.wait(before + len(codes))
        return [(one.verdict.value, str(one.reason)) for _, one, _ in self.shown.verdicts[before:]]

    def wait(self, count: int, deadline_s: float = 20.0) -> None:
        """Wait until so many scans were answered in one way or the other."""
        end_s = time.monotonic() + deadline_s
        while len(self.shown.verdicts) + len(self.shown.refused) < count:
            if time.monotonic() > end_s or self.recorder.failure:
                raise AssertionError(f"{self.shown} {self.recorder.failure}")
            time.sleep(0.005)

    def stop(self) -> None:
        """End the recorder and close the files."""
        if self.recorder.is_alive():
            self.items.put(None)
        self.recorder.join(20)
        self.recorder.close()
        self.site.connection.close()
