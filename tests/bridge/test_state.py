"""State messages at the bridge: kept until confirmed, numbered anew when either side has lost its memory."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from fakes.box import BoxLog
from fakes.news import message, shipment
from fakes.stepped_bridge import SteppedBridge
from yaoma.core.shipment_text import shipment_fields
from yaoma_bridge.cli import app
from yaoma_bridge.errors import BridgeError
from yaoma_bridge.receipts import Outgoing
from yaoma_bridge.state import queue_news
from yaoma_bridge.state_cli import _read
from yaoma_link.identity import make_signer
from yaoma_link.report import PublishProperties, Received
from yaoma_link.state import StateMark, StateMessage, read_news
from yaoma_link.topics import BoxName, Channel

NAME = BoxName("SITE1", "box-1")


@pytest.fixture
def bridge(tmp_path: Path) -> Iterator[SteppedBridge]:
    """A bridge that is stepped by hand."""
    made = SteppedBridge(tmp_path)
    yield made
    made.close()


def queue(bridge: SteppedBridge, name: str = "asn-1") -> None:
    """Queue a message."""
    with bridge.store.writing() as tx:
        queue_news(tx, NAME, message(name=name), bridge.signer, bridge.now_ms)


def opened(bridge: SteppedBridge, outgoing: list[Outgoing]) -> list[StateMessage]:
    """Read the state messages among what is to be published."""
    return [
        StateMessage.opened(one.payload, [bridge.signer.verifier()]) for one in outgoing if one.channel == Channel.STATE
    ]


def birth(bridge: SteppedBridge, mark: StateMark | None, *, retain: bool = False) -> list[StateMessage]:
    """Let the box come with a mark; time enough has passed since the last one."""
    bridge.now_ms += 10_000
    fields: dict[str, Any] = json.loads(BoxLog(NAME, "log-1").birth())
    if mark is not None:
        fields["state_upto"] = {"epoch": mark.epoch, "upto": mark.upto}
    fields["nonce"] = bridge.now_ms
    arrival = Received(
        1, NAME.topic(Channel.STATUS), json.dumps(fields).encode(), 1, 1, retain, False, PublishProperties()
    )
    return opened(bridge, bridge.intake.take([arrival]))


def names(messages: list[StateMessage]) -> list[tuple[int, str]]:
    """Number and shipment of messages."""
    return [(one.number, one.shipments[0].id) for one in messages]


def test_box_that_comes_is_told_what_it_has_not_confirmed(bridge: SteppedBridge) -> None:
    """Messages go out in order, numbered from 1, until the box's mark says that it has them."""
    queue(bridge)
    queue(bridge, "asn-2")

    first = birth(bridge, StateMark())
    assert [(1, "asn-1"), (2, "asn-2")] == names(first)
    assert [(2, "asn-2")] == names(birth(bridge, StateMark(first[0].epoch, 1)))
    assert [] == birth(bridge, StateMark(first[0].epoch, 2))


def test_message_that_is_queued_while_the_box_is_there_goes_out_within_a_second(bridge: SteppedBridge) -> None:
    """A worker finds it, sends it once, and again only after a minute."""
    birth(bridge, StateMark())
    queue(bridge)

    assert [(1, "asn-1")] == names(opened(bridge, bridge.intake.due()))
    assert [] == bridge.intake.due()
    bridge.now_ms += 61_000
    assert [(1, "asn-1")] == names(opened(bridge, bridge.intake.due()))


def test_box_that_knows_no_state_messages_gets_none(bridge: SteppedBridge) -> None:
    """An older box is left alone; what is for it waits."""
    queue(bridge)
    assert [] == birth(bridge, None)
    bridge.now_ms += 61_000

    assert [] == opened(bridge, bridge.intake.due())
    assert [(1, "asn-1")] == names(birth(bridge, StateMark()))


def test_box_that_has_lost_its_memory_is_told_all_again_in_a_new_epoch(bridge: SteppedBridge) -> None:
    """A list.db that was set aside is filled again."""
    queue(bridge)
    queue(bridge, "asn-2")
    before = birth(bridge, StateMark())[0].epoch
    birth(bridge, StateMark(before, 2))

    again = birth(bridge, StateMark())

    assert [(1, "asn-1"), (2, "asn-2")] == names(again)
    assert again[0].epoch > before


