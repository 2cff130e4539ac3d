"""Stock against a changed list: what it denies is held, what was used early is matched, what counts is noted."""

import queue
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from fakes.counter import CounterBench
from fakes.moments import WHOLE, carton, catalogue, delivered, note, pack
from yaoma.core.allowlist import Denial, DenialKind, MemoryAllowlist
from yaoma.core.command import Override, Settle
from yaoma.core.pack import PackState
from yaoma.core.ticket import Action
from yaoma.service.in_force import InForce, Used
from yaoma.service.recheck import Recheck
from yaoma.service.work import Answer, Request

PACKS = [pack(number=number).key for number in range(1, 5)]
NewBench = Callable[..., CounterBench]
RECALL = Denial(DenialKind.RECALL, "2026-11")


@pytest.fixture
def recheck_of() -> Iterator[Callable[[CounterBench], Recheck]]:
    """Give a maker of rechecks for a bench; their threads have ended before the bench's files are closed."""
    made: list[Recheck] = []

    def new(bench: CounterBench) -> Recheck:
        stations = ("counter", "store")
        made.append(Recheck(bench.ledger, lambda: bench.allowlist, stations, bench.items.put, pause_s=0, retry_s=0))
        return made[-1]

    yield new
    for one in made:
        one.stop()


def until(said: Callable[[], bool], recheck: Recheck) -> None:
    """Let it look until something is so."""
    end_s = time.monotonic() + 20
    while not said():
        assert time.monotonic() < end_s
        recheck.look()
        time.sleep(0.01)


def receive(bench: CounterBench, *keys: str) -> None:
    """Bring packs in."""
    bench.ticket(Action.OPEN, "receive")
    assert {verdict for verdict, _ in bench.said(*keys)} == {"PASS"}
    bench.ticket(Action.CLOSE)


def held(bench: CounterBench) -> list[str]:
    """The codes of the packs that are on the list of duties."""
    return [duty.code for duty in bench.ledger.duties() if duty.kind == "hold"]


def state(bench: CounterBench, key: str) -> PackState:
    """Where a pack stands."""
    seen = bench.ledger.seen(key)
    return seen.state if seen else PackState.UNKNOWN


def test_pack_when_recalled_after_its_receipt_then_it_is_held_until_it_leaves(
    new_bench: NewBench, recheck_of: Callable[[CounterBench], Recheck]
) -> None:
    """Quarantined by code, red at the counter, a duty; settled when it goes back to the supplier."""
    bench = new_bench(delivered(note()))
    recheck = recheck_of(bench)
    receive(bench, carton().key)
    until(lambda: recheck._checked is bench.allowlist, recheck)
    assert held(bench) == []

    bench.allowlist = delivered(note(), denials={PACKS[1]: RECALL}, version=8)
    until(lambda: bool(held(bench)), recheck)
    assert held(bench) == [PACKS[1]]
    assert [state(bench, key) for key in PACKS[:2]] == [PackState.IN_STOCK, PackState.QUARANTINED]
    bench.ticket(Action.OPEN)
    assert bench.said(PACKS[1]) == [("STOP", "denied_recall")]
    bench.allowlist = delivered(note(), version=9)
    assert bench.said(PACKS[1]) == [("STOP", "quarantined")]
    bench.ticket(Action.CANCEL)

    bench.ticket(Action.OPEN, "recall_out")
    assert bench.said(PACKS[1]) == [("PASS", "in_list")]
    assert held(bench) == [PACKS[1]]
    bench.ticket(Action.CLOSE)
    assert (held(bench), state(bench, PACKS[1])) == ([], PackState.LEFT)


def test_lot_when_recalled_then_what_came_with_a_carton_is_held_too_and_what_was_sold_is_not(
    new_bench: NewBench, recheck_of: Callable[[CounterBench], Recheck]
) -> None:
    """By the lot that the note told; a pack that is gone is no stock."""
    bench = new_bench(delivered(note()))
    receive(bench, carton().key)
    bench.ticket(Action.OPEN)
    bench.said(PACKS[0])
    bench.ticket(Action.CLOSE)
    # The note itself is long gone from the list; only the ledger knows the lot.
    bench.allowlist = catalogue(lot_denials={(WHOLE, "L1"): RECALL}, version=8)
    until(lambda: bool(held(bench)), recheck_of(bench))

    assert sorted(held(bench)) == PACKS[1:]
    assert state(bench, PACKS[0]) is PackState.DISPENSED


def test_release_when_a_denial_is_lifted_then_by_name_and_back_on_the_shelf(
    new_bench: NewBench, recheck_of: Callable[[CounterBench], Recheck]
) -> None:
    """`yaoma duty settle --back`, or the check of a return: either ends the duty."""
    bench = new_bench(catalogue())
    recheck = recheck_of(bench)
    receive(bench, *PACKS)
    bench.allowlist = catalogue(denials=dict.fromkeys(PACKS[:2], RECALL), version=8)
    until(lambda: len(held(bench)) == 2, recheck)
    bench.allowlist = catalogue(version=9)
    bench.ask(Settle((f"hold:{PACKS[0]}",), "预警已解除", "li", "in_stock"))
    assert held(bench) == [PACKS[1]]
    bench.ticket(Action.OPEN, "check_return", operator="li")
    assert bench.said(PACKS[1]) == [("PASS", "in_list")]
    bench.ticket(Action.CLOSE)

    assert held(bench) == []
    bench.ticket(Action.OPEN)
    assert bench.said(*PACKS[:2]) == [("PASS", "in_list")] * 2


