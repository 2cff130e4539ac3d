"""EPCIS events: each operation as the published schema of EPCIS 2.0 and the vocabulary take it."""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from jsonschema import Draft7Validator, FormatChecker

from fakes.bills import NOON_MS, bill_of, line_of
from fakes.box import BoxLog
from fakes.destinations import destination, simulator
from fakes.simulated import Simulated
from yaoma.core.canonical import Json
from yaoma.core.record import Entry, Kind
from yaoma_bridge.bill import Bill
from yaoma_bridge.destinations.epcis_inspections import EpcisInspections
from yaoma_bridge.epcis_events import EpcisNames, capture_document, events_of, inspection_of, is_observed
from yaoma_bridge.epcis_repository import EpcisOptions, EpcisRepository
from yaoma_bridge.errors import DestinationError
from yaoma_bridge.events import Event
from yaoma_bridge.platform import AnswerState, RulingKind
from yaoma_link.receipt import OutcomeState

NAMES = EpcisNames("https://example.invalid/cn-drug-trace")
OPERATIONS = [
    "receive", "transfer_in", "gift_in", "return_supplier", "transfer_out", "wholesale", "gift_out", "recall_out",
    "dispense", "dispense_ward", "vaccinate", "return_customer", "move", "count", "sample", "damage", "destroy",
    "verify",
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
    job = EpcisRepository(EpcisOptions(url=f"{repository.url}/api", uri_base="https://example.invalid/x"))._job
    assert ("", "", "") == tuple(
        job(url) for url in ("https://evil.example/capture/1", "//evil.example/1", "capture/1")
    )


def test_rule_when_the_vocabulary_has_no_word_then_nothing_is_sent(tmp_path: Path) -> None:
    """Opening a pack has no step in the vocabulary."""
    platform = destination("epcis", tmp_path, "https://repository.example")
    assert RulingKind.NOT_NEEDED is platform.rule(bill_of("split"), line_of()).kind


def _scan(log: BoxLog, serial: int, **fields: Json) -> Event:
    code = f"cn20:8000001{serial:09d}0000"
    said: dict[str, Json] = {
        "code": code,
        "verdict": "PASS",
        "reason": "in_list",
        "station": "desk",
        "operation": "verify",
    }
    record = log.add(Entry(Kind.SCAN, {**said, "ticket": None, **fields}))
    return Event(record.seq + 1, log.name, log.log, record.seq, record)


def _inspections(repository: Simulated, settle_s: int = 0) -> EpcisInspections:
    options = {"url": f"{repository.url}/api", "uri_base": NAMES.base, "plain_http": True, "read_s": 0.5}
    return EpcisInspections("inspections", EpcisOptions.model_validate({**options, "settle_s": settle_s}))


@pytest.mark.parametrize(
    ("verdict", "reason", "disposition"),
    [
        ("PASS", "in_list", "conformant"),
        ("STOP", "denied_recall", "recalled"),
        ("STOP", "expired", "expired"),
        ("REVIEW", "not_in_list", "no_pedigree_match"),
        ("STOP", "sold_here", "non_conformant"),
    ],
)
def test_inspection_when_a_pack_is_only_verified_then_the_published_schema_takes_it(
    schema: Draft7Validator, log: BoxLog, verdict: str, reason: str, disposition: str
) -> None:
    """A verification is an ObjectEvent OBSERVE, inspecting, with what was found."""
    event = inspection_of(_scan(log, 1, verdict=verdict, reason=reason), NAMES)
    assert ("OBSERVE", "inspecting", disposition) == (event["action"], event["bizStep"], event["disposition"])
    assert [] == [error.message for error in schema.iter_errors(capture_document([event], NAMES, NOON_MS))]


def test_inspections_when_records_come_then_only_verifications_are_captured(repository: Simulated, log: BoxLog) -> None:
    """Scans of a ticket, bad reads and other records have nothing to say here."""
    repository.reset()
    events = [
        _scan(log, 1),
        _scan(log, 2, operation="dispense", ticket="t1"),
        _scan(log, 3, verdict="FAULT"),
        _scan(log, 4, verdict="STOP", reason="denied_recall"),
    ]
    destination = _inspections(repository)
    destination.resume("")
    delivered = destination.deliver(events)
    assert [(1, ""), (2, "nothing_to_say"), (3, "nothing_to_say"), (4, "")] == [
        (one.n, one.reason) for one in delivered
    ]
    assert ("4", 2) == (destination.mark, len(repository.received()))


@pytest.mark.parametrize("fault", ["time_out_after_acceptance", "http_500", "malformed_json", "rate_limit"])
def test_inspections_when_nobody_knows_then_the_repository_is_asked_before_it_is_sent_again(
    repository: Simulated, log: BoxLog, fault: str
) -> None:
    """Whatever happens to a capture, and whoever goes on, each verification is there once."""
    repository.reset()
    events = [_scan(log, serial) for serial in range(3)]
    destination = _inspections(repository)
    destination.resume("")
    repository.fail(fault, only="EPCISDocument", delay_s=0.7)
    for worker in (destination, _inspections(repository), _inspections(repository)):
        try:
            worker.resume("")
            worker.deliver(events)
        except DestinationError:
            worker.close()
    assert 3 == len(repository.received())


def test_inspections_when_one_is_refused_then_the_others_are_captured(repository: Simulated, log: BoxLog) -> None:
    """A document is taken whole or not at all, so after a refusal each goes by itself."""
    repository.reset()
    events = [_scan(log, serial) for serial in range(3)]
    destination = _inspections(repository)
    destination.resume("")
    repository.fail("refused", count=2, only="EPCISDocument")
    states = [one.state for one in destination.deliver(events)]
    assert [OutcomeState.REFUSED, OutcomeState.ACCEPTED, OutcomeState.ACCEPTED] == states
    assert 2 == len(repository.received())


def test_inspections_when_they_begin_anew_then_absence_is_not_believed_at_once(
    repository: Simulated, log: BoxLog
) -> None:
    """What another worker has sent may still be under way, so it gets its time to come."""
    repository.reset()
    destination = _inspections(repository, settle_s=60)
    destination.resume("")
    with pytest.raises(DestinationError, match="not_there_yet"):
        destination.deliver([_scan(log, 1)])
    assert [] == repository.received()
