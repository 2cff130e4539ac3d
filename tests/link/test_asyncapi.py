"""asyncapi.yaml against what a real uploader and a bridge really say over a real mosquitto."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from fakes.answering_bridge import BRIDGE_KEY, AnsweringBridge
from fakes.broker import MOSQUITTO, Broker
from fakes.news import message
from fakes.owner import Owner
from fakes.uplink_box import NAME, UplinkBox, until
from yaoma.core.note import open_note
from yaoma_link.batch import _lines
from yaoma_link.command import Command
from yaoma_link.receipt import Outcome, OutcomeState
from yaoma_link.report import Received
from yaoma_link.topics import Channel

DOCUMENT: dict[str, Any] = yaml.safe_load((Path(__file__).parents[2] / "asyncapi.yaml").read_text(encoding="utf-8"))
IN_USE = {Channel.STATUS, Channel.INFO, Channel.HEALTH, Channel.RECORDS, Channel.RECEIPTS, Channel.STATE}


def references(node: object) -> Iterator[str]:
    """Give every reference in the document."""
    if isinstance(node, Mapping):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for inner in node.values():
            yield from references(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from references(inner)


def resolved(reference: str) -> object:
    """Follow a reference within the document."""
    node: Any = DOCUMENT
    for name in reference.removeprefix("#/").split("/"):
        node = node[name]
    return node


def check(value: object, schema: str) -> None:
    """Check a value against a named schema of the document."""
    jsonschema.Draft7Validator(
        {"$ref": f"#/components/schemas/{schema}", "components": DOCUMENT["components"]}
    ).validate(value)


def channel_of(topic: str) -> str:
    """Find the channel whose address a topic fits."""
    for name, channel in DOCUMENT["channels"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", channel["address"]), topic):
            return str(name)
    raise AssertionError(f"{topic} is in no channel of asyncapi.yaml")


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> list[Received]:
    """Run a box and a bridge for a moment and write down all that passes the broker."""
    if MOSQUITTO is None:
        pytest.skip("needs a real broker: apt-get install mosquitto")
    path = tmp_path_factory.mktemp("asyncapi")
    (path / "broker").mkdir()
    with Broker(path / "broker") as broker:
        spy = Owner(broker.endpoint(), "spy", subscriptions=["#"], inbound_maximum=1000)
        spy.connect()
        with AnsweringBridge(broker.endpoint(), NAME) as bridge:
            with UplinkBox(path / "box", broker.endpoint()) as box:
                box.scan(5)
                box.scan(sealed=b"sealed")
                box.wait_stored()
                bridge.answer(box.log, (Outcome((0, 2), "alihealth", OutcomeState.REFUSED, "not_active"),))
                news = message(site=NAME.site, box=NAME.box)
                bridge.send_bytes(news.signed(BRIDGE_KEY), Channel.STATE)
                until(lambda: bool(box.merged), "state message applied")
                command = Command(NAME, 1, "report", 1_795_000_000_000, 1_796_000_000_000, {"of": "today"})
                spy.publish(NAME.command("report"), command.signed(BRIDGE_KEY))
                box.cut()
                until(lambda: sum(status["state"] == "online" for status in bridge.statuses) >= 2, "second birth")
            until(lambda: bridge.statuses[-1]["state"] == "stopped", "farewell")
        found = spy.drain(Received)
        spy.session.stop()
    return [*(one for one in spy.seen if isinstance(one, Received)), *found]


def test_document_is_of_version_3_and_every_reference_leads_somewhere() -> None:
    """Nothing in the document points nowhere, and every schema in it is one."""
    assert DOCUMENT["asyncapi"] == "3.0.0"
    for reference in references(DOCUMENT):
        assert resolved(reference) is not None
    for schema in DOCUMENT["components"]["schemas"].values():
        jsonschema.Draft7Validator.check_schema(schema)


def test_channels_are_those_in_use_and_the_others_are_named_as_reserved() -> None:
    """The document's addresses are what the code builds; what is not in use is not promised."""
    addresses = {channel["address"] for channel in DOCUMENT["channels"].values()}
    built = {NAME.topic(channel).replace(NAME.site, "{site}").replace(NAME.box, "{box}") for channel in Channel}
    in_use = {NAME.topic(one).replace(NAME.site, "{site}").replace(NAME.box, "{box}") for one in IN_USE}
    own = "yaoma/v1/{site}/{box}"
    assert in_use | {f"{own}/command/{{name}}", f"{own}/command/{{name}}/reply"} == addresses
    for reserved in (*(built - in_use), "list/announce"):
        assert reserved in DOCUMENT["info"]["description"]


