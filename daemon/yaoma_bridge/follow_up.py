"""Follow-up: the thread of a worker that verifies, settles and delivers what is stored."""

import logging
import queue
import random
import threading
import time
from collections.abc import Callable, Sequence

from yaoma.core.note import Signer
from yaoma_bridge.contention import CONTENTION
from yaoma_bridge.deliver import Feeder
from yaoma_bridge.destinations.destination import Destination
from yaoma_bridge.errors import DestinationBusyError, DestinationError, StoreBusyError
from yaoma_bridge.receipts import Outgoing
from yaoma_bridge.registry import Registry
from yaoma_bridge.settle import logs_to_settle, settle_held_again, settle_log
from yaoma_bridge.store import Store, StorePlace
from yaoma_bridge.turns import Turns
from yaoma_bridge.unsigned import leave_unsigned, logs_left_unsigned
from yaoma_bridge.verify import logs_to_verify, verify_log
from yaoma_link.backoff import Backoff

__all__ = ["FollowUp"]

_log = logging.getLogger("yaoma.bridge.follow_up")

#: Between two rounds: what comes in meanwhile is then verified with fewer commits.
_ROUND_S = 0.2


class FollowUp:
    """Takes what is stored further, with a connection of its own.

    Args:
        store_place: Where the store is.
        registry: The boxes' keys.
        destinations: Where events go.
        signer: The bridge's key.
        owner: The worker's name, for claims.
        hold_ms: How long claims hold if we die.
        unsigned_after_ms: After how long without a checkpoint a log's tail leaves unsigned.
        hold_untrusted: Whether records with an untrusted clock wait for a clock record.
        outgoing: Where receipts are put for the worker to publish.
        now_ms: The clock, milliseconds since 1970.
        turns: When to wait for a backlog.
    """

    def __init__(
        self,
        store_place: StorePlace,
        registry: Registry,
        destinations: Sequence[Destination],
        *,
        signer: Signer,
        owner: str,
        hold_ms: int,
        unsigned_after_ms: int,
        hold_untrusted: bool,
        outgoing: "queue.SimpleQueue[Outgoing]",
        now_ms: Callable[[], int],
        turns: Turns,
    ) -> None:
        self._store_place = store_place
        self._registry = registry
        self._destinations = destinations
        self._signer = signer
        self._owner = owner
        self._hold_ms = hold_ms
        self._unsigned_after_ms = unsigned_after_ms
        self._hold_untrusted = hold_untrusted
        self._outgoing = outgoing
        self._now_ms = now_ms
        self._turns = turns
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="follow-up", daemon=False)
        self._backoffs: dict[str, Backoff] = {}
        self._retry_at_s: dict[str, float] = {}
        self.failure: BaseException | None = None
        self.beat_s = time.monotonic()

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self, deadline_s: float = 10.0) -> None:
        """End after the step that is under way."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(deadline_s)

    def _run(self) -> None:
        try:
            with Store.open(self._store_place) as store:
                self._follow(store)
        except Exception as error:  # noqa: BLE001 - the last one on this thread: the worker must end with it
            self.failure = error
            _log.critical("follow-up ended by a defect: error=%s", type(error).__name__, exc_info=error)

    def _follow(self, store: Store) -> None:
        feeders = [
            (
                destination.name,
                Feeder(store, destination, signer=self._signer, owner=self._owner, hold_ms=self._hold_ms),
            )
            for destination in self._destinations
        ]
        settle_held_again(store, hold_untrusted=self._hold_untrusted, now_ms=self._now_ms())
        try:
            while not self._stop.is_set():
                self._turns.let_pass(self._stop, self._beat)
                try:
                    more = self._round(store, feeders)
                except StoreBusyError:
                    CONTENTION.add("undone")
                    # Another worker was in the way; what was undone comes up again.
                    more = False
                if not more:
                    self._stop.wait(_ROUND_S)
        finally:
            for _, feeder in feeders:
                feeder.close()

    def _round(self, store: Store, feeders: Sequence[tuple[str, Feeder]]) -> bool:
        """Take everything one step further; tell whether a step left more behind it."""
        self._beat()
        # Each worker in an order of its own, so that they seldom meet at a log.
        for log_id in _shuffled(logs_to_verify(store)):
            self._take_turn()
            verify_log(store, self._registry, log_id, owner=self._owner, now_ms=self._now_ms(), hold_ms=self._hold_ms)
            if self._stop.is_set():
                return False
        after_ms = self._unsigned_after_ms
        for log_id in logs_left_unsigned(store, self._now_ms(), after_ms):
            self._beat()
            leave_unsigned(store, self._registry, log_id, now_ms=self._now_ms(), after_ms=after_ms)
        more = False
        for log_id in _shuffled(logs_to_settle(store)):
            self._take_turn()
            more |= settle_log(store, log_id, hold_untrusted=self._hold_untrusted, now_ms=self._now_ms())
            if self._stop.is_set():
                return False
        for name, feeder in feeders:
            self._beat()
            more |= self._feed(name, feeder)
        return more

    def _take_turn(self) -> None:
        self._turns.let_pass(self._stop, self._beat)
        self._beat()

    def _beat(self) -> None:
        """Say that there is progress: a round over many logs is no stall."""
        self.beat_s = time.monotonic()

    def _feed(self, name: str, feeder: Feeder) -> bool:
        """Feed one destination; one that can't take anything is left alone for a growing while."""
        if time.monotonic() < self._retry_at_s.get(name, 0.0):
            return False
        backoff = self._backoffs.setdefault(name, Backoff(random=random.random))
        try:
            made = feeder.feed(self._now_ms())
        except DestinationBusyError:
            self._retry_at_s[name] = time.monotonic() + 1.0
            return False
        except DestinationError as error:
            if backoff.tries == 0:
                _log.warning("destination away: name=%s problem=%s hint=%s", name, error.problem, error.hint)
            self._retry_at_s[name] = time.monotonic() + backoff.next_wait_s()
            return False
        if backoff.tries:
            _log.warning("destination back: name=%s tries=%d", name, backoff.tries)
            backoff.reset()
        for outgoing in made or ():
            self._outgoing.put(outgoing)
        return made is not None


def _shuffled(log_ids: list[int]) -> list[int]:
    return random.sample(log_ids, len(log_ids))
