"""Uploading: the thread that sends parcels to one platform, asks what became of them, and tells the boxes."""

import logging
import random
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from yaoma.core.note import Signer
from yaoma_bridge.alarms import AlarmKind, raise_alarm
from yaoma_bridge.bundling import Bundler
from yaoma_bridge.centre_facts import CentreFacts
from yaoma_bridge.claims import release, take
from yaoma_bridge.errors import ConfigError
from yaoma_bridge.fate import FINAL, Cause, Fate, cause_of, folded, moved
from yaoma_bridge.late_senders import FOR_WANT_OF_A_SENDER
from yaoma_bridge.note_senders import want_sender
from yaoma_bridge.pacing import Breaker, BreakerState, RateLimit, wait_s
from yaoma_bridge.parcel_load import load_parcel, standings_of
from yaoma_bridge.parcel_order import stands_behind, wake_followers
from yaoma_bridge.parcel_rows import ParcelRow, due_parcels, lost_parcels, move, parcel_by_id, put_off
from yaoma_bridge.platform import Answer, AnswerState, Pace, Parcel, Platform
from yaoma_bridge.receipts import Outgoing
from yaoma_bridge.routing import Route
from yaoma_bridge.store import Store
from yaoma_bridge.tx import Tx
from yaoma_bridge.upload_rows import Standing, put_standings
from yaoma_link.backoff import Backoff

__all__ = ["Upload", "Uploader"]

_log = logging.getLogger("yaoma.bridge.uploading")

#: A platform ends a call within 60 s; whoever has not written the answer by then has died.
_LEASE_MS = 90_000
_BEHIND_MS = 30_000
#: So many due parcels are looked at for those whose turn has come.
_LOOKED_AT = 64
_RETRY_S = 2.0
_RETRY_CAP_S = 600.0
_MOST_TRIES = 20
#: The platform had taken a parcel, and now says that it is not there: what was taken may turn up again.
_GONE = "taken_and_gone"
_SAID_LETTERS = 200
_REASON_LETTERS = 64


@dataclass(frozen=True, slots=True)
class Upload:
    """One platform of the configuration.

    Args:
        platform: The platform.
        route: Which lines go to it.
        pace: How fast it may be called.
    """

    platform: Platform
    route: Route
    pace: Pace


@dataclass(slots=True)
class _Call:
    row: ParcelRow
    answer: "Future[Answer]" = field(repr=False)


