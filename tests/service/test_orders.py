"""Sales, duties and goods without a code through the real recorder: what is shown, recorded and refused."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

from fakes.counter import CounterBench
from fakes.moments import TABLETS, WHOLE, carton, catalogue, pack
from yaoma.core.allowlist import Denial, DenialKind
from yaoma.core.command import Override, Settle, State, StockMove, Undo
from yaoma.core.deed import StockAction
from yaoma.core.pack import PackState
from yaoma.core.person_statement import PersonStatement, StatementReason
from yaoma.core.policy import Policy, UncodedGoods
from yaoma.core.product import Product, ProductFlag
from yaoma.core.record import Record
from yaoma.core.ticket import Action, Line
from yaoma.service.work import Answer

POLICY = Policy(hold_off_ms=0, training_codes_prefixes=(), emergency_hours=48)
PACKS = [pack(number=number).key for number in range(1, 5)]
POPPY = {WHOLE: Product(WHOLE, "吗啡", drug="d-whole", flags=frozenset({ProductFlag.CONTROLLED}))}

NewBench = Callable[..., CounterBench]


def state(bench: CounterBench, key: str) -> PackState:
    """Where a pack stands."""
    seen = bench.ledger.seen(key)
    return seen.state if seen else PackState.UNKNOWN


def _kept(bench: CounterBench) -> list[Record]:
    journal = bench.recorder.journal
    assert journal is not None
    return [Record.read(body) for body in journal.bodies(0, journal.size)]


def test_sale_when_another_drug_is_scanned_then_it_stops_and_the_bill_does_not_grow(new_bench: NewBench) -> None:
    """串换 (S3-16): red, whatever the list says of the pack; the right drug goes on."""
    bench = new_bench()
    bench.ticket(Action.OPEN, lines=(Line("d-whole", (), 1),))

    assert bench.said(pack(TABLETS).key, PACKS[0], PACKS[1]) == [
        ("STOP", "other_drug"), ("PASS", "in_list"), ("REVIEW", "line_full"),
    ]  # fmt: skip
    ticket = bench.ledger.open_ticket("counter")
    assert ticket is not None
    assert (ticket.packs, ticket.lines[0].filled) == (2, 2)


def test_wholesale_when_nobody_says_who_gets_the_goods_then_it_is_not_opened(new_bench: NewBench) -> None:
    """A company that sells to another names it (S4-04); the record keeps the name with the ticket."""
    bench = new_bench()
    assert bench.ticket(Action.OPEN, "wholesale").refusal == "partner_needed"
    assert bench.ticket(Action.OPEN, "wholesale", facts=(("partner", ""),)).refusal == "partner_needed"
    assert not bench.ticket(Action.OPEN, "wholesale", facts=(("partner", "某某医药有限公司"),)).refusal
    assert _kept(bench)[-1].fields["facts"] == {"partner": "某某医药有限公司"}


def test_emergency_when_a_pack_is_used_before_it_is_checked_then_a_duty_with_a_deadline_stays(
    new_bench: NewBench,
) -> None:
    """先用后补 (S2-14): named operator, reason, 48 hours; red stays red; a cancelled use leaves no duty."""
    bench = new_bench(catalogue(denials={PACKS[0]: Denial(DenialKind.RECALL)}))
    unlisted = pack(number=99).key
    bench.ticket(Action.OPEN)
    assert bench.said(PACKS[0], unlisted) == [("STOP", "denied_recall"), ("REVIEW", "not_in_list")]

    def override(**more: Any) -> Answer:
        return bench.ask(replace(Override("counter", "li", "抢救", is_emergency=True), **more))

    assert override(operator="").refusal == "operator_needed"
    assert override(reason=" ").refusal == "reason_needed"
    assert override(reason="病人 11010519491231002X").refusal == "reason_has_number"
    assert override(code=PACKS[0]).refusal == "nothing_to_override"
    answer = override()
    assert answer.record is not None
    (duty,) = bench.ledger.duties()
    assert (duty.kind, duty.code, duty.note) == ("emergency", unlisted, "抢救")
    assert duty.due_ms - duty.made_ms == 48 * 3600 * 1000

    bench.ticket(Action.CANCEL)
    assert bench.ledger.duties() == []
    bench.policy = replace(POLICY, emergency_hours=0)
    bench.ticket(Action.OPEN)
    bench.said(unlisted)
    assert override().refusal == "emergency_not_allowed"


def test_emergency_when_let_through_at_the_receipt_and_at_the_sale_then_the_first_deadline_holds(
    new_bench: NewBench,
) -> None:
    """Each act has its own named operator; the 48 hours run from the first, and a cancelled sale does not end them."""
    bench = new_bench(catalogue())
    unlisted = pack(number=99).key
    bench.ticket(Action.OPEN, "receive")
    bench.said(unlisted)
    bench.ask(Override("counter", "li", "抢救", is_emergency=True))
    bench.ticket(Action.CLOSE)
    (first,) = bench.ledger.duties()

    bench.ticket(Action.OPEN)
    bench.said(unlisted)
    bench.ask(Override("counter", "wang", "抢救", is_emergency=True))
    assert [first] == bench.ledger.duties()
    seen = bench.ledger.seen(unlisted)
    assert seen is not None
    assert seen.is_cleared
    bench.ticket(Action.CANCEL)

    assert [first] == bench.ledger.duties()


def test_duty_when_settled_then_by_a_name_and_a_reason_without_anybodys_number(new_bench: NewBench) -> None:
    """What a person settles bears a name; nothing that can't be taken out again is recorded."""
    bench = new_bench(catalogue())
    unlisted = pack(number=99).key
    bench.ticket(Action.OPEN)
    bench.said(unlisted)
    bench.ask(Override("counter", "li", "抢救", is_emergency=True))
    duty = f"emergency:{unlisted}"

    assert bench.ask(Settle((duty,), "已核对")).refusal == "operator_needed"
    assert bench.ask(Settle((duty,), "", "li")).refusal == "reason_needed"
    assert bench.ask(Settle((duty,), "11010519491231002X", "li")).refusal == "reason_has_number"
    assert bench.ask(Settle(("no:such",), "已核对", "li")).refusal == "no_such_duty"
    answer = bench.ask(Settle((duty, "no:such", duty), "已核对", "li"))
    assert answer.record is not None
    assert answer.record.fields["duties"] == [duty]
    assert bench.ledger.duties() == []


