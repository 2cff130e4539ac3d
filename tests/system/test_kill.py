"""kill -9 of box, bridge and broker while packs are scanned: what was shown is kept, what is kept arrives once."""

import sys
import time
from random import Random

import pytest

from fakes.burst import Burst, pack_codes
from fakes.county import County, wait_for
from fakes.tally import assert_delivered_once, assert_shown_is_kept

pytestmark = [pytest.mark.broker, pytest.mark.xdist_group("system-kill")]


def _play(county: County, cycles: int, dice: Random) -> None:
    box, bridge = county.add_box(verbose=True), county.bridges[0]
    box.start()
    with Burst(box, pack_codes(), 60):
        for _ in range(cycles):
            time.sleep(dice.uniform(0.1, 0.8))
            victim = dice.choice(("box", "bridge", "broker"))
            sys.stdout.write(f"kill {victim}\n")
            if victim == "box":
                box.program.kill()
                time.sleep(dice.uniform(0.0, 0.3))
                # Without a wait: the next kill may come in the middle of the start.
                box.start(wait=dice.random() < 0.7)
            elif victim == "bridge":
                bridge.program.kill()
                time.sleep(dice.uniform(0.0, 0.3))
                bridge.program.start()
            else:
                county.broker.kill()
                time.sleep(dice.uniform(0.0, 0.3))
                county.broker.start()
        wait_for(lambda: box.ask().get("journal", {}).get("log"), "the box did not come up again")
    assert_delivered_once(county, [box], 120)
    assert assert_shown_is_kept(box) >= cycles, "hardly anything was scanned"
    assert box.command("journal", "verify").returncode == 0


def test_five_kills_while_scanning_lose_nothing_that_was_shown_and_deliver_everything_once(
    county: County, dice: Random
) -> None:
    """After five kills at random moments the box, the bridge and the destination hold the same records."""
    _play(county, 5, dice)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_hundred_kills_while_scanning_lose_nothing_that_was_shown_and_deliver_everything_once(
    county: County, dice: Random
) -> None:
    """After a hundred kills at random moments the box, the bridge and the destination hold the same records."""
    _play(county, 100, dice)
