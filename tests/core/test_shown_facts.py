"""What the operator's sentence is filled with, and what the record of the same scan holds."""

from dataclasses import replace

from fakes.moments import TABLETS, WHOLE, catalogue, delivered, known, moment, note, on_ticket, pack
from yaoma.core.allowlist import Listing, Source
from yaoma.core.canonical import canonical
from yaoma.core.ledger import Take
from yaoma.core.pack import PackState
from yaoma.core.reason import Reason
from yaoma.core.scan import scan_entry
from yaoma.core.ticket import Line
from yaoma.core.verdict import judge
from yaoma_drivers.symbol import Symbol


def test_lot_when_the_note_says_another_then_both_are_told() -> None:
    """The operator sees the pack's lot beside the note's, whichever the list would have put first."""
    listings = {pack().key: Listing(Source.SHIPMENT, lot="L2", shipment="n-1")}
    shipment = note()

    found = judge(pack(), moment("receive", allowlist=delivered(shipment, listings=listings)))

    assert found.reason == Reason.LOT_MISMATCH
    assert (found.facts["lot"], found.facts["said"]) == ("L2", shipment.lines[0].lot)


def test_delivery_when_practised_then_no_despatch_note_is_asked_for() -> None:
    """A practice code has no sender, so receiving it can be practised to a PASS."""
    code = replace(pack(), digits="81000000000000000001")

    found = judge(code, moment("receive", code, on={"is_training": True}))

    assert found.reason == Reason.PRACTISED


def test_place_when_a_pack_is_judged_again_then_it_is_the_place_that_it_has() -> None:
    """A pack that waited for an identity is the first of its ticket before and after the card."""
    seen = on_ticket(PackState.IN_STOCK, Take(1), verdict="REVIEW")

    found = judge(pack(), moment("dispense", seen=seen, on={"packs": 1}))

    assert found.facts["place"] == 1


def test_record_when_two_reasons_stand_against_a_pack_then_it_can_be_written() -> None:
    """Both reasons go into the record as plain text; an enumeration has no canonical form."""
    lines = (Line(TABLETS, ("d-tablets",), 1),)
    situation = moment("dispense", seen=known(PackState.DISPENSED), allowlist=catalogue(), on={"lines": lines})

    found = judge(pack(), situation)
    entry = scan_entry(Symbol(pack().digits.encode(), "gun", 0), pack(), found, situation)

    assert len(found.also) == 1, WHOLE
    assert b'"also":[' in canonical(dict(entry.fields))
