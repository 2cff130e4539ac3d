"""Checkpoints: a log's size and root in a signed note (C2SP tlog-checkpoint)."""

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass

from yaoma.core.merkle import HASH_BYTES, Frontier
from yaoma.core.note import NoteError, Signer, Verifier, open_note

__all__ = ["Checkpoint", "box_key_name", "log_origin"]


def box_key_name(site: str, box: str) -> str:
    """Name the key with which a box signs its checkpoints."""
    return f"yaoma/v1/{site}/{box}"


def log_origin(site: str, box: str, log: str) -> str:
    """Name one log of one box in the whole world: the first line of its checkpoints."""
    return f"{box_key_name(site, box)}/{log}"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log promises: so many records, this root.

    Args:
        origin: The log, as `log_origin` names it.
        size: Number of records.
        root: RFC 6962 tree hash of them.
    """

    origin: str
    size: int
    root: bytes

    @classmethod
    def of(cls, origin: str, frontier: Frontier) -> "Checkpoint":
        """Take a checkpoint of a log at its frontier."""
        return cls(origin, frontier.size, frontier.root())

    def signed(self, signer: Signer) -> str:
        """Give the signed note."""
        return signer.sign(f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n")

    @classmethod
    def opened(cls, note: str, verifiers: Iterable[Verifier]) -> "Checkpoint":
        """Check a signed checkpoint and read it.

        Raises:
            NoteError: If the signature or the form is wrong.
        """
        lines = open_note(note, verifiers).split("\n")
        try:
            origin, size, root = lines[0], int(lines[1]), base64.b64decode(lines[2], validate=True)
        except (IndexError, ValueError, binascii.Error):
            raise NoteError("a checkpoint is three lines: origin, size, root") from None
        if str(size) != lines[1] or size < 0 or len(root) != HASH_BYTES or not origin:
            raise NoteError("a checkpoint's size is a plain number and its root a SHA-256 hash")
        return cls(origin, size, root)
