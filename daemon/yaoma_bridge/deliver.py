"""Delivery: feeds each destination in order and turns its outcomes into receipts, in one transaction."""

from collections.abc import Iterable, Sequence

from yaoma.core.note import Signer
from yaoma_bridge.alarms import AlarmKind, raise_alarm
from yaoma_bridge.claims import release, take
from yaoma_bridge.destinations.destination import Delivered, Destination
from yaoma_bridge.errors import DestinationBusyError, DestinationError
from yaoma_bridge.events import FeedRow, events_after
from yaoma_bridge.log_rows import log_by_id
from yaoma_bridge.outcomes import lay_over
from yaoma_bridge.receipts import Outgoing, make_receipts
from yaoma_bridge.store import Store
from yaoma_bridge.tx import Tx
from yaoma_link.receipt import Outcome, OutcomeState

__all__ = ["Feeder"]

_AT_ONCE = 2000

#: A reason is an id; a platform's whole sentence would make a receipt that no broker takes.
_MAX_REASON_LETTERS = 128


class Feeder:
    """Feeds one destination from the store, while it holds the claim on it.

    Args:
        store: The store; this feeder's thread has it for itself.
        destination: Where to.
        signer: The bridge's key, for the receipts that tell the outcomes.
        owner: The worker.
        hold_ms: How long the claim holds if we die.
    """

    def __init__(self, store: Store, destination: Destination, *, signer: Signer, owner: str, hold_ms: int) -> None:
        self._store = store
        self._destination = destination
        self._signer = signer
        self._owner = owner
        self._hold_ms = hold_ms
        self._claim = f"destination:{destination.name}"
        self._is_open = False
        self._taken_ms = 0

    def feed(self, now_ms: int) -> list[Outgoing] | None:
        """Deliver the next events.

        Args:
            now_ms: The time, milliseconds since 1970.

        Returns:
            The receipts to publish, or None if there was nothing to do, or another worker does it.

        Raises:
            DestinationError: If the destination can't take events now.
        """
        name = self._destination.name
        with self._store.reading() as tx:
            newest = tx.execute("SELECT MAX(n) FROM event").fetchone()[0] or 0
            upto, _ = _position(tx, name)
        is_fresh = now_ms - self._taken_ms < self._hold_ms // 2
        if newest <= upto and (is_fresh or not self._is_open):
            return None
        with self._store.writing() as tx:
            if not take(tx, self._claim, self._owner, now_ms, self._hold_ms):
                self._leave()
                return None
            self._taken_ms = now_ms
            tx.execute("INSERT INTO destination (name) VALUES (?) ON CONFLICT DO NOTHING", (name,))
            upto, mark = _position(tx, name)
        if newest <= upto:
            return None
        self._enter(mark, now_ms)
        with self._store.reading() as tx:
            feed = events_after(tx, upto, _AT_ONCE)
        try:
            delivered = self._destination.deliver([row.event for row in feed if row.event is not None])
        except DestinationError:
            self._leave()  # begin from the committed mark next time
            raise
        return self._commit(feed, delivered, upto, now_ms)

    def close(self) -> None:
        """Give destination and claim back."""
        self._leave()
        with self._store.writing() as tx:
            release(tx, self._claim, self._owner)

    def _enter(self, mark: str, now_ms: int) -> None:
        if self._is_open and self._destination.mark == mark:
            return
        try:
            odd = self._destination.resume(mark)
        except DestinationBusyError:
            self._leave()
            raise
        self._is_open = True
        if odd:
            with self._store.writing() as tx:
                facts = {"destination": self._destination.name, "problem": "; ".join(odd)}
                raise_alarm(tx, AlarmKind.DESTINATION_ODD, now_ms, facts=facts)

    def _leave(self) -> None:
        self._destination.close()
        self._is_open = False

    def _commit(
        self, feed: Sequence[FeedRow], delivered: Iterable[Delivered], upto: int, now_ms: int
    ) -> list[Outgoing] | None:
        name = self._destination.name
        states = {one.n: one for one in delivered}
        with self._store.writing() as tx:
            is_ours = take(tx, self._claim, self._owner, now_ms, self._hold_ms)
            if not is_ours or _position(tx, name)[0] != upto:
                self._leave()  # whoever has it now finds behind the mark what we have written
                return None
            tx.execute("UPDATE destination SET upto=?, mark=? WHERE name=?", (feed[-1].n, self._destination.mark, name))
            made = []
            for log_id, outcomes in _outcomes(feed, states, name).items():
                for outcome in outcomes:
                    lay_over(tx, log_id, outcome)
                made += make_receipts(tx, log_by_id(tx, log_id), self._signer, now_ms, outcomes=outcomes)
            return made


def _position(tx: Tx, name: str) -> tuple[int, str]:
    found = tx.execute("SELECT upto, mark FROM destination WHERE name=?", (name,)).fetchone()
    return (0, "") if found is None else (int(found[0]), str(found[1]))


def _outcomes(feed: Sequence[FeedRow], states: dict[int, Delivered], name: str) -> dict[int, list[Outcome]]:
    """Tell each log what became of its records, neighbours with the same answer as one run."""
    told: dict[int, list[Outcome]] = {}
    for row in sorted(feed, key=lambda row: (row.log_id, row.seq, row.n)):
        one = Delivered(row.n, OutcomeState.HELD, row.held) if row.held else states[row.n]
        reason = one.reason[:_MAX_REASON_LETTERS]
        outcomes = told.setdefault(row.log_id, [])
        last = outcomes[-1] if outcomes else None
        if last is not None and last.span[1] == row.seq and (last.state, last.reason) == (one.state, reason):
            outcomes[-1] = Outcome((last.span[0], row.seq + 1), name, one.state, reason)
        else:
            outcomes.append(Outcome((row.seq, row.seq + 1), name, one.state, reason))
    return told