def test_retained_birth_does_not_count_as_lost_memory(bridge: SteppedBridge) -> None:
    """What the broker kept from before says nothing of what the box knows now."""
    queue(bridge)
    epoch = birth(bridge, StateMark())[0].epoch
    birth(bridge, StateMark(epoch, 1))

    assert [] == birth(bridge, StateMark(), retain=True)
    assert [] == birth(bridge, StateMark(epoch, 1))


def test_store_that_came_back_from_a_backup_begins_a_new_epoch(bridge: SteppedBridge) -> None:
    """A box that has followed further than the store knows is never told another message under an old number."""
    queue(bridge)
    epoch = birth(bridge, StateMark())[0].epoch

    assert [(1, "asn-1")] == names(again := birth(bridge, StateMark(epoch, 9)))
    assert again[0].epoch > epoch
    queue(bridge, "asn-2")
    assert [(2, "asn-2")] == names(birth(bridge, StateMark(again[0].epoch, 1)))


def test_numbers_stay_without_gaps_after_confirmed_messages_were_pruned(bridge: SteppedBridge) -> None:
    """What is older than a year and confirmed goes; places are not used twice."""
    queue(bridge)
    epoch = birth(bridge, StateMark())[0].epoch
    birth(bridge, StateMark(epoch, 1))
    bridge.now_ms += 500 * 86_400_000
    queue(bridge, "asn-2")
    queue(bridge, "asn-3")

    assert [(2,), (3,)] == bridge.rows("SELECT n FROM state ORDER BY n")
    assert [(2, "asn-2"), (3, "asn-3")] == names(birth(bridge, StateMark(epoch, 1)))


def test_message_without_anything_to_say_is_not_queued(bridge: SteppedBridge) -> None:
    """An empty file is a mistake of whoever made it."""
    with bridge.store.writing() as tx, pytest.raises(BridgeError, match="nothing to say"):
        queue_news(tx, NAME, read_news({}), bridge.signer, 1)


def test_message_that_is_too_long_for_a_broker_is_refused_when_it_is_queued(bridge: SteppedBridge) -> None:
    """It would wait for ever otherwise."""
    many = replace(message(), shipments=[shipment(f"asn-{number}") for number in range(3000)])
    with bridge.store.writing() as tx, pytest.raises(BridgeError, match="one by one"):
        queue_news(tx, NAME, many, bridge.signer, 1)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "no JSON"),
        (b"[]", "a JSON object"),
        (b'{"shipments": [{}]}', "contradicts itself"),
        (b'{"lines": []}', "contradicts itself"),
        (b"[" * 100_000, "no JSON"),
    ],
)
def test_file_that_is_no_news_is_refused_with_its_name(tmp_path: Path, content: bytes, said: str) -> None:
    """Whoever typed it hears where the mistake is."""
    (tmp_path / "news.json").write_bytes(content)
    with pytest.raises(BridgeError, match=rf"news\.json.*{said}"):
        _read(tmp_path / "news.json")


def test_commands_queue_list_and_export(bridge: SteppedBridge, tmp_path: Path) -> None:
    """A shipment as JSON is queued by hand, listed, and written onto a stick as a signed note."""
    bridge.close()
    signer = make_signer(tmp_path / "bridge.key", "yaoma-bridge")
    config = tmp_path / "bridge.toml"
    config.write_text(CONFIG.format(folder=tmp_path))
    file = tmp_path / "shipment.json"
    file.write_text(json.dumps(shipment_fields(shipment()), ensure_ascii=False, indent=2), "utf-8")
    run = CliRunner()

    assert f"{NAME}: 1\n" == run.invoke(app, ["state", "add", str(NAME), str(file), "-c", str(config)]).output
    listed = run.invoke(app, ["state", "list", "-c", str(config)]).output
    assert str(NAME) in listed
    nobody = run.invoke(app, ["state", "add", "H404/*", str(file), "-c", str(config)])
    assert "no box in service" in str(nobody.exception)
    assert run.invoke(app, ["state", "add", "H404", str(file), "-c", str(config)]).exit_code != 0
    done = run.invoke(app, ["state", "export", str(NAME), str(tmp_path / "stick"), "-c", str(config)])
    assert f"{NAME}: 1\n" == done.output
    (note,) = (tmp_path / "stick" / "state").iterdir()
    assert shipment() == StateMessage.opened(note.read_bytes(), [signer.verifier()]).shipments[0]


CONFIG = """
[broker]
host = "localhost"
[store]
path = "{folder}/bridge.db"
[keys]
signing_key = "{folder}/bridge.key"
name = "yaoma-bridge"
[registry]
folder = "{folder}/boxes"
[clock]
"""
