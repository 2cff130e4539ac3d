"""Metrics as Prometheus would scrape them: from the place that was configured, complete, and without what is secret."""

import http.client
import json
import queue
import re
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from itertools import islice
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from fakes.broker import free_port
from fakes.burst import pack_codes
from fakes.county import SITE, BoxProcess, County
from yaoma.core.reason import CLASSES
from yaoma.core.record import ClockState
from yaoma.service.vital_signs import health_of
from yaoma.shell.durations import Durations
from yaoma.shell.metrics import MetricsServer
from yaoma.shell.thermal import hottest_c
from yaoma.shell.vitals import Nature, Scanner, Show, Vitals, nature_of
from yaoma_link.authority import issue
from yaoma_link.endpoint import Endpoint, TlsFiles
from yaoma_link.local_address import LocalAddress
from yaoma_link.report import Received, SessionReport
from yaoma_link.session import Session
from yaoma_link.topics import Channel, bridge_filter

LISTED = next(pack_codes())
UNLISTED = "83003850000000131888"
ID_CARD = "360426199101010071"

VITALS = Vitals(
    site="S1",
    box="b1",
    version="1.2.3",
    is_on_last_good=True,
    scans={("PASS", "in_list"): 7, ("FAULT", "lookalike_ean13"): 2, ("STOP", "denied_recall"): 1},
    records=11,
    signed_upto=10,
    stored_upto=4,
    pending=7,
    oldest_age_ms=61_500,
    receipts_upto=3,
    refused_receipts=1,
    link_trouble="link.unreachable",
    scanners={"gun": Scanner(is_working=True, read=10), "camera": Scanner(is_working=False, read=0)},
    shows={"terminal": Show(dropped=5, is_stuck=True)},
    disk_free_bytes=1_000_000,
    clock=ClockState.HOLDOVER,
    list_version=42,
    list_age_ms=5000,
    list_left_ms=-1000,
    commit_bounds_s=(0.001, 0.01),
    commits=(3, 2, 1),
    commits_s=0.5,
)

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples(text: str) -> Samples:
    """Read the exposition with Prometheus's own parser."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(found: Samples, name: str, **labels: str) -> float:
    """Give one sample."""
    return found[f"yaoma_{name}", frozenset(labels.items())]


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def connect(self) -> None:
        """Connect to the socket whose path is the host."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(self.host)


def scrape(address: str, host: str | None = None) -> tuple[int, str]:
    """Ask as Prometheus does, once somebody listens."""
    place = LocalAddress.parse(address)
    deadline_s = time.monotonic() + 20
    while True:
        connection = (
            _UnixConnection(str(place.path)) if place.path else http.client.HTTPConnection(place.host, place.port)
        )
        try:
            connection.request(
                "GET", "/metrics", headers={"Host": host} if host else {"Host": "x"} if place.path else {}
            )
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except (ConnectionRefusedError, FileNotFoundError):
            assert time.monotonic() < deadline_s, "nobody listens"
            time.sleep(0.02)
        finally:
            connection.close()


@pytest.fixture
def serve() -> Iterator[Callable[..., MetricsServer]]:
    """Give a maker of servers; all are stopped at the end."""
    made: list[MetricsServer] = []

    def new(address: str, look: Callable[[], Vitals] = lambda: VITALS) -> MetricsServer:
        server = MetricsServer(LocalAddress.parse(address), look, try_again_s=0.05)
        made.append(server)
        server.start()
        return server

    yield new
    for server in made:
        server.stop(10)
        assert not server.is_alive()


