"""Receipts: the numbered, signed answers, made in the transaction whose news they tell."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from yaoma.core.note import Signer
from yaoma_bridge.boxes import epoch_of, next_rseq
from yaoma_bridge.ingest import GRACE_MS, Stored
from yaoma_bridge.log_rows import LogRow, log_by_id, missing_spans
from yaoma_bridge.outcomes import outcomes_of
from yaoma_bridge.tx import Tx
from yaoma_link.receipt import Outcome, Receipt, Span
from yaoma_link.topics import BoxName, Channel

__all__ = [
    "ASK_AGAIN_MS",
    "Outgoing",
    "due_receipts",
    "make_receipts",
    "receipts_after",
    "receipts_for",
    "unapplied_receipts",
]

#: How long a box may take to send what it was asked for before it is asked again.
ASK_AGAIN_MS = 15_000

_MAX_CONFLICTS = 256
_MAX_RESENT = 500
_MAX_DUE = 100

#: With the rest of a receipt beside them (64 holes, 256 conflicts, signature) they stay within 64 kB.
_MAX_OUTCOME_BYTES = 48_000
_OUTCOME_BYTES = 110


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A receipt, a state message or a command on its way to the broker.

    Args:
        box: Whom it is for.
        rseq: Its number.
        payload: The signed note.
        channel: Where the box hears it.
        command: The name of a command; it has a topic of its own.
    """

    box: BoxName
    rseq: int
    payload: bytes = field(repr=False)
    channel: Channel = Channel.RECEIPTS
    command: str = ""

    @property
    def topic(self) -> str:
        """Where it is published, at QoS 1, never retained."""
        return self.box.command(self.command) if self.command else self.box.topic(self.channel)


def make_receipts(
    tx: Tx,
    row: LogRow,
    signer: Signer,
    now_ms: int,
    *,
    ask: bool = False,
    conflicts: Sequence[int] = (),
    outcomes: Sequence[Outcome] = (),
    grace_ms: int = GRACE_MS,
) -> list[Outgoing]:
    """Make the receipts that tell all there is to tell about a log: one, or more if many outcomes are to be told.

    In a new epoch the first ones about a log tell its outcomes from the beginning: the box may have lost them.

    Args:
        tx: The transaction that its news is part of.
        row: The log as it is in this transaction.
        signer: The bridge's key.
        now_ms: The time, milliseconds since 1970.
        ask: Whether holes are told whatever their age, as in the answer to a birth.
        conflicts: Places at which another record is held than was just sent.
        outcomes: News from destinations, kept already.
        grace_ms: How long a hole may be a batch that is still on its way.
    """
    missing: tuple[Span, ...] = ()
    gap_is_old = row.gap_since_ms is not None and now_ms - row.gap_since_ms >= grace_ms
    if ask or (gap_is_old and now_ms - row.asked_ms >= ASK_AGAIN_MS):
        missing = missing_spans(tx, row)
        again_ms = now_ms + ASK_AGAIN_MS if missing else None
        tx.execute("UPDATE log SET asked_ms=?, due_ms=? WHERE id=?", (now_ms, again_ms, row.id))
    epoch = epoch_of(tx, row.name)
    # Asked anew: of several receipts in one transaction only the first tells the whole.
    (told,) = tx.execute("SELECT told_epoch FROM log WHERE id=?", (row.id,)).fetchone()
    if told < epoch:
        outcomes = outcomes_of(tx, row.id)
        tx.execute("UPDATE log SET told_epoch=? WHERE id=?", (epoch, row.id))
    first = Receipt(
        site=row.name.site,
        box=row.name.box,
        epoch=epoch,
        rseq=0,
        log=row.log,
        stored_upto=row.stored_upto,
        root=row.stored.root(),
        missing=missing,
        conflicts=tuple(sorted(set(conflicts))[:_MAX_CONFLICTS]),
        made_ms=now_ms,
    )
    more = replace(first, missing=(), conflicts=())
    return [
        _numbered(tx, row.name, replace(first if index == 0 else more, outcomes=part), signer)
        for index, part in enumerate(_parts(outcomes))
    ]


