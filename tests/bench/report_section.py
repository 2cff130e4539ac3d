"""Report: what a recall, a day and a month cost with a million records on the disk."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.scans import pack_codes
from bench.sync_shim import SyncShim
from bench.table import Found, Row
from fakes.report_journal import Shelf, write_journal
from yaoma.core.report_gather import LEAD_MS, Knowledge, gather
from yaoma.core.report_period import Period
from yaoma.shell.report_outcomes import read_outcomes
from yaoma.shell.report_source import ReportSource
from yaoma.shell.report_trace import trace_lot, trace_pack, trace_product

__all__ = ["ReportSection"]

_RECORDS = 1_000_000
_PACKS_EACH = 6
_RECALL_BAR_S = 10.0
_STEP_MS = 4_000


class ReportSection:
    """Measures reports on a journal of a million records: packs that were received six by six and handed out.

    Args:
        folder: A folder on the disk that is measured.
        shim: Not needed here.
    """

    def __init__(self, folder: Path, shim: SyncShim) -> None:
        self._folder = folder
        codes = [f"cn20:{code}" for code in pack_codes(_RECORDS // 2)]
        self._pack = codes[len(codes) // 2]
        self._records = write_journal(folder, _bodies(codes))

    def round(self) -> dict[str, float]:
        """Measure each report once, and beside it the scan of the file that nobody can do without."""
        source = ReportSource(self._folder)
        month = Period.of_month("2026-12")
        day = Period.of_day("2026-12-10")
        return {
            "bare": _seconds(self._bare),
            "pack": _seconds(lambda: trace_pack(source, self._pack)),
            "product": _seconds(lambda: trace_product(source, self._pack[:12])),
            "lot": _seconds(lambda: trace_lot(source, "L0007")),
            "day": _seconds(lambda: self._gather(source, day)),
            "month": _seconds(lambda: self._gather(source, month)),
        }

    def rows(self, found: Found) -> list[Row]:
        """Lay out what was found."""
        bare = f"one pass of SQLite {found.median('bare'):.1f} s"
        rows = []
        for name, what, bar_s in (
            ("pack", "history of one pack", _RECALL_BAR_S),
            ("product", "recall of a product", _RECALL_BAR_S),
            ("lot", "recall of a lot", _RECALL_BAR_S),
            ("day", "rates of a day", None),
            ("month", "rates of a month (a half of all records)", None),
        ):
            took_s = found.median(name)
            rows.append(
                Row(
                    f"{what}, {self._records:,} records",
                    f"{took_s:.1f} s",
                    bare,
                    f"{found.ratio(name, 'bare'):.1f}",
                    f"<= {bar_s:.0f} s" if bar_s else "",
                    took_s <= bar_s if bar_s else None,
                )
            )
        return rows

    def _bare(self) -> None:
        connection = sqlite3.connect(f"{(self._folder / 'journal.db').as_uri()}?mode=ro", uri=True)
        connection.execute("SELECT count(*) FROM record WHERE instr(body, ?)", (self._pack,)).fetchone()
        connection.close()

    def _gather(self, source: ReportSource, period: Period) -> None:
        knowledge = Knowledge(delivered=read_outcomes(self._folder / "site.db"))
        gather(source.between(period.from_ms - LEAD_MS, period.to_ms), period, knowledge)


def _seconds(work: Callable[[], object]) -> float:
    begin_s = time.perf_counter()
    work()
    return time.perf_counter() - begin_s


def _bodies(codes: list[str]) -> Iterator[bytes]:
    """Give the records of deliveries of six packs, each handed out one by one a while later."""
    shelf = Shelf(step_ms=_STEP_MS)
    for number in range(0, min(len(codes), _RECORDS * 3 // 8), _PACKS_EACH):
        for operation, ticket in (("receive", f"r{number}"), ("dispense", f"d{number}")):
            shelf.ticket("open", ticket, operation)
            for code in codes[number : number + _PACKS_EACH]:
                shelf.scan(code, ticket, operation, lot=f"L{number // 600 % 1000:04}", line=0)
            shelf.ticket("close", ticket, operation, packs=_PACKS_EACH)
        yield from shelf.take()
