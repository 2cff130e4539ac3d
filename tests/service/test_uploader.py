"""The uploader against a real mosquitto, a real journal and a small bridge: the ways in which things go well."""

from collections.abc import Callable
from pathlib import Path

import pytest

from fakes.answering_bridge import AnsweringBridge
from fakes.broker import Broker
from fakes.uplink_box import NAME, QUICK, UplinkBox, until
from yaoma.core.merkle import Frontier
from yaoma.core.record import Record
from yaoma_link.batch import ReceiptMark
from yaoma_link.receipt import Outcome, OutcomeState

pytestmark = pytest.mark.broker


@pytest.fixture
def box(broker: Broker, tmp_path: Path) -> Callable[..., UplinkBox]:
    """Make boxes on one folder."""
    return lambda **options: UplinkBox(tmp_path / "box", broker.endpoint(), **options)


@pytest.mark.row("S2-24")
def test_scans_when_bridge_listens_then_arrive_byte_for_byte_and_are_confirmed(
    broker: Broker, box: Callable[..., UplinkBox]
) -> None:
    """Each record reaches the bridge as it was hashed, and the box believes the receipt with its own root."""
    with AnsweringBridge(broker.endpoint(), NAME) as bridge, box() as one:
        one.scan(700)
        one.wait_stored()

        bodies = one.journal.bodies(0, one.journal.size)
        assert bodies == [bridge.records[one.log, seq] for seq in range(len(bodies))]
        stored = one.outbox.load(one.log)
        assert one.journal.frontier == stored.frontier
        assert 256 >= max(len(batch.bodies) for batch in bridge.batches)


def test_single_scan_is_sent_without_waiting_for_others(broker: Broker, box: Callable[..., UplinkBox]) -> None:
    """One scan is one batch, and is confirmed before the next one is made."""
    with AnsweringBridge(broker.endpoint(), NAME), box() as one:
        for _ in range(5):
            one.scan()
            one.wait_stored()

        until(lambda: one.uploader.state.pending == 0, "shown as confirmed")
        assert one.uploader.state.oldest_ms is None


def test_birth_tells_log_size_root_stored_size_and_mark(broker: Broker, box: Callable[..., UplinkBox]) -> None:
    """The birth names what the bridge needs to see a fork and to send receipts again; a clean stop says so."""
    with AnsweringBridge(broker.endpoint(), NAME) as bridge:
        with box() as one:
            one.scan(3)
            one.wait_stored()
        with box() as one:
            one.scan(2)
            until(lambda: sum(status["state"] == "online" for status in bridge.statuses) >= 2, "second birth")
            root = Frontier().extended(one.journal.leaf_hashes(0, 4)).root().hex()
        until(lambda: bridge.statuses[-1]["state"] == "stopped", "farewell")

        births = [status for status in bridge.statuses if status["state"] == "online"]
        birth = births[-1]
        assert birth["log"] == one.log
        assert birth["previous"] == ""
        assert birth["boot"] == "0123456789abcdef"
        assert birth["version"] == "0.1.0"
        assert birth["clock"] == "synced"
        assert birth["size"] in {4, 6}
        assert birth["size"] == 6 or birth["root"] == root
        assert birth["stored_upto"] in {4, birth["size"]}
        assert isinstance(birth["receipts"], dict)
        assert birth["receipts"]["epoch"] == 1
        assert birth["receipts"]["upto"] >= 1


def test_box_that_dies_is_declared_offline_by_its_will(broker: Broker, box: Callable[..., UplinkBox]) -> None:
    """A box that vanishes without a word is offline for everybody who looks."""
    with AnsweringBridge(broker.endpoint(), NAME) as bridge, box() as one:
        one.wait_online()
        until(lambda: bool(bridge.statuses), "birth")
        one.cut()
        until(lambda: {"state": "offline"} in bridge.statuses, "last will")


def test_restart_when_some_are_confirmed_then_sends_only_the_rest(
    broker: Broker, box: Callable[..., UplinkBox]
) -> None:
    """After a restart what is above the stored number is sent again, and nothing below."""
    with AnsweringBridge(broker.endpoint(), NAME) as bridge:
        with box() as one:
            one.scan(10)
            one.wait_stored()
            confirmed = one.journal.size
        bridge.batches.clear()
        with box() as one:
            one.scan(5)
            one.wait_stored()

    fresh = [batch for batch in bridge.batches if batch.end > confirmed]
    assert fresh
    assert confirmed == min(batch.first for batch in fresh)
    # the checkpoint may have travelled with the last record once more
    assert all(batch.first >= confirmed - 1 for batch in bridge.batches)


