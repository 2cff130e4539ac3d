"""Despatch rows: the notes of what sites sent, and the differences that their receivers found, in the store."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from yaoma.core.canonical import Json
from yaoma.core.record import Kind, Record
from yaoma_bridge.despatch_note import NOTE_PREFIX
from yaoma_bridge.tx import Tx

__all__ = [
    "Despatch",
    "DespatchState",
    "Found",
    "answered",
    "despatch_by_note",
    "despatches",
    "despatches_of",
    "found_of",
    "keep_despatch",
    "note_answers",
    "take_heard",
    "unheard",
]

_COLUMNS: Final = "note, bill_id, site, partner, receiver, packs, state, missing, extra, doubtful, made_ms, changed_ms"
#: As `yaoma_bridge.despatch_note.notes_of` makes it; a box could write anything.
_NOTE: Final = re.compile(re.escape(NOTE_PREFIX) + r"[A-Za-z0-9._-]{1,64}:[A-Z2-7]{20}(_[0-9]{1,4})?")
_TEXT_LETTERS: Final = 200


class DespatchState(StrEnum):
    """How far a note has come."""

    UNNAMED = "unnamed"  # the ticket does not say who gets the goods
    OUTSIDE = "outside"  # for somebody who has no box here: a file, where a destination writes one
    TOLD = "told"  # queued for every box of the receiver, and nothing was answered yet
    RECEIVED = "received"  # all is there, and nothing else
    DIFFERS = "differs"  # something lacks, is too much, or is doubted
    CLEARED = "cleared"  # as above, and the sender has written down for each what it found out


@dataclass(frozen=True, slots=True)
class Despatch:
    """One note.

    Args:
        note: Its id.
        bill_id: The bill that it was made of.
        site: Who sent it.
        partner: Who gets the goods, as the ticket says.
        receiver: The site that this is; empty if it is none of ours.
        packs: How many smallest packs it names.
        state: How far it has come.
        missing: How many of them the receiver says are not there.
        extra: How many there are that it does not name.
        doubtful: How many the receiver doubts, such as for another lot.
        made_ms: When it was made, milliseconds since 1970.
        changed_ms: When its state changed last.
    """

    note: str
    bill_id: int
    site: str
    partner: str
    receiver: str
    packs: int
    state: DespatchState
    missing: int
    extra: int
    doubtful: int
    made_ms: int
    changed_ms: int


@dataclass(frozen=True, slots=True)
class Found:
    """What the receiver of a note found in all its deliveries.

    Args:
        missing: What lacks after the last delivery, as far as it was named.
        extra: What came and is not named in the note.
        doubtful: What is doubted, with the reason.
        unnamed: How many more lack or are doubted than a record names.
        is_empty: Nothing of the note came.
    """

    missing: frozenset[str] = field(default=frozenset(), repr=False)
    extra: frozenset[str] = field(default=frozenset(), repr=False)
    doubtful: Mapping[str, str] = field(default_factory=dict, repr=False)
    unnamed: int = 0
    is_empty: bool = False

    @property
    def is_clean(self) -> bool:
        """All that the note names is there without a doubt, and nothing else."""
        return not (self.missing or self.extra or self.doubtful or self.unnamed or self.is_empty)


def keep_despatch(tx: Tx, one: Despatch) -> None:
    """Keep a note; one that is made again, or sent to another receiver, begins anew."""
    tx.execute(
        f"INSERT INTO despatch ({_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (note) DO UPDATE SET "  # noqa: S608 - constant column names
        "bill_id=excluded.bill_id, partner=excluded.partner, receiver=excluded.receiver, packs=excluded.packs, "
        "state=excluded.state, missing=excluded.missing, extra=excluded.extra, doubtful=excluded.doubtful, "
        "changed_ms=excluded.changed_ms",
        (
            one.note,
            one.bill_id,
            one.site,
            one.partner[:_TEXT_LETTERS],
            one.receiver,
            one.packs,
            one.state.value,
            one.missing,
            one.extra,
            one.doubtful,
            one.made_ms,
            one.changed_ms,
        ),
    )


def despatch_by_note(tx: Tx, note: str) -> Despatch | None:
    """Give a note by its id, or None."""
    found = tx.execute(f"SELECT {_COLUMNS} FROM despatch WHERE note=?", (note,)).fetchone()  # noqa: S608 - constant column names
    return None if found is None else _despatch(found)


def despatches_of(tx: Tx, bill_id: int) -> list[Despatch]:
    """Give the notes that were made of a bill."""
    rows = tx.execute(f"SELECT {_COLUMNS} FROM despatch WHERE bill_id=? ORDER BY note", (bill_id,))  # noqa: S608 - constant column names
    return [_despatch(row) for row in rows.fetchall()]


def despatches(tx: Tx, site: str = "", states: Sequence[DespatchState] = ()) -> list[Despatch]:
    """List notes, the oldest first.

    Args:
        tx: A transaction.
        site: Of this sender or for this receiver only; all if empty.
        states: In these states only; all if empty.
    """
    rows = tx.execute(
        f"SELECT {_COLUMNS} FROM despatch WHERE ?1='' OR site=?1 OR receiver=?1 ORDER BY made_ms, note",  # noqa: S608 - constant column names
        (site,),
    )
    found = map(_despatch, rows.fetchall())
    return [one for one in found if not states or one.state in states]


def note_answers(tx: Tx, rows: Iterable[tuple[int, str, bytes]]) -> None:
    """Keep the differences among records of the feed that speak of a note of ours; each counts once.

    Args:
        tx: The transaction that takes the records in.
        rows: Number in the feed, site and body.
    """
    for n, site, body in rows:
        if b'"kind":"difference"' not in body or NOTE_PREFIX.encode() not in body:
            continue
        fields = Record.read(body).original().fields
        note = fields.get("shipment")
        if fields.get("kind") != Kind.DIFFERENCE or not isinstance(note, str) or not _NOTE.fullmatch(note):
            continue
        tx.execute(
            "INSERT INTO despatch_answer (n, note, site, found) VALUES (?,?,?,?) ON CONFLICT (n) DO NOTHING",
            (n, note, site, json.dumps(_said(fields))),
        )


def unheard(tx: Tx, most: int) -> list[Despatch]:
    """Give notes to which their receivers have answered something that was not looked at yet."""
    columns = ", ".join(f"despatch.{name}" for name in _COLUMNS.split(", "))
    rows = tx.execute(
        f"SELECT DISTINCT {columns} FROM despatch_answer JOIN despatch ON despatch.note=despatch_answer.note "  # noqa: S608 - constant column names
        "AND despatch.receiver=despatch_answer.site WHERE despatch_answer.told=0 LIMIT ?",
        (most,),
    ).fetchall()
    return [_despatch(row) for row in rows]


def take_heard(tx: Tx, one: Despatch) -> None:
    """Take what the receiver of a note has answered so far as heard."""
    tx.execute("UPDATE despatch_answer SET told=1 WHERE note=? AND site=?", (one.note, one.receiver))


def answered(tx: Tx, note: str) -> tuple[Despatch, Found] | None:
    """Give a note with what its receiver found, or None if there is no such note."""
    one = despatch_by_note(tx, note)
    return None if one is None else (one, found_of(tx, one))


def found_of(tx: Tx, one: Despatch) -> Found:
    """Give what the receiver of a note found in all its deliveries.

    What lacks is what lacked after the last delivery; what was too much, or doubted, stays so.
    """
    rows = tx.execute(
        "SELECT found FROM despatch_answer WHERE note=? AND site=? ORDER BY n", (one.note, one.receiver)
    ).fetchall()
    answers = [json.loads(found) for (found,) in rows]
    if not answers:
        return Found()
    last = answers[-1]
    doubtful = {code: reason for answer in answers for code, reason in answer["doubtful_codes"]}
    unnamed = max(0, last["missing"] - len(last["missing_codes"]))
    unnamed += sum(max(0, answer["doubtful"] - len(answer["doubtful_codes"])) for answer in answers)
    return Found(
        missing=frozenset(last["missing_codes"]),
        extra=frozenset(code for answer in answers for code in answer["extra_codes"]),
        doubtful=doubtful,
        unnamed=unnamed,
        is_empty=0 < one.packs <= last["missing"],
    )


def _said(fields: Mapping[str, Json]) -> dict[str, Json]:
    """Keep of a difference what is looked at later, whatever else a box wrote."""
    counts: dict[str, Json] = {name: _count(fields.get(name)) for name in ("missing", "doubtful")}
    codes: dict[str, Json] = {name: list(_texts(fields.get(name))) for name in ("missing_codes", "extra_codes")}
    pairs = fields.get("doubtful_codes")
    doubtful: list[Json] = [
        list(pair)
        for pair in (pairs if isinstance(pairs, list) else ())
        if isinstance(pair, list) and len(pair) == 2 and all(isinstance(one, str) for one in pair)  # noqa: PLR2004 - code and reason
    ]
    return {**counts, **codes, "doubtful_codes": doubtful}


def _count(value: Json) -> int:
    return value if type(value) is int and value > 0 else 0


def _texts(value: Json) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _despatch(row: Sequence[object]) -> Despatch:
    texts = [str(one) for one in row]
    numbers = {place: int(texts[place]) for place in (1, 5, 7, 8, 9, 10, 11)}
    return Despatch(
        texts[0],
        numbers[1],
        texts[2],
        texts[3],
        texts[4],
        numbers[5],
        DespatchState(texts[6]),
        numbers[7],
        numbers[8],
        numbers[9],
        numbers[10],
        numbers[11],
    )