@pytest.mark.broker
def test_every_topic_on_the_broker_is_in_the_document(heard: list[Received]) -> None:
    """Everything that passed the broker has a channel, and each channel has passed."""
    assert {*(str(channel) for channel in IN_USE), "command", "commandReply"} == {
        channel_of(one.topic) for one in heard
    }


@pytest.mark.broker
def test_real_json_payloads_fit_their_schemas(heard: list[Received]) -> None:
    """Births, wills, farewells, info and health are as the document says."""
    states = set()
    for one in heard:
        channel = channel_of(one.topic)
        if channel not in {"status", "info", "health"}:
            continue
        payload = json.loads(one.payload)
        if channel == "status":
            states.add(payload["state"])
            check(payload, "birth" if payload["state"] == "online" else "gone")
        else:
            check(payload, channel)

    assert {"online", "offline", "stopped"} == states


@pytest.mark.broker
def test_real_batches_and_receipts_fit_their_description(heard: list[Received]) -> None:
    """Headers of batches and texts of receipts are as the document says, and the receipts' pattern fits."""
    batches = [one for one in heard if channel_of(one.topic) == "records"]
    receipts = [one for one in heard if channel_of(one.topic) == "receipts"]
    assert batches
    assert receipts
    for one in batches:
        check(json.loads(_lines(one.payload)[0]), "batchHeader")
    for one in receipts:
        note = one.payload.decode()
        assert re.match(DOCUMENT["components"]["messages"]["receipt"]["payload"]["schema"]["pattern"], note)
        check(json.loads(open_note(note, [BRIDGE_KEY.verifier()])), "receiptText")
    assert any(json.loads(_lines(one.payload)[0])["sealed"] for one in batches)


@pytest.mark.broker
def test_real_state_messages_fit_their_description_and_are_confirmed_in_the_birth(heard: list[Received]) -> None:
    """Texts of state messages are as the document says, and a birth tells how far they were applied."""
    (note,) = {one.payload.decode() for one in heard if channel_of(one.topic) == "state"}
    assert re.match(DOCUMENT["components"]["messages"]["state"]["payload"]["schema"]["pattern"], note)
    check(json.loads(open_note(note, [BRIDGE_KEY.verifier()])), "stateText")
    births = [json.loads(one.payload) for one in heard if b'"online"' in one.payload]
    assert {"epoch": 1, "upto": 1} in [one["state_upto"] for one in births]


@pytest.mark.broker
def test_a_real_command_and_its_reply_fit_their_description(heard: list[Received]) -> None:
    """The text of a command is as the document says, and so is what a box answers."""
    (note,) = {one.payload.decode() for one in heard if channel_of(one.topic) == "command"}
    check(json.loads(open_note(note, [BRIDGE_KEY.verifier()])), "commandText")
    (reply,) = {one.payload for one in heard if channel_of(one.topic) == "commandReply"}
    check(json.loads(reply), "commandReply")
    assert json.loads(reply)["facts"] == {"pending": 0}


@pytest.mark.broker
@pytest.mark.parametrize(
    "change", [{"size": -1}, {"root": "00"}, {"stored_upto": None}, {"clock": "maybe"}, {"receipts": {}}]
)
def test_schema_refuses_a_birth_that_is_wrong(heard: list[Received], change: dict[str, object]) -> None:
    """The schemas are no rubber stamps: a birth with one wrong field does not fit."""
    birth = next(json.loads(one.payload) for one in heard if b'"online"' in one.payload)

    with pytest.raises(jsonschema.ValidationError):
        check({**birth, **change}, "birth")
