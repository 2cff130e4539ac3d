"""Intake: reads what came in, stores it in one commit, and gives the receipts that answer it (DESIGN.md 9)."""

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import groupby

from yaoma.core.note import Signer
from yaoma_bridge.alarms import AlarmKind, raise_alarm
from yaoma_bridge.box_words import KEPT, Words, note_words, read_words
from yaoma_bridge.contention import CONTENTION
from yaoma_bridge.errors import BatchRefusedError, StoreBusyError
from yaoma_bridge.fleet_commands import Reply, due_commands, has_due_command, note_reply, read_reply
from yaoma_bridge.ingest import OpenedBatch, opened, store_batches
from yaoma_bridge.receipts import ASK_AGAIN_MS, Outgoing, due_receipts, receipts_for, unapplied_receipts
from yaoma_bridge.state import due_state, has_due
from yaoma_bridge.store import Store
from yaoma_bridge.tx import Tx
from yaoma_bridge.welcome import Birth, read_status, welcome
from yaoma_link.report import Received
from yaoma_link.topics import BoxName, Channel, CommandTopic, ListTopic, Topic, parse_topic

__all__ = ["Intake"]


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


class Intake:
    """Turns a group of publications into one commit and the receipts that answer it.

    Args:
        store: The store.
        signer: The bridge's key.
        now_ms: The clock, milliseconds since 1970.
    """

    def __init__(self, store: Store, signer: Signer, now_ms: Callable[[], int] = _now_ms) -> None:
        self._store = store
        self._signer = signer
        self._now_ms = now_ms
        self._resent_ms: dict[BoxName, int] = {}

    def take(self, arrivals: Sequence[Received]) -> list[Outgoing]:
        """Store what came in, in the order of arrival, in one transaction; when this returns it is kept.

        A payload that can't be stored becomes an alarm with its size and topic, and nothing else of it.

        Raises:
            StoreError: If the store refuses; then nothing of the group happened.
        """
        understood = [(arrival, _understood(arrival)) for arrival in arrivals]
        try:
            return self._taken(understood, _boxes(what for _, what in understood))
        except StoreBusyError:
            CONTENTION.add("undone")
            return self._taken(understood, None)

    def _taken(
        self, understood: "Sequence[tuple[Received, _Understood]]", boxes: Collection[BoxName] | None
    ) -> list[Outgoing]:
        now_ms = self._now_ms()
        outgoing: list[Outgoing] = []
        with self._store.writing(boxes) as tx:
            for are_batches, run in groupby(understood, key=lambda one: isinstance(one[1], OpenedBatch)):
                if are_batches:
                    batches = [batch for _, batch in run if isinstance(batch, OpenedBatch)]
                    outgoing += receipts_for(tx, store_batches(tx, batches, now_ms), self._signer, now_ms)
                    outgoing += self._lost_receipts(tx, {batch.box for batch in batches}, now_ms)
                    continue
                for arrival, what in run:
                    outgoing += self._take_one(tx, arrival, what, now_ms)
        return outgoing

    def due(self) -> list[Outgoing]:
        """Make the receipts whose time has come, and give the state messages that nobody has confirmed."""
        now_ms = self._now_ms()
        with self._store.reading() as tx:
            due = tx.execute(
                "SELECT 1 FROM log JOIN box USING (site, box) WHERE due_ms<=? AND online=1 LIMIT 1", (now_ms,)
            ).fetchone()
            is_due = due is not None or has_due(tx, now_ms) or has_due_command(tx, now_ms)
        if not is_due:
            return []
        with self._store.writing() as tx:
            return [
                *due_receipts(tx, self._signer, now_ms),
                *due_state(tx, self._signer, now_ms),
                *due_commands(tx, now_ms),
            ]

    def _take_one(
        self,
        tx: Tx,
        arrival: Received,
        what: "_Understood",
        now_ms: int,
    ) -> list[Outgoing]:
        if isinstance(what, tuple):
            name, birth = what
            return welcome(tx, name, birth, self._signer, now_ms, retained=arrival.retain)
        if isinstance(what, Words):
            note_words(tx, what, now_ms)
        if isinstance(what, Reply):
            note_reply(tx, what, now_ms)
        if isinstance(what, BatchRefusedError):
            sender, kind = _sender(arrival.topic)
            facts: dict[str, str | int] = {"reason": what.reason, "bytes": len(arrival.payload)}
            if sender is None:
                facts["topic"] = arrival.topic[:128]
            site, box = ("", "") if sender is None else (sender.site, sender.box)
            raise_alarm(tx, kind, now_ms, site=site, box=box, facts=facts)
        return []

    def _lost_receipts(self, tx: Tx, names: set[BoxName], now_ms: int) -> list[Outgoing]:
        """Send receipts again to boxes that send batches but do not move on in the receipts."""
        lost: list[Outgoing] = []
        for name in names:
            if now_ms - self._resent_ms.get(name, 0) >= ASK_AGAIN_MS:
                again = unapplied_receipts(tx, name, now_ms)
                if again:
                    self._resent_ms[name] = now_ms
                    lost += again
        return lost


_Understood = tuple[BoxName, Birth | None] | OpenedBatch | Words | Reply | BatchRefusedError


def _boxes(understood: Iterable[_Understood]) -> frozenset[BoxName] | None:
    """Give the boxes that a group is about; None if it holds what nobody can be named for."""
    names: set[BoxName] = set()
    for what in understood:
        if isinstance(what, BatchRefusedError):
            return None
        names.add(what[0] if isinstance(what, tuple) else what.box)
    return frozenset(names)


def _understood(arrival: Received) -> _Understood:
    """Read one publication, without the store."""
    try:
        topic = parse_topic(arrival.topic)
    except ValueError:
        return BatchRefusedError("topic", "the topic is none of ours")
    try:
        if isinstance(topic, Topic) and topic.channel == Channel.RECORDS:
            return opened(topic.box, arrival.payload)
        return _word(topic, arrival)
    except BatchRefusedError as error:
        return error


def _word(topic: Topic | CommandTopic | ListTopic, arrival: Received) -> _Understood:
    """Read what a box says besides records."""
    if isinstance(topic, Topic) and topic.channel == Channel.STATUS:
        return topic.box, read_status(arrival.payload)
    if isinstance(topic, Topic) and topic.channel in KEPT:
        return read_words(topic.box, topic.channel, arrival.payload, is_retained=arrival.retain)
    if isinstance(topic, CommandTopic) and topic.is_reply:
        return read_reply(topic.box, arrival.payload)
    return BatchRefusedError("topic", "nothing was expected on this topic")


def _sender(text: str) -> tuple[BoxName | None, AlarmKind]:
    try:
        topic = parse_topic(text)
    except ValueError:
        return None, AlarmKind.BATCH_REFUSED
    if isinstance(topic, Topic | CommandTopic):
        is_records = isinstance(topic, Topic) and topic.channel == Channel.RECORDS
        return topic.box, AlarmKind.BATCH_REFUSED if is_records else AlarmKind.STATUS_REFUSED
    return None, AlarmKind.BATCH_REFUSED
