"""Verification: each log in order, against the checkpoints that its box has signed (DESIGN.md 6, 9)."""

from dataclasses import dataclass

from yaoma.core.checkpoint import Checkpoint, log_origin
from yaoma.core.merkle import Frontier
from yaoma.core.note import NoteError, Verifier
from yaoma_bridge.alarms import AlarmKind, raise_alarm
from yaoma_bridge.claims import release, take
from yaoma_bridge.contention import CONTENTION
from yaoma_bridge.errors import ConfigError
from yaoma_bridge.log_rows import LogRow, leaves, log_by_id
from yaoma_bridge.registry import Registry
from yaoma_bridge.store import Store
from yaoma_bridge.tx import Tx

__all__ = ["logs_to_verify", "verify_log"]

#: Of the good checkpoints, the newest in each run of so many records is kept: from there an old root is computed.
_KEEP_ONE_IN = 4096

_MAX_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class _Judged:
    """A checkpoint and what it was found to be: `signed` (not reached yet), `good`, `wrong`, `forged`, `same`."""

    size: int
    note: str
    state: str
    root: bytes = b""
    frontier: bytes | None = None
    problem: str = ""


def logs_to_verify(store: Store) -> list[int]:
    """Give the keys of the logs that have checkpoints which may be checked now."""
    with store.reading() as tx:
        rows = tx.execute(
            "SELECT DISTINCT log.id FROM checkpoint JOIN log ON log.id=checkpoint.log_id "
            "WHERE checkpoint.state IN ('new', 'signed') AND log.state<>'damaged' "
            "AND (checkpoint.state='new' OR checkpoint.size<=log.stored_upto) LIMIT 1000"
        )
        return [row[0] for row in rows]


def verify_log(store: Store, registry: Registry, log_id: int, *, owner: str, now_ms: int, hold_ms: int) -> bool:
    """Check a log up to its highest checkpoint that the stored records reach.

    Args:
        store: The store.
        registry: The boxes' keys.
        log_id: The log's key in the store.
        owner: Who does it; another owner's claim is respected.
        now_ms: The time, milliseconds since 1970.
        hold_ms: How long the claim holds if we die.

    Returns:
        Whether anything changed.
    """
    with store.reading() as tx:
        row = log_by_id(tx, log_id)
    try:
        verifier, problem = registry.verifier(row.name), "not registered"
    except ConfigError as error:
        verifier, problem = None, error.problem
    if verifier is None:
        withdrawn = registry.is_withdrawn(row.name)
        _alarm_key(store, row, problem, now_ms, AlarmKind.BOX_WITHDRAWN if withdrawn else AlarmKind.KEY_MISSING)
        return False
    claim = f"log:{log_id}"
    with store.writing((row.name,)) as tx:
        if not take(tx, claim, owner, now_ms, hold_ms):
            return False
    with store.reading() as tx:
        row = log_by_id(tx, log_id)
        judged, verified = _judge(tx, row, verifier)
    with store.writing((row.name,)) as tx:
        release(tx, claim, owner)
        if log_by_id(tx, log_id).verified != row.verified:
            CONTENTION.add("verified")
            return True  # our claim ran out and another worker was faster: what it wrote stands
        for one in judged:
            _note(tx, row, one, now_ms)
        if verified.size > row.verified.size:
            tx.execute(
                "UPDATE log SET verified_upto=?, verified_frontier=? WHERE id=?",
                (verified.size, verified.to_bytes(), row.id),
            )
        _set_state(tx, row.id)
    return bool(judged)


def _set_state(tx: Tx, log_id: int) -> None:
    """Say whether a signed checkpoint contradicts what is stored and no later one has settled it.

    A later checkpoint of the same key whose root fits proves that what is stored is one signed history; the other one
    belongs to a clone, which begins a log of its own (DESIGN.md 6).
    """
    tx.execute(
        "UPDATE log SET state=CASE WHEN EXISTS (SELECT 1 FROM checkpoint WHERE log_id=log.id AND state='wrong' "
        "AND size>log.verified_upto) THEN 'broken' WHEN state='broken' THEN 'open' ELSE state END "
        "WHERE id=? AND state<>'damaged'",
        (log_id,),
    )


