"""Commands: signed by the centre, done by the box once, answered; between a real bridge and a real receiving box."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.box import BoxLog, receipt_signer
from fakes.stepped_bridge import SteppedBridge
from yaoma.core.canonical import Json
from yaoma.core.command import Append
from yaoma.core.record import ClockState, Stamp
from yaoma.service.command_receiving import CommandReceiving, FailedError
from yaoma.shell.command_shelf import CommandShelf
from yaoma_bridge.errors import BridgeError
from yaoma_bridge.fleet_commands import due_commands, has_due_command, matching_boxes, queue_command
from yaoma_bridge.receipts import Outgoing
from yaoma_link.command import Command, CommandError, CommandReply, Refusal, ReplyState
from yaoma_link.report import PublishProperties, Received
from yaoma_link.topics import BoxName

NAME = BoxName("H1", "counter-1")
HOUR_MS = 3_600_000


class CommandedBox:
    """A box as far as commands go, with a clock that is set by hand."""

    def __init__(self, folder: Path) -> None:
        self.clock = ClockState.SYNCED
        self.now_ms = 1_795_100_000_000
        self.done: list[Mapping[str, str]] = []
        self.recorded: list[Append] = []
        self.folder = folder
        self.receiving = self.started()

    def started(self) -> CommandReceiving:
        """Give what receives commands after a start."""
        return CommandReceiving(
            NAME,
            (receipt_signer().verifier(),),
            CommandShelf(self.folder),
            {"report": self._report, "policy": self._fail},
            stamp=lambda: Stamp(self.now_ms, self.now_ms, "0123456789abcdef", self.clock),
            record=self.recorded.append,
        )

    def _report(self, arguments: Mapping[str, str]) -> Mapping[str, Json]:
        self.done.append(arguments)
        return {"pending": 0}

    def _fail(self, arguments: Mapping[str, str]) -> Mapping[str, Json]:
        raise FailedError("policy_unsigned")

    def hear(self, payload: bytes, name: str = "report") -> CommandReply:
        """Hear a command and give the answer."""
        self.receiving.put(Received(1, NAME.command(name), payload, 1, 1, False, False, PublishProperties()))
        (answered,) = self.receiving.work()
        assert answered.topic == NAME.command_reply(name)
        return CommandReply.read(answered.payload)

    @property
    def what(self) -> list[str]:
        """What was recorded."""
        return [str(one.entry.fields["what"]) for one in self.recorded]


@pytest.fixture
def box(tmp_path: Path) -> CommandedBox:
    """Give a box."""
    return CommandedBox(tmp_path)


@pytest.fixture
def online(bridge: SteppedBridge, log: BoxLog) -> SteppedBridge:
    """Give a bridge at which the box is there."""
    bridge.birth(log)
    bridge.now_ms = 1_795_100_000_000
    return bridge


def _queue(bridge: SteppedBridge, name: str = "report", **arguments: str) -> int:
    with bridge.store.writing() as tx:
        return queue_command(tx, NAME, name, arguments, bridge.signer, now_ms=bridge.now_ms, valid_ms=HOUR_MS)


def _due(bridge: SteppedBridge) -> list[Outgoing]:
    with bridge.store.reading() as tx:
        expected = has_due_command(tx, bridge.now_ms)
    with bridge.store.writing() as tx:
        made = due_commands(tx, bridge.now_ms)
    assert expected or not made
    return made


def _answered(bridge: SteppedBridge, reply: CommandReply, name: str = "report") -> None:
    arrival = Received(1, NAME.command_reply(name), reply.payload(), 1, 1, False, False, PublishProperties())
    bridge.intake.take([arrival])


def _states(bridge: SteppedBridge) -> list[tuple[str, str]]:
    return [(state, reason) for state, reason in bridge.rows("SELECT state, reason FROM command ORDER BY n")]


def _command(**other: object) -> Command:
    whole = Command(NAME, 7, "report", 1_795_100_000_000, 1_795_100_000_000 + HOUR_MS)
    return replace(whole, **other)  # type: ignore[arg-type]  # fields of the command


def test_a_command_is_sent_done_recorded_and_answered(online: SteppedBridge, box: CommandedBox) -> None:
    """The whole way: queued, published on its topic, done once, recorded with its digest, its answer kept."""
    number = _queue(online, since="today")
    (sent,) = _due(online)
    assert sent.topic == "yaoma/v1/H1/counter-1/command/report"
    reply = box.hear(sent.payload)
    assert (reply.number, reply.state, dict(reply.facts)) == (number, ReplyState.DONE, {"pending": 0})
    assert box.done == [{"since": "today"}]
    assert box.what == ["command.report"]
    _answered(online, reply)
    assert _states(online) == [("done", "")]
    assert json.loads(online.rows("SELECT answer FROM command")[0][0]) == {"pending": 0}
    assert _due(online) == []


def test_a_command_comes_again_until_it_is_answered_and_is_done_once(online: SteppedBridge, box: CommandedBox) -> None:
    """A lost answer is given again after a restart of the box, and nothing is done twice."""
    _queue(online)
    (first,) = _due(online)
    before = box.hear(first.payload)
    box.receiving = box.started()
    assert _due(online) == []
    online.now_ms += 31_000
    (again,) = _due(online)
    assert again.payload == first.payload
    assert box.hear(again.payload) == before
    assert len(box.done) == 1


def test_commands_of_one_box_go_one_after_the_other(online: SteppedBridge, box: CommandedBox) -> None:
    """The second leaves when the first is answered; so a restart between them loses none."""
    _queue(online)
    second = _queue(online)
    (first,) = _due(online)
    _answered(online, box.hear(first.payload))
    assert [one.rseq for one in _due(online)] == [second]


@pytest.mark.parametrize(
    ("payload", "topic", "reason"),
    [
        (_command().signed(receipt_signer(seed=5)), "report", Refusal.UNSIGNED),
        (_command().signed(receipt_signer()).replace(b"report", b"policy"), "policy", Refusal.UNSIGNED),
        (b"restart now", "report", Refusal.UNSIGNED),
        (_command(box=BoxName("H1", "other")).signed(receipt_signer()), "report", Refusal.OTHER_BOX),
        (_command().signed(receipt_signer()), "policy", Refusal.OTHER_TOPIC),
        (_command(until_ms=1_795_100_000_000).signed(receipt_signer()), "report", Refusal.EXPIRED),
        (_command(name="dance").signed(receipt_signer()), "dance", Refusal.UNKNOWN),
        (_command(name="policy").signed(receipt_signer()), "policy", "policy_unsigned"),
    ],
    ids=["other key", "altered", "no note", "other box", "other topic", "expired", "unknown", "failed"],
)
def test_what_must_not_be_done_is_refused_and_recorded(
    box: CommandedBox, payload: bytes, topic: str, reason: str
) -> None:
    """Nothing happens, the answer says why, and the journal has it."""
    reply = box.hear(payload, topic)
    assert (reply.state, reply.reason) == (ReplyState.REFUSED, reason)
    assert box.done == []
    assert box.what == [f"command_refused.{reason}"]


def test_an_older_number_is_refused(box: CommandedBox) -> None:
    """What was recorded on the way and is played back later is not done again."""
    box.hear(_command(number=8).signed(receipt_signer()))
    reply = box.hear(_command(number=7).signed(receipt_signer()))
    assert (reply.state, reply.reason) == (ReplyState.REFUSED, Refusal.REPLAYED)
    assert len(box.done) == 1


def test_a_box_that_does_not_know_the_time_waits_with_it(online: SteppedBridge, box: CommandedBox) -> None:
    """It can't tell whether the command has expired; once its clock is right, the same command is done."""
    _queue(online)
    (sent,) = _due(online)
    box.clock = ClockState.UNTRUSTED
    _answered(online, box.hear(sent.payload))
    assert _states(online) == [("waiting", "clock_untrusted")]
    box.clock = ClockState.SYNCED
    _answered(online, box.hear(sent.payload))
    assert _states(online) == [("done", "")]


