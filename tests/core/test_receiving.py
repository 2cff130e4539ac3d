"""Receiving: a delivery held against its despatch note, and what the record of it says (S1-09, S1-12, S1-13)."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from fakes.moments import WHOLE, carton, note, pack
from fakes.scanned import stamp
from yaoma.core.receiving import compare, difference_entry
from yaoma.core.record import MAX_BODY_BYTES, Kind
from yaoma.core.shipment import Shipment, ShipmentKind, ShipmentLine
from yaoma.core.ticket import Ticket

NOTE = note()
KEYS = list(NOTE.line_of)
TICKET = Ticket("t1", "store", "receive", 4, shipment="n-1")


def test_delivery_when_everything_is_there_then_it_is_clean() -> None:
    """Each pack stands in one list only; the line says how many were said and found."""
    found = compare(NOTE, dict.fromkeys(KEYS, ""))

    assert found.is_clean
    assert (found.matched, found.missing, found.extra, found.doubtful) == (KEYS, [], [], {})
    assert found.lines == [(4, 4)]


def test_delivery_when_packs_lack_or_are_too_many_or_in_doubt_then_each_is_named_once() -> None:
    """应到, 相符, 未到, 多到, and what stands against a pack that is there."""
    stranger = pack(number=9).key
    found = compare(NOTE, {KEYS[0]: "", KEYS[1]: "lot_mismatch", stranger: ""})

    assert not found.is_clean
    assert (found.matched, found.doubtful) == ([KEYS[0]], {KEYS[1]: "lot_mismatch"})
    assert (found.extra, found.missing, found.lines) == ([stranger], KEYS[2:], [(4, 1)])


def test_delivery_when_a_part_came_earlier_then_only_the_rest_is_missing() -> None:
    """Two deliveries of one note are two tickets; the first is not asked for again."""
    found = compare(NOTE, {KEYS[2]: ""}, already=KEYS[:2])

    assert (found.missing, found.matched) == ([KEYS[3]], [KEYS[2]])


def test_delivery_when_there_is_no_note_then_everything_is_extra_and_nothing_is_clean() -> None:
    """No ASN at all (S1-05): said so, not passed over."""
    found = compare(None, {KEYS[0]: ""})

    assert not found.is_clean
    assert (found.shipment, found.extra, found.missing, found.lines) == (None, [KEYS[0]], [], [])
    entry = difference_entry(replace(TICKET, shipment=""), found)
    assert (entry.fields["said"], entry.fields["extra"], entry.fields["supplier"]) == (0, 1, "")


def test_record_when_made_then_the_supplier_can_be_told_by_it() -> None:
    """Counts, codes with reasons, and each line of the note (S1-13)."""
    entry = difference_entry(TICKET, compare(NOTE, {KEYS[0]: "", KEYS[1]: "lot_mismatch"}))

    assert entry.kind is Kind.DIFFERENCE
    told = {name: entry.fields[name] for name in ("supplier", "bill", "said", "matched", "missing", "doubtful")}
    assert told == {"supplier": "供货商", "bill": "FH-1", "said": 4, "matched": 1, "missing": 2, "doubtful": 1}
    assert entry.fields["missing_codes"] == KEYS[2:]
    assert entry.fields["doubtful_codes"] == [[KEYS[1], "lot_mismatch"]]
    assert entry.fields["lines"] == [[WHOLE, "L1", 4, 1]]


def test_record_when_the_note_is_as_large_as_may_be_then_it_still_fits() -> None:
    """10,000 codes on 2,000 lines with long lots, all missing: a box could not start with a record that is too long."""
    lines = tuple(ShipmentLine(WHOLE, 5, "批" * 200) for _ in range(2000))
    keys = [f"gs1:010690123456789221{number:020d}" for number in range(10_000)]
    large = Shipment(
        "n" * 200, ShipmentKind.SUPPLIER, "供" * 200, "单" * 200, lines, dict.fromkeys(keys, ""),
        {key: number // 5 for number, key in enumerate(keys)},
    )  # fmt: skip
    entry = difference_entry(TICKET, compare(large, {}))

    assert entry.fields["missing"] == 10_000
    assert len(entry.body("log", 7, stamp(0))) < MAX_BODY_BYTES


@given(st.dictionaries(st.sampled_from([*KEYS, pack(number=8).key, carton().key]), st.sampled_from(["", "expired"])))
def test_delivery_when_anything_is_scanned_then_every_code_is_counted_once(scanned: dict[str, str]) -> None:
    """Matched, missing and in doubt together are the note; matched, extra and in doubt are what was scanned."""
    found = compare(NOTE, scanned)
    said = [*found.matched, *found.missing, *found.doubtful]

    assert sorted(said) == sorted(KEYS)
    assert sorted([*found.matched, *found.extra, *found.doubtful]) == sorted(scanned)
