"""Ingest: store first, idempotently."""

import json
import random
import tempfile
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from fakes.box import BoxLog
from fakes.stepped_bridge import SteppedBridge, register
from fakes.tier import times
from yaoma.core.record import Entry, Kind
from yaoma_bridge.errors import BatchRefusedError
from yaoma_bridge.ingest import MAX_PACKED_BYTES, opened
from yaoma_link.batch import Batch
from yaoma_link.topics import BoxName, Channel


def test_stored_upto_when_a_batch_comes_is_told_with_the_boxs_own_root(bridge: SteppedBridge, log: BoxLog) -> None:
    """A receipt carries the size and the root that the box computes itself."""
    log.scan(10)
    (receipt,) = bridge.take(log.payload(), name=log.name)
    assert (receipt.log, receipt.stored_upto, receipt.root) == ("log1", 10, log.frontier.root())
    assert (receipt.rseq, receipt.missing, receipt.conflicts) == (1, (), ())
    assert bridge.bodies(log) == dict(enumerate(log.bodies))


def test_repeats_when_sent_again_are_dropped_and_answered(bridge: SteppedBridge, log: BoxLog) -> None:
    """A batch that comes twice is stored once, and its sender still gets a receipt."""
    log.scan(10)
    bridge.take(log.payload(), name=log.name)
    (receipt,) = bridge.take(log.payload(3, 8), name=log.name)
    assert receipt.stored_upto == 10
    assert len(bridge.bodies(log)) == 10
    assert bridge.alarms() == set()


def test_many_waiting_batches_when_taken_together_make_one_receipt(bridge: SteppedBridge, log: BoxLog) -> None:
    """Receipts coalesce: one for a log, however many of its batches waited."""
    log.scan(50)
    receipts = bridge.take(*log.payloads(5), name=log.name)
    assert [receipt.stored_upto for receipt in receipts] == [50]


def test_another_record_at_a_taken_place_is_kept_as_conflict_and_never_stored(
    bridge: SteppedBridge, log: BoxLog
) -> None:
    """The first record keeps its place; the other is kept beside it, told and alarmed."""
    log.scan(5)
    twin = log.twin()
    log.scan(3)
    twin.scan(5, salt="x")
    bridge.take(log.payload(), name=log.name)
    (receipt,) = bridge.take(twin.payload(), name=log.name)
    assert receipt.conflicts == (5, 6, 7)
    assert receipt.root == _mixed_root(log, twin)
    assert [body for seq, body in sorted(bridge.bodies(log).items())] == log.bodies + twin.bodies[8:]
    assert bridge.rows("SELECT seq, body FROM conflict ORDER BY seq") == list(enumerate(twin.bodies[5:8], 5))
    assert "conflict" in bridge.alarms()


def _mixed_root(log: BoxLog, twin: BoxLog) -> bytes:
    """Give the root of what the centre holds after a twin's records filled the places behind."""
    mixed = BoxLog(log.name, log.log)
    for body in log.bodies + twin.bodies[8:]:
        mixed.add_body(body)
    return mixed.frontier.root()


def test_a_body_that_names_another_place_refuses_its_batch(bridge: SteppedBridge, log: BoxLog) -> None:
    """Log and place in the body must be those of the batch, or nothing of it is stored."""
    log.scan(3)
    shifted = Batch("log1", 1, tuple(log.bodies)).packed()
    renamed = Batch("log2", 0, tuple(log.bodies)).packed()
    for payload in (shifted, renamed):
        with pytest.raises(BatchRefusedError) as refused:
            opened(log.name, payload)
        assert refused.value.reason == "misplaced"
        assert bridge.take(payload, name=log.name) == []
    assert bridge.rows("SELECT 1 FROM record") == []
    assert "batch_refused" in bridge.alarms()


def test_a_body_of_a_later_version_or_of_no_known_form_is_kept_at_its_place(bridge: SteppedBridge, log: BoxLog) -> None:
    """What can't be read is stored and confirmed all the same, and alarmed once."""
    log.scan()
    log.odd(v=2)
    log.add_body(b"\x00\xff\xfe bits")
    log.add_body(b'{"a":' + b"[" * 900 + b"]" * 900 + b"}")
    (receipt,) = bridge.take(log.payload(), name=log.name)
    assert receipt.stored_upto == 4
    assert bridge.bodies(log) == dict(enumerate(log.bodies))
    assert bridge.rows("SELECT kind, times FROM alarm") == [("record_unreadable", 1)]


