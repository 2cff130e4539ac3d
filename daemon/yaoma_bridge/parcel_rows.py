"""Parcel rows: the parcels of each destination in the store; every move of one goes through `move`."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from yaoma.core.canonical import Json
from yaoma_bridge.fate import Cause, Fate, moved
from yaoma_bridge.platform import Parcel
from yaoma_bridge.tx import Tx

__all__ = [
    "ParcelRow",
    "chosen_lines",
    "due_parcels",
    "insert_parcels",
    "lost_parcels",
    "move",
    "parcel_by_id",
    "parcel_by_number",
    "parcels_of",
    "put_off",
]

_COLUMNS = (
    "id, destination, bill_id, site, closed_n, number, call, lines, codes, follows, facts, fate, reason, said, words, "
    "tries, asks, due_ms, since_ms, version, sent_ms"
)


@dataclass(frozen=True, slots=True)
class ParcelRow:
    """A parcel as the store has it.

    Args:
        id: Its key.
        destination: Whom it is for.
        bill_id: The bill, or part of one.
        site: The institution.
        closed_n: The place of its bill among those of the site.
        number: The platform's number for it.
        call: The platform's method.
        lines: Numbers of the chosen lines of its bill.
        codes: As in `Parcel`.
        follows: As in `Parcel`.
        facts: What the platform wants to know again.
        fate: Where it stands.
        reason: Why.
        said: What the platform wrote.
        words: What it said of single lines: fate and reason by the line's number.
        tries: How often it was sent, or was to be.
        asks: How often the platform was asked since.
        due_ms: When it is to be looked at next, milliseconds since 1970.
        since_ms: Since when its fate is what it is.
        version: How often it has moved; a move counts only if nobody else has moved it.
        sent_ms: When its last send began; 0 before the first.
    """

    id: int
    destination: str
    bill_id: int
    site: str
    closed_n: int
    number: str
    call: str
    lines: tuple[int, ...]
    codes: tuple[str, ...] = field(repr=False)
    follows: str
    facts: Mapping[str, Json] = field(repr=False)
    fate: Fate
    reason: str
    said: str
    words: Mapping[int, tuple[Fate, str]]
    tries: int
    asks: int
    due_ms: int
    since_ms: int
    version: int
    sent_ms: int

    def fate_of(self, line: int) -> tuple[Fate, str]:
        """Give fate and reason of one of its lines."""
        return self.words.get(line, (self.fate, self.reason))


def _row(found: Sequence[object]) -> ParcelRow:
    texts = [str(one) for one in found]
    numbers = {place: int(texts[place]) for place in (0, 2, 4, 15, 16, 17, 18, 19, 20)}
    words = {int(line): (Fate(fate), str(reason)) for line, (fate, reason) in json.loads(texts[14]).items()}
    return ParcelRow(
        numbers[0],
        texts[1],
        numbers[2],
        texts[3],
        numbers[4],
        texts[5],
        texts[6],
        tuple(json.loads(texts[7])),
        tuple(json.loads(texts[8])),
        texts[9],
        json.loads(texts[10]),
        Fate(texts[11]),
        texts[12],
        texts[13],
        words,
        numbers[15],
        numbers[16],
        numbers[17],
        numbers[18],
        numbers[19],
        numbers[20],
    )


def insert_parcels(tx: Tx, destination: str, bill_id: int, parcels: Iterable[Parcel], now_ms: int) -> None:
    """Keep the parcels of a bill, before anything of them is sent."""
    for parcel in parcels:
        (parcel_id,) = tx.execute(
            "INSERT INTO parcel (destination, bill_id, site, closed_n, number, call, lines, codes, follows, facts, "
            "fate, due_ms, since_ms) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?) RETURNING id",
            (
                destination,
                bill_id,
                parcel.bill.site,
                parcel.bill.closed_n,
                parcel.number,
                parcel.call,
                json.dumps(parcel.lines),
                json.dumps(parcel.codes),
                parcel.follows,
                json.dumps(dict(parcel.facts), ensure_ascii=False),
                moved(Fate.WAITING, Cause.BUNDLE).value,
                now_ms,
                now_ms,
            ),
        ).fetchone()
        _note(tx, parcel_id, Cause.BUNDLE, now_ms, (Fate.BUNDLED, "", ""))


def move(
    tx: Tx,
    row: ParcelRow,
    cause: Cause,
    now_ms: int,
    *,
    due_ms: int,
    reason: str = "",
    said: str = "",
    words: Mapping[int, tuple[Fate, str]] | None = None,
    facts: Mapping[str, Json] | None = None,
    owner: str = "",
    until_ms: int = 0,
    is_counted: bool = True,
) -> ParcelRow | None:
    """Move a parcel by the table of fates.

    Args:
        tx: The transaction.
        row: The parcel as it was read.
        cause: Why it moves.
        now_ms: The time, milliseconds since 1970.
        due_ms: When it is to be looked at next.
        reason: Why, a stable id.
        said: What the platform wrote.
        words: What it said of single lines; None leaves what it said before.
        facts: What the platform must remember besides what it does; None for nothing new.
        owner: Who sends it.
        until_ms: When the sender counts as dead.
        is_counted: Whether this try counts; not if the platform was in trouble.

    Returns:
        The parcel as it is now, or None if somebody has moved it meanwhile: then nothing is changed.

    Raises:
        MoveRefusedError: If the table has no such move.
    """
    fate = moved(row.fate, cause)
    after = replace(
        row,
        fate=fate,
        reason=reason,
        said=said,
        words=row.words if words is None else words,
        facts=row.facts if facts is None else {**row.facts, **facts},
        tries=0 if cause is Cause.RETRY else row.tries + (cause is Cause.SEND) - (not is_counted),
        asks=row.asks + 1 if fate is row.fate else 0,
        due_ms=due_ms,
        since_ms=row.since_ms if fate is row.fate else now_ms,
        version=row.version + 1,
        sent_ms=now_ms if cause is Cause.SEND else row.sent_ms,
    )
    changed = tx.execute(
        "UPDATE parcel SET fate=?, reason=?, said=?, words=?, facts=?, tries=?, asks=?, due_ms=?, since_ms=?, owner=?, "
        "until_ms=?, version=?, sent_ms=? WHERE id=? AND version=?",
        (
            after.fate.value,
            after.reason,
            after.said,
            json.dumps({line: [one.value, why] for line, (one, why) in after.words.items()}),
            json.dumps(dict(after.facts), ensure_ascii=False),
            after.tries,
            after.asks,
            after.due_ms,
            after.since_ms,
            owner,
            until_ms,
            after.version,
            after.sent_ms,
            row.id,
            row.version,
        ),
    )
    if not changed.rowcount:
        return None
    if after.fate is not row.fate or reason != row.reason:
        _note(tx, row.id, cause, now_ms, (fate, reason, said))
    return after


def _note(tx: Tx, parcel_id: int, cause: Cause, now_ms: int, after: tuple[Fate, str, str]) -> None:
    fate, reason, said = after
    tx.execute(
        "INSERT INTO parcel_move (parcel_id, at_ms, cause, fate, reason, said) VALUES (?,?,?,?,?,?)",
        (parcel_id, now_ms, cause.value, fate.value, reason, said),
    )


def put_off(tx: Tx, row: ParcelRow, due_ms: int, reason: str) -> None:
    """Look at a parcel later whose turn has not come; where it stands does not change."""
    tx.execute(
        "UPDATE parcel SET due_ms=?, reason=? WHERE id=? AND version=?",
        (due_ms, reason if row.fate is Fate.BUNDLED else row.reason, row.id, row.version),
    )


def parcel_by_id(tx: Tx, parcel_id: int) -> ParcelRow:
    """Give the parcel with this key."""
    return _selected(tx, "id=?", (parcel_id,))[0]


def parcel_by_number(tx: Tx, destination: str, number: str) -> ParcelRow | None:
    """Give the parcel with a platform's number, or None."""
    return next(iter(_selected(tx, "destination=? AND number=?", (destination, number))), None)


