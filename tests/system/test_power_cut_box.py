"""The power of a real ext4 is cut under the whole box: what was shown is kept, and arrives once."""

import sys
import time
from pathlib import Path
from random import Random

import pytest

from fakes import run_without_sync
from fakes.burst import Burst, pack_codes
from fakes.county import BoxProcess, County, wait_for
from fakes.ext4 import Ext4
from fakes.tally import ShownVerdict, assert_delivered_once, assert_shown_is_kept, shown_verdicts
from yaoma.core.record import Record

pytestmark = [pytest.mark.broker, pytest.mark.root, pytest.mark.xdist_group("system-disk")]


def _cut(box: BoxProcess, disk: Ext4) -> list[ShownVerdict]:
    """Cut the power in the middle of everything, and give it again; give what had been shown by then."""
    box.program.freeze()
    # Nothing is shown any more once a signal to stop was taken.
    time.sleep(0.05)
    shown = shown_verdicts(box)
    disk.cut()
    box.program.kill()
    disk.again()
    return shown


def _scan_and_cut(box: BoxProcess, disk: Ext4, codes_from: int, more_s: float) -> list[ShownVerdict]:
    """Cut the power while packs are scanned; give what had been shown by then."""
    before = len(shown_verdicts(box))
    with Burst(box, pack_codes(codes_from), 40):
        wait_for(lambda: len(shown_verdicts(box)) >= before + 10, f"nothing is shown: {box.program.said()[-500:]}")
        time.sleep(more_s)
        return _cut(box, disk)


def _play(county: County, disk: Ext4, cuts: int, dice: Random) -> None:
    box = county.add_box(state=disk.path / "state", verbose=True)
    box.start()
    before: list[Record] = []
    for number in range(cuts):
        shown = _scan_and_cut(box, disk, 1 + number * 1000, dice.uniform(0.0, 0.5))
        sys.stdout.write(f"cut {number}: {len(shown)} shown\n")
        kept = box.entries()
        assert kept[: len(before)] == before, "records that were there after the last cut are gone or changed"
        before = kept
        assert_shown_is_kept(box)
        verified = box.command("journal", "verify")
        assert verified.returncode == 0, verified.stdout + verified.stderr
        box.start()
    with Burst(box, pack_codes(1 + cuts * 1000), 40):
        time.sleep(0.5)
    assert_delivered_once(county, [box])
    assert assert_shown_is_kept(box) >= 10 * cuts
    box.program.stop()


@pytest.mark.row("S0-03")
def test_three_power_cuts_take_no_verdict_that_was_shown_and_deliver_nothing_twice(
    county: County, disk: Ext4, dice: Random
) -> None:
    """After each cut the journal verifies and holds every shown verdict; at the end the bridge has all, none twice."""
    _play(county, disk, 3, dice)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_fifty_power_cuts_take_no_verdict_that_was_shown_and_deliver_nothing_twice(
    county: County, disk: Ext4, dice: Random
) -> None:
    """After each cut the journal verifies and holds every shown verdict; at the end the bridge has all, none twice."""
    _play(county, disk, 50, dice)


def test_a_journal_that_does_not_wait_for_the_disk_loses_what_was_shown(county: County, disk: Ext4) -> None:
    """The same cut takes verdicts away if the journal's commits are not synced, so the test above can fail."""
    launcher = Path(run_without_sync.__file__)
    box = county.add_box(state=disk.path / "state", verbose=True, launcher=launcher)
    box.start()
    shown = _scan_and_cut(box, disk, 1, 0.2)
    kept = {record.seq for record in box.entries()}
    assert {one.seq for one in shown} - kept, f"nothing was lost of {len(shown)}"
