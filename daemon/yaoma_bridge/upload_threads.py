"""Upload threads: one thread per platform, so that a slow one holds up nobody else."""

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial

from yaoma.core.note import Signer
from yaoma_bridge.authorisations import warn_daily
from yaoma_bridge.billing import bill_feed
from yaoma_bridge.centre_facts import CentreFacts
from yaoma_bridge.despatching import Despatcher
from yaoma_bridge.inquiring import Inquirer, Inquiring
from yaoma_bridge.late_senders import follow_senders
from yaoma_bridge.neighbour_news import tell_neighbours
from yaoma_bridge.receipts import Outgoing
from yaoma_bridge.store import Store, StorePlace
from yaoma_bridge.turns import Turns
from yaoma_bridge.uploading import Upload, Uploader

__all__ = ["UploadThreads"]

_log = logging.getLogger("yaoma.bridge.uploading")

_IDLE_S = 0.2
_INQUIRE_S = 2.0


class UploadThreads:
    """Makes bills and serves the platforms, each on a thread with a connection of its own.

    Args:
        store_place: Where the store is.
        uploads: The platforms.
        facts: Makes what is looked up of products and institutions; each thread has its own.
        signer: The bridge's key.
        owner: The worker's name, for claims.
        hold_ms: How long claims hold if we die.
        outgoing: Where receipts are put for the worker to publish.
        now_ms: The clock, milliseconds since 1970.
        turns: When to wait for a backlog.
    """

    def __init__(
        self,
        store_place: StorePlace,
        uploads: Sequence[Upload],
        facts: Callable[[], CentreFacts],
        *,
        signer: Signer,
        owner: str,
        hold_ms: int,
        outgoing: "queue.SimpleQueue[Outgoing]",
        now_ms: Callable[[], int],
        turns: Turns,
    ) -> None:
        self._store_place, self._facts, self._signer = store_place, facts, signer
        self._owner, self._hold_ms, self._outgoing, self._now_ms = owner, hold_ms, outgoing, now_ms
        self._turns = turns
        self._stop = threading.Event()
        self._beats: dict[str, float] = {}
        self._threads = [
            threading.Thread(target=self._run, args=(upload.platform.name, self._serving(upload)), daemon=False)
            for upload in uploads
        ]
        # Also without a platform: the other boxes of a site are told of what bills say.
        self._threads.append(threading.Thread(target=self._run, args=("bills", self._bill), daemon=False))
        for platform in [upload.platform for upload in uploads if isinstance(upload.platform, Inquiring)]:
            name = f"inquiry of {platform.name}"
            self._threads.append(
                threading.Thread(target=self._run, args=(name, self._inquiring(platform)), daemon=False)
            )
        self.failure: BaseException | None = None

    @property
    def beat_s(self) -> float:
        """When the slowest thread last showed that it goes on; now if there is none."""
        return min(self._beats.values(), default=time.monotonic())

    def start(self) -> None:
        """Begin; returns at once."""
        for thread in self._threads:
            thread.start()

    def stop(self, deadline_s: float = 60.0) -> None:
        """End after the calls that are under way."""
        self._stop.set()
        until_s = time.monotonic() + deadline_s
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(0.0, until_s - time.monotonic()))

    def _run(self, name: str, work: Callable[[Store], None]) -> None:
        try:
            with Store.open(self._store_place) as store:
                work(store)
        except Exception as error:  # noqa: BLE001 - the last one on this thread: the worker must end with it
            self.failure = error
            _log.critical("uploads ended by a defect: name=%s error=%s", name, type(error).__name__, exc_info=error)

    def _beat(self, name: str) -> None:
        """Say that a thread goes on."""
        self._beats[name] = time.monotonic()

    def _bill(self, store: Store) -> None:
        centre = self._facts()
        despatcher = Despatcher(centre, self._signer)
        while not self._stop.is_set():
            self._turns.let_pass(self._stop, partial(self._beat, "bills"))
            self._beat("bills")
            warn_daily(store, centre, self._now_ms())
            more = bill_feed(store, self._now_ms())
            for made in (
                despatcher.follow(store, self._now_ms()),
                follow_senders(store, self._signer, self._now_ms()),
            ):
                for outgoing in made or ():
                    self._outgoing.put(outgoing)
                more |= made is not None
            if not tell_neighbours(store, self._signer, self._now_ms()) and not more:
                self._stop.wait(_IDLE_S)

    def _inquiring(self, platform: Inquiring) -> Callable[[Store], None]:
        def inquire(store: Store) -> None:
            inquirer = Inquirer(store, platform, self._facts(), self._signer, self._now_ms)
            while not self._stop.is_set():
                if not inquirer.step():  # no beat: a long round of questions is no stall
                    self._stop.wait(_INQUIRE_S)

        return inquire

    def _serving(self, upload: Upload) -> Callable[[Store], None]:
        def serve(store: Store) -> None:
            uploader = Uploader(
                store,
                upload,
                self._facts(),
                signer=self._signer,
                owner=self._owner,
                hold_ms=self._hold_ms,
                now_ms=self._now_ms,
            )
            try:
                while not self._stop.is_set():
                    self._turns.let_pass(self._stop, partial(self._beat, upload.platform.name))
                    self._beat(upload.platform.name)
                    made, is_more = uploader.step()
                    for outgoing in made:
                        self._outgoing.put(outgoing)
                    if not is_more:
                        uploader.wait(_IDLE_S)
            finally:
                uploader.close()

        return serve
