"""Verification: only what a signed checkpoint covers is believed and leaves the bridge."""

from fakes.box import BoxLog, box_signer
from fakes.stepped_bridge import SteppedBridge, register
from yaoma.core.note import Signer
from yaoma_link.receipt import OutcomeState
from yaoma_link.topics import BoxName


def _upto(bridge: SteppedBridge) -> tuple[int, int, str]:
    ((stored, verified, state),) = bridge.rows("SELECT stored_upto, verified_upto, state FROM log")
    return stored, verified, state


def test_events_leave_only_up_to_the_last_good_checkpoint(bridge: SteppedBridge, log: BoxLog) -> None:
    """Stored records wait for a checkpoint that covers them, and outcomes then go into a receipt."""
    log.scan(10)
    covered = log.checkpoint()
    log.scan(10)
    batch = log.batch(checkpoint=False)
    bridge.take(batch.packed(), name=log.name)
    assert bridge.follow() == []
    bridge.take(type(batch)("log1", 0, batch.bodies[:1], covered).packed(), name=log.name)
    (receipt,) = bridge.follow()
    assert _upto(bridge) == (20, 10, "open")
    assert len(bridge.ids()) == 10
    ((outcome),) = receipt.outcomes
    assert (outcome.span, outcome.destination, outcome.state) == ((0, 10), "file", OutcomeState.ACCEPTED)


def test_checkpoints_on_the_way_are_all_compared(bridge: SteppedBridge, log: BoxLog) -> None:
    """A checkpoint that was signed before its records arrived is compared when they do."""
    log.scan(30)
    bridge.take(log.payload(20, 30), name=log.name)
    bridge.follow()
    assert _upto(bridge) == (0, 0, "open")
    bridge.take(log.payload(0, 20, checkpoint=False), name=log.name)
    bridge.follow()
    assert _upto(bridge) == (30, 30, "open")
    assert bridge.ids() == [f"H1/counter-1/log1/{seq}" for seq in range(30)]


def test_a_forged_checkpoint_is_dropped_and_alarmed_and_breaks_nothing(bridge: SteppedBridge, log: BoxLog) -> None:
    """A checkpoint by another key, for another log or with a changed root proves nothing against the log."""
    log.scan(10)
    batch = log.batch()
    stranger = Signer(log.signer.name, box_signer(log.name, seed=9).key)
    elsewhere = BoxLog(BoxName("H1", "counter-2"), "log1", signer=log.signer)
    elsewhere.scan(10)
    good = log.checkpoint()
    forged = [
        log.checkpoint(signer=stranger),
        elsewhere.checkpoint(),
        good.replace("\n10\n", "\n9\n"),
        "nonsense",
        good + "x" * 5000,
    ]
    for note in forged:
        bridge.take(type(batch)("log1", 0, batch.bodies, note).packed(), name=log.name)
        assert bridge.follow() == []
    assert _upto(bridge) == (10, 0, "open")
    assert bridge.alarms() == {"checkpoint_forged"}
    bridge.take(log.payload(), name=log.name)
    bridge.follow()
    assert _upto(bridge) == (10, 10, "open")


def test_a_signed_wrong_root_stops_export_until_a_later_checkpoint_fits(bridge: SteppedBridge, log: BoxLog) -> None:
    """A clone that signs another history stops the export, not the storing; the genuine box's next checkpoint ends it.

    What is stored stays as it is, and the alarm stays for a person.
    """
    log.scan(10)
    bridge.take(log.payload(), name=log.name)
    bridge.follow()
    clone = log.twin()
    log.scan(10)
    clone.scan(5, salt="x")
    bridge.take(log.payload(checkpoint=False), name=log.name)
    batch = log.batch(0, 1)
    bridge.take(type(batch)("log1", 0, batch.bodies, clone.checkpoint()).packed(), name=log.name)
    bridge.take(log.payload(checkpoint=False), name=log.name)
    bridge.follow()
    assert _upto(bridge) == (20, 10, "broken")
    assert "broken" in bridge.alarms()
    assert len(bridge.ids()) == 10
    log.scan(5)
    assert bridge.take(log.payload(20, checkpoint=False), name=log.name)[0].stored_upto == 25
    bridge.follow()
    assert len(bridge.ids()) == 10
    bridge.take(log.payload(20), name=log.name)
    bridge.follow()
    assert _upto(bridge) == (25, 25, "open")
    assert "broken" in bridge.alarms()
    assert len(bridge.ids()) == 25


