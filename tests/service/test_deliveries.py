"""Deliveries through the real recorder: containers, notes, what is missing or refused, and the quarantine."""

from collections.abc import Callable
from typing import Any

from fakes.counter import CounterBench
from fakes.moments import WHOLE, carton, catalogue, delivered, note, pack
from yaoma.core.allowlist import CodeStatus, Denial, DenialKind, Listing, Source
from yaoma.core.command import Undo
from yaoma.core.pack import PackState
from yaoma.core.policy import Policy
from yaoma.core.product import Product, ProductFlag
from yaoma.core.ticket import Action
from yaoma.service.work import Answer

POLICY = Policy(hold_off_ms=0, training_codes_prefixes=(), emergency_hours=48)
PACKS = [pack(number=number).key for number in range(1, 5)]
POPPY = {WHOLE: Product(WHOLE, "吗啡", drug="d-whole", flags=frozenset({ProductFlag.CONTROLLED}))}

NewBench = Callable[..., CounterBench]


def state(bench: CounterBench, key: str) -> PackState:
    """Where a pack stands."""
    seen = bench.ledger.seen(key)
    return seen.state if seen else PackState.UNKNOWN


def difference(answer: Answer) -> dict[str, Any]:
    """What closing a delivery found."""
    (found,) = [record for record in answer.records if record.kind == "difference"]
    return dict(found.fields)


def test_delivery_when_one_carton_is_scanned_then_everything_in_it_is_in_stock(new_bench: NewBench) -> None:
    """One physical scan (S1-05); its record lists the packs; a second pull of the trigger brings nothing."""
    bench = new_bench()
    bench.ticket(Action.OPEN, "receive", shipment="n-1")

    assert bench.said(carton().key, carton().key, PACKS[2]) == [
        ("PASS", "in_list"), ("REPEAT", "on_ticket"), ("REPEAT", "on_ticket"),
    ]  # fmt: skip
    assert bench.shown.verdicts[0][2].fields["packs"] == PACKS
    assert bench.shown.verdicts[0][2].fields["lot"] == "L1"
    found = difference(bench.ticket(Action.CLOSE))
    assert [found[name] for name in ("said", "matched", "missing", "extra", "doubtful")] == [4, 4, 0, 0, 0]
    assert {state(bench, key) for key in PACKS} == {PackState.IN_STOCK}
    seen = bench.ledger.seen(PACKS[3])
    assert seen is not None
    assert seen.lot == "L1"


def test_delivery_when_packs_lack_or_differ_then_each_is_named_and_the_doubtful_do_not_enter_stock(
    new_bench: NewBench,
) -> None:
    """Missing, extra, wrong lot and not activated (S1-12, S1-13); also what was red is there, and named."""
    listings = {
        PACKS[1]: Listing(Source.SHIPMENT, lot="L2", shipment="n-1"),
        PACKS[2]: Listing(Source.SHIPMENT, status=CodeStatus.ABSENT, shipment="n-1"),
    }
    bench = new_bench(delivered(note(), listings=listings))
    stranger = pack(number=9).key
    bench.ticket(Action.OPEN, "receive", shipment="n-1")

    assert bench.said(PACKS[0], PACKS[1], PACKS[2], stranger) == [
        ("PASS", "in_list"), ("REVIEW", "lot_mismatch"), ("STOP", "status_absent"), ("REVIEW", "not_in_shipment"),
    ]  # fmt: skip
    found = difference(bench.ticket(Action.CLOSE))
    assert (found["matched"], found["missing_codes"], found["extra_codes"]) == (1, [PACKS[3]], [stranger])
    assert found["doubtful_codes"] == [[PACKS[1], "lot_mismatch"], [PACKS[2], "status_absent"]]
    states = [state(bench, key) for key in (PACKS[0], PACKS[1], PACKS[2], stranger)]
    assert states == [PackState.IN_STOCK, PackState.QUARANTINED, PackState.UNKNOWN, PackState.QUARANTINED]


