"""Records to order for the ledger: scans, tickets and copies in logs, one second apart."""

from yaoma.core.canonical import Json
from yaoma.core.record import ClockState, Entry, Kind, Record, Stamp
from yaoma.core.ticket import Action

#: 2026-11-19 at the counter.
START_MS = 1_795_050_000_000
DAY = 20261119


def stamp(number: int) -> Stamp:
    """The time of the n-th record."""
    return Stamp(START_MS + number * 1000, number * 1000, "0123456789abcdef", ClockState.SYNCED)


def record(log: str, seq: int, entry: Entry, number: int | None = None) -> Record:
    """An entry at its place."""
    return Record.read(entry.body(log, seq, stamp(seq if number is None else number)))


def scan(
    key: str,
    *,
    verdict: str = "PASS",
    station: str = "counter",
    ticket: str | None = None,
    operation: str = "dispense",
    person: bool = False,
) -> Entry:
    """A judged scan; without key, of something that is no code."""
    fields: dict[str, Json] = {
        "verdict": verdict,
        "reason": "in_list",
        "degraded": [],
        "station": station,
        "scanner": "gun",
        "source": "scanner",
        "operation": operation,
        "ticket": ticket,
    }
    if key:
        fields["code"] = key
    if person:
        fields["person"] = {"hash": "00", "keys": [], "sealed": "00"}
    return Entry(Kind.SCAN, fields)


def command(action: str, ticket: str, *, station: str = "counter", operation: str = "dispense") -> Entry:
    """A ticket command that was carried out."""
    return Entry(
        Kind.TICKET,
        {
            "action": action,
            "ticket": ticket,
            "station": station,
            "operation": operation,
            "operator": "",
            "packs": 0,
            "wants_person": action == Action.OPEN,
        },
    )
