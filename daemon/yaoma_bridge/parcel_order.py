"""Parcel order: what a parcel has to wait for, and what is let go when one is through (DESIGN.md 9)."""

import json

from yaoma_bridge.fate import Fate
from yaoma_bridge.parcel_rows import ParcelRow, chosen_lines, parcel_by_number
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
    shared = tx.execute(
        "SELECT mine.line, theirs.line, parcel.lines, bundle.lines FROM bill_code AS mine "
        "JOIN bill_code AS theirs ON theirs.code=mine.code JOIN parcel ON parcel.bill_id=theirs.bill_id "
        "JOIN bundle ON bundle.bill_id=theirs.bill_id AND bundle.destination=parcel.destination "
        "WHERE mine.bill_id=? AND theirs.bill_id<>mine.bill_id AND parcel.destination=? AND parcel.site=? "
        "AND parcel.closed_n<? AND parcel.fate NOT IN ('accepted', 'refused')",
        (row.bill_id, row.destination, row.site, row.closed_n),
    ).fetchall()
    if not shared:
        return False
    chosen = chosen_lines(tx, row.destination, row.bill_id)
    own = {chosen[number] for number in row.lines}
    return any(
        mine in own and theirs in {json.loads(bundled)[number] for number in json.loads(carried)}
        for mine, theirs, carried, bundled in shared
    )


def wake_followers(tx: Tx, row: ParcelRow, now_ms: int) -> None:
    """Let the parcels of a site be looked at now that may have waited for one that is through."""
    # SQLite takes the index of open parcels only if its condition stands here word for word.
    tx.execute(
        "UPDATE parcel SET due_ms=? WHERE destination=? AND site=? AND closed_n>=? "
        "AND fate NOT IN ('accepted', 'refused') AND fate='bundled' AND reason IN ('earlier', 'follows')",
        (now_ms, row.destination, row.site, row.closed_n),
    )
