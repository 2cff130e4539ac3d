"""The fault matrix: what becomes of a sale at each destination under each fault, and how often the other side took it.

Each case runs the whole pipeline against the destination's simulator, a program of its own. The table in
daemon/yaoma_bridge/README.md, "What a fault does", shows the expectations here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from fakes.bills import ROOT
from fakes.box import BoxLog
from fakes.destinations import KINDS, centre_facts, destination, simulator
from fakes.simulated import Simulated
from fakes.stepped_bridge import register
from fakes.ticketed import Counter, code_of
from fakes.uploading_bridge import UploadingBridge
from yaoma.core.canonical import Json
from yaoma.core.scan import Person, identity_entry
from yaoma.core.sealed import person_context, seal_to
from yaoma.core.ticket import Action, TicketCommand, ticket_entry
from yaoma_link.identity import make_sealing_key

A, B = code_of(1), code_of(2)
NUMBER = "110105194912310026"


@dataclass(frozen=True, slots=True)
class Expected:
    """What a fault leads to.

    Args:
        first: The parcel's fate after the faulty call.
        reason: Why.
        last: Its fate once the pipeline has asked, waited and sent again.
        taken: How often the other side took the sale.
    """

    first: str
    reason: str
    last: str
    taken: int


_GOOD = Expected("accepted", "", "accepted", 1)
_AGAIN = Expected("bundled", "rate_limited", "accepted", 1)
EXPECTED: dict[str, dict[str, Expected]] = {
    "nhsa": {
        "none": _GOOD,
        "slow": _GOOD,
        "gbk": _GOOD,
        "rate_limit": _AGAIN,
        "http_500": Expected("unknown", "http_5xx", "accepted", 1),
        "http_503": Expected("unknown", "http_5xx", "accepted", 1),
        "hang": Expected("unknown", "timeout", "accepted", 1),
        "http_500_after_acceptance": Expected("unknown", "http_5xx", "accepted", 1),
        "time_out_after_acceptance": Expected("unknown", "timeout", "accepted", 1),
        "cut_after_acceptance": Expected("unknown", "connection_broken", "accepted", 1),
        "malformed_json": Expected("unknown", "answer_unreadable", "accepted", 1),
        "html": Expected("unknown", "answer_html", "accepted", 1),
        "html_before": Expected("unknown", "answer_html", "accepted", 1),
        "empty": Expected("unknown", "answer_empty", "accepted", 1),
        "huge": Expected("unknown", "answer_too_large", "accepted", 1),
        "no_result": Expected("unknown", "answer_incomplete", "accepted", 1),
        "duplicate": Expected("unknown", "maybe_there", "accepted", 1),
        "session_lost": Expected("bundled", "sign_in_lost", "accepted", 1),
        "busy": _AGAIN,
        "wrong_signature": Expected("held", "credentials", "held", 0),
        "accepted_then_failed": Expected("refused", "insurance_refused", "refused", 0),
        "sold_elsewhere": Expected("refused", "sold_elsewhere", "refused", 0),
        "refused": Expected("refused", "insurance_refused", "refused", 0),
    },
    "epcis": {
        "none": Expected("processing", "", "accepted", 1),
        "slow": Expected("processing", "", "accepted", 1),
        "rate_limit": _AGAIN,
        "http_500": Expected("unknown", "http_5xx", "accepted", 1),
        "http_503": Expected("unknown", "http_5xx", "accepted", 1),
        "hang": Expected("unknown", "timeout", "accepted", 1),
        "http_500_after_acceptance": Expected("unknown", "http_5xx", "accepted", 1),
        "time_out_after_acceptance": Expected("unknown", "timeout", "accepted", 1),
        "cut_after_acceptance": Expected("unknown", "connection_broken", "accepted", 1),
        "malformed_json": Expected("processing", "", "accepted", 1),
        "html": Expected("processing", "", "accepted", 1),
        "empty": Expected("processing", "", "accepted", 1),
        "huge": Expected("unknown", "answer_too_large", "accepted", 1),
        "duplicate": Expected("unknown", "maybe_there", "accepted", 1),
        "wrong_signature": Expected("held", "credentials", "held", 0),
        "accepted_then_failed": Expected("processing", "", "refused", 0),
        "refused": Expected("refused", "epcis_refused", "refused", 0),
    },
    "webhook": {
        "none": _GOOD,
        "slow": _GOOD,
        "rate_limit": _AGAIN,
        "http_500": Expected("unknown", "http_5xx", "accepted", 1),
        "http_503": Expected("unknown", "http_5xx", "accepted", 1),
        "hang": Expected("unknown", "timeout", "accepted", 1),
        "http_500_after_acceptance": Expected("unknown", "http_5xx", "accepted", 1),
        "time_out_after_acceptance": Expected("unknown", "timeout", "accepted", 1),
        "cut_after_acceptance": Expected("unknown", "connection_broken", "accepted", 1),
        "malformed_json": _GOOD,
        "html": _GOOD,
        "empty": _GOOD,
        "huge": Expected("unknown", "answer_too_large", "accepted", 1),
        "wrong_signature": Expected("held", "credentials", "held", 0),
        "refused": Expected("refused", "webhook_refused", "refused", 0),
    },
    "shanxi": {
        "none": _GOOD,
        "slow": _GOOD,
        "rate_limit": _AGAIN,
        "busy": _AGAIN,
        # Nothing public says how to ask this receiver, so a person decides.
        "http_500": Expected("unknown", "http_5xx", "unknown", 0),
        "http_503": Expected("unknown", "http_5xx", "unknown", 0),
        "hang": Expected("unknown", "timeout", "unknown", 0),
        "http_500_after_acceptance": Expected("unknown", "http_5xx", "unknown", 1),
        "time_out_after_acceptance": Expected("unknown", "timeout", "unknown", 1),
        "cut_after_acceptance": Expected("unknown", "connection_broken", "unknown", 1),
        "malformed_json": Expected("unknown", "answer_unreadable", "unknown", 1),
        "html": Expected("unknown", "answer_html", "unknown", 1),
        "empty": Expected("unknown", "answer_empty", "unknown", 1),
        "huge": Expected("unknown", "answer_too_large", "unknown", 1),
        "wrong_signature": Expected("unknown", "answer_signature_wrong", "unknown", 1),
        "signature_refused": Expected("refused", "data_set_refused", "refused", 0),
        "duplicate": Expected("accepted", "", "accepted", 0),
        "accepted_then_failed": Expected("refused", "data_set_refused", "refused", 0),
    },
}


def _is_long(kind: str, fault: str) -> bool:
    return fault in _LONG or (kind != "nhsa" and fault in _LONG_BUT_AT_NHSA)


#: What another fault shows as well is left to the long tier.
_LONG = {"http_503", "hang", "cut_after_acceptance", "empty", "slow"}
_LONG_BUT_AT_NHSA = {"http_500", "malformed_json", "html", "huge", "duplicate"}
_CASES = [
    pytest.param(kind, fault, marks=[pytest.mark.slow] if _is_long(kind, fault) else [])
    for kind in KINDS
    for fault in EXPECTED[kind]
]
#: What a fault meets: the sale itself, not a sign-in or a question.
_ONLY = {"nhsa": "selinfo", "epcis": "EPCISDocument", "webhook": "", "shanxi": ""}


def table_lines() -> list[str]:
    """Give the expectations as the README shows them."""
    lines = ["| fault | " + " | ".join(f"`{kind}`" for kind in KINDS) + " |", "|---|" + "---|" * len(KINDS)]
    faults = dict.fromkeys(fault for kind in KINDS for fault in EXPECTED[kind])
    for fault in faults:
        cells = [_cell(EXPECTED[kind].get(fault)) for kind in KINDS]
        lines.append(f"| `{fault}` | " + " | ".join(cells) + " |")
    return lines


def _cell(expected: Expected | None) -> str:
    if expected is None:
        return ""
    first = f"{expected.first} `{expected.reason}`" if expected.reason else expected.first
    last = "" if expected.last == expected.first else f", then {expected.last}"
    return f"{first}{last}; {expected.taken}"


def test_readme_when_it_shows_the_matrix_then_it_shows_what_is_tested() -> None:
    """The table in the bridge's README is the one that the cases here expect."""
    readme = (ROOT / "daemon/yaoma_bridge/README.md").read_text("utf-8")
    assert "\n".join(table_lines()) in readme


