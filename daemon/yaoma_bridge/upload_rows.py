"""Upload rows: what became of each record at each platform, kept, and told to its box in the same transaction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from yaoma.core.note import Signer
from yaoma_bridge.fate import FINAL, Fate, outcome_of
from yaoma_bridge.log_rows import log_by_id
from yaoma_bridge.number_runs import number_runs
from yaoma_bridge.outcomes import lay_over
from yaoma_bridge.pack_news import queue_denials
from yaoma_bridge.receipts import Outgoing, make_receipts
from yaoma_bridge.tx import Tx
from yaoma_link.receipt import Outcome, OutcomeState

__all__ = ["Standing", "put_standings", "standing_of", "standings_at"]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a record stands at a destination.

    Args:
        fate: Where.
        reason: Why, a stable id; empty if there is nothing to say.
        bill_id: The part of a bill that it is uploaded by.
        line: Its line there.
    """

    fate: Fate
    reason: str
    bill_id: int
    line: int


def standing_of(tx: Tx, destination: str, n: int) -> Standing | None:
    """Give where a record stands, or None if it is in no bill yet, or this destination does not want it."""
    return standings_at(tx, destination, (n,)).get(n)


def standings_at(tx: Tx, destination: str, numbers: Iterable[int]) -> dict[int, Standing]:
    """Give where records stand, by feed number; without those that no bill has yet, or that the destination leaves."""
    wanted = frozenset(numbers)
    found: dict[int, Standing] = {}
    for first, last in number_runs(wanted):
        rows = tx.execute(
            "SELECT n, fate, reason, bill_id, line FROM upload WHERE destination=? AND n>=? AND n<=?",
            (destination, first, last),
        )
        found |= {n: Standing(Fate(fate), why, bill, line) for n, fate, why, bill, line in rows if n in wanted}
    return found


def _places(tx: Tx, numbers: Iterable[int]) -> dict[int, tuple[int, int]]:
    """Give log and place of records, by feed number."""
    found: dict[int, tuple[int, int]] = {}
    for first, last in number_runs(numbers):
        rows = tx.execute("SELECT n, log_id, seq FROM event WHERE n>=? AND n<=?", (first, last))
        found |= {n: (log_id, seq) for n, log_id, seq in rows}
    return found


def put_standings(
    tx: Tx, destination: str, standings: Mapping[int, Standing], signer: Signer, now_ms: int
) -> list[Outgoing]:
    """Keep where records stand, and tell their boxes what is news to them.

    Args:
        tx: The transaction that moves the parcels as well.
        destination: At which destination.
        standings: By feed number.
        signer: The bridge's key.
        now_ms: The time, milliseconds since 1970.

    Returns:
        The receipts to publish.
    """
    told: dict[int, list[tuple[int, OutcomeState, str]]] = {}
    packs: dict[tuple[int, int], str] = {}
    rows: list[tuple[object, ...]] = []
    known = standings_at(tx, destination, standings)
    places = _places(tx, standings)
    for n in sorted(standings):
        after, before = standings[n], known.get(n)
        if after == before or (before is not None and before.bill_id > after.bill_id):
            continue  # nothing new, or news of a part that a later one has taken the place of
        rows.append((destination, n, after.bill_id, after.line, after.fate.value, after.reason, now_ms))
        if after.fate in FINAL:
            packs[after.bill_id, after.line] = after.reason if after.fate is Fate.REFUSED else ""
        said = _said(after)
        if before is None or said != _said(before):
            log_id, seq = places[n]
            told.setdefault(log_id, []).append((seq, *said))
    tx.executemany(
        "INSERT INTO upload (destination, n, bill_id, line, fate, reason, changed_ms) VALUES (?,?,?,?,?,?,?) "
        "ON CONFLICT (destination, n) DO UPDATE SET bill_id=excluded.bill_id, line=excluded.line, "
        "fate=excluded.fate, reason=excluded.reason, changed_ms=excluded.changed_ms",
        rows,
    )
    if packs:
        queue_denials(tx, destination, packs, signer, now_ms)
    made = []
    for log_id, news in told.items():
        outcomes = _runs(destination, news)
        for outcome in outcomes:
            lay_over(tx, log_id, outcome)
        made += make_receipts(tx, log_by_id(tx, log_id), signer, now_ms, outcomes=outcomes)
    return made


def _said(standing: Standing) -> tuple[OutcomeState, str]:
    """Give what a box is told; while something is under way the reasons of its turns are the centre's business."""
    state = outcome_of(standing.fate)
    is_under_way = state in {OutcomeState.WAITING, OutcomeState.PROCESSING}
    return state, "" if is_under_way else standing.reason


def _runs(destination: str, places: Sequence[tuple[int, OutcomeState, str]]) -> list[Outcome]:
    """Tell neighbours with the same answer as one run."""
    runs: list[Outcome] = []
    for seq, state, reason in sorted(places):
        last = runs[-1] if runs else None
        if last is not None and last.span[1] == seq and (last.state, last.reason) == (state, reason):
            runs[-1] = Outcome((last.span[0], seq + 1), destination, state, reason)
        else:
            runs.append(Outcome((seq, seq + 1), destination, state, reason))
    return runs
