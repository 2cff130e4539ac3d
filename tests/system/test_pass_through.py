"""A station with a till behind it: the real box, scanner and till on real pseudo-terminals (S1-16, DESIGN.md 11)."""

import re
import time
from collections.abc import Callable, Iterator
from itertools import islice
from random import Random

import pytest

from fakes.burst import pack_codes
from fakes.county import BoxProcess, County, wait_for
from fakes.pty_till import PtyTill, typed
from fakes.tally import shown_verdicts
from yaoma.core.record import Kind, Record

pytestmark = [pytest.mark.broker, pytest.mark.xdist_group("system-pass-through")]

NewCounty = Callable[..., County]
OpenShop = Callable[..., "Shop"]

PACKS = list(islice(pack_codes(), 60))
RECALLED, UNLISTED = PACKS[50], "88298420000560224025"
SHAMPOO, PAYMENT, INSURANCE = "6901234567892", "134567890123456789", "3601X9hq7TzWm4KpR2"
CARD = "11010519491231002X"


class Shop:
    """A box with a till behind its counter."""

    def __init__(self, box: BoxProcess, till: PtyTill) -> None:
        self.box = box
        self.till = till

    def scan(self, code: str) -> str:
        """Scan a code that is judged; give its verdict."""
        before = len(shown_verdicts(self.box))
        self.box.scan(code)
        wait_for(lambda: len(shown_verdicts(self.box)) > before, f"nothing is shown: {self.box.program.said()[-2000:]}")
        return shown_verdicts(self.box)[before].verdict

    def ticket(self, *words: str) -> None:
        """Run `yaoma ticket`."""
        done = self.box.command("ticket", *words)
        assert done.returncode == 0, done.stdout + done.stderr

    def scans(self) -> int:
        """Count the records of scans."""
        return sum(one.kind == Kind.SCAN for one in self.box.records())

    def arrived(self) -> list[str]:
        """Take what has arrived at the till, code by code."""
        return [one.decode() for one in self.till.take_all(0.5).split(b"\r") if one]

    def port(self) -> dict[str, object]:
        """What the status says of the till."""
        (port,) = self.box.ask()["ports"]
        return dict(port)


@pytest.fixture
def till() -> Iterator[PtyTill]:
    """A till."""
    till = PtyTill()
    yield till
    till.unplug()


@pytest.fixture
def open_shop(new_county: NewCounty, till: PtyTill) -> Callable[..., Shop]:
    """Give a maker of shops whose box runs, far from any broker."""

    def new(driver: str = "serial_out", further: str = "") -> Shop:
        county = new_county(codes=PACKS[:51], products={"8100000": "示例胶囊"}, denials={f"cn20:{RECALLED}": "recall"})
        tables = f"""
[[pass_through]]
station = "counter"
driver = "{driver}"
timeout_s = 0.5
{further}
[pass_through.options]
device = "{till.path}"
"""
        box = county.add_box(verbose=True, settings={"tables": tables})
        shop = Shop(box, till)
        box.start()
        wait_for(lambda: shop.port()["working"], "the till is not found")
        return shop

    return new


@pytest.mark.row("S1-16")
def test_sale_when_codes_are_scanned_then_the_till_gets_what_was_let_through_and_what_is_its_own(
    open_shop: OpenShop,
) -> None:
    """PASS arrives once; REPEAT, REVIEW, STOP and an ID do not; what is the till's own arrives and leaves no record.

    A pack that a named operator lets through arrives with its next scan. At a delivery, and without a ticket, a
    look-alike is a fault as ever.
    """
    shop = open_shop()
    assert "FAULT" == shop.scan(SHAMPOO)
    shop.ticket("open", "counter", "dispense")
    assert ["PASS", "PASS", "REPEAT"] == [shop.scan(code) for code in (PACKS[0], PACKS[1], PACKS[1])]
    assert [PACKS[0], PACKS[1]] == shop.arrived()
    assert ["STOP", "REVIEW", "FAULT", "FAULT"] == [
        shop.scan(code) for code in (RECALLED, UNLISTED, CARD, PACKS[2] + PACKS[3])
    ]
    assert [] == shop.arrived()

    before, scans = len(shown_verdicts(shop.box)), shop.scans()
    shop.box.scan(SHAMPOO, PAYMENT, INSURANCE)
    assert [SHAMPOO, PAYMENT, INSURANCE] == shop.arrived()
    assert (before, scans) == (len(shown_verdicts(shop.box)), shop.scans())
    counted = shop.box.ask()["today"]
    assert {"PASS": 2, "REPEAT": 1, "STOP": 1, "REVIEW": 1, "FAULT": 3} == counted
    assert (5, 0) == (shop.port()["sent"], shop.port()["failed"])

    shop.ticket("override", "counter", "--operator", "li", "--reason", "包装已核对")
    assert ["REPEAT", "REPEAT"] == [shop.scan(UNLISTED), shop.scan(UNLISTED)]
    assert [UNLISTED] == shop.arrived()

    shop.ticket("close", "counter")
    shop.ticket("open", "counter", "receive")
    assert ["FAULT", "FAULT"] == [shop.scan(SHAMPOO), shop.scan(PAYMENT)]
    assert [] == shop.arrived()