class Uploader:
    """Serves one platform, while it holds the claim on it; `step` does all there is to do now.

    Args:
        store: The store; this thread's own.
        upload: The platform with its route and pace.
        facts: What the centre knows; this thread's own.
        signer: The bridge's key.
        owner: The worker.
        hold_ms: How long the claim holds if we die.
        now_ms: The clock, milliseconds since 1970.
        now_s: Seconds that never go back.
        draw: Gives a number of 0.0 <= x < 1.0, for the jitter.
        lease_ms: After how long without an answer a sender counts as dead.
    """

    def __init__(
        self,
        store: Store,
        upload: Upload,
        facts: CentreFacts,
        *,
        signer: Signer,
        owner: str,
        hold_ms: int,
        now_ms: Callable[[], int],
        now_s: Callable[[], float] = time.monotonic,
        draw: Callable[[], float] = random.random,
        lease_ms: int = _LEASE_MS,
    ) -> None:
        self._store, self._signer, self._owner, self._hold_ms = store, signer, owner, hold_ms
        self._platform, self._pace, self._facts = upload.platform, upload.pace, facts
        self._now_ms, self._now_s, self._draw, self._lease_ms = now_ms, now_s, draw, lease_ms
        self._bundler = Bundler(store, upload.platform, upload.route, facts, signer)
        self._limit = RateLimit(upload.pace.calls_per_s, upload.pace.burst)
        self.breaker = Breaker(Backoff(random=draw, base_s=2.0, cap_s=300.0))
        self._pool = ThreadPoolExecutor(upload.pace.at_once, thread_name_prefix=f"call-{upload.platform.name}")
        self._calls: list[_Call] = []
        self._taken_ms: int | None = None

    @property
    def _claim(self) -> str:
        return f"upload:{self._platform.name}"

    def step(self) -> tuple[list[Outgoing], bool]:
        """Do what there is to do now, without waiting for a platform.

        Returns:
            The receipts to publish, and whether there may be more to do at once.
        """
        made: list[Outgoing] = []
        bundled = self._bundler.bundle(self._now_ms())
        made += bundled or ()
        ended = [call for call in self._calls if call.answer.done()]
        made += self._take_answers(ended)
        if not self._hold_claim():
            return made, bundled is not None
        made += self._give_up_on_lost()
        begun = self._begin(made)
        return made, bool(bundled is not None or ended or begun)

    def wait(self, longest_s: float) -> None:
        """Wait until a call has ended, or so long."""
        until_s = self._now_s() + longest_s
        while self._calls and self._now_s() < until_s and not any(call.answer.done() for call in self._calls):
            time.sleep(0.002)
        if not self._calls:
            time.sleep(max(0.0, until_s - self._now_s()))

    def close(self) -> None:
        """Write what is answered within its time-outs, then give claim and connections back."""
        self._pool.shutdown(wait=True)
        self._take_answers(self._calls)
        self._platform.close()
        with self._store.writing() as tx:
            release(tx, self._claim, self._owner)

    def _hold_claim(self) -> bool:
        """Take the claim, or hold it longer: the pace is one for all workers."""
        now_ms = self._now_ms()
        if self._taken_ms is not None and 0 <= now_ms - self._taken_ms < self._hold_ms // 3:
            return True
        with self._store.writing() as tx:
            is_ours = take(tx, self._claim, self._owner, now_ms, self._hold_ms)
        self._taken_ms = now_ms if is_ours else None
        return is_ours

    def _give_up_on_lost(self) -> list[Outgoing]:
        """Put what a dead worker was sending into unknown: it is asked, never sent again blindly."""
        now_ms = self._now_ms()
        with self._store.reading() as tx:
            lost = lost_parcels(tx, self._platform.name, now_ms)
        if not lost:
            return []
        with self._store.writing() as tx:
            moved_rows = [move(tx, row, Cause.LOST, now_ms, due_ms=now_ms, reason="sender_lost") for row in lost]
            return self._tell(tx, {row.bill_id for row in moved_rows if row is not None})

    def _begin(self, made: list[Outgoing]) -> bool:
        """Begin as many calls as pace and order allow; the store says "sent" before anything leaves."""
        flying = {call.row.id for call in self._calls}
        free = self._pace.at_once - len(flying)
        if free <= 0:
            return False
        with self._store.reading() as tx:
            due = due_parcels(tx, self._platform.name, self._now_ms(), _LOOKED_AT + len(flying))
        due = [row for row in due if row.id not in flying]
        if not due or self.breaker.wait_s(self._now_s()) > 0:
            return False
        if self.breaker.state is BreakerState.HALF_OPEN:
            free = 1
        begun = self._intend(due, free, made)
        for row, parcel in begun:
            self._calls.append(_Call(row, self._pool.submit(self._called, row.fate is Fate.SENT, parcel)))
        if not begun:
            self.breaker.put_back()
        return bool(begun)

    def _intend(self, due: Sequence[ParcelRow], free: int, made: list[Outgoing]) -> list[tuple[ParcelRow, Parcel]]:
        """Choose the parcels that are called for now, and write down in one commit that they are."""
        chosen: list[tuple[ParcelRow, Parcel]] = []
        touched: set[int] = set()
        with self._store.writing() as tx:
            for row in due:
                if len(chosen) == free:
                    break
                if not self._has_turn(tx, row, touched):
                    continue
                if self._limit.take(self._now_s()) > 0:
                    break
                one = self._intended(tx, row, touched)
                if one is not None:
                    chosen.append(one)
            made += self._tell(tx, touched)
        return chosen

    def _has_turn(self, tx: Tx, row: ParcelRow, touched: set[int]) -> bool:
        """Say whether a parcel may be called for now; if not it is put off, or dropped with the one it follows."""
        behind = stands_behind(tx, row, self._platform.order) if row.fate is Fate.BUNDLED else ""
        now_ms = self._now_ms()
        if behind == "follows_refused":
            if move(tx, row, Cause.DROP, now_ms, due_ms=now_ms, reason=behind) is not None:
                touched.add(row.bill_id)
        elif behind:
            put_off(tx, row, now_ms + _BEHIND_MS, behind)
        return not behind

    def _intended(self, tx: Tx, row: ParcelRow, touched: set[int]) -> tuple[ParcelRow, Parcel] | None:
        """Write down that a parcel is being sent now, and give it; one that is only asked stays as it is."""
        now_ms, is_send = self._now_ms(), row.fate is Fate.BUNDLED
        try:
            parcel = load_parcel(tx, row, self._facts, persons=is_send)
        except ConfigError:
            put_off(tx, row, now_ms + _BEHIND_MS, "centre_facts")
            return None
        if not is_send:
            return row, parcel
        sent = move(tx, row, Cause.SEND, now_ms, due_ms=now_ms, owner=self._owner, until_ms=now_ms + self._lease_ms)
        if sent is None:
            return None
        touched.add(sent.bill_id)
        return sent, parcel

    def _called(self, is_send: bool, parcel: Parcel) -> Answer:  # noqa: FBT001 - the pool calls it
        """Call the platform; a defect in it must not end the worker, or one parcel would stop all others for ever."""
        try:
            call = self._platform.send if is_send else self._platform.ask
            return call(parcel, self._now_ms())
        except Exception as error:  # noqa: BLE001 - as above; it is told, and nobody knows what arrived
            _log.error("a call ended by a defect: destination=%s error=%s", self._platform.name, type(error).__name__)
            return Answer(AnswerState.UNKNOWN, "defect")

    def _take_answers(self, ended: Sequence[_Call]) -> list[Outgoing]:
        """Write what the platform said to all calls that have ended, and tell the boxes of it, in one commit."""
        answers = [(call.row, call.answer.result()) for call in ended]
        self._calls = [call for call in self._calls if call not in ended]
        for _, answer in answers:
            self._note_health(answer)
        if not answers:
            return []
        with self._store.writing() as tx:
            return self._tell(tx, {row.bill_id for row, answer in answers if self._write(tx, row, answer)})

    def _write(self, tx: Tx, before: ParcelRow, answer: Answer) -> bool:
        """Write what a platform said of one parcel; tell whether it moved."""
        now_ms, row = self._now_ms(), parcel_by_id(tx, before.id)
        if row.version != before.version:
            return False  # a person, or another worker that took us for dead, was faster
        cause, reason = cause_of(answer.state), answer.reason[:_REASON_LETTERS]
        if answer.state is AnswerState.WAITING and not answer.is_outage and row.tries >= _MOST_TRIES:
            cause, reason = Cause.SAID_HELD, "tries_exhausted"
        if cause is Cause.SAID_WAITING and row.fate is Fate.PROCESSING:
            reason = _GONE
        if cause is Cause.SAID_WAITING and row.reason == _GONE:
            cause = Cause.SAID_UNKNOWN  # a person decides, however often it is said
        if cause is Cause.SAID_UNKNOWN and row.fate is not Fate.SENT:
            reason = row.reason  # a question without an answer tells nothing new
        after = move(
            tx,
            row,
            cause,
            now_ms,
            due_ms=now_ms + round(1000 * self._wait_s(row, answer)),
            reason=reason,
            said=answer.said[:_SAID_LETTERS],
            words=self._words(tx, row, answer) if answer.codes else None,
            facts=answer.facts or None,
            is_counted=not (answer.is_outage and row.fate is Fate.SENT),
        )
        if after is None:
            return False
        if after.fate in {Fate.PROCESSING, Fate.UNKNOWN} and now_ms - after.since_ms > self._pace.give_up_s * 1000:
            facts: dict[str, str | int] = {"destination": after.destination, "parcel": after.number}
            raise_alarm(tx, AlarmKind.UPLOAD_UNSOLVED, now_ms, site=after.site, facts=facts)
        if after.fate in FINAL:
            wake_followers(tx, after, now_ms)
        if after.fate is Fate.HELD and after.reason in FOR_WANT_OF_A_SENDER:
            want_sender(tx, after.bill_id)
        return True

    def _words(self, tx: Tx, row: ParcelRow, answer: Answer) -> dict[int, tuple[Fate, str]]:
        """Give what was said of single lines, where the platform answered code by code."""
        bill = load_parcel(tx, row, CentreFacts(), persons=False).bill
        carried = frozenset(row.codes)
        words = {}
        for number in row.lines:
            line = bill.lines[number]
            keys = [key for key in (line.code, *line.packs) if not carried or key in carried]
            if not any(key in answer.codes for key in keys):
                continue
            said = [answer.codes.get(key, (answer.state, answer.reason)) for key in keys]
            words[number] = folded((moved(row.fate, cause_of(state)), why[:_REASON_LETTERS]) for state, why in said)
        return words

    def _wait_s(self, row: ParcelRow, answer: Answer) -> float:
        """Give after how many seconds a parcel is looked at again."""
        if answer.retry_after_s is not None:
            return min(answer.retry_after_s, _RETRY_CAP_S)
        if answer.state is AnswerState.WAITING:
            return wait_s(self._draw, row.tries, _RETRY_S, _RETRY_CAP_S)
        return wait_s(self._draw, row.asks, self._pace.first_ask_s, self._pace.longest_ask_s)

    def _note_health(self, answer: Answer) -> None:
        """Open or close the breaker."""
        if not answer.is_outage:
            if self.breaker.state is not BreakerState.CLOSED:
                _log.warning("platform back: destination=%s", self._platform.name)
            self.breaker.good()
            return
        if answer.retry_after_s is not None:
            self._limit.drain(self._now_s())
        if self.breaker.trouble(self._now_s(), answer.retry_after_s or 0.0):
            _log.warning("platform away: destination=%s reason=%s", self._platform.name, answer.reason)
            with self._store.writing() as tx:
                facts: dict[str, str | int] = {"destination": self._platform.name, "reason": answer.reason}
                raise_alarm(tx, AlarmKind.PLATFORM_AWAY, self._now_ms(), facts=facts)

    def _tell(self, tx: Tx, bills: Collection[int]) -> list[Outgoing]:
        """Keep where the records of some bills stand now; one receipt tells a box of all of them."""
        standings: dict[int, Standing] = {}
        for bill_id in sorted(bills):  # of two parts of one bill the later one holds
            standings |= standings_of(tx, self._platform.name, bill_id)
        return put_standings(tx, self._platform.name, standings, self._signer, self._now_ms()) if standings else []
