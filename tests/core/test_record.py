"""The record's frozen form: the exact bytes, what is refused, and what a copy keeps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yaoma.core.canonical import Json, canonical
from yaoma.core.merkle import leaf_hash
from yaoma.core.record import MAX_BODY_BYTES, ClockState, Entry, Kind, Record, RecordError, Stamp

STAMP = Stamp(1_795_000_000_000, 12_345, "0123456789abcdef", ClockState.SYNCED)

GOLDEN_BODY = (
    b'{"boot":"0123456789abcdef","clock":"synced","code":"cn20:81234567890123456789","kind":"scan",'
    b'"log":"abcdefghijkmnpqr","mono_ms":12345,"reason":"\xe5\x9c\xa8\xe5\x86\x8c","seq":7,"v":1,'
    b'"verdict":"PASS","wall_ms":1795000000000}'
)
GOLDEN_LEAF = "e26e54075b973253f937243d563f085af00f2fc4552a7637769fa12fef4d712d"
GOLDEN_COPY = (
    b'{"boot":"0123456789abcdef","clock":"synced","kind":"copy","log":"zzzzzzzzzzzzzzzz","mono_ms":12345,'
    b'"origin":{"leaf":"e26e54075b973253f937243d563f085af00f2fc4552a7637769fa12fef4d712d","log":"abcdefghijkmnpqr","seq":7},"record":'
    + GOLDEN_BODY
    + b',"seq":2,"v":1,'
    b'"wall_ms":1795000000000}'
)

FIELDS: dict[str, Json] = {"code": "cn20:81234567890123456789", "verdict": "PASS", "reason": "在册"}

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec="ascii")), inner, max_size=4)
    ),
    max_leaves=12,
)
RESERVED = {"v", "log", "seq", "kind", "boot", "wall_ms", "mono_ms", "clock"}
OWN_FIELDS = st.dictionaries(
    st.text("abcdefgh_", min_size=1).filter(lambda name: name not in RESERVED), JSON, max_size=5
)
STAMPS = st.builds(
    Stamp,
    st.integers(-(2**53) + 1, 2**53 - 1),
    st.integers(0, 2**53 - 1),
    st.text("0123456789abcdef", min_size=16, max_size=16),
    st.sampled_from(ClockState),
)


def test_body_and_leaf_have_their_frozen_bytes() -> None:
    """The bytes of a record and of its copy never change: they are hashed into logs that exist."""
    record = Record.read(Entry(Kind.SCAN, FIELDS).body("abcdefghijkmnpqr", 7, STAMP))

    assert GOLDEN_BODY == record.body
    assert GOLDEN_LEAF == record.leaf.hex()
    assert GOLDEN_COPY == Record.copied(record).body("zzzzzzzzzzzzzzzz", 2, STAMP)


@given(OWN_FIELDS, STAMPS, st.integers(0, 2**53 - 1), st.sampled_from(Kind))
def test_record_is_read_as_it_was_written(fields: dict[str, Json], stamp: Stamp, seq: int, kind: Kind) -> None:
    """Every entry gives a body that reads back to the same place, time, kind and fields."""
    body = Entry(kind, fields).body("log1", seq, stamp)
    record = Record.read(body)

    assert ("log1", seq, kind, stamp, body) == (record.log, record.seq, record.kind, record.stamp, record.body)
    assert fields == {name: value for name, value in record.fields.items() if name not in RESERVED}


@given(OWN_FIELDS, st.integers(1, 5))
def test_copies_of_copies_keep_the_first_identity_bytes_and_leaf(fields: dict[str, Json], times: int) -> None:
    """However often a record is carried over, it counts as the first one and gives its exact bytes."""
    first = Record.read(Entry(Kind.SCAN, fields).body("log0", 3, STAMP))
    record = first
    for number in range(times):
        record = Record.read(Record.copied(record).body(f"log{number + 1}", number, STAMP))

    assert ("log0", 3) == record.identity
    assert first.body == record.original().body
    assert (first.leaf, leaf_hash(first.body)) == (record.original().leaf, first.leaf)
    origin = record.fields["origin"]
    assert isinstance(origin, dict)
    assert {"log": "log0", "seq": 3, "leaf": first.leaf.hex()} == origin


def changed(**changes: Json) -> bytes:
    """The golden body with fields changed; "ABSENT" leaves one out."""
    fields = {**Record.read(GOLDEN_BODY).fields, **changes}
    return canonical({name: value for name, value in fields.items() if value != "ABSENT"})


@pytest.mark.parametrize("name", sorted(RESERVED))
@pytest.mark.parametrize("value", ["ABSENT", None, True, -1.5, [], {}])
def test_record_without_a_field_that_every_record_has_is_refused(name: str, value: Json | float) -> None:
    """A missing field, or one of another type, makes it no record; `True` is no number."""
    body = changed(**{name: value}) if not isinstance(value, float) else GOLDEN_BODY.replace(b":7,", b":7.5,")
    with pytest.raises(RecordError):
        Record.read(body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        GOLDEN_BODY[:-1],
        GOLDEN_BODY + b"\n",
        b" " + GOLDEN_BODY,
        GOLDEN_BODY.replace(b'"v":1', b'"v":2'),
        GOLDEN_BODY.replace(b'"v":1', b'"v":true'),
        GOLDEN_BODY.replace(b'"seq":7', b'"seq":-7'),
        GOLDEN_BODY.replace(b'"seq":7', b'"seq":07'),
        GOLDEN_BODY.replace(b'"seq":7', b'"seq":9007199254740992'),
        GOLDEN_BODY.replace(b"synced", b"perfect"),
        GOLDEN_BODY.replace(b"\xe5\x9c\xa8", b"\\u5728"),
        GOLDEN_BODY.replace(b"\xe5\x9c\xa8", b"\xff"),
        GOLDEN_BODY.replace(b'"v":1', b'"v":1,"v":1'),
        b"[" * 100_000,
        changed(reason="x" * MAX_BODY_BYTES),
    ],
)
def test_bytes_that_are_no_canonical_record_are_refused(body: bytes) -> None:
    """What is cut, spaced, doubled, escaped, of another version or too long is refused in one way."""
    with pytest.raises(RecordError):
        Record.read(body)


@given(st.binary(max_size=300), st.integers(0, len(GOLDEN_BODY) - 1), st.integers(0, 255))
def test_any_bytes_are_read_or_refused(noise: bytes, place: int, byte: int) -> None:
    """No bytes make the reader fail in another way; what is read gives the same bytes again."""
    for body in (noise, GOLDEN_BODY[:place] + bytes([byte]) + GOLDEN_BODY[place + 1 :], GOLDEN_BODY[:place] + noise):
        try:
            record = Record.read(body)
        except RecordError:
            continue
        else:
            assert body == record.body == canonical(dict(record.fields))