def test_delivery_when_it_was_open_as_the_list_changed_then_it_is_looked_at_when_it_ends(
    new_bench: NewBench, recheck_of: Callable[[CounterBench], Recheck]
) -> None:
    """Judged by the list before, on the shelf only since: neither the verdict nor the walk would have seen it."""
    bench = new_bench(catalogue())
    recheck = recheck_of(bench)
    bench.ticket(Action.OPEN, "receive")
    assert bench.said(PACKS[0]) == [("PASS", "in_list")]
    bench.allowlist = catalogue(denials={PACKS[0]: RECALL}, version=8)
    until(lambda: recheck._checked is bench.allowlist, recheck)
    assert held(bench) == []
    bench.ticket(Action.CLOSE)

    until(lambda: held(bench) == [PACKS[0]], recheck)


def test_emergency_when_its_code_arrives_then_the_duty_is_settled_by_the_box(
    new_bench: NewBench, recheck_of: Callable[[CounterBench], Recheck]
) -> None:
    """先用后补 (S2-14) ends with the match; a code that arrives denied does not end it."""
    late, bad = pack(number=98).key, pack(number=99).key
    bench = new_bench(catalogue())
    recheck = recheck_of(bench)
    bench.ticket(Action.OPEN)
    for key in (late, bad):
        bench.said(key)
        bench.ask(Override("counter", "li", "抢救", is_emergency=True))
    bench.ticket(Action.CLOSE)
    known: MemoryAllowlist = catalogue(denials={bad: RECALL}, version=8)
    bench.allowlist = replace(known, codes=known.codes | {late, bad})

    until(lambda: len(bench.ledger.duties()) == 1, recheck)
    assert [duty.code for duty in bench.ledger.duties()] == [bad]


def test_walk_when_the_box_is_out_of_service_then_it_begins_anew(new_bench: NewBench) -> None:
    """A hold that could not be recorded is not forgotten; nothing waits for the recorder."""
    bench = new_bench(catalogue())
    receive(bench, PACKS[0])
    bench.allowlist = catalogue(denials={PACKS[0]: RECALL}, version=8)
    requests: queue.Queue[Request] = queue.Queue()
    recheck = Recheck(bench.ledger, lambda: bench.allowlist, ("counter",), requests.put, pause_s=0, retry_s=0)
    for _ in range(2):
        recheck.look()
        requests.get(timeout=10).answer(Answer(refusal="disk_full"))
        recheck._thread.join(10)  # type: ignore[union-attr]  # it has begun
    recheck.look()
    requests.get(timeout=10).answer(Answer())
    recheck._thread.join(10)  # type: ignore[union-attr]  # as above
    recheck.look()
    recheck.stop()

    assert requests.empty()


def test_walk_when_there_are_many_packs_then_it_holds_the_ledger_for_a_moment_at_a_time(new_bench: NewBench) -> None:
    """Each step looks at a few hundred packs, sold ones too, so that no step is long; together they are all of them."""
    bench = new_bench(catalogue())
    receive(bench, *PACKS)
    bench.ledger.flush()
    found, after, steps = [], "", 0
    while True:
        packs, after = bench.ledger.in_hand(after, 3)
        assert len(packs) <= 3
        found += [key for key, _ in packs]
        steps += 1
        if not after:
            break

    assert (sorted(found), steps) == (PACKS, 2)


def test_list_and_policy_when_they_change_then_that_is_recorded_once() -> None:
    """What counted when can be said later; a restart with the same says nothing, a refused record is tried again."""
    posted: list[Request] = []
    now = {"list": Used("list", 7), "policy": Used("fujian", 3, "ab12")}
    used: dict[str, Used | None] = {**now}
    in_force = InForce({name: lambda name=name: used[name] for name in now}, posted.append, {"list": 7})  # type: ignore[misc]  # bound at once

    def recorded() -> list[tuple[object, object, object]]:
        fields = [request.command.entry.fields for request in posted]  # type: ignore[union-attr]  # all are appended
        posted.clear()
        return [(one["what"], one["version"], one["digest"]) for one in fields]

    in_force.look()
    in_force.look()
    assert recorded() == [("fujian", 3, "ab12")]
    used["list"] = Used("list", 8)
    in_force.look()
    posted[0].answer(Answer(refusal="disk_full"))
    in_force.look()
    assert recorded() == [("list", 8, "")] * 2
    used["list"] = None
    in_force.look()
    used["list"] = Used("list", 8)
    in_force.look()
    assert recorded() == []
