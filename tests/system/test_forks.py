"""Old copies of a card, clones, lost cards, a bridge from a backup: nothing green is lost, nothing is counted twice."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.acl import without_records
from fakes.burst import pack_codes
from fakes.county import BoxProcess, County, wait_for
from fakes.tally import assert_delivered_once, delivered, delivery_faults, event_of, held, shown_packs
from yaoma.core.record import Kind, Record

pytestmark = [pytest.mark.broker, pytest.mark.xdist_group("system-forks")]

_PACKS = 6


@pytest.fixture
def codes() -> Iterator[str]:
    """Give packs that are scanned once each."""
    return pack_codes()


def _scan(box: BoxProcess, codes: Iterator[str], packs: int = _PACKS) -> set[str]:
    """Scan packs one after the other, each shown before the next; give their codes."""
    scanned = [next(codes) for _ in range(packs)]
    for code in scanned:
        box.scan(code)
        wait_for(lambda code=code: code in {one.code for one in shown_packs(box)}, f"{box.name} shows nothing")  # type: ignore[misc]  # mypy can't infer a lambda with a default
    return set(scanned)


def _codes_delivered(county: County) -> list[str]:
    return sorted(str(event["subject"]).removeprefix("cn20:") for event in county.events() if "subject" in event)


def _opening(box: BoxProcess) -> tuple[str, str]:
    """Give reason and predecessor of the open log."""
    log = box.ask()["journal"]["log"]
    first = next(record for record in box.entries() if record.log == log and record.kind == Kind.OPEN)
    previous = first.fields.get("previous")
    return str(first.fields["reason"]), str(previous["log"]) if isinstance(previous, dict) else ""


def _alarms(county: County) -> set[str]:
    return {alarm["kind"] for alarm in county.bridges[0].status()["alarms"]}


def _log(box: BoxProcess) -> str:
    return str(box.ask()["journal"]["log"])


@pytest.mark.parametrize(
    ("put_back", "reasons"),
    [("card", {"forked"}), pytest.param("journal", {"forked", "shrunk"}, marks=pytest.mark.slow)],
)
def test_an_old_copy_put_back_loses_nothing_green_and_counts_nothing_twice(
    county: County, codes: Iterator[str], tmp_path: Path, put_back: str, reasons: set[str]
) -> None:
    """What was green before and after the copy was put back is delivered once each, under a new log, with an alarm."""
    box = county.add_box(verbose=True)
    box.start()
    scanned = _scan(box, codes)
    assert_delivered_once(county, [box])
    box.program.stop()
    shutil.copytree(box.state, tmp_path / "copy")
    box.start()
    scanned |= _scan(box, codes)
    assert_delivered_once(county, [box])
    old_log = _log(box)
    box.program.stop()
    before = box.entries()

    if put_back == "card":
        shutil.rmtree(box.state)
        shutil.copytree(tmp_path / "copy", box.state)
    else:
        shutil.copy(tmp_path / "copy" / "journal.db", box.state / "journal.db")
    county.broker.kill()
    # The box does not know yet what the bridge knows, and shows green for places that are taken there.
    box.start()
    scanned |= _scan(box, codes)
    county.broker.start()
    wait_for(lambda: _log(box) not in {"", old_log}, f"no new log was begun: {box.ask()}")
    reason, previous = _opening(box)
    assert (reason in reasons, previous) == (True, old_log)
    scanned |= _scan(box, codes)
    wait_for(lambda: box.ask()["uplink"]["pending"] == 0, f"not everything was confirmed: {box.ask()['uplink']}")
    wait_for(lambda: scanned <= set(_codes_delivered(county)), "a pack that was shown has not arrived")

    kept = [*before, *box.entries()]
    wait_for(lambda: not delivery_faults(county, kept), f"{delivery_faults(county, kept)}")
    assert _codes_delivered(county) == sorted(scanned), "a pack was counted twice"
    assert _alarms(county) & {"fork", "conflict"} or reason == "shrunk"
    verified = box.command("journal", "verify")
    if put_back == "card":
        assert verified.returncode == 0, verified.stdout + verified.stderr
    else:
        assert (verified.returncode, "the bridge has stored" in verified.stdout) == (1, True), verified.stdout


def _clone(county: County, box: BoxProcess) -> BoxProcess:
    """Copy a card: keys, configuration, state; give the second box that runs on the copy."""
    place = county.folder / "b2"
    shutil.copytree(box.folder, place, ignore=shutil.ignore_patterns("control", "box.log", "gun"))
    return county.add_box(box.name, place=place, verbose=True)


def test_two_boxes_with_one_identity_are_told_and_lose_nothing_green(county: County, codes: Iterator[str]) -> None:
    """The bridge tells of clones, whatever the broker says; each of them alone then delivers all of its own, once."""
    box = county.add_box(verbose=True)
    box.start()
    scanned = _scan(box, codes)
    assert_delivered_once(county, [box])
    with without_records(county):
        # On the card when it is copied, and at the bridge not yet: both boxes will bring it.
        scanned |= _scan(box, codes)
        box.program.stop()
        clone = _clone(county, box)
    both = [box, clone]
    for one in both:
        one.start()
    for _ in range(3):
        for one in both:
            scanned |= _scan(one, codes, 2)
    wait_for(lambda: _alarms(county) & {"fork", "conflict"}, "the bridge has not told")

    for alone, other in ((box, clone), (clone, box)):
        other.program.stop()
        if not alone.program.is_running():
            alone.start()
        scanned |= _scan(alone, codes, 1)
        wait_for(lambda alone=alone: alone.ask()["uplink"]["pending"] == 0, f"{alone.ask().get('uplink')}")  # type: ignore[misc]  # as above
    wait_for(lambda: scanned <= set(_codes_delivered(county)), "a pack that was shown has not arrived")
    kept = [*box.entries(), *clone.entries()]
    wait_for(lambda: not delivery_faults(county, kept), f"{delivery_faults(county, kept)}")
    assert _codes_delivered(county) == sorted(scanned), "a pack was counted twice"


def test_a_box_with_a_lost_card_begins_a_new_log_that_the_bridge_tells_of(county: County, codes: Iterator[str]) -> None:
    """With its keys and an empty card a box goes on under a new log; what the bridge has of the old one stays."""
    box = county.add_box(verbose=True)
    box.start()
    scanned = _scan(box, codes)
    assert_delivered_once(county, [box])
    before = box.entries()
    box.program.stop()
    shutil.rmtree(box.state)
    box.start()
    scanned |= _scan(box, codes)
    wait_for(lambda: box.ask()["uplink"]["pending"] == 0, "not everything was confirmed")
    assert _opening(box) == ("new", "")
    kept: list[Record] = [*before, *box.entries()]
    wait_for(lambda: not delivery_faults(county, kept), f"{delivery_faults(county, kept)}")
    assert _codes_delivered(county) == sorted(scanned)
    wait_for(lambda: "new_log" in _alarms(county), f"the bridge tells nothing: {_alarms(county)}")


def test_a_box_with_a_lost_card_follows_the_receipts_again(county: County, codes: Iterator[str]) -> None:
    """With its place among the receipts lost, a box takes up the bridge's numbers and hears of outcomes again."""
    box = county.add_box(verbose=True)
    box.start()
    _scan(box, codes)
    assert_delivered_once(county, [box])
    # The next batch carries the mark that lets the bridge forget what was applied.
    _scan(box, codes)
    assert_delivered_once(county, [box])
    box.program.stop()
    shutil.rmtree(box.state)
    box.start()
    _scan(box, codes)
    wait_for(lambda: box.ask()["uplink"]["receipts"]["epoch"], "the box applies no receipt", 15)


