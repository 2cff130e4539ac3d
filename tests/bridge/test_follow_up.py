"""Follow-up: the thread that takes further what is stored."""

import queue
import time
from pathlib import Path
from typing import Any

import pytest

from fakes.box import BoxLog
from fakes.stepped_bridge import SteppedBridge
from yaoma_bridge import follow_up as module
from yaoma_bridge.follow_up import FollowUp
from yaoma_bridge.turns import Turns
from yaoma_bridge.verify import verify_log


def test_a_round_over_many_logs_beats_at_each_log(
    bridge: SteppedBridge, log: BoxLog, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The watchdog hears of progress within a round, however many logs there are."""
    for number in range(5):
        one = BoxLog(log.name, f"log{number}")
        one.scan(3)
        bridge.take(one.payload(), name=one.name)
    follow = FollowUp(
        bridge.place,
        bridge.registry,
        [],
        signer=bridge.signer,
        owner="test",
        hold_ms=1000,
        unsigned_after_ms=600_000,
        hold_untrusted=True,
        outgoing=queue.SimpleQueue(),
        now_ms=lambda: bridge.now_ms,
        turns=Turns(),
    )
    beats: list[float] = []

    def slow(*arguments: Any, **options: Any) -> bool:
        beats.append(follow.beat_s)
        time.sleep(0.01)
        return verify_log(*arguments, **options)

    monkeypatch.setattr(module, "verify_log", slow)
    follow.start()
    try:
        deadline_s = time.monotonic() + 30
        while bridge.rows("SELECT COUNT(*) FROM log WHERE settled_upto=3") != [(5,)]:
            assert time.monotonic() < deadline_s
            time.sleep(0.02)
    finally:
        follow.stop()
    assert follow.failure is None
    assert len(set(beats)) == len(beats) >= 5
