"""The batch's frozen form: its exact bytes, what is refused, and that a bomb stays small."""

import tracemalloc
import zlib
from collections.abc import Mapping
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yaoma.core.canonical import Json, canonical
from yaoma_link import batch as form
from yaoma_link.batch import MAX_BATCH_RECORDS, Batch, BatchError, ReceiptMark

BATCH = Batch(
    "abcdefghijkmnpqr", 7, (b'{"a":1}', b'{"b":"\xe5\x9c\xa8"}'), "note\n", ReceiptMark(2, 9), {8: b"\x00\xff"}
)

GOLDEN_LINES = (
    b'{"checkpoint":"note\\n","count":2,"first":7,"log":"abcdefghijkmnpqr","receipts":{"epoch":2,"upto":9},'
    b'"sealed":{"8":"AP8="},"v":1}\n{"a":1}\n{"b":"\xe5\x9c\xa8"}\n'
)
#: One deflate stream of the lines with the dictionary of form 1; another compressor may write others, all are read.
GOLDEN_PAYLOAD = bytes.fromhex(
    "5901430d7450b4a6c6e429c103de081ef0e630bf262625a7a4a6a567646665e7e6151416618f08235844582247849205d000"
    "c7000b5b25a4284984450d50eee99c154ab55c00"
)

BODIES = st.lists(st.binary(max_size=80).filter(lambda body: b"\n" not in body), min_size=1, max_size=8).map(tuple)


def payload(header: Mapping[str, Json] | bytes, *bodies: bytes) -> bytes:
    """A payload with a header of one's own."""
    line = header if isinstance(header, bytes) else canonical(header)
    return squeezed(b"".join(one + b"\n" for one in (line, *bodies)))