def test_delivery_when_a_carton_is_red_then_what_it_holds_is_named_as_refused_and_not_as_missing(
    new_bench: NewBench,
) -> None:
    """The supplier has sent it; that it is recalled is another matter."""
    bench = new_bench(delivered(note(), lot_denials={(WHOLE, "L1"): Denial(DenialKind.RECALL, "2026-11")}))
    bench.ticket(Action.OPEN, "receive", shipment="n-1")

    assert bench.said(carton().key) == [("STOP", "denied_recall")]
    found = difference(bench.ticket(Action.CLOSE))
    assert (found["missing"], found["doubtful"]) == (0, 4)
    assert {reason for _, reason in found["doubtful_codes"]} == {"denied_recall"}


def test_delivery_when_the_note_comes_in_two_parts_then_neither_counts_twice(new_bench: NewBench) -> None:
    """The second asks only for the rest; what was sold meanwhile does not come in once more with its carton."""
    bench = new_bench()
    bench.ticket(Action.OPEN, "receive", shipment="n-1")
    bench.said(PACKS[0])
    assert difference(bench.ticket(Action.CLOSE))["missing"] == 3
    bench.ticket(Action.OPEN)
    assert bench.said(PACKS[0]) == [("PASS", "in_list")]
    bench.ticket(Action.CLOSE)
    bench.ticket(Action.OPEN, "receive", shipment="n-1")

    assert bench.said(carton().key, PACKS[1], PACKS[2]) == [
        ("STOP", "sold_here"), ("PASS", "in_list"), ("PASS", "in_list"),
    ]  # fmt: skip
    found = difference(bench.ticket(Action.CLOSE))
    assert (found["matched"], found["missing"]) == (2, 0)
    assert [state(bench, key) for key in PACKS[:2]] == [PackState.DISPENSED, PackState.IN_STOCK]


def test_delivery_when_there_is_no_note_then_that_is_said(new_bench: NewBench) -> None:
    """No ASN at all; a note that nobody knows is refused at once."""
    bench = new_bench(catalogue())
    assert bench.ticket(Action.OPEN, "receive", shipment="n-1").refusal == "shipment_unknown"
    bench.ticket(Action.OPEN, "receive")
    bench.said(PACKS[0])
    found = difference(bench.ticket(Action.CLOSE))

    assert (found["shipment"], found["said"], found["extra"]) == ("", 0, 1)


def test_quarantine_when_a_pack_is_in_doubt_then_only_a_named_operator_releases_it(new_bench: NewBench) -> None:
    """It can't be sold (S1-13); the check needs a name (S2-11) and puts it on the shelf."""
    bench = new_bench(catalogue({PACKS[0]: Listing(Source.HEADQUARTERS)}))
    bench.ticket(Action.OPEN, "receive")
    assert bench.said(PACKS[0]) == [("REVIEW", "headquarters_not_allowed")]
    bench.ticket(Action.CLOSE)
    bench.ticket(Action.OPEN)
    assert bench.said(PACKS[0]) == [("STOP", "quarantined")]
    bench.ticket(Action.CANCEL)

    assert bench.ticket(Action.OPEN, "check_return").refusal == "operator_needed"
    bench.ticket(Action.OPEN, "check_return", operator="li")
    assert bench.said(PACKS[0]) == [("PASS", "in_list")]
    bench.ticket(Action.CLOSE)
    bench.ticket(Action.OPEN)
    assert bench.said(PACKS[0]) == [("PASS", "in_list")]


def test_undo_when_the_last_scan_was_a_carton_then_all_of_it_goes_and_nothing_else(new_bench: NewBench) -> None:
    """The operator takes back one pull of the trigger; the next undo takes the one before."""
    bench = new_bench()
    bench.ticket(Action.OPEN, "receive")
    bench.said(pack(number=9).key, carton().key)
    first, second = bench.ask(Undo("counter")), bench.ask(Undo("counter"))

    assert [one.record.fields["packs"] for one in (first, second) if one.record] == [PACKS, [pack(number=9).key]]
    assert bench.ask(Undo("counter")).refusal == "ticket_empty"
    assert bench.said(carton().key) == [("PASS", "in_list")]
