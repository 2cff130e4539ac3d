"""Fleet: boxes that come and go: one takes another's place with its stock, a stolen one is shut out."""

from dataclasses import replace

from yaoma.core.canonical import parse_canonical
from yaoma.core.note import Signer
from yaoma_bridge.bill_text import read_bill
from yaoma_bridge.errors import BridgeError
from yaoma_bridge.neighbour_news import deeds_of, queue_deeds
from yaoma_bridge.registry import Registry
from yaoma_bridge.state import queue_news
from yaoma_bridge.tx import Tx
from yaoma_link.state import MergeLine, read_news
from yaoma_link.topics import BoxName

__all__ = ["Handed", "put_in_place", "retire"]

Handed = tuple[int, int]
"""How many packs and how many other messages were queued."""


def put_in_place(tx: Tx, old: BoxName, new: BoxName, signer: Signer, now_ms: int) -> Handed:
    """Let a box take another's place: it is told where each pack of the site stands, and what the old one was told.

    Of each pack the last deed counts, whichever box of the site did it. What is still on the old box's card and was
    never delivered can't be told; it comes when the card is read.

    Args:
        tx: The transaction.
        old: The box that goes; it may still deliver what it holds.
        new: The box that comes, of the same site.
        signer: The bridge's key.
        now_ms: The time, milliseconds since 1970.

    Raises:
        BridgeError: If they are of different sites, one is the other, or the old one was never seen.
    """
    if old.site != new.site or old == new:
        raise BridgeError("a box is replaced by another one of its own site", "Name OLD and NEW as SITE/BOX")
    known = tx.execute("SELECT 1 FROM box WHERE site=? AND box=?", (old.site, old.box)).fetchone()
    if known is None:
        raise BridgeError(f"{old} was never seen", "yaoma-bridge boxes lists those that were")
    if tx.execute("SELECT 1 FROM retired WHERE site=? AND box=? AND successor<>''", (old.site, old.box)).fetchone():
        raise BridgeError(f"{old} was replaced already", "yaoma-bridge fleet retired lists by which box")
    tx.execute(
        "INSERT INTO box (site, box, online, last_seen_ms) VALUES (?,?,0,?) ON CONFLICT DO NOTHING",
        (new.site, new.box, now_ms),
    )
    messages = 0
    for (news,) in tx.execute(
        "SELECT news FROM state WHERE site=? AND box=? ORDER BY n", (old.site, old.box)
    ).fetchall():
        message = replace(read_news(parse_canonical(bytes(news))), merges=())
        if message.shipments or message.statuses or message.denials:
            queue_news(tx, new, message, signer, now_ms)
            messages += 1
    deeds = list(_last_deeds(tx, new).values())
    queue_deeds(tx, new, deeds, signer, now_ms)
    _note_retired(tx, old, "replaced", now_ms, str(new))
    return len(deeds), messages


def retire(tx: Tx, registry: Registry, name: BoxName, reason: str, now_ms: int) -> bool:
    """Shut a box out: what comes in its name from now on is stored, held and alarmed, and never leaves the bridge.

    Args:
        tx: The transaction.
        registry: Where its key is withdrawn.
        name: The box.
        reason: Why, in the operator's words.
        now_ms: The time, milliseconds since 1970.

    Returns:
        Whether it was registered.
    """
    _note_retired(tx, name, reason, now_ms)
    tx.execute("UPDATE command SET state='expired' WHERE site=? AND box=? AND state='waiting'", (name.site, name.box))
    return registry.withdraw(name)


def _note_retired(tx: Tx, name: BoxName, reason: str, now_ms: int, successor: str = "") -> None:
    tx.execute(
        "INSERT INTO retired (site, box, reason, successor, at_ms) VALUES (?,?,?,?,?) ON CONFLICT (site, box) "
        "DO UPDATE SET reason=excluded.reason, successor=CASE WHEN excluded.successor='' THEN retired.successor "
        "ELSE excluded.successor END, at_ms=excluded.at_ms",
        (name.site, name.box, reason, successor, now_ms),
    )


def _last_deeds(tx: Tx, new: BoxName) -> dict[str, MergeLine]:
    """Give the last deed with each pack of a site, in the order of these deeds."""
    last: dict[str, MergeLine] = {}
    rows = tx.execute("SELECT body, quarantined FROM bill WHERE site=? AND part=0 ORDER BY closed_n", (new.site,))
    for body, quarantined in rows:
        bill = read_bill(body)
        if bill.box == new.box:
            continue  # it knows its own deeds
        for line in deeds_of(bill, quarantined):
            last.pop(line.code, None)
            last[line.code] = line
    return last
