"""State messages: signed, numbered, for one box, and never with half of what they say."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fakes.news import PACKS, message
from yaoma.core.canonical import canonical
from yaoma.core.note import Signer
from yaoma_link.state import MAX_STATE_BYTES, StateError, StateMessage, read_news

SIGNER = Signer("yaoma-bridge", Ed25519PrivateKey.from_private_bytes(bytes([5]) * 32))
STRANGER = Signer("yaoma-bridge", Ed25519PrivateKey.from_private_bytes(bytes([6]) * 32))
TRUSTED = [SIGNER.verifier()]


def fields() -> dict[str, Any]:
    """What a good message says."""
    return dict(json.loads(message().signed(SIGNER).decode().split("\n", 1)[0]))


def signed(said: dict[str, Any]) -> bytes:
    """Sign anything."""
    return SIGNER.sign(f"{canonical(said).decode()}\n").encode()


def test_message_read_back_is_the_same() -> None:
    """What the bridge signs is what the box reads."""
    assert message() == StateMessage.opened(message().signed(SIGNER), TRUSTED)


def test_message_of_a_stranger_is_refused() -> None:
    """A key of the same name does not help."""
    with pytest.raises(StateError):
        StateMessage.opened(message().signed(STRANGER), TRUSTED)


def test_every_flipped_byte_is_refused() -> None:
    """No byte of the text can be changed."""
    payload = message().signed(SIGNER)
    text = payload.index(b"\n\n")
    for place in range(0, text, 7):
        forged = payload[:place] + bytes([payload[place] ^ 1]) + payload[place + 1 :]
        with pytest.raises(StateError):
            StateMessage.opened(forged, TRUSTED)


@pytest.mark.parametrize(
    "change",
    [
        {"type": "yaoma/receipt/v1"},
        {"number": 0},
        {"epoch": 0},
        {"epoch": "1"},
        {"made_ms": -1},
        {"site": 7},
        {"shipments": {}},
        {"shipments": [7]},
        {"shipments": [{"id": "x"}]},
        {"statuses": [{"code": PACKS[0], "status": "Z", "at_ms": 1}]},
        {"statuses": [{"code": "8123", "status": "A", "at_ms": 1}]},
        {"denials": [{"key": "k", "lot": "", "kind": "whim", "note": ""}]},
        {"merges": [{"code": PACKS[0], "operation": "dispense", "at_ms": 1}]},
        {"merges": [{}] * 10_001},
    ],
)
def test_form_that_is_wrong_is_refused(change: dict[str, Any]) -> None:
    """The bridge's signature does not make a malformed message good; no code is named."""
    with pytest.raises(StateError) as refused:
        StateMessage.opened(signed({**fields(), **change}), TRUSTED)

    assert PACKS[0].removeprefix("cn20:") not in str(refused.value)


def test_field_that_is_not_known_is_passed_over() -> None:
    """A later bridge may say more."""
    assert message() == StateMessage.opened(signed({**fields(), "weather": "fine"}), TRUSTED)


def test_message_that_no_broker_takes_is_neither_made_nor_read() -> None:
    """Its size is bounded on both sides."""
    long = {**fields(), "extra": "x" * MAX_STATE_BYTES}
    with pytest.raises(StateError, match="bytes"):
        StateMessage.opened(signed(long), TRUSTED)


def test_parts_may_be_missing() -> None:
    """A message that only lifts a denial says just that."""
    news = read_news({"denials": [{"key": "cn20:8123457", "lot": "", "kind": "", "note": ""}]})

    assert {("cn20:8123457", ""): None} == news.denials
    assert [] == [*news.shipments, *news.statuses, *news.merges]
