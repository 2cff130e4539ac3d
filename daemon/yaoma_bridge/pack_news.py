"""Pack news: what a refusal says of the pack itself goes to all boxes of its site; a later acceptance lifts it.

A box that has the pack in stock then holds it by a record of its own (`yaoma.service.recheck`): so a late refusal
changes the ledger by a new record, never an old one.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from yaoma.core.allowlist import Denial, DenialKind
from yaoma.core.note import Signer
from yaoma_bridge.bill_text import read_bill
from yaoma_bridge.state import queue_news
from yaoma_bridge.tx import Tx
from yaoma_link.state import StateMessage
from yaoma_link.topics import BoxName

__all__ = ["DENYING", "queue_denials"]

#: Which reasons speak of the pack, and how a box is to treat it. Others speak of the bill, or of us.
DENYING: Final[Mapping[str, DenialKind]] = {
    "sold_elsewhere": DenialKind.SOLD_ELSEWHERE,
    "not_activated": DenialKind.NOT_ACTIVATED,
    "check_digits": DenialKind.WARNING,
    "code_cancelled": DenialKind.WARNING,
    "expired": DenialKind.WARNING,
}

_MOST_PACKS: Final = 500


def queue_denials(tx: Tx, destination: str, news: Mapping[tuple[int, int], str], signer: Signer, now_ms: int) -> None:
    """Queue what the boxes of a site must know of packs.

    Args:
        tx: The transaction that moves the parcels as well.
        destination: Who said it.
        news: By bill and line: the reason of a refusal, or an empty text of an acceptance.
        signer: The bridge's key.
        now_ms: The time, milliseconds since 1970.
    """
    known = tx.execute("SELECT 1 FROM denied WHERE destination=? LIMIT 1", (destination,)).fetchone() is not None
    by_site: dict[str, dict[tuple[str, str], Denial | None]] = {}
    for (bill_id, number), reason in news.items():
        kind = DENYING.get(reason)
        if kind is None and (reason or not known):
            continue
        (body,) = tx.execute("SELECT body FROM bill WHERE id=?", (bill_id,)).fetchone()
        bill = read_bill(body)
        line = bill.lines[number]
        denial = None if kind is None else Denial(kind, f"{destination}: {reason}")
        for code in (line.code, *line.packs[:_MOST_PACKS]):
            if _notes(tx, (destination, bill.site, code), reason if denial is not None else ""):
                by_site.setdefault(bill.site, {})[code, ""] = denial
    for site, denials in by_site.items():
        for name in _boxes_of(tx, site):
            message = StateMessage(site="", box="", epoch=0, number=0, made_ms=0, denials=denials)
            queue_news(tx, name, message, signer, now_ms)


def _notes(tx: Tx, key: tuple[str, str, str], reason: str) -> bool:
    """Note what was said of a pack last; tell whether it is news."""
    found = tx.execute("SELECT reason FROM denied WHERE destination=? AND site=? AND code=?", key).fetchone()
    if (found[0] if found is not None else "") == reason:
        return False
    tx.execute("DELETE FROM denied WHERE destination=? AND site=? AND code=?", key)
    if reason:
        tx.execute("INSERT INTO denied (destination, site, code, reason) VALUES (?,?,?,?)", (*key, reason))
    return True


def _boxes_of(tx: Tx, site: str) -> Sequence[BoxName]:
    rows = tx.execute("SELECT box FROM box WHERE site=? ORDER BY box", (site,))
    return [BoxName(site, box) for (box,) in rows.fetchall()]