def test_two_roots_for_one_size_are_alarmed_before_the_records_are_there(bridge: SteppedBridge, log: BoxLog) -> None:
    """Two signed roots for one size prove a fork at once; which one fits is known when the records have come."""
    log.scan(10)
    clone = log.twin()
    log.scan()
    clone.scan(salt="x")
    batch = log.batch(0, 5)
    for note in (clone.checkpoint(), log.checkpoint()):
        bridge.take(type(batch)("log1", 0, batch.bodies, note).packed(), name=log.name)
    bridge.follow()
    assert _upto(bridge) == (5, 0, "open")
    assert "broken" in bridge.alarms()
    bridge.take(log.payload(checkpoint=False), name=log.name)
    bridge.follow()
    assert _upto(bridge) == (11, 11, "open")


def test_an_old_checkpoint_with_another_root_is_found_behind_the_verified_size(
    bridge: SteppedBridge, log: BoxLog
) -> None:
    """A late checkpoint below `verified_upto` is compared with the root that was there at its size."""
    log.scan(3)
    clone = log.twin()
    for _ in range(4):
        log.scan(5)
        bridge.take(log.payload(), name=log.name)
        bridge.follow()
    clone.scan(4, salt="x")
    batch = log.batch(0, 1)
    bridge.take(type(batch)("log1", 0, batch.bodies, log.checkpoint(7)).packed(), name=log.name)
    bridge.follow()
    assert _upto(bridge) == (23, 23, "open")
    bridge.take(type(batch)("log1", 0, batch.bodies, clone.checkpoint()).packed(), name=log.name)
    bridge.follow()
    assert _upto(bridge) == (23, 23, "open")
    assert "broken" in bridge.alarms()


def test_a_box_without_a_key_is_stored_and_waits_until_it_is_registered(bridge: SteppedBridge) -> None:
    """Without a key nothing is verified; the day the key is there everything is, without a restart."""
    log = BoxLog(BoxName("H2", "counter-1"), "log1")
    log.scan(10)
    assert bridge.take(log.payload(), name=log.name)[0].stored_upto == 10
    bridge.follow()
    bridge.follow()
    assert _upto(bridge) == (10, 0, "open")
    assert bridge.rows("SELECT kind, times FROM alarm") == [("key_missing", 1)]
    register(bridge.registry.folder, log.name)
    bridge.follow()
    assert _upto(bridge) == (10, 10, "open")


def test_a_vkey_file_of_another_box_is_no_key(bridge: SteppedBridge, log: BoxLog) -> None:
    """A key counts only under the name that it carries."""
    file = bridge.registry.folder / "H1.counter-1.vkey"
    for text in (str(box_signer(BoxName("H1", "counter-9")).verifier()), "rubbish", ""):
        file.write_text(text)
        log.scan()
        bridge.take(log.payload(), name=log.name)
        bridge.follow()
    assert _upto(bridge)[1] == 0
    assert bridge.alarms() == {"key_missing"}


def test_a_log_that_another_worker_has_claimed_is_left_to_it(bridge: SteppedBridge, log: BoxLog) -> None:
    """A claim keeps others away until it runs out with its owner's death."""
    log.scan(10)
    bridge.take(log.payload(), name=log.name)
    bridge.change("INSERT INTO claim VALUES ('log:1', 'another', ?)", bridge.now_ms + 1000)
    bridge.follow()
    assert _upto(bridge)[1] == 0
    bridge.now_ms += 1000
    bridge.follow()
    assert _upto(bridge)[1] == 10