def test_a_bridge_from_yesterdays_backup_gets_everything_again_and_repeats_nothing(
    county: County, codes: Iterator[str], tmp_path: Path
) -> None:
    """A restored store begins a new epoch, the box sends what it lacks, the destination has every event once."""
    box, bridge = county.add_box(verbose=True), county.bridges[0]
    store = county.folder / "bridge" / "bridge.db"
    box.start()
    scanned = _scan(box, codes)
    assert_delivered_once(county, [box])
    epoch = box.ask()["uplink"]["receipts"]["epoch"]
    assert bridge.program.stop() == 0
    shutil.copy(store, tmp_path / "backup.db")
    bridge.program.start()
    scanned |= _scan(box, codes)
    assert_delivered_once(county, [box])
    assert bridge.program.stop() == 0

    for suffix in ("", "-wal", "-shm"):
        store.with_name(f"bridge.db{suffix}").unlink(missing_ok=True)
    shutil.copy(tmp_path / "backup.db", store)
    lost = {event_of(record) for record in box.entries()} - held(county)
    assert lost, "the backup lacks nothing, so there is nothing to test"
    bridge.program.start()
    scanned |= _scan(box, codes)
    wait_for(lambda: box.ask()["uplink"]["receipts"]["epoch"] > epoch, f"no new epoch has begun: {box.ask()['uplink']}")
    assert_delivered_once(county, [box])
    assert lost <= held(county)
    assert _codes_delivered(county) == sorted(scanned)
    assert len(delivered(county)) == len(set(delivered(county)))
    assert "restored" in _alarms(county)
