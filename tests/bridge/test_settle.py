"""Settling: copies, clocks and unknown kinds; nothing lost, nothing counted twice."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fakes.box import START_MS, BoxLog
from fakes.stepped_bridge import SteppedBridge
from yaoma.core.entry import clock_changed
from yaoma.core.record import ClockState, Entry, Kind, Record, Stamp
from yaoma_bridge.settle import settle_held_again
from yaoma_link.receipt import OutcomeState
from yaoma_link.topics import BoxName


def _deliver(bridge: SteppedBridge, *logs: BoxLog) -> None:
    for log in logs:
        bridge.take(log.payload(), name=log.name)
        bridge.follow()


def _copies(log: BoxLog, *originals: Record) -> BoxLog:
    """Begin a new log that carries records of another one over."""
    copy = BoxLog(log.name, f"{log.log}c")
    for original in originals:
        copy.add(Record.copied(original))
    return copy


def test_a_copy_of_a_record_that_is_stored_is_a_repeat(bridge: SteppedBridge, log: BoxLog) -> None:
    """A copy with the leaf of its origin is kept as an entry, and counted once: as the original."""
    log.scan(4)
    copy = _copies(log, *log.records[2:])
    copy.scan()
    _deliver(bridge, log, copy)
    assert bridge.ids() == [*(f"H1/counter-1/log1/{seq}" for seq in range(4)), "H1/counter-1/log1c/2"]
    assert len(bridge.bodies(copy)) == 3
    assert bridge.alarms() == set()


def test_a_copy_from_a_forked_card_counts_as_its_own_event(bridge: SteppedBridge, log: BoxLog) -> None:
    """Where the origin's place holds another record, the copy tells of something else that happened."""
    log.scan(2)
    old_card = log.twin()
    log.scan(3)
    old_card.scan(3, salt="x")
    copy = _copies(log, *old_card.records[2:])
    _deliver(bridge, log, copy)
    events = bridge.exported()
    assert [event["id"] for event in events] == [
        *(f"H1/counter-1/log1/{seq}" for seq in range(5)),
        *(f"H1/counter-1/log1c/{seq}" for seq in range(3)),
    ]
    assert [event["data"]["station"] for event in events[5:]] == ["counterx"] * 3
    assert [event["origin"] for event in events[5:]] == ["log1/2", "log1/3", "log1/4"]
    assert {event["type"] for event in events} == {"yaoma.scan.v1"}


@pytest.mark.parametrize("copy_first", [True, False])
def test_an_original_and_its_copy_count_once_in_either_order(
    bridge: SteppedBridge, log: BoxLog, *, copy_first: bool
) -> None:
    """Whichever entry is settled first carries the event; a later other record at the place is an event too."""
    log.scan(3)
    copy = _copies(log, *log.records)
    order = [copy, log] if copy_first else [log, copy]
    _deliver(bridge, *order)
    first = order[0].log
    assert bridge.ids() == [f"H1/counter-1/{first}/{seq}" for seq in range(3)]


def test_a_copy_that_came_before_another_record_at_its_place_takes_nothing_from_it(
    bridge: SteppedBridge, log: BoxLog
) -> None:
    """A copy never takes its origin's identity, so the record that turns up there still has it."""
    log.scan(2)
    old_card = log.twin()
    log.scan()
    old_card.scan(salt="x")
    _deliver(bridge, _copies(log, *old_card.records[2:]), log)
    assert bridge.ids() == ["H1/counter-1/log1c/0", *(f"H1/counter-1/log1/{seq}" for seq in range(3))]


def test_copies_of_copies_count_once(bridge: SteppedBridge, log: BoxLog) -> None:
    """A record that moved on twice is still one event."""
    log.scan(2)
    copy = _copies(log, *log.records)
    again = _copies(copy, *copy.records)
    _deliver(bridge, again, copy, log)
    assert bridge.ids() == ["H1/counter-1/log1cc/0", "H1/counter-1/log1cc/1"]


def test_a_copy_that_is_held_still_carries_its_event_after_the_original_came(
    bridge: SteppedBridge, log: BoxLog
) -> None:
    """Looking again at held records, as each start does, takes the event from no entry that carries it."""
    log.scan(clock=ClockState.UNTRUSTED)
    copy = _copies(log, *log.records)
    _deliver(bridge, copy, log)
    assert settle_held_again(bridge.store, hold_untrusted=True, now_ms=bridge.now_ms) == 0
    _clock(log, "synced", 5)
    _deliver(bridge, log)
    assert bridge.ids() == ["H1/counter-1/log1/1", "H1/counter-1/log1c/0"]


