"""Neighbour news: what one box of a site did reaches its other boxes by itself, each deed once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.box import BoxLog
from fakes.scripted_platform import ScriptedPlatform
from fakes.stepped_bridge import register
from fakes.ticketed import Counter, code_of
from fakes.uploading_bridge import UploadingBridge
from yaoma_bridge.neighbour_news import tell_neighbours
from yaoma_bridge.state import state_after
from yaoma_link.state import MergeLine, StateMessage
from yaoma_link.topics import BoxName

A, B, C = code_of(1), code_of(2), code_of(3)


@pytest.fixture
def bridge(tmp_path: Path, log: BoxLog) -> Iterator[UploadingBridge]:
    """Give a bridge that has seen two boxes of one site and one of another."""
    running = UploadingBridge(tmp_path, ScriptedPlatform())
    for name in (log.name, BoxName(log.name.site, "counter-2"), BoxName("H9", "counter-1")):
        register(tmp_path / "boxes", name)
        other = BoxLog(name, f"log-{name.site}-{name.box}")
        other.scan()
        running.take(other.payload(), name=name)
    yield running
    running.close()


def _heard(bridge: UploadingBridge, site: str, box: str) -> list[MergeLine]:
    bridge.bill()
    while tell_neighbours(bridge.store, bridge.signer, bridge.now_ms):
        pass
    with bridge.store.writing() as tx:
        sent = state_after(tx, BoxName(site, box), bridge.signer, bridge.now_ms)
    messages = [StateMessage.opened(one.payload, [bridge.signer.verifier()]) for one in sent]
    return [line for message in messages for line in message.merges]


@pytest.mark.row("S0-16", part="bridge")
def test_a_closed_ticket_reaches_the_other_boxes_of_its_site_only(bridge: UploadingBridge, log: BoxLog) -> None:
    """The second counter hears of delivery and sale, the counter itself and another site don't."""
    counter = Counter(log)
    counter.sell(A, B, operation="receive")
    counter.sell(B)
    bridge.take(log.payload(), name=log.name)
    heard = _heard(bridge, log.name.site, "counter-2")
    assert [(line.code, line.operation, line.box) for line in heard] == [
        (A, "receive", "counter-1"),
        (B, "receive", "counter-1"),
        (B, "dispense", "counter-1"),
    ]
    assert [line.at_ms for line in heard] == sorted(line.at_ms for line in heard)
    assert _heard(bridge, log.name.site, "counter-1") == []
    assert _heard(bridge, "H9", "counter-1") == []


def test_a_deed_is_told_once_however_often_the_stage_runs(bridge: UploadingBridge, log: BoxLog) -> None:
    """A second round, and records that come again, queue nothing more."""
    Counter(log).sell(A)
    bridge.take(log.payload(), name=log.name)
    assert len(_heard(bridge, log.name.site, "counter-2")) == 1
    bridge.take(log.payload(), name=log.name)
    bridge.bill()
    assert not tell_neighbours(bridge.store, bridge.signer, bridge.now_ms)
    assert bridge.rows("SELECT COUNT(*) FROM state WHERE box='counter-2'") == [(1,)]


def test_packs_in_quarantine_are_told_when_they_are_released(bridge: UploadingBridge, log: BoxLog) -> None:
    """What was to be reviewed at the delivery reaches the neighbour with the check that lets it out."""
    counter = Counter(log)
    counter.open("receive")
    counter.scan(A)
    counter.scan(B, verdict="REVIEW")
    counter.close()
    bridge.take(log.payload(), name=log.name)
    assert [line.code for line in _heard(bridge, log.name.site, "counter-2")] == [A]
    counter.sell(B, operation="check_return")
    bridge.take(log.payload(), name=log.name)
    heard = _heard(bridge, log.name.site, "counter-2")
    assert [(line.code, line.operation) for line in heard] == [(A, "receive"), (B, "check_return")]


def test_a_container_is_told_by_its_packs_and_portions_are_not_told(bridge: UploadingBridge, log: BoxLog) -> None:
    """A neighbour knows packs, not cases; units of an opened pack stay with the box that opened it."""
    counter = Counter(log)
    counter.open("receive")
    counter.scan(C, packs=[A, B], packs_more=2)
    counter.close()
    counter.open("dispense")
    counter.scan(A, taken=2)
    counter.close()
    bridge.take(log.payload(), name=log.name)
    heard = _heard(bridge, log.name.site, "counter-2")
    assert [(line.code, line.operation) for line in heard] == [(A, "receive"), (B, "receive")]


def test_a_retired_box_hears_nothing_more(bridge: UploadingBridge, log: BoxLog) -> None:
    """Nothing is queued for a box that was taken out of service."""
    bridge.change("INSERT INTO retired (site, box, reason, at_ms) VALUES ('H1', 'counter-2', 'stolen', 1)")
    Counter(log).sell(A)
    bridge.take(log.payload(), name=log.name)
    assert _heard(bridge, log.name.site, "counter-2") == []
