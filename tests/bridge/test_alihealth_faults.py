"""The fault matrix of `alihealth`: what each trouble does to a record, what its box is told, how often it was taken."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from fakes.box import BoxLog
from fakes.simulated import Simulated
from fakes.stepped_bridge import register
from fakes.ticketed import Counter, code_of
from fakes.uploading_bridge import UploadingBridge
from yaoma_bridge.alihealth.options import AlihealthOptions
from yaoma_bridge.centre_facts import CentreFacts
from yaoma_bridge.destinations.alihealth import AlihealthDestination

A, B = code_of(1), code_of(2)
_UPLOAD = "upload"
_PHARMACY = """
kind = "pharmacy"
name = "示范药店"
[alihealth]
ref_ent_id = "ref-1"
ent_id = "ent-1"
"""


@pytest.fixture(scope="module")
def platform() -> Iterator[Simulated]:
    """Give a running simulator."""
    with Simulated("alihealth") as running:
        yield running


def _options(tmp_path: Path, url: str, **more: object) -> AlihealthOptions:
    secret = tmp_path / "secret"
    secret.write_text("helloworld\n")
    given = {"url": f"{url}/router/rest", "app_key": "12345678", "app_secret_file": secret, "plain_http": True}
    return AlihealthOptions.model_validate({**given, "answer_s": 1.0, **more})


@pytest.fixture
def bridge(tmp_path: Path, platform: Simulated, log: BoxLog) -> Iterator[UploadingBridge]:
    """Give a bridge that uploads to it, for one pharmacy."""
    platform.reset()
    running = _bridge(tmp_path, log, _options(tmp_path, platform.url))
    yield running
    running.close()


def _bridge(tmp_path: Path, log: BoxLog, options: AlihealthOptions) -> UploadingBridge:
    register(tmp_path / "boxes", log.name)
    (tmp_path / "sites").mkdir()
    (tmp_path / "sites" / f"{log.name.site}.toml").write_text(_PHARMACY)
    return UploadingBridge(
        tmp_path, AlihealthDestination("alihealth", options), facts=CentreFacts(institutions=tmp_path / "sites")
    )


@dataclass(frozen=True)
class Row:
    """One row of the matrix: a fault, and what follows at once, after 10 s, after 3 min and another try."""

    fault: str
    first: tuple[str, str]
    soon: tuple[str, str]
    end: tuple[str, str]
    taken: int
    told: tuple[str, ...]


OK = ("accepted", "")
GOING = ("processing", "")
MATRIX = [
    Row("", GOING, OK, OK, 1, ("waiting", "processing", "accepted")),
    Row("slow", GOING, OK, OK, 1, ("waiting", "processing", "accepted")),
    Row("gbk", GOING, OK, OK, 1, ("waiting", "processing", "accepted")),
    Row(
        "http_500",
        ("unknown", "http_error"),
        ("unknown", "http_error"),
        OK,
        1,
        ("waiting", "unknown", "waiting", "processing", "accepted"),
    ),
    Row("http_500_after_acceptance", ("unknown", "http_error"), OK, OK, 1, ("waiting", "unknown", "accepted")),
    Row("rate_limit", ("bundled", "rate_limited"), GOING, OK, 1, ("waiting", "processing", "accepted")),
    Row(
        "app_call_limited",
        ("bundled", "rate_limited"),
        ("bundled", "rate_limited"),
        OK,
        1,
        ("waiting", "processing", "accepted"),
    ),
    Row("wrong_signature", ("bundled", "credentials"), GOING, OK, 1, ("waiting", "processing", "accepted")),
    Row(
        "session_lost",
        ("held", "credentials"),
        ("held", "credentials"),
        ("held", "credentials"),
        0,
        ("waiting", "held"),
    ),
    Row(
        "remote_error",
        ("unknown", "gateway_error"),
        ("unknown", "gateway_error"),
        OK,
        1,
        ("waiting", "unknown", "waiting", "processing", "accepted"),
    ),
    Row(
        "hang",
        ("unknown", "timeout"),
        ("unknown", "timeout"),
        OK,
        1,
        ("waiting", "unknown", "waiting", "processing", "accepted"),
    ),
    Row("time_out_after_acceptance", ("unknown", "timeout"), OK, OK, 1, ("waiting", "unknown", "accepted")),
    Row("cut_after_acceptance", ("unknown", "connection_broken"), OK, OK, 1, ("waiting", "unknown", "accepted")),
    Row("malformed_json", ("unknown", "answer_unreadable"), OK, OK, 1, ("waiting", "unknown", "accepted")),
    Row("html", ("unknown", "answer_html"), OK, OK, 1, ("waiting", "unknown", "accepted")),
    Row("empty", ("unknown", "answer_empty"), OK, OK, 1, ("waiting", "unknown", "accepted")),
    Row("huge", ("unknown", "answer_too_large"), OK, OK, 1, ("waiting", "unknown", "accepted")),
    Row("duplicate", ("unknown", "bill_number_exists"), OK, OK, 1, ("waiting", "unknown", "accepted")),
    Row(
        "inner_fail",
        ("refused", "platform_refused"),
        ("refused", "platform_refused"),
        ("refused", "platform_refused"),
        0,
        ("waiting", "refused"),
    ),
    Row(
        "sold",
        ("refused", "sold_elsewhere"),
        ("refused", "sold_elsewhere"),
        ("refused", "sold_elsewhere"),
        0,
        ("waiting", "refused"),
    ),
    Row(
        "accepted_then_failed",
        GOING,
        ("refused", "platform_refused"),
        ("refused", "platform_refused"),
        1,
        ("waiting", "processing", "refused"),
    ),
]


@pytest.mark.parametrize("row", MATRIX, ids=lambda row: row.fault or "none")
@pytest.mark.row("S3-05", part="bridge")
def test_each_trouble_has_its_end(row: Row, bridge: UploadingBridge, platform: Simulated, log: BoxLog) -> None:
    """No trouble loses a bill, none doubles it at the platform, and the box hears each turn."""
    if row.fault:
        delay_s = 2.0 if row.fault in {"hang", "time_out_after_acceptance"} else 0.1
        platform.fail(row.fault, only=_UPLOAD, delay_s=delay_s)
    Counter(log).sell(A)
    bridge.take(log.payload(), name=log.name)
    bridge.bill()
    told = bridge.upload()
    assert bridge.fates() == {A: row.first}
    told += bridge.upload(10)
    assert bridge.fates() == {A: row.soon}
    for _ in range(4):
        told += bridge.upload(200)
    assert bridge.fates() == {A: row.end}
    assert len(platform.received()) == row.taken
    states = tuple(outcome.state.value for receipt in told for outcome in receipt.outcomes)
    assert states == row.told


def test_an_untrusted_certificate_sends_nothing(tmp_path: Path, log: BoxLog) -> None:
    """A platform whose certificate nobody vouches for is never spoken to."""
    subprocess.run(
        [
            *(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-days",
                "2",
            ),
            *("-keyout", tmp_path / "key.pem", "-out", tmp_path / "cert.pem", "-subj", "/CN=localhost"),
        ],
        check=True,
        capture_output=True,
    )
    with Simulated("alihealth", "--certificate", str(tmp_path / "cert.pem"), "--key", str(tmp_path / "key.pem")) as tls:
        bridge = _bridge(tmp_path, log, _options(tmp_path, tls.tls_url))
        Counter(log).sell(A)
        bridge.take(log.payload(), name=log.name)
        bridge.bill()
        bridge.upload()
        assert bridge.fates() == {A: ("bundled", "certificate")}
        bridge.close()
        assert tls.received() == []


def test_a_failed_bill_names_the_code_at_fault(bridge: UploadingBridge, platform: Simulated, log: BoxLog) -> None:
    """Of a bill that fails for one code, this one has its own reason and the others that they stood beside it."""
    platform._tell({"data": {"codes": {B.removeprefix("cn20:"): "not_activated"}}})
    Counter(log).sell(A, B)
    bridge.take(log.payload(), name=log.name)
    bridge.bill()
    bridge.upload()
    bridge.upload(10)
    assert bridge.fates() == {A: ("refused", "other_code_in_bill"), B: ("refused", "not_activated")}


def _table() -> str:
    """Give the matrix as the README shows it."""
    rows = ["| fault | first | in the end | taken |", "|---|---|---|---|"]
    for row in MATRIX:
        first, end = (f"{fate} `{reason}`" if reason else fate for fate, reason in (row.first, row.end))
        rows.append(f"| `{row.fault or 'none'}` | {first} | {end} | {row.taken} |")
    return "\n".join(rows)


def test_the_readme_shows_this_matrix() -> None:
    """The table in the bridge's README is the one that is tested here."""
    readme = Path(__file__).parents[2] / "daemon" / "yaoma_bridge" / "README.md"
    assert _table() in readme.read_text("utf-8")


def test_a_store_from_a_backup_doubles_nothing_at_the_platform(
    tmp_path: Path, platform: Simulated, log: BoxLog
) -> None:
    """A bill that the store forgot is made again with its number; the platform has it, and says so."""
    platform.reset()
    options = _options(tmp_path, platform.url)
    Counter(log).sell(A)
    first = _bridge(tmp_path, log, options)
    first.take(log.payload(), name=log.name)
    first.bill()
    first.upload()
    first.upload(10)
    first.close()
    (tmp_path / "empty").mkdir()
    again = _bridge(tmp_path / "empty", log, options)
    again.take(log.payload(), name=log.name)
    again.bill()
    again.upload()
    assert again.fates() == {A: ("unknown", "bill_number_exists")}
    again.upload(10)
    assert again.fates() == {A: OK}
    assert len(platform.received()) == 1
    again.close()
