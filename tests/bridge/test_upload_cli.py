"""The commands about uploads: explain, uploads, retry, hold, revoke."""

import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from typer.testing import CliRunner

from fakes.box import BoxLog
from fakes.scripted_platform import ScriptedPlatform
from fakes.stepped_bridge import register
from fakes.ticketed import Counter, code_of
from fakes.uploading_bridge import UploadingBridge
from yaoma.core.ticket import Action
from yaoma_bridge import bundling
from yaoma_bridge.bill import Bill
from yaoma_bridge.cli import app
from yaoma_bridge.platform import Answer, AnswerState, Parcel, Ruling, RulingKind
from yaoma_bridge.rulings import revoke

A, B = code_of(1), code_of(2)
_CONFIG = """
[broker]
host = "localhost"
[store]
path = "bridge.db"
[keys]
signing_key = "receipts.pem"
[registry]
folder = "boxes"
[[destination]]
name = "scripted"
kind = "file"
path = "/nowhere"
"""


class _Revocable(ScriptedPlatform):
    def __init__(self) -> None:
        super().__init__()
        self.revoked: list[str] = []

    def revoke(self, parcel: Parcel, now_ms: int) -> Answer:
        self.revoked.append(parcel.number)
        return Answer(AnswerState.ACCEPTED)


class _TwoCalls(_Revocable):
    """Tells every line by two calls, a parcel each, as a purchase and as stock; leaves out what has gone."""

    def parcels(self, bill: Bill) -> Sequence[Parcel]:
        return [
            Parcel(f"{bill.number}-{call}-{number}", call, bill, (number,))
            for number, line in enumerate(bill.lines)
            for call in ("purchase", "stock")
            if line.due((line.code,), (call,))
        ]


@pytest.fixture
def platform() -> _Revocable:
    """Give a platform that accepts everything and takes it back."""
    return _Revocable()


@pytest.fixture
def bridge(tmp_path: Path, platform: _Revocable, log: BoxLog) -> Iterator[UploadingBridge]:
    """Give a bridge that serves the platform, with a configuration beside it."""
    yield from _bridges(tmp_path, platform, log)


