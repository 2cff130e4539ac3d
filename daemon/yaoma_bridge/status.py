"""Status: what the store knows of boxes, logs, alarms and destinations, as plain values for a page or a program."""

import json
from typing import Any

from yaoma.core.checkpoint import box_key_name
from yaoma_bridge.boxes import current_epoch
from yaoma_bridge.errors import ConfigError
from yaoma_bridge.log_rows import logs_of, missing_spans
from yaoma_bridge.registry import Registry
from yaoma_bridge.site_status import sites_status
from yaoma_bridge.tx import Tx
from yaoma_link.topics import BoxName

__all__ = ["boxes_seen", "bridge_status"]


def bridge_status(tx: Tx, now_ms: int) -> dict[str, Any]:
    """Give everything: per box its logs with what is stored, verified, missing, held and conflicting, then alarms.

    Args:
        tx: One picture of the store.
        now_ms: The time, milliseconds since 1970; ages are counted from it.
    """
    newest = tx.execute("SELECT MAX(n) FROM event").fetchone()[0] or 0
    names = [BoxName(site, box) for site, box in tx.execute("SELECT site, box FROM box ORDER BY site, box")]
    return {
        "epoch": current_epoch(tx),
        "events": newest,
        "sites": sites_status(tx, now_ms),
        "boxes": [_box(tx, name, now_ms) for name in names],
        "destinations": [
            {"name": name, "upto": upto, "lag": newest - upto, "mark": mark}
            for name, upto, mark in tx.execute("SELECT name, upto, mark FROM destination ORDER BY name")
        ],
        "uploads": _uploads(tx),
        "alarms": [
            {
                "id": key,
                "kind": kind,
                "site": site,
                "box": box,
                "log": log,
                "facts": json.loads(facts),
                "at_ms": at_ms,
                "last_ms": last_ms,
                "times": times,
            }
            for key, kind, site, box, log, facts, at_ms, last_ms, times in tx.execute(
                "SELECT id, kind, site, box, log, facts, at_ms, last_ms, times FROM alarm ORDER BY last_ms"
            )
        ],
    }


def _uploads(tx: Tx) -> dict[str, dict[str, int]]:
    """Count the records at each platform by where they stand."""
    counts: dict[str, dict[str, int]] = {}
    rows = tx.execute("SELECT destination, fate, COUNT(*) FROM upload GROUP BY destination, fate ORDER BY 1, 2")
    for destination, fate, number in rows:
        counts.setdefault(destination, {})[fate] = number
    return counts


def _box(tx: Tx, name: BoxName, now_ms: int) -> dict[str, Any]:
    online, seen_ms = tx.execute(
        "SELECT online, last_seen_ms FROM box WHERE site=? AND box=?", (name.site, name.box)
    ).fetchone()
    logs = []
    for row in logs_of(tx, name):
        held = tx.execute("SELECT reason, COUNT(*) FROM held WHERE log_id=? GROUP BY reason", (row.id,))
        unsigned = tx.execute(
            "SELECT COUNT(*) FROM event WHERE log_id=? AND signed=0 AND held=''", (row.id,)
        ).fetchone()[0]
        conflicts = tx.execute("SELECT COUNT(*) FROM conflict WHERE log_id=?", (row.id,)).fetchone()[0]
        logs.append(
            {
                "log": row.log,
                "state": row.state,
                "stored_upto": row.stored_upto,
                "seen_upto": row.seen_upto,
                "verified_upto": row.verified.size,
                "lag": row.stored_upto - row.verified.size,
                "unsigned": unsigned,
                "missing": [list(span) for span in missing_spans(tx, row)],
                "conflicts": conflicts,
                "held": dict(held.fetchall()),
            }
        )
    alarms = tx.execute("SELECT COUNT(*) FROM alarm WHERE site=? AND box=?", (name.site, name.box)).fetchone()[0]
    return {
        "site": name.site,
        "box": name.box,
        "online": bool(online),
        "last_seen_ms": seen_ms,
        "age_s": max(0, now_ms - seen_ms) // 1000,
        "alarms": alarms,
        "logs": logs,
    }


def boxes_seen(tx: Tx, registry: Registry) -> list[dict[str, Any]]:
    """Give every box that is registered or was ever seen, with its key's state and its worst log."""
    seen = {
        BoxName(site, box): (bool(online), last_seen_ms)
        for site, box, online, last_seen_ms in tx.execute("SELECT site, box, online, last_seen_ms FROM box")
    }
    listed = []
    for name in sorted({*seen, *registry.boxes()}, key=str):
        online, last_seen_ms = seen.get(name, (False, None))
        try:
            key = "known" if registry.verifier(name) is not None else "missing"
        except ConfigError:
            key = "unusable"
        states = [row.state for row in logs_of(tx, name)]
        worst = next((state for state in ("damaged", "broken", "open", "closed") if state in states), "never seen")
        listed.append(
            {
                "site": name.site,
                "box": name.box,
                "key": key,
                "key_name": box_key_name(name.site, name.box),
                "online": online,
                "last_seen_ms": last_seen_ms,
                "state": worst,
            }
        )
    return listed