def test_metrics_when_scraped_over_loopback_then_every_number_is_there(serve: Callable[..., MetricsServer]) -> None:
    """What Prometheus reads is what the box knows."""
    address = f"127.0.0.1:{free_port()}"
    serve(address)

    status, text = scrape(address)
    found = samples(text)

    assert status == 200
    assert value(found, "info", site="S1", box="b1", version="1.2.3") == 1
    assert value(found, "scans_total", verdict="FAULT", reason="lookalike_ean13", nature="technical") == 2
    assert value(found, "scans_total", verdict="STOP", reason="denied_recall", nature="suspicion") == 1
    assert value(found, "oldest_unconfirmed_age_seconds") == 61.5
    assert value(found, "config_last_good") == 1
    assert health_of(VITALS)["config_last_good"] is True
    assert value(found, "records_pending") == 7
    assert value(found, "link_up") == 0
    assert value(found, "link_trouble", trouble="link.unreachable") == 1
    assert value(found, "receipts_refused_total") == 1
    assert [value(found, "scanner_up", scanner=name) for name in ("gun", "camera")] == [1, 0]
    assert value(found, "symbols_read_total", scanner="gun") == 10
    assert value(found, "shows_dropped_total", indicator="terminal") == 5
    assert value(found, "indicator_stuck", indicator="terminal") == 1
    assert [value(found, "clock", state=state.value) for state in ClockState] == [0, 1, 0, 0]
    assert value(found, "list_left_seconds") == -1
    assert [value(found, "commit_seconds_bucket", le=le) for le in ("0.001", "0.01", "+Inf")] == [3, 5, 6]
    assert value(found, "commit_seconds_count") == 6
    assert ("yaoma_temperature_celsius", frozenset()) not in found


def test_metrics_when_something_is_not_known_then_it_is_left_out_and_not_nought(
    serve: Callable[..., MetricsServer],
) -> None:
    """While site.db is made anew there are no counts; a nought would look like a quiet day."""
    address = f"127.0.0.1:{free_port()}"
    serve(address, lambda: replace(VITALS, scans=None, tasks=None, list_version=None))

    found = samples(scrape(address)[1])

    assert not [name for name, _ in found if name in {"yaoma_scans_total", "yaoma_tasks_open", "yaoma_list_version"}]
    assert value(found, "records") == 11


def test_metrics_when_on_a_unix_socket_then_only_user_and_group_may_ask(
    serve: Callable[..., MetricsServer], tmp_path: Path
) -> None:
    """The file's rights are the authorization; one that a killed daemon left behind is taken away."""
    path = tmp_path / "metrics.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as left_behind:
        left_behind.bind(str(path))
    server = serve(f"unix:{path}")

    status, text = scrape(f"unix:{path}")

    assert status == 200
    assert value(samples(text), "records") == 11
    assert path.stat().st_mode & 0o777 == 0o660
    server.stop(10)
    assert not path.exists()


def test_metrics_when_a_web_page_asks_by_a_name_of_its_own_then_it_is_refused(
    serve: Callable[..., MetricsServer],
) -> None:
    """A page can have its own name lead to 127.0.0.1; the Host header gives it away."""
    port = free_port()
    serve(f"127.0.0.1:{port}")

    assert scrape(f"127.0.0.1:{port}", host=f"evil.example:{port}")[0] == 403
    assert scrape(f"127.0.0.1:{port}", host=f"localhost:{port}")[0] == 200


