"""Note senders: which company sent a pack, as the despatch notes say that a site was told of."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from yaoma.core.canonical import canonical
from yaoma.core.shipment import Shipment, ShipmentKind
from yaoma.core.shipment_text import shipment_fields
from yaoma_bridge.tx import Tx

__all__ = ["FROM_SENDERS", "Sender", "remember_senders", "sender_of", "want_sender"]

#: Operations whose bill names a company that sent the packs: they come from it, or go back to it.
FROM_SENDERS: Final = ("receive", "transfer_in", "gift_in", "return_supplier", "recall_out")

_AT_ONCE: Final = 500
#: As long as boxes that have lost their memory are told again.
_KEPT_MS: Final = 400 * 86_400_000


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sent a pack.

    Args:
        supplier: Name of the company or site, as its note writes it.
        bill: The number of its note; empty if it gave none.
    """

    supplier: str
    bill: str


def remember_senders(tx: Tx, site: str, notes: Iterable[Shipment], now_ms: int) -> None:
    """Remember who sent the packs of notes, and want the bills looked at in which one of them stands already.

    Args:
        tx: The transaction that queues the notes for a box of the site; those for its other boxes say nothing new.
        site: The site.
        notes: The notes; one that names no sender, or only what lies in a container, says nothing here.
        now_ms: The time, milliseconds since 1970.
    """
    for note in notes:
        if not note.supplier or note.kind is ShipmentKind.PARSED:
            continue
        digest = hashlib.sha256(canonical(shipment_fields(note))).hexdigest()
        known = tx.execute("SELECT digest FROM note_sender WHERE site=? AND note=?", (site, note.id)).fetchone()
        if known is not None and known[0] == digest:
            continue
        (note_id,) = tx.execute(
            "INSERT INTO note_sender (site, note, supplier, supplier_bill, digest, made_ms) VALUES (?,?,?,?,?,?) "
            "ON CONFLICT (site, note) DO UPDATE SET supplier=excluded.supplier, supplier_bill=excluded.supplier_bill, "
            "digest=excluded.digest, made_ms=excluded.made_ms RETURNING id",
            (site, note.id, note.supplier, note.bill, digest, now_ms),
        ).fetchone()
        tx.executemany(
            "INSERT INTO note_code (site, code, note_id) VALUES (?,?,?) "
            "ON CONFLICT (site, code) DO UPDATE SET note_id=excluded.note_id",
            [(site, code, note_id) for code in note.parents],
        )
        for bill_id in _bills_with(tx, site, tuple(note.parents)):
            want_sender(tx, bill_id)
        _forget_old(tx, site, now_ms)


def want_sender(tx: Tx, bill_id: int) -> None:
    """Want a bill looked at: it waits to know who sent its packs, or that has become known."""
    tx.execute("INSERT INTO late_sender (bill_id) VALUES (?) ON CONFLICT (bill_id) DO NOTHING", (bill_id,))


def sender_of(tx: Tx, site: str, codes: Sequence[str]) -> Sender | None:
    """Give who sent a pack, or a container with its packs; None if no note says so, or two say different things."""
    found = {
        Sender(supplier, bill)
        for some in _cut(codes)
        for supplier, bill in tx.execute(
            "SELECT DISTINCT supplier, supplier_bill FROM note_code JOIN note_sender ON note_sender.id=note_id "  # noqa: S608 - marks only
            f"WHERE note_code.site=? AND code IN ({_marks(some)})",
            (site, *some),
        ).fetchall()
    }
    return found.pop() if len(found) == 1 else None


def _bills_with(tx: Tx, site: str, codes: Sequence[str]) -> Iterator[int]:
    for some in _cut(codes):
        rows = tx.execute(
            "SELECT DISTINCT bill.id FROM bill_code JOIN bill ON bill.id=bill_code.bill_id "  # noqa: S608 - marks only
            f"WHERE code IN ({_marks(some)}) AND bill.site=? AND bill.operation IN ({_marks(FROM_SENDERS)})",
            (*some, site, *FROM_SENDERS),
        ).fetchall()
        yield from (bill_id for (bill_id,) in rows)


def _forget_old(tx: Tx, site: str, now_ms: int) -> None:
    old = (site, now_ms - _KEPT_MS)
    if tx.execute("SELECT 1 FROM note_sender WHERE site=? AND made_ms<? LIMIT 1", old).fetchone() is None:
        return
    tx.execute(
        "DELETE FROM note_code WHERE site=?1 AND note_id IN (SELECT id FROM note_sender WHERE site=?1 AND made_ms<?2)",
        old,
    )
    tx.execute("DELETE FROM note_sender WHERE site=? AND made_ms<?", old)


def _cut(codes: Sequence[str]) -> Iterator[Sequence[str]]:
    return (codes[first : first + _AT_ONCE] for first in range(0, len(codes), _AT_ONCE))


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))
