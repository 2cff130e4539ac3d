"""Rebuild: the projection in site.db made anew from every log that lies on the box."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from yaoma.core.record import Record
from yaoma.shell.closed_log import ClosedLog
from yaoma.shell.database import DatabaseError
from yaoma.shell.record_shelf import RecordShelf
from yaoma.shell.salvage import salvage
from yaoma.shell.site_file import open_site
from yaoma.shell.site_ledger import SiteLedger

__all__ = ["Rebuilt", "apply_logs", "logs_in_order", "rebuild"]

Rebuilt = dict[str, int]
"""Number of records by log."""

_STEP = 4096


def rebuild(folder: Path) -> Rebuilt:
    """Make the projection anew; the daemon must not run.

    What the bridge said (stored, outcomes, tasks) is no projection of the journal and stays.

    Args:
        folder: The state folder.

    Raises:
        DatabaseError: If a file can't be read or written.
    """
    site = open_site(folder / "site.db")
    try:
        ledger = SiteLedger(site)
        # A log that can't be read must be found before what is there is thrown away.
        for _, records in logs_in_order(folder):
            for _ in records:
                pass
        ledger.forget()
        return apply_logs(folder, ledger)
    finally:
        site.connection.close()


def apply_logs(folder: Path, ledger: SiteLedger) -> Rebuilt:
    """Apply every log on the box, oldest first, from where the projection stands.

    Args:
        folder: The state folder.
        ledger: The projection.

    Raises:
        DatabaseError: If a file can't be read or written.
    """
    done: Rebuilt = {}
    for name, records in logs_in_order(folder):
        upto = ledger.applied(name)
        for record in records:
            done[name] = done.get(name, 0) + 1
            if record.seq >= upto:
                ledger.stage(record)
                ledger.keep()
                if record.seq % _STEP == 0:
                    ledger.flush()
        ledger.flush()
    return done


def logs_in_order(folder: Path) -> Iterator[tuple[str, Iterable[Record]]]:
    """Give every log on the box, oldest first, as the opening records chain them; of damaged ones what can be read.

    Where damage has taken the record that names the log before, the newest log that is left is taken for it.

    Args:
        folder: The state folder.

    Raises:
        DatabaseError: If the open log or a closed one can't be read.
    """
    closed = {path.stem: path for path in (folder / "closed").glob("*.db")}
    damaged = _damaged(folder)
    current = ClosedLog(folder / "journal.db")
    chains: list[list[tuple[str, Iterable[Record]]]] = []
    link: tuple[str, str, Iterable[Record]] | None = (current.log, _before(current), _records(current))
    while link is not None:
        chain: list[tuple[str, Iterable[Record]]] = []
        while link is not None:
            name, before, records = link
            chain.append((name, records))
            link = _taken(before, closed, damaged)
        chains.append(chain)
        rest = _newest(closed, damaged)
        link = _taken(rest, closed, damaged) if rest is not None else None
    for chain in reversed(chains):
        yield from reversed(chain)


def _taken(
    name: str, closed: dict[str, Path], damaged: dict[str, RecordShelf]
) -> tuple[str, str, Iterable[Record]] | None:
    """Take a log from those that were not given yet: its name, the name of the log before it, its records."""
    if (path := closed.pop(name, None)) is not None:
        log = ClosedLog(path)
        return name, _before(log), _records(log)
    if (records := damaged.pop(name, None)) is not None:
        return name, _named_by(next(iter(records.values()))), records.values()
    return None


def _newest(closed: dict[str, Path], damaged: dict[str, RecordShelf]) -> str | None:
    """Find the newest log that is left, by the time of its first record."""
    newest: tuple[int, str] | None = None
    for name, path in closed.items():
        log = ClosedLog(path)
        try:
            newest = max(newest or (0, ""), (Record.read(log.bodies(0, 1)[0]).stamp.wall_ms, name))
        finally:
            log.close()
    for name, records in damaged.items():
        newest = max(newest or (0, ""), (next(iter(records.values())).stamp.wall_ms, name))
    return newest[1] if newest is not None else None


def _before(log: ClosedLog) -> str:
    return _named_by(Record.read(log.bodies(0, 1)[0]))


def _named_by(first: Record) -> str:
    """Give the log that an opening record names as the one before, or an empty string."""
    previous = first.fields.get("previous")
    name = previous.get("log") if isinstance(previous, dict) else None
    return name if isinstance(name, str) else ""


def _records(log: ClosedLog) -> Iterator[Record]:
    try:
        for first in range(0, log.size, _STEP):
            for body in log.bodies(first, first + _STEP):
                yield Record.read(body)
    finally:
        log.close()


def _damaged(folder: Path) -> dict[str, RecordShelf]:
    """Read what can be read of the logs that were set aside."""
    found: dict[str, RecordShelf] = {}
    for path in sorted((folder / "aside").glob("journal-*.db")):
        try:
            salvaged = salvage(path)
        except (DatabaseError, OSError):
            continue
        if salvaged.log is not None:
            found.setdefault(salvaged.log, salvaged.records)
    return found
