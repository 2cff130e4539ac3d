"""Pass-through: hands on to each station's till what may go on, and tells operator and journal what did not arrive."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from yaoma.core.code import Meaning, from_key
from yaoma.core.deed import not_passed_on
from yaoma.core.operation import Operation
from yaoma.core.pass_on import goes_on, is_tills_own, sent_as, sent_unchanged
from yaoma.core.policy import Policy
from yaoma.core.reason import Reason, VerdictClass
from yaoma.core.record import Entry, Record
from yaoma.core.ticket import Ticket
from yaoma.core.verdict import Verdict
from yaoma.core.wording import grouped
from yaoma.shell.indicator import Shown
from yaoma.shell.port_worker import Passage, PortWorker
from yaoma_drivers.signal import Signal
from yaoma_drivers.symbol import Symbol

__all__ = ["Gate", "PassThrough"]

#: So many codes of a station are remembered as sent, and as owed; a sale has far fewer.
_REMEMBERED: Final = 1024


class _Codes:
    """The codes that came last; any thread may ask."""

    def __init__(self) -> None:
        self._keys: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, key: str) -> None:
        with self._lock:
            self._keys[key] = None
            self._keys.move_to_end(key)
            if len(self._keys) > _REMEMBERED:
                self._keys.popitem(last=False)

    def discard(self, key: str) -> None:
        with self._lock:
            self._keys.pop(key, None)

    def __contains__(self, key: str) -> bool:
        with self._lock:
            return key in self._keys


@dataclass(frozen=True, slots=True)
class Gate:
    """The way to one station's till.

    Args:
        worker: Sends.
        without_ticket: A till's own codes go on while no ticket is open, too.
    """

    worker: PortWorker
    without_ticket: bool = False
    owed: _Codes = field(default_factory=_Codes)
    sent: _Codes = field(default_factory=_Codes)


class PassThrough:
    """All tills of a box. Every call returns at once.

    Args:
        gates: The way to each till, by station.
        policy: Gives the rules of the place.
        is_cleared: Tells whether a named operator has let the pack with this key through since it was judged.
        show: Shows something to the operators of its station.
        append: Has an entry recorded.
    """

    def __init__(
        self,
        gates: Mapping[str, Gate],
        *,
        policy: Callable[[], Policy],
        is_cleared: Callable[[str], bool],
        show: Callable[[Shown], None],
        append: Callable[[Entry], None],
    ) -> None:
        self._gates = gates
        self._policy = policy
        self._is_cleared = is_cleared
        self._show = show
        self._append = append

    def tills_own(
        self, symbol: Symbol, meaning: Meaning, station: str, ticket: Ticket | None, operation: Operation
    ) -> Callable[[], None] | None:
        """Give what hands on a code that is the till's own, or None if it is to be judged.

        Args:
            symbol: What was scanned.
            meaning: What it means.
            station: Where.
            ticket: The station's open ticket, or None.
            operation: What is being done.
        """
        gate = self._gates.get(station)
        if gate is None or not is_tills_own(
            meaning, symbol.data, ticket, operation, without_ticket=gate.without_ticket
        ):
            return None
        ticket_id = ticket.id if ticket else None

        def failed(problem: str, is_partial: bool) -> None:  # noqa: FBT001 - called by the port's worker
            shown = Shown(Signal.FAULT, Reason.NOT_PASSED_ON.value, station, "")
            self._failed(shown, problem, ticket_id, is_partial=is_partial)

        return lambda: gate.worker.offer(Passage(sent_unchanged(symbol.data), failed))

    def judged(self, symbol: Symbol, verdict: Verdict, record: Record, station: str, *, is_late: bool) -> None:
        """Hand on a trace code whose record is kept, if it may go on.

        Args:
            symbol: What was scanned.
            verdict: What was said of it.
            record: Its record.
            station: Where.
            is_late: The operator is asked to scan it once more, since the verdict came late.
        """
        gate, key = self._gates.get(station), record.fields.get("code")
        if gate is None or not isinstance(key, str):
            return
        is_repeat = verdict.verdict is VerdictClass.REPEAT
        is_owed = is_repeat and (key in gate.owed or (key not in gate.sent and self._is_cleared(key)))
        is_training = record.fields.get("training") is True
        if not goes_on(verdict.verdict, self._policy(), is_late=is_late, is_owed=is_owed, is_training=is_training):
            if is_late and not is_training:
                gate.owed.add(key)
            return
        gate.owed.discard(key)
        gate.sent.add(key)
        ticket = record.fields.get("ticket")
        shown = Shown(
            Signal.FAULT,
            Reason.NOT_PASSED_ON.value,
            station,
            symbol.scanner,
            seq=record.seq,
            code=grouped(from_key(key)),
        )

        def failed(problem: str, is_partial: bool) -> None:  # noqa: FBT001 - called by the port's worker
            gate.sent.discard(key)
            gate.owed.add(key)
            of = record.identity
            ticket_id = ticket if isinstance(ticket, str) else None
            self._failed(shown, problem, ticket_id, of, is_partial=is_partial)

        gate.worker.offer(Passage(sent_as(key, symbol.data), failed))

    def _failed(
        self, shown: Shown, problem: str, ticket: str | None, of: tuple[str, int] | None = None, *, is_partial: bool
    ) -> None:
        self._append(not_passed_on(shown.station, problem, of, is_partial=is_partial, ticket=ticket))
        self._show(replace(shown, facts={"trouble": problem}))
