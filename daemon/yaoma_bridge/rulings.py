"""Rulings of a person: sends anew what is stuck, holds back what waits, takes back what was accepted."""

from collections.abc import Iterable

from yaoma.core.note import Signer
from yaoma_bridge.bill_text import read_bill
from yaoma_bridge.billing import add_part
from yaoma_bridge.centre_facts import CentreFacts
from yaoma_bridge.fate import Cause, Fate, MoveRefusedError
from yaoma_bridge.parcel_load import load_parcel, standings_of
from yaoma_bridge.parcel_rows import ParcelRow, chosen_lines, move, parcels_of
from yaoma_bridge.platform import Answer, AnswerState, Revocable
from yaoma_bridge.store import Store
from yaoma_bridge.tx import Tx
from yaoma_bridge.upload_rows import Standing, put_standings, standing_of

__all__ = ["hold", "retry", "revoke"]

_BY_PERSON = "operator"


def retry(tx: Tx, destination: str, numbers: Iterable[int], signer: Signer, now_ms: int) -> int:
    """Send records anew that are held, refused or unknown.

    What is unknown goes out with the number that it had: the platform then tells a double one itself. What was refused
    or held before it was divided goes out as a later part of its bill, with a number of its own, after it was ruled
    again. A parcel that was held goes on.

    Args:
        tx: The transaction.
        destination: At which destination.
        numbers: Feed numbers of the records.
        signer: The bridge's key.
        now_ms: The time, milliseconds since 1970.

    Returns:
        How many records go on.
    """
    parts: dict[int, set[int]] = {}
    count = 0
    for n in dict.fromkeys(numbers):
        standing = standing_of(tx, destination, n)
        if standing is None:
            continue
        parcels = _carrying(tx, destination, standing)
        is_unsent = [row for row in parcels if row.fate is Fate.HELD]
        is_unknown = [row for row in parcels if row.fate is Fate.UNKNOWN]
        if standing.fate is Fate.UNKNOWN and is_unknown:
            count += _go_on(tx, is_unknown, Cause.RETRY, now_ms)
        elif standing.fate is Fate.HELD and is_unsent:
            count += _go_on(tx, is_unsent, Cause.RELEASE, now_ms)
        elif standing.fate in {Fate.REFUSED, Fate.HELD} and not _is_on_its_way(tx, destination, standing.bill_id, n):
            parts.setdefault(standing.bill_id, set()).add(standing.line)
        _tell(tx, destination, standing.bill_id, signer, now_ms)
    for bill_id, lines in parts.items():
        add_part(tx, bill_id, sorted(lines), now_ms, destination=destination, closed=None)
        count += len(lines)
    return count


def hold(tx: Tx, destination: str, numbers: Iterable[int], signer: Signer, now_ms: int) -> int:
    """Hold back what waits to be sent; `retry` lets it go on. What was sent already can't be held.

    Args:
        tx: The transaction.
        destination: At which destination.
        numbers: Feed numbers of the records; all of a parcel waits with each.
        signer: The bridge's key.
        now_ms: The time, milliseconds since 1970.

    Returns:
        How many parcels are held.
    """
    count = 0
    for n in dict.fromkeys(numbers):
        standing = standing_of(tx, destination, n)
        if standing is None:
            continue
        for row in _carrying(tx, destination, standing):
            if row.fate is Fate.BUNDLED:
                held = move(tx, row, Cause.HOLD, now_ms, due_ms=now_ms, reason=_BY_PERSON)
                count += held is not None
        _tell(tx, destination, standing.bill_id, signer, now_ms)
    return count


def revoke(
    store: Store, platform: Revocable, numbers: Iterable[int], *, facts: CentreFacts, signer: Signer, now_ms: int
) -> list[tuple[str, Answer]]:
    """Take back accepted parcels at a platform that allows it.

    Args:
        store: The store.
        platform: The platform.
        numbers: Feed numbers of records; the whole parcels that carry them are taken back.
        facts: What the centre knows.
        signer: The bridge's key.
        now_ms: The time, milliseconds since 1970.

    Returns:
        The number of each parcel with what the platform said.
    """
    with store.reading() as tx:
        standings = [one for n in dict.fromkeys(numbers) if (one := standing_of(tx, platform.name, n)) is not None]
        rows = {
            row.id: row
            for standing in standings
            for row in _carrying(tx, platform.name, standing)
            if row.fate is Fate.ACCEPTED
        }
        parcels = {row.id: load_parcel(tx, row, facts, persons=False) for row in rows.values()}
    answers = []
    for row in rows.values():
        answer = platform.revoke(parcels[row.id], now_ms)
        answers.append((row.number, answer))
        cause = {AnswerState.ACCEPTED: Cause.REVOKE, AnswerState.UNKNOWN: Cause.SAID_UNKNOWN}.get(answer.state)
        if cause is None:
            continue
        reason = "revoked" if cause is Cause.REVOKE else answer.reason
        with store.writing() as tx:
            if move(tx, row, cause, now_ms, due_ms=now_ms, reason=reason, said=answer.said) is not None:
                _tell(tx, platform.name, row.bill_id, signer, now_ms)
    return answers


def _go_on(tx: Tx, rows: Iterable[ParcelRow], cause: Cause, now_ms: int) -> int:
    count = 0
    for row in rows:
        try:
            count += move(tx, row, cause, now_ms, due_ms=now_ms) is not None
        except MoveRefusedError:
            continue
    return count


def _is_on_its_way(tx: Tx, destination: str, bill_id: int, n: int) -> bool:
    """Say whether a later part with a record waits to be divided already: another one would be a second upload."""
    rows = tx.execute(
        "SELECT later.body FROM bill AS later JOIN bill AS own "
        "ON own.site=later.site AND own.box=later.box AND own.ticket=later.ticket "
        "WHERE own.id=? AND later.id>own.id AND later.destination IN ('', ?) "
        "AND later.id>COALESCE((SELECT upto FROM progress WHERE name=?), 0)",
        (bill_id, destination, f"destination:{destination}"),
    ).fetchall()
    return any(n in line.records for (body,) in rows for line in read_bill(body).lines)


def _carrying(tx: Tx, destination: str, standing: Standing) -> list[ParcelRow]:
    """Give the parcels in which a record lies now."""
    lines = chosen_lines(tx, destination, standing.bill_id)
    return [
        row
        for row in parcels_of(tx, standing.bill_id, destination)
        if standing.line in {lines[number] for number in row.lines}
    ]


def _tell(tx: Tx, destination: str, bill_id: int, signer: Signer, now_ms: int) -> None:
    """Keep where the records of a bill stand now; a running worker brings it to the box with the next receipt."""
    for made in put_standings(tx, destination, standings_of(tx, destination, bill_id), signer, now_ms):
        tx.execute("UPDATE log SET due_ms=? WHERE site=? AND box=?", (now_ms, made.box.site, made.box.box))