def test_site_db_that_is_lost_sends_everything_again_and_loses_nothing(
    broker: Broker, box: Callable[..., UplinkBox], tmp_path: Path
) -> None:
    """Without the stored number everything is sent again and confirmed again; the bridge drops repeats."""
    with AnsweringBridge(broker.endpoint(), NAME) as bridge:
        with box() as one:
            one.scan(20)
            one.wait_stored()
        for file in (tmp_path / "box").glob("site.db*"):
            file.unlink()
        with box() as one:
            one.wait_stored()
            until(lambda: one.uploader.state.receipts.upto == bridge.rseq, "all receipts followed")

        assert one.journal.size == len(bridge.records)


@pytest.mark.row("S0-12")
def test_refusal_at_a_destination_becomes_a_task(broker: Broker, box: Callable[..., UplinkBox]) -> None:
    """Outcomes arrive with receipts; a refused record is a task for the operator until it is accepted."""
    with AnsweringBridge(broker.endpoint(), NAME) as bridge, box() as one:
        one.scan(5)
        one.wait_stored()
        bridge.answer(one.log, (Outcome((2, 4), "alihealth", OutcomeState.REFUSED, "not_active"),))
        until(lambda: len(one.outbox.tasks()) == 1, "the task")
        assert [(2, 4)] == [task.span for task in one.outbox.tasks()]

        bridge.answer(one.log, (Outcome((0, 6), "alihealth", OutcomeState.ACCEPTED),))
        until(lambda: not one.outbox.tasks(), "the task closed")
        assert OutcomeState.ACCEPTED is one.outbox.outcomes(one.log, 3)[0].state


def test_checkpoint_of_a_quiet_log_reaches_the_bridge_without_new_scans(
    broker: Broker, box: Callable[..., UplinkBox]
) -> None:
    """The checkpoint that covers the last record comes in though nobody scans any more."""
    with AnsweringBridge(broker.endpoint(), NAME) as bridge, box() as one:
        one.scan(3)
        one.wait_stored()
        one.journal.checkpoint()
        one.uploader.wake()
        newest = one.journal.newest_checkpoint()

        until(lambda: any(batch.checkpoint == newest for batch in bridge.batches), "the checkpoint")


@pytest.mark.row("S2-15")
@pytest.mark.row("S3-04")
def test_sealed_identity_travels_with_its_record(broker: Broker, box: Callable[..., UplinkBox]) -> None:
    """A sealed blob arrives beside the record that it belongs to."""
    with AnsweringBridge(broker.endpoint(), NAME) as bridge, box() as one:
        one.scan(2)
        one.scan(sealed=b"sealed")
        one.wait_stored()

        assert {3: b"sealed"} in [batch.sealed for batch in bridge.batches]


def test_oldest_unconfirmed_record_is_shown_while_offline(box: Callable[..., UplinkBox], broker: Broker) -> None:
    """The screen shows how many records wait and since when, also without a broker."""
    broker.kill()
    with box() as one:
        one.scan(3)
        until(lambda: one.uploader.state.pending == 4, "pending counted")
        until(lambda: one.uploader.state.trouble is not None, "trouble named")

        state = one.uploader.state
        assert not state.is_connected
        assert state.trouble == "link.unreachable"
        assert state.oldest_ms == Record.read(one.journal.bodies(0, 1)[0]).stamp.wall_ms
        assert ReceiptMark() == state.receipts


def test_idle_uploader_hardly_wakes(broker: Broker, box: Callable[..., UplinkBox]) -> None:
    """With nothing to do the thread sleeps: a second of idling costs it next to no passes."""
    with AnsweringBridge(broker.endpoint(), NAME), box(limits=QUICK) as one:
        one.scan(2)
        one.wait_stored()
        passes: list[None] = []
        one.uploader._beat = lambda: passes.append(None)
        until(lambda: one.uploader.state.receipts.upto >= 2, "quiet")
        passes.clear()
        with pytest.raises(AssertionError):
            until(lambda: False, within_s=1.5)

        assert 8 > len(passes)
