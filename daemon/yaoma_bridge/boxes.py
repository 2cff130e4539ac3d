"""Boxes: who was seen when, how far each has followed the receipts, and which epoch of them holds."""

from yaoma_bridge.alarms import AlarmKind, raise_alarm
from yaoma_bridge.tx import Tx
from yaoma_link.batch import ReceiptMark
from yaoma_link.topics import BoxName

__all__ = [
    "MAX_AHEAD_MS",
    "begin_restored",
    "current_epoch",
    "epoch_of",
    "next_rseq",
    "note_low_mark",
    "note_mark",
    "note_offline",
    "note_seen",
]

#: A box that claims more than this has a broken or hostile memory; believing it would burn the number space.
MAX_AHEAD_MS = 10 * 365 * 86_400_000

#: Boxes that come back after a restore find out one by one; one epoch serves them all.
_MIN_RESTORED_AGE_MS = 60_000

#: Batches of one box may be stored in another order than they were sent; a mark that stays low so long is meant.
_LOW_MARK_MS = 15_000


def current_epoch(tx: Tx) -> int:
    """Give the store's epoch."""
    return int(tx.execute("SELECT MAX(epoch) FROM epoch").fetchone()[0])


def epoch_of(tx: Tx, name: BoxName) -> int:
    """Give the epoch in which a box's receipts are numbered now: the store's, or a later one of its own."""
    found = tx.execute(
        "SELECT (SELECT MAX(epoch) FROM epoch), (SELECT epoch FROM box WHERE site=? AND box=?)", (name.site, name.box)
    ).fetchone()
    return max(int(found[0]), int(found[1] or 0))


def note_seen(tx: Tx, name: BoxName, now_ms: int) -> None:
    """Note that something came from a box: it is there."""
    tx.execute(
        "INSERT INTO box (site, box, last_seen_ms) VALUES (?,?,?) "
        "ON CONFLICT (site, box) DO UPDATE SET last_seen_ms=excluded.last_seen_ms, online=1",
        (name.site, name.box, now_ms),
    )


def note_offline(tx: Tx, name: BoxName) -> None:
    """Note a last will: what is missing is not asked for until the box is back."""
    tx.execute("UPDATE box SET online=0 WHERE site=? AND box=?", (name.site, name.box))


def next_rseq(tx: Tx, name: BoxName, epoch: int) -> int:
    """Take the number of a box's next receipt; each epoch begins at 1, without gaps."""
    taken = tx.execute(
        "UPDATE box SET rseq=CASE WHEN epoch=? THEN rseq+1 ELSE 1 END, epoch=? WHERE site=? AND box=? RETURNING rseq",
        (epoch, epoch, name.site, name.box),
    )
    return int(taken.fetchone()[0])


def note_mark(tx: Tx, name: BoxName, mark: ReceiptMark, now_ms: int) -> bool:
    """Note how far a box has followed the receipts; forget those that it has applied.

    A mark beyond what this store ever made shows that the store was restored from a backup. A higher epoch begins:
    in it `stored_upto` may be lower, and every box is told, so that each sends again what the backup lacks.

    Args:
        tx: The transaction.
        name: The box, already seen.
        mark: Its mark.
        now_ms: The time, milliseconds since 1970.

    Returns:
        Whether a new epoch began.
    """
    if mark.epoch == 0:
        return False
    epoch = epoch_of(tx, name)
    made = tx.execute("SELECT epoch, rseq FROM box WHERE site=? AND box=?", (name.site, name.box)).fetchone()
    newest = int(made[1]) if made is not None and made[0] == epoch else 0
    if mark.epoch > epoch or (mark.epoch == epoch and mark.upto > newest):
        return begin_restored(tx, name, mark, now_ms)
    if mark.epoch == epoch:
        tx.execute(
            "UPDATE box SET mark_epoch=?, mark_upto=? WHERE site=? AND box=? AND (mark_epoch<>? OR mark_upto<?)",
            (mark.epoch, mark.upto, name.site, name.box, mark.epoch, mark.upto),
        )
        tx.execute(
            "DELETE FROM receipt WHERE site=? AND box=? AND epoch=? AND rseq<=?",
            (name.site, name.box, epoch, mark.upto),
        )
        tx.execute("DELETE FROM receipt WHERE site=? AND box=? AND epoch<?", (name.site, name.box, epoch))
    return False


