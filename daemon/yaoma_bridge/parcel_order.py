"""Parcel order: what a parcel has to wait for, and what is let go when one is through (DESIGN.md 9)."""

from yaoma_bridge.fate import FINAL, Fate
from yaoma_bridge.parcel_rows import ParcelRow, chosen_lines, parcel_by_number, parcels_of
from yaoma_bridge.platform import Order
from yaoma_bridge.tx import Tx

__all__ = ["stands_behind", "wake_followers"]


def stands_behind(tx: Tx, row: ParcelRow, order: Order) -> str:
    """Say what a parcel has to wait for: `follows`, `follows_refused`, `earlier`, or nothing.

    Args:
        tx: A transaction.
        row: The parcel.
        order: What its platform needs.
    """
    if row.follows:
        first = parcel_by_number(tx, row.destination, row.follows)
        if first is not None and first.fate is not Fate.ACCEPTED:
            return "follows_refused" if first.fate is Fate.REFUSED else "follows"
    if order is Order.NONE:
        return ""
    if order is Order.SITE:
        earlier = tx.execute(
            "SELECT 1 FROM parcel WHERE destination=? AND site=? AND closed_n<? "
            "AND fate NOT IN ('accepted', 'refused') LIMIT 1",
            (row.destination, row.site, row.closed_n),
        ).fetchone()
        return "earlier" if earlier is not None else ""
    return "earlier" if _has_open_codes(tx, row) else ""


def _has_open_codes(tx: Tx, row: ParcelRow) -> bool:
    """Say whether an earlier parcel of the site, not through yet, has a code with this one in common."""
    open_bills = tx.execute(
        "SELECT DISTINCT bill_id FROM parcel WHERE destination=? AND site=? AND closed_n<? "
        "AND fate NOT IN ('accepted', 'refused')",
        (row.destination, row.site, row.closed_n),
    ).fetchall()
    if not open_bills:
        return False
    lines = chosen_lines(tx, row.destination, row.bill_id)
    own = {lines[number] for number in row.lines}
    for (bill_id,) in open_bills:
        shared = tx.execute(
            "SELECT mine.line, theirs.line FROM bill_code AS mine JOIN bill_code AS theirs ON theirs.code=mine.code "
            "WHERE mine.bill_id=? AND theirs.bill_id=?",
            (row.bill_id, bill_id),
        ).fetchall()
        theirs = {line for mine, line in shared if mine in own}
        if theirs and any(
            one.fate not in FINAL
            and theirs & {chosen_lines(tx, row.destination, bill_id)[number] for number in one.lines}
            for one in parcels_of(tx, bill_id, row.destination)
        ):
            return True
    return False


def wake_followers(tx: Tx, row: ParcelRow, now_ms: int) -> None:
    """Let the parcels of a site be looked at now that may have waited for one that is through."""
    tx.execute(
        "UPDATE parcel SET due_ms=? WHERE destination=? AND site=? AND closed_n>=? AND fate='bundled' "
        "AND reason IN ('earlier', 'follows')",
        (now_ms, row.destination, row.site, row.closed_n),
    )