@pytest.fixture(scope="module")
def simulators() -> Iterator[dict[str, Simulated]]:
    """Give a simulator of each kind; they run as long as the module."""
    running = {kind: simulator(kind) for kind in KINDS}
    yield running
    for one in running.values():
        one.stop()


def _bridge(folder: Path, log: BoxLog, kind: str, url: str, **more: object) -> UploadingBridge:
    folder.mkdir(exist_ok=True)
    register(folder / "boxes", log.name)
    return UploadingBridge(folder, destination(kind, folder, url, **more), facts=centre_facts(folder))


def _sold(bridge: UploadingBridge, log: BoxLog) -> None:
    counter = Counter(log)
    counter.open("dispense", payer="self", bill="XS-7")
    lot: dict[str, Json] = {"lot": "A123", "expiry": "2028-03-31", "produced": "2026-04-01"}
    for code in (A, B):
        counter.scan(code, verdict="PASS", packs_more=1, **lot)
    counter.close()
    bridge.take(log.payload(), name=log.name)
    bridge.bill()


@pytest.mark.parametrize(("kind", "fault"), _CASES)
def test_sale_when_a_fault_meets_it_then_it_ends_as_the_table_says(
    tmp_path: Path, log: BoxLog, simulators: dict[str, Simulated], kind: str, fault: str
) -> None:
    """Whatever goes wrong, nothing is lost, nothing counts twice, and nothing is called accepted that was not."""
    expected, simulated = EXPECTED[kind][fault], simulators[kind]
    simulated.reset()
    bridge = _bridge(tmp_path, log, kind, simulated.url)
    _sold(bridge, log)
    if fault != "none":
        simulated.fail(fault, only=_ONLY[kind], delay_s=0.2 if fault == "slow" else 0.7)
    told = bridge.upload()
    first = bridge.parcels()
    for _ in range(4):
        if bridge.parcels()[0][0] not in {"accepted", "refused"}:
            told += bridge.upload(1000)
    taken = len(simulated.received())
    states = {(one.state.value, one.reason) for receipt in told for one in receipt.outcomes}
    last = [fate for fate, _ in bridge.parcels()]
    bridge.close()
    assert [(expected.first, expected.reason)] == first
    assert ([expected.last], expected.taken) == (last, taken)
    assert expected.last in {state for state, _ in states}, "the box hears of it"
    assert ("accepted" in {state for state, _ in states}) == (expected.last == "accepted")


