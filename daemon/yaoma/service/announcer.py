"""Announcer: hands what was recorded to every indicator and back to the scanner; never waits for any of them."""

from collections.abc import Mapping, Sequence

from yaoma.core.code import from_key
from yaoma.core.reason import Reason, VerdictClass
from yaoma.core.record import Record
from yaoma.core.verdict import Verdict
from yaoma.core.wording import grouped
from yaoma.service.pass_through import PassThrough
from yaoma.shell.indicator import Shown
from yaoma.shell.indicator_worker import IndicatorWorker
from yaoma_drivers.driver import Showing
from yaoma_drivers.signal import Signal
from yaoma_drivers.symbol import Symbol

__all__ = ["LATE_MS", "Announcer"]

#: Past this the operator has gone on to the next pack: a green light would be taken for that one (DESIGN.md 3).
LATE_MS = 400


class Announcer:
    """Tells operators, in the order in which it was recorded.

    Args:
        stations: Station by scanner.
        scanners: The drivers whose scanners can show something, by scanner.
        indicators: The indicators' workers.
        passing: The way to the tills, where there are any.
    """

    def __init__(
        self,
        stations: Mapping[str, str],
        scanners: Mapping[str, Showing],
        indicators: Sequence[IndicatorWorker],
        passing: PassThrough | None = None,
    ) -> None:
        self._stations = stations
        self._scanners = scanners
        self._indicators = tuple(indicators)
        self._passing = passing

    def show(self, symbol: Symbol, verdict: Verdict, record: Record) -> None:
        """Show a verdict whose record is kept."""
        operation, waited_ms = record.fields.get("operation"), record.fields.get("waited_ms")
        is_late = verdict.verdict is VerdictClass.PASS and isinstance(waited_ms, int) and waited_ms > LATE_MS
        shown = Shown(
            signal=Signal.REVIEW if is_late else Signal(verdict.verdict.value),
            reason=Reason.LATE.value if is_late else str(verdict.reason),
            station=self._stations[symbol.scanner],
            scanner=symbol.scanner,
            operation=operation if isinstance(operation, str) else "",
            seq=record.seq,
            facts=verdict.facts,
            degraded=verdict.degraded,
            code=_code(record),
        )
        self._tell(symbol, shown)
        if self._passing is not None:
            # The operator first: a till is slower than an eye.
            self._passing.judged(symbol, verdict, record, shown.station, is_late=is_late)

    def out_of_service(self, symbol: Symbol, cause: str) -> None:
        """Show that a scan could not be recorded; never a verdict (DESIGN.md 3, promise 1)."""
        shown = Shown(
            signal=Signal.OUT_OF_SERVICE, reason=cause, station=self._stations[symbol.scanner], scanner=symbol.scanner
        )
        self._tell(symbol, shown)

    def _tell(self, symbol: Symbol, shown: Shown) -> None:
        scanner = self._scanners.get(symbol.scanner)
        if scanner is not None:
            scanner.show(symbol, shown.signal)
        for indicator in self._indicators:
            indicator.offer(shown)


def _code(record: Record) -> str:
    """Give the code for the screen: only what the record holds may be shown."""
    key, text = record.fields.get("code"), record.fields.get("text")
    if isinstance(key, str):
        return grouped(from_key(key))
    return text if isinstance(text, str) else ""
