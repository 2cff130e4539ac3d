"""Signed notes (C2SP signed-note), Ed25519: the one form of signature that Yaoma uses."""

import base64
import binascii
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

__all__ = ["MAX_NOTE_BYTES", "NoteError", "Signer", "Verifier", "open_note"]

#: A longer note is refused unread.
MAX_NOTE_BYTES = 1 << 20

_ED25519 = b"\x01"
_MARK = "\u2014 "


class NoteError(ValueError):
    """The note is malformed, or no known key has signed it."""


def _key_hash(name: str, key: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + key).digest()[:4]


def _check_name(name: str) -> None:
    if not name or not name.isprintable() or any(letter.isspace() or letter == "+" for letter in name):
        raise NoteError("a key's name is printable text without spaces and plus signs")


@dataclass(frozen=True, slots=True)
class Signer:
    """A named Ed25519 private key."""

    name: str
    key: Ed25519PrivateKey

    def __post_init__(self) -> None:
        """Refuse a name that a note can't carry."""
        _check_name(self.name)

    def verifier(self) -> "Verifier":
        """Give the public half."""
        return Verifier(self.name, self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))

    def sign(self, text: str) -> str:
        """Sign a text and give the whole note.

        Args:
            text: Lines without control characters, the last one ended by a newline.

        Raises:
            NoteError: If a note can't carry this text.
        """
        if not text.endswith("\n") or any(ord(letter) < ord(" ") and letter != "\n" for letter in text):
            raise NoteError("a note's text ends with a newline and holds no other control character")
        public = self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        signature = _key_hash(self.name, public) + self.key.sign(text.encode())
        return f"{text}\n{_MARK}{self.name} {base64.b64encode(signature).decode()}\n"


@dataclass(frozen=True, slots=True)
class Verifier:
    """A named Ed25519 public key; its text form is `name+hash+base64`, as C2SP signed-note writes it."""

    name: str
    key: bytes

    def __post_init__(self) -> None:
        """Refuse what is no key."""
        _check_name(self.name)
        if len(self.key) != 32:  # noqa: PLR2004 - RFC 8032: an Ed25519 public key has 32 bytes
            raise NoteError("an Ed25519 public key has 32 bytes")

    def __str__(self) -> str:
        """Give the text form."""
        return f"{self.name}+{_key_hash(self.name, self.key).hex()}+{base64.b64encode(_ED25519 + self.key).decode()}"

    @classmethod
    def parse(cls, text: str) -> "Verifier":
        """Read the text form.

        Raises:
            NoteError: If the text is no Ed25519 verifier key, or its hash does not fit.
        """
        try:
            name, key_hash, encoded = text.strip().split("+", 2)
            data = base64.b64decode(encoded, validate=True)
        except (ValueError, binascii.Error):
            raise NoteError("a verifier key reads name+hash+base64") from None
        if data[:1] != _ED25519:
            raise NoteError("only Ed25519 keys (algorithm 1) are known")
        verifier = cls(name, data[1:])
        if _key_hash(name, verifier.key).hex() != key_hash:
            raise NoteError("the hash in the verifier key does not fit its name and key")
        return verifier


def open_note(note: str, verifiers: Iterable[Verifier], *, max_bytes: int = MAX_NOTE_BYTES) -> str:
    """Check a note and give its text.

    One good signature by a known key is enough; lines by unknown keys are passed over (C2SP signed-note).

    Args:
        note: The note.
        verifiers: The keys that are known.
        max_bytes: A longer note is refused unread.

    Raises:
        NoteError: If the note is malformed, a known key's signature is wrong, or no known key has signed.
    """
    if len(note) > max_bytes:
        raise NoteError(f"a note has at most {max_bytes} bytes")
    text, mark, block = note.rpartition(f"\n\n{_MARK}")
    if not mark or not block.endswith("\n"):
        raise NoteError("a note is a text, an empty line and signature lines")
    text += "\n"
    known = {(one.name, _key_hash(one.name, one.key)): one for one in verifiers}
    good = False
    for line in f"{_MARK}{block}"[:-1].split("\n"):
        name, space, encoded = line.removeprefix(_MARK).partition(" ")
        try:
            data = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            data = b""
        # One form only: base64 that ends in stray bits would be another text of the same signature.
        exact = base64.b64encode(data).decode() == encoded
        if not (line.startswith(_MARK) and space and exact and len(data) >= 5):  # noqa: PLR2004 - a hash of 4 and more
            raise NoteError("a signature line reads: dash, name, base64")
        verifier = known.get((name, data[:4]))
        if verifier is None:
            continue
        try:
            Ed25519PublicKey.from_public_bytes(verifier.key).verify(data[4:], text.encode())
        except InvalidSignature:
            raise NoteError(f"the signature by {name} is wrong") from None
        good = True
    if not good:
        raise NoteError("no known key has signed this note")
    return text
