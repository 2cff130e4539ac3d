"""Explain: where records stand at each platform, why, since when, and what to do; as plain values."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from yaoma.core.record import Kind, Record
from yaoma.core.ticket import Action
from yaoma_bridge.parcel_rows import chosen_lines, parcels_of
from yaoma_bridge.ticket_bill import ticket_of
from yaoma_bridge.tx import Tx
from yaoma_link.topics import BoxName

__all__ = ["Place", "explained", "places_of", "stuck"]


@dataclass(frozen=True, slots=True)
class Place:
    """A record of the feed.

    Args:
        n: Its number there.
        box: Where it was made.
        log: The log whose entry carries it.
        seq: The place of that entry.
    """

    n: int
    box: BoxName
    log: str
    seq: int

    def __str__(self) -> str:
        return f"{self.box}/{self.log}/{self.seq}"


_PLACES = (
    "SELECT event.n, log.site, log.box, log.log, event.seq FROM event JOIN log ON log.id=event.log_id "
    "WHERE event.held='' AND "
)


def places_of(tx: Tx, wanted: str) -> list[Place]:
    """Find the records that somebody means.

    Args:
        tx: A transaction.
        wanted: `SITE/BOX/LOG/SEQ`, a feed number, a code (with or without its form), or a parcel's number.
    """
    parts = wanted.split("/")
    if len(parts) == 4 and parts[3].isdecimal():  # noqa: PLR2004 - site, box, log, place
        return _found(tx, "log.site=? AND log.box=? AND log.log=? AND event.seq=?", (*parts[:3], int(parts[3])))
    if wanted.isdecimal() and len(wanted) < 16:  # noqa: PLR2004 - shorter than any code
        return _found(tx, "event.n=?", (int(wanted),))
    numbers: set[int] = set()
    for code in (wanted, f"cn20:{wanted}", f"gs1:{wanted}"):
        for bill_id, line in tx.execute("SELECT bill_id, line FROM bill_code WHERE code=?", (code,)).fetchall():
            numbers |= set(_records(tx, bill_id)[line])
    for bill_id, destination in tx.execute("SELECT bill_id, destination FROM parcel WHERE number=?", (wanted,)):
        lines = chosen_lines(tx, destination, bill_id)
        for row in parcels_of(tx, bill_id, destination):
            if row.number == wanted:
                numbers |= {n for number in row.lines for n in _records(tx, bill_id)[lines[number]]}
    return [place for n in sorted(numbers) for place in _found(tx, "event.n=?", (n,))]


def explained(tx: Tx, place: Place, destinations: Sequence[str]) -> dict[str, Any]:
    """Tell all that is known of a record.

    Args:
        tx: A transaction.
        place: The record.
        destinations: Names of the platforms in the configuration.

    Returns:
        `record`, `code`, `ticket`, `state` (`done`, `open`, `no_bill`, `unfinished`, `off_bill` or `nowhere`) and, for
        each platform that wants it, where it stands with its parcels and their moves.
    """
    (body,) = tx.execute(
        "SELECT body FROM event JOIN record USING (log_id, seq) WHERE event.n=?", (place.n,)
    ).fetchone()
    record = Record.read(body).original()
    ticket = ticket_of(record)
    rows = tx.execute(
        "SELECT destination, fate, reason, changed_ms, bill_id, line FROM upload WHERE n=? ORDER BY destination",
        (place.n,),
    ).fetchall()
    uploads = [
        {
            "destination": destination,
            "state": fate,
            "reason": reason,
            "since_ms": changed_ms,
            "configured": destination in destinations,
            "parcels": _parcels(tx, destination, bill_id, line),
        }
        for destination, fate, reason, changed_ms, bill_id, line in rows
    ]
    return {
        "record": str(place),
        "n": place.n,
        "kind": record.kind,
        "code": record.fields.get("code", ""),
        "operation": record.fields.get("operation", ""),
        "ticket": ticket,
        "state": _state(tx, place, record, uploads),
        "uploads": uploads,
    }


_STUCK: Final = (
    "SELECT upload.n, destination, fate, reason, changed_ms, log.site, log.box, log.log, event.seq FROM upload "
    "JOIN event ON event.n=upload.n JOIN log ON log.id=event.log_id "
    "WHERE fate IN (?, ...) AND (?='' OR destination=?) AND (?='' OR log.site=?) "
    "ORDER BY destination, changed_ms, upload.n"
)


def stuck(tx: Tx, fates: Sequence[str], destination: str = "", site: str = "") -> list[dict[str, Any]]:
    """List the records that stand in some of the fates, the dead letters first of all.

    Args:
        tx: A transaction.
        fates: Which, such as `held`, `refused`, `unknown`.
        destination: At one platform only; at all if empty.
        site: Of one institution only; of all if empty.
    """
    rows = tx.execute(
        _STUCK.replace("?, ...", ", ".join("?" * len(fates))),
        (*fates, destination, destination, site, site),
    )
    return [
        {
            "n": n,
            "record": f"{site_}/{box}/{log}/{seq}",
            "destination": name,
            "state": fate,
            "reason": reason,
            "since_ms": changed_ms,
        }
        for n, name, fate, reason, changed_ms, site_, box, log, seq in rows
    ]


def _found(tx: Tx, where: str, values: Sequence[object]) -> list[Place]:
    rows = tx.execute(f"{_PLACES}{where} ORDER BY event.n", values)
    return [Place(n, BoxName(site, box), log, seq) for n, site, box, log, seq in rows]


def _records(tx: Tx, bill_id: int) -> list[list[int]]:
    (body,) = tx.execute("SELECT body FROM bill WHERE id=?", (bill_id,)).fetchone()
    return [line["records"] for line in json.loads(body)["lines"]]


def _parcels(tx: Tx, destination: str, bill_id: int, line: int) -> list[dict[str, Any]]:
    lines = chosen_lines(tx, destination, bill_id)
    return [
        {
            "number": row.number,
            "call": row.call,
            "state": row.fate_of(lines.index(line))[0].value,
            "reason": row.fate_of(lines.index(line))[1],
            "said": row.said,
            "tries": row.tries,
            "next_ms": row.due_ms,
            "moves": [
                {"at_ms": at_ms, "cause": cause, "state": fate, "reason": reason, "said": said}
                for at_ms, cause, fate, reason, said in tx.execute(
                    "SELECT at_ms, cause, fate, reason, said FROM parcel_move WHERE parcel_id=? ORDER BY id", (row.id,)
                )
            ],
        }
        for row in parcels_of(tx, bill_id, destination)
        if line in {lines[number] for number in row.lines}
    ]


def _state(tx: Tx, place: Place, record: Record, uploads: Sequence[Mapping[str, Any]]) -> str:
    """Say whether a record is done: all that want it have accepted it; or why nobody does."""
    if uploads:
        return "done" if all(one["state"] == "accepted" for one in uploads) else "open"
    ticket = ticket_of(record)
    if record.kind != Kind.SCAN or not ticket:
        return "nowhere"
    key = (place.box.site, place.box.box, ticket)
    if tx.execute("SELECT 1 FROM unfinished WHERE site=? AND box=? AND ticket=?", key).fetchone() is not None:
        return "unfinished"
    bills = tx.execute("SELECT body FROM bill WHERE site=? AND box=? AND ticket=?", key).fetchall()
    if any(place.n in line["records"] for (body,) in bills for line in json.loads(body)["lines"]):
        return "nowhere"
    return "off_bill" if bills or _has_ended(tx, key) else "no_bill"


def _has_ended(tx: Tx, key: tuple[str, str, str]) -> bool:
    """Say whether a ticket was closed or cancelled, as far as its records have been taken in."""
    rows = tx.execute(
        "SELECT record.body FROM ticket_record JOIN event ON event.n=ticket_record.n "
        "JOIN record ON record.log_id=event.log_id AND record.seq=event.seq "
        "WHERE ticket_record.site=? AND ticket_record.box=? AND ticket_record.ticket=?",
        key,
    ).fetchall()
    records = [Record.read(body).original() for (body,) in rows if b'"kind":"ticket"' in body]
    return any(one.fields.get("action") in {Action.CLOSE, Action.CANCEL} for one in records)