def test_sale_when_a_till_says_more_and_seals_a_person_then_the_platform_has_it_and_the_store_has_no_number(
    tmp_path: Path, log: BoxLog, simulators: dict[str, Simulated]
) -> None:
    """From the ticket's records through the pipeline: settlement and identity reach the row, and lie open nowhere."""
    simulated = simulators["nhsa"]
    simulated.reset()
    keys = tmp_path / "sealing"
    keys.mkdir()
    key = make_sealing_key(keys / "bridge.seal", "bridge")
    blob = seal_to([key.public], NUMBER.encode(), person_context(log.name.site, log.name.box, log.log))
    bridge = _bridge(tmp_path, log, "nhsa", simulated.url, sealing_keys=keys)
    counter = Counter(log)
    counter.open("dispense", payer="insurance", bill="XS-7", wants_person=True)
    assert counter.ticket is not None
    person = Person({"kind": "resident", "hash": "00", "keys": [key.public.id]}, blob)
    log.add(identity_entry(counter.ticket, "op1", person))
    counter.scan(A, verdict="PASS", packs_more=1, lot="A123", expiry="2028-03-31", produced="2026-04-01")
    told = TicketCommand(Action.CLOSE, counter.station, facts=(("settlement", "S2026"), ("visit", "V1")))
    log.add(ticket_entry(told, counter.ticket, "", into="dispensed"))
    bridge.take(log.payload(), name=log.name)
    bridge.bill()
    bridge.upload()
    (taken,) = simulated.received()
    bridge.close()
    row = taken["row"]
    assert ("S2026", "V1", "1") == (row["setl_id"], row["mdtrt_sn"], row["mdtrt_setl_type"])
    assert (NUMBER, "01") == (row["certno"], row["psn_cert_type"])
    kept = [file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()]
    assert not any(NUMBER.encode() in content for content in kept)


@pytest.mark.row("S0-15", part="bridge")
@pytest.mark.row("S1-04", part="bridge")
def test_sale_when_several_systems_take_it_then_each_has_the_same_number_and_its_own_answer(
    tmp_path: Path, log: BoxLog, simulators: dict[str, Simulated]
) -> None:
    """One scan serves all; what one refuses, the others may accept."""
    numbers = []
    for kind in ("nhsa", "webhook", "epcis"):
        simulated = simulators[kind]
        simulated.reset()
        if kind == "webhook":
            simulated.fail("refused")
        bridge = _bridge(tmp_path / kind, log.twin(), kind, simulated.url)
        _sold(bridge, log.twin())
        bridge.upload()
        bridge.upload(60)
        ((number, fate),) = bridge.rows("SELECT number, fate FROM parcel")
        bridge.close()
        numbers.append(number[:20])
        assert ("refused" if kind == "webhook" else "accepted") == fate
    assert 1 == len(set(numbers))