def _bridges(tmp_path: Path, platform: _Revocable, log: BoxLog) -> Iterator[UploadingBridge]:
    register(tmp_path / "boxes", log.name)
    key = Ed25519PrivateKey.from_private_bytes(bytes([77]) * 32)
    (tmp_path / "receipts.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    running = UploadingBridge(tmp_path, platform)
    where = f'url = "{running.place}"' if isinstance(running.place, str) else 'path = "bridge.db"'
    (tmp_path / "bridge.toml").write_text(_CONFIG.replace('path = "bridge.db"', where))
    yield running
    running.close()


def _sent(bridge: UploadingBridge, log: BoxLog) -> None:
    bridge.take(log.payload(), name=log.name)
    bridge.bill()
    bridge.upload()


def _run(bridge: UploadingBridge, *words: str) -> str:
    done = CliRunner().invoke(app, [*words, "--config", str(bridge.folder / "bridge.toml")])
    assert done.exit_code == 0, done.output
    return done.output


def _codes(words: Sequence[str]) -> list[str]:
    return [word.removeprefix("cn20:") for word in words]


def test_explain_tells_where_a_code_stands_and_what_to_do(
    bridge: UploadingBridge, platform: _Revocable, log: BoxLog
) -> None:
    """State, reason, history, the platform's own words and what to do stand there in both languages."""
    platform.answers = [Answer(AnswerState.REFUSED, "sold_elsewhere", "存在已出售的码:***")]
    Counter(log).sell(A)
    _sent(bridge, log)
    shown = _run(bridge, "explain", A.removeprefix("cn20:"))
    for part in (
        "scripted: refused",
        "sold_elsewhere",
        "卖过",
        "sold before",
        "said_refused -> refused",
        "***",
        "retry",
    ):
        assert part in shown
    (told,) = json.loads(_run(bridge, "explain", f"{log.name}/{log.log}/1", "--json"))
    assert [step["cause"] for step in told["uploads"][0]["parcels"][0]["moves"]] == ["bundle", "send", "said_refused"]
    assert told["code"] == A


def test_explain_says_done_only_when_all_have_accepted(bridge: UploadingBridge, log: BoxLog) -> None:
    """A record in no bill says so, one that was accepted everywhere is done."""
    counter = Counter(log)
    counter.sell(A)
    counter.open()
    counter.scan(B)
    _sent(bridge, log)
    assert json.loads(_run(bridge, "explain", A, "--json"))[0]["state"] == "done"
    assert json.loads(_run(bridge, "explain", f"{log.name}/{log.log}/4", "--json"))[0]["state"] == "no_bill"


def test_explain_says_why_nobody_wants_a_record(bridge: UploadingBridge, platform: _Revocable, log: BoxLog) -> None:
    """What no platform takes goes nowhere; what was stopped or taken off stands on no bill, though its ticket ended."""
    platform.ruling = lambda bill, line: Ruling(RulingKind.NOT_NEEDED, "local_operation")
    counter = Counter(log)
    counter.open()
    counter.scan(A)
    counter.scan(B)
    counter.undo(B)
    counter.close()
    counter.open()
    counter.scan(B)
    counter.close(Action.CANCEL)
    _sent(bridge, log)

    def state(seq: int) -> str:
        return str(json.loads(_run(bridge, "explain", f"{log.name}/{log.log}/{seq}", "--json"))[0]["state"])

    assert [state(seq) for seq in (0, 1, 2, 6)] == ["nowhere", "nowhere", "off_bill", "off_bill"]
    shown = _run(bridge, "explain", f"{log.name}/{log.log}/1")
    assert "不用上传" in shown
    assert "goes to no platform" in shown


@pytest.mark.row("S2-21", part="bridge")
def test_uploads_lists_what_is_stuck(bridge: UploadingBridge, platform: _Revocable, log: BoxLog) -> None:
    """Refused, held and unknown records are listed with their reasons; accepted ones only when asked for."""
    platform.ruling = lambda bill, line: Ruling(
        RulingKind.HELD if line.code == B else RulingKind.NEEDED, "institution_unknown" if line.code == B else ""
    )
    Counter(log).sell(A, B)
    _sent(bridge, log)
    rows = json.loads(_run(bridge, "uploads", "--json"))
    assert [(row["record"], row["state"], row["reason"]) for row in rows] == [
        (f"{log.name}/{log.log}/2", "held", "institution_unknown")
    ]
    assert len(json.loads(_run(bridge, "uploads", "--state", "accepted", "--json"))) == 1


def test_retry_rules_held_lines_again_under_a_new_number(
    bridge: UploadingBridge, platform: _Revocable, log: BoxLog
) -> None:
    """What was held for a reason goes out once the reason is gone, as a part of its bill."""
    ruling = platform.ruling
    platform.ruling = lambda bill, line: Ruling(RulingKind.HELD, "trace_platform_unknown")
    Counter(log).sell(A)
    _sent(bridge, log)
    assert platform.sent == []
    platform.ruling = ruling
    assert _run(bridge, "retry", "--reason", "trace_platform_unknown").strip() == "1"
    bridge.upload()
    assert bridge.fates() == {A: ("accepted", "")}
    assert platform.sent[0].bill.part == 1


def test_retry_of_the_unknown_keeps_its_number(bridge: UploadingBridge, platform: _Revocable, log: BoxLog) -> None:
    """A person who knows that nothing arrived lets the same parcel go out again."""
    platform.answers = [Answer(AnswerState.UNKNOWN, "timeout")]
    platform.asked = [Answer(AnswerState.UNKNOWN, "cannot_be_asked")] * 20
    Counter(log).sell(A)
    _sent(bridge, log)
    _run(bridge, "retry", A)
    bridge.now_ms = max(bridge.now_ms, time.time_ns() // 1_000_000)  # the command goes by the real clock
    bridge.upload(1)
    assert bridge.fates() == {A: ("accepted", "")}
    assert platform.sent[0].number == platform.sent[1].number


def test_retry_of_the_refused_takes_a_new_number(bridge: UploadingBridge, platform: _Revocable, log: BoxLog) -> None:
    """A refused number is not used again; the refused line alone goes out."""
    platform.answers = [Answer(AnswerState.ACCEPTED, codes={A: (AnswerState.REFUSED, "facts_missing")})]
    Counter(log).sell(A, B)
    _sent(bridge, log)
    assert bridge.fates() == {A: ("refused", "facts_missing"), B: ("accepted", "")}
    _run(bridge, "retry", A)
    bridge.now_ms = max(bridge.now_ms, time.time_ns() // 1_000_000)  # the command goes by the real clock
    bridge.upload(1)
    assert bridge.fates() == {A: ("accepted", ""), B: ("accepted", "")}
    assert platform.codes_sent == [A, B, A]
    assert platform.sent[0].number != platform.sent[1].number


def test_retry_of_a_line_of_two_parcels_sends_only_the_refused_one(tmp_path: Path, log: BoxLog) -> None:
    """What the platform has accepted of a line, or may have, does not go out again with what it refused."""
    platform = _TwoCalls()
    refused = Answer(AnswerState.REFUSED, "facts_missing")
    platform.answers = [Answer(AnswerState.ACCEPTED), refused, refused, Answer(AnswerState.PROCESSING)]
    platform.asked = [Answer(AnswerState.PROCESSING)] * 3
    for bridge in _bridges(tmp_path, platform, log):
        Counter(log).sell(A, B)
        _sent(bridge, log)
        assert [(parcel.call, *parcel.keys) for parcel in platform.sent] == [
            ("purchase", A),
            ("stock", A),
            ("purchase", B),
            ("stock", B),
        ]
        bridge.upload(600)
        assert bridge.fates() == {A: ("refused", "facts_missing"), B: ("refused", "facts_missing")}
        _run(bridge, "retry", A)
        _run(bridge, "retry", B)
        bridge.now_ms = max(bridge.now_ms, time.time_ns() // 1_000_000)  # the command goes by the real clock
        bridge.upload(1)
        assert [(parcel.call, *parcel.keys) for parcel in platform.sent[4:]] == [("stock", A), ("purchase", B)]
        assert bridge.fates() == {A: ("accepted", ""), B: ("accepted", "")}


def test_retry_of_a_line_whose_code_has_gone_by_another_line_sends_it_whole(
    tmp_path: Path, log: BoxLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a code that stands twice in a bill nothing may be left to send; it goes whole, and stops nothing."""
    gone = {A: frozenset({("purchase", A), ("stock", A)})}
    monkeypatch.setattr(bundling, "gone_before", lambda tx, destination, part: gone)
    platform = _TwoCalls()
    platform.answers = [Answer(AnswerState.REFUSED, "facts_missing")]
    for bridge in _bridges(tmp_path, platform, log):
        Counter(log).sell(A)
        _sent(bridge, log)
        _run(bridge, "retry", A)
        bridge.now_ms = max(bridge.now_ms, time.time_ns() // 1_000_000)  # the command goes by the real clock
        bridge.upload(1)
        assert [(parcel.call, *parcel.keys) for parcel in platform.sent[2:]] == [("purchase", A), ("stock", A)]
        assert bridge.fates() == {A: ("accepted", "")}


def test_hold_keeps_back_what_waits_until_retry(bridge: UploadingBridge, platform: _Revocable, log: BoxLog) -> None:
    """A parcel that a person holds is not sent; `retry` lets it go on as it was."""
    platform.answers = [Answer(AnswerState.WAITING, "rate_limited", retry_after_s=60, is_outage=True)]
    Counter(log).sell(A)
    _sent(bridge, log)
    assert _run(bridge, "hold", *_codes([A])).strip() == "1"
    assert bridge.fates() == {A: ("held", "operator")}
    bridge.upload(3600)
    assert len(platform.sent) == 1
    _run(bridge, "retry", A)
    bridge.now_ms = max(bridge.now_ms, time.time_ns() // 1_000_000)  # the command goes by the real clock
    bridge.upload(1)
    assert bridge.fates() == {A: ("accepted", "")}


def test_what_was_taken_back_is_refused_as_revoked(bridge: UploadingBridge, platform: _Revocable, log: BoxLog) -> None:
    """A platform that deletes an upload leaves its records refused, with the reason."""
    Counter(log).sell(A)
    _sent(bridge, log)
    (n,) = bridge.rows("SELECT n FROM upload")[0]
    revoke(bridge.store, platform, [n], facts=bridge.facts, signer=bridge.signer, now_ms=bridge.now_ms)
    assert platform.revoked == [platform.sent[0].number]
    assert bridge.fates() == {A: ("refused", "revoked")}
