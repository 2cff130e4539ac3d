"""Unsigned tails: records behind a log's last checkpoint leave all the same once no other one is to be expected."""

from dataclasses import replace

import pytest

from fakes.box import BoxLog
from fakes.stepped_bridge import SteppedBridge
from yaoma.core.entry import OpenReason, Predecessor, opened
from yaoma.core.record import ClockState, Entry, Kind
from yaoma_bridge.status import bridge_status
from yaoma_link.topics import BoxName


def _signed(bridge: SteppedBridge) -> dict[str, bool]:
    return {event["id"].rpartition("counter-1/")[2]: event["signed"] for event in bridge.exported()}


def _tail(bridge: SteppedBridge, log: BoxLog) -> None:
    """Deliver two records with a checkpoint and three without."""
    log.scan(2)
    covered = log.batch()
    log.scan(3)
    bridge.take(covered.packed(), log.payload(2, checkpoint=False), name=log.name)
    bridge.follow()
    assert _signed(bridge) == {"log1/0": True, "log1/1": True}


def _successor(log: BoxLog, previous: str) -> BoxLog:
    made = BoxLog(log.name, "log2")
    before = Predecessor(previous, 5, None)
    made.add(opened(log.name.site, log.name.box, "1", OpenReason.DAMAGED, before))
    return made


_LEFT = {"log1/0": True, "log1/1": True, "log1/2": False, "log1/3": False, "log1/4": False}


def test_a_tail_leaves_unsigned_when_no_checkpoint_came_for_long(bridge: SteppedBridge, log: BoxLog) -> None:
    """A quiet log waits from its last growth on; repeats are no growth; the events say that nobody signed them."""
    _tail(bridge, log)
    bridge.now_ms += 599_000
    bridge.take(log.payload(2, checkpoint=False), name=log.name)
    bridge.follow()
    assert len(bridge.ids()) == 2
    bridge.now_ms += 1000
    (receipt,) = bridge.follow()
    assert _signed(bridge) == _LEFT
    assert receipt.outcomes[0].span == (2, 5)
    with bridge.store.reading() as tx:
        shown = bridge_status(tx, bridge.now_ms)["boxes"][0]["logs"][0]
    assert (shown["unsigned"], shown["verified_upto"]) == (3, 2)


def test_a_tail_leaves_unsigned_when_a_birth_names_its_log_as_the_one_before(
    bridge: SteppedBridge, log: BoxLog
) -> None:
    """Once the box writes another log, nothing more is waited for; what comes late leaves at once, too."""
    log.scan(6)
    bridge.take(log.payload(0, 2, checkpoint=False), name=log.name)
    bridge.follow()
    assert _signed(bridge) == {}
    bridge.birth(BoxLog(log.name, "log2"), previous="log1")
    bridge.follow()
    assert _signed(bridge) == {"log1/0": False, "log1/1": False}
    bridge.take(log.payload(2, checkpoint=False), name=log.name)
    bridge.follow()
    assert _signed(bridge) == {f"log1/{seq}": False for seq in range(6)}


@pytest.mark.parametrize("successor_first", [True, False])
def test_a_tail_leaves_unsigned_when_the_next_log_opens(
    bridge: SteppedBridge, log: BoxLog, *, successor_first: bool
) -> None:
    """The first record of a log names the log before it, whichever of the two comes first."""
    after = _successor(log, "log1")
    if successor_first:
        bridge.take(after.payload(), name=log.name)
        log.scan(1)
        covered = log.batch()
        log.scan(1)
        bridge.take(covered.packed(), log.payload(1, checkpoint=False), name=log.name)
        bridge.follow()
        assert _signed(bridge) == {"log2/0": True, "log1/0": True, "log1/1": False}
        return
    _tail(bridge, log)
    bridge.take(after.payload(), name=log.name)
    bridge.follow()
    assert _signed(bridge) == {**_LEFT, "log2/0": True}


def test_a_checkpoint_that_comes_late_still_verifies(bridge: SteppedBridge, log: BoxLog) -> None:
    """What left unsigned is verified when a checkpoint comes, and is not sent again."""
    _tail(bridge, log)
    bridge.now_ms += 600_000
    bridge.follow()
    log.scan()
    bridge.take(log.payload(4), name=log.name)
    bridge.follow()
    assert _signed(bridge) == {**_LEFT, "log1/5": True}
    assert len(bridge.ids()) == 6
    assert bridge.rows("SELECT verified_upto, state FROM log") == [(6, "open")]
    assert bridge.alarms() == set()


def test_a_checkpoint_that_comes_late_and_differs_breaks_the_log_also_if_it_was_closed(
    bridge: SteppedBridge, log: BoxLog
) -> None:
    """A signed history other than the stored one is alarmed after the tail has left, and nothing more leaves."""
    log.scan(2)
    clone = log.twin()
    log.scan()
    log.add(Entry(Kind.CLOSE, {}))
    clone.scan(2, salt="x")
    bridge.take(log.payload(checkpoint=False), name=log.name)
    bridge.now_ms += 600_000
    bridge.follow()
    assert bridge.rows("SELECT state FROM log") == [("closed",)]
    batch = log.batch(0, 1)
    bridge.take(replace(batch, checkpoint=clone.checkpoint()).packed(), name=log.name)
    bridge.follow()
    log.scan()
    bridge.take(log.payload(4, checkpoint=False), name=log.name)
    bridge.now_ms += 600_000
    bridge.follow()
    assert bridge.rows("SELECT state FROM log") == [("broken",)]
    assert "broken" in bridge.alarms()
    assert len(bridge.ids()) == 4


@pytest.mark.parametrize("state", ["broken", "damaged"])
def test_a_broken_or_damaged_log_leaves_nothing_unsigned(bridge: SteppedBridge, log: BoxLog, state: str) -> None:
    """Where something contradicts what is stored, time heals nothing."""
    _tail(bridge, log)
    bridge.change("UPDATE log SET state=?", state)
    bridge.birth(BoxLog(log.name, "log2"), previous="log1")
    bridge.now_ms += 10_000_000
    bridge.follow()
    assert len(bridge.ids()) == 2


def test_a_box_that_nobody_registered_leaves_nothing_unsigned(bridge: SteppedBridge) -> None:
    """Without a key a box is stored and waits, as before."""
    log = BoxLog(BoxName("H9", "counter-1"), "log1")
    log.scan(3)
    bridge.take(log.payload(checkpoint=False), name=log.name)
    bridge.now_ms += 10_000_000
    bridge.follow()
    assert bridge.ids() == []


def test_a_held_record_of_an_unsigned_tail_is_counted_once(bridge: SteppedBridge, log: BoxLog) -> None:
    """Records that were held unsigned say so when they leave; those that a checkpoint has covered since do not."""
    log.scan(2, clock=ClockState.UNTRUSTED)
    bridge.take(log.payload(checkpoint=False), name=log.name)
    bridge.now_ms += 600_000
    bridge.follow()
    assert bridge.ids() == []
    log.add(Entry(Kind.CLOCK, {"was": "untrusted", "now": "synced", "shift_ms": 5}))
    bridge.take(log.payload(2), name=log.name)
    bridge.follow()
    assert _signed(bridge) == {"log1/2": True, "log1/0": True, "log1/1": True}
