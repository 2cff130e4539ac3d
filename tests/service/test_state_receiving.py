"""State receiving over a real broker: applied once, in order, confirmed by a birth, forgeries left alone."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fakes.answering_bridge import BRIDGE_KEY, AnsweringBridge
from fakes.broker import Broker
from fakes.news import PACKS, message
from fakes.uplink_box import NAME, UplinkBox, until
from yaoma.core.note import Signer
from yaoma.service.state_receiving import StateReceiving
from yaoma.shell.database import DatabaseUnavailableError
from yaoma_link.report import PublishProperties, Received
from yaoma_link.state import MergeLine, StateMark, StateMessage
from yaoma_link.topics import Channel

pytestmark = pytest.mark.broker


def news(number: int, epoch: int = 1, *, box: str = NAME.box) -> StateMessage:
    """A message for the box under test."""
    return message(number, epoch, site=NAME.site, box=box, name=f"asn-{number}")


def said(bridge: AnsweringBridge) -> list[object]:
    """What births have told of the state messages."""
    return [status.get("state_upto") for status in bridge.statuses if status["state"] == "online"]


def test_messages_are_applied_in_order_and_confirmed(broker: Broker, tmp_path: Path) -> None:
    """What the bridge sends stands in list.db, the ledger's part is handed on, and a birth says so."""
    with AnsweringBridge(broker.endpoint(), NAME) as bridge, UplinkBox(tmp_path / "box", broker.endpoint()) as box:
        box.wait_online()
        for number in (1, 2, 2, 1, 3):
            bridge.send_bytes(news(number).signed(BRIDGE_KEY), Channel.STATE)
        until(lambda: {"epoch": 1, "upto": 3} in said(bridge), "confirmation")

        assert [PACKS[1]] * 3 == [line.code for line in box.merged]
        assert [("asn-1",), ("asn-2",), ("asn-3",)] == box.list_db.rows("SELECT id FROM shipment ORDER BY n")


def test_gap_is_asked_for_with_a_birth(broker: Broker, tmp_path: Path) -> None:
    """A message whose predecessor was lost is not applied; the box says where it stands."""
    with AnsweringBridge(broker.endpoint(), NAME) as bridge, UplinkBox(tmp_path / "box", broker.endpoint()) as box:
        box.wait_online()
        until(lambda: len(said(bridge)) >= 1, "birth")
        before = len(said(bridge))
        bridge.send_bytes(news(2).signed(BRIDGE_KEY), Channel.STATE)
        until(lambda: len(said(bridge)) > before, "question")

        assert {"epoch": 0, "upto": 0} == said(bridge)[-1]
        bridge.send_bytes(news(1).signed(BRIDGE_KEY), Channel.STATE)
        bridge.send_bytes(news(2).signed(BRIDGE_KEY), Channel.STATE)
        until(lambda: {"epoch": 1, "upto": 2} in said(bridge), "confirmation")


def test_forged_and_foreign_messages_change_nothing(broker: Broker, tmp_path: Path) -> None:
    """A stranger's signature, another box's message and noise are counted, acknowledged and forgotten."""
    stranger = Signer(BRIDGE_KEY.name, Ed25519PrivateKey.from_private_bytes(bytes(32)))
    with AnsweringBridge(broker.endpoint(), NAME) as bridge, UplinkBox(tmp_path / "box", broker.endpoint()) as box:
        box.wait_online()
        for payload in (news(1).signed(stranger), news(1, box="other").signed(BRIDGE_KEY), b"\xff\x00noise"):
            bridge.send_bytes(payload, Channel.STATE)
        until(lambda: box.news.refused == 3, "refusals")
        assert [] == box.list_db.rows("SELECT id FROM shipment")

        bridge.send_bytes(news(1).signed(BRIDGE_KEY), Channel.STATE)
        until(lambda: bool(box.merged), "the good one")


class StuckShelf:
    """A list.db whose disk refuses once."""

    def __init__(self) -> None:
        self.trouble = 1
        self.applied: list[int] = []
        self.taken = 0

    def mark(self) -> StateMark:
        return StateMark(1, len(self.applied))

    def apply(self, one: StateMessage) -> bool:
        if self.trouble:
            self.trouble -= 1
            raise DatabaseUnavailableError(Path("list.db"), "disk I/O error")
        self.applied.append(one.number)
        return True

    def merges(self, most: int = 1000) -> list[tuple[int, MergeLine]]:
        return [(9, news(1).merges[0])] if self.applied and not self.taken else []

    def forget_merges(self, upto: int) -> None:
        self.taken = upto


def received(payload: bytes) -> Received:
    """A publication as the session hands it on."""
    return Received(1, NAME.topic(Channel.STATE), payload, 1, 1, False, False, PublishProperties())


def test_message_that_the_disk_refuses_is_not_acknowledged_and_tried_again() -> None:
    """Nothing is acknowledged before it is kept."""
    shelf = StuckShelf()
    receiving = StateReceiving(NAME, [BRIDGE_KEY.verifier()], shelf)
    receiving.put(received(news(1).signed(BRIDGE_KEY)))

    assert [] == receiving.work(0)
    assert [] == receiving.work(1000)
    assert 5000 == receiving.wake_at_ms()
    assert 1 == len(receiving.work(5000))
    assert [1] == shelf.applied


def test_merge_lines_that_nobody_takes_are_offered_again() -> None:
    """Until the ledger says that it has them they stay."""
    shelf, offered, takes = StuckShelf(), [], [False, True]
    shelf.trouble = 0

    def take(lines: object) -> bool:
        offered.append(lines)
        return takes.pop(0)

    receiving = StateReceiving(NAME, [BRIDGE_KEY.verifier()], shelf, on_merge=take)
    receiving.put(received(news(1).signed(BRIDGE_KEY)))
    receiving.work(0)
    assert 0 == shelf.taken
    receiving.work(1000)
    receiving.work(30_000)

    assert 2 == len(offered)
    assert 9 == shelf.taken
