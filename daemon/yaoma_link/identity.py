"""Identity: the keys that a box and a bridge sign and seal with; made where they are used, never leaving it."""

from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from yaoma.core.note import NoteError, Signer, Verifier
from yaoma.core.sealed import SealKey
from yaoma_link.keyfile import write_secret

__all__ = [
    "IdentityError",
    "SealingKey",
    "load_sealing_key",
    "load_signer",
    "load_verifiers",
    "make_sealing_key",
    "make_signer",
]


class IdentityError(Exception):
    """A file of the identity can't be used, a key, a certificate or the authority that it trusts: put it right.

    Args:
        file: Which one.
        problem: What is wrong with it.
        hint: What to do next.
    """

    def __init__(self, file: Path, problem: str, hint: str) -> None:
        super().__init__(f"{file}: {problem}. {hint}")
        self.file = file
        self.problem = problem
        self.hint = hint


@dataclass(frozen=True, slots=True)
class SealingKey:
    """An X25519 key pair to which identities are sealed (HPKE, RFC 9180; DESIGN.md 3, promise 5).

    Args:
        name: Whose key, such as `bridge` or `recovery`.
        key: The private key, kept out of the repr.
    """

    name: str
    key: X25519PrivateKey

    def __repr__(self) -> str:
        return f"SealingKey({self.public})"

    @property
    def public(self) -> SealKey:
        """The public half, to which others seal."""
        return SealKey.of(self.name, self.key)


def make_signer(file: Path, name: str) -> Signer:
    """Make an Ed25519 key and write it with mode 0600.

    Args:
        file: Where to.
        name: The key's name in signed notes, `<site>/<box>` for a box.

    Raises:
        FileExistsAlreadyError: If the file exists.
        NoteError: If a note can't carry the name.
    """
    signer = Signer(name, Ed25519PrivateKey.generate())
    write_secret(file, _pem(signer.key))
    return signer


def load_signer(file: Path, name: str) -> Signer:
    """Read an Ed25519 key.

    Raises:
        IdentityError: If the file is missing, unreadable or no such key.
        NoteError: If a note can't carry the name.
    """
    key = _load(file)
    if not isinstance(key, Ed25519PrivateKey):
        raise IdentityError(file, "is no Ed25519 key", "Name the signing key, or make one.")
    return Signer(name, key)


def load_verifiers(file: Path) -> tuple[Verifier, ...]:
    """Read a file of public keys, one verifier key a line; empty lines and lines that begin with # are passed over.

    Raises:
        IdentityError: If the file is missing, unreadable, empty, or a line is no key.
    """
    try:
        lines = file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise IdentityError(file, "could not be read", "Fetch the centre's public key file again.") from error
    try:
        found = tuple(Verifier.parse(line) for line in lines if line.strip() and not line.lstrip().startswith("#"))
    except NoteError as error:
        raise IdentityError(file, f"holds a line that is no key ({error})", "Fetch the file again.") from error
    if not found:
        raise IdentityError(file, "holds no key", "Fetch the centre's public key file again.")
    return found


def make_sealing_key(file: Path, name: str) -> SealingKey:
    """Make an X25519 key and write it with mode 0600.

    Raises:
        FileExistsAlreadyError: If the file exists.
    """
    sealing = SealingKey(name, X25519PrivateKey.generate())
    write_secret(file, _pem(sealing.key))
    return sealing


def load_sealing_key(file: Path, name: str) -> SealingKey:
    """Read an X25519 key.

    Raises:
        IdentityError: If the file is missing, unreadable or no such key.
    """
    key = _load(file)
    if not isinstance(key, X25519PrivateKey):
        raise IdentityError(file, "is no X25519 key", "Name the sealing key, or make one.")
    return SealingKey(name, key)


def _pem(key: Ed25519PrivateKey | X25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _load(file: Path) -> PrivateKeyTypes:
    try:
        return load_pem_private_key(file.read_bytes(), password=None)
    except OSError as error:
        raise IdentityError(file, f"could not be read ({error.strerror})", "Check the path and its rights.") from None
    except (ValueError, TypeError):
        raise IdentityError(file, "is no private key in PEM", "Restore it from its backup.") from None
