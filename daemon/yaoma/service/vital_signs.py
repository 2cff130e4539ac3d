"""Vital signs: one look at everything the desk knows, for metrics and for the health topic."""

from collections import Counter
from collections.abc import Mapping

from yaoma import __version__
from yaoma.core.canonical import Json
from yaoma.core.ledger import day_of
from yaoma.service.desk import Desk
from yaoma.shell.database import DatabaseError
from yaoma.shell.durations import Durations
from yaoma.shell.thermal import hottest_c
from yaoma.shell.vitals import Nature, Port, Scanner, Show, Vitals

__all__ = ["health_of", "look"]


def look(desk: Desk, commits: Durations) -> Vitals:
    """Look at the box; every thread may, and nothing waits.

    Args:
        desk: Knows recorder, scanners, indicators, ports, uplink, list, disk and clock.
        commits: How long commits took.
    """
    journal, trouble, uplink, now = desk.recorder.journal, desk.recorder.trouble, desk.uplink(), desk.clock()
    allowlist, issued_ms, room = desk.lists.current, desk.lists.issued_ms, desk.disk.room()
    scans, tasks = _counted(desk, day_of(now))
    return Vitals(
        site=desk.site,
        box=desk.box,
        version=__version__,
        safe_mode=desk.safe_mode,
        is_on_last_good=desk.config_refused is not None,
        cause=trouble.cause if trouble else "",
        scans=scans,
        records=journal.size if journal else 0,
        signed_upto=journal.checkpointed if journal else 0,
        stored_upto=uplink.stored_upto,
        pending=uplink.pending,
        oldest_age_ms=None if uplink.oldest_ms is None else max(0, now.wall_ms - uplink.oldest_ms),
        receipts_upto=uplink.receipts.upto,
        refused_receipts=uplink.refused_receipts,
        tasks=tasks,
        is_connected=uplink.is_connected,
        link_trouble=str(uplink.trouble or ""),
        is_taken_over=uplink.is_taken_over,
        scanners={reader.state.scanner: Scanner(not reader.state.is_lost, reader.state.read) for reader in desk.readers}
        | dict.fromkeys(desk.left_out, Scanner(is_working=False, read=0)),
        shows={one.label: Show(one.dropped, one.is_stuck, one.problem) for one in desk.indicators},
        ports={one.state.station: Port(one.problem, one.state.sent, one.state.failed) for one in desk.ports},
        disk_free_bytes=room.free_bytes,
        is_disk_low=room.low,
        clock=now.clock,
        list_version=allowlist.version if allowlist else None,
        list_age_ms=None if issued_ms is None else max(0, now.wall_ms - issued_ms),
        list_left_ms=None if allowlist is None else allowlist.expires_ms - now.wall_ms,
        temperature_c=hottest_c(),
        commit_bounds_s=commits.bounds_s,
        commits=commits.counts(),
        commits_s=commits.total_s,
    )


def _counted(desk: Desk, day: int) -> tuple[dict[tuple[str, str], int] | None, int | None]:
    """Count the day's scans and the open tasks; None while site.db is being made anew: the rest is told without it."""
    scans = Counter[tuple[str, str]]()
    try:
        for (_, _, verdict, reason), number in desk.ledger.tally(day).items():
            scans[verdict, reason] += number
        return dict(scans), len(desk.outbox.tasks())
    except DatabaseError:
        return None, None


def health_of(vitals: Vitals) -> Mapping[str, Json]:
    """Give what goes onto the health topic besides the state of delivery (asyncapi.yaml, health).

    Args:
        vitals: One look.
    """
    natures = vitals.natures()
    number = sum(vitals.commits)
    return {
        "disk_free_bytes": vitals.disk_free_bytes,
        "disk_low": vitals.is_disk_low,
        "out_of_service": vitals.cause or None,
        "config_last_good": vitals.is_on_last_good,
        "refused_receipts": vitals.refused_receipts,
        "rates": {
            "scans_today": sum(natures.values()),
            **{f"{nature.value}_today": natures[nature] for nature in Nature},
            "commit_us_mean": round(vitals.commits_s * 1_000_000 / number) if number else None,
        },
        "scanners_lost": sorted(name for name, one in vitals.scanners.items() if not one.is_working),
        "shows_dropped": sum(show.dropped for show in vitals.shows.values()),
        "indicators_lost": sorted(name for name, one in vitals.shows.items() if one.problem),
        "tills_lost": sorted(name for name, one in vitals.ports.items() if one.problem),
        "list": vitals.list_version,
        "temperature_c": vitals.temperature_c,
    }
