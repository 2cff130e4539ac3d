"""Site status: per institution what lags, what was accepted and refused, and whether its boxes are there."""

from typing import Any

from yaoma_bridge.box_words import words_of
from yaoma_bridge.tx import Tx
from yaoma_link.topics import Channel

__all__ = ["sites_status"]

_FULL = 1000


def sites_status(tx: Tx, now_ms: int) -> list[dict[str, Any]]:
    """Give one entry per institution, in order of their codes.

    Args:
        tx: One picture of the store.
        now_ms: The time, milliseconds since 1970; ages are counted from it.
    """
    sites: dict[str, dict[str, Any]] = {}
    rows = tx.execute(
        "SELECT site, box, online, last_seen_ms FROM box WHERE NOT EXISTS (SELECT 1 FROM retired "
        "WHERE retired.site=box.site AND retired.box=box.box) ORDER BY site, box"
    ).fetchall()
    for site, _, online, seen_ms in rows:
        one = sites.setdefault(site, _empty(site))
        one["boxes"] += 1
        one["online"] += online
        one["silent_s"] = max(one["silent_s"], max(0, now_ms - seen_ms) // 1000)
    _add_words(tx, sites, now_ms)
    for site, stored, verified, seen in tx.execute(
        "SELECT site, SUM(stored_upto), SUM(verified_upto), SUM(seen_upto) FROM log GROUP BY site"
    ):
        one = sites.setdefault(site, _empty(site))
        one["stored"], one["lag"], one["missing"] = int(stored), int(stored) - int(verified), int(seen) - int(stored)
    for site, destination, state, reason, records in tx.execute(
        "SELECT log.site, outcome.destination, outcome.state, outcome.reason, SUM(outcome.upto-outcome.first) "
        "FROM outcome JOIN log ON log.id=outcome.log_id "
        "GROUP BY log.site, outcome.destination, outcome.state, outcome.reason"
    ):
        said = sites.setdefault(site, _empty(site))["destinations"].setdefault(
            destination, {"states": {}, "refusals": {}, "accepted_per_mille": None}
        )
        said["states"][state] = said["states"].get(state, 0) + int(records)
        if state == "refused":
            said["refusals"][reason] = said["refusals"].get(reason, 0) + int(records)
    for one in sites.values():
        for said in one["destinations"].values():
            total = sum(said["states"].values())
            said["accepted_per_mille"] = said["states"].get("accepted", 0) * _FULL // total if total else None
    for site, alarms in tx.execute("SELECT site, COUNT(*) FROM alarm WHERE site<>'' GROUP BY site"):
        sites.setdefault(site, _empty(site))["alarms"] = alarms
    return [sites[site] for site in sorted(sites)]


def _empty(site: str) -> dict[str, Any]:
    return {
        "site": site,
        "boxes": 0,
        "online": 0,
        "silent_s": 0,
        "pending": 0,
        "oldest_s": 0,
        "scans_today": 0,
        "stored": 0,
        "lag": 0,
        "missing": 0,
        "destinations": {},
        "alarms": 0,
    }


def _add_words(tx: Tx, sites: dict[str, dict[str, Any]], now_ms: int) -> None:
    """Add what the boxes themselves say waits with them; what was said long ago waits longer by now."""
    for (name, channel), (said, at_ms) in words_of(tx).items():
        if channel is not Channel.HEALTH or name.site not in sites:
            continue
        one = sites[name.site]
        pending, oldest_ms, rates = said.get("pending"), said.get("oldest_ms"), said.get("rates")
        if type(pending) is int and pending > 0:
            one["pending"] += pending
            aged_ms = (oldest_ms if type(oldest_ms) is int else 0) + max(0, now_ms - at_ms)
            one["oldest_s"] = max(one["oldest_s"], aged_ms // 1000)
        if isinstance(rates, dict) and type(rates.get("scans_today")) is int:
            one["scans_today"] += rates["scans_today"]
