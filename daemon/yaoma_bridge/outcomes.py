"""Outcomes: what became of records at destinations, kept as runs so that a box can be told all of it again."""

from yaoma_bridge.tx import Tx
from yaoma_link.receipt import Outcome, OutcomeState

__all__ = ["lay_over", "outcomes_of"]


def lay_over(tx: Tx, log_id: int, outcome: Outcome) -> None:
    """Keep what became of a run of records; it replaces what was known of these places at its destination.

    Args:
        tx: The transaction that commits the destination's position as well.
        log_id: The log's key in the store.
        outcome: What became of the run.
    """
    first, end = outcome.span
    key = (log_id, outcome.destination)
    near = tx.execute(
        "SELECT first, upto, state, reason FROM outcome WHERE log_id=? AND destination=? AND upto>=? AND first<=?",
        (*key, first, end),
    ).fetchall()
    kept = []
    for low, high, state, reason in near:
        if (state, reason) == (outcome.state, outcome.reason):
            first, end = min(first, low), max(end, high)
        else:
            left, right = (low, min(high, outcome.span[0])), (max(low, outcome.span[1]), high)
            kept += [(*span, state, reason) for span in (left, right) if span[0] < span[1]]
        tx.execute("DELETE FROM outcome WHERE log_id=? AND destination=? AND first=?", (*key, low))
    runs = [*kept, (first, end, outcome.state.value, outcome.reason)]
    tx.executemany(
        "INSERT INTO outcome (log_id, destination, first, upto, state, reason) VALUES (?,?,?,?,?,?)",
        [(*key, *run) for run in runs],
    )


def outcomes_of(tx: Tx, log_id: int) -> list[Outcome]:
    """Give all that is known of a log's records, destination by destination, in order."""
    rows = tx.execute(
        "SELECT first, upto, destination, state, reason FROM outcome WHERE log_id=? ORDER BY destination, first",
        (log_id,),
    )
    return [
        Outcome((first, end), destination, OutcomeState(state), reason)
        for first, end, destination, state, reason in rows
    ]
