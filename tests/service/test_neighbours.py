"""What other boxes of the site did: taken in by the recorder, told as kept only when it is."""

import queue
from pathlib import Path

from fakes.counter import LISTED, CounterBench
from yaoma.core.deed import PACKS_AT_ONCE
from yaoma.core.pack import PackState
from yaoma.core.ticket import Action
from yaoma.service.neighbours import Neighbours
from yaoma.service.work import Item
from yaoma_link.state import MergeLine

PACK = f"cn20:{LISTED}"
LATER_MS = 1_799_000_000_000


def test_pack_when_sold_at_the_other_counter_then_it_can_t_be_sold_here(tmp_path: Path) -> None:
    """Received here, sold by box-2: STOP, and the sentence can name who sold it."""
    bench = CounterBench(tmp_path / "state")
    bench.ticket(Action.OPEN, "receive")
    bench.scan(LISTED)
    bench.wait(1)
    bench.ticket(Action.CLOSE)

    assert Neighbours(bench.items).take([MergeLine(PACK, "dispense", LATER_MS, "box-2")])
    bench.ticket(Action.OPEN)
    bench.scan(LISTED)
    bench.wait(2)
    verdict, seen = bench.shown.verdicts[1][1], bench.ledger.seen(PACK)
    bench.stop()

    assert (verdict.verdict, verdict.reason, verdict.facts["box"]) == ("STOP", "sold_here", "box-2")
    assert seen is not None
    assert (seen.state, seen.elsewhere, seen.effect_ms) == (PackState.DISPENSED, "box-2", LATER_MS)


def test_lines_when_many_and_of_several_deeds_then_records_stay_small(tmp_path: Path) -> None:
    """One record a deed and at most so many packs in it; an operation that changes no state needs none."""
    bench = CounterBench(tmp_path / "state")
    codes = [f"cn20:83003851{number:012d}" for number in range(PACKS_AT_ONCE + 1)]
    lines = [MergeLine(code, "receive", LATER_MS, "box-2") for code in codes]

    assert Neighbours(bench.items).take([*lines, MergeLine(PACK, "verify", LATER_MS, "box-3")])
    journal = bench.recorder.journal
    assert journal is not None
    merges = [body for body in journal.bodies(0, journal.size) if b'"kind":"merge"' in body]
    bench.stop()

    assert len(merges) == 2
    assert bench.path.exists()


def test_lines_when_the_recorder_does_not_take_them_then_they_are_not_kept(tmp_path: Path) -> None:
    """A full queue, or a box that is out of service, is told; the bridge's message is offered again."""
    full: queue.Queue[Item] = queue.Queue(1)
    full.put_nowait(None)

    assert not Neighbours(full).take([MergeLine(PACK, "dispense", LATER_MS, "box-2")])
