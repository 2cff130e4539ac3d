"""The destination `epcis_inspections`: scans that only verify, as inspections to an EPCIS 2.0 repository.

A verification stands on no ticket, so it is no bill; it goes record by record (SCANNERS.md 3.2). What the repository
may have behind the store's position is asked for by its event id before it is sent again, so nothing counts twice.
"""

import time
from collections.abc import Sequence
from typing import ClassVar, Final

from pydantic import BaseModel

from yaoma.core.record import Kind
from yaoma.core.ticket import VERIFY
from yaoma_bridge.destinations.destination import Delivered
from yaoma_bridge.epcis_events import EpcisNames, capture_document, inspection_id, inspection_of
from yaoma_bridge.epcis_repository import EpcisOptions, EpcisRepository
from yaoma_bridge.errors import DestinationError
from yaoma_bridge.events import Event
from yaoma_bridge.platform import Answer, AnswerState
from yaoma_link.receipt import OutcomeState

__all__ = ["EpcisInspections"]

#: Why a record that is no verification is done with here.
_NOTHING_TO_SAY: Final = "nothing_to_say"
_JUDGED: Final = frozenset({"PASS", "REVIEW", "STOP"})
_AT_ONCE: Final = 100


class EpcisInspections:
    """Captures verifications at an EPCIS 2.0 repository.

    Args:
        name: Its name in the configuration.
        options: Its options, those of `epcis`.

    Raises:
        ConfigError: If the token or a TLS file can't be used.
    """

    Options: ClassVar[type[BaseModel]] = EpcisOptions

    def __init__(self, name: str, options: EpcisOptions) -> None:
        self._name = name
        self._names = EpcisNames(options.uri_base, options.prefix, options.namespace)
        self._repository = EpcisRepository(options)
        self._settle_s = options.settle_s
        self._upto = 0
        self._doubt_since_s: float | None = time.monotonic()

    @property
    def name(self) -> str:
        """Its name in the configuration and in receipts."""
        return self._name

    @property
    def mark(self) -> str:
        """The number of the last event that is done."""
        return str(self._upto)

    def resume(self, mark: str) -> tuple[str, ...]:
        """Begin at the store's position; what lies behind it is asked for first."""
        self._upto = int(mark or 0)
        self._doubt()
        return ()

    def deliver(self, events: Sequence[Event]) -> Sequence[Delivered]:
        """Capture the verifications among the events.

        Raises:
            DestinationError: If the repository can't take them now, or nobody knows whether it did.
        """
        inspections = [event for event in events if _is_inspection(event)]
        refused: set[int] = set()
        for first in range(0, len(inspections), _AT_ONCE):
            refused |= self._captured(inspections[first : first + _AT_ONCE])
        self._doubt_since_s = None
        if events:
            self._upto = events[-1].n
        sent = {event.n for event in inspections}
        return [_delivered(event.n, is_sent=event.n in sent, is_refused=event.n in refused) for event in events]

    def close(self) -> None:
        """Give connections back; what was under way is in doubt."""
        self._repository.close()
        self._doubt()

    def _doubt(self) -> None:
        if self._doubt_since_s is None:
            self._doubt_since_s = time.monotonic()

    def _captured(self, events: Sequence[Event]) -> set[int]:
        """Capture events together; give the numbers of those that the repository refuses."""
        due = (
            [event for event in events if not self._is_there(event)]
            if self._doubt_since_s is not None
            else list(events)
        )
        if not due:
            return set()
        answer = self._capture(due)
        if answer.state is AnswerState.REFUSED:
            # One is at fault and a document is taken whole or not at all, so each goes by itself.
            if len(due) == 1:
                return {due[0].n}
            return {number for event in due for number in self._captured([event])}
        if answer.state is not AnswerState.ACCEPTED:
            self._doubt_since_s = time.monotonic()
            raise DestinationError(f"{self._name}: {answer.reason or answer.state.value}", "It is tried again")
        return set()

    def _capture(self, events: Sequence[Event]) -> Answer:
        document = capture_document(
            [inspection_of(event, self._names) for event in events], self._names, events[-1].record.stamp.wall_ms
        )
        answer = self._repository.capture(document)
        job = answer.facts.get("job")
        if answer.state is AnswerState.PROCESSING and isinstance(job, str):
            return self._repository.job(job)
        return answer

    def _is_there(self, event: Event) -> bool:
        answer = self._repository.event(inspection_id(event))
        if answer.state is AnswerState.UNKNOWN:
            raise DestinationError(f"{self._name}: {answer.reason}", "It is tried again")
        if answer.state is AnswerState.ACCEPTED:
            return True
        if self._doubt_since_s is not None and time.monotonic() - self._doubt_since_s < self._settle_s:
            raise DestinationError(f"{self._name}: not_there_yet", "What may be under way gets its time to come")
        return False


def _is_inspection(event: Event) -> bool:
    fields = event.record.fields
    return (
        event.record.kind == Kind.SCAN
        and fields.get("operation") == VERIFY
        and not fields.get("ticket")
        and bool(fields.get("code"))
        and fields.get("verdict") in _JUDGED
    )


def _delivered(n: int, *, is_sent: bool, is_refused: bool) -> Delivered:
    if is_refused:
        return Delivered(n, OutcomeState.REFUSED, "epcis_refused")
    return Delivered(n, OutcomeState.ACCEPTED, "" if is_sent else _NOTHING_TO_SAY)