def _alarm_key(store: Store, row: LogRow, problem: str, now_ms: int, kind: AlarmKind) -> None:
    """Say once that a box can't be verified; the look before it spares a commit per round."""
    site, box = row.name.site, row.name.box
    with store.reading() as tx:
        told = tx.execute("SELECT 1 FROM alarm WHERE kind=? AND site=? AND box=?", (kind.value, site, box)).fetchone()
    if told is None:
        with store.writing() as tx:
            raise_alarm(tx, kind, now_ms, site=site, box=box, facts={"problem": problem})


def _note(tx: Tx, row: LogRow, one: _Judged, now_ms: int) -> None:
    """Write down what a checkpoint was found to be; nothing that is stored is changed by it."""
    place = (row.id, one.size, one.note)
    if one.state in {"forged", "same"}:
        tx.execute("DELETE FROM checkpoint WHERE log_id=? AND size=? AND note=?", place)
    else:
        tx.execute(
            "UPDATE checkpoint SET state=?, root=?, frontier=? WHERE log_id=? AND size=? AND note=?",
            (one.state, one.root, one.frontier, *place),
        )
    if one.state == "good":
        tx.execute(
            "DELETE FROM checkpoint WHERE log_id=? AND state='good' AND size<? AND size>=?",
            (row.id, one.size, one.size - one.size % _KEEP_ONE_IN),
        )
    if one.problem:
        kind = AlarmKind.CHECKPOINT_FORGED if one.state == "forged" else AlarmKind.BROKEN
        facts: dict[str, str | int] = {"size": one.size, "problem": one.problem}
        raise_alarm(tx, kind, now_ms, site=row.name.site, box=row.name.box, log=row.log, facts=facts)


def _judge(tx: Tx, row: LogRow, verifier: Verifier) -> tuple[list[_Judged], Frontier]:
    """Open the checkpoints and compare the roots, from the lowest size up."""
    origin = log_origin(row.name.site, row.name.box, row.log)
    judged: list[_Judged] = []
    verified = row.verified
    waiting = tx.execute(
        "SELECT size, note, state FROM checkpoint WHERE log_id=? AND state IN ('new', 'signed') ORDER BY size LIMIT ?",
        (row.id, _MAX_AT_ONCE),
    ).fetchall()
    signed_roots: dict[int, bytes] = dict(
        tx.execute("SELECT size, root FROM checkpoint WHERE log_id=? AND state='signed'", (row.id,))
    )
    for size, note, state in waiting:
        try:
            checkpoint = Checkpoint.opened(note, [verifier])
        except NoteError as error:
            judged.append(_Judged(size, note, "forged", problem=str(error)))
            continue
        if checkpoint.origin != origin or checkpoint.size != size:
            judged.append(_Judged(size, note, "forged", problem="signed for another log"))
            continue
        if size > row.stored_upto:
            if state == "new":
                twice = signed_roots.setdefault(size, checkpoint.root) != checkpoint.root
                problem = "two roots for one size" if twice else ""
                judged.append(_Judged(size, note, "signed", checkpoint.root, problem=problem))
            continue
        at_size = _frontier_at(tx, row, verified, size)
        if at_size.root() != checkpoint.root:
            judged.append(_Judged(size, note, "wrong", checkpoint.root, problem="another root than stored"))
            continue
        if size > verified.size:
            verified = at_size
            judged.append(_Judged(size, note, "good", checkpoint.root, at_size.to_bytes()))
        else:
            judged.append(_Judged(size, note, "same", checkpoint.root))
    return judged, verified


def _frontier_at(tx: Tx, row: LogRow, verified: Frontier, size: int) -> Frontier:
    """Compute the stored tree at a size, from the nearest frontier below it that is known."""
    base = verified
    if size < verified.size:
        found = tx.execute(
            "SELECT frontier FROM checkpoint WHERE log_id=? AND state='good' AND size<=? ORDER BY size DESC LIMIT 1",
            (row.id, size),
        ).fetchone()
        base = Frontier() if found is None else Frontier.from_bytes(found[0])
    return base.extended(leaves(tx, row.id, base.size, size))