def test_metrics_when_the_port_is_taken_then_it_is_a_state_and_it_comes_back_by_itself(
    serve: Callable[..., MetricsServer],
) -> None:
    """Another program at the port neither stops the start nor ends the thread."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        server = serve(f"127.0.0.1:{port}")
        deadline_s = time.monotonic() + 20
        while not server.trouble:
            assert time.monotonic() < deadline_s
            time.sleep(0.01)
        assert "in use" in server.trouble
        assert server.is_alive()
        assert server.failure is None

    assert scrape(f"127.0.0.1:{port}", host=f"127.0.0.1:{port}")[0] == 200
    assert server.trouble == ""


def test_metrics_when_a_client_hangs_then_the_next_one_is_served_and_the_stop_is_heard(
    serve: Callable[..., MetricsServer],
) -> None:
    """Somebody who connects and says nothing is dropped after a moment."""
    port = free_port()
    server = serve(f"127.0.0.1:{port}")
    scrape(f"127.0.0.1:{port}")
    with socket.create_connection(("127.0.0.1", port)) as hanging:
        assert scrape(f"127.0.0.1:{port}")[0] == 200
        hanging.close()
    server.stop(10)

    assert not server.is_alive()


@pytest.mark.parametrize("text", ["127.0.0.1:9464", "127.0.0.2:1", "[::1]:65535", "unix:/run/yaoma/metrics.sock"])
def test_address_when_local_then_it_is_taken_as_written(text: str) -> None:
    """Loopback of both kinds and Unix sockets can be configured."""
    assert str(LocalAddress.parse(text)) == text
    assert LocalAddress.parse("localhost:9464") == LocalAddress("127.0.0.1", 9464)


@pytest.mark.parametrize(
    "text",
    [
        "0.0.0.0:9464",
        "192.168.1.5:9464",
        "[::]:9464",
        ":9464",
        "9464",
        "127.0.0.1:0",
        "127.0.0.1:65536",
        "127.0.0.1:²",
        "::1:9464",
        "example.com:80",
        "unix:relative",
        "unix:/" + "x" * 107,
        "",
    ],
)
def test_address_when_it_is_not_local_then_it_is_refused(text: str) -> None:
    """No way of writing it opens the metrics to the network."""
    with pytest.raises(ValueError, match=r"expected|does not appear"):
        LocalAddress.parse(text)


def test_nature_when_given_then_technical_faults_are_never_suspicion() -> None:
    """Every reason has exactly one nature per class; a FAULT is technical, and a missing list is no pack's fault."""
    for reason, classes in CLASSES.items():
        for verdict in classes:
            assert (nature_of(verdict, reason) is Nature.TECHNICAL) is (verdict == "FAULT")
            assert (nature_of(verdict, reason) is Nature.ACCEPTED) is (verdict == "PASS")
    assert nature_of("REVIEW", "list_stale") is Nature.UNCHECKED
    assert nature_of("REVIEW", "not_in_list") is Nature.SUSPICION
    assert nature_of("SOMETHING", "newer") is Nature.UNCHECKED
    assert sum(VITALS.natures().values()) == 10


def test_durations_when_added_then_each_lies_in_its_bucket() -> None:
    """A bound belongs to its own bucket, as Prometheus's `le` says."""
    durations = Durations((0.001, 0.01))
    for seconds in (0.0005, 0.001, 0.002, 0.5):
        durations.add(seconds)

    assert durations.counts() == (2, 1, 1)
    assert durations.total_s == pytest.approx(0.5035)


def test_temperature_when_no_zone_can_be_read_then_there_is_none(tmp_path: Path) -> None:
    """A board without sensor is not at 0 degrees."""
    assert hottest_c(tmp_path) is None


@pytest.fixture
def box(mosquitto: str) -> Iterator[BoxProcess]:
    """Give a box of a running county that serves metrics; it is not started."""
    county = County(Path(tempfile.mkdtemp(prefix="yaoma-")), codes=list(islice(pack_codes(), 20)))
    county.broker.start()
    county.add_bridge().program.start()
    box = county.add_box()
    with box.config.open("a") as config:
        config.write(f'[metrics]\nlisten = "127.0.0.1:{free_port()}"\n')
    try:
        yield box
    finally:
        county.remove()
        shutil.rmtree(county.folder, ignore_errors=True)


def heard_health(box: BoxProcess) -> dict[str, Any]:
    """Listen as a bridge worker does until the box has said how it fares."""
    county, reports = box.county, queue.Queue[SessionReport](1000)
    files = TlsFiles(county.authority.certificate_file, county.folder / "spy.pem", county.folder / "spy.key")
    issue(county.authority, "bridge-1", client=True).write(files.certificate, files.key)
    topic = bridge_filter(Channel.HEALTH)
    session = Session(
        Endpoint("localhost", county.port, files),
        reports,
        client_id="bridge-1",
        session_expiry_s=0,
        subscriptions=[topic],
    )
    session.start()
    try:
        box.start()
        while not isinstance(report := reports.get(timeout=60), Received):
            pass
        answer: dict[str, Any] = json.loads(report.payload)
        return answer
    finally:
        session.stop()


