"""The destination `despatch_file`: notes for partners without a box here, and how such a partner takes one in."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fakes.bills import bill_of, line_of
from fakes.box import BoxLog
from fakes.stepped_bridge import SteppedBridge, register
from fakes.ticketed import Counter, code_of
from fakes.uploading_bridge import UploadingBridge
from yaoma.core.shipment_text import read_shipment
from yaoma_bridge import despatch_note
from yaoma_bridge.bill import Bill
from yaoma_bridge.centre_facts import CentreFacts
from yaoma_bridge.despatch_note import notes_of
from yaoma_bridge.destinations.despatch_file import DespatchFileDestination, DespatchFileOptions
from yaoma_bridge.destinations.find import make_destination
from yaoma_bridge.errors import ConfigError
from yaoma_bridge.platform import AnswerState, RulingKind
from yaoma_bridge.registry import Registry
from yaoma_bridge.state import queue_news, state_after
from yaoma_bridge.state_cli import _read
from yaoma_link.state import StateMessage
from yaoma_link.topics import BoxName

A, B = code_of(1), code_of(2)


def _destination(folder: Path) -> DespatchFileDestination:
    made = make_destination("despatch_file", "notes", {"folder": str(folder)})
    assert isinstance(made, DespatchFileDestination)
    return made


def _bill(**changes: object) -> Bill:
    given = {"lines": (line_of(1), line_of(2)), "facts": {"partner": "乙/公司"}, **changes}
    return bill_of("wholesale", **given)  # type: ignore[arg-type]  # the fields of a bill


@pytest.fixture
def bridge(tmp_path: Path, log: BoxLog) -> Iterator[UploadingBridge]:
    """Give a bridge that writes notes, and knows the boxes of H1 and H2."""
    for name in (log.name, BoxName("H2", "counter-1")):
        register(tmp_path / "boxes", name)
    facts = CentreFacts(registry=Registry(tmp_path / "boxes"))
    running = UploadingBridge(tmp_path, _destination(tmp_path / "out"), facts=facts)
    yield running
    running.close()


@pytest.mark.row("S4-04", part="bridge")
def test_a_partner_without_a_box_gets_a_file_that_its_own_centre_takes(
    bridge: UploadingBridge, log: BoxLog, tmp_path: Path
) -> None:
    """From a closed wholesale to the box of the buyer, whose bridge reads the file as it is."""
    ticket = Counter(log).send(A, B, partner="乙/公司", operation="wholesale")
    bridge.take(log.payload(), name=log.name)
    bridge.bill()
    bridge.upload()
    assert bridge.fates() == {A: ("accepted", ""), B: ("accepted", "")}
    (path,) = (tmp_path / "out").rglob("*.json")
    assert path.parent == tmp_path / "out" / "乙-公司"
    buyer = BoxName("D7", "store-1")
    (tmp_path / "buyer").mkdir()
    other = SteppedBridge(tmp_path / "buyer")
    with other.store.writing() as tx:
        queue_news(tx, buyer, _read(path), other.signer, other.now_ms)
        (sent,) = state_after(tx, buyer, other.signer, other.now_ms)
    (note,) = StateMessage.opened(sent.payload, [other.signer.verifier()]).shipments
    other.close()
    assert (note.supplier, note.bill, list(note.line_of)) == ("H1", ticket, [A, B])


def test_a_partner_with_a_box_here_gets_no_file(bridge: UploadingBridge, log: BoxLog, tmp_path: Path) -> None:
    """It is told by a message; what names nobody, and a sale to a person, make no file either."""
    counter = Counter(log)
    counter.send(A, partner="H2")
    counter.send(B)
    counter.sell(code_of(3))
    bridge.take(log.payload(), name=log.name)
    bridge.bill()
    bridge.upload()
    assert bridge.fates() == {}
    assert not (tmp_path / "out").exists()


def test_file_and_list_name_the_same_note(tmp_path: Path) -> None:
    """What a route leaves out of the bill, or can't stand in a note, gives the note no other id."""
    destination = _destination(tmp_path)
    bill = _bill(lines=(line_of(1), line_of(2, code="other:x:1"), line_of(3)))
    wanted = [line for line in bill.lines if destination.rule(bill, line).kind is RulingKind.NEEDED]
    chosen = replace(bill, lines=wanted)
    (parcel,) = destination.parcels(chosen)
    assert destination.send(parcel, 0).state is AnswerState.ACCEPTED
    (path,) = tmp_path.rglob("*.json")
    assert read_shipment(json.loads(path.read_bytes())).id == notes_of(bill)[0].id


def test_a_long_ticket_is_several_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each note has its own; every line of the bill is in one of the parcels."""
    monkeypatch.setattr(despatch_note, "_MOST_CODES", 2)
    destination = _destination(tmp_path)
    parcels = destination.parcels(_bill())
    assert [parcel.lines for parcel in parcels] == [(0,), (1,)]
    for parcel in parcels:
        assert destination.ask(parcel, 0).state is AnswerState.WAITING
        assert destination.send(parcel, 0).state is AnswerState.ACCEPTED
        assert destination.ask(parcel, 0).state is AnswerState.ACCEPTED
    codes = [list(read_shipment(json.loads(path.read_bytes())).line_of) for path in sorted(tmp_path.rglob("*.json"))]
    assert codes == [[A], [B]]


@pytest.mark.parametrize("partner", ["..", "../../etc", "/", "=cmd"])
def test_no_partner_leads_out_of_the_folder(tmp_path: Path, partner: str) -> None:
    """Whatever a till calls a partner, the file lies one folder below."""
    folder = tmp_path / "out"
    destination = _destination(folder)
    (parcel,) = destination.parcels(_bill(facts={"partner": partner}))
    assert destination.send(parcel, 0).state is AnswerState.ACCEPTED
    (path,) = tmp_path.rglob("*.json")
    assert path.parent.parent == folder


def test_a_folder_that_cant_be_written_waits(tmp_path: Path) -> None:
    """Trouble of the disk is none of the note."""
    (tmp_path / "file").write_text("")
    destination = DespatchFileDestination("notes", DespatchFileOptions(folder=tmp_path / "file"))
    (parcel,) = destination.parcels(_bill())
    answer = destination.send(parcel, 0)
    assert (answer.state, answer.reason, answer.is_outage) == (AnswerState.WAITING, "disk", True)


def test_a_relative_folder_is_refused() -> None:
    """Whoever starts the bridge elsewhere would write elsewhere."""
    with pytest.raises(ConfigError, match="folder"):
        make_destination("despatch_file", "notes", {"folder": "out"})
