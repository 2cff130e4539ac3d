"""Pack news: a refusal that speaks of the pack reaches all boxes of its site, and is lifted by a later acceptance."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.box import BoxLog
from fakes.scripted_platform import ScriptedPlatform
from fakes.stepped_bridge import register
from fakes.ticketed import Counter, code_of
from fakes.uploading_bridge import UploadingBridge
from yaoma.core.allowlist import DenialKind
from yaoma_bridge.platform import Answer, AnswerState
from yaoma_bridge.rulings import retry
from yaoma_bridge.state import state_after
from yaoma_link.state import StateMessage
from yaoma_link.topics import BoxName

A = code_of(1)


@pytest.fixture
def platform() -> ScriptedPlatform:
    """Give a platform."""
    return ScriptedPlatform()


@pytest.fixture
def bridge(tmp_path: Path, platform: ScriptedPlatform, log: BoxLog) -> Iterator[UploadingBridge]:
    """Give a bridge with two boxes of the site."""
    register(tmp_path / "boxes", log.name)
    register(tmp_path / "boxes", BoxName(log.name.site, "counter-2"))
    running = UploadingBridge(tmp_path, platform)
    yield running
    running.close()


def _heard(bridge: UploadingBridge, name: BoxName) -> list[StateMessage]:
    with bridge.store.writing() as tx:
        sent = state_after(tx, name, bridge.signer, bridge.now_ms)
    return [StateMessage.opened(one.payload, [bridge.signer.verifier()]) for one in sent]


def _sold(bridge: UploadingBridge, log: BoxLog) -> None:
    other = BoxLog(BoxName(log.name.site, "counter-2"), "log2")
    other.scan()
    bridge.take(other.payload(), name=other.name)
    Counter(log).sell(A)
    bridge.take(log.payload(), name=log.name)
    bridge.bill()


@pytest.mark.row("S0-09", part="bridge")
@pytest.mark.row("S2-25", part="bridge")
def test_sold_elsewhere_reaches_every_box_of_the_site(
    bridge: UploadingBridge, platform: ScriptedPlatform, log: BoxLog
) -> None:
    """Both counters are told to hold the pack, with who said so."""
    platform.answers = [Answer(AnswerState.REFUSED, "sold_elsewhere")]
    _sold(bridge, log)
    bridge.upload()
    for name in (log.name, BoxName(log.name.site, "counter-2")):
        (message,) = _heard(bridge, name)
        denial = message.denials[A, ""]
        assert denial is not None
        assert (denial.kind, denial.note) == (DenialKind.SOLD_ELSEWHERE, "scripted: sold_elsewhere")


@pytest.mark.row("S1-09", part="bridge")
@pytest.mark.row("S4-13", part="bridge")
def test_a_late_refusal_reaches_the_boxes_as_well(
    bridge: UploadingBridge, platform: ScriptedPlatform, log: BoxLog
) -> None:
    """What was only taken at first and refused in the end is told when that is known."""
    platform.answers = [Answer(AnswerState.PROCESSING)]
    platform.asked = [Answer(AnswerState.REFUSED, "not_activated")]
    _sold(bridge, log)
    bridge.upload()
    assert _heard(bridge, log.name) == []
    bridge.upload(10)
    assert _heard(bridge, log.name)[0].denials[A, ""] is not None


def test_a_later_acceptance_lifts_the_denial(bridge: UploadingBridge, platform: ScriptedPlatform, log: BoxLog) -> None:
    """Once the platform has accepted the pack after all, the boxes let it go."""
    platform.answers = [Answer(AnswerState.REFUSED, "not_activated")]
    _sold(bridge, log)
    bridge.upload()
    (n,) = bridge.rows("SELECT n FROM upload")[0]
    with bridge.store.writing() as tx:
        retry(tx, "scripted", [n], bridge.signer, bridge.now_ms)
    bridge.upload()
    assert bridge.fates() == {A: ("accepted", "")}
    assert _heard(bridge, log.name)[-1].denials == {(A, ""): None}


def test_a_refusal_that_speaks_of_the_bill_denies_nothing(
    bridge: UploadingBridge, platform: ScriptedPlatform, log: BoxLog
) -> None:
    """Wrong parameters are the centre's fault, and no pack's."""
    platform.answers = [Answer(AnswerState.REFUSED, "parameters")]
    _sold(bridge, log)
    bridge.upload()
    assert _heard(bridge, log.name) == []


def test_what_was_told_is_not_told_again(bridge: UploadingBridge, platform: ScriptedPlatform, log: BoxLog) -> None:
    """A pack that is refused once more for the same reason is no news."""
    platform.answers = [Answer(AnswerState.REFUSED, "sold_elsewhere")] * 2
    _sold(bridge, log)
    bridge.upload()
    (n,) = bridge.rows("SELECT n FROM upload")[0]
    with bridge.store.writing() as tx:
        retry(tx, "scripted", [n], bridge.signer, bridge.now_ms)
    bridge.upload()
    assert len(platform.sent) == 2
    assert len(_heard(bridge, log.name)) == 1
