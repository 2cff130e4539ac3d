"""Recorder: the one thread that judges, seals and appends. What it shows is kept; what isn't kept isn't shown."""

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from yaoma.core.entry import CloseReason, clock_changed
from yaoma.core.record import Entry, Stamp
from yaoma.service.counter import Counter, Told
from yaoma.service.watch import Heart
from yaoma.service.work import Answer, CloseLog, Damage, Erase, Item, Request, Trouble
from yaoma.shell.database import DatabaseDamagedError, DatabaseError, DatabaseUnavailableError
from yaoma.shell.disk import DiskGauge
from yaoma.shell.erasure import draft_erasure, finish_erasure
from yaoma.shell.journal import Draft, Journal
from yaoma.shell.journal_folder import JournalFolder
from yaoma_drivers.symbol import Symbol

__all__ = ["STEP_S", "Recorder", "RecorderParts", "SiteLostError"]

log = logging.getLogger("yaoma.recorder")

#: So many waiting scans are judged together and committed once.
GROUP = 64

#: More unwritten packs than this would eat the memory of a small box; then it is out of service instead.
UNWRITTEN_PACKS = 100_000

_IDLE_S = 0.25
_FLUSH_S = 5.0
_FLUSH_PACKS = 2048

#: How often tickets are looked at that nobody works on any more.
_LOOK_FOR_IDLE_S = 10.0
_FIRST_RETRY_S = 0.2
_LONGEST_RETRY_S = 10.0

#: One step of a recorder at work: the longest commit, flush or checkpoint that a bad card may take.
STEP_S = 20.0

#: Opening years of records, or copying them into a new log, takes longer than a step.
_RECOVERY_S = 900.0


_STARTING = Trouble("journal_recovering")

#: What becomes a record; everything else in the queue is about the log itself.
_RECORDED = (Symbol, Request)


def _unasked(answer: Answer) -> None:
    """Take the answer to what the box itself commanded."""
    if answer.refusal:
        log.warning("idle ticket not ended: reason=%s", answer.refusal)


