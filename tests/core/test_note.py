"""Signed notes and checkpoints: who signed what, and nothing else."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from yaoma.core.checkpoint import Checkpoint, log_origin
from yaoma.core.merkle import Frontier, leaf_hash
from yaoma.core.note import NoteError, Signer, Verifier, open_note

BOX = Signer("yaoma/v1/S1/b1", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
STRANGER = Signer("yaoma/v1/S1/b1", Ed25519PrivateKey.from_private_bytes(bytes(32)))


def test_published_note_of_c2sp_opens() -> None:
    """The example of the C2SP signed-note page verifies with its published key."""
    key = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    note = (
        "If you think cryptography is the answer to your problem,\n"
        "then you don't know what your problem is.\n"
        "\n"
        "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgK"
        "vqfqdngotpRZb6KE6RyyBwJnAM=\n"
    )

    assert open_note(note, [Verifier.parse(key)]).startswith("If you think")
    assert key == str(Verifier.parse(key))


@given(st.text(st.characters(min_codepoint=32, exclude_categories=("Cs", "Cc")), max_size=80))
def test_note_round_trips_any_printable_text(text: str) -> None:
    """What was signed comes back, whatever characters it has."""
    assert f"{text}\n" == open_note(BOX.sign(f"{text}\n"), [BOX.verifier()])


@given(place=st.integers(0, 10**6), bit=st.integers(0, 6))
def test_note_with_one_bit_changed_never_opens_to_another_text(place: int, bit: int) -> None:
    """A changed note is refused, or still says exactly what was signed (an unknown key's name was touched)."""
    note = BOX.sign("S1/b1\n12\nroot\n")
    at = place % len(note)
    changed = note[:at] + chr(ord(note[at]) ^ (1 << bit)) + note[at + 1 :]
    try:
        assert open_note(changed, [BOX.verifier()]) == "S1/b1\n12\nroot\n"
    except NoteError:
        return
    assert note == changed


def test_note_by_a_stranger_with_the_same_name_is_refused() -> None:
    """A key's name is not enough: its hash must fit too."""
    with pytest.raises(NoteError, match="no known key"):
        open_note(STRANGER.sign("hello\n"), [BOX.verifier()])


@pytest.mark.parametrize(
    "note",
    [
        "",
        "text\n",
        "text\n\n\u2014 name\n",
        "text\n\n\u2014 name !!!\n",
        "t\n\n\u2014 n AAAAAAAA",
        "x" * (1 << 21),
    ],
)
def test_malformed_note_is_refused(note: str) -> None:
    """No signature, half a line, broken base64, no last newline, far too long."""
    with pytest.raises(NoteError):
        open_note(note, [BOX.verifier()])


@pytest.mark.parametrize(
    "text", ["", "a+b", "a+00000000+!!", "a+00000000+" + base64.b64encode(b"\x02" + bytes(32)).decode()]
)
def test_malformed_verifier_key_is_refused(text: str) -> None:
    """Missing parts, broken base64, another algorithm, a hash that does not fit."""
    with pytest.raises(NoteError):
        Verifier.parse(text)
    with pytest.raises(NoteError, match="hash"):
        Verifier.parse(
            str(BOX.verifier()).replace("+", "+00", 1)[: -0 or None].replace("+00", "+", 1).replace("b1+", "b2+")
        )
    with pytest.raises(NoteError, match="32 bytes"):
        Verifier("n", b"short")


@pytest.mark.parametrize("text", ["no newline", "tab\there\n", "nul\0\n"])
def test_text_that_a_note_cannot_carry_is_refused(text: str) -> None:
    """The last line ends with a newline and control characters are not allowed."""
    with pytest.raises(NoteError, match="newline"):
        BOX.sign(text)
    with pytest.raises(NoteError, match="name"):
        Signer("with space", BOX.key)


def test_checkpoint_round_trips() -> None:
    """Origin, size and root come back from the signed form."""
    checkpoint = Checkpoint.of(log_origin("S1", "b1", "abc"), Frontier().appended(leaf_hash(b"x")))

    assert checkpoint == Checkpoint.opened(checkpoint.signed(BOX), [BOX.verifier()])
    assert checkpoint.origin == "yaoma/v1/S1/b1/abc"


@pytest.mark.parametrize(
    "text", ["o\n", "o\n1\n", "o\n01\nAAAA\n", "o\n1\nAAAA\n", "o\n-1\n" + "A" * 43 + "=\n", "\n1\nx\n"]
)
def test_checkpoint_of_wrong_form_is_refused(text: str) -> None:
    """Missing lines, a padded number, a short root, a negative size, an empty origin."""
    with pytest.raises(NoteError, match="checkpoint"):
        Checkpoint.opened(BOX.sign(text), [BOX.verifier()])