def test_controlled_drug_when_nobody_is_known_then_a_statement_stands_for_the_card_and_no_override_does(
    new_bench: NewBench,
) -> None:
    """S4-08: ID or a named operator's own statement, where the place allows one."""
    bench = new_bench(catalogue(products=POPPY))
    statement = State("counter", PersonStatement("li", StatementReason.GUARDIAN).fields)
    bench.ticket(Action.OPEN)
    assert bench.said(PACKS[0]) == [("REVIEW", "identity_missing")]
    assert bench.ask(Override("counter", "li", "熟人")).refusal == "nothing_to_override"

    bench.policy = replace(POLICY, identity_typed_reason_allowed=False)
    assert bench.ask(statement).refusal == "statement_not_allowed"
    bench.policy = POLICY
    assert bench.ask(statement).record is not None
    assert bench.said(PACKS[0], PACKS[0]) == [("PASS", "in_list"), ("REPEAT", "on_ticket")]
    assert bench.ticket(Action.CLOSE).record.fields["packs"] == 1  # type: ignore[union-attr]  # closed


def test_goods_without_code_when_booked_then_no_more_go_than_came(new_bench: NewBench) -> None:
    """无码库 (S3-08): quantity and reason; by policy none is taken in (S0-10), nor on a practice ticket."""
    bench = new_bench(catalogue())
    goods = StockMove(StockAction.IN, "amoxicillin", 20, "2025年4月前购进", lot="2511", operator="li")

    assert bench.ask(replace(goods, reason="")).refusal == "reason_needed"
    assert bench.ask(replace(goods, quantity=0)).refusal == "quantity_needed"
    assert bench.ask(goods).record is not None
    assert bench.ask(replace(goods, action=StockAction.OUT, quantity=21)).refusal == "not_in_store"
    assert bench.ask(replace(goods, action=StockAction.OUT, quantity=1)).record is not None
    assert bench.ask(replace(goods, action=StockAction.COUNT, quantity=0)).record is not None
    assert bench.ledger.store() == {("amoxicillin", "2511"): 0}

    bench.policy = replace(POLICY, uncoded_goods=UncodedGoods.REFUSE)
    assert bench.ask(goods).refusal == "uncoded_refused"
    bench.policy = replace(POLICY, uncoded_until=date(2026, 2, 28))
    assert bench.ask(goods).refusal == "uncoded_refused"
    bench.policy = POLICY
    bench.ticket(Action.OPEN, is_training=True)
    assert bench.ask(replace(goods, station="counter")).refusal == "training_open"


