"""The glance at a body says yes only where reading the body says the same."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from yaoma.core.canonical import Json, canonical
from yaoma.core.glance import stands_at
from yaoma.core.record import Record, RecordError

LOG = "abcdefghijklmnop"
SEQ = 12345
SCAN: dict[str, Json] = {
    "boot": "0123456789abcdef", "clock": "synced", "code": "cn20:83003850000000131888", "degraded": ["list_stale", "x"],
    "kind": "scan", "list": 7, "log": LOG, "mono_ms": 12345678, "operation": "receive", "reason": "in_list",
    "scanner": "gun", "seq": SEQ, "source": "scanner", "station": "counter", "ticket": None, "v": 1, "verdict": "PASS",
    "waited_ms": 0, "wall_ms": 1795000000000,
}  # fmt: skip
BODY = canonical(SCAN)

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab_log", max_size=4), inner, max_size=3),
    max_leaves=4,
)
KEYS = st.sampled_from([*SCAN, "a", "zz", "of", "log2", "Log", "sequence"]) | st.text("abz_", max_size=3)
PIECES = [b'"', b"\\", b",", b":", b"{", b"}", b"[", b"]", b"0", b"1", b"-", b".", b"e", b" ", b"\xe8\x8d\xaf", b"\x00"]


def reads(body: bytes) -> bool:
    """What reading says."""
    try:
        record = Record.read(body)
    except RecordError:
        return False
    return (record.log, record.seq) == (LOG, SEQ)


def test_ordinary_scan_stands_the_glance() -> None:
    """The body of a scan needs no closer look."""
    assert stands_at(BODY, LOG, SEQ)


def test_records_with_ever_other_keys_stand_the_glance_twice() -> None:
    """The first record of a shape is looked at closely, the next by its pattern; beyond some shapes all closely."""
    bodies = [canonical({**SCAN, f"extra{number}": "%s"}) for number in range(40)]

    assert all(stands_at(body, LOG, SEQ) for body in bodies * 2)
    for body in bodies:
        assert not stands_at(body, LOG, SEQ + 1)
        assert not stands_at(body.replace(b'"synced"', b'"sunk"'), LOG, SEQ)
        assert not stands_at(body.replace(b'"v":1', b'"v":2'), LOG, SEQ)
        assert not stands_at(body.replace(b'"boot":"0', b'"boot":0,"boos":"'), LOG, SEQ)


@pytest.mark.parametrize(("log", "seq"), [("abcdefghijklmnoq", SEQ), (LOG, SEQ + 1), (LOG, -1), ("", SEQ)])
def test_body_of_another_place_does_not_stand_the_glance(log: str, seq: int) -> None:
    """Log and place are those that were asked for."""
    assert not stands_at(BODY, log, seq)


@pytest.mark.parametrize("key", ["boot", "clock", "kind", "log", "mono_ms", "seq", "v", "wall_ms"])
@pytest.mark.parametrize("value", [None, "", "x", 2, [], {}])
def test_body_without_what_every_record_has_is_read(key: str, value: object) -> None:
    """Each of the fields that every record has must be there and of its type."""
    body = canonical({**SCAN, key: value})  # type: ignore[dict-item]  # the values that are wrong here

    assert reads(body) or not stands_at(body, LOG, SEQ)
    assert not stands_at(canonical({one: field for one, field in SCAN.items() if one != key}), LOG, SEQ)


@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_glance_at_any_canonical_object_agrees_with_reading(more: dict[str, object]) -> None:
    """Whatever fields there are, yes means that reading says yes."""
    body = canonical({**SCAN, **more})  # type: ignore[dict-item]  # JSON values, more widely typed

    assert reads(body) or not stands_at(body, LOG, SEQ)


@given(
    st.lists(st.tuples(st.integers(0, len(BODY)), st.integers(0, 3), st.sampled_from(PIECES) | st.binary(max_size=2))),
)
@example([(BODY.index(b'"kind"'), 0, b'"kind":"scan",')])
@example([(BODY.index(b'"code"'), 0, b'"zz":1,')])
@example([(BODY.index(b"12345"), 0, b"0")])
def test_glance_at_damaged_bytes_agrees_with_reading(changes: list[tuple[int, int, bytes]]) -> None:
    """Repeated keys, other order, spaces, escapes, cut and doubled bytes: yes means that reading says yes."""
    body = BODY
    for at, cut, piece in changes:
        body = body[:at] + piece + body[at + cut :]

    assert reads(body) or not stands_at(body, LOG, SEQ)


@pytest.mark.parametrize(
    "body", [b"{" + b'"a":"b",' * 30_000, b'{"boot":"' + b"x" * 250_000, b'{"a":[' + b'"",' * 80_000]
)
def test_body_made_to_be_slow_is_refused(body: bytes) -> None:
    """The pattern never tries a second way; one that did would be at it for ever."""
    assert not stands_at(body, LOG, SEQ)
