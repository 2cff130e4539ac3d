"""Despatch note: what leaves by a ticket becomes a note that the receiver's box can read."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.bills import bill_of, line_of
from fakes.ticketed import code_of
from yaoma.core.canonical import canonical, parse_canonical
from yaoma.core.shipment import ShipmentKind
from yaoma.core.shipment_text import MAX_CODES, read_shipment, shipment_fields
from yaoma_bridge import despatch_note
from yaoma_bridge.bill import Bill, BillLine
from yaoma_bridge.despatch_note import notes_of, partner_of
from yaoma_link.state import MAX_STATE_BYTES

CASE = code_of(90, product=9)


def _bill(*lines: BillLine, operation: str = "transfer_out", **changes: object) -> Bill:
    return bill_of(operation, lines, **{"facts": {"partner": "H2"}, **changes})


@pytest.mark.row("S2-04", part="bridge")
def test_a_note_names_containers_and_packs_as_they_were_scanned() -> None:
    """A whole case travels with its packs in it, a pack of its own beside it; lot, expiry and name where known."""
    bill = _bill(
        line_of(1, code=CASE, packs=(code_of(1), code_of(2))),
        line_of(3, expiry="soon"),
        line_of(4, number=2, lot=""),
    )
    (note,) = notes_of(bill)
    assert (note.id, note.kind, note.supplier, note.bill, note.sent_ms) == (
        f"yaoma:H1:{bill.number}", ShipmentKind.TRANSFER, "示例药店", "XS-7", bill.closed_ms,
    )  # fmt: skip
    assert dict(note.parents) == {CASE: "", code_of(1): CASE, code_of(2): CASE, code_of(3): "", code_of(4, 2): ""}
    said = [(one.product, one.packs, one.lot, str(one.expiry), one.name) for one in note.lines]
    assert said == [
        ("cn20:8000001", 2, "A123", "2028-03-31", "示例药品1"),
        ("cn20:8000001", 1, "A123", "None", "示例药品1"),
        ("cn20:8000002", 1, None, "2028-03-31", "示例药品2"),
    ]
    assert read_shipment(parse_canonical(canonical(shipment_fields(note)))) == note


def test_a_container_that_is_not_whole_travels_pack_by_pack() -> None:
    """Its own code would promise what was taken out of it."""
    bill = _bill(line_of(1, code=CASE, packs=(code_of(1), code_of(2)), is_whole=False))
    (note,) = notes_of(bill)
    assert dict(note.parents) == {code_of(1): "", code_of(2): ""}


def test_portions_and_unreadable_codes_are_left_out() -> None:
    """What no box could read in a note, or is only a part of a pack, is not in it; nothing else is lost by it."""
    odd = [line_of(5, code=code) for code in ("other:x:1", "cn20:123", "", "gs1:1")]
    bill = _bill(line_of(1), line_of(2, units=3), line_of(3, case_packs=1), *odd)
    (note,) = notes_of(bill)
    assert list(note.parents) == [code_of(1)]
    assert notes_of(_bill(line_of(2, units=3))) == ()


def test_names_are_cut_to_what_a_note_may_hold() -> None:
    """Long and unprintable texts of a till or a product list do no harm."""
    line = line_of(1, lot="L\n" * 300)
    assert line.product is not None
    line = replace(line, product=replace(line.product, name="药" * 500))
    (note,) = notes_of(_bill(line, till_bill="\x00X" * 400))
    assert read_shipment(parse_canonical(canonical(shipment_fields(note)))) == note


@pytest.mark.parametrize(
    ("operation", "changes", "partner"),
    [
        ("wholesale", {"facts": {"partner": "乙公司"}}, "乙公司"),
        ("transfer_out", {"facts": {}}, ""),
        ("return_supplier", {"facts": {}, "supplier": "H0"}, "H0"),
        ("return_supplier", {"facts": {"partner": "H7"}, "supplier": "H0"}, "H7"),
        ("wholesale", {"facts": {}, "supplier": "H0"}, ""),
        ("dispense", {"facts": {"partner": "H2"}}, ""),
        ("receive", {"facts": {"partner": "H2"}}, ""),
    ],
)
def test_the_receiver_is_whom_the_ticket_names(operation: str, changes: dict[str, object], partner: str) -> None:
    """What goes back goes to who sent it; sales to persons and deliveries have no receiver."""
    assert partner_of(_bill(operation=operation, **changes)) == partner


def test_nothing_but_what_leaves_for_somebody_makes_a_note() -> None:
    """A sale to a person, a delivery and a loss are no despatch."""
    for operation in ("dispense", "receive", "destroy", "move", "count"):
        assert notes_of(_bill(operation=operation)) == ()


def test_a_long_ticket_is_divided_and_stays_divided_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each code stands in one note only; later knowledge of products moves none to another note."""
    monkeypatch.setattr(despatch_note, "_MOST_CODES", 4)
    bare = [line_of(serial, product=None, facts={}, expiry="") for serial in range(1, 7)]
    bill = _bill(line_of(8, code=CASE, packs=(code_of(10), code_of(11))), *bare)
    known = replace(
        bill, lines=[line_of(8, code=CASE, packs=(code_of(10), code_of(11)))] + [line_of(n) for n in range(1, 7)]
    )
    first, second, third = notes_of(bill)
    assert [one.id.rpartition("_")[2] for one in (first, second, third)] == ["1", "2", "3"]
    assert list(first.parents) == [CASE, code_of(10), code_of(11)]
    assert [set(one.parents) for one in notes_of(known)] == [set(one.parents) for one in (first, second, third)]


def test_a_note_of_the_largest_ticket_fits_into_a_message() -> None:
    """Five thousand codes in cases, or hundreds of lots with long names, stay below what a broker takes."""
    serials = iter(range(1, 10_000))
    gs1 = [f"gs1:010690123456789{n % 10}21{n:020d}" for n in range(4900)]
    lines = [line_of(1, code=gs1[first], packs=tuple(gs1[first + 1 : first + 100])) for first in range(0, 4900, 100)]
    lines += [line_of(next(serials), number=n, lot=f"{n:020d}") for n in range(1, 290)]
    for note in notes_of(_bill(*lines)):
        assert len(canonical(shipment_fields(note))) < MAX_STATE_BYTES
        assert len(note.parents) <= MAX_CODES


_LINES = st.lists(
    st.builds(
        line_of,
        st.integers(1, 30),
        st.integers(1, 3),
        lot=st.text(max_size=4),
        expiry=st.text(max_size=10),
        code=st.sampled_from([*(code_of(n) for n in range(1, 6)), CASE, "other:a:b", "gs1:01069012345678922112"]),
        packs=st.lists(st.sampled_from([code_of(n) for n in range(1, 9)]), max_size=4).map(tuple),
        is_whole=st.booleans(),
        units=st.sampled_from([0, 0, 2]),
    ),
    max_size=8,
)


@given(_LINES, st.text(max_size=8))
def test_whatever_stands_on_a_ticket_its_note_can_be_read(lines: list[BillLine], till_bill: str) -> None:
    """No ticket makes a note that contradicts itself, and no code stands in two places."""
    for note in notes_of(_bill(*lines, till_bill=till_bill)):
        assert read_shipment(parse_canonical(canonical(shipment_fields(note)))) == note