def test_ticket_when_idle_then_it_is_closed_and_an_empty_one_cancelled(new_bench: NewBench) -> None:
    """By the box's own clock and the policy (S0-20); the record says why."""
    bench = new_bench(policy=replace(POLICY, ticket_idle_minutes=0), look_for_idle_s=0.0)
    bench.ticket(Action.OPEN)
    bench.ticket(Action.OPEN, station="store")
    bench.said(PACKS[0])
    bench.policy = replace(POLICY, ticket_idle_minutes=1)
    # The hand clock goes a second each time anybody looks.
    for _ in range(400):
        bench.clock()
    ended: set[tuple[object, object]] = set()
    for _ in range(200):
        idle = [record.fields for record in _kept(bench) if record.fields.get("cause") == "idle"]
        ended = {(one["station"], one["action"]) for one in idle}
        if len(ended) == 2:
            break
        time.sleep(0.05)

    assert ended == {("counter", "close"), ("store", "cancel")}
    assert state(bench, PACKS[0]) is PackState.DISPENSED


def test_ticket_when_two_scanners_serve_it_then_both_fill_it(new_bench: NewBench) -> None:
    """Gun and camera of one station; another station's ticket is another bill."""
    bench = new_bench()
    bench.ticket(Action.OPEN)
    bench.ticket(Action.OPEN, station="store")

    assert bench.said(PACKS[0]) + bench.said(PACKS[1], scanner="camera") == [("PASS", "in_list")] * 2
    assert bench.said(PACKS[0], scanner="camera") == [("REPEAT", "on_ticket")]
    assert bench.said(PACKS[0], PACKS[2], scanner="gun-2") == [("STOP", "on_other_ticket"), ("PASS", "in_list")]
    ticket, other = bench.ledger.open_ticket("counter"), bench.ledger.open_ticket("store")
    assert ticket is not None
    assert other is not None
    assert (ticket.packs, other.packs) == (2, 1)


def test_ticket_when_ended_twice_then_the_second_is_refused_and_nothing_happens_twice(new_bench: NewBench) -> None:
    """Closed, then cancelled: the sale stands."""
    bench = new_bench()
    bench.ticket(Action.OPEN)
    bench.said(PACKS[0])
    bench.ticket(Action.CLOSE)

    assert [bench.ticket(action).refusal for action in (Action.CLOSE, Action.CANCEL)] == ["no_open_ticket"] * 2
    assert bench.ask(Undo("counter")).refusal == "no_open_ticket"
    assert state(bench, PACKS[0]) is PackState.DISPENSED


def test_ticket_when_the_power_goes_between_scan_and_close_then_it_is_there_again(new_bench: NewBench) -> None:
    """The journal is applied again: the same ticket with the same packs can be closed."""
    bench = new_bench()
    bench.ticket(Action.OPEN, lines=(Line("d-whole", (), 2),))
    bench.said(PACKS[0])
    # No flush, no checkpoint: as the cut leaves it. The thread goes on to write what nobody reads any more.
    bench.ledger.flush = lambda: None  # type: ignore[method-assign]
    bench.stop()
    again = new_bench()
    again.wait(0)
    assert [verdict for verdict, _ in again.said(PACKS[0], PACKS[1])] == ["REPEAT", "PASS"]
    answer = again.ticket(Action.CLOSE)

    assert answer.record is not None
    assert answer.record.fields["packs"] == 2
    assert [state(again, key) for key in PACKS[:2]] == [PackState.DISPENSED] * 2


def test_practice_when_a_delivery_is_closed_then_there_is_no_difference_and_every_record_is_marked(
    new_bench: NewBench,
) -> None:
    """Nothing of it counts or is uploaded (S0-07)."""
    bench = new_bench()
    bench.ticket(Action.OPEN, "receive", is_training=True, shipment="n-1")
    bench.said(carton().key)
    bench.ask(Undo("counter"))
    bench.said(pack(number=99).key)
    bench.ask(Override("counter", "li", "练习", is_emergency=True))
    answer = bench.ticket(Action.CLOSE)

    assert [record.kind for record in answer.records] == ["ticket"]
    assert bench.ledger.duties() == []
    assert [state(bench, key) for key in PACKS] == [PackState.UNKNOWN] * 4
    assert all(record.fields.get("training") is True for record in _kept(bench) if "station" in record.fields)
