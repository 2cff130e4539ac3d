"""Shop: the real recorder, counter, ledger and journal on real files, called directly, without broker or scanner."""

import queue
import random
from collections.abc import Callable, Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bench.scans import SCANNER, STATION, ShopClock, small_list
from yaoma import __version__
from yaoma.core.checkpoint import box_key_name
from yaoma.core.note import Signer
from yaoma.core.policy import Policy
from yaoma.core.record import Record, Stamp
from yaoma.core.ticket import Action, TicketCommand
from yaoma.core.verdict import Verdict
from yaoma.service.counter import Counter
from yaoma.service.recorder import Recorder, RecorderParts
from yaoma.service.work import Item, Request
from yaoma.shell.clock import SystemClock, TimeFloor, changed
from yaoma.shell.disk import DiskGauge
from yaoma.shell.journal import BoxIdentity, Journal
from yaoma.shell.journal_folder import JournalFolder
from yaoma.shell.operations import load_operations
from yaoma.shell.site_file import open_site
from yaoma.shell.site_ledger import SiteLedger
from yaoma_drivers.symbol import Symbol

__all__ = ["BOX", "SITE", "Shop", "scanned_morning"]

SITE = "H32132200561"
BOX = "b1"


class Shop:
    """A recorder that is called directly; `start` gives it its thread instead.

    Args:
        folder: The state folder; made if it is missing.
        codes: What the list holds.
        signer: Signs checkpoints; a throw-away key if None.
        clock: Gives the time; the machine's own if None.
    """

    def __init__(
        self,
        folder: Path,
        codes: Sequence[str],
        *,
        signer: Signer | None = None,
        clock: Callable[[], Stamp] | None = None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.shown = 0
        self.on_shown: Callable[[], object] = lambda: None
        self.items: queue.Queue[Item] = queue.Queue(1024)
        self._site = open_site(folder / "site.db")
        key = signer or Signer(box_key_name(SITE, BOX), Ed25519PrivateKey.from_private_bytes(bytes(32)))
        now, allowlist, dice = clock or SystemClock(), small_list(list(codes)), random.Random(5)
        self._recorder = Recorder(
            RecorderParts(
                journals=JournalFolder(folder, BoxIdentity(SITE, BOX, key), version=__version__, stamp=now),
                counter=Counter(
                    ledger=SiteLedger(self._site),
                    allowlist=lambda: allowlist,
                    policy=Policy,
                    stations={SCANNER: STATION},
                    operations=load_operations(),
                    floor=TimeFloor(),
                    new_id=lambda: f"{dice.getrandbits(64):016x}",
                    seal=None,
                    view=self,
                ),
                clock=now,
                clock_moved=changed,
                disk=DiskGauge(folder, low_bytes=0, full_bytes=0),
                kept=lambda: None,
            ),
            self.items,
        )
        self.serve([])

    def show(self, symbol: Symbol, verdict: Verdict, record: Record) -> None:
        """Count what an operator would see."""
        self.shown += 1
        self.on_shown()

    def out_of_service(self, symbol: Symbol, cause: str) -> None:
        """Fail: nothing of this may happen in a bench."""
        raise AssertionError(f"out of service: {cause}")

    @property
    def journal(self) -> Journal:
        """The open log."""
        assert self._recorder.journal is not None
        return self._recorder.journal

    def serve(self, items: Sequence[Symbol | Request]) -> None:
        """Do what the recorder's thread does with a group that waits together."""
        self._recorder._serve(items)

    def open_ticket(self, operation: str = "receive") -> None:
        """Open a ticket; scans go onto it."""
        self.serve([Request(TicketCommand(Action.OPEN, STATION, operation), lambda _: None)])

    def close_ticket(self) -> None:
        """Close the ticket."""
        self.serve([Request(TicketCommand(Action.CLOSE, STATION), lambda _: None)])

    def start(self) -> None:
        """Let the recorder serve the queue on its own thread."""
        self._recorder.start()

    def close(self) -> None:
        """Leave everything written, as a clean stop does."""
        if self._recorder.is_alive():
            self.items.put(None)
            self._recorder.join()
        else:
            self._recorder._rest()
        self._recorder.close()
        self._site.connection.close()


def scanned_morning(folder: Path, codes: Sequence[str], records: int, signer: Signer) -> int:
    """Fill a journal as a shop does: deliveries of many packs, sales of few; give the number of records.

    Args:
        folder: The state folder.
        codes: The packs, at least as many as records.
        records: At least so many are made.
        signer: Signs the checkpoints.
    """
    clock, dice = ShopClock(), random.Random(3)
    shop = Shop(folder, codes, signer=signer, clock=clock)
    left = iter(codes)
    while shop.journal.size < records:
        operation, packs = ("receive", 60) if dice.random() < 0.05 else ("dispense", dice.randrange(1, 6))
        shop.open_ticket(operation)
        # grouped only to be quick about it: each record has the time of its own scan
        shop.serve([clock.scanned(next(left)) for _ in range(packs)])
        shop.close_ticket()
    size = shop.journal.size
    shop.close()
    return size
