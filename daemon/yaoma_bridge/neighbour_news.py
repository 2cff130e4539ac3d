"""Neighbour news: what one box of a site did goes to its other boxes, so that their ledgers agree (DESIGN.md 6).

Told is what took effect: the lines of bills, each once, in the order of the feed. A pack that went into quarantine is
told when it is released. Units that are handed out of an opened pack are not told: the pack stays with the box that
opened it, and that it was opened is told.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from yaoma.core.note import Signer
from yaoma_bridge.bill import Bill
from yaoma_bridge.bill_text import read_bill
from yaoma_bridge.state import queue_news
from yaoma_bridge.store import Store
from yaoma_bridge.tx import Tx
from yaoma_link.state import MergeLine, StateMessage
from yaoma_link.topics import BoxName

__all__ = ["NOTHING_NEW", "deeds_of", "queue_deeds", "tell_neighbours"]

_STAGE: Final = "neighbours"
_BILLS_AT_ONCE: Final = 200

#: With some 110 bytes each a message stays well below what a broker takes.
_LINES_AT_ONCE: Final = 4000

#: A message that says nothing yet.
NOTHING_NEW: Final = StateMessage(site="", box="", epoch=0, number=0, made_ms=0)


def tell_neighbours(store: Store, signer: Signer, now_ms: int) -> bool:
    """Queue what the next bills say for the other boxes of their sites.

    Args:
        store: The store.
        signer: The bridge's key.
        now_ms: The time, milliseconds since 1970.

    Returns:
        Whether there was anything to do.
    """
    with store.reading() as tx:
        upto = _upto(tx)
        if tx.execute("SELECT 1 FROM bill WHERE id>? LIMIT 1", (upto,)).fetchone() is None:
            return False
    with store.writing() as tx:
        upto = _upto(tx)
        rows = tx.execute(
            "SELECT id, site, part, body, quarantined FROM bill WHERE id>? ORDER BY id LIMIT ?", (upto, _BILLS_AT_ONCE)
        ).fetchall()
        by_box: dict[BoxName, list[MergeLine]] = {}
        for _, site, part, body, quarantined in rows:
            if part:
                continue  # its lines were told with the bill, or are told by what released them
            bill = read_bill(body)
            neighbours = [name for name in _boxes_of(tx, site) if name.box != bill.box]
            lines = list(deeds_of(bill, quarantined)) if neighbours else []
            for name in neighbours:
                by_box.setdefault(name, []).extend(lines)
        for name, lines in by_box.items():
            queue_deeds(tx, name, lines, signer, now_ms)
        if rows:
            tx.execute(
                "INSERT INTO progress (name, upto) VALUES (?,?) ON CONFLICT (name) DO UPDATE SET upto=excluded.upto",
                (_STAGE, rows[-1][0]),
            )
    return bool(rows)


def deeds_of(bill: Bill, quarantined: str) -> Iterator[MergeLine]:
    """Give what a bill did with each pack.

    Args:
        bill: The bill.
        quarantined: Numbers of its lines that went into quarantine, as the store has them (JSON).
    """
    apart = {int(number) for number in quarantined.strip("[]").split(",") if number.strip()}
    for number, line in enumerate(bill.lines):
        if number in apart or line.units or line.case_packs:
            continue
        for code in line.packs or (line.code,):
            yield MergeLine(code, bill.operation, bill.closed_ms, bill.box)


def queue_deeds(tx: Tx, name: BoxName, lines: Sequence[MergeLine], signer: Signer, now_ms: int) -> int:
    """Queue deeds of others for a box, in as many messages as they need; give the number of messages."""
    messages = 0
    for some in _cut(lines):
        queue_news(tx, name, replace(NOTHING_NEW, merges=some), signer, now_ms)
        messages += 1
    return messages


def _cut(lines: Sequence[MergeLine]) -> Iterable[Sequence[MergeLine]]:
    return (lines[first : first + _LINES_AT_ONCE] for first in range(0, len(lines), _LINES_AT_ONCE))


def _upto(tx: Tx) -> int:
    found = tx.execute("SELECT upto FROM progress WHERE name=?", (_STAGE,)).fetchone()
    return 0 if found is None else int(found[0])


def _boxes_of(tx: Tx, site: str) -> list[BoxName]:
    """Give the boxes of a site that are in service."""
    rows = tx.execute(
        "SELECT box FROM box WHERE site=? AND NOT EXISTS (SELECT 1 FROM retired WHERE retired.site=box.site "
        "AND retired.box=box.box) ORDER BY box",
        (site,),
    )
    return [BoxName(site, box) for (box,) in rows.fetchall()]
