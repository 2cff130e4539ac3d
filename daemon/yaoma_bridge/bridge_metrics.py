"""Bridge metrics: the store's figures for Prometheus and the worker's health, to programs on this host only.

All figures but `worker_healthy` and `workers_met_total` are the store's, so every worker gives the same; it is enough
to ask one. Labels are names from the configuration, codes of institutions and stable ids, nothing that a scanner read.
"""

import json
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

import yaoma
from yaoma_bridge.contention import CONTENTION
from yaoma_bridge.errors import StoreError
from yaoma_bridge.site_status import sites_status
from yaoma_bridge.store import Store, StorePlace
from yaoma_bridge.tx import Tx
from yaoma_link.local_address import LocalAddress
from yaoma_link.local_web import LocalWeb

__all__ = ["StoreCollector", "serve_metrics"]

_log = logging.getLogger("yaoma.bridge.metrics")

#: Who asks more often gets what was found last: the figures go through the store.
_KEPT_S: Final = 10.0

_SITE_GAUGES: Final = (
    ("boxes", "boxes", "Boxes in service."),
    ("boxes_online", "online", "Boxes that are there."),
    ("records_stored", "stored", "Records that are stored without a hole before them."),
    ("records_unverified", "lag", "Stored records that no checkpoint covers yet."),
    ("records_missing", "missing", "Places between stored records and the highest one that came."),
    ("records_waiting_at_boxes", "pending", "Records that boxes say they have not delivered."),
    ("oldest_waiting_age_seconds", "oldest_s", "Age of the oldest of them."),
    ("silent_seconds", "silent_s", "Since when the quietest box said nothing."),
)


class StoreCollector(Collector):
    """Turns one look at the store into metrics.

    Args:
        place: Where the store is; looked at with a connection of its own.
        is_healthy: Whether this worker goes on.
    """

    def __init__(self, place: StorePlace, is_healthy: Callable[[], bool]) -> None:
        self._place, self._is_healthy = place, is_healthy
        self._found: list[Metric] = []
        self._found_s: float | None = None

    def collect(self) -> Iterable[Metric]:
        """Give every metric; without the store only those of the worker."""
        info = InfoMetricFamily("yaoma_bridge", "Which version this is.")
        info.add_metric([], {"version": yaoma.__version__})
        yield info
        yield GaugeMetricFamily(
            "yaoma_bridge_worker_healthy", "Whether this worker goes on.", value=float(self._is_healthy())
        )
        met = CounterMetricFamily(
            "yaoma_bridge_workers_met", "How often this worker found another at the same work.", labels=("work",)
        )
        for kind, count in CONTENTION.counts().items():
            met.add_metric([kind], count)
        yield met
        try:
            if self._found_s is None or time.monotonic() - self._found_s >= _KEPT_S:
                with Store.look(self._place) as store, store.reading() as tx:
                    self._found = [*_of_sites(tx), *_of_platforms(tx), *_of_centre(tx)]
                self._found_s = time.monotonic()
        except StoreError:
            self._found, self._found_s = [], None
        yield GaugeMetricFamily(
            "yaoma_bridge_store_readable", "Whether the store can be read.", value=float(self._found_s is not None)
        )
        yield from self._found


def serve_metrics(address: LocalAddress, place: StorePlace, is_healthy: Callable[[], bool]) -> LocalWeb:
    """Make what answers `/metrics` and `/health`; it is not started yet.

    Args:
        address: Where.
        place: Where the store is.
        is_healthy: Whether this worker goes on.
    """
    registry = CollectorRegistry()
    registry.register(StoreCollector(place, is_healthy))
    metrics = make_wsgi_app(registry)

    def answer(environ: dict[str, Any], start: Callable[..., Any]) -> Any:  # noqa: ANN401 - WSGI
        path = environ.get("PATH_INFO")
        if path == "/health":
            return _health(start, is_healthy=is_healthy())
        if path == "/metrics":
            return metrics(environ, start)
        start("404 Not Found", [("Content-Type", "text/plain")])
        return [b"/metrics or /health\n"]

    return LocalWeb("metrics", address, answer, _log)


def _health(start: Callable[..., Any], *, is_healthy: bool) -> list[bytes]:
    start("200 OK" if is_healthy else "503 Service Unavailable", [("Content-Type", "application/json")])
    return [json.dumps({"status": "ok" if is_healthy else "stalled"}).encode() + b"\n"]


def _of_sites(tx: Tx) -> Iterator[Metric]:
    sites = sites_status(tx, time.time_ns() // 1_000_000)
    for name, key, text in _SITE_GAUGES:
        family = GaugeMetricFamily(f"yaoma_bridge_{name}", text, labels=("site",))
        for one in sites:
            family.add_metric([one["site"]], one[key])
        yield family
    states = GaugeMetricFamily(
        "yaoma_bridge_records", "Records by where they stand.", labels=("site", "destination", "state")
    )
    refusals = GaugeMetricFamily("yaoma_bridge_refused", "Refused records.", labels=("site", "destination", "reason"))
    for one in sites:
        for destination, said in one["destinations"].items():
            for state, number in said["states"].items():
                states.add_metric([one["site"], destination, state], number)
            for reason, number in said["refusals"].items():
                refusals.add_metric([one["site"], destination, reason], number)
    yield from (states, refusals)


def _of_platforms(tx: Tx) -> Iterator[Metric]:
    parcels = GaugeMetricFamily(
        "yaoma_bridge_parcels_open", "Parcels that are not through.", labels=("destination", "fate")
    )
    rows = tx.execute(
        "SELECT destination, fate, COUNT(*) FROM parcel WHERE fate NOT IN ('accepted', 'refused') "
        "GROUP BY destination, fate"
    )
    for destination, fate, number in rows:
        parcels.add_metric([destination, fate], number)
    yield parcels
    lag = GaugeMetricFamily(
        "yaoma_bridge_feed_lag", "Records that an event destination has before it.", labels=("destination",)
    )
    (newest,) = tx.execute("SELECT COALESCE(MAX(n), 0) FROM event").fetchone()
    for name, upto in tx.execute("SELECT name, upto FROM destination"):
        lag.add_metric([name], newest - upto)
    yield lag


def _of_centre(tx: Tx) -> Iterator[Metric]:
    alarms = GaugeMetricFamily("yaoma_bridge_alarms", "How often each alarm was raised.", labels=("kind",))
    for kind, times in tx.execute("SELECT kind, SUM(times) FROM alarm GROUP BY kind"):
        alarms.add_metric([kind], int(times))
    yield alarms
    commands = GaugeMetricFamily("yaoma_bridge_commands", "Commands by what became of them.", labels=("state",))
    for state, number in tx.execute("SELECT state, COUNT(*) FROM command GROUP BY state"):
        commands.add_metric([state], number)
    yield commands
    (unfinished,) = tx.execute("SELECT COUNT(*) FROM unfinished").fetchone()
    yield GaugeMetricFamily("yaoma_bridge_tickets_incomplete", "Closed tickets that lack records.", value=unfinished)