def note_low_mark(tx: Tx, name: BoxName, mark: ReceiptMark, now_ms: int, *, at_once: bool) -> bool:
    """Note whether a box needs a receipt that was forgotten here because the box had applied it.

    Then the box has lost its memory of it (site.db, or a card from an old copy) and would never find the next one. An
    epoch of its own begins: numbers start at 1, and it is told everything about its logs again.

    Args:
        tx: The transaction.
        name: The box, already seen; its mark is noted.
        mark: The mark that it shows.
        now_ms: The time, milliseconds since 1970.
        at_once: Whether this is certainly what the box knows now, as in a new birth. A batch may come late; marks in
            batches count if they stay low.

    Returns:
        Whether a new epoch began for this box.
    """
    epoch = epoch_of(tx, name)
    made, made_upto, began_ms, low_ms = tx.execute(
        "SELECT epoch, rseq, epoch_ms, low_mark_ms FROM box WHERE site=? AND box=?", (name.site, name.box)
    ).fetchone()
    kept = tx.execute(
        "SELECT MIN(rseq) FROM receipt WHERE site=? AND box=? AND epoch=?", (name.site, name.box, epoch)
    ).fetchone()[0]
    oldest = kept if kept is not None else made_upto + 1
    upto = mark.upto if mark.epoch == epoch else 0
    if made != epoch or mark.epoch > epoch or upto + 1 >= oldest:
        if low_ms is not None:
            tx.execute("UPDATE box SET low_mark_ms=NULL WHERE site=? AND box=?", (name.site, name.box))
        return False
    if low_ms is None:
        low_ms = now_ms
        tx.execute("UPDATE box SET low_mark_ms=? WHERE site=? AND box=?", (now_ms, name.site, name.box))
    if (not at_once and now_ms - low_ms < _LOW_MARK_MS) or 0 <= now_ms - began_ms < _MIN_RESTORED_AGE_MS:
        return False
    own = max(now_ms, epoch + 1)
    tx.execute(
        "UPDATE box SET epoch=?, rseq=0, epoch_ms=?, low_mark_ms=NULL WHERE site=? AND box=?",
        (own, now_ms, name.site, name.box),
    )
    tx.execute("UPDATE log SET due_ms=? WHERE site=? AND box=?", (now_ms, name.site, name.box))
    facts = {"epoch": own, "upto": upto, "oldest": oldest}
    raise_alarm(tx, AlarmKind.MEMORY_LOST, now_ms, site=name.site, box=name.box, facts=facts)
    return True


def begin_restored(tx: Tx, name: BoxName, mark: ReceiptMark, now_ms: int) -> bool:
    """Begin a new epoch for all boxes: one of them knows what this store does not, so it came back from a backup.

    Args:
        tx: The transaction.
        name: The box that shows it.
        mark: Its mark.
        now_ms: The time, milliseconds since 1970.

    Returns:
        Whether it began; not if the mark can't be believed, or another one began within the last minute.
    """
    last = tx.execute("SELECT MAX(began_ms) FROM epoch WHERE reason='restored'").fetchone()[0]
    too_soon = last is not None and 0 <= now_ms - last < _MIN_RESTORED_AGE_MS
    if mark.epoch > now_ms + MAX_AHEAD_MS or too_soon:
        raise_alarm(
            tx,
            AlarmKind.MARK_IMPOSSIBLE,
            now_ms,
            site=name.site,
            box=name.box,
            facts={"epoch": mark.epoch, "upto": mark.upto},
        )
        return False
    newest = tx.execute("SELECT MAX(epoch) FROM box").fetchone()[0] or 0
    epoch = max(now_ms, mark.epoch + 1, current_epoch(tx) + 1, newest + 1)
    tx.execute("INSERT INTO epoch (epoch, began_ms, reason) VALUES (?,?,'restored')", (epoch, now_ms))
    tx.execute("UPDATE log SET due_ms=?", (now_ms,))
    raise_alarm(tx, AlarmKind.RESTORED, now_ms, facts={"epoch": epoch, "shown_by": str(name)})
    return True
