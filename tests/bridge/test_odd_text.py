"""Odd text: what no UTF-8 can hold, anywhere in a payload, never ends a worker."""

import itertools
import json
import tempfile
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.box import BoxLog
from fakes.stepped_bridge import SteppedBridge, register
from fakes.tier import times
from yaoma_bridge.alarms import AlarmKind, raise_alarm
from yaoma_link.topics import BoxName, Channel

_NAME = BoxName("H1", "counter-1")
_NUMBERS = itertools.count()
_TEXT = st.text(st.characters(codec=None), max_size=12)
_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=6,
)


def _packed(header: dict[str, Any], *bodies: bytes) -> bytes:
    """Pack a batch whose header may be anything."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    first = json.dumps(header, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    lines = b"".join(line + b"\n" for line in (first.encode("utf-8", "surrogatepass"), *bodies))
    return b"Y\x01" + squeeze.compress(lines) + squeeze.flush()


@pytest.fixture(scope="module")
def bridge_that_lives() -> Any:
    """Give one bridge for all examples."""
    with tempfile.TemporaryDirectory() as folder:
        register(Path(folder) / "boxes", _NAME)
        bridge = SteppedBridge(Path(folder))
        yield bridge
        bridge.close()


def _take_and_go_on(bridge: SteppedBridge, payload: bytes, channel: Channel) -> None:
    bridge.now_ms += 10_000
    bridge.take(payload, name=_NAME, channel=channel)
    bridge.follow()
    bridge.opened(bridge.intake.due())


@settings(max_examples=times(25, 300), deadline=None)
@given(
    field=st.sampled_from(["state", "boot", "log", "previous", "size", "root", "receipts", "version", "clock", "more"]),
    value=_VALUE,
    escaped=st.booleans(),
)
def test_a_birth_with_any_value_in_any_field_ends_nothing(
    bridge_that_lives: SteppedBridge, field: str, value: Any, *, escaped: bool
) -> None:
    """Each field of a birth may hold any text, also halves of surrogate pairs; the next birth is answered."""
    bridge = bridge_that_lives
    log = BoxLog(_NAME, "log1")
    fields = {**json.loads(log.birth(version="1", clock="synced", previous="")), field: value}
    payload = json.dumps(fields, ensure_ascii=escaped).encode("utf-8", "surrogatepass")
    _take_and_go_on(bridge, payload, Channel.STATUS)
    assert bridge.birth(log)


@settings(max_examples=times(25, 300), deadline=None)
@given(
    field=st.sampled_from(["v", "log", "first", "count", "checkpoint", "receipts", "sealed", "more"]),
    value=_VALUE,
)
def test_a_batch_with_any_value_in_any_field_of_its_header_ends_nothing(
    bridge_that_lives: SteppedBridge, field: str, value: Any
) -> None:
    """Each field of a batch's header may hold anything; the worker goes on."""
    log = BoxLog(_NAME, "log2")
    log.scan()
    header = {
        "v": 1,
        "log": "log2",
        "first": 0,
        "count": 1,
        "checkpoint": None,
        "receipts": {"epoch": 0, "upto": 0},
        "sealed": {},
        field: value,
    }
    _take_and_go_on(bridge_that_lives, _packed(header, log.bodies[0]), Channel.RECORDS)


@settings(max_examples=times(25, 300), deadline=None)
@given(
    field=st.sampled_from(["v", "kind", "boot", "wall_ms", "mono_ms", "clock", "code", "record", "origin", "previous"]),
    value=_VALUE,
    kind=st.sampled_from(["scan", "copy", "clock", "open", "close"]),
)
def test_a_record_with_any_value_in_any_field_is_stored_and_followed_up(
    bridge_that_lives: SteppedBridge, field: str, value: Any, kind: str
) -> None:
    """A body that stands at its place is kept whatever it says; verification, settling and delivery survive it."""
    log = BoxLog(_NAME, f"log-{next(_NUMBERS)}")
    log.scan()
    fields = {**json.loads(log.bodies[0]), "kind": kind, field: value}
    body = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    odd = BoxLog(_NAME, log.log)
    odd.add_body(body.encode("utf-8", "surrogatepass").replace(b"\n", b" "))
    _take_and_go_on(bridge_that_lives, odd.payload(), Channel.RECORDS)
    assert bridge_that_lives.bodies(odd) == {0: odd.bodies[0]}


def test_an_id_of_no_log_refuses_a_birth(bridge: SteppedBridge, log: BoxLog) -> None:
    """A birth that names half a surrogate pair, or no id, as the log before it is refused and alarmed."""
    log.scan()
    bridge.take(log.payload(), name=log.name)
    other = BoxLog(log.name, "log2")
    for previous in ("\ud800", "/", "x" * 65):
        fields = {**json.loads(other.birth()), "previous": previous}
        assert bridge.take(json.dumps(fields).encode(), name=log.name, channel=Channel.STATUS) == []
    assert bridge.rows("SELECT kind, times FROM alarm") == [("status_refused", 3)]


def test_an_alarm_holds_any_text(bridge: SteppedBridge) -> None:
    """Facts with half a surrogate pair are kept and read back."""
    with bridge.store.writing() as tx:
        raise_alarm(tx, AlarmKind.DESTINATION_ODD, 1, facts={"problem": "\udc80药"})
    ((facts,),) = bridge.rows("SELECT facts FROM alarm")
    assert json.loads(facts) == {"problem": "\udc80药"}