def due_parcels(tx: Tx, destination: str, now_ms: int, limit: int) -> list[ParcelRow]:
    """Give the parcels that may be sent or asked now, in the order of their bills."""
    return _selected(
        tx,
        "destination=? AND fate IN ('bundled', 'processing', 'unknown') AND due_ms<=? "
        "ORDER BY due_ms, closed_n, id LIMIT ?",
        (destination, now_ms, limit),
    )


def lost_parcels(tx: Tx, destination: str, now_ms: int) -> list[ParcelRow]:
    """Give the parcels whose sender has died before it wrote the answer."""
    return _selected(tx, "destination=? AND fate='sent' AND until_ms<=? ORDER BY id", (destination, now_ms))


def parcels_of(tx: Tx, bill_id: int, destination: str) -> list[ParcelRow]:
    """Give the parcels of a bill at a destination, in their order."""
    return _selected(tx, "bill_id=? AND destination=? ORDER BY id", (bill_id, destination))


def _selected(tx: Tx, condition: str, values: tuple[object, ...]) -> list[ParcelRow]:
    found = tx.execute(f"SELECT {_COLUMNS} FROM parcel WHERE {condition}", values)  # noqa: S608 - constant text
    return [_row(one) for one in found.fetchall()]


def chosen_lines(tx: Tx, destination: str, bill_id: int) -> list[int]:
    """Give the numbers of a bill's lines that a destination wants; its parcels count these."""
    found = tx.execute("SELECT lines FROM bundle WHERE destination=? AND bill_id=?", (destination, bill_id)).fetchone()
    return [] if found is None else list(json.loads(found[0]))