def _parts(outcomes: Sequence[Outcome]) -> list[tuple[Outcome, ...]]:
    """Divide outcomes so that no receipt grows beyond what any broker takes; at least one part, maybe empty."""
    parts: list[list[Outcome]] = [[]]
    size = 0
    for outcome in outcomes:
        # Of a reason each letter may become six, escaped; a reason is an id and short.
        length = _OUTCOME_BYTES + len(outcome.destination) + 6 * len(outcome.reason)
        if parts[-1] and size + length > _MAX_OUTCOME_BYTES:
            parts.append([])
            size = 0
        parts[-1].append(outcome)
        size += length
    return [tuple(part) for part in parts]


def _numbered(tx: Tx, name: BoxName, receipt: Receipt, signer: Signer) -> Outgoing:
    """Give a receipt its number, sign it and keep it until it is applied."""
    rseq = next_rseq(tx, name, receipt.epoch)
    payload = replace(receipt, rseq=rseq).signed(signer)
    tx.execute(
        "INSERT INTO receipt (site, box, epoch, rseq, payload, made_ms) VALUES (?,?,?,?,?,?)",
        (name.site, name.box, receipt.epoch, rseq, payload, receipt.made_ms),
    )
    return Outgoing(name, rseq, payload)


def receipts_for(tx: Tx, stored: Stored, signer: Signer, now_ms: int, *, grace_ms: int = GRACE_MS) -> list[Outgoing]:
    """Answer a group of stored batches: one receipt for each log, however many batches it had waiting."""
    return [
        made
        for key, row in stored.logs.items()
        for made in make_receipts(tx, row, signer, now_ms, conflicts=stored.conflicts.get(key, ()), grace_ms=grace_ms)
    ]


def due_receipts(tx: Tx, signer: Signer, now_ms: int) -> list[Outgoing]:
    """Make the receipts whose time has come: holes that have stayed, and the news of a new epoch.

    What is due to a box that is away stays due until it is back.
    """
    rows = tx.execute(
        "SELECT log.id FROM log JOIN box USING (site, box) WHERE due_ms<=? AND online=1 ORDER BY due_ms LIMIT ?",
        (now_ms, _MAX_DUE),
    ).fetchall()
    made = []
    for (log_id,) in rows:
        tx.execute("UPDATE log SET due_ms=NULL WHERE id=?", (log_id,))
        made += make_receipts(tx, log_by_id(tx, log_id), signer, now_ms, ask=True)
    return made


def receipts_after(tx: Tx, name: BoxName, upto: int) -> list[Outgoing]:
    """Give the receipts of this epoch that a box has not applied yet, in order, to be sent again.

    Args:
        tx: A transaction.
        name: The box.
        upto: The last number that it has applied; 0 if it is still in an older epoch.
    """
    rows: Iterable[tuple[int, bytes]] = tx.execute(
        "SELECT rseq, payload FROM receipt WHERE site=? AND box=? AND epoch=? AND rseq>? ORDER BY rseq LIMIT ?",
        (name.site, name.box, epoch_of(tx, name), upto, _MAX_RESENT),
    )
    return [Outgoing(name, rseq, payload) for rseq, payload in rows]


def unapplied_receipts(tx: Tx, name: BoxName, now_ms: int) -> list[Outgoing]:
    """Give receipts that a box should have applied long ago: they were lost on the way, so they go out again."""
    epoch = epoch_of(tx, name)
    mark = tx.execute("SELECT mark_epoch, mark_upto FROM box WHERE site=? AND box=?", (name.site, name.box)).fetchone()
    upto = mark[1] if mark is not None and mark[0] == epoch else 0
    oldest = tx.execute(
        "SELECT made_ms FROM receipt WHERE site=? AND box=? AND epoch=? AND rseq=?",
        (name.site, name.box, epoch, upto + 1),
    ).fetchone()
    return receipts_after(tx, name, upto) if oldest is not None and now_ms - oldest[0] >= ASK_AGAIN_MS else []
