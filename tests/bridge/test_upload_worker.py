"""A whole worker: from a box's records over a real broker to a platform, and its answers back to the box."""

import signal
import time
from pathlib import Path

import pytest

from fakes.box import BoxLog, SendingBox, receipt_signer
from fakes.bridge_workers import BridgeWorkers
from fakes.broker import Broker
from fakes.simulated import Simulated
from fakes.stepped_bridge import register
from fakes.ticketed import Counter, code_of
from yaoma_link.receipt import OutcomeState
from yaoma_link.topics import BoxName

pytestmark = pytest.mark.broker

GOOD, SOLD = code_of(1), code_of(2)


def _final(box: SendingBox) -> dict[tuple[int, int], tuple[OutcomeState, str]]:
    """Give what was accepted or refused in the end, by the records' places."""
    said = {
        one.span: (one.state, one.reason)
        for receipt in list(box.receipts)
        for one in receipt.outcomes
        if one.destination == "alihealth"
    }
    return {span: one for span, one in said.items() if one[0] in {OutcomeState.ACCEPTED, OutcomeState.REFUSED}}


@pytest.mark.row("S0-12", part="bridge")
def test_both_answers_of_a_platform_come_back_to_the_box(broker: Broker, tmp_path: Path) -> None:
    """One sale is accepted, one was sold elsewhere; the box hears both, and that the pack is to be held."""
    name = BoxName("H1", "counter-1")
    register(tmp_path / "boxes", name)
    bridge = BridgeWorkers(tmp_path, broker)
    (tmp_path / "secret").write_text("helloworld")
    (tmp_path / "institutions").mkdir()
    own = 'kind = "pharmacy"\n[alihealth]\nref_ent_id = "ref-1"\nent_id = "ent-1"\n'
    (tmp_path / "institutions" / "H1.toml").write_text(own)
    log = BoxLog(name, "log1")
    counter = Counter(log)
    counter.sell(GOOD)
    counter.sell(SOLD)
    with Simulated("alihealth") as platform:
        platform._tell({"data": {"codes": {SOLD.removeprefix("cn20:"): "sold"}}})
        with bridge.config.open("a", encoding="utf-8") as config:
            config.write(
                f"""
[institutions]
folder = "institutions"
[[destination]]
name = "alihealth"
kind = "alihealth"
url = "{platform.url}"
app_key = "1"
app_secret_file = "{tmp_path}/secret"
plain_http = true
inquire_every_s = 0
[destination.pace]
calls_per_s = 0
first_ask_s = 0.1
"""
            )
        bridge.start()
        try:
            with SendingBox(broker.endpoint(), log, [receipt_signer().verifier()]) as box:
                end_s = time.monotonic() + 60
                while len(_final(box)) < 2:
                    assert time.monotonic() < end_s
                    time.sleep(0.05)
                outcomes = _final(box)
            assert outcomes == {
                (1, 2): (OutcomeState.ACCEPTED, ""),
                (4, 5): (OutcomeState.REFUSED, "sold_elsewhere"),
            }
            assert len(platform.received()) == 2
            assert bridge.ask("status", "--json")["uploads"] == {"alihealth": {"accepted": 1, "refused": 1}}
            (told,) = bridge.ask("explain", SOLD, "--json")
            assert told["uploads"][0]["reason"] == "sold_elsewhere"
        finally:
            assert bridge.stop(signal.SIGTERM) == [0]
