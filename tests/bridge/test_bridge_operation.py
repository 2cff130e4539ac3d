"""Operation of the bridge: status per site, metrics and health, warnings before an authorisation ends."""

import json
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from fakes.box import BoxLog
from fakes.centre_folder import CentreFolder
from fakes.scripted_platform import ScriptedPlatform
from fakes.stepped_bridge import register
from fakes.ticketed import Counter, code_of
from fakes.uploading_bridge import UploadingBridge
from yaoma_bridge.authorisations import authorisations_of, warn_daily
from yaoma_bridge.bill import Institution, InstitutionKind
from yaoma_bridge.bridge_metrics import serve_metrics
from yaoma_bridge.centre_facts import CentreFacts
from yaoma_bridge.contention import CONTENTION
from yaoma_bridge.errors import ConfigError
from yaoma_bridge.platform import Answer, AnswerState
from yaoma_link.local_address import LocalAddress
from yaoma_link.topics import Channel

A, B = code_of(1), code_of(2)
DAY_MS = 86_400_000


@pytest.fixture
def bridge(tmp_path: Path, log: BoxLog) -> Iterator[UploadingBridge]:
    """Give a bridge with one sale that was accepted and one that was refused."""
    register(tmp_path / "boxes", log.name)
    platform = ScriptedPlatform()
    platform.answers = [Answer(AnswerState.ACCEPTED), Answer(AnswerState.REFUSED, "sold_elsewhere")]
    running = UploadingBridge(tmp_path, platform)
    health = {"pending": 4, "oldest_ms": 61_000, "rates": {"scans_today": 9}}
    running.take(json.dumps(health).encode(), name=log.name, channel=Channel.HEALTH)
    counter = Counter(log)
    counter.sell(A)
    counter.sell(B)
    running.take(log.payload(), name=log.name)
    running.bill()
    running.upload()
    yield running
    running.close()


def test_status_says_per_site_what_lags_and_what_was_refused(bridge: UploadingBridge, tmp_path: Path) -> None:
    """Lag, rate and refusals of each institution, as JSON for a program and as a table for a person."""
    centre = CentreFolder(tmp_path)
    (site,) = centre.ask_json("status")["sites"]
    assert (site["site"], site["boxes"], site["pending"], site["lag"], site["missing"]) == ("H1", 1, 4, 0, 0)
    assert site["oldest_s"] >= 61
    assert site["scans_today"] == 9
    said = site["destinations"]["scripted"]
    assert said["refusals"] == {"sold_elsewhere": 1}
    assert said["accepted_per_mille"] is not None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _get(address: str, path: str) -> tuple[int, str]:
    deadline_s = time.monotonic() + 10
    while True:
        try:
            with urllib.request.urlopen(f"http://{address}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()
        except OSError:
            assert time.monotonic() < deadline_s
            time.sleep(0.02)


def test_metrics_and_health_are_served_on_loopback(bridge: UploadingBridge) -> None:
    """Prometheus reads them as they are; health says 503 once the worker stands still; no code stands anywhere."""
    CONTENTION.add("bills")
    address, healthy = f"127.0.0.1:{_free_port()}", [True]
    web = serve_metrics(LocalAddress.parse(address), bridge.place, lambda: healthy[0])
    web.start()
    try:
        _, text = _get(address, "/metrics")
        found = {
            (sample.name, *sorted(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }
        assert found["yaoma_bridge_records_waiting_at_boxes", ("site", "H1")] == 4
        assert found["yaoma_bridge_store_readable",] == 1
        assert found["yaoma_bridge_workers_met_total", ("work", "bills")] >= 1
        labels = (("destination", "scripted"), ("reason", "sold_elsewhere"), ("site", "H1"))
        assert found["yaoma_bridge_refused", *labels] == 1
        assert A.removeprefix("cn20:") not in text
        assert _get(address, "/health") == (200, '{"status": "ok"}\n')
        healthy[0] = False
        assert _get(address, "/health")[0] == 503
        assert _get(address, "/other")[0] == 404
    finally:
        web.stop(5)
    assert not web.is_alive()


def test_metrics_say_so_when_the_store_is_away(tmp_path: Path) -> None:
    """A store that can't be read is a figure, not a page that fails."""
    address = f"127.0.0.1:{_free_port()}"
    web = serve_metrics(LocalAddress.parse(address), tmp_path / "none.db", lambda: True)
    web.start()
    try:
        status, text = _get(address, "/metrics")
    finally:
        web.stop(5)
    assert status == 200
    assert "yaoma_bridge_store_readable 0.0" in text


@pytest.mark.row("S2-07", part="bridge")
def test_an_authorisation_that_ends_is_warned_of_while_there_is_time(bridge: UploadingBridge, tmp_path: Path) -> None:
    """30 days before the last day, each day anew, once a day, and no more once it was renewed."""
    centre, facts = CentreFolder(tmp_path), CentreFacts(tmp_path / "institutions")
    today = date.fromordinal(date(1970, 1, 1).toordinal() + (bridge.now_ms + 8 * 3_600_000) // DAY_MS)
    ends = date.fromordinal(today.toordinal() + 31)
    centre.institution("H1", "x", more=f"[authorisation]\nscripted = {ends}\nother = 2099-01-01\n")
    assert warn_daily(bridge.store, facts, bridge.now_ms) == []
    bridge.now_ms += DAY_MS
    (warned,) = warn_daily(bridge.store, facts, bridge.now_ms)
    assert (warned.site, warned.destination) == ("H1", "scripted")
    assert warn_daily(bridge.store, facts, bridge.now_ms) == []
    alarms = [one for one in centre.ask_json("status")["alarms"] if one["kind"] == "authorisation_ends"]
    assert [one["facts"] for one in alarms] == [{"destination": "scripted", "until": ends.isoformat()}]
    centre.institution("H1", "x", more="[authorisation]\nscripted = 2099-12-31\nother = 2099-01-01\n")
    bridge.now_ms += DAY_MS
    assert warn_daily(bridge.store, facts, bridge.now_ms) == []
    assert "authorisation_ends" not in bridge.alarms()


def test_an_authorisation_is_a_day() -> None:
    """A text in its place is refused by name, and its value is not repeated."""
    own = {"authorisation": {"nhsa": "S3CRET"}}
    with pytest.raises(ConfigError, match=r"authorisation\.nhsa") as refused:
        authorisations_of(Institution("H1", InstitutionKind.PHARMACY, own=own))
    assert "S3CRET" not in str(refused.value)
