"""The receipt's frozen form: its exact bytes, whose signature counts, and what is refused."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from yaoma.core.canonical import Json, canonical, parse_canonical
from yaoma.core.checkpoint import Checkpoint
from yaoma.core.note import MAX_NOTE_BYTES, Signer
from yaoma_link.receipt import Outcome, OutcomeState, Receipt, ReceiptError

BRIDGE = Signer("yaoma/bridge", Ed25519PrivateKey.from_private_bytes(b"\x01" * 32))
STRANGER = Signer("yaoma/bridge", Ed25519PrivateKey.from_private_bytes(b"\x02" * 32))
VERIFIERS = [BRIDGE.verifier()]

RECEIPT = Receipt(
    site="H32132200561",
    box="counter-1",
    epoch=1,
    rseq=5,
    log="abcdefghijkmnpqr",
    stored_upto=40,
    root=bytes(range(32)),
    missing=((41, 43),),
    conflicts=(12,),
    outcomes=(Outcome((0, 40), "trace", OutcomeState.REFUSED, "no_such_code"),),
    made_ms=1_795_000_000_000,
)

GOLDEN_TEXT = (
    b'{"box":"counter-1","conflicts":[12],"epoch":1,"log":"abcdefghijkmnpqr","made_ms":1795000000000,'
    b'"missing":[[41,43]],"outcomes":[{"destination":"trace","from":0,"reason":"no_such_code","state":"refused",'
    b'"to":40}],"root":"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f","rseq":5,'
    b'"site":"H32132200561","stored_upto":40,"type":"yaoma/receipt/v1"}'
)
GOLDEN_SIGNATURE = "zzoKV1vZRUch6Alq5uL3z4WTPmvZy5L0Nz2T2EIMxkreKyL5rdxxKV9SZGG8dJOT2OXlGcBFpavF7q4uJ7g0K+9VpAw="
GOLDEN_PAYLOAD = GOLDEN_TEXT + f"\n\n\u2014 yaoma/bridge {GOLDEN_SIGNATURE}\n".encode()

PLACES = st.integers(0, 2**53 - 2)
SPANS = st.builds(lambda first, length: (first, min(first + length, 2**53 - 1)), PLACES, st.integers(1, 1000))
WORDS = st.text(st.characters(codec="utf-8"), max_size=20)
RECEIPTS = st.builds(
    Receipt,
    site=WORDS,
    box=WORDS,
    epoch=st.integers(1, 2**53 - 1),
    rseq=st.integers(1, 2**53 - 1),
    log=WORDS,
    stored_upto=PLACES,
    root=st.binary(min_size=32, max_size=32),
    missing=st.lists(SPANS, max_size=4).map(tuple),
    conflicts=st.lists(PLACES, max_size=4).map(tuple),
    outcomes=st.lists(st.builds(Outcome, SPANS, WORDS, st.sampled_from(OutcomeState), WORDS), max_size=4).map(tuple),
    made_ms=PLACES,
)


def test_receipt_has_its_frozen_bytes() -> None:
    """Ed25519 is deterministic: text and signature of a receipt never change."""
    assert GOLDEN_PAYLOAD == RECEIPT.signed(BRIDGE)
    assert RECEIPT == Receipt.opened(GOLDEN_PAYLOAD, VERIFIERS)


@given(RECEIPTS)
def test_receipt_is_opened_as_it_was_signed(receipt: Receipt) -> None:
    """Every receipt comes back equal."""
    assert receipt == Receipt.opened(receipt.signed(BRIDGE), VERIFIERS)


def test_receipt_by_a_stranger_is_refused() -> None:
    """Another key under the same name, or no known key at all, signs nothing that counts."""
    for payload, verifiers in (
        (RECEIPT.signed(STRANGER), VERIFIERS),
        (GOLDEN_PAYLOAD, []),
        (GOLDEN_PAYLOAD, [STRANGER.verifier()]),
    ):
        with pytest.raises(ReceiptError):
            Receipt.opened(payload, verifiers)


@given(st.integers(0, len(GOLDEN_TEXT) - 1), st.integers(1, 255))
def test_signed_text_with_a_changed_byte_is_refused(place: int, flip: int) -> None:
    """No byte of the text may change under the signature."""
    changed = bytearray(GOLDEN_PAYLOAD)
    changed[place] ^= flip
    with pytest.raises(ReceiptError):
        Receipt.opened(bytes(changed), VERIFIERS)


def test_every_cut_of_a_receipt_is_refused() -> None:
    """A receipt that lost its end is none."""
    for length in range(len(GOLDEN_PAYLOAD)):
        with pytest.raises(ReceiptError):
            Receipt.opened(GOLDEN_PAYLOAD[:length], VERIFIERS)


def test_note_of_another_type_by_the_right_key_is_no_receipt() -> None:
    """What the bridge signs for another purpose is not taken for a receipt."""
    state = BRIDGE.sign(canonical({**parse_canonical(GOLDEN_TEXT), "type": "yaoma/state/v1"}).decode() + "\n")
    checkpoint = Checkpoint("yaoma/bridge/log", 40, bytes(32)).signed(BRIDGE)
    for note in (state, checkpoint, BRIDGE.sign("hello\n"), BRIDGE.sign("{}\n"), BRIDGE.sign("\n")):
        with pytest.raises(ReceiptError):
            Receipt.opened(note.encode(), VERIFIERS)


def signed_with(**changes: Json) -> bytes:
    """The golden receipt with fields changed, signed by the bridge; "ABSENT" leaves one out."""
    fields = {name: value for name, value in {**parse_canonical(GOLDEN_TEXT), **changes}.items() if value != "ABSENT"}
    return BRIDGE.sign(canonical(fields).decode() + "\n").encode()


OUTCOME: dict[str, Json] = {"destination": "trace", "from": 0, "reason": "", "state": "accepted", "to": 4}


@pytest.mark.parametrize("name", list(parse_canonical(GOLDEN_TEXT)))
@pytest.mark.parametrize("value", ["ABSENT", None, True, {}, -1])
def test_signed_receipt_with_a_wrong_field_is_refused(name: str, value: Json) -> None:
    """Each field is looked at, though the signature is good; `True` is no number."""
    with pytest.raises(ReceiptError):
        Receipt.opened(signed_with(**{name: value}), VERIFIERS)


@pytest.mark.parametrize(
    "changes",
    [
        {"epoch": 0},
        {"rseq": 0},
        {"root": "00"},
        {"root": "zz" * 32},
        {"missing": [[3, 3]]},
        {"missing": [[4, 3]]},
        {"missing": [[1, 2, 3]]},
        {"missing": [5]},
        {"conflicts": ["5"]},
        {"conflicts": [True]},
        {"outcomes": [5]},
        {"outcomes": [{**OUTCOME, "state": "perhaps"}]},
        {"outcomes": [{**OUTCOME, "to": 0}]},
        {"outcomes": [{**OUTCOME, "reason": None}]},
        {"outcomes": [{"destination": "trace"}]},
    ],
)
def test_signed_receipt_with_a_wrong_value_is_refused(changes: dict[str, Json]) -> None:
    """Numbers from 1, whole roots, runs that are not empty, states that are known."""
    with pytest.raises(ReceiptError):
        Receipt.opened(signed_with(**changes), VERIFIERS)


def test_fields_of_a_later_version_are_passed_over() -> None:
    """A bridge that says more is understood as far as this box goes."""
    assert RECEIPT == Receipt.opened(signed_with(later={"x": [1]}), VERIFIERS)


@given(st.binary(max_size=400))
def test_any_bytes_are_opened_or_refused(noise: bytes) -> None:
    """No bytes make the box fail in another way, alone, before, or behind a receipt."""
    for payload in (noise, noise + GOLDEN_PAYLOAD, GOLDEN_PAYLOAD + noise):
        try:
            receipt = Receipt.opened(payload, VERIFIERS)
        except ReceiptError:
            continue
        assert receipt == RECEIPT


def test_ten_megabytes_are_refused_unread() -> None:
    """A payload beyond a note's limit is refused, signed or not."""
    huge = BRIDGE.sign("x" * MAX_NOTE_BYTES + "\n").encode()
    for payload in (bytes(10 << 20), b"\xff" * (10 << 20), huge, base64.b64encode(bytes(10 << 20))):
        with pytest.raises(ReceiptError):
            Receipt.opened(payload, VERIFIERS)
