"""Key ring: the private sealing keys of the bridge, also replaced ones, and which of them opens an identity."""

from collections.abc import Iterable
from pathlib import Path

from yaoma.core.sealed import SealedError, open_sealed, sealed_to
from yaoma_link.identity import IdentityError, SealingKey, load_sealing_key

__all__ = ["KeyRing", "KeyUnknownError"]

_SUFFIX = ".seal"


class KeyUnknownError(SealedError):
    """An identity is sealed to keys that are not on the ring: find the key and try again; nothing is lost.

    Args:
        key_ids: The keys that would open it.
    """

    def __init__(self, key_ids: tuple[str, ...]) -> None:
        super().__init__(f"sealed to keys that are not here: {', '.join(key_ids) or 'none'}")
        self.key_ids = key_ids


class KeyRing:
    """Opens identities with whichever key they were sealed to.

    A box that was offline while a key was replaced seals to the old one until it hears of the new one, and delivers
    that later. So a replaced private key stays on the ring as long as a box may hold such records (DESIGN.md 10).

    Args:
        keys: The keys, old and new.
    """

    def __init__(self, keys: Iterable[SealingKey]) -> None:
        self._keys = {one.public.id: one.key for one in keys}

    @classmethod
    def load(cls, folder: Path) -> "KeyRing":
        """Read every `*.seal` file of a folder.

        Raises:
            IdentityError: If there is none, or one is unreadable or no X25519 key.
        """
        files = sorted(folder.glob(f"*{_SUFFIX}"))
        if not files:
            raise IdentityError(folder, f"holds no sealing key (*{_SUFFIX})", "Make one: yaoma-tools keys new-sealing.")
        return cls(load_sealing_key(file, file.stem) for file in files)

    @property
    def key_ids(self) -> frozenset[str]:
        """The ids of the keys."""
        return frozenset(self._keys)

    def open(self, blob: bytes, context: str) -> bytes:
        """Open a sealed identity.

        Args:
            blob: The sealed bytes.
            context: See `yaoma.core.sealed.person_context`.

        Raises:
            KeyUnknownError: If it is sealed to none of these keys; keep it and find the key.
            SealedError: If it was altered, or belongs to another box or log.
        """
        key_ids = sealed_to(blob)
        for key_id in key_ids:
            if key_id in self._keys:
                return open_sealed(blob, self._keys[key_id], context)
        raise KeyUnknownError(key_ids)
