"""The destination `epcis`: each bill as EPCIS 2.0 events to a repository's capture interface (SCANNERS.md 3)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Final

from pydantic import BaseModel

from yaoma_bridge.bill import Bill, BillLine
from yaoma_bridge.epcis_events import EpcisNames, capture_document, event_id, events_of, is_observed
from yaoma_bridge.epcis_repository import EpcisOptions, EpcisRepository
from yaoma_bridge.platform import Answer, AnswerState, Order, Pace, Parcel, Ruling, RulingKind

__all__ = ["EpcisDestination"]

_MS: Final = 1000


class EpcisDestination:
    """Captures bills at an EPCIS 2.0 repository.

    An event's id is made from its bill, so after an unknown outcome the repository can be asked for just that event.

    Args:
        name: Its name in the configuration.
        options: Its options.

    Raises:
        ConfigError: If the token or a TLS file can't be used.
    """

    Options: ClassVar[type[BaseModel]] = EpcisOptions
    KIND: ClassVar[str] = "epcis"

    def __init__(self, name: str, options: EpcisOptions) -> None:
        self._name = name
        self._names = EpcisNames(options.uri_base, options.prefix, options.namespace)
        self._settle_ms = options.settle_s * _MS
        self._repository = EpcisRepository(options)

    @property
    def name(self) -> str:
        """Its name in the configuration, in receipts and in the store."""
        return self._name

    @property
    def order(self) -> Order:
        """Events carry their time, so any order will do."""
        return Order.NONE

    @property
    def pace(self) -> Pace:
        """As fast as the repository answers."""
        return Pace(at_once=2, first_ask_s=1.0)

    def rule(self, bill: Bill, line: BillLine) -> Ruling:
        """Say whether the operation has words in the vocabulary."""
        del line
        if is_observed(bill.operation):
            return Ruling()
        return Ruling(RulingKind.NOT_NEEDED, "operation_not_in_vocabulary")

    def parcels(self, bill: Bill) -> Sequence[Parcel]:
        """Send a bill as a whole: its events hang together."""
        return [Parcel(bill.number, "capture", bill, tuple(range(len(bill.lines))))]

    def send(self, parcel: Parcel, now_ms: int) -> Answer:
        """Capture the events."""
        events = events_of(parcel.bill, self._names)
        answer = self._repository.capture(capture_document(events, self._names, now_ms))
        return replace(answer, facts={**answer.facts, "sent_ms": now_ms})

    def ask(self, parcel: Parcel, now_ms: int) -> Answer:
        """Ask for the capture job, or for the events themselves if its address never came."""
        job = parcel.facts.get("job")
        if isinstance(job, str):
            answer = self._repository.job(job)
            if answer.state is not AnswerState.WAITING:
                return answer
            # The job was forgotten, which says nothing of the events.
            return Answer(AnswerState.UNKNOWN, "not_there_yet", facts={"job": None})
        answer = self._repository.event(event_id(parcel.bill, 0))
        return answer if answer.state is not AnswerState.WAITING else self._not_there(parcel, now_ms)

    def close(self) -> None:
        """Give connections back."""
        self._repository.close()

    def _not_there(self, parcel: Parcel, now_ms: int) -> Answer:
        """Believe that an event is not there only once it had time to come."""
        since = parcel.sent_ms or parcel.facts.get("sent_ms") or parcel.facts.get("asked_ms")
        since_ms = since if isinstance(since, int) else now_ms
        if now_ms - since_ms >= self._settle_ms:
            return Answer(AnswerState.WAITING, "not_there")
        return Answer(AnswerState.UNKNOWN, "not_there_yet", facts={"asked_ms": since_ms})
