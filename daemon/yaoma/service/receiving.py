"""Receiving: takes receipts in order, proves them, and applies each in one transaction before it is acknowledged."""

import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace

from yaoma.core.note import Verifier
from yaoma.service.log_uplink import ForkError, LogUplink
from yaoma.service.receipt_order import ReceiptOrder, opened_for, order_of
from yaoma.shell.database import DatabaseUnavailableError
from yaoma.shell.outbox import Outbox, Stored
from yaoma_link.batch import ReceiptMark
from yaoma_link.receipt import Outcome, Receipt, ReceiptError
from yaoma_link.report import Received
from yaoma_link.topics import BoxName

__all__ = ["Receiving"]

_log = logging.getLogger("yaoma.uploader")

_ALARM_EVERY_MS = 60_000
_RETRY_MS = 5_000
#: A birth asks the bridge for the receipts that are lacking; the bridge passes over equal ones within 5 s.
_ASK_EVERY_MS = 10_000
_ASK_CAP_MS = 600_000
_ASK_ON_MS = 2_000


class Receiving:
    """The receipts' way into the box.

    Args:
        box: Who we are.
        verifiers: The bridge's keys.
        outbox: Where receipts are applied.
        find: Gives a log of this box that may still be confirmed or sent again, or None.
        on_wanted: Called with a log of which a restored bridge lacks records that it had confirmed.
        on_fork: Called when the bridge knows another history of a log.
        on_answer: Called with each log that the bridge speaks of in an epoch that has not ended, and with the log
            itself where that is proved.
    """

    def __init__(
        self,
        box: BoxName,
        verifiers: Sequence[Verifier],
        outbox: Outbox,
        *,
        find: Callable[[str], LogUplink | None],
        on_wanted: Callable[[LogUplink], None],
        on_fork: Callable[[ForkError], None],
        on_answer: Callable[[str, LogUplink | None], None] = lambda *_: None,
    ) -> None:
        self._box = box
        self._verifiers = tuple(verifiers)
        self._outbox = outbox
        self._find = find
        self._on_wanted = on_wanted
        self._on_fork = on_fork
        self._on_answer = on_answer
        self._waiting: deque[Received] = deque()
        self._retry_at_ms: int | None = None
        self._alarmed_ms: int | None = None
        self._unsaid = 0
        self._asked: tuple[int, ReceiptMark] | None = None
        self._vain_asks = 0
        self._is_catching_up = False
        self.mark = outbox.mark()
        self._seen = self.mark
        self.refused = 0
        self.last_was_refused = False

    @property
    def is_stuck(self) -> bool:
        """Whether the disk refuses what a receipt says."""
        return self._retry_at_ms is not None

    def put(self, received: Received) -> None:
        """Take a receipt from the session; it is worked off in order of arrival."""
        self._waiting.append(received)

    def connected(self, now_ms: int) -> None:
        """Take notice of the birth that the session sends with each connection: it asks for what is lacking."""
        self._vain_asks = 0
        self._asked = now_ms, self.mark
        self._is_catching_up = True

    def disconnected(self) -> None:
        """Forget what was not acknowledged: the broker sends it again, and the next birth asks for the rest."""
        self._waiting.clear()
        self._retry_at_ms = None
        self._asked = None

    def work(self, now_ms: int) -> list[Received]:
        """Apply what waits, and give what the session may acknowledge.

        Raises:
            DatabaseDamagedError: If site.db is damaged.
        """
        done: list[Received] = []
        if self._retry_at_ms is not None and now_ms < self._retry_at_ms:
            return done
        while self._waiting:
            try:
                self._take(self._waiting[0], now_ms)
            except DatabaseUnavailableError as error:
                if self._retry_at_ms is None:
                    _log.error("a receipt can't be applied, it will be tried again: problem=%s", error)
                self._retry_at_ms = now_ms + _RETRY_MS
                return done
            done.append(self._waiting.popleft())
        self._retry_at_ms = None
        return done

    def asks_for_more(self, now_ms: int) -> bool:
        """Tell whether a birth must go out now because receipts may be lacking; it is taken as sent."""
        ask_at_ms = self._ask_at_ms()
        if self._asked is None or ask_at_ms is None or now_ms < ask_at_ms:
            return False
        # the end of a long answer may have been dropped by the broker: ask on until an answer is only one receipt
        if self._is_catching_up and not self._lacks and not self._has_come_far(self._asked[1]):
            self._is_catching_up = False
            return False
        self._vain_asks = min(self._vain_asks + 1, 16) if self._asked[1] == self.mark else 0
        self._asked = now_ms, self.mark
        self._is_catching_up = True
        return True

    def wake_at_ms(self) -> int | None:
        """Give the time at which something must be tried again, or None."""
        times = [self._retry_at_ms, self._ask_at_ms()]
        return min((one for one in times if one is not None), default=None)

    @property
    def _lacks(self) -> bool:
        return (self.mark.epoch, self.mark.upto) < (self._seen.epoch, self._seen.upto)

    def _ask_at_ms(self) -> int | None:
        if self._asked is None or not (self._lacks or self._is_catching_up):
            return None
        asked_ms, mark = self._asked
        # where the last question helped, the next may follow soon
        is_stuck = self._lacks and mark == self.mark
        return asked_ms + (min(_ASK_CAP_MS, _ASK_EVERY_MS << self._vain_asks) if is_stuck else _ASK_ON_MS)

    def _has_come_far(self, mark: ReceiptMark) -> bool:
        return self.mark.epoch > mark.epoch or self.mark.upto > mark.upto + 1

    def _take(self, received: Received, now_ms: int) -> None:
        try:
            receipt = opened_for(self._box, received.payload, self._verifiers)
        except ReceiptError as error:
            self._refuse(error, now_ms)
            return
        self.last_was_refused = False
        order = order_of(receipt, self.mark)
        if order is ReceiptOrder.OLD:
            return
        said = ReceiptMark(receipt.epoch, receipt.rseq)
        uplink = self._find(receipt.log)
        stored, outcomes = self._proved(receipt, uplink)
        if uplink is not None and stored is not None:
            is_wanted = stored.upto < uplink.stored.upto or bool(receipt.missing)
            uplink.take(stored, receipt.missing, now_ms)
            if is_wanted:
                self._on_wanted(uplink)
        self._on_answer(receipt.log, None if stored is None else uplink)
        if order is ReceiptOrder.AHEAD:
            # what is stored is cumulative and may be used; outcomes would be lost if these were passed over
            self._seen = max(self._seen, said, key=lambda one: (one.epoch, one.upto))
            if uplink is not None and stored is not None:
                self._outbox.keep(receipt.log, stored)
            return
        kept = None if uplink is None else uplink.stored
        self._outbox.apply(receipt.log, mark=said, stored=kept, outcomes=outcomes, made_ms=receipt.made_ms)
        self.mark = said

    def _proved(self, receipt: Receipt, uplink: LogUplink | None) -> tuple[Stored | None, tuple[Outcome, ...]]:
        """Give what is newly proved, and the outcomes of records that both sides agree on."""
        if uplink is None:
            return None, receipt.outcomes
        try:
            stored = uplink.believed(receipt)
        except ForkError as error:
            self._on_fork(error)
            return None, _below(receipt.outcomes, uplink.stored.upto)
        return stored, _below(receipt.outcomes, (stored or uplink.stored).upto)

    def _refuse(self, error: ReceiptError, now_ms: int) -> None:
        self.refused += 1
        self._unsaid += 1
        self.last_was_refused = True
        if self._alarmed_ms is None or now_ms - self._alarmed_ms >= _ALARM_EVERY_MS:
            _log.error("receipt refused: problem=%s count=%d", error, self._unsaid)
            self._alarmed_ms, self._unsaid = now_ms, 0


def _below(outcomes: Sequence[Outcome], upto: int) -> tuple[Outcome, ...]:
    """Keep the outcomes of places that the bridge is proved to have."""
    return tuple(replace(one, span=(one.span[0], min(one.span[1], upto))) for one in outcomes if one.span[0] < upto)
