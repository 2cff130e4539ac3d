"""The destination `webhook`: CloudEvents with a signature that any vendor can check."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from fakes.bills import NOON_MS, bill_of, line_of, sealed
from fakes.destinations import SECRET, destination, simulator
from fakes.simulated import Simulated
from yaoma_bridge.destinations.find import make_destination
from yaoma_bridge.destinations.webhook import cloud_event, signature
from yaoma_bridge.errors import ConfigError
from yaoma_bridge.platform import AnswerState, Order


@pytest.fixture(scope="module")
def vendor() -> Iterator[Simulated]:
    """Give a vendor's system."""
    with simulator("webhook") as running:
        yield running


def test_signature_when_a_body_is_signed_then_it_equals_what_openssl_computes() -> None:
    """Standard Webhooks: v1, and Base64 of HMAC-SHA256 over id, time and body, joined by dots.

    printf '%s' 'bill1.1700000000.{"a":1}' | openssl dgst -sha256 -hmac 'secret-of-16-bytes' -binary | openssl base64
    """
    expected = "v1,UsUIYR1jN6zdqg6yYr8Fl4acyvmtJHTemV1Q4LiIcsw="
    assert expected == signature(b"secret-of-16-bytes", "bill1", 1_700_000_000, b'{"a":1}')


def test_event_when_the_cloudevents_library_reads_it_then_it_is_one() -> None:
    """The structured JSON form of CloudEvents 1.0, read by the project's own library."""
    event = cloud_event(bill_of(lines=[line_of(1), line_of(2, units=3)], payer="injury"))
    read = JSONFormat().read(CloudEvent, json.dumps(event))
    assert ("yaoma.bill.v1", "/yaoma/v1/H1/counter-1", "t1") == (
        read.get_type(),
        read.get_source(),
        read.get_subject(),
    )
    data = read.get_data()
    assert isinstance(data, dict)
    assert ("injury", "dispense", 2) == (data["payer"], data["operation"], len(data["lines"]))


def test_event_when_a_person_was_sealed_then_only_their_number_is_told() -> None:
    """No sealed bytes, hash or kind of document leaves by a webhook."""
    text = json.dumps(cloud_event(bill_of(persons=[sealed(b"sealed bytes")])))
    assert '"persons": 1' in text
    assert "resident" not in text


@pytest.mark.row("S4-17", part="bridge")
def test_bill_when_it_is_sent_twice_then_the_vendor_has_it_once(vendor: Simulated, tmp_path: Path) -> None:
    """The same bill always has the same id, by which its receiver drops repeats."""
    vendor.reset()
    platform = destination("webhook", tmp_path, vendor.url)
    (parcel,) = platform.parcels(bill_of())
    for _ in range(2):
        assert AnswerState.ACCEPTED is platform.send(parcel, NOON_MS).state
    assert [parcel.number] == [event["id"] for event in vendor.received()]


def test_order_when_the_vendor_wants_one_then_it_is_kept(tmp_path: Path) -> None:
    """Order is the vendor's choice."""
    assert Order.NONE is destination("webhook", tmp_path, "https://v.example").order
    assert Order.CODE is destination("webhook", tmp_path, "https://v.example", order="code").order


def test_secret_when_it_is_short_or_missing_then_the_bridge_does_not_start(tmp_path: Path) -> None:
    """A secret that can be guessed is none."""
    (tmp_path / "secret").write_text("short", "utf-8")
    for path in (tmp_path / "secret", tmp_path / "gone"):
        with pytest.raises(ConfigError, match="secret"):
            make_destination("webhook", "w", {"url": "https://v.example", "secret": path})
    assert len(SECRET) >= 16