def test_a_copy_that_does_not_hold_what_it_names_is_held(bridge: SteppedBridge, log: BoxLog) -> None:
    """A copy whose leaf hash is not that of the record inside counts as nothing, and is alarmed."""
    log.scan(2)
    entry = Record.copied(log.records[0])
    lying = dict(entry.fields)
    lying["origin"] = {"log": "log1", "seq": 0, "leaf": log.records[1].leaf.hex()}
    copy = BoxLog(log.name, "log2")
    copy.add(Entry(Kind.COPY, lying))
    copy.add(Entry(Kind.COPY, {"record": lying["record"]}))
    _deliver(bridge, copy)
    assert bridge.ids() == []
    assert bridge.rows("SELECT reason, COUNT(*) FROM held GROUP BY reason") == [("copy_mismatch", 2)]
    assert bridge.alarms() == {"copy_mismatch"}


def test_unknown_kinds_and_versions_are_held_and_go_out_once_they_are_known(
    bridge: SteppedBridge, log: BoxLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What this version does not understand stays, does not hold up the rest, and leaves after an update."""
    log.scan()
    log.odd(kind="weigh", code="cn20:1")
    log.odd(v=2)
    log.scan()
    bridge.take(log.payload(), name=log.name)
    (receipt,) = bridge.follow()
    assert bridge.ids() == ["H1/counter-1/log1/0", "H1/counter-1/log1/3"]
    assert [(one.span, one.state, one.reason) for one in receipt.outcomes] == [
        ((0, 1), OutcomeState.ACCEPTED, ""),
        ((1, 2), OutcomeState.HELD, "kind_unknown"),
        ((2, 3), OutcomeState.HELD, "unreadable"),
        ((3, 4), OutcomeState.ACCEPTED, ""),
    ]
    assert settle_held_again(bridge.store, hold_untrusted=True, now_ms=bridge.now_ms) == 0
    monkeypatch.setattr("yaoma_bridge.settle._KINDS", frozenset({*Kind, "weigh"}))
    assert settle_held_again(bridge.store, hold_untrusted=True, now_ms=bridge.now_ms) == 1
    bridge.follow()
    assert bridge.ids()[2:] == ["H1/counter-1/log1/1"]


def _clock(log: BoxLog, now: str, shift_ms: Any, **options: Any) -> Record:
    return log.add(Entry(Kind.CLOCK, {"was": "untrusted", "now": now, "shift_ms": shift_ms}), **options)


def test_records_of_an_untrusted_clock_wait_until_a_clock_record_restates_their_boot(
    bridge: SteppedBridge, log: BoxLog
) -> None:
    """Held records leave with the right time after the clock record; those behind it don't wait."""
    log.scan(2, clock=ClockState.UNTRUSTED)
    _deliver(bridge, log)
    assert bridge.ids() == []
    _clock(log, "synced", 3_600_000)
    log.scan()
    _deliver(bridge, log)
    times = {event["id"].rpartition("/")[2]: event["time"] for event in bridge.exported()}
    assert set(times) == {"0", "1", "2", "3"}
    assert len(bridge.ids()) == 4
    assert START_MS == 1_795_000_000_000
    assert times["0"] == "2026-11-18T12:06:41.000Z"  # one second after the start, and the hour that was missing
    assert times["3"] == "2026-11-18T11:06:44.000Z"
    assert bridge.rows("SELECT * FROM held") == []


def test_a_clock_record_restates_its_own_boot_only_and_only_what_came_before(
    bridge: SteppedBridge, log: BoxLog
) -> None:
    """Another boot's records, and those that follow while the clock is lost again, go on waiting."""
    log.add(Entry(Kind.SCAN, {"n": 0}), boot="feedfeedfeedfeed", clock=ClockState.UNTRUSTED)
    log.scan(clock=ClockState.UNTRUSTED)
    _clock(log, "untrusted", 5)
    _clock(log, "rtc", "soon")
    _deliver(bridge, log)
    assert bridge.ids() == [f"H1/counter-1/log1/{seq}" for seq in (2, 3)]
    _clock(log, "synced", 1000)
    log.scan(clock=ClockState.UNTRUSTED)
    _deliver(bridge, log)
    assert sorted(bridge.ids()) == [f"H1/counter-1/log1/{seq}" for seq in (1, 2, 3, 4)]


@pytest.mark.parametrize("shift_ms", [(1 << 53) - 1, 1 - (1 << 53), 200 * 366 * 86_400_000 + 1])
def test_a_clock_that_moved_farther_than_any_clock_restates_nothing(
    bridge: SteppedBridge, log: BoxLog, shift_ms: int
) -> None:
    """Thousands of years are no move; the records wait on for one, and nothing ends by it."""
    log.scan(clock=ClockState.UNTRUSTED)
    _clock(log, "synced", shift_ms)
    _deliver(bridge, log)
    assert bridge.ids() == ["H1/counter-1/log1/1"]
    _clock(log, "synced", 1000)
    _deliver(bridge, log)
    assert sorted(bridge.ids()) == [f"H1/counter-1/log1/{seq}" for seq in range(3)]


def test_moves_that_add_up_to_more_than_any_clocks_restate_nothing(bridge: SteppedBridge, log: BoxLog) -> None:
    """Each may be a clock's, all together are none's: what stands before them waits, what stands behind goes on."""
    far_ms = 150 * 366 * 86_400_000
    log.scan(clock=ClockState.UNTRUSTED)
    _clock(log, "untrusted", far_ms)
    log.scan(clock=ClockState.UNTRUSTED)
    _clock(log, "synced", far_ms)
    _deliver(bridge, log)
    assert sorted(bridge.ids()) == [f"H1/counter-1/log1/{seq}" for seq in (1, 2, 3)]
    assert bridge.rows("SELECT seq, reason FROM held") == [(0, "clock_untrusted")]


def test_a_boot_is_restated_across_logs(bridge: SteppedBridge, log: BoxLog) -> None:
    """A log that was closed in the middle of a boot is restated by the clock record in the next one."""
    log.scan(clock=ClockState.UNTRUSTED)
    later = BoxLog(log.name, "log2")
    later.scan(3, clock=ClockState.UNTRUSTED)
    _clock(later, "synced", 7)
    _deliver(bridge, later, log)
    assert len(bridge.ids()) == 5


def test_the_policy_may_send_untrusted_records_as_they_are(bridge: SteppedBridge, log: BoxLog) -> None:
    """With `untrusted = "send"` nothing waits, also what waited before."""
    log.scan(2, clock=ClockState.UNTRUSTED)
    _deliver(bridge, log)
    assert settle_held_again(bridge.store, hold_untrusted=False, now_ms=bridge.now_ms) == 2
    bridge.follow()
    assert len(bridge.ids()) == 2


def test_a_body_that_rotted_in_the_store_never_leaves_it(bridge: SteppedBridge, log: BoxLog) -> None:
    """Each body is hashed again before it counts; a changed one stops its log with an alarm."""
    assert bridge.file.exists()
    log.scan(5)
    bridge.take(log.payload(), name=log.name)
    bridge.change("DROP TRIGGER record_no_update")
    bridge.change("UPDATE record SET body=? WHERE seq=3", log.bodies[3].replace(b"PASS", b"STOP"))
    bridge.follow()
    assert bridge.ids() == [f"H1/counter-1/log1/{seq}" for seq in range(3)]
    assert bridge.alarms() == {"store_damaged"}
    assert bridge.rows("SELECT state FROM log") == [("damaged",)]


def test_a_closing_record_closes_the_log(bridge: SteppedBridge, log: BoxLog) -> None:
    """The state of a log follows its last record."""
    log.add(Entry(Kind.OPEN, {}))
    log.add(Entry(Kind.CLOSE, {}))
    _deliver(bridge, log)
    assert bridge.rows("SELECT state FROM log") == [("closed",)]


_HOUR_MS = 3_600_000


def _moved_twice(name: BoxName, *, logs: int = 1) -> list[BoxLog]:
    """Give the logs of a boot whose clock begins in 1970, is set by hand one hour slow, and then by the network."""
    boot = "0123456789abcdef"
    stamps = [
        Stamp(1000, 1000, boot, ClockState.UNTRUSTED),
        Stamp(START_MS - _HOUR_MS + 2000, 2000, boot, ClockState.UNTRUSTED),
        Stamp(START_MS - _HOUR_MS + 3000, 3000, boot, ClockState.UNTRUSTED),
        Stamp(START_MS + 4000, 4000, boot, ClockState.SYNCED),
    ]
    entries = [
        Entry(Kind.SCAN, {"n": 1}),
        clock_changed(stamps[0], stamps[1]),
        Entry(Kind.SCAN, {"n": 2}),
        clock_changed(stamps[2], stamps[3]),
    ]
    made = [BoxLog(name, f"log{number}") for number in range(logs)]
    for number, (entry, stamp) in enumerate(zip(entries, stamps, strict=True)):
        log = made[number * logs // len(entries)]
        log.add_body(entry.body(log.log, log.size, stamp))
    return made


@pytest.mark.parametrize("step", [4, 3, 2, 1])
@pytest.mark.parametrize("logs", [1, 2])
def test_a_clock_that_moved_twice_restates_by_the_sum_of_its_moves(bridge: SteppedBridge, step: int, logs: int) -> None:
    """Each record gets all the shifts that follow it up to the first trusted clock, however its log was cut."""
    for log in _moved_twice(BoxName("H1", "counter-1"), logs=logs):
        for end in (*range(step, log.size, step), log.size):
            covered = log.batch(0, end)
            bridge.take(replace(covered, checkpoint=log.checkpoint(end)).packed(), name=log.name)
            bridge.follow()
    times = sorted(event["time"] for event in bridge.exported())
    start = datetime.fromtimestamp(START_MS / 1000, UTC)
    true_times = [start + timedelta(seconds=second) for second in (1, 2, 3, 4)]
    assert times == [at.isoformat(timespec="milliseconds").replace("+00:00", "Z") for at in true_times]
