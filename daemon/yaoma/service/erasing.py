"""Erasing: has sealed identities erased, when the policy says so or a named operator asks."""

import queue
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from yaoma.core.canonical import MAX_INTEGER
from yaoma.core.erasure import EraseReason, Erasure
from yaoma.core.person_statement import StatementProblem, number_in
from yaoma.core.record import Stamp
from yaoma.core.ticket import CommandRefusedError
from yaoma.service.work import Erase, Item
from yaoma.shell.database import DatabaseError
from yaoma.shell.erasure import EraseOutcome, ErasePlan, held_identities, plan
from yaoma.shell.identity_keeper import IdentityKeeper

__all__ = ["Erasing"]

_ANSWER_S: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasing:
    """Finds what is to be erased; the recorder erases it and records that it did.

    Args:
        folder: The state folder.
        keeper: Says what is due by the policy.
        stored: Gives up to where the bridge has stored each log.
        clock: Gives the time.
        post: Hands something to the recorder, now or as soon as there is a place.
    """

    folder: Path
    keeper: IdentityKeeper
    stored: Callable[[], Mapping[str, int]]
    clock: Callable[[], Stamp]
    post: Callable[[Item], None]

    def look(self) -> None:
        """See whether something is due; call it every now and then."""
        try:
            found = self.keeper.due(self.clock())
        except DatabaseError:
            return  # the recorder has the same trouble, and tells it
        if found is not None:
            self.post(Erase(found[0], found[1], lambda _: None))

    def asked(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Erase what an operator asks for.

        Args:
            request: `before_ms` or `record` (log and place), `operator`, `even_unsent`.

        Raises:
            ValueError: If it can't be understood.
            CommandRefusedError: If nobody is named, or the box can't do it now.
            DatabaseError: If the journal can't be read.
        """
        before_ms, record, operator = request.get("before_ms"), request.get("record"), request.get("operator", "")
        if before_ms is not None and (type(before_ms) is not int or not 0 <= before_ms <= MAX_INTEGER):
            raise ValueError("before_ms is a whole number of milliseconds since 1970")
        if not isinstance(operator, str) or not operator.isprintable():
            raise ValueError("operator is text")
        if number_in(operator) in {StatementProblem.NOTE_HAS_IDENTITY, StatementProblem.NOTE_HAS_PHONE}:
            raise CommandRefusedError("statement_operator_is_number")
        if not operator:
            raise CommandRefusedError("operator_needed")
        chosen = plan(
            held_identities(self.folder),
            self.stored(),
            before_ms=before_ms,
            record=_place(record),
            even_unsent=request.get("even_unsent") is True,
        )
        outcome = self._erased(chosen, Erasure(EraseReason.ASKED, operator[:64], before_ms))
        return {"erased": len(chosen.records), "unsent": chosen.unsent, "left": list(outcome.left)}

    def _erased(self, chosen: ErasePlan, erasure: Erasure) -> EraseOutcome:
        if not chosen.chosen:
            return EraseOutcome(0, ())
        answers: queue.Queue[EraseOutcome | None] = queue.Queue()
        self.post(Erase(chosen, erasure, answers.put))
        try:
            outcome = answers.get(timeout=_ANSWER_S)
        except queue.Empty:
            outcome = None
        if outcome is None:
            raise CommandRefusedError("busy")
        return outcome


def _place(record: object) -> tuple[str, int] | None:
    if record is None:
        return None
    if isinstance(record, list) and len(record) == 2 and isinstance(record[0], str) and type(record[1]) is int:  # noqa: PLR2004 - log and place
        return record[0], record[1]
    raise ValueError("record is a log and a place")
