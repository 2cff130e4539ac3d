"""States that may not go wrong at the counter: neighbours, retries, opening counts, scans without a ticket."""

import queue
from pathlib import Path

import pytest

from fakes.counter import LISTED, CounterBench
from yaoma.core.allowlist import Denial, DenialKind, Listing, MemoryAllowlist, Source
from yaoma.core.code import Gs1
from yaoma.core.command import Merge
from yaoma.core.findings import look_up
from yaoma.core.pack import PackState
from yaoma.core.ticket import Action
from yaoma.service.work import Answer, Claim, Request

PACK = f"cn20:{LISTED}"


def _asked(bench: CounterBench, command: Merge) -> Answer:
    answers: queue.Queue[Answer] = queue.Queue()
    bench.items.put(Request(command, answers.put))
    return answers.get(timeout=10)


@pytest.mark.parametrize("operation", ["count", "receive", "move"])
def test_neighbour_when_it_counts_or_receives_then_what_was_sold_here_stays_sold(
    tmp_path: Path, operation: str
) -> None:
    """Another box's word brings no pack back into stock that this site has handed out."""
    bench = CounterBench(tmp_path / "state")
    for number, action in enumerate(("receive", "dispense"), start=1):
        bench.ticket(Action.OPEN, action)
        bench.scan(LISTED)
        bench.wait(number)
        bench.ticket(Action.CLOSE)

    assert _asked(bench, Merge("b2", operation, 2**50, [PACK])).refusal == ""
    seen = bench.ledger.seen(PACK)
    bench.stop()

    assert seen is not None
    assert seen.state is PackState.DISPENSED


def test_neighbour_when_its_operation_is_not_known_here_then_its_word_is_kept_for_later(tmp_path: Path) -> None:
    """A refusal leaves the message where it is; a later version may know the operation."""
    bench = CounterBench(tmp_path / "state")
    assert _asked(bench, Merge("b2", "teleport", 1, [PACK])).refusal == "operation_unknown"
    bench.stop()


def test_opening_when_it_is_no_count_then_it_is_refused(tmp_path: Path) -> None:
    """Only a count says that every pack of the site is known."""
    bench = CounterBench(tmp_path / "state")
    refusal = bench.ticket(Action.OPEN, "dispense", is_opening=True).refusal
    opened = bench.ticket(Action.OPEN, "count", is_opening=True).refusal
    bench.ticket(Action.CLOSE, cause="idle")
    since_ms = bench.ledger.complete_since_ms
    bench.stop()

    assert (refusal, opened, since_ms) == ("opening_needs_count", "", None)


def test_claim_when_the_recorder_has_it_then_nobody_is_told_that_nothing_came_of_it() -> None:
    """Either it is carried out, or whoever asked is told that it is not."""
    taken, given_up = Claim(), Claim()

    assert not taken.is_given_up()
    assert not taken.give_up()
    assert given_up.give_up()
    assert given_up.is_given_up()


def test_pack_when_a_denied_lot_is_printed_on_it_then_the_lists_own_word_does_not_hide_that() -> None:
    """The list says lot GOOD and 2030, the pack says BAD and 2020: the denial and the earlier date hold."""
    code = Gs1("06901234567892", "S1", lot="BAD", expiry=None)
    allowlist = MemoryAllowlist(
        1,
        2**51,
        {},
        frozenset(),
        {},
        listings={code.key: Listing(Source.LIST, lot="GOOD")},
        lot_denials={(code.product_key, "BAD"): Denial(DenialKind.RECALL, "2026-1")},
    )

    assert look_up(code, allowlist).denial == Denial(DenialKind.RECALL, "2026-1")
