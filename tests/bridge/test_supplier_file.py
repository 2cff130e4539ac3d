"""The destination `supplier_file`: what the check of a delivery found, in a folder per supplier."""

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from fakes.ticketed import code_of
from yaoma.core.canonical import Json
from yaoma_bridge.bill import Bill, BillLine
from yaoma_bridge.destinations.supplier_file import SupplierFileDestination, SupplierFileOptions
from yaoma_bridge.platform import AnswerState, RulingKind

_FOUND: dict[str, Json] = {
    "shipment": "n1",
    "supplier": "甲/公司",
    "bill": "S1",
    "said": 3,
    "matched": 1,
    "missing": 1,
    "extra": 0,
    "doubtful": 1,
    "missing_codes": [code_of(3)],
    "extra_codes": [],
    "doubtful_codes": [[code_of(2), "status_unknown"]],
    "lines": [["cn20:8000001", "L1", 3, 1]],
}


def _bill(*differences: dict[str, Json]) -> Bill:
    lines = (BillLine(code_of(1), (1,), lot="L1", shipment="n1"), BillLine(code_of(2), (2,), shipment="n1"))
    return Bill("H1", "b", "log1", "t1", "receive", 0, 1_795_000_000_000, 9, lines, differences=differences)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.row("S1-11", part="bridge")
@pytest.mark.row("S4-03", part="bridge")
def test_each_note_of_a_delivery_becomes_a_file_of_its_supplier(tmp_path: Path) -> None:
    """What matched, lacked and was doubted stands there, in a folder whose name is no way out."""
    destination = SupplierFileDestination("files", SupplierFileOptions(folder=tmp_path))
    bill = _bill(_FOUND)
    (parcel,) = destination.parcels(bill)
    assert destination.ask(parcel, 0).state is AnswerState.WAITING
    assert destination.send(parcel, 0).state is AnswerState.ACCEPTED
    assert destination.ask(parcel, 0).state is AnswerState.ACCEPTED
    (path,) = tmp_path.rglob("*.csv")
    assert path == tmp_path / "甲-公司" / f"{bill.number}.csv"
    rows = _rows(path)
    assert [(row["result"], row["code"], row["reason"]) for row in rows] == [
        ("line", "", ""),
        ("matched", code_of(1), ""),
        ("missing", code_of(3), ""),
        ("doubtful", code_of(2), "status_unknown"),
    ]
    assert {(row["supplier"], row["supplier_bill"]) for row in rows} == {("甲/公司", "S1")}


def test_written_again_it_is_the_same(tmp_path: Path) -> None:
    """A crash after the write does no harm."""
    destination = SupplierFileDestination("files", SupplierFileOptions(folder=tmp_path))
    (parcel,) = destination.parcels(_bill(_FOUND))
    destination.send(parcel, 0)
    (path,) = tmp_path.rglob("*.csv")
    before = path.read_bytes()
    destination.send(parcel, 99)
    assert path.read_bytes() == before
    assert [one.name for one in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("supplier", ["", "..", "../../etc", "/", "=cmd"])
def test_no_supplier_leads_out_of_the_folder(tmp_path: Path, supplier: str) -> None:
    """Whatever a note calls its sender, the file lies one folder below."""
    folder = tmp_path / "out"
    destination = SupplierFileDestination("files", SupplierFileOptions(folder=folder))
    (parcel,) = destination.parcels(_bill({**_FOUND, "supplier": supplier}))
    assert destination.send(parcel, 0).state is AnswerState.ACCEPTED
    (path,) = tmp_path.rglob("*.csv")
    assert path.parent.parent == folder
    assert not any(row["supplier"].startswith("=") for row in _rows(path))


def test_what_was_not_compared_or_was_as_said_is_not_wanted(tmp_path: Path) -> None:
    """Sales, and deliveries without a difference where only those are wanted, make no file."""
    destination = SupplierFileDestination("files", SupplierFileOptions(folder=tmp_path, only_differences=True))
    clean: dict[str, Json] = {**_FOUND, "missing": 0, "doubtful": 0}
    kinds = [destination.rule(bill, bill.lines[0]).kind for bill in (_bill(), _bill(clean), _bill(_FOUND))]
    assert kinds == [RulingKind.NOT_NEEDED, RulingKind.NOT_NEEDED, RulingKind.NEEDED]


def test_a_full_disk_waits(tmp_path: Path) -> None:
    """A folder that can't be written is trouble of the place, not of the delivery."""
    (tmp_path / "file").write_text("")
    destination = SupplierFileDestination("files", SupplierFileOptions(folder=tmp_path / "file"))
    (parcel,) = destination.parcels(replace(_bill(_FOUND)))
    answer = destination.send(parcel, 0)
    assert (answer.state, answer.is_outage) == (AnswerState.WAITING, True)