def test_a_flood_of_forged_commands_is_recorded_once_a_minute(box: CommandedBox) -> None:
    """A hostile broker can't fill the journal."""
    for _ in range(50):
        box.hear(b"x")
    box.now_ms += 60_000
    box.hear(b"x")
    assert len(box.recorded) == 2
    assert box.receiving.refused == 51


def test_a_command_that_nobody_heard_in_time_expires(online: SteppedBridge) -> None:
    """It is not sent any more, and `fleet commands` says so."""
    _queue(online)
    online.now_ms += HOUR_MS
    assert _due(online) == []
    assert _states(online) == [("expired", "")]


def test_a_command_that_can_not_be_kept_is_not_done(box: CommandedBox, tmp_path: Path) -> None:
    """Without its number on the disk it might be done twice, so it is refused."""
    (tmp_path / "command.json").mkdir()
    reply = box.hear(_command().signed(receipt_signer()))
    assert (reply.state, reply.reason) == (ReplyState.REFUSED, Refusal.FAILED)
    assert box.done == []


def test_boxes_are_named_by_site_or_all(online: SteppedBridge) -> None:
    """`SITE/BOX`, `SITE/*` and `*` name boxes; a name that is none is an error, not an empty success."""
    with online.store.reading() as tx:
        assert matching_boxes(tx, "*") == matching_boxes(tx, "H1/*") == matching_boxes(tx, "H1/counter-1") == [NAME]
        with pytest.raises(BridgeError):
            matching_boxes(tx, "H2/*")


@given(st.binary(max_size=300))
def test_any_bytes_are_no_command_and_no_reply(payload: bytes) -> None:
    """Reading raises its own error and no other."""
    for read in (lambda: Command.opened(payload, [receipt_signer().verifier()]), lambda: CommandReply.read(payload)):
        with pytest.raises(CommandError):
            read()
