"""Sealing: closes a person's identity as soon as it is read, so that this box can't read it back (promise 5)."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

from yaoma.core.canonical import Json
from yaoma.core.sealed import (
    Sealed,
    SealKey,
    SealKeyError,
    identity_hash,
    normalised_identity,
    seal_to,
)

__all__ = ["Sealer", "load_seal_keys"]

_SALT_BYTES = 16
_MAX_FILE_BYTES = 64 * 1024
_NO_FACTS: Final[Mapping[str, Json]] = MappingProxyType({})


class Sealer:
    """Seals identities to the bridge's key and to the offline recovery key.

    Args:
        keys: All of them can open what is sealed; at least one.
        salt: The box's secret salt of the hashes, at least 16 random bytes.

    Raises:
        ValueError: If there is no key, one key is named twice, or the salt is too short.
    """

    __slots__ = ("_keys", "_salt")

    def __init__(self, keys: Sequence[SealKey], salt: bytes) -> None:
        if not keys or len({key.id for key in keys}) != len(keys):
            raise ValueError("there must be at least one key to seal to, and none twice")
        if len(salt) < _SALT_BYTES:
            raise ValueError(f"the salt must have at least {_SALT_BYTES} bytes")
        self._keys = tuple(keys)
        self._salt = salt

    @property
    def key_ids(self) -> tuple[str, ...]:
        """The ids of the keys, as records name them."""
        return tuple(key.id for key in self._keys)

    def seal(self, identity: bytes, context: str, facts: Mapping[str, Json] = _NO_FACTS) -> Sealed:
        """Seal one identity.

        Args:
            identity: As it was scanned.
            context: See `yaoma.core.sealed.person_context`.
            facts: What the record may say of it beside hash and key ids, such as `Identity.facts`.
        """
        number = normalised_identity(identity)
        blob = seal_to(self._keys, number, context)
        return Sealed(
            blob,
            {
                **facts,
                "hash": identity_hash(self._salt, number),
                "sealed": hashlib.sha256(blob).hexdigest(),
                "keys": list(self.key_ids),
            },
        )


def load_seal_keys(path: Path) -> tuple[SealKey, ...]:
    """Read a file of public keys: one `name+id+x25519:base64` a line; empty lines and `#` lines are passed over.

    Raises:
        SealKeyError: If a line is no key; the sentence names its number.
        OSError: If the file can't be read.
    """
    with path.open("rb") as stream:
        content = stream.read(_MAX_FILE_BYTES + 1)
    if len(content) > _MAX_FILE_BYTES:
        raise SealKeyError(f"{path.name} is too long to be a file of keys")
    keys = []
    for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            keys.append(SealKey.parse(line))
        except SealKeyError as error:
            raise SealKeyError(f"{path.name}, line {number}: {error}") from None
    return tuple(keys)
