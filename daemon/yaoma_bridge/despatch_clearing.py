"""Despatch clearing: what senders found out about the differences that their receivers reported (S2-04, 查明并纠正).

A difference is a task at the sender. Who settles it there writes how; the record of that comes to the centre like any
other, and closes the difference here as well.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from yaoma.core.deed import REFUSED_TASK
from yaoma.core.record import Kind, Record
from yaoma.core.report_facts import DESPATCH
from yaoma_bridge.despatch_rows import Despatch, despatches_of
from yaoma_bridge.tx import Tx

__all__ = ["Word", "has_fresh_words", "is_cleared_up", "note_clearing", "take_fresh_words", "words_of_sender"]

_TASK: Final = f"{REFUSED_TASK}{DESPATCH}:"
_TEXT_LETTERS: Final = 200
_NAME_LETTERS: Final = 128
_NUMBER_LETTERS: Final = 15
_AT_ONCE: Final = 100

_REFUSED: Final = (
    "SELECT log.log, event.seq, upload.reason, despatch_cleared.how, despatch_cleared.at_ms FROM upload "
    "JOIN event ON event.n=upload.n JOIN log ON log.id=event.log_id LEFT JOIN despatch_cleared "
    "ON despatch_cleared.site=log.site AND despatch_cleared.log=log.log AND despatch_cleared.seq=event.seq "
    "WHERE upload.destination=? AND upload.fate='refused' AND upload.bill_id=? ORDER BY log.log, event.seq"
)


@dataclass(frozen=True, slots=True)
class Word:
    """What a sender found out.

    Args:
        record: Log and place of the first record that it is about.
        reason: Why it was a task.
        how: What was found out, in the operator's words.
        at_ms: When it was written down, milliseconds since 1970.
    """

    record: str
    reason: str
    how: str
    at_ms: int


def note_clearing(tx: Tx, rows: Iterable[tuple[str, int, bytes]]) -> None:
    """Keep the settlements among records of the feed that are about despatch notes.

    Args:
        tx: The transaction that takes the records in.
        rows: Site, what clock records add to the time, and body.
    """
    for site, shift_ms, body in rows:
        if b'"kind":"settle"' not in body or _TASK.encode() not in body:
            continue
        record = Record.read(body).original()
        duties, how = record.fields.get("duties"), record.fields.get("how")
        if record.kind != Kind.SETTLE or not isinstance(duties, list) or not isinstance(how, str):
            continue
        for duty in duties:
            log, _, seq = duty.removeprefix(_TASK).rpartition("/") if isinstance(duty, str) else ("", "", "")
            is_place = seq.isascii() and seq.isdecimal() and len(seq) <= _NUMBER_LETTERS and len(log) <= _NAME_LETTERS
            if is_place and isinstance(duty, str) and duty.startswith(_TASK):
                tx.execute(
                    "INSERT INTO despatch_cleared (site, log, seq, how, at_ms) VALUES (?,?,?,?,?) "
                    "ON CONFLICT (site, log, seq) DO UPDATE SET how=excluded.how, at_ms=excluded.at_ms, told=0",
                    (site, log, int(seq), how[:_TEXT_LETTERS], record.stamp.wall_ms + shift_ms),
                )


def has_fresh_words(tx: Tx) -> bool:
    """Say whether there are settlements that were not looked at yet."""
    return tx.execute("SELECT 1 FROM despatch_cleared WHERE told=0 LIMIT 1").fetchone() is not None


def take_fresh_words(tx: Tx) -> list[Despatch]:
    """Give the notes that fresh settlements are about, and take these as looked at."""
    rows = tx.execute(
        "SELECT site, log, seq FROM despatch_cleared WHERE told=0 ORDER BY site, log, seq LIMIT ?", (_AT_ONCE,)
    ).fetchall()
    found: dict[str, Despatch] = {}
    for site, log, seq in rows:
        bills = tx.execute(
            "SELECT upload.bill_id FROM log JOIN event ON event.log_id=log.id AND event.seq=? "
            "JOIN upload ON upload.destination=? AND upload.n=event.n WHERE log.site=? AND log.log=?",
            (seq, DESPATCH, site, log),
        ).fetchall()
        found |= {one.note: one for (bill_id,) in bills for one in despatches_of(tx, bill_id)}
        tx.execute("UPDATE despatch_cleared SET told=1 WHERE site=? AND log=? AND seq=?", (site, log, seq))
    return list(found.values())


def is_cleared_up(tx: Tx, one: Despatch) -> bool:
    """Say whether its sender has settled each task about a note: each run of records with one reason."""
    runs: list[tuple[str, int, str, bool]] = []
    for log, seq, reason, how, _ in tx.execute(_REFUSED, (DESPATCH, one.bill_id)).fetchall():
        is_more = bool(runs) and runs[-1][:3] == (log, seq - 1, reason)
        is_settled = how is not None or (is_more and runs[-1][3])
        runs = [*(runs[:-1] if is_more else runs), (log, seq, reason, is_settled)]
    return bool(runs) and all(is_settled for *_, is_settled in runs)


def words_of_sender(tx: Tx, one: Despatch) -> list[Word]:
    """Give what the sender of a note found out about what is at fault now."""
    rows = tx.execute(_REFUSED, (DESPATCH, one.bill_id)).fetchall()
    return [Word(f"{log}/{seq}", reason, how, at_ms) for log, seq, reason, how, at_ms in rows if how is not None]