class SiteLostError(Exception):
    """site.db can't be used any more; the box must be put together anew, which makes it again from the journal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecorderParts:
    """What a recorder works with.

    Args:
        journals: The folder of logs.
        counter: Judges and drafts.
        clock: Gives the time.
        clock_moved: Says whether a clock record is due between two stamps.
        disk: Room on the journal's disk.
        kept: Called after each commit and each change of the log; must return at once.
        checkpoint_s: A checkpoint is signed this long after the last one, if there is news, in seconds.
        first_entries: Recorded at the start, such as the `start` record.
        last: The stamp of the last record before the start, or None: the clock may have been set in between.
        committed: Told how long each commit took, in seconds; must return at once.
        look_for_idle_s: How often tickets are looked at that nobody works on any more, in seconds.
        heart: Beats after each step; being idle counts, a blocked append does not.
    """

    journals: JournalFolder
    counter: Counter
    clock: Callable[[], Stamp]
    clock_moved: Callable[[Stamp, Stamp], bool]
    disk: DiskGauge
    kept: Callable[[], None]
    checkpoint_s: float = 60.0
    first_entries: Sequence[Entry] = ()
    last: Stamp | None = None
    committed: Callable[[float], None] = lambda _: None
    look_for_idle_s: float = _LOOK_FOR_IDLE_S
    heart: Heart = field(default_factory=lambda: Heart("recorder", STEP_S))


class Recorder(threading.Thread):
    """The recorder's thread.

    Args:
        parts: What it works with.
        items: What it is fed with: symbols, requests; None ends it after everything before it.
    """

    def __init__(self, parts: RecorderParts, items: "queue.Queue[Item]") -> None:
        super().__init__(name="recorder", daemon=False)
        self.journal: Journal | None = None
        self.trouble: Trouble | None = _STARTING
        self.failure: Exception | None = None
        self._parts = parts
        self._ledger = parts.counter.ledger
        self._items = items
        self._due = list(parts.first_entries)
        self._retry_at_s, self._wait_s = 0.0, _FIRST_RETRY_S
        self._checkpoint_at_s = self._flush_at_s = self._idle_at_s = time.monotonic()
        now = parts.clock()
        self._stamp = parts.last if parts.last is not None and parts.last.boot == now.boot else now
        self._to_replace: CloseLog | Damage | None = None
        self._damage: str | None = None

    def run(self) -> None:
        """Serve items until None comes; then sign a last checkpoint."""
        try:
            # The journal is opened before anything is waited for: the box is ready only with it.
            self._serve([])
            ended = False
            while not ended:
                items = self._taken()
                ended = None in items
                self._serve([item for item in items if item is not None])
                self._parts.heart.beat()
            self._rest()
        except Exception as error:  # whatever it was, the supervisor stops all and a restart recovers from the disk
            log.exception("recorder failed")
            self.failure = error
            self._refuse_waiting()

    def close(self) -> None:
        """Close the journal, after the last one who reads it has ended."""
        if self.journal is not None:
            self.journal.close()

    def _taken(self) -> list[Item]:
        items: list[Item] = []
        try:
            items.append(self._items.get(timeout=_IDLE_S))
            while len(items) < GROUP:
                items.append(self._items.get_nowait())
        except queue.Empty:
            pass
        return items

    def _serve(self, items: Sequence[Symbol | Request | CloseLog | Damage | Erase]) -> None:
        group: list[Symbol | Request] = []
        for item in items:
            if isinstance(item, _RECORDED):
                group.append(item)
            else:
                self._record(group)
                group = []
                if isinstance(item, Erase):
                    self._erase(item)
                    continue
                if self.journal is None or item.log == self.journal.log:
                    self._to_replace = item
                self._replace()
        self._record(group)
        self._keep_house()

    def _record(self, group: Sequence[Symbol | Request]) -> None:
        """Judge a group in order, commit it once, then tell; on failure everything in memory goes back."""
        journal = self._journal_in_service()
        if journal is None:
            self._refuse(group)
            return
        draft, before, posts = journal.draft(), self._stamp, self._parts.counter.posts_now()
        try:
            told = self._drafted(draft, group)
            if draft.records:
                self._commit(journal, draft)
        except DatabaseError as error:
            self._stamp = before
            self._parts.counter.put_back(posts)
            try:
                self._failed(error, journal)
            finally:
                self._refuse(group)
            return
        # The operator first: whoever delivers would take the interpreter's lock from those who show.
        for tell in told:
            tell()
        if draft.records:
            self._due.clear()
            self._ledger.keep()
            self._parts.kept()

    def _erase(self, item: Erase) -> None:
        """Erase sealed identities and record that, in one commit; then what lies outside of the open log."""
        journal = self._journal_in_service()
        if journal is None or any(one.file == journal.path and one.log != journal.log for one in item.plan.chosen):
            # Out of service; or another log lies there than the one that was looked through.
            item.answer(None)
            return
        self._parts.heart.beat(within_s=_RECOVERY_S)
        draft, before = journal.draft(), self._stamp
        try:
            for record in draft_erasure(item.plan, item.erasure, draft, lambda: self._stamped(draft)):
                self._ledger.stage(record)
            self._commit(journal, draft)
            self._ledger.keep()
            outcome = finish_erasure(item.plan, journal.path.parent, journal)
        except DatabaseError as error:
            self._stamp = before
            item.answer(None)
            self._failed(error, journal)
            return
        item.answer(outcome)
        self._parts.kept()

    def _drafted(self, draft: Draft, group: Sequence[Symbol | Request]) -> list[Told]:
        disk_low, told = self._parts.disk.room().low, list[Told]()
        if self._due or not group:
            self._stamped(draft)
        for entry in self._due:
            self._ledger.stage(draft.add(entry, self._stamp))
        for item in group:
            stamp = self._stamped(draft)
            if isinstance(item, Symbol):
                told.append(self._parts.counter.scanned(item, draft, stamp, disk_low=disk_low))
            else:
                told.append(self._parts.counter.commanded(item, draft, stamp))
        return told

    def _commit(self, journal: Journal, draft: Draft) -> None:
        begun_s = time.monotonic()
        journal.commit(draft)
        self._parts.committed(time.monotonic() - begun_s)

    def _stamped(self, draft: Draft) -> Stamp:
        """Give the time; if the clock was moved, draft the record that says so before anything gets the new time."""
        before, now = self._stamp, self._parts.clock()
        self._stamp = now
        if self._parts.clock_moved(before, now):
            self._ledger.stage(draft.add(clock_changed(before, now), now))
        return now

    def _refuse(self, group: Sequence[Symbol | Request]) -> None:
        cause = self.trouble.cause if self.trouble else "disk_error"
        for item in group:
            if isinstance(item, Symbol):
                self._parts.counter.view.out_of_service(item, cause)
            else:
                item.answer(Answer(refusal=cause))

    def _refuse_waiting(self) -> None:
        """Answer what still waits: nobody else will."""
        while True:
            try:
                item = self._items.get_nowait()
            except queue.Empty:
                return
            if isinstance(item, _RECORDED):
                self._refuse([item])

    def _journal_in_service(self) -> Journal | None:
        """Give the journal if it may be appended to now; try to get it back when it is time."""
        if self.journal is None and time.monotonic() >= self._retry_at_s:
            self._recover()
        if self.journal is None:
            return None
        trouble = None
        if self._parts.disk.room().full:
            trouble = Trouble("disk_full", f"{self._parts.disk.room().free_bytes} bytes free")
        elif self._ledger.unwritten > UNWRITTEN_PACKS:
            trouble = Trouble("site_behind", "site.db can't be written")
        self._set_trouble(trouble)
        return None if trouble else self.journal

    def _set_trouble(self, trouble: Trouble | None) -> None:
        before = self.trouble
        self.trouble = trouble
        if trouble is not None and (before is None or before.cause != trouble.cause):
            log.error("out of service: cause=%s problem=%s", trouble.cause, trouble.problem)
        elif trouble is None and before is not None and before is not _STARTING:
            log.warning("in service: cause=%s is over", before.cause)

    # Recovery

    def _failed(self, error: DatabaseError, journal: Journal) -> None:
        """A file has failed under us: forget what was staged, drop the handle, begin to recover."""
        self._ledger.drop()
        if error.path.name == "site.db":
            raise SiteLostError(error.problem) from error
        journal.close()
        self.journal = None
        self._damage = error.problem if isinstance(error, DatabaseDamagedError) else None
        self._set_trouble(Trouble("journal_recovering" if self._damage else "disk_error", error.problem))
        self._retry_at_s = time.monotonic()

    def _recover(self) -> None:
        self._parts.heart.beat(within_s=_RECOVERY_S)
        try:
            # What SQLite calls damaged while it writes may open again without complaint, and fail again.
            journal = (
                self._parts.journals.replace_damaged(self._damage) if self._damage else self._parts.journals.open()
            )
            self._damage = None
            self._parts.journals.catch_up(journal, self._ledger)
        except DatabaseError as error:
            if error.path.name == "site.db":
                raise SiteLostError(error.problem) from error
            self._set_trouble(Trouble("disk_error", error.problem))
            self._retry_at_s = time.monotonic() + self._wait_s
            self._wait_s = min(self._wait_s * 2, _LONGEST_RETRY_S)
            return
        self.journal = journal
        self._wait_s = _FIRST_RETRY_S
        self._set_trouble(None)
        self._parts.kept()

    def _replace(self) -> None:
        """Begin a new log because the uploader found that this one can't go on; it tells so only once."""
        item, journal = self._to_replace, self._journal_in_service()
        if item is None or journal is None:
            return
        if journal.log != item.log:
            self._to_replace = None
            return
        self._parts.heart.beat(within_s=_RECOVERY_S)
        try:
            self._ledger.flush()
            if isinstance(item, CloseLog):
                self.journal = self._parts.journals.close_log(journal, CloseReason.FORKED)
            else:
                journal.close()
                self.journal = self._parts.journals.replace_damaged(f"record {item.seq} does not fit its hash")
            self._parts.journals.catch_up(self.journal, self._ledger)
        except DatabaseError as error:
            self._failed(error, journal)
            return
        self._to_replace = None
        self._parts.kept()

    # Between scans

    def _keep_house(self) -> None:
        if self._to_replace is not None:
            self._replace()
        now_s = time.monotonic()
        if now_s - self._idle_at_s >= self._parts.look_for_idle_s:
            self._idle_at_s = now_s
            self._end_idle()
        if self._ledger.unwritten > _FLUSH_PACKS or now_s - self._flush_at_s > _FLUSH_S:
            self._flush_at_s = now_s
            self._flush()
        journal = self._journal_in_service()
        if journal is not None and journal.checkpointed < journal.size:
            if now_s - self._checkpoint_at_s > self._parts.checkpoint_s:
                self._checkpoint(journal)
        else:
            self._checkpoint_at_s = now_s

    def _end_idle(self) -> None:
        """End the tickets that nobody works on any more (S0-20)."""
        if self._journal_in_service() is None:
            return
        try:
            due = self._parts.counter.idle(self._parts.clock())
        except DatabaseError as error:
            raise SiteLostError(error.problem) from error
        if due:
            self._record([Request(command, _unasked) for command in due])

    def _flush(self) -> None:
        try:
            self._ledger.flush()
        except DatabaseUnavailableError as error:
            log.warning("site state not written yet: problem=%s", error.problem)
        except DatabaseDamagedError as error:
            raise SiteLostError(error.problem) from error

    def _checkpoint(self, journal: Journal) -> None:
        self._checkpoint_at_s = time.monotonic()
        try:
            journal.checkpoint()
        except DatabaseError as error:
            self._failed(error, journal)
        else:
            self._parts.kept()

    def _rest(self) -> None:
        """Leave everything written, as a clean stop should."""
        self._flush()
        if self.journal is not None:
            self._checkpoint(self.journal)
