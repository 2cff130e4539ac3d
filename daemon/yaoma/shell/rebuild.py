"""Rebuild: the projection in site.db made anew from every log that lies on the box."""

from collections.abc import Iterator
from pathlib import Path

from yaoma.core.record import Record
from yaoma.shell.closed_log import ClosedLog
from yaoma.shell.database import DatabaseError
from yaoma.shell.salvage import salvage
from yaoma.shell.site_file import open_site
from yaoma.shell.site_ledger import SiteLedger

__all__ = ["Rebuilt", "logs_in_order", "rebuild"]

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
        ledger.forget()
        done: Rebuilt = {}
        for name, records in logs_in_order(folder):
            for place, record in enumerate(records, 1):
                ledger.stage(record)
                ledger.keep()
                if place % _STEP == 0:
                    ledger.flush()
                done[name] = place
            ledger.flush()
        return done
    finally:
        site.connection.close()


def logs_in_order(folder: Path) -> Iterator[tuple[str, Iterator[Record]]]:
    """Give every log on the box, oldest first, as the opening records chain them; of damaged ones what can be read.

    Args:
        folder: The state folder.

    Raises:
        DatabaseError: If the open log can't be read.
    """
    paths = {path.stem: path for path in (folder / "closed").glob("*.db")}
    chain: list[tuple[str, Iterator[Record]]] = []
    path: Path | None = folder / "journal.db"
    while path is not None:
        closed = ClosedLog(path)
        previous = Record.read(closed.bodies(0, 1)[0]).fields.get("previous")
        chain.append((closed.log, _records(closed)))
        name = previous.get("log") if isinstance(previous, dict) else None
        path = paths.get(name) if isinstance(name, str) else None
        if path is None and isinstance(name, str):
            chain += _aside(folder, name)
    yield from reversed(chain)


def _records(log: ClosedLog) -> Iterator[Record]:
    try:
        for first in range(0, log.size, _STEP):
            for body in log.bodies(first, first + _STEP):
                yield Record.read(body)
    finally:
        log.close()


def _aside(folder: Path, name: str) -> list[tuple[str, Iterator[Record]]]:
    """Find a log among the damaged files."""
    for path in sorted((folder / "aside").glob("journal-*.db")):
        try:
            found = salvage(path)
        except (DatabaseError, OSError):
            continue
        if found.log == name:
            return [(name, iter(found.records.values()))]
    return []
