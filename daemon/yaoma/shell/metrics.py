"""Metrics: the box's vitals for Prometheus, to programs on the box only; asked for, never pushed."""

import logging
from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from yaoma.core.record import ClockState
from yaoma.shell.vitals import Vitals, nature_of
from yaoma_link.local_address import LocalAddress
from yaoma_link.local_web import TRY_AGAIN_S, LocalWeb

__all__ = ["MetricsServer", "VitalsCollector"]

log = logging.getLogger("yaoma.metrics")


class VitalsCollector(Collector):
    """Turns one look at the box into metrics. Labels hold names from the configuration and stable ids, nothing else.

    Args:
        look: Gives the vitals; called for each request.
    """

    def __init__(self, look: Callable[[], Vitals]) -> None:
        self._look = look

    def collect(self) -> Iterable[Metric]:
        """Give every metric."""
        now = self._look()
        yield _info(now)
        yield from _plain(now)
        yield from _labelled(now)
        yield _commits(now)


def _info(now: Vitals) -> Metric:
    info = InfoMetricFamily("yaoma", "Which box this is.")
    info.add_metric([], {"site": now.site, "box": now.box, "version": now.version})
    return info


def _plain(now: Vitals) -> Iterator[Metric]:
    """Give the metrics without labels; what is not known now is left out."""
    gauges: tuple[tuple[str, str, float | None], ...] = (
        ("in_service", "Whether scans are recorded.", not now.cause),
        ("safe_mode", "Whether only built-in drivers are used.", now.safe_mode),
        ("config_last_good", "Whether an older configuration is used than the one given.", now.is_on_last_good),
        ("records", "Records in the open log.", now.records),
        ("records_signed", "Records that the newest checkpoint covers.", now.signed_upto),
        ("records_stored", "Records of the open log that the bridge has confirmed.", now.stored_upto),
        ("records_pending", "Records that the bridge has not confirmed.", now.pending),
        (
            "oldest_unconfirmed_age_seconds",
            "Age of the oldest of them; 0 if there is none.",
            _s(now.oldest_age_ms or 0),
        ),
        ("receipts_followed", "Number of the last receipt that was followed.", now.receipts_upto),
        ("tasks_open", "Refusals of platforms that a person has to settle.", now.tasks),
        ("link_up", "Whether the broker has accepted the box.", now.is_connected),
        ("identity_taken_over", "Whether another box has lately used this identity.", now.is_taken_over),
        ("disk_free_bytes", "What the daemon may still use.", now.disk_free_bytes),
        ("disk_low", "Whether the disk is nearly full.", now.is_disk_low),
        ("list_version", "Version of the list in use.", now.list_version),
        ("list_age_seconds", "Time since the list was signed.", _s(now.list_age_ms)),
        ("list_left_seconds", "Time until the list expires, negative if it has.", _s(now.list_left_ms)),
        ("temperature_celsius", "Of the board's hottest zone.", now.temperature_c),
    )
    for name, text, value in gauges:
        if value is not None:
            yield GaugeMetricFamily(f"yaoma_{name}", text, value=float(value))
    yield CounterMetricFamily(
        "yaoma_receipts_refused", "Receipts that were forged or foreign.", value=now.refused_receipts
    )


def _labelled(now: Vitals) -> Iterator[Metric]:
    if now.scans is not None:
        # It begins anew at midnight, which Prometheus takes for a restart as it should.
        scans = CounterMetricFamily(
            "yaoma_scans",
            "Scans of this day; technical faults are no suspicion.",
            labels=("verdict", "reason", "nature"),
        )
        for (verdict, reason), number in sorted(now.scans.items()):
            scans.add_metric([verdict, reason, nature_of(verdict, reason).value], number)
        yield scans
    yield _one_of("yaoma_out_of_service", "Why scans are not recorded.", "cause", now.cause)
    yield _one_of("yaoma_link_trouble", "What stands in the way of delivery.", "trouble", now.link_trouble)
    clock = GaugeMetricFamily("yaoma_clock", "How far the clock can be trusted.", labels=("state",))
    for state in ClockState:
        clock.add_metric([state.value], float(state is now.clock))
    yield clock
    up = GaugeMetricFamily("yaoma_scanner_up", "Whether the scanner is open.", labels=("scanner",))
    read = CounterMetricFamily("yaoma_symbols_read", "Symbols that the scanner has delivered.", labels=("scanner",))
    for name, scanner in now.scanners.items():
        up.add_metric([name], float(scanner.is_working))
        read.add_metric([name], scanner.read)
    yield from (up, read)
    dropped = CounterMetricFamily(
        "yaoma_shows_dropped", "Scans that an indicator never showed because newer ones came.", labels=("indicator",)
    )
    stuck = GaugeMetricFamily("yaoma_indicator_stuck", "Whether the indicator hangs.", labels=("indicator",))
    for name, show in now.shows.items():
        dropped.add_metric([name], show.dropped)
        stuck.add_metric([name], float(show.is_stuck))
    shown = GaugeMetricFamily("yaoma_indicator_up", "Whether the indicator shows verdicts.", labels=("indicator",))
    for name, show in now.shows.items():
        shown.add_metric([name], float(not show.problem))
    yield from (dropped, stuck, shown)
    till = GaugeMetricFamily("yaoma_till_up", "Whether the till behind a station takes codes.", labels=("station",))
    sent = CounterMetricFamily("yaoma_passed_on", "Codes that the till has taken.", labels=("station",))
    failed = CounterMetricFamily("yaoma_not_passed_on", "Codes that did not reach the till.", labels=("station",))
    for name, port in now.ports.items():
        till.add_metric([name], float(not port.problem))
        sent.add_metric([name], port.sent)
        failed.add_metric([name], port.failed)
    yield from (till, sent, failed)


def _one_of(name: str, text: str, label: str, value: str) -> Metric:
    family = GaugeMetricFamily(name, text, labels=(label,))
    if value:
        family.add_metric([value], 1.0)
    return family


def _commits(now: Vitals) -> Metric:
    buckets, below = [], 0
    for bound, number in zip((*map(str, now.commit_bounds_s), "+Inf"), now.commits, strict=True):
        below += number
        buckets.append((bound, below))
    family = HistogramMetricFamily("yaoma_commit_seconds", "How long commits with fsync took.")
    family.add_metric([], buckets, now.commits_s)
    return family


def _s(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


class MetricsServer(LocalWeb):
    """Serves the box's metrics; see `LocalWeb`.

    Args:
        address: Where.
        look: Gives the vitals.
        try_again_s: Wait before the next try to listen, in seconds.
    """

    def __init__(self, address: LocalAddress, look: Callable[[], Vitals], *, try_again_s: float = TRY_AGAIN_S) -> None:
        registry = CollectorRegistry()
        registry.register(VitalsCollector(look))
        super().__init__("metrics", address, make_wsgi_app(registry), log, try_again_s=try_again_s)
