"""Report outcomes: what became of each record, read from site.db once and then looked up in memory."""

import sqlite3
from bisect import bisect_right
from collections.abc import Mapping
from pathlib import Path

from yaoma.core.report_facts import STORED, Arrival, Event
from yaoma.shell.database import SQLITE_FAILURES, classified

__all__ = ["Outcomes", "open_tasks", "read_outcomes"]

_NO_TABLE = "no such table"


class _Runs:
    """Runs of places that do not overlap, with what was said of each."""

    def __init__(self) -> None:
        self._firsts: list[int] = []
        self._rest: list[tuple[int, str, str, int]] = []

    def add(self, first: int, last: int, state: str, reason: str, made_ms: int) -> None:
        """Add a run; runs come in order."""
        self._firsts.append(first)
        self._rest.append((last, state, reason, made_ms))

    def at(self, seq: int) -> tuple[str, str, int] | None:
        """Give what was said of a place."""
        number = bisect_right(self._firsts, seq) - 1
        if number < 0:
            return None
        last, state, reason, made_ms = self._rest[number]
        return (state, reason, made_ms) if seq < last else None


class Outcomes:
    """What the bridge has said of the records of this box.

    Args:
        stored: Per log, the place below which the centre has everything.
        said: Runs by log and destination.
        reached: When records were first stored or accepted, likewise.
    """

    def __init__(
        self,
        stored: Mapping[str, int],
        said: Mapping[str, Mapping[str, _Runs]],
        reached: Mapping[str, Mapping[str, _Runs]],
    ) -> None:
        self._stored = stored
        self._said = said
        self._reached = reached

    @property
    def destinations(self) -> tuple[str, ...]:
        """Everybody who has said anything."""
        return tuple(sorted({destination for runs in self._said.values() for destination in runs}))

    def arrivals(self, event: Event) -> Mapping[str, Arrival]:
        """Give what each destination said of a record, by its name; `STORED` is there if the centre has it."""
        found = self._of(*event.origin) if event.origin != (event.log, event.seq) else {}
        return {**found, **self._of(event.log, event.seq)}

    def _of(self, log: str, seq: int) -> dict[str, Arrival]:
        found: dict[str, Arrival] = {}
        reached = self._reached.get(log, {})
        if seq < self._stored.get(log, 0):
            found[STORED] = Arrival("stored", "", _time(reached.get(STORED), seq))
        for destination, runs in self._said.get(log, {}).items():
            said = runs.at(seq)
            if said is not None:
                found[destination] = Arrival(said[0], said[1], _time(reached.get(destination), seq))
        return found


def _time(runs: _Runs | None, seq: int) -> int | None:
    found = runs.at(seq) if runs is not None else None
    return found[2] if found is not None else None


def read_outcomes(path: Path) -> Outcomes:
    """Read what the bridge has said; nothing if there is no file yet.

    Args:
        path: site.db; it is only looked at, also while the daemon writes it.

    Raises:
        DatabaseError: If the file can't be read.
    """
    stored = {str(log): int(upto) for log, upto in _rows(path, "SELECT log, upto FROM stored")}
    said = _runs(path, "SELECT log, destination, first, last, state, reason, made_ms FROM outcome ORDER BY 1, 2, 3")
    reached = _runs(path, "SELECT log, destination, first, last, '', '', made_ms FROM reached ORDER BY 1, 2, 3")
    return Outcomes(stored, said, reached)


def open_tasks(path: Path) -> list[tuple[str, str, str, int, int]]:
    """Give the open tasks as (kind, destination, reason, number of records, since when in milliseconds since 1970).

    Args:
        path: site.db.

    Raises:
        DatabaseError: If the file can't be read.
    """
    rows = _rows(
        path, "SELECT kind, destination, reason, last - seq, made_ms FROM task WHERE done_ms IS NULL ORDER BY id"
    )
    return [(str(row[0]), str(row[1]), str(row[2]), int(row[3]), int(row[4])) for row in rows]


def _runs(path: Path, sql: str) -> dict[str, dict[str, _Runs]]:
    found: dict[str, dict[str, _Runs]] = {}
    for log, destination, first, last, state, reason, made_ms in _rows(path, sql):
        runs = found.setdefault(str(log), {}).setdefault(str(destination), _Runs())
        runs.add(int(first), int(last), str(state), str(reason), int(made_ms))
    return found


def _rows(path: Path, sql: str) -> list[tuple[str | int, ...]]:
    if not path.exists():
        return []
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=5)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()
    except SQLITE_FAILURES as error:
        # A file that an older version made lacks the table: then nothing was noted.
        if _NO_TABLE in str(error):
            return []
        raise classified(path, error) from error