def squeezed(lines: bytes) -> bytes:
    """Bytes as a payload of form 1."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_DEFAULT_STRATEGY, form._DICTIONARY)
    return b"Y\x01" + squeeze.compress(lines) + squeeze.flush()


HEADER: dict[str, Json] = {
    "checkpoint": None,
    "count": 1,
    "first": 7,
    "log": "a",
    "receipts": {"epoch": 0, "upto": 0},
    "sealed": {},
    "v": 1,
}


def test_batch_has_its_frozen_form() -> None:
    """The lines and the payload of form 1 never change, and payloads that exist are read for ever."""
    swell = zlib.decompressobj(-15, form._DICTIONARY)

    assert GOLDEN_LINES == swell.decompress(BATCH.packed()[2:])
    assert BATCH == Batch.unpacked(GOLDEN_PAYLOAD)
    assert BATCH == Batch.unpacked(BATCH.packed())


@given(BODIES, st.integers(0, 2**40), st.none() | st.text(st.characters(codec="utf-8")), st.binary(max_size=200))
def test_batch_is_read_as_it_was_packed(bodies: tuple[bytes, ...], first: int, note: str | None, blob: bytes) -> None:
    """Bodies travel byte for byte, also when they are no JSON; sealed identities and the checkpoint come along."""
    batch = Batch("log", first, bodies, note, ReceiptMark(3, 4), {first: blob, first + len(bodies) - 1: blob})

    assert batch == Batch.unpacked(batch.packed())
    assert first + len(bodies) == batch.end


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[(name, None) for name in HEADER if name != "checkpoint"],
        *[(name, True) for name in HEADER],
        ("v", 2),
        ("log", 5),
        ("first", -1),
        ("first", "7"),
        ("count", 0),
        ("count", 2),
        ("checkpoint", 5),
        ("receipts", {}),
        ("receipts", {"epoch": -1, "upto": 0}),
        ("receipts", {"epoch": 0, "upto": True}),
        ("sealed", []),
        ("sealed", {"6": "AA=="}),
        ("sealed", {"8": "AA=="}),
        ("sealed", {"-7": "AA=="}),
        ("sealed", {"x": "AA=="}),
        ("sealed", {"": "AA=="}),
        ("sealed", {"7": "A"}),
        ("sealed", {"7": 5}),
        ("sealed", {"07": "AA=="}),
        ("sealed", {"7" * 5000: "AA=="}),
    ],
)
def test_header_that_does_not_fit_is_refused(name: str, value: Json) -> None:
    """Each field of the header is looked at; `True` is no number."""
    with pytest.raises(BatchError):
        Batch.unpacked(payload({**HEADER, name: value}, b"{}"))


@pytest.mark.parametrize("name", [name for name in HEADER if name != "checkpoint"])
def test_header_without_a_field_is_refused(name: str) -> None:
    """A header lacks nothing but, at most, the checkpoint."""
    with pytest.raises(BatchError):
        Batch.unpacked(payload({key: value for key, value in HEADER.items() if key != name}, b"{}"))


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"Y",
        b"Y\x01",
        b"Y\x02" + GOLDEN_PAYLOAD[2:],
        b"X\x01" + GOLDEN_PAYLOAD[2:],
        GOLDEN_PAYLOAD + b"x",
        GOLDEN_PAYLOAD + GOLDEN_PAYLOAD,
        squeezed(b""),
        squeezed(b"\n"),
        squeezed(GOLDEN_LINES[:-1]),
        payload(b"[]", b"{}"),
        payload(b"\xff", b"{}"),
        payload(canonical(HEADER)),
        payload(b" " + canonical(HEADER), b"{}"),
        payload({**HEADER, "count": MAX_BATCH_RECORDS + 1}, *[b"{}"] * (MAX_BATCH_RECORDS + 1)),
    ],
)
def test_payload_of_another_form_is_refused(bad: bytes) -> None:
    """Other forms, cut or doubled payloads, and batches without records or with too many are refused."""
    with pytest.raises(BatchError):
        Batch.unpacked(bad)


def test_every_cut_of_a_payload_is_refused() -> None:
    """A payload that lost its end is never read as a shorter batch."""
    for length in range(len(GOLDEN_PAYLOAD)):
        with pytest.raises(BatchError):
            Batch.unpacked(GOLDEN_PAYLOAD[:length])


def test_bomb_is_refused_in_bounded_memory() -> None:
    """A payload that would unpack to a gigabyte is given up at 16 MiB."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = squeeze.compress(bytes(1 << 20)) + squeeze.flush(zlib.Z_FULL_FLUSH)
    bomb = b"Y\x01" + block * 1024 + squeeze.flush()
    assert zlib.decompressobj(-15).decompress(block * 3) == bytes(3 << 20)
    assert len(bomb) < 2 << 20
    tracemalloc.start()
    try:
        with pytest.raises(BatchError, match="too large"):
            Batch.unpacked(bomb)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 64 << 20


def test_ten_megabytes_of_noise_are_refused_whole_and_in_pieces() -> None:
    """Random bytes, with and without the form's mark, end in a refusal and in nothing else."""
    dice = Random(1)
    noise = dice.randbytes(10 << 20)
    pieces, start = [noise, b"Y\x01" + noise], 0
    while start < len(noise):
        step = dice.choice([1, 7, 100, 5000, 60_000])
        pieces.append(b"Y\x01" + noise[start : start + step])
        start += step
    for piece in pieces:
        with pytest.raises(BatchError):
            Batch.unpacked(piece)


@given(st.integers(0, len(GOLDEN_PAYLOAD) - 1), st.integers(0, 255))
def test_changed_byte_is_read_or_refused(place: int, byte: int) -> None:
    """A changed byte gives a refusal or a batch, never another failure; hashes tell what the batch is worth."""
    changed = GOLDEN_PAYLOAD[:place] + bytes([byte]) + GOLDEN_PAYLOAD[place + 1 :]
    try:
        batch = Batch.unpacked(changed)
    except BatchError:
        return
    assert batch == Batch.unpacked(batch.packed())
