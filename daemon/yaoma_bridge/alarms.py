"""Alarms: what a person at the centre must hear about, kept in the store and said once in the log."""

import json
import logging
from collections.abc import Mapping
from enum import StrEnum

from yaoma_bridge.tx import Tx

__all__ = ["AlarmKind", "raise_alarm"]

_log = logging.getLogger("yaoma.bridge.alarm")


class AlarmKind(StrEnum):
    """What was found; README.md says of each what to do."""

    CONFLICT = "conflict"  # another record came for a taken place
    FORK = "fork"  # a box came back with a shorter or another log
    BROKEN = "broken"  # a signed checkpoint does not fit what is stored
    CHECKPOINT_FORGED = "checkpoint_forged"  # not signed by the box, or for another log
    KEY_MISSING = "key_missing"  # the box is not registered: stored, never verified
    BOX_WITHDRAWN = "box_withdrawn"  # records come from a box that was shut out: stored, held, never sent
    AUTHORISATION_ENDS = "authorisation_ends"  # a store's right to upload to a platform ends soon, or has ended
    RESTORED = "restored"  # the store came back from a backup; a new epoch began
    MEMORY_LOST = "memory_lost"  # a box no longer knows receipts that it had applied; told again
    MARK_IMPOSSIBLE = "mark_impossible"  # a box claims receipts of a far future
    BATCH_REFUSED = "batch_refused"  # a payload that can't be stored
    STATUS_REFUSED = "status_refused"  # a birth or last will that can't be read
    FOREIGN_LOG = "foreign_log"  # a box sends a log id that another box uses
    NEW_LOG = "new_log"  # a known box came with a log nobody announced
    RECORD_UNREADABLE = "record_unreadable"  # kept and held
    KIND_UNKNOWN = "kind_unknown"  # kept and held
    COPY_MISMATCH = "copy_mismatch"  # a copy that does not hold what it names; kept and held
    STORE_DAMAGED = "store_damaged"  # a stored body no longer fits its leaf hash
    PROBLEM_URGENT = "problem_urgent"  # somebody at a counter reported something that can't wait
    TICKET_INCOMPLETE = "ticket_incomplete"  # a closed ticket whose records don't add up to what the box counted
    PLATFORM_AWAY = "platform_away"  # a platform can't be reached, or refuses our credentials
    UPLOAD_UNSOLVED = "upload_unsolved"  # nobody knows for long whether a platform has a parcel
    DESPATCH_DIFFERS = "despatch_differs"  # a site received something else than the note said of what another sent
    DESTINATION_ODD = "destination_odd"  # a destination is not where we left it


#: Worth knowing, nothing to do about.
_INFORMATION = frozenset({AlarmKind.NEW_LOG, AlarmKind.MEMORY_LOST})


def raise_alarm(
    tx: Tx,
    kind: AlarmKind,
    at_ms: int,
    *,
    site: str = "",
    box: str = "",
    log: str = "",
    facts: Mapping[str, str | int] | None = None,
) -> bool:
    """Keep an alarm; the same one for the same log is counted, not repeated.

    Args:
        tx: The transaction that it is part of.
        kind: What was found.
        at_ms: When, milliseconds since 1970.
        site: The institution, if it is about one.
        box: The box, if it is about one.
        log: The log, if it is about one.
        facts: Figures and ids for the operator; never text of a symbol.

    Returns:
        Whether it is new.
    """
    # Escaped: a box may send half a surrogate pair in any text, and no UTF-8 can hold that.
    told = json.dumps(dict(facts or {}), sort_keys=True, ensure_ascii=True)
    new = not tx.execute(
        "SELECT 1 FROM alarm WHERE kind=? AND site=? AND box=? AND log=?", (kind.value, site, box, log)
    ).fetchone()
    tx.execute(
        "INSERT INTO alarm (kind, site, box, log, facts, at_ms, last_ms) VALUES (?,?,?,?,?,?,?) "
        "ON CONFLICT (kind, site, box, log) "
        "DO UPDATE SET times=alarm.times+1, last_ms=excluded.last_ms, facts=excluded.facts",
        (kind.value, site, box, log, told, at_ms, at_ms),
    )
    if new:
        level = logging.INFO if kind in _INFORMATION else logging.WARNING
        _log.log(level, "alarm: kind=%s site=%s box=%s log=%s facts=%s", kind.value, site, box, log, told)
    return new
