"""Late senders: a delivery that nobody had announced goes on by itself once a note says who sent it (先用后补, S2-14).

Goods may be used before their papers are there. Their receipt then names no sender, so a platform that must know it
holds the receipt, and the sales of its packs wait behind it. When a note that names the packs comes later, or was under
way to a box that was offline, the lines go on as a later part of their bill that names the sender. Nothing is guessed:
packs of which no note speaks stay held.
"""

from collections.abc import Iterable
from typing import Final

from yaoma.core.note import Signer
from yaoma_bridge.bill import Bill, BillLine
from yaoma_bridge.bill_text import read_bill
from yaoma_bridge.billing import add_part
from yaoma_bridge.fate import Cause, Fate
from yaoma_bridge.note_senders import FROM_SENDERS, Sender, sender_of
from yaoma_bridge.parcel_rows import chosen_lines, move, parcel_by_id, parcels_of
from yaoma_bridge.receipts import Outgoing
from yaoma_bridge.store import Store
from yaoma_bridge.tx import Tx
from yaoma_bridge.upload_rows import Standing, put_standings, standings_at

__all__ = ["FOR_WANT_OF_A_SENDER", "follow_senders"]

#: Why a platform holds what names no sender; it may hold other things for these reasons, too.
FOR_WANT_OF_A_SENDER: Final = frozenset({"partner_unknown", "bill_data_missing"})

_BILLS_AT_ONCE: Final = 50
_PROGRESS: Final = "destination:"
#: Why a held parcel is dropped: its lines have gone into parcels of a later part.
_DIVIDED: Final = "divided_anew"


def follow_senders(store: Store, signer: Signer, now_ms: int) -> list[Outgoing] | None:
    """Look at the bills of which a note has become known, or that a platform holds for want of a sender.

    Args:
        store: The store.
        signer: The bridge's key.
        now_ms: The time, milliseconds since 1970.

    Returns:
        The receipts to publish, or None if there was nothing to do.
    """
    with store.reading() as tx:
        if not _wanted(tx) and not _replaced(tx):
            return None
    with store.writing() as tx:
        for parcel_id in _replaced(tx):
            _drop(tx, parcel_id, now_ms)
        made: list[Outgoing] = []
        platforms = [
            name.removeprefix(_PROGRESS)
            for (name,) in tx.execute("SELECT name FROM progress ORDER BY name").fetchall()
            if name.startswith(_PROGRESS)
        ]
        for bill_id in _wanted(tx):
            for destination in platforms:
                made += _go_on(tx, destination, bill_id, signer, now_ms)
            tx.execute("DELETE FROM late_sender WHERE bill_id=?", (bill_id,))
    return made


def _wanted(tx: Tx) -> list[int]:
    rows = tx.execute("SELECT bill_id FROM late_sender ORDER BY bill_id LIMIT ?", (_BILLS_AT_ONCE,)).fetchall()
    return [bill_id for (bill_id,) in rows]


def _replaced(tx: Tx) -> list[int]:
    """Give the parcels whose lines lie in parcels of later parts by now.

    Until then they stay held: whatever waits behind them must not pass between them and those that follow.
    """
    rows = tx.execute(
        "SELECT superseded.parcel_id FROM superseded JOIN parcel ON parcel.id=superseded.parcel_id "
        "JOIN progress ON progress.name=? || parcel.destination WHERE progress.upto>=superseded.bill_id "
        "ORDER BY superseded.parcel_id LIMIT ?",
        (_PROGRESS, _BILLS_AT_ONCE),
    ).fetchall()
    return [parcel_id for (parcel_id,) in rows]


def _drop(tx: Tx, parcel_id: int, now_ms: int) -> None:
    row = parcel_by_id(tx, parcel_id)
    if row.fate is Fate.HELD:
        move(tx, row, Cause.DROP, now_ms, due_ms=now_ms, reason=_DIVIDED)
    tx.execute("DELETE FROM superseded WHERE parcel_id=?", (parcel_id,))


def _go_on(tx: Tx, destination: str, bill_id: int, signer: Signer, now_ms: int) -> list[Outgoing]:
    """Let the lines of a bill go on at a destination whose sender is known now."""
    bill = read_bill(tx.execute("SELECT body FROM bill WHERE id=?", (bill_id,)).fetchone()[0])
    if bill.operation not in FROM_SENDERS:
        return []
    senders: dict[int, Sender | None] = {}
    for number in _held(tx, destination, bill_id, bill):
        line = bill.lines[number]
        found = sender_of(tx, bill.site, (line.code, *line.packs))
        if found is not None:
            senders[number] = found
    if not senders:
        return []
    # A parcel goes as a whole: what lies beside a line that goes on, and nobody knows of, becomes a part of its own.
    beside, parcels = _beside(tx, destination, bill_id, senders)
    senders |= dict.fromkeys(beside)
    standings: dict[int, Standing] = {}
    last = bill_id
    for sender in dict.fromkeys(senders.values()):
        lines = sorted(number for number, one in senders.items() if one == sender)
        last = add_part(tx, bill_id, lines, now_ms, destination=destination, closed=None, sender=sender)
        for place, number in enumerate(lines):
            waiting = Standing(Fate.WAITING, "", last, place)
            standings |= dict.fromkeys(bill.lines[number].records, waiting)
    tx.executemany(
        "INSERT INTO superseded (parcel_id, bill_id) VALUES (?,?) ON CONFLICT (parcel_id) DO NOTHING",
        [(parcel_id, last) for parcel_id in parcels],
    )
    return put_standings(tx, destination, standings, signer, now_ms)


def _held(tx: Tx, destination: str, bill_id: int, bill: Bill) -> list[int]:
    """Give the lines that a destination holds for want of a sender, and of which no sender was ever named."""
    known = standings_at(tx, destination, (n for line in bill.lines for n in line.records))
    return [
        number
        for number, line in enumerate(bill.lines)
        if not _names_sender(bill, line) and line.records and all(_is_held(known.get(n), bill_id) for n in line.records)
    ]


def _is_held(standing: Standing | None, bill_id: int) -> bool:
    return (
        standing is not None
        and standing.bill_id == bill_id
        and standing.fate is Fate.HELD
        and standing.reason in FOR_WANT_OF_A_SENDER
    )


def _names_sender(bill: Bill, line: BillLine) -> bool:
    """Say whether somebody has named the sender of a line: its note, the bill, or the till."""
    note = line.shipment or bill.shipment
    compared = next((one for one in bill.differences if one.get("shipment") == note), {})
    return bool(compared.get("supplier") or bill.supplier or bill.facts.get("partner"))


def _beside(tx: Tx, destination: str, bill_id: int, lines: Iterable[int]) -> tuple[set[int], list[int]]:
    """Give the further lines of the held parcels in which some lines lie, and these parcels."""
    wanted = set(lines)
    chosen = chosen_lines(tx, destination, bill_id)
    inside: set[int] = set()
    parcels = []
    for row in parcels_of(tx, bill_id, destination):
        carried = {chosen[number] for number in row.lines}
        if row.fate is Fate.HELD and row.reason in FOR_WANT_OF_A_SENDER and carried & wanted:
            inside |= carried
            parcels.append(row.id)
    return inside - wanted, parcels
