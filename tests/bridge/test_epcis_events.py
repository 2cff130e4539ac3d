"""EPCIS events: each operation as the published schema of EPCIS 2.0 and the vocabulary take it."""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from jsonschema import Draft7Validator, FormatChecker

from fakes.bills import NOON_MS, bill_of, line_of
from fakes.destinations import destination, simulator
from fakes.simulated import Simulated
from yaoma.core.canonical import Json
from yaoma_bridge.bill import Bill
from yaoma_bridge.epcis_events import EpcisNames, capture_document, events_of, is_observed
from yaoma_bridge.platform import AnswerState, RulingKind

NAMES = EpcisNames("https://example.invalid/cn-drug-trace")
OPERATIONS = [
    "receive", "transfer_in", "gift_in", "return_supplier", "transfer_out", "gift_out", "recall_out", "dispense",
    "dispense_ward", "vaccinate", "return_customer", "move", "count", "sample", "damage", "destroy", "verify",
]  # fmt: skip

_FORMATS = FormatChecker(())


@_FORMATS.checks("uri")
def _is_uri(value: object) -> bool:
    """RFC 3986: a scheme, and only characters that may stand in a URI."""
    pattern = r"[A-Za-z][A-Za-z0-9+.-]*:(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+"
    return not isinstance(value, str) or bool(re.fullmatch(pattern, value))


@_FORMATS.checks("date-time", raises=ValueError)
def _is_time(value: object) -> bool:
    """RFC 3339: with an offset."""
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


@pytest.fixture(scope="module")
def schema() -> Draft7Validator:
    """Give the published schema."""
    text = (Path(__file__).parent / "data/EPCIS-JSON-Schema.json").read_text("utf-8")
    return Draft7Validator(json.loads(text), format_checker=_FORMATS)


@pytest.fixture(scope="module")
def repository() -> Iterator[Simulated]:
    """Give a repository."""
    with simulator("epcis") as running:
        yield running


def _document(bill: Bill) -> dict[str, Json]:
    return capture_document(events_of(bill, NAMES), NAMES, NOON_MS)


@pytest.mark.row("S0-26", part="bridge")
@pytest.mark.parametrize("operation", OPERATIONS)
def test_document_when_any_operation_is_captured_then_the_published_schema_takes_it(
    schema: Draft7Validator, operation: str
) -> None:
    """Every operation that the vocabulary has words for gives a valid document, GS1 codes and opened packs included."""
    lines = [
        line_of(1),
        line_of(2, units=3),
        line_of(code="gs1:010690123456789221S/0 1&"),
        line_of(code="other:E CODE:药/1"),
    ]
    bill = bill_of(operation, lines, payer="insurance", supplier_bill="FH 1/2")
    assert [] == [error.message for error in schema.iter_errors(_document(bill))]
    assert is_observed(operation)


def test_schema_when_a_bare_code_or_a_wrong_word_comes_then_it_refuses(schema: Draft7Validator) -> None:
    """The check is real: 20 digits are no URI, `returning` is no step, and our own fields need a prefix."""
    for change in ({"epcList": ["83003850000000131888"]}, {"bizStep": "returning"}, {"operation": "dispense"}):
        event = events_of(bill_of(), NAMES)[0] | change
        assert [*schema.iter_errors(capture_document([event], NAMES, NOON_MS))]


@pytest.mark.parametrize(
    ("operation", "action", "step", "disposition"),
    [
        ("verify", "OBSERVE", "inspecting", "conformant"),
        ("receive", "OBSERVE", "receiving", None),
        ("dispense", "OBSERVE", "dispensing", "dispensed"),
        ("return_customer", "OBSERVE", "receiving", "returned"),
        ("count", "OBSERVE", "stock_taking", None),
        ("destroy", "DELETE", "destroying", "destroyed"),
    ],
)
def test_event_when_an_operation_is_mapped_then_it_uses_the_vocabularys_words(
    operation: str, action: str, step: str, disposition: str | None
) -> None:
    """The mapping of SCANNERS.md 3.2; a receipt says no disposition, as CBV advises."""
    (event,) = events_of(bill_of(operation), NAMES)
    assert (action, step, disposition) == (event["action"], event["bizStep"], event.get("disposition"))


def test_event_when_a_pack_is_handed_out_in_part_then_it_stands_in_an_event_of_its_own() -> None:
    """`partially_dispensed` describes the original pack."""
    whole, part = events_of(bill_of(lines=[line_of(1), line_of(2, units=3)]), NAMES)
    assert ("dispensed", "partially_dispensed") == (whole["disposition"], part["disposition"])
    assert whole["eventID"] != part["eventID"]


def test_codes_when_written_as_uris_then_they_lie_below_the_operators_base_or_are_digital_links() -> None:
    """A Chinese code is no GS1 key; a GS1 code is a Digital Link with its serial percent-encoded (SCANNERS.md 3.3)."""
    assert "https://example.invalid/cn-drug-trace/obj/83003850000000131888" == NAMES.code("cn20:83003850000000131888")
    assert "https://id.gs1.org/01/06901234567892/21/S%2F1" == NAMES.code("gs1:010690123456789221S/1")


def test_event_id_when_the_same_bill_is_captured_again_then_it_is_the_same() -> None:
    """A repository can drop repeats, and can be asked for the event after a time-out."""
    first, again, other = (events_of(bill, NAMES)[0] for bill in (bill_of(), bill_of(), bill_of(ticket="t2")))
    assert first == again
    assert first["eventID"] != other["eventID"]
    assert re.fullmatch(
        r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", str(first["eventID"])
    )


def test_capture_when_the_job_lies_elsewhere_then_its_address_is_not_followed(
    repository: Simulated, tmp_path: Path
) -> None:
    """A location on another host is dropped; the event itself is asked for instead."""
    repository.reset()
    platform = destination("epcis", tmp_path, repository.url)
    (parcel,) = platform.parcels(bill_of())
    answer = platform.send(parcel, NOON_MS)
    assert AnswerState.PROCESSING is answer.state
    assert "/capture/job1" == answer.facts["job"]
    job = getattr(platform, "_job")  # noqa: B009 - a private name
    assert ("", "", "") == tuple(
        job(url) for url in ("https://evil.example/capture/1", "//evil.example/1", "capture/1")
    )


def test_rule_when_the_vocabulary_has_no_word_then_nothing_is_sent(tmp_path: Path) -> None:
    """Opening a pack has no step in the vocabulary."""
    platform = destination("epcis", tmp_path, "https://repository.example")
    assert RulingKind.NOT_NEEDED is platform.rule(bill_of("split"), line_of()).kind
