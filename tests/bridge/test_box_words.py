"""Box words: the newest info and health of each box stand in the store, whatever a box sends there."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.box import BoxLog
from fakes.stepped_bridge import SteppedBridge
from yaoma_bridge.box_words import read_words, words_of
from yaoma_bridge.errors import BatchRefusedError
from yaoma_link.topics import BoxName, Channel

NAME = BoxName("H1", "counter-1")
INFO = {"version": "0.1.0", "model": "Pi 5", "scanners": ["left", "right"], "list": 7}


def _words(bridge: SteppedBridge) -> dict[tuple[str, str], dict[str, object]]:
    with bridge.store.reading() as tx:
        return {(str(name), channel.value): said for (name, channel), (said, _) in words_of(tx).items()}


@pytest.mark.row("S0-05", part="bridge")
def test_the_newest_info_and_health_of_a_box_are_kept(bridge: SteppedBridge) -> None:
    """What a box says of its software and scanners can be looked up at the centre; the newest word counts."""
    bridge.take(json.dumps({**INFO, "version": "0.0.9"}).encode(), name=NAME, channel=Channel.INFO)
    bridge.take(json.dumps(INFO).encode(), name=NAME, channel=Channel.INFO)
    bridge.take(b'{"pending":3}', name=NAME, channel=Channel.HEALTH)
    assert _words(bridge) == {(str(NAME), "info"): INFO, (str(NAME), "health"): {"pending": 3}}


def test_a_retained_info_says_nothing_of_whether_the_box_is_there(bridge: SteppedBridge, log: BoxLog) -> None:
    """A box that is gone stays gone when a worker starts and the broker hands out what it kept."""
    bridge.birth(log)
    bridge.take(b'{"state":"offline"}', name=NAME, channel=Channel.STATUS)
    bridge.take(json.dumps(INFO).encode(), name=NAME, channel=Channel.INFO, retain=True)
    assert bridge.rows("SELECT online FROM box") == [(0,)]
    bridge.take(b"{}", name=NAME, channel=Channel.HEALTH)
    assert bridge.rows("SELECT online FROM box") == [(1,)]


def test_a_cleared_info_is_forgotten(bridge: SteppedBridge) -> None:
    """An empty retained payload takes back what was said."""
    bridge.take(json.dumps(INFO).encode(), name=NAME, channel=Channel.INFO)
    bridge.take(b"", name=NAME, channel=Channel.INFO)
    assert _words(bridge) == {}


@pytest.mark.parametrize(
    "payload",
    [
        b"[]",
        b"no",
        b'{"a":1.5}',
        b'{"a":"\x1b"}',
        b'{"a":[[[[1]]]]}',
        '{"名":1}'.encode(),
        b'{"a":"' + b"x" * 17_000 + b'"}',
    ],
)
def test_what_is_no_info_is_alarmed_and_not_kept(bridge: SteppedBridge, payload: bytes) -> None:
    """It becomes an alarm with its size; none of its text is kept."""
    bridge.take(payload, name=NAME, channel=Channel.INFO)
    assert _words(bridge) == {}
    assert bridge.alarms() == {"status_refused"}


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(payload: bytes) -> None:
    """Reading raises nothing but the refusal."""
    with contextlib.suppress(BatchRefusedError):
        read_words(NAME, Channel.HEALTH, payload, is_retained=False)
