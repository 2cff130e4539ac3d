"""State: the numbered messages about its own stock that a box has not confirmed yet, kept until it has."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from yaoma.core.canonical import canonical, parse_canonical
from yaoma.core.note import Signer
from yaoma_bridge.alarms import AlarmKind, raise_alarm
from yaoma_bridge.boxes import MAX_AHEAD_MS, current_epoch
from yaoma_bridge.errors import BridgeError
from yaoma_bridge.note_senders import remember_senders
from yaoma_bridge.receipts import Outgoing
from yaoma_bridge.tx import Tx
from yaoma_link.state import StateError, StateMark, StateMessage, read_news
from yaoma_link.topics import BoxName, Channel

__all__ = ["due_state", "has_due", "note_state", "queue_news", "state_after", "waiting_state"]

#: A box confirms within seconds; after this it is told again, then after twice as long, and so on.
_AGAIN_MS = 60_000
_MAX_TRIES = 6
_MAX_AT_ONCE = 32

#: A box that lost its memory is told again what is not older than this.
_KEPT_MS = 400 * 86_400_000


@dataclass(frozen=True, slots=True)
class _Numbering:
    """How the messages of a box are numbered now.

    Args:
        epoch: The epoch of the numbers.
        base: The place in the store that stands before number 1.
        confirmed: The last place that the box has confirmed.
    """

    epoch: int
    base: int
    confirmed: int


def queue_news(tx: Tx, name: BoxName, news: StateMessage, signer: Signer, now_ms: int) -> int:
    """Keep a message for a box; a worker sends it within a second if the box is there.

    Args:
        tx: The transaction.
        name: The box.
        news: What it says.
        signer: The bridge's key: signing shows now whether a broker takes so much.
        now_ms: The time, milliseconds since 1970.

    Returns:
        Its place in the store.

    Raises:
        BridgeError: If it says nothing, or too much for one message.
    """
    if not (news.shipments or news.statuses or news.denials or news.merges):
        raise BridgeError("there is nothing to say", "Name shipments, statuses, denials or merges")
    try:
        replace(news, site=name.site, box=name.box, epoch=now_ms, number=1 << 40, made_ms=now_ms).signed(signer)
    except StateError as error:
        raise BridgeError(str(error), "") from None
    remember_senders(tx, name.site, news.shipments, now_ms)
    _numbering(tx, name)
    (place,) = tx.execute(
        "INSERT INTO state (site, box, n, news, made_ms) SELECT ?1, ?2, coalesce(max(n), 0) + 1, ?3, ?4 FROM "
        "(SELECT n FROM state WHERE site=?1 AND box=?2 UNION ALL "
        "SELECT confirmed FROM state_box WHERE site=?1 AND box=?2) AS place RETURNING n",
        (name.site, name.box, canonical(news.news()), now_ms),
    ).fetchone()
    tx.execute(
        "DELETE FROM state WHERE site=?1 AND box=?2 AND made_ms<?3 "
        "AND n<=(SELECT confirmed FROM state_box WHERE site=?1 AND box=?2)",
        (name.site, name.box, now_ms - _KEPT_MS),
    )
    return int(place)


def note_state(tx: Tx, name: BoxName, mark: StateMark, now_ms: int, *, retained: bool) -> None:
    """Note how far a box has followed; begin a new epoch if its memory and the store's don't fit.

    Args:
        tx: The transaction.
        name: The box.
        mark: Its mark.
        now_ms: The time, milliseconds since 1970.
        retained: Whether the broker kept the birth from before: it says nothing of what the box has lost since.
    """
    if mark.epoch > now_ms + MAX_AHEAD_MS:
        facts = {"epoch": mark.epoch, "upto": mark.upto}
        raise_alarm(tx, AlarmKind.MARK_IMPOSSIBLE, now_ms, site=name.site, box=name.box, facts=facts)
        return
    held = _numbering(tx, name)
    tx.execute("UPDATE state_box SET speaks_state=1 WHERE site=? AND box=?", (name.site, name.box))
    top = tx.execute("SELECT max(n) FROM state WHERE site=? AND box=?", (name.site, name.box)).fetchone()[0] or 0
    newest = max(top, held.confirmed)
    if mark.epoch > held.epoch or (mark.epoch == held.epoch and mark.upto > newest - held.base):
        # the box knows what the store does not: it came back from a backup
        _begin(tx, name, max(now_ms, mark.epoch + 1), held.confirmed)
    elif mark.epoch == held.epoch and held.base + mark.upto >= held.confirmed:
        tx.execute(
            "UPDATE state_box SET confirmed=? WHERE site=? AND box=?", (held.base + mark.upto, name.site, name.box)
        )
    elif not retained and (held.confirmed > held.base or (mark == StateMark() and held.base > 0)):
        # the box knows less than it had confirmed: its memory was lost, so it is told everything that is kept
        kept = tx.execute("SELECT min(n) FROM state WHERE site=? AND box=?", (name.site, name.box)).fetchone()[0]
        _begin(tx, name, max(now_ms, held.epoch + 1), newest if kept is None else kept - 1)


def state_after(tx: Tx, name: BoxName, signer: Signer, now_ms: int) -> list[Outgoing]:
    """Give the messages that a box has not confirmed, in order, to be sent now."""
    return list(_send(tx, name, signer, now_ms))


def waiting_state(tx: Tx, name: BoxName, signer: Signer) -> list[Outgoing]:
    """Give the same for a stick, without taking them as sent."""
    return list(_unconfirmed(tx, name, signer, most=1_000_000))


def due_state(tx: Tx, signer: Signer, now_ms: int) -> list[Outgoing]:
    """Give what was not sent yet, or long ago and was not confirmed; only for boxes that are there."""
    made: list[Outgoing] = []
    for site, box in tx.execute(_DUE, (now_ms,)).fetchall():
        made += _send(tx, BoxName(site, box), signer, now_ms)
    return made


_DUE = (
    "SELECT DISTINCT site, box FROM state JOIN box USING (site, box) JOIN state_box USING (site, box) "
    "WHERE due_ms<=? AND online=1 AND n>confirmed AND speaks_state=1 LIMIT 100"
)


def has_due(tx: Tx, now_ms: int) -> bool:
    """Say whether `due_state` would give anything."""
    return tx.execute(_DUE, (now_ms,)).fetchone() is not None


def _send(tx: Tx, name: BoxName, signer: Signer, now_ms: int) -> Iterator[Outgoing]:
    for outgoing in _unconfirmed(tx, name, signer, most=_MAX_AT_ONCE):
        key = (name.site, name.box, _numbering(tx, name).base + outgoing.rseq)
        (tries,) = tx.execute("SELECT tries FROM state WHERE site=? AND box=? AND n=?", key).fetchone()
        tx.execute(
            "UPDATE state SET tries=?, due_ms=? WHERE site=? AND box=? AND n=?",
            (min(tries + 1, _MAX_TRIES), now_ms + (_AGAIN_MS << tries), *key),
        )
        yield outgoing


def _unconfirmed(tx: Tx, name: BoxName, signer: Signer, *, most: int) -> Iterator[Outgoing]:
    held = _numbering(tx, name)
    rows = tx.execute(
        "SELECT n, news, made_ms FROM state WHERE site=? AND box=? AND n>? ORDER BY n LIMIT ?",
        (name.site, name.box, held.confirmed, most),
    ).fetchall()
    for place, news, made_ms in rows:
        number = place - held.base
        message = replace(
            read_news(parse_canonical(news)),
            site=name.site,
            box=name.box,
            epoch=held.epoch,
            number=number,
            made_ms=made_ms,
        )
        yield Outgoing(name, number, message.signed(signer), Channel.STATE)


def _numbering(tx: Tx, name: BoxName) -> _Numbering:
    """Give the numbering of a box; it begins with the store's epoch, and anew when that does."""
    epoch = current_epoch(tx)
    tx.execute(
        "INSERT INTO state_box (site, box, epoch) VALUES (?,?,?) ON CONFLICT DO NOTHING", (name.site, name.box, epoch)
    )
    held = _Numbering(
        *tx.execute(
            "SELECT epoch, base, confirmed FROM state_box WHERE site=? AND box=?", (name.site, name.box)
        ).fetchone()
    )
    if held.epoch >= epoch:
        return held
    _begin(tx, name, epoch, held.confirmed)
    return _Numbering(epoch, held.confirmed, held.confirmed)


def _begin(tx: Tx, name: BoxName, epoch: int, base: int) -> None:
    tx.execute(
        "UPDATE state_box SET epoch=?, base=?, confirmed=? WHERE site=? AND box=?",
        (epoch, base, base, name.site, name.box),
    )
    tx.execute("UPDATE state SET tries=0, due_ms=0 WHERE site=? AND box=? AND n>?", (name.site, name.box, base))