def _bomb() -> bytes:
    """Pack 64 MiB of noughts into 64 KiB."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = b"\x00" * (1 << 20)
    return b"Y\x01" + b"".join(squeeze.compress(block) for _ in range(64)) + squeeze.flush()


def test_garbage_is_alarmed_by_size_and_topic_only_and_nothing_dies(bridge: SteppedBridge, log: BoxLog) -> None:
    """Ten random megabytes, a bomb and cut batches leave an alarm that quotes nothing, and the next batch is stored."""
    log.scan(20)
    good = log.payload()
    noise = random.Random(7).randbytes(10 << 20)
    assert len(noise) > MAX_PACKED_BYTES
    cut = [good[:at] for at in range(0, len(good), 7)]
    secret = Batch("身份证 110101199003077758", 0, (b"{}",)).packed()
    assert bridge.take(noise, _bomb(), b"", b"Y\x01", *cut, good + b"x", secret, name=log.name) == []
    ((facts, times),) = bridge.rows("SELECT facts, times FROM alarm WHERE kind='batch_refused'")
    assert times == 6 + len(cut)
    assert set(json.loads(facts)) == {"bytes", "reason"}
    (receipt,) = bridge.take(good, name=log.name)
    assert receipt.stored_upto == 20


def test_a_place_beyond_every_log_is_refused(bridge: SteppedBridge, log: BoxLog) -> None:
    """A first place of 2^52 is no hole that anybody is asked to fill."""
    log.scan()
    body = log.bodies[0].replace(b'"seq":0', b'"seq":%d' % 2**52)
    assert bridge.take(Batch("log1", 2**52, (body,)).packed(), name=log.name) == []
    assert bridge.alarms() == {"batch_refused"}


def test_an_erased_identity_does_not_come_back_with_a_repeat(bridge: SteppedBridge, log: BoxLog) -> None:
    """A sealed blob is stored with its record, and only then."""
    log.add(Entry(Kind.SCAN, {"person": "hash"}, sealed=b"sealed"))
    bridge.take(log.payload(), name=log.name)
    assert bridge.rows("SELECT seq, blob FROM sealed") == [(0, b"sealed")]
    bridge.change("DELETE FROM sealed")
    bridge.take(log.payload(), name=log.name)
    assert bridge.rows("SELECT * FROM sealed") == []


def test_a_stored_record_can_not_be_changed_even_by_hand(bridge: SteppedBridge, log: BoxLog) -> None:
    """The store refuses UPDATE and DELETE of records."""
    log.scan()
    bridge.take(log.payload(), name=log.name)
    for sql in ("UPDATE record SET body=leaf", "DELETE FROM record"):
        with pytest.raises(Exception, match="never changed"):
            bridge.change(sql)


def test_a_log_that_another_box_uses_is_stored_apart_and_alarmed(bridge: SteppedBridge, log: BoxLog) -> None:
    """A box that sends another's log fills nothing of the other's: a log belongs to the box of the topic."""
    log.scan(5)
    other = BoxName("H1", "counter-2")
    bridge.take(log.payload(), name=log.name)
    (receipt,) = bridge.take(log.payload(0, 3), name=other)
    assert (receipt.box, receipt.stored_upto) == ("counter-2", 3)
    assert len(bridge.bodies(log)) == 5
    assert "foreign_log" in bridge.alarms()
    bridge.follow()
    assert {event.rsplit("/", 2)[0] for event in bridge.ids()} == {"H1/counter-1"}


def test_topics_and_channels_that_are_none_of_ours_are_alarmed(bridge: SteppedBridge, log: BoxLog) -> None:
    """A batch on the status topic and a status on the records topic store nothing."""
    log.scan()
    bridge.take(log.payload(), name=log.name, channel=Channel.STATUS)
    bridge.take(log.birth(), name=log.name)
    assert bridge.alarms() == {"status_refused", "batch_refused"}
    assert bridge.rows("SELECT 1 FROM record") == []


class AnyOrder(RuleBasedStateMachine):
    """Runs of two logs, split, repeated, reordered and grouped at random, until all were sent."""

    @initialize()
    def begin(self) -> None:
        """Make a centre and two logs of two boxes."""
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name)
        self.logs = [BoxLog(BoxName("H1", f"counter-{n}"), f"log{n}") for n in (1, 2)]
        for log in self.logs:
            log.scan(40)
            register(path / "boxes", log.name)
        self.bridge = SteppedBridge(path)
        self.sent: list[set[int]] = [set(), set()]

    @rule(
        which=st.integers(0, 1),
        runs=st.lists(st.tuples(st.integers(0, 39), st.integers(1, 12)), min_size=1, max_size=4),
        seconds=st.integers(0, 5),
    )
    def send(self, which: int, runs: list[tuple[int, int]], seconds: int) -> None:
        """Send some runs as one group; holes are asked for exactly, and only when they are old."""
        log = self.logs[which]
        payloads = [log.payload(first, min(first + count, 40)) for first, count in runs]
        receipt = self.bridge.take(*payloads, name=log.name)[0]  # older ones that nobody applied may follow
        for first, count in runs:
            self.sent[which] |= set(range(first, min(first + count, 40)))
        holes = {seq for low, high in receipt.missing for seq in range(low, high)}
        expected = set(range(max(self.sent[which]) + 1)) - self.sent[which]
        assert holes in (set(), expected)
        assert receipt.stored_upto == next(n for n in range(41) if n not in self.sent[which])
        self.bridge.now_ms += seconds * 1000

    @rule()
    def follow(self) -> None:
        """Verify and deliver what can be."""
        self.bridge.follow()

    @invariant()
    def stored_is_sent(self) -> None:
        """What is stored is what was sent, byte for byte."""
        for log, sent in zip(self.logs, self.sent, strict=True):
            assert self.bridge.bodies(log) == {seq: log.bodies[seq] for seq in sent}

    def teardown(self) -> None:
        """Send the rest: each record of both logs is exported once."""
        if not hasattr(self, "bridge"):
            return
        for log in self.logs:
            self.bridge.take(log.payload(), name=log.name)
        self.bridge.follow()
        expected = {f"{log.name}/{log.log}/{seq}" for log in self.logs for seq in range(40)}
        ids = self.bridge.ids()
        assert (set(ids), len(ids)) == (expected, 80)
        assert self.bridge.alarms() == set()
        self.bridge.close()
        self.folder.cleanup()


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(
    max_examples=times(12, 100), stateful_step_count=12, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