@pytest.mark.broker
def test_health_when_a_real_box_tells_it_then_it_fits_asyncapi_field_by_field(box: BoxProcess) -> None:
    """The document names every field that is said, and every field that it names is said."""
    document = yaml.safe_load((Path(__file__).parents[2] / "asyncapi.yaml").read_text("utf-8"))
    schema = document["components"]["schemas"]["health"]

    health = heard_health(box)

    jsonschema.Draft7Validator({**schema, "components": document["components"]}).validate(health)
    assert health.keys() == schema["properties"].keys()
    assert health["rates"].keys() == schema["properties"]["rates"]["properties"].keys()
    assert health["scanners_lost"] == []
    assert health["disk_free_bytes"] > 0


@pytest.mark.broker
def test_metrics_when_a_real_box_has_scanned_then_they_agree_with_its_status_and_hold_no_code(box: BoxProcess) -> None:
    """The collector reads what `yaoma status` reads; neither code nor person stands in it."""
    found_address = re.search(r'listen = "(.*)"', box.config.read_text())
    assert found_address
    box.start()
    for code in (LISTED, UNLISTED, ID_CARD, LISTED):
        box.scan(code)
    deadline_s = time.monotonic() + 60
    while (status := box.ask()) and (
        sum(status["today"].values()) < 4 or status["uplink"]["pending"] or not status["uplink"]["is_connected"]
    ):
        assert time.monotonic() < deadline_s, status
        time.sleep(0.05)

    _, text = scrape(found_address[1])
    found, status = samples(text), box.ask()

    scans = {labels: number for (name, labels), number in found.items() if name == "yaoma_scans_total"}
    assert sum(scans.values()) == sum(status["today"].values()) == 4
    assert value(found, "records") == status["journal"]["size"]
    assert value(found, "records_stored") == status["uplink"]["stored_upto"]
    assert value(found, "records_pending") == 0
    assert value(found, "link_up") == 1
    assert value(found, "symbols_read_total", scanner="gun") == 4
    assert value(found, "commit_seconds_count") >= 1
    assert value(found, "info", site=SITE, box="b1", version=status["version"]) == 1
    assert status["metrics_trouble"] == ""
    for secret in (LISTED, UNLISTED, ID_CARD):
        assert secret not in text


@pytest.mark.broker
def test_metrics_when_the_port_is_taken_then_the_box_scans_all_the_same_and_the_doctor_says_so(box: BoxProcess) -> None:
    """Metrics are a convenience: without them everything else goes on."""
    found = re.search(r"listen = \"127.0.0.1:(\d+)\"", box.config.read_text())
    assert found
    with socket.create_server(("127.0.0.1", int(found[1]))):
        box.start()
        box.scan(LISTED)
        deadline_s = time.monotonic() + 60
        while not ((status := box.ask()) and status["today"] and status["metrics_trouble"]):
            assert time.monotonic() < deadline_s, status
            time.sleep(0.05)

        report = json.loads(box.command("doctor", "--json").stdout)

    assert "doctor.metrics_not_served" in [one["id"] for one in report["findings"]]


def test_vitals_when_listed_then_no_field_could_hold_a_code_or_a_person() -> None:
    """Whoever adds a field has to look here: names, numbers and stable ids only."""
    assert {one.name for one in fields(Vitals)} == {
        *("site", "box", "version", "safe_mode", "cause", "scans", "records", "signed_upto", "stored_upto", "pending"),
        "is_on_last_good",
        *("oldest_age_ms", "receipts_upto", "refused_receipts", "tasks", "is_connected", "link_trouble"),
        *("is_taken_over", "scanners", "shows", "ports", "disk_free_bytes", "is_disk_low", "clock", "list_version"),
        *("list_age_ms", "list_left_ms", "temperature_c", "commit_bounds_s", "commits", "commits_s"),
    }
