"""Sealed: the form in which a person's identity leaves the recorder, and how the holder of a key opens it."""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from yaoma.core.canonical import Json, NotCanonicalError, canonical, parse_canonical

__all__ = [
    "SealKey",
    "SealKeyError",
    "Sealed",
    "SealedError",
    "identity_hash",
    "normalised_identity",
    "open_sealed",
    "person_context",
    "seal_to",
    "sealed_to",
]

TYPE: Final = "yaoma/person/v1"
_SUITE_NAME: Final = "x25519-hkdfsha256-chacha20poly1305"
_SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)

_FORM: Final = "x25519:"
_KEY_BYTES: Final = 32
_ID_DIGITS: Final = 8
_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,32}")
_AIM: Final = re.compile(rb"\A\][A-Za-z][0-9A-Za-z]")


class SealKeyError(ValueError):
    """A line of a key file is no key to seal to."""


class SealedError(ValueError):
    """The sealed bytes can't be opened: not sealed to this key, for another box, or altered; nothing is quoted."""


@dataclass(frozen=True, slots=True)
class SealKey:
    """A public key to seal identities to (X25519); its text form is `name+id+x25519:base64`.

    Args:
        name: Who holds the private half, such as `bridge` or `recovery`.
        public: 32 bytes.

    Raises:
        SealKeyError: If name or key are malformed.
    """

    name: str
    public: bytes

    def __post_init__(self) -> None:
        """Refuse what is no key."""
        if not _NAME.fullmatch(self.name):
            raise SealKeyError("a key's name is 1-32 letters, digits, dots, dashes or underlines")
        if len(self.public) != _KEY_BYTES:
            raise SealKeyError("an X25519 public key has 32 bytes")

    @classmethod
    def of(cls, name: str, private: X25519PrivateKey) -> "SealKey":
        """Give the public half of a private key."""
        return cls(name, private.public_key().public_bytes_raw())

    @property
    def id(self) -> str:
        """The first 8 bytes of the key's SHA-256, in hexadecimal."""
        return _key_id(self.public)

    def __str__(self) -> str:
        """Give the text form, one line of a key file."""
        return f"{self.name}+{self.id}+{_FORM}{base64.b64encode(self.public).decode()}"

    @classmethod
    def parse(cls, text: str) -> "SealKey":
        """Read the text form; the id may be cut to its first 8 digits, as a person would copy it.

        Raises:
            SealKeyError: If the text is no key, or its id does not fit.
        """
        try:
            name, key_id, encoded = text.strip().split("+", 2)
            key = cls(name, base64.b64decode(encoded.removeprefix(_FORM), validate=True))
        except (binascii.Error, ValueError):
            raise SealKeyError("a key to seal to reads name+id+x25519:base64 of 32 bytes") from None
        if len(key_id) < _ID_DIGITS or not encoded.startswith(_FORM) or not key.id.startswith(key_id):
            raise SealKeyError(f"the id of the key {name} does not fit its bytes")
        return key


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed identity.

    Args:
        blob: Canonical JSON with one ciphertext for each key; lies beside the record and can be erased.
        fields: For the record: salted hash, SHA-256 of the blob, ids of the keys.
    """

    blob: bytes = field(repr=False)
    fields: dict[str, Json]


def person_context(site: str, box: str, log: str) -> str:
    """Name what a sealed identity belongs to, so that it can't be moved to another box or log unseen.

    Args:
        site: The institution's code.
        box: The device id.
        log: The log in which its record was first written; of a copy, that of the original.
    """
    return f"{site}|{box}|{log}"


def normalised_identity(data: bytes) -> bytes:
    """Write a number in one way only, so that the same person has the same hash.

    Args:
        data: As a scanner delivered it: maybe with AIM identifier, blanks, a small x as check digit.
    """
    return _AIM.sub(b"", data.strip()).strip().upper()


def identity_hash(salt: bytes, identity: bytes) -> str:
    """Give the salted hash by which two scans of one person can be joined.

    There are few enough numbers to try them all, so the salt is a secret (HMAC-SHA256).
    """
    return hmac.new(salt, identity, hashlib.sha256).hexdigest()


def seal_to(keys: Sequence[SealKey], identity: bytes, context: str) -> bytes:
    """Seal an identity to each key by itself (HPKE base mode, RFC 9180).

    Args:
        keys: To whom.
        identity: The number.
        context: See `person_context`.
    """
    return canonical(
        {
            "type": TYPE,
            "suite": _SUITE_NAME,
            "to": [
                {
                    "key": key.id,
                    "hpke": base64.b64encode(
                        _SUITE.encrypt(
                            identity, X25519PublicKey.from_public_bytes(key.public), info=_binding(context, key.id)
                        )
                    ).decode(),
                }
                for key in keys
            ],
        }
    )


def sealed_to(blob: bytes) -> tuple[str, ...]:
    """Give the ids of the keys that an identity is sealed to.

    Raises:
        SealedError: If the bytes are no sealed identity.
    """
    return tuple(key for key, _ in _recipients(blob))


def open_sealed(blob: bytes, private_key: X25519PrivateKey, context: str) -> bytes:
    """Open what `seal_to` made.

    Args:
        blob: The sealed bytes.
        private_key: The private half of one of the keys.
        context: The same as when it was sealed.

    Raises:
        SealedError: If it is not sealed to this key, for another context, or altered.
    """
    key_id = _key_id(private_key.public_key().public_bytes_raw())
    for one, encoded in _recipients(blob):
        if one == key_id:
            try:
                ciphertext = base64.b64decode(encoded, validate=True)
                return bytes(_SUITE.decrypt(ciphertext, private_key, info=_binding(context, key_id)))
            except (InvalidTag, ValueError):
                raise SealedError("altered, or sealed for another box or log") from None
    raise SealedError(f"not sealed to the key {key_id}")


def _recipients(blob: bytes) -> list[tuple[str, str]]:
    try:
        outer = parse_canonical(blob)
    except NotCanonicalError:
        raise SealedError("these bytes are no sealed identity") from None
    listed = outer.get("to")
    if outer.get("type") != TYPE or outer.get("suite") != _SUITE_NAME or not isinstance(listed, list):
        raise SealedError("these bytes are no sealed identity of a form that is known here")
    found = []
    for one in listed:
        if isinstance(one, dict):
            key, encoded = one.get("key"), one.get("hpke")
            if isinstance(key, str) and isinstance(encoded, str):
                found.append((key, encoded))
    return found


def _key_id(public: bytes) -> str:
    return hashlib.sha256(public).digest()[:8].hex()


def _binding(context: str, key_id: str) -> bytes:
    return f"{TYPE}|{context}|{key_id}".encode()