@pytest.mark.row("S1-16")
def test_till_when_it_sleeps_then_verdicts_come_as_ever_and_what_did_not_arrive_is_shown_recorded_and_owed(
    open_shop: OpenShop,
) -> None:
    """Nobody waits for it; the pack's next scan brings it once the till is awake; nothing of a payment is recorded."""
    shop = open_shop("hid_gadget")
    shop.ticket("open", "counter", "dispense")
    waiting = shop.till.fall_asleep()
    assert ["PASS"] * 3 == [shop.scan(code) for code in PACKS[:3]]
    shop.box.scan(PAYMENT)
    failed: list[Record] = []

    def all_recorded() -> bool:
        failed[:] = [one for one in shop.box.records() if one.kind == Kind.PASS_ON]
        return len(failed) == 4

    wait_for(all_recorded, "what did not arrive is not recorded")
    wait_for(lambda: faults(shop.box).count("not_passed_on") == 4, "what did not arrive is not shown")
    scans = [one for one in shop.box.records() if one.fields.get("code")]
    of = [one.fields["of"] for one in failed if one.fields.get("of")]
    assert [{"log": one.log, "seq": one.seq} for one in scans] == of
    assert {"asleep"} == {one.fields["problem"] for one in failed}
    assert all(PAYMENT not in str(one.fields) for one in failed)
    assert ("asleep", 4) == (shop.port()["problem"], shop.port()["failed"])

    shop.till.take(waiting)
    assert "" == typed(shop.till.take_all()), "a key came after the code was given up"
    assert ["REPEAT", "REPEAT"] == [shop.scan(PACKS[0]), shop.scan(PACKS[0])]
    assert f"{PACKS[0]}\n" == typed(shop.till.take_all(0.5))
    assert shop.port()["working"]


def faults(box: BoxProcess) -> list[str]:
    """The reasons of everything that was shown as a fault."""
    return re.findall(r"verdict: class=FAULT reason=(\S+)", box.program.said())


@pytest.mark.row("S1-16")
def test_box_when_killed_again_and_again_then_the_till_never_has_a_code_that_is_not_kept(
    open_shop: OpenShop, dice: Random
) -> None:
    """After kill -9 at any moment, whatever reached the till stands in the journal as PASS."""
    shop = open_shop(further="without_ticket = true")
    shop.box.scan(PAYMENT)
    assert [PAYMENT] == shop.arrived(), "without a ticket a payment goes on where the configuration says so"
    assert 0 == shop.scans()

    arrived: list[str] = []
    codes = iter(PACKS[:50])
    for round_ in range(3):
        shop.box.scan(*islice(codes, 12))
        time.sleep(dice.uniform(0.02, 0.4))
        shop.box.program.kill()
        arrived += [one for one in shop.arrived() if len(one) == 20]
        kept = {one.fields["code"] for one in shop.box.records() if one.fields.get("verdict") == "PASS"}
        assert {f"cn20:{one}" for one in arrived} <= kept
        if round_ < 2:
            shop.box.start()
            wait_for(lambda: shop.port()["working"], "the till is not found again")
    assert arrived, "nothing reached the till"
